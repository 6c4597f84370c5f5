/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status, config, reload, confirm, stop. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/daemon/alerts.h"
#include "app/daemon/books.h"
#include "app/daemon/parts.h"
#include "app/show/json_util.h"
#include "app/status/status.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/policy/lists.h"

/* A database that is older than this tells of networks that have moved. */
#define DATABASE_DAYS 180
/* Fewer days of schedule than this in the kernel mean that the daily compilation fails. */
#define SCHEDULE_DAYS 30

static json_t *iso(const struct daemon *d, struct utc at)
{
	char text[64];

	return json_string(utc_format_iso(at, d->zone, text, sizeof(text)));
}

static void add_database(const char *kind, const struct geo_table *t, json_t *list, json_t *status)
{
	int64_t age = t && t->built_at ? (time(NULL) - (int64_t)t->built_at) / 86400 : -1;

	if (!t)
		return;
	json_array_append_new(list,
			      json_pack("{s:s, s:o, s:o, s:I, s:o}", "kind", kind, "type",
					json_text(t->type), "age_days",
					age < 0 ? json_null() : json_integer(age), "networks",
					(json_int_t)t->ranges.n, "built_at",
					json_when((struct utc){ (int64_t)t->built_at }, NULL)));
	if (age > DATABASE_DAYS)
		status_problem(status,
			       xprintf("the %s database is %lld days old", kind, (long long)age),
			       "replace the file, then: curfew reload");
}

static void add_daemon(struct daemon *d, json_t *status)
{
	json_object_set_new(status, "daemon",
			    json_pack("{s:b, s:i, s:o, s:s, s:I}", "running", true, "pid", getpid(),
				      "since", iso(d, d->started_at), "version", CURFEW_VERSION,
				      "clock_offset_seconds", (json_int_t)d->clock_offset));
	json_object_set_new(
		status, "internal_hosts",
		json_string(
			datapath_conntrack(d->dp)
				? "inside hooks, and conntrack for TCP and UDP from other interfaces"
				: "inside hooks; no conntrack in the kernel: what comes in "
				  "elsewhere is put down to the address that NAT gave it"));
	json_object_set_new(status, "time", iso(d, daemon_now(d)));
	daemon_mode_status(d, status);
	json_object_set_new(
		status, "policy",
		json_pack("{s:o, s:o, s:I, s:I, s:I, s:b, s:b, s:o}", "file",
			  json_text(d->now.set->files.n ? d->now.set->files.v[0] : d->cli->config),
			  "loaded_at", iso(d, d->now.loaded_at), "policies",
			  (json_int_t)d->now.set->policies.n, "rules",
			  (json_int_t)d->now.image->rules.n, "by_hand", (json_int_t)d->book.n,
			  "fell_back", d->fell_back, "taken_back", d->taken_back, "last_error",
			  json_text(d->last_error)));
	json_object_set_new(status, "schedule",
			    json_pack("{s:o, s:o}", "compiled_at", iso(d, d->compiled_at), "end",
				      iso(d, d->now.image->end)));
}

static void add_problems(struct daemon *d, json_t *status)
{
	if (d->fell_back)
		status_problem(status,
			       xprintf("the last good configuration is in force, not the file%s",
				       d->taken_back ? ", which nobody confirmed" : ""),
			       "curfew check, correct the file, then: curfew reload");
	else if (d->taken_back)
		status_problem(status,
			       xstrdup("the last reload was not confirmed: the configuration "
				       "before it is in force, not the file"),
			       "curfew diff; then: curfew reload --confirm 60s, and confirm it");
	if (d->last_error)
		status_problem(status, xprintf("the last change failed: %s", d->last_error),
			       "correct it, then: curfew reload");
	if (d->now.image->end.s - daemon_now(d).s < SCHEDULE_DAYS * 86400LL)
		status_problem(status, xstrdup("the kernel's schedule ends within 30 days"),
			       "curfew reload");
}

/* What we have and cannot write; quotas speak for themselves. */
static void add_unwritten(struct daemon *d, json_t *status)
{
	json_t *sinks = alert_log_sinks(d->alerts), *sink;
	size_t i;

	json_array_foreach(sinks, i, sink)
	{
		const char *error = json_get_text(sink, "error");

		if (error)
			status_problem(
				status,
				xprintf("alerts cannot be written to %s: %s; %llu were lost",
					json_get_text(sink, "path"), error,
					(unsigned long long)json_get_count(sink, "lost")),
				"make room there, or make it writable; the journal has them");
	}
	json_decref(sinks);
	if (d->books->commit_errors)
		status_problem(status,
			       xprintf("the books cannot be kept in %s: no slot of the pair table "
				       "is given away until they can",
				       d->cli->run_dir),
			       "make room there, or make it writable");
	if (d->holds.save_errors)
		status_problem(status,
			       xprintf("what is dropped for a time cannot be kept in %s: a reboot "
				       "would let it pass",
				       d->cli->state_dir),
			       "make room there, or make it writable; it is tried again by itself");
}

static int request_status(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
			  json_t **ret_reply, char **ret_error _unused_)
{
	json_t *status = status_kernel(d->dp), *databases = json_array();

	add_daemon(d, status);
	add_database("country", d->now.geo.country, databases, status);
	add_database("asn", d->now.geo.asn, databases, status);
	add_database("city", d->now.geo.city, databases, status);
	json_object_set_new(status, "databases", databases);
	if (json_is_true(json_object_get(args, "quotas")))
		status_quotas(d->dp, status);
	add_problems(d, status);
	add_unwritten(d, status);
	daemon_quotas_status(d, status);
	daemon_cover_status(d, status);
	*ret_reply = status;
	return 0;
}

static void add_list(void *arg, const struct atom *file)
{
	struct list_digest digest = { 0 };
	char text[24];

	list_digest_prefixes(&digest, &file->prefixes);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)digest.sum);
	json_array_append_new(arg, json_pack("{s:o, s:o, s:s}", "file", json_text(file->text),
					     "entries", json_count(digest.n), "digest", text));
}

static void add_dates(void *arg, const struct time_expr *file)
{
	_cleanup_buf_ struct buf text = { 0 };

	print_dates(&file->dates, &text);
	json_array_append_new(arg, json_pack("{s:o, s:s}", "file", json_text(file->text), "dates",
					     buf_text(&text)));
}

static void add_built(json_t *databases, const char *kind, const struct geo_table *t)
{
	if (t)
		json_object_set_new(databases, kind, json_count(t->built_at));
}

/* What was compiled, as far as `diff` compares it. */
static void add_compiled(const struct daemon *d, json_t *reply)
{
	json_t *databases = json_object(), *policies = json_object();

	add_built(databases, "country", d->now.geo.country);
	add_built(databases, "asn", d->now.geo.asn);
	add_built(databases, "city", d->now.geo.city);
	for (size_t i = 0; i < d->now.set->policies.n; i++) {
		const struct image_reach *r = &d->now.image->reach.v[i];
		char digest[24];

		snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)r->digest);
		json_object_set_new(policies, d->now.set->policies.v[i].name,
				    json_pack("{s:o, s:o, s:s}", "addresses4",
					      json_count(r->addresses4), "nets6",
					      json_count(r->nets6), "digest", digest));
	}
	json_object_set_new(reply, "databases", databases);
	json_object_set_new(reply, "policies", policies);
}

/* With what was read from lists, for `diff`: the files may say something else by now. */
static int request_config(struct daemon *d, const struct peer *peer _unused_,
			  const json_t *args _unused_, json_t **ret_reply,
			  char **ret_error _unused_)
{
	_cleanup_buf_ struct buf text = { 0 };
	json_t *lists = json_array(), *dates = json_array();

	policy_print(d->now.set, &text);
	policy_each_list(d->now.set, add_list, lists);
	policy_each_dates(d->now.set, add_dates, dates);
	*ret_reply = json_pack("{s:s, s:I, s:I, s:o, s:o}", "text", buf_text(&text), "generation",
			       (json_int_t)d->now.generation, "now", (json_int_t)daemon_now(d).s,
			       "lists", lists, "date_files", dates);
	add_compiled(d, *ret_reply);
	return 0;
}

static json_t *ms(uint64_t us)
{
	return json_real((double)us / 1000);
}

/* Where the time went. Only during the switch do some hooks run the old programs and some the new.
 */
static json_t *took_json(const struct daemon *d)
{
	struct load_times t = datapath_load_times(d->dp);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "read", ms(d->took.read_us),
			 "databases", ms(d->took.databases_us), "compile", ms(d->took.compile_us),
			 "programs", ms(t.programs_us), "tables", ms(t.tables_us), "switch",
			 ms(t.switch_us), "wait", ms(t.wait_us));
}

static int request_reload(struct daemon *d, const struct peer *peer, const json_t *args,
			  json_t **ret_reply, char **ret_error)
{
	json_int_t confirm = json_integer_value(json_object_get(args, "confirm_seconds"));
	_cleanup_buf_ struct buf warnings = { 0 };
	struct callers callers;
	json_t *took;
	struct reload opt = {
		.confirm_seconds = confirm > 0 ? (uint64_t)confirm : 0,
		.callers = guard_callers_arg(args, &callers),
	};
	int r;

	r = daemon_reload(d, &opt, &warnings, ret_error);
	if (r) {
		log_warning("uid %u: reload refused\n%s", peer->uid, *ret_error);
		return r;
	}
	log_notice("uid %u: reload%s", peer->uid, confirm > 0 ? ", to be confirmed" : "");
	took = took_json(d);
	daemon_cover_reloaded(d);
	*ret_reply = json_pack("{s:I, s:s, s:I, s:s, s:o}", "generation",
			       (json_int_t)d->now.generation, "warnings", buf_text(&warnings),
			       "confirm_seconds", (json_int_t)opt.confirm_seconds, "mode",
			       d->now.image->observe ? "observe" : "enforce", "took_ms", took);
	return 0;
}

static int request_confirm(struct daemon *d, const struct peer *peer, const json_t *args _unused_,
			   json_t **ret_reply, char **ret_error)
{
	int r = daemon_confirm(d, ret_error);

	if (r)
		return r;
	log_notice("uid %u: confirmed", peer->uid);
	*ret_reply = json_pack("{s:I}", "generation", (json_int_t)d->now.generation);
	return 0;
}

static int request_stop(struct daemon *d, const struct peer *peer, const json_t *args,
			json_t **ret_reply, char **ret_error _unused_)
{
	d->leaving = true;
	d->release = json_is_true(json_object_get(args, "release"));
	log_notice("uid %u: stop%s", peer->uid, d->release ? " and detach" : "");
	*ret_reply = json_pack("{s:i}", "pid", getpid());
	return 0;
}

const struct request requests_state[] = {
	{ "status", false, request_status }, { "config", false, request_config },
	{ "reload", true, request_reload },  { "confirm", true, request_confirm },
	{ "guard", true, request_guard },    { "stop", true, request_stop },
	{ "mode", true, request_mode },      { NULL, false, NULL },
};
