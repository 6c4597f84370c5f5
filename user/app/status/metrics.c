/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/status/metrics.h"

#include <string.h>

#include "app/show/json_util.h"
#include "app/status/status.h"
#include "core/report/reason.h"

#define QUOTAS_MAX                                                                                 \
	512 /* rows; a policy set has at most CF_QUOTAS_MAX, some may be of the last one */

/* ---- building ---------------------------------------------------------------- */

static json_t *family(json_t *list, const char *name, const char *type, const char *help)
{
	json_t *samples = json_array();

	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", name, "type", type,
					      "help", help, "samples", samples));
	return samples;
}

static void sample(json_t *samples, json_t *labels, json_t *value)
{
	json_array_append_new(samples, json_pack("{s:o, s:o}", "labels",
						 labels ? labels : json_object(), "value", value));
}

/* One sample without labels, if the status has the field. */
static void scalar(json_t *list, const char *name, const char *type, const char *help,
		   const json_t *value)
{
	if (json_is_boolean(value))
		sample(family(list, name, type, help), NULL, json_integer(json_is_true(value)));
	else if (json_is_number(value))
		sample(family(list, name, type, help), NULL, json_deep_copy(value));
}

static json_t *field(const json_t *o, const char *name)
{
	return json_object_get(o, name);
}

/* ---- daemon and kernel --------------------------------------------------------- */

static void add_failing(json_t *list, const json_t *s)
{
	const json_t *v;
	json_t *f;
	size_t i;

	if (!json_array_size(field(s, "failing")))
		return;
	f = family(list, "curfew_failing", "gauge",
		   "1: what 'on EVENT CHOICE' is about lasts, and the choice is in effect.");
	json_array_foreach(field(s, "failing"), i, v) sample(
		f,
		json_pack("{s:O, s:O}", "event", field(v, "event"), "choice", field(v, "choice")),
		json_integer(json_is_true(field(v, "lasts"))));
}

static void add_drops(json_t *list, const json_t *s)
{
	static const struct {
		const char *part, *field, *name, *type, *help;
	} rows[] = {
		{ "held", "keys", "curfew_held_keys", "gauge",
		  "Keys that are dropped for a time." },
		{ "held", "quarantines", "curfew_quarantined_sources", "gauge",
		  "Sources in quarantine." },
		{ "drop_samples", "sampled", "curfew_drop_samples_total", "counter",
		  "Dropped packets that were reported as a sample." },
		{ "drop_samples", "limited", "curfew_drop_samples_limited_total", "counter",
		  "Dropped packets for which another of the same second stands." },
		{ "drop_samples", "lost", "curfew_drop_samples_lost_total", "counter",
		  "Samples of dropped packets that found the ring buffer full." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		scalar(list, rows[i].name, rows[i].type, rows[i].help,
		       field(field(s, rows[i].part), rows[i].field));
}

static void add_state(json_t *list, const json_t *s)
{
	const json_t *sizes = field(s, "sizes"), *mode = field(s, "mode");
	json_t *f = family(list, "curfew_build_info", "gauge", "Version of this command.");

	sample(f, json_pack("{s:s}", "version", CURFEW_VERSION), json_integer(1));
	scalar(list, "curfew_attached", "gauge", "1: tables are in the kernel.",
	       s ? json_true() : json_false());
	f = family(list, "curfew_daemon_running", "gauge", "1: the daemon answers.");
	sample(f, NULL, json_integer(json_is_true(field(field(s, "daemon"), "running"))));
	scalar(list, "curfew_generation", "gauge", "Number of the policy set in force.",
	       field(s, "generation"));
	scalar(list, "curfew_heartbeat_age_seconds", "gauge",
	       "Since the daemon has last read the kernel's tables.",
	       field(s, "heartbeat_seconds_ago"));
	if (json_is_string(mode)) {
		f = family(list, "curfew_enforcing", "gauge",
			   "1: the global mode is enforce; 0: it is observe.");
		sample(f, NULL, json_integer(!strcmp(json_string_value(mode), "enforce")));
	}
	scalar(list, "curfew_switched_off", "gauge", "1: 'curfew off' holds, nothing is dropped.",
	       field(field(s, "off"), "off"));
	add_failing(list, s);
	scalar(list, "curfew_confirm_waiting", "gauge", "1: a reload waits for 'curfew confirm'.",
	       field(field(s, "confirm"), "waiting"));
	if (s) {
		f = family(list, "curfew_problems", "gauge",
			   "What 'curfew status' calls wrong; 0: all is well.");
		sample(f, NULL, json_integer((json_int_t)json_array_size(field(s, "problems"))));
	}
	scalar(list, "curfew_events_lost_total", "counter",
	       "Events that found the ring buffer full: alerts may be missing.",
	       field(s, "events_lost"));
	add_drops(list, s);
	scalar(list, "curfew_slots_used", "gauge", "Slots of the pair table in use.",
	       field(field(s, "books"), "slots_used"));
	if (sizes) {
		f = family(list, "curfew_slots", "gauge",
			   "Slots of the pair table, by IP version.");
		sample(f, json_pack("{s:s}", "family", "4"), json_incref(field(sizes, "slots4")));
		sample(f, json_pack("{s:s}", "family", "6"), json_incref(field(sizes, "slots6")));
	}
}

static void add_databases(json_t *list, const json_t *s)
{
	const json_t *rows = field(s, "databases"), *row;
	json_t *f;
	size_t i;

	if (!json_array_size(rows))
		return;
	f = family(list, "curfew_database_age_days", "gauge", "Since the database was built.");
	json_array_foreach(rows, i, row) if (json_is_integer(field(row, "age_days")))
		sample(f, json_pack("{s:s}", "kind", json_get_text(row, "kind")),
		       json_incref(field(row, "age_days")));
}

static json_t *hook_labels(const json_t *row)
{
	return json_pack("{s:O, s:O}", "interface", field(row, "interface"), "role",
			 field(row, "role"));
}

static void add_hooks(json_t *list, const json_t *s)
{
	static const struct {
		const char *name, *field, *help;
	} counts[] = {
		{ "curfew_interface_packets_total", "packets", "Packets offered to the hook." },
		{ "curfew_interface_len_bytes_total", "len_bytes",
		  "Bytes offered to the hook, as the kernel holds them." },
		{ "curfew_interface_wire_bytes_total", "wire_bytes",
		  "Bytes offered to the hook, with the headers of every segment." },
	};
	const json_t *rows = field(s, "hooks"), *row;
	json_t *f;
	size_t i;

	if (!rows)
		return;
	f = family(list, "curfew_interface_covered", "gauge", "1: our hook is attached there.");
	json_array_foreach(rows, i, row)
		sample(f, hook_labels(row), json_integer(json_is_true(field(row, "covered"))));
	for (size_t k = 0; k < ARRAY_SIZE(counts); k++) {
		f = family(list, counts[k].name, "counter", counts[k].help);
		json_array_foreach(rows, i, row) sample(
			f, hook_labels(row), json_count(json_get_count(row, counts[k].field)));
	}
}

static void add_uncovered(json_t *list, const json_t *s)
{
	const json_t *rows = field(s, "interfaces"), *row;
	json_t *f;
	size_t i;

	if (!rows)
		return;
	f = family(list, "curfew_interface_uncovered_seconds_total", "counter",
		   "Time in which the interface was there and our hook was not.");
	json_array_foreach(rows, i, row)
	{
		sample(f, hook_labels(row),
		       json_real((double)json_get_count(row, "uncovered_ms") / 1000));
	}
}

/* ---- reasons and notes: all of them, so that rates begin at 0 -------------------- */

static const json_t *find_row(const json_t *rows, const char *key, const char *hook,
			      const char *slug)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *h = json_get_text(row, "hook"), *k = json_get_text(row, key);

		if (h && k && !strcmp(h, hook) && !strcmp(k, slug))
			return row;
	}
	return NULL;
}

static void add_reasons(json_t *list, const json_t *s)
{
	static const struct {
		const char *name, *field, *help;
	} counts[] = {
		{ "curfew_packets_total", "packets", "Packets that left a hook, by reason." },
		{ "curfew_wire_bytes_total", "wire_bytes",
		  "Wire bytes that left a hook, by reason." },
		{ "curfew_payload_bytes_total", "payload_bytes",
		  "Payload bytes that left a hook, by reason." },
	};
	const json_t *rows = field(s, "reasons");

	for (size_t k = 0; rows && k < ARRAY_SIZE(counts); k++) {
		json_t *f = family(list, counts[k].name, "counter", counts[k].help);

		for (int h = 0; h < CF_HOOK_MAX; h++)
			for (int r = 0; r < CF_REASON_MAX; r++) {
				const char *hook = hook_name((enum cf_hook)h);
				const json_t *row =
					find_row(rows, "reason", hook, reason_infos[r].slug);

				sample(f,
				       json_pack("{s:s, s:s, s:s}", "hook", hook, "reason",
						 reason_infos[r].slug, "group",
						 reason_group_name(reason_infos[r].group)),
				       json_count(row ? json_get_count(row, counts[k].field) : 0));
			}
	}
}

static void add_notes(json_t *list, const json_t *s)
{
	static const struct {
		const char *name, *field, *help;
	} counts[] = {
		{ "curfew_note_packets_total", "packets",
		  "Packets with something worth counting beside their reason." },
		{ "curfew_note_wire_bytes_total", "wire_bytes", "Wire bytes of these." },
	};
	const json_t *rows = field(s, "notes");

	for (size_t k = 0; rows && k < ARRAY_SIZE(counts); k++) {
		json_t *f = family(list, counts[k].name, "counter", counts[k].help);

		for (int h = 0; h < CF_HOOK_MAX; h++)
			for (int n = 0; n < CF_NOTE_MAX; n++) {
				const char *hook = hook_name((enum cf_hook)h);
				const json_t *row =
					find_row(rows, "note", hook, note_infos[n].slug);

				sample(f,
				       json_pack("{s:s, s:s}", "hook", hook, "note",
						 note_infos[n].slug),
				       json_count(row ? json_get_count(row, counts[k].field) : 0));
			}
	}
}

/* ---- books ------------------------------------------------------------------------ */

static void add_by_hook(json_t *list, const char *name, const char *type, const char *help,
			const json_t *o, const char *what)
{
	json_t *f = family(list, name, type, help);

	for (int h = 0; h < CF_HOOK_MAX; h++) {
		const char *hook = hook_name((enum cf_hook)h);
		const json_t *v = field(field(o, hook), what);

		if (json_is_integer(v))
			sample(f, json_pack("{s:s}", "hook", hook), json_deep_copy(v));
	}
}

static void add_books(json_t *list, const json_t *s)
{
	const json_t *books = field(s, "books"), *blind = field(s, "blind_spots");
	const json_t *lost = field(field(blind, "overflow"), "without_class");
	const json_t *crossing = field(s, "reconciliation"), *row;
	json_t *f;
	size_t i;

	if (!books || !blind || !crossing)
		return;
	scalar(list, "curfew_books_difference_bytes", "gauge",
	       "Bytes offered to the hooks that no reason accounts for; 0, or there is a bug.",
	       field(books, "difference_bytes"));
	add_by_hook(list, "curfew_pairs_difference_bytes", "gauge",
		    "Judged bytes that are in no slot and no overflow; 0, or there is a bug.",
		    books, "difference_bytes");
	add_by_hook(list, "curfew_overflow_wire_bytes_total", "counter",
		    "Bytes that found no slot: judged, and booked by class.", books,
		    "overflow_bytes");
	scalar(list, "curfew_overflow_without_class_packets_total", "counter",
	       "Packets that found no room even there: booked by hook alone.",
	       field(lost, "packets"));
	add_by_hook(list, "curfew_recycled_pairs_total", "counter",
		    "Slots that were given to another pair, once kept by the daemon.",
		    field(blind, "recycled"), "pairs");
	add_by_hook(list, "curfew_recycled_wire_bytes_total", "counter", "What these had counted.",
		    field(blind, "recycled"), "wire_bytes");
	scalar(list, "curfew_tunnels", "gauge", "Tunnels seen, by outer addresses and kind.",
	       field(field(blind, "encapsulated"), "tunnels_known"));
	scalar(list, "curfew_not_seen_outside_payload_bytes", "gauge",
	       "Payload that passed the inside hooks and was not seen at the outside ones.",
	       field(field(crossing, "not_seen_outside"), "payload_bytes"));
	f = family(list, "curfew_device_difference_bytes", "gauge",
		   "Handed to the device by our hook, less what it has sent and what waits.");
	json_array_foreach(field(crossing, "devices"), i, row)
		sample(f, json_pack("{s:O}", "interface", field(row, "interface")),
		       json_deep_copy(field(row, "difference_bytes")));
}

static void add_quotas(json_t *list, const json_t *s)
{
	static const struct {
		const char *name, *field, *help;
	} gauges[] = {
		{ "curfew_quota_keys", "keys", "Keys with use in the quota's newest period." },
		{ "curfew_quota_keys_used_up", "used_up",
		  "Of these, used up: refused until it ends." },
		{ "curfew_quota_used_bytes", "used_bytes", "Bytes charged, all keys together." },
		{ "curfew_quota_refused_bytes", "attempted_bytes",
		  "Bytes refused since it began." },
	};
	const json_t *rows = field(s, "quotas"), *row;
	size_t i;

	for (size_t k = 0; rows && k < ARRAY_SIZE(gauges); k++) {
		json_t *f = family(list, gauges[k].name, "gauge", gauges[k].help);

		json_array_foreach(rows, i, row)
		{
			const char *policy = json_get_text(row, "policy");

			if (i >= QUOTAS_MAX)
				break;
			sample(f,
			       json_pack("{s:s, s:O, s:O}", "policy", policy ? policy : "", "quota",
					 field(row, "quota"), "per", field(row, "per")),
			       json_count(json_get_count(row, gauges[k].field)));
		}
	}
}

json_t *metrics_of_status(const json_t *s)
{
	json_t *list = json_array();

	add_state(list, s);
	add_databases(list, s);
	add_hooks(list, s);
	add_uncovered(list, s);
	add_reasons(list, s);
	add_notes(list, s);
	add_books(list, s);
	add_quotas(list, s);
	return list;
}

/* ---- printing ---------------------------------------------------------------------- */

static void print_escaped(struct buf *out, const char *s, bool quotes)
{
	for (; *s; s++) {
		if (*s == '\\')
			buf_puts(out, "\\\\");
		else if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '"' && quotes)
			buf_puts(out, "\\\"");
		else
			buf_add(out, s, 1);
	}
}

static void print_sample(const char *name, const json_t *labels, const json_t *value,
			 struct buf *out)
{
	const char *key, *sep = "{";
	json_t *text;

	buf_puts(out, name);
	json_object_foreach((json_t *)labels, key, text)
	{
		buf_printf(out, "%s%s=\"", sep, key);
		print_escaped(out, json_is_string(text) ? json_string_value(text) : "", true);
		buf_puts(out, "\"");
		sep = ",";
	}
	buf_puts(out, *sep == ',' ? "} " : " ");
	if (json_is_real(value))
		buf_printf(out, "%.3f\n", json_real_value(value));
	else
		buf_printf(out, "%lld\n", (long long)json_integer_value(value));
}

void metrics_print(const json_t *families, struct buf *out)
{
	const json_t *f, *s;
	size_t i, k;

	json_array_foreach(families, i, f)
	{
		const char *name = json_get_text(f, "name");

		if (!json_array_size(field(f, "samples")))
			continue;
		buf_printf(out, "# HELP %s ", name);
		print_escaped(out, json_get_text(f, "help"), false);
		buf_printf(out, "\n# TYPE %s %s\n", name, json_get_text(f, "type"));
		json_array_foreach(field(f, "samples"), k, s)
			print_sample(name, field(s, "labels"), field(s, "value"), out);
	}
}
