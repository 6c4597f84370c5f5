/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON for scripts: one versioned object, and a full disk is not success. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "app/cmd/cmd.h"

static json_t *printed(void)
{
	json_t *v;

	fflush(stdout);
	rewind(stdout);
	v = json_loadf(stdout, 0, NULL);
	cr_assert_not_null(v, "what is printed is no JSON");
	return v;
}

Test(json_out, is_one_versioned_object)
{
	json_t *v, *rows;

	cr_assert_not_null(freopen("/tmp/curfew-json-out", "w+", stdout));
	unlink("/tmp/curfew-json-out");
	cr_assert_eq(json_out("rows", json_pack("[{s:s, s:I}]", "name", "上海 \"x\"\n", "bytes",
						(json_int_t)1 << 53)),
		     EXIT_FINE);
	v = printed();
	cr_assert_eq(json_object_size(v), 2);
	cr_assert_eq(json_integer_value(json_object_get(v, "version")), 1);
	rows = json_object_get(v, "rows");
	cr_assert_eq(json_array_size(rows), 1);
	cr_assert_str_eq(json_string_value(json_object_get(json_array_get(rows, 0), "name")),
			 "上海 \"x\"\n");
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(rows, 0), "bytes")),
		     (json_int_t)1 << 53);
	json_decref(v);
}

Test(json_out, nothing_to_print_is_an_error)
{
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	cr_assert_eq(json_out("rows", NULL), EXIT_DEGRADED);
}

Test(json_out, a_full_disk_is_an_error)
{
	cr_assert_not_null(freopen("/dev/full", "w", stdout));
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
	setvbuf(stdout, NULL, _IONBF, 0);
	cr_assert_eq(json_out("rows", json_array()), EXIT_DEGRADED);
}
