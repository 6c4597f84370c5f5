/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `on EVENT CHOICE`: the one table is whole, and docs/failing.md promises what it says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/failing.h"
#include "core/policy/words.h"

static unsigned int rows_of(enum on_event event, enum on_choice choice)
{
	unsigned int n = 0;

	for (const struct failing_row *r = failing_rows; r->means; r++)
		n += r->event == event && r->choice == choice;
	return n;
}

Test(failing, each_choice_has_one_row_and_each_event_one_default)
{
	for (int e = 0; e < ON_MAX; e++) {
		unsigned int defaults = 0;

		for (int c = CHOICE_UNSET + 1; c < CHOICE_MAX; c++)
			cr_assert_eq(rows_of((enum on_event)e, (enum on_choice)c),
				     words_on[e].choices >> c & 1, "on %s %s", words_on[e].event,
				     word_of(words_choices, (unsigned int)c));
		for (const struct failing_row *r = failing_rows; r->means; r++)
			defaults += r->event == (enum on_event)e && r->is_default;
		cr_assert_eq(defaults, 1, "on %s", words_on[e].event);
		cr_assert_not_null(failing_while((enum on_event)e));
		cr_assert_not_null(failing_advice((enum on_event)e));
	}
}

Test(failing, what_is_not_written_is_the_default)
{
	struct policy_set set = { 0 };

	cr_assert_eq(failing_of(&set, ON_DAEMON_STALL)->choice, CHOICE_KEEP);
	cr_assert_eq(failing_of(&set, ON_TIME_UNKNOWN)->choice, CHOICE_UNSET);
	cr_assert_eq(failing_of(&set, ON_TIME_UNKNOWN)->fail, CF_FAIL_KEEP);
	cr_assert_eq(failing_of(&set, ON_PARSE_FAILURE)->fail, CF_FAIL_KEEP);
	set.on[ON_DAEMON_STALL].choice = CHOICE_CLOSED;
	cr_assert_eq(failing_of(&set, ON_DAEMON_STALL)->fail, CF_FAIL_CLOSED);
	set.on[ON_TABLE_FULL].choice = CHOICE_DROP;
	cr_assert_eq(failing_of(&set, ON_TABLE_FULL)->fail, CF_FAIL_CLOSED);
}

/* No default drops what it would not drop without it, or lets pass what it would stop. */
Test(failing, defaults_change_nothing)
{
	for (const struct failing_row *r = failing_rows; r->means; r++)
		if (r->is_default)
			cr_assert_eq(r->fail, CF_FAIL_KEEP, "on %s", words_on[r->event].event);
}

static char *manual(void)
{
	const char *top = getenv("CURFEW_SOURCE_DIR");
	char *text = calloc(1, 1 << 20), path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/failing.md", top ? top : ".");
	f = fopen(path, "r");

	cr_assert_not_null(f, "no %s", path);
	cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0);
	fclose(f);
	return text;
}

/* A row of its table: | `on EVENT` | `CHOICE` (default) | MEANS. | */
Test(failing, the_manual_says_what_the_table_says)
{
	char *text = manual();

	for (const struct failing_row *r = failing_rows; r->means; r++) {
		const char *choice =
			r->choice == CHOICE_UNSET ? NULL : word_of(words_choices, r->choice);
		char line[512];

		snprintf(line, sizeof(line), "| `on %s` | %s%s%s%s | %s. |",
			 words_on[r->event].event, choice ? "`" : "nothing written",
			 choice ? choice : "", choice ? "`" : "", r->is_default ? " (default)" : "",
			 r->means);
		cr_assert_not_null(strstr(text, line), "docs/failing.md lacks: %s", line);
	}
	free(text);
}
