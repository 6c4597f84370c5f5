/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dates_dump POLICY: what was read of each window's date file, "WINDOW FIRST LAST". */
#include <stdio.h>

#include "port/files.h"

static void dump(const struct window *w)
{
	for (size_t i = 0; i < w->when->dates.n; i++) {
		const struct civil_date *a = &w->when->dates.v[i].first;
		const struct civil_date *z = &w->when->dates.v[i].last;

		printf("%s %04d-%02d-%02d %04d-%02d-%02d\n", w->name, a->year, a->month, a->day,
		       z->year, z->month, z->day);
	}
}

int main(int argc, char **argv)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_buf_ struct buf text = { 0 };

	if (argc != 2)
		return 2;
	if (policy_parse(&policy_io_files, argv[1], &set, &diags) < 0) {
		diag_print(&diags, &text);
		fputs(buf_text(&text), stderr);
		return 1;
	}
	for (size_t i = 0; i < set->windows.n; i++)
		dump(&set->windows.v[i]);
	return 0;
}
