/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The written form of alerts, and the log that numbers them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "alert_help.h"
#include "app/daemon/alerts.h"
#include "app/show/alert_json.h"
#include "app/show/json_util.h"
#include "base/buf.h"
#include "base/log.h"
#include "port/sinks.h"

#define MB 1000000ULL

static struct night *n;
static char dir[64];

static char *in_dir(const char *name)
{
	return xprintf("%s/%s", dir, name);
}

static void setup(void)
{
	n = night_begin();
	strcpy(dir, "/tmp/curfew-alerts-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	log_set_level(LOG_LEVEL_CRITICAL);
}

static void teardown(void)
{
	static const char *const names[] = { ALERTS_FILE, ALERTS_FILE_OLD, "eve.json" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = in_dir(names[i]);

		unlink(path);
	}
	rmdir(dir);
	night_end(n);
}

TestSuite(alert_log, .init = setup, .fini = teardown);

static struct alert threshold(void)
{
	struct cf_event ev = night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_AT, 16 * MB);
	struct alert a = { 0 };

	cr_assert_eq(alert_make(&n->cx, &ev, half_past_midnight, &a), 0);
	return a;
}

static uint64_t add(struct alert_log *log)
{
	_cleanup_alert_ struct alert a = threshold();

	return alert_log_add(log, &a, n->zone);
}

static json_t *ours(const json_t *event)
{
	return json_object_get(event, "curfew");
}

Test(alert_log, the_line_is_the_golden_one)
{
	_cleanup_alert_ struct alert a = threshold();
	json_t *event = alert_json(&a, 42, n->zone);
	_cleanup_free_ char *line = json_dumps(event, JSON_INDENT(2));
	const char *top = getenv("CURFEW_SOURCE_DIR");
	_cleanup_free_ char *path =
		xprintf("%s/tests/golden/alerts/threshold.json", top ? top : ".");
	_cleanup_free_ char *want = NULL;
	size_t size;

	cr_assert_eq(file_tail(path, 1 << 20, &want, &size), 0, "%s", path);
	want[size - 1] = 0;
	cr_expect_str_eq(line, want);
	json_decref(event);
}

Test(alert_log, what_was_stopped_is_blocked_and_its_severity_the_worst)
{
	struct cf_event ev =
		night_event(n, night_quota(n, "night bulk", 0), CF_EVENT_DROP, 20 * MB);
	_cleanup_alert_ struct alert a = { 0 };
	json_t *event, *alert;

	ev.dropped = 1;
	cr_assert_eq(alert_make(&n->cx, &ev, half_past_midnight, &a), 0);
	event = alert_json(&a, 1, n->zone);
	alert = json_object_get(event, "alert");
	cr_expect_str_eq(json_get_text(alert, "action"), "blocked");
	cr_expect_eq(json_get_count(alert, "severity"), 1);
	json_decref(event);
}

Test(alert_log, names_that_are_not_utf8_still_make_a_line)
{
	_cleanup_alert_ struct alert a = threshold();
	_cleanup_free_ char *line = NULL;
	json_t *event;

	a.place.rec.city = (char *)"S\xe3o Paulo";
	event = alert_json(&a, 1, n->zone);
	line = json_dumps(event, JSON_COMPACT);
	cr_assert_not_null(line);
	cr_expect_str_eq(json_get_text(ours(event), "city"), "S?o Paulo");
	json_decref(event);
}

Test(alert_log, numbers_and_history_survive_a_restart)
{
	struct alert_log *log = alert_log_open(dir);
	json_t *list;

	alert_log_configure(log, NULL);
	for (uint64_t id = 1; id <= 3; id++)
		cr_expect_eq(add(log), id);
	alert_log_close(log);
	log = alert_log_open(dir);
	cr_expect_eq(alert_log_newest(log), 3);
	cr_assert_not_null(alert_log_find(log, 2));
	cr_expect_str_eq(json_get_text(ours(alert_log_find(log, 2)), "policy"), "night bulk");
	cr_expect_null(alert_log_find(log, 4));
	cr_expect_eq(add(log), 4);
	list = alert_log_list(log, 10, 2);
	cr_assert_eq(json_array_size(list), 2);
	cr_expect_eq(json_get_count(ours(json_array_get(list, 0)), "id"), 4, "newest first");
	json_decref(list);
	alert_log_close(log);
}

Test(alert_log, only_the_newest_are_kept)
{
	struct alert_log *log = alert_log_open(dir);
	json_t *list;

	for (int i = 0; i < ALERTS_KEPT + 5; i++)
		add(log);
	cr_expect_null(alert_log_find(log, 5));
	cr_expect_not_null(alert_log_find(log, 6));
	list = alert_log_list(log, 100000, 0);
	cr_expect_eq(json_array_size(list), ALERTS_KEPT);
	json_decref(list);
	alert_log_close(log);
}

Test(alert_log, a_damaged_line_is_passed_over)
{
	_cleanup_free_ char *path = in_dir(ALERTS_FILE);
	struct alert_log *log = alert_log_open(dir);
	FILE *f;

	add(log);
	alert_log_close(log);
	f = fopen(path, "a");
	fputs("{\"curfew\":{\"id\":\n[]\n{\"curfew\":{\"id\":-4}}\n\n", f);
	fclose(f);
	log = alert_log_open(dir);
	cr_expect_eq(alert_log_newest(log), 1);
	cr_expect_eq(add(log), 2);
	alert_log_close(log);
}

Test(alert_log, our_own_file_is_set_aside_before_it_grows_too_large)
{
	_cleanup_free_ char *path = in_dir(ALERTS_FILE), *old = in_dir(ALERTS_FILE_OLD);
	struct alert_log *log = alert_log_open(dir);
	FILE *f = fopen(path, "a");

	for (unsigned int i = 0; i < ALERTS_FILE_MAX / 64; i++)
		fprintf(f, "%063d\n", 0);
	fclose(f);
	alert_log_close(log);
	log = alert_log_open(dir);
	cr_expect_eq(add(log), 1);
	cr_expect_eq(access(old, F_OK), 0);
	alert_log_close(log);
	log = alert_log_open(dir);
	cr_expect_eq(alert_log_newest(log), 1);
	alert_log_close(log);
}

Test(alert_log, alerts_go_where_the_configuration_says)
{
	_cleanup_free_ char *path = in_dir("eve.json"), *text = NULL;
	struct alert_log *log = alert_log_open(dir);
	struct policy_set set = { 0 };
	size_t size;
	json_t *event, *sinks;

	set.alert_to.given = true;
	*VEC_ADD(&set.alert_to.files) = (struct name_at){ .name = path };
	alert_log_configure(log, &set);
	add(log);
	cr_assert_eq(file_tail(path, 1 << 20, &text, &size), 0);
	event = json_loads(text, 0, NULL);
	cr_expect_str_eq(json_get_text(event, "event_type"), "alert");
	json_decref(event);
	sinks = alert_log_sinks(log);
	cr_expect_eq(json_array_size(sinks), 2);
	json_decref(sinks);
	alert_log_close(log);
	free(set.alert_to.files.v);
}
