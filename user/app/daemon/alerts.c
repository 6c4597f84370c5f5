/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/daemon/alerts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/show/alert_json.h"
#include "app/show/json_util.h"
#include "app/show/table.h"
#include "base/log.h"
#include "port/sinks.h"

#define TAIL_BYTES (2U << 20)

struct alert_out {
	struct sink *sink;
	int said; /* the error that was last said, so that it is said once */
};

struct alert_log {
	json_t *ring[ALERTS_KEPT]; /* by number mod ALERTS_KEPT */
	uint64_t newest;
	char *path, *old_path;
	uint64_t size; /* of our own file, as far as we know */
	struct alert_out own;
	struct {
		struct alert_out *v;
		size_t n, cap;
	} outs;
	bool journal;
};

static json_t *ours(const json_t *event)
{
	return json_object_get(event, "curfew");
}

/* Takes the event over. */
static void keep(struct alert_log *log, json_t *event, uint64_t id)
{
	json_t **place = &log->ring[id % ALERTS_KEPT];

	json_decref(*place);
	*place = event;
	if (id > log->newest)
		log->newest = id;
}

static void load_line(struct alert_log *log, const char *line, size_t n)
{
	json_t *event = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	uint64_t id = json_get_count(ours(event), "id");

	if (!id) {
		json_decref(event);
		return;
	}
	keep(log, event, id);
}

static void load(struct alert_log *log, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_tail(path, TAIL_BYTES, &text, &size);

	if (r == -ENOENT)
		return;
	if (r < 0) {
		log_err(r, "cannot read earlier alerts from %s", path);
		return;
	}
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		load_line(log, line, (size_t)(end - line));
}

/* Says each trouble once, and when it is over. */
static void report(struct alert_out *o, int r)
{
	if (r == o->said)
		return;
	if (r < 0)
		log_err(r, "alerts cannot be written to %s", sink_path(o->sink));
	else
		log_notice("alerts are written to %s again; %llu were lost", sink_path(o->sink),
			   (unsigned long long)sink_lost(o->sink));
	o->said = r;
}

static void out_open(struct alert_out *o, const char *path)
{
	o->sink = sink_open(path);
	report(o, sink_error(o->sink));
}

struct alert_log *alert_log_open(const char *state_dir)
{
	struct alert_log *log = xcalloc(1, sizeof(*log));
	struct stat st;

	log->journal = true;
	log->path = xprintf("%s/%s", state_dir, ALERTS_FILE);
	log->old_path = xprintf("%s/%s", state_dir, ALERTS_FILE_OLD);
	load(log, log->old_path);
	load(log, log->path);
	out_open(&log->own, log->path);
	log->size = stat(log->path, &st) == 0 ? (uint64_t)st.st_size : 0;
	return log;
}

static void outs_close(struct alert_log *log)
{
	for (size_t i = 0; i < log->outs.n; i++)
		sink_close(log->outs.v[i].sink);
	log->outs.n = 0;
}

void alert_log_close(struct alert_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < ALERTS_KEPT; i++)
		json_decref(log->ring[i]);
	outs_close(log);
	free(log->outs.v);
	sink_close(log->own.sink);
	free(log->path);
	free(log->old_path);
	free(log);
}

void alert_log_configure(struct alert_log *log, const struct policy_set *set)
{
	outs_close(log);
	log->journal = !set || !set->alert_to.given || set->alert_to.journal;
	for (size_t i = 0; set && i < set->alert_to.files.n; i++) {
		struct alert_out o = { 0 };

		out_open(&o, set->alert_to.files.v[i].name);
		*VEC_ADD(&log->outs) = o;
	}
}

static enum log_level priority(enum cf_level level)
{
	switch (level) {
	case CF_LEVEL_CRITICAL:
		return LOG_LEVEL_CRITICAL;
	case CF_LEVEL_WARNING:
		return LOG_LEVEL_WARNING;
	default:
		return LOG_LEVEL_NOTICE;
	}
}

static void say(const struct alert *a, uint64_t id)
{
	_cleanup_free_ char *story = text_safe(a->story);
	_cleanup_free_ char *policy = text_safe(a->policy ? a->policy : alert_kind_name(a->kind));

	log_line(priority(a->level), "alert %llu (%s) \"%s\": %s [%s]", (unsigned long long)id,
		 level_name(a->level), policy, story, alert_verdict_name(a->verdict));
}

static void rotate(struct alert_log *log, size_t more)
{
	if (log->size + more > ALERTS_FILE_MAX) {
		if (rename(log->path, log->old_path) < 0)
			log_err(-errno, "cannot set %s aside", log->path);
		log->size = 0;
	}
	log->size += more;
}

uint64_t alert_log_add(struct alert_log *log, const struct alert *a, const struct zone *zone)
{
	uint64_t id = log->newest + 1;
	json_t *event = alert_json(a, id, zone);
	_cleanup_free_ char *line = json_dumps(event, JSON_COMPACT);
	size_t n = line ? strlen(line) : 0;

	keep(log, event, id);
	if (n) {
		rotate(log, n + 1);
		report(&log->own, sink_write(log->own.sink, line, n));
	}
	for (size_t i = 0; n && i < log->outs.n; i++)
		report(&log->outs.v[i], sink_write(log->outs.v[i].sink, line, n));
	if (log->journal)
		say(a, id);
	return id;
}

json_t *alert_log_find(const struct alert_log *log, uint64_t id)
{
	json_t *event = log->ring[id % ALERTS_KEPT];

	return event && json_get_count(ours(event), "id") == id ? event : NULL;
}

json_t *alert_log_list(const struct alert_log *log, size_t n, uint64_t after)
{
	json_t *list = json_array();

	for (uint64_t id = log->newest;
	     id > after && id + ALERTS_KEPT > log->newest && json_array_size(list) < n; id--) {
		json_t *event = alert_log_find(log, id);

		if (event)
			json_array_append(list, event);
	}
	return list;
}

uint64_t alert_log_newest(const struct alert_log *log)
{
	return log->newest;
}

static json_t *out_json(const struct alert_out *o)
{
	int r = sink_error(o->sink);

	return json_pack("{s:o, s:o, s:o}", "path", json_text(sink_path(o->sink)), "lost",
			 json_count(sink_lost(o->sink)), "error",
			 r < 0 ? json_text(strerror(-r)) : json_null());
}

json_t *alert_log_sinks(const struct alert_log *log)
{
	json_t *list = json_array();

	json_array_append_new(list, out_json(&log->own));
	for (size_t i = 0; i < log->outs.n; i++)
		json_array_append_new(list, out_json(&log->outs.v[i]));
	return list;
}
