/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables: columns line up whatever is in them, and nothing in them reaches the terminal as a
 * command. */
#include <criterion/criterion.h>
#include <string.h>

#include "app/show/table.h"

static const struct table_column columns[] = { { "NAME", false },
					       { "BYTES", true },
					       { "", false } };

static char *print(const struct table *t, bool colour)
{
	size_t n;
	char *text;
	FILE *f = open_memstream(&text, &n);

	table_print(t, f, colour);
	fclose(f);
	return text;
}

Test(table, aligns_left_and_right)
{
	_cleanup_table_ struct table t;
	_cleanup_free_ char *text = NULL;

	table_init(&t, columns, 3);
	table_add(&t, "a");
	table_add(&t, "%d", 1234567);
	table_add(&t, "x");
	table_add(&t, "longer");
	table_add(&t, "%d", 5);
	table_add(&t, "%s", "");
	text = print(&t, false);
	cr_assert_str_eq(text, "NAME      BYTES\n"
			       "a       1234567  x\n"
			       "longer        5\n");
	cr_assert_eq(table_rows(&t), 2);
}

Test(table, counts_terminal_cells)
{
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "Zürich", 6 },
		{ "上海", 4 },
		{ "e\xcc\x81", 1 }, /* e and a combining acute */
		{ "\xf0\x9f\x8c\x8d", 2 },
		{ "\xff\xfe", 2 }, /* each shown as '?' */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_eq(text_width(cases[i].text), cases[i].width, "%s", cases[i].text);
}

Test(table, wide_cells_line_up)
{
	_cleanup_table_ struct table t;
	_cleanup_free_ char *text = NULL;

	table_init(&t, columns, 2);
	table_add(&t, "上海");
	table_add(&t, "1");
	table_add(&t, "Oslo!!");
	table_add(&t, "22222");
	text = print(&t, false);
	cr_assert_str_eq(text, "NAME    BYTES\n"
			       "上海        1\n"
			       "Oslo!!  22222\n");
}

Test(table, takes_the_teeth_out_of_text)
{
	static const char *const cases[][2] = {
		{ "a\033[31mb", "a?[31mb" },
		{ "line\nbreak\t", "line?break?" },
		{ "\xc2\x9b", "?"
			      "?" }, /* CSI as one C1 character */
		{ "\xe2\x80\xae"
		  "abc",
		  "???abc" },              /* right-to-left override */
		{ "\xc0\xaf", "??" },      /* overlong '/' */
		{ "\xed\xa0\x80", "???" }, /* a surrogate */
		{ "cut \xe4\xb8", "cut ??" },
		{ "上海", "上海" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *safe = text_safe(cases[i][0]);

		cr_assert_str_eq(safe, cases[i][1], "case %zu", i);
	}
}

Test(table, colours_only_when_asked)
{
	_cleanup_table_ struct table t;
	_cleanup_free_ char *plain = NULL, *coloured = NULL;

	table_init(&t, columns, 3);
	table_add_styled(&t, STYLE_BAD, "down");
	table_add(&t, "1");
	table_add(&t, "y");
	plain = print(&t, false);
	coloured = print(&t, true);
	cr_assert_null(strchr(plain, '\033'));
	cr_assert_not_null(strstr(coloured, "\033[31;1mdown\033[0m"));
	cr_assert_null(strstr(coloured, "\033[0m\033[0m"));
}

Test(table, a_column_that_says_nothing_can_be_left_out)
{
	static const struct table_column optional[] = { { "NAME", 0 },
							{ "AS", TABLE_OPTIONAL },
							{ "KM", TABLE_OPTIONAL | TABLE_RIGHT },
							{ "NOTE", 0 } };
	_cleanup_table_ struct table t, u;
	_cleanup_free_ char *text = NULL, *all = NULL;

	table_init(&t, optional, 4);
	for (int i = 0; i < 2; i++) {
		table_add(&t, "a");
		table_add(&t, "-");
		table_add(&t, "%s", i ? "12" : "-");
		table_add(&t, "-");
	}
	text = print(&t, false);
	cr_assert_str_eq(text, "NAME  KM  NOTE\n"
			       "a      -  -\n"
			       "a     12  -\n");
	table_init(&u, optional, 4);
	all = print(&u, false);
	cr_assert_str_eq(all, "NAME  AS  KM  NOTE\n", "without rows nothing is known");
}
