/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/in_force.h"

#include <errno.h>
#include <string.h>

#include "app/daemon/last_good.h"
#include "app/running.h"
#include "app/show/json_util.h"
#include "port/files.h"
#include "port/zones.h"

#define CUTS_MAX 10000 /* keys that are looked at */

/* The daemon's text stands where its file stands, so that relative paths lead to the same places.
 */
struct reply_files {
	char *directory; /* with its slash; "" */
	char *path;
	const json_t *reply;
};

/* The element that speaks of the file at `path`, as the set names it. */
static const json_t *read_by_daemon(const struct reply_files *f, const char *list, const char *path)
{
	size_t n = strlen(f->directory), i;
	const json_t *v;

	json_array_foreach(json_object_get(f->reply, list), i, v)
	{
		const char *file = json_get_text(v, "file") ?: "";
		const char *full = *file == '/' || strncmp(path, f->directory, n) ? path : path + n;

		if (!strcmp(full, file))
			return v;
	}
	return NULL;
}

/* Of lists the daemon tells what it has read, not what is there by now; of long ones in short. */
static int read_in_force(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct reply_files *f = arg;
	const json_t *dates = read_by_daemon(f, "date_files", path);
	const char *text = NULL;

	if (!strcmp(path, f->path))
		text = json_string_value(json_object_get(f->reply, "text"));
	else if (dates)
		text = json_string_value(json_object_get(dates, "dates"));
	else if (!read_by_daemon(f, "lists", path))
		return policy_io_files.read_file(policy_io_files.arg, path, ret_text, ret_size);
	*ret_text = xstrdup(text ? text : "");
	*ret_size = strlen(*ret_text);
	return 0;
}

static void read_facts(const json_t *reply, struct list_facts *ret)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(reply, "lists"), i, v)
	{
		const char *digest = json_get_text(v, "digest") ?: "";

		*VEC_ADD(ret) = (struct list_fact){
			.file = xstrdup(json_get_text(v, "file") ?: ""),
			.digest = { strtoull(digest, NULL, 16), json_get_count(v, "entries") },
		};
	}
}

int in_force_parse(const struct policy_io *io, const char *path, struct policy_set **ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf text = { 0 };

	if (policy_parse(io, path, ret, &diags) == 0)
		return EXIT_FINE;
	diags_append(&diags, &text);
	fputs(buf_text(&text), stderr);
	return EXIT_USAGE;
}

void in_force_done(struct in_force *f)
{
	policy_set_free(f->set);
	list_facts_done(&f->facts);
	json_decref(f->reply);
}

static int parse_reply(const struct cli *cli, const json_t *reply, struct in_force *ret)
{
	const char *slash = strrchr(cli->config, '/');
	struct reply_files f = {
		.directory = xstrndup(cli->config, slash ? (size_t)(slash - cli->config) + 1 : 0),
		.reply = reply,
	};
	struct policy_io io = { read_in_force, policy_io_files.glob, &f };
	int r;

	f.path = xprintf("%s(in force)", f.directory);
	r = in_force_parse(&io, f.path, &ret->set);
	read_facts(reply, &ret->facts);
	/* by the daemon's clock */
	if (json_get_count(reply, "now"))
		ret->now.s = (int64_t)json_get_count(reply, "now");
	free(f.path);
	free(f.directory);
	return r;
}

int in_force_try(const struct cli *cli, unsigned int timeout_ms, struct in_force *ret)
{
	int r = client_ask(cli, "config", NULL, timeout_ms, &ret->reply);

	return r ? r : parse_reply(cli, ret->reply, ret);
}

int in_force_read(const struct cli *cli, struct in_force *ret)
{
	_cleanup_free_ char *kept = NULL;
	int r = in_force_try(cli, IN_FORCE_MS, ret);

	if (r >= 0)
		return r;
	if (last_good_path(cli->state_dir, &kept) < 0) {
		cmd_error("the daemon is not running, and no earlier configuration is kept in %s",
			  cli->state_dir);
		return EXIT_NOT_RUNNING;
	}
	cmd_error("the daemon is not running: compared with the last configuration it had");
	return in_force_parse(&policy_io_files, kept, &ret->set);
}

/* Each set by the zones of its own site. */
static void compare_periods(const struct policy_set *before, const struct policy_set *after,
			    struct utc now, struct policy_diff *d)
{
	struct zones *zones_before = zones_new(NULL), *zones_after = zones_new(NULL);
	struct zone_source source_before = zones_source(zones_before);
	struct zone_source source_after = zones_source(zones_after);

	policy_diff_periods(d, before, &source_before, after, &source_after, now);
	zones_free(zones_before);
	zones_free(zones_after);
}

void in_force_diff(const struct in_force *before, const struct policy_set *after,
		   struct policy_diff *ret)
{
	policy_diff(before->set, &before->facts, after, ret);
	compare_periods(before->set, after, before->now, ret);
}

/* ---- what enforcing it would cut at once -------------------------------- */

static bool enforced(const struct policy_set *set, const char *name)
{
	const struct policy *p = name ? policy_find_policy(set, name) : NULL;

	return set->mode == MODE_ENFORCE && p && p->mode != MODE_OBSERVE;
}

static bool is_kept(const struct policy_diff *d, const char *policy, const char *quota)
{
	for (size_t i = 0; i < d->quotas.n; i++)
		if (d->quotas.v[i].fate == QUOTA_KEPT && !strcmp(d->quotas.v[i].policy, policy) &&
		    !strcmp(d->quotas.v[i].quota, quota))
			return true;
	return false;
}

json_t *in_force_cuts(const struct cli *cli, unsigned int timeout_ms,
		      const struct policy_set *after, const struct policy_diff *d)
{
	json_t *reply, *cuts = json_array(), *row;
	size_t i;

	if (client_ask(cli, "quotas", json_pack("{s:b, s:i}", "all", 0, "n", CUTS_MAX), timeout_ms,
		       &reply))
		return cuts;
	json_array_foreach(json_object_get(reply, "rows"), i, row)
	{
		const char *policy = json_get_text(row, "policy");
		const char *quota = json_get_text(row, "quota");

		if (json_is_true(json_object_get(row, "used_up")) &&
		    json_is_true(json_object_get(row, "observes")) && quota &&
		    enforced(after, policy) && is_kept(d, policy, quota))
			json_array_append_new(cuts, json_pack("{s:s, s:s, s:O, s:O}", "policy",
							      policy, "quota", quota, "key_text",
							      json_object_get(row, "key_text"),
							      "key", json_object_get(row, "key")));
	}
	json_decref(reply);
	return cuts;
}
