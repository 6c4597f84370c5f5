/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Prometheus text format: escapes, order, what is left out. */
#include <criterion/criterion.h>
#include <string.h>

#include "app/status/metrics.h"
#include "core/report/reason.h"

static char *text_of(json_t *families)
{
	struct buf out = { 0 };

	metrics_print(families, &out);
	json_decref(families);
	return out.s ? out.s : xstrdup("");
}

static char *metrics_text(const char *status)
{
	json_error_t error;
	json_t *s = json_loads(status, 0, &error);
	char *text;

	cr_assert(s, "%s", error.text);
	text = text_of(metrics_of_status(s));
	json_decref(s);
	return text;
}

static size_t lines_with(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *s = text; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

Test(metrics, names_may_hold_anything)
{
	_cleanup_free_ char *text = text_of(json_pack(
		"[{s:s, s:s, s:s, s:[{s:{s:s, s:s}, s:i}, {s:{}, s:f}]}]", "name", "x_total",
		"type", "counter", "help", "a \"b\" \\ c\nd", "samples", "labels", "policy",
		"a \"b\" \\ c\nd", "zone", "é", "value", 7, "labels", "value", 1.5));

	cr_expect_str_eq(text, "# HELP x_total a \"b\" \\\\ c\\nd\n"
			       "# TYPE x_total counter\n"
			       "x_total{policy=\"a \\\"b\\\" \\\\ c\\nd\",zone=\"é\"} 7\n"
			       "x_total 1.500\n");
}

Test(metrics, a_family_without_samples_is_left_out)
{
	_cleanup_free_ char *text = text_of(json_pack("[{s:s, s:s, s:s, s:[]}]", "name", "x",
						      "type", "gauge", "help", "h", "samples"));

	cr_expect_str_eq(text, "");
}

Test(metrics, with_nothing_attached_that_is_told)
{
	_cleanup_free_ char *text = text_of(metrics_of_status(NULL));

	cr_expect(strstr(text, "\ncurfew_attached 0\n"));
	cr_expect(strstr(text, "\ncurfew_daemon_running 0\n"));
	cr_expect_not(strstr(text, "curfew_packets_total"));
	cr_expect_not(strstr(text, "curfew_problems"));
}

/* So that a rate is known from the first packet on. */
Test(metrics, every_reason_and_note_is_there_also_at_0)
{
	_cleanup_free_ char *text = metrics_text(
		"{\"reasons\": [{\"hook\": \"inside\", \"reason\": \"drop-quota\", \"packets\": 3,"
		" \"wire_bytes\": 300, \"payload_bytes\": 200}], \"notes\": [{\"hook\": \"outside\","
		" \"note\": \"fragment\", \"packets\": 5, \"wire_bytes\": 50}]}");

	cr_expect_eq(lines_with(text, "\ncurfew_packets_total{"), CF_HOOK_MAX * CF_REASON_MAX);
	cr_expect_eq(lines_with(text, "\ncurfew_note_packets_total{"), CF_HOOK_MAX * CF_NOTE_MAX);
	cr_expect(strstr(text, "\ncurfew_payload_bytes_total{hook=\"inside\",reason=\"drop-quota\","
			       "group=\"drop\"} 200\n"));
	cr_expect(strstr(text, "\ncurfew_packets_total{hook=\"outside\",reason=\"drop-quota\","
			       "group=\"drop\"} 0\n"));
	cr_expect(strstr(text,
			 "\ncurfew_note_packets_total{hook=\"outside\",note=\"fragment\"} 5\n"));
}

Test(metrics, uncovered_time_is_in_seconds)
{
	_cleanup_free_ char *text = metrics_text(
		"{\"interfaces\": [{\"interface\": \"eth1\", \"role\": \"inside\", \"uncovered_ms\": 1250},"
		" {\"interface\": \"eth0\"}]}");

	cr_expect(strstr(text, "\ncurfew_interface_uncovered_seconds_total{interface=\"eth1\","
			       "role=\"inside\"} 1.250\n"));
	cr_expect_eq(lines_with(text, "uncovered_seconds_total{"), 1);
}

Test(metrics, quotas_are_bounded)
{
	json_t *rows = json_array(), *status;
	_cleanup_free_ char *text = NULL;

	for (int i = 0; i < 2000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%08x", i);
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:i, s:i}", "policy",
						      "night", "quota", id, "per", "asn", "keys", 1,
						      "used_up", 1));
	}
	status = json_pack("{s:o}", "quotas", rows);
	text = text_of(metrics_of_status(status));
	json_decref(status);
	cr_expect_eq(lines_with(text, "\ncurfew_quota_keys{"), 512);
	cr_expect_eq(lines_with(text, "\ncurfew_quota_keys_used_up{policy=\"night\",quota="), 512);
}
