/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first configuration: the file's, or if that is bad, the last one that was good. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/daemon/last_good.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"

/* A century either way; beyond, calendars of two digits would be the least of all problems. */
#define OFFSET_MAX 3.2e9

struct utc daemon_now(const struct daemon *d)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct utc){ t.tv_sec + d->clock_offset };
}

bool daemon_read_offset(struct daemon *d)
{
	int64_t before = d->clock_offset;
	char text[64] = "", *end;
	double seconds;
	FILE *f;

	if (!d->clock_offset_file)
		return true;
	f = fopen(d->clock_offset_file, "re");
	if (!f) {
		log_err(-errno, "%s: cannot read the clock offset", d->clock_offset_file);
		return false;
	}
	if (!fgets(text, sizeof(text), f))
		*text = '\0';
	fclose(f);
	seconds = strtod(text, &end);
	if (end == text || end[strspn(end, " \t\r\n")] || !(fabs(seconds) <= OFFSET_MAX)) {
		log_error("%s: expected seconds such as 3600 or -86400.5", d->clock_offset_file);
		return false;
	}
	d->clock_offset = (int64_t)floor(seconds);
	if (d->clock_offset != before)
		log_notice("the clock is shifted by %+lld s, by %s", (long long)d->clock_offset,
			   d->clock_offset_file);
	return true;
}

static void say_diags(const struct diag_list *diags, enum log_level level)
{
	_cleanup_buf_ struct buf text = { 0 };

	diags_append(diags, &text);
	log_line(level, "%s", buf_text(&text));
}

/* Reads one file, with its databases. */
static int read_file(struct daemon *d, const char *path, struct running *ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_running_ struct running run = { 0 };
	int r;

	r = running_read(path, &run, &diags);
	if (r == 0)
		r = daemon_load_geo(d, &run, &diags);
	say_diags(&diags, r < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING);
	if (r < 0)
		return r;
	*ret = run;
	run = (struct running){ 0 };
	return 0;
}

static int apply_file(struct daemon *d, const char *path, bool file)
{
	_cleanup_running_ struct running next = { 0 };
	_cleanup_free_ char *error = NULL;
	int r;

	if (read_file(d, path, &next) < 0)
		return EXIT_USAGE;
	if (file && unconfirmed_is(d->cli->state_dir, next.set)) {
		log_error(
			"%s was loaded with --confirm and nobody confirmed it: it stays out of force "
			"until 'curfew reload'",
			path);
		d->taken_back = true;
		return EXIT_USAGE;
	}
	r = daemon_apply(d, &next, &error);
	if (r)
		log_error("%s", error);
	return r;
}

static int fall_back(struct daemon *d, const char *kept)
{
	int r = apply_file(d, kept, false);

	if (r)
		return r;
	d->fell_back = true;
	daemon_tell(d, ALERT_RELOAD, d->taken_back ? CF_LEVEL_WARNING : CF_LEVEL_CRITICAL,
		    xprintf("%s is %s; the last good configuration is in force", d->cli->config,
			    d->taken_back ? "not confirmed" : "not usable"));
	return 0;
}

int daemon_first(struct daemon *d)
{
	_cleanup_free_ char *kept = NULL;
	int r, saved;

	r = apply_file(d, d->cli->config, true);
	if (r == 0) {
		saved = last_good_save(d->cli->state_dir, d->now.set);
		if (saved < 0)
			log_err(saved, "%s/last-good: cannot keep a copy of the configuration",
				d->cli->state_dir);
		return 0;
	}
	/* The kernel's or our own trouble does not go away with another configuration. */
	if (r != EXIT_USAGE)
		return r;
	if (last_good_path(d->cli->state_dir, &kept) < 0) {
		log_critical(
			"%s is not usable, and no earlier configuration is kept in %s/last-good",
			d->cli->config, d->cli->state_dir);
		return EXIT_USAGE;
	}
	if (!d->taken_back)
		log_critical("%s is not usable: FALLING BACK to the last good configuration, %s",
			     d->cli->config, kept);
	return fall_back(d, kept);
}
