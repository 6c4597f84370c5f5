/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/running.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "port/files.h"
#include "port/zones.h"

void running_done(struct running *run)
{
	manual_rules_done(&run->manual);
	image_free(run->image);
	geo_tables_done(&run->tables);
	vendor_files_free(run->vendors);
	zones_free(run->zones_cache);
	policy_set_free(run->set);
	*run = (struct running){ 0 };
}

static int find_zone(struct running *run, struct diag_list *diags)
{
	const char *name = run->set->site.timezone;
	int r;

	run->zones_cache = zones_new(NULL);
	if (!name)
		zones_local(run->zones_cache, &run->zone, &name);
	else if (zones_get(run->zones_cache, name, &run->zone) < 0)
		run->zone = NULL;
	if (!run->zone) {
		diag_add(diags, run->set, DIAG_ERROR,
			 name ? run->set->site.timezone_pos : run->set->site.pos,
			 "names are those of /usr/share/zoneinfo, such as \"Africa/Addis_Ababa\"",
			 "there is no time zone '%s' on this machine",
			 name ? name : "/etc/localtime");
		return -EINVAL;
	}
	if (run->set->site.timezone)
		zones_set_site(run->zones_cache, run->set->site.timezone);
	run->zone_source = zones_source(run->zones_cache);
	r = 0;
	for (size_t i = 0; i < run->set->windows.n; i++) {
		const struct window *w = &run->set->windows.v[i];

		if (!w->zone || run->zone_source.get(run->zone_source.arg, w->zone))
			continue;
		diag_add(diags, run->set, DIAG_ERROR, w->pos, NULL,
			 "there is no time zone '%s' on this machine", w->zone);
		r = -EINVAL;
	}
	return r;
}

int running_read(const char *path, struct running *ret, struct diag_list *diags)
{
	_cleanup_running_ struct running run = { 0 };
	size_t errors = diag_errors(diags);
	int r;

	r = policy_parse(&policy_io_files, path, &run.set, diags);
	if (r < 0)
		return r;
	policy_check(run.set, &policy_io_files, diags);
	run.vendors = vendor_files_new(NULL);
	r = find_zone(&run, diags);
	if (r < 0 || diag_errors(diags) > errors)
		return -EINVAL;
	*ret = run;
	run = (struct running){ 0 };
	return 0;
}

int running_load_geo(struct running *run, struct diag_list *diags)
{
	int r = geo_load(run->set, NULL, NULL, &run->tables, diags);

	if (r < 0)
		return -EINVAL;
	run->geo = run->tables.view;
	return 0;
}

void running_check_here(const struct running *run, const struct net_state *net, struct utc now,
			struct diag_list *diags)
{
	_cleanup_free_ const char **names = xcalloc(net->links.n, sizeof(*names));

	for (size_t i = 0; i < net->links.n; i++)
		names[i] = net->links.v[i].name;
	policy_check_interfaces(run->set, names, net->links.n, diags);
	policy_check_dates(run->set, zone_to_civil(run->zone, now).date, diags);
}

int running_compile(const struct running *run, const struct machine *machine,
		    const struct manual_book *book, struct utc now, struct image **ret_image,
		    struct manual_rules *ret_manual, struct diag_list *diags, char **ret_error)
{
	struct vendor_source vendors = vendor_files_source(run->vendors);
	struct manual_rules manual = { 0 };
	struct image_input in = {
		.set = run->set,
		.geo = run->geo,
		.machine = machine,
		.manual = &manual.list,
		.zones = &run->zone_source,
		.geo_missing = run->geo_missing,
		.vendors = &vendors,
		.now = now,
		.days = RUNNING_DAYS,
		.warn = run->warn,
	};
	int r;

	if (book) {
		r = manual_read(book, run->set, &manual, ret_error);
		if (r < 0)
			return r;
	}
	r = image_compile(&in, ret_image, diags);
	if (r < 0) {
		manual_rules_done(&manual);
		return r;
	}
	*ret_manual = manual;
	return 0;
}

int running_compile_here(struct running *run, struct utc now, struct diag_list *diags)
{
	_cleanup_machine_ struct machine machine = { 0 };
	struct manual_rules manual = { 0 };
	struct image *image = NULL;
	struct net_state net = { 0 };
	char *error = NULL;
	int r;

	/* Addresses and routes only help: a policy is checked on other machines too. */
	if (net_state_read(&net) == 0) {
		machine_build(&net, run->set, &machine);
		if (run->warn)
			running_check_here(run, &net, now, diags);
	}
	net_state_done(&net);
	r = running_compile(run, &machine, NULL, now, &image, &manual, diags, &error);
	free(error);
	if (r == 0)
		running_adopt(run, image, &manual);
	return r;
}

void running_adopt(struct running *run, struct image *image, struct manual_rules *manual)
{
	image_free(run->image);
	manual_rules_done(&run->manual);
	run->image = image;
	run->manual = *manual;
	*manual = (struct manual_rules){ 0 };
}

void diags_append(const struct diag_list *diags, struct buf *out)
{
	diag_print(diags, out);
	if (out->n && out->s[out->n - 1] != '\n')
		buf_puts(out, "\n");
}
