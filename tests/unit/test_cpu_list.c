/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs there are, as the kernel writes it: ids may have holes. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/cpu_list.h"

/* As "first-last first-last ", and "!" where it is no list. */
static const char *ranges(const char *text)
{
	static char said[256];
	uint32_t first, last;
	size_t n = 0;

	said[0] = 0;
	while (cpu_list_next(&text, &first, &last))
		n += (size_t)snprintf(said + n, sizeof(said) - n, "%u-%u ", first, last);
	if (*text && *text != '\n')
		snprintf(said + n, sizeof(said) - n, "!");
	return said;
}

Test(cpu_list, ranges_and_single_cpus_with_holes)
{
	cr_assert_str_eq(ranges("0\n"), "0-0 ");
	cr_assert_str_eq(ranges("0-1\n"), "0-1 ");
	cr_assert_str_eq(ranges("0,2-3\n"), "0-0 2-3 ");
	cr_assert_str_eq(ranges("1,3,5-7,64-127"), "1-1 3-3 5-7 64-127 ");
	cr_assert_str_eq(ranges("4294967295\n"), "4294967295-4294967295 ");
}

Test(cpu_list, what_is_no_list_ends_it)
{
	cr_assert_str_eq(ranges("\n"), "");
	cr_assert_str_eq(ranges(""), "");
	cr_assert_str_eq(ranges("x"), "!");
	cr_assert_str_eq(ranges("-1"), "!");
	cr_assert_str_eq(ranges("0,x"), "0-0 !");
	cr_assert_str_eq(ranges("0,3-"), "0-0 !");
	cr_assert_str_eq(ranges("0,3-2"), "0-0 !");
	cr_assert_str_eq(ranges("0,3x"), "0-0 !");
	cr_assert_str_eq(ranges("0,4294967296"), "0-0 !");
	cr_assert_str_eq(ranges("0, 1"), "0-0 !");
}
