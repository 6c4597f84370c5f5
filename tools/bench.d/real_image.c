/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "real_image.h"

#include <time.h>

#include "report.h"

static int failed(const struct diag_list *diags, const char *error)
{
	_cleanup_buf_ struct buf text = { 0 };

	diags_append(diags, &text);
	return bench_fail("%s%s", buf_text(&text), error ? error : "");
}

int real_read(const char *conf, struct running *ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };

	if (running_read(conf, ret, &diags) < 0 || running_load_geo(ret, &diags) < 0)
		return failed(&diags, NULL);
	return 0;
}

int real_compile(const struct running *run, struct image **ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	struct manual_rules manual = { 0 };
	struct machine machine = { 0 };
	char *error = NULL;

	if (running_compile(run, &machine, NULL, (struct utc){ time(NULL) }, ret, &manual, &diags,
			    &error) < 0)
		return failed(&diags, error);
	return 0;
}
