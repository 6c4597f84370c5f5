/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status` as people read it: what is wrong, uncovered or out of place must be said. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/status/status.h"

static json_t *load(const char *text)
{
	json_error_t error;
	json_t *v = json_loads(text, 0, &error);

	cr_assert(v, "%s at %d", error.text, error.position);
	return v;
}

/* What is printed for `text`, and the exit code. The caller frees it. */
static char *print(const char *text, int *ret_code)
{
	json_t *status = load(text);
	struct cli cli = { 0 };
	char *out = calloc(1, 8192);
	int terminal = dup(STDOUT_FILENO);
	FILE *f = tmpfile();

	cr_assert(out && f && terminal >= 0);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	*ret_code = status_print(&cli, status);
	fflush(stdout);
	dup2(terminal, STDOUT_FILENO);
	close(terminal);
	rewind(f);
	cr_assert_gt(fread(out, 1, 8191, f), 0);
	fclose(f);
	json_decref(status);
	return out;
}

static void expect(const char *status, const char *line, int code)
{
	int got;
	char *out = print(status, &got);

	cr_expect(strstr(out, line), "'%s' is not in:\n%s", line, out);
	cr_expect_eq(got, code);
	free(out);
}

#define HOOK(fields)                                                                               \
	"{\"generation\":3,\"problems\":[],\"hooks\":[{\"interface\":\"w0\"," fields "}]}"

Test(status_print, first_in_the_chain)
{
	expect(HOOK("\"role\":\"outside\",\"hook\":\"TCX egress\",\"covered\":true,\"ifindex\":3,"
		    "\"position\":0,\"generation\":3,\"packets\":9,\"wire_bytes\":900"),
	       "w0         outside  TCX egress  first           3        9  900 B\n", EXIT_FINE);
}

Test(status_print, behind_another_program)
{
	expect(HOOK("\"role\":\"outside\",\"hook\":\"TCX egress\",\"covered\":true,\"ifindex\":3,"
		    "\"position\":2,\"generation\":3,\"packets\":9,\"wire_bytes\":900"),
	       "w0         outside  TCX egress  after 2           3        9  900 B\n", EXIT_FINE);
}

/* Zeros would say that nothing passed. */
Test(status_print, not_covered_counts_nothing)
{
	expect(HOOK("\"role\":\"outside\",\"hook\":\"none\",\"covered\":false,\"ifindex\":0,"
		    "\"position\":0,\"generation\":3,\"packets\":0,\"wire_bytes\":0,"
		    "\"why\":\"gone\""),
	       "w0         outside  -     -               -        -     -  NOT COVERED: gone\n",
	       EXIT_FINE);
}

#define UNCOVERED(ms, gaps)                                                                        \
	"{\"problems\":[],\"blind_spots\":{},\"interfaces\":[{\"interface\":\"w0\",\"role\":"      \
	"\"outside\",\"uncovered_ms\":" ms ",\"gaps\":" gaps "},{\"interface\":\"l0\",\"role\":"   \
	"\"inside\",\"uncovered_ms\":0,\"gaps\":0}]}"

Test(status_print, a_short_gap)
{
	expect(UNCOVERED("701", "1"),
	       "uncovered   w0 (outside) for 0.7 s in 1 gap, since the daemon started\n",
	       EXIT_FINE);
}

Test(status_print, long_gaps)
{
	expect(UNCOVERED("7530000", "12"),
	       "uncovered   w0 (outside) for 2h 5m 30s in 12 gaps, since the daemon started\n",
	       EXIT_FINE);
}

Test(status_print, the_hooks_are_not_added_up)
{
	expect("{\"problems\":[],\"books\":{\"offered_bytes\":3000,\"slots_used\":2,"
	       "\"inside\":{},\"outside\":{}},\"reconciliation\":{"
	       "\"inside\":{\"offered\":{\"packets\":1,\"wire_bytes\":1000}},"
	       "\"outside\":{\"offered\":{\"packets\":2,\"wire_bytes\":2000}}}}",
	       "books       they balance: all is booked of 1.00 kB inside and 2.00 kB outside; 2 "
	       "slots in use\n",
	       EXIT_FINE);
}

Test(status_print, books_that_are_off)
{
	expect("{\"problems\":[{\"what\":\"x\",\"do\":\"y\"}],\"books\":{\"offered_bytes\":3000,"
	       "\"by_reason_bytes\":2990,\"difference_bytes\":-10,\"inside\":{},\"outside\":{}}}",
	       "books       offered 3,000 bytes, by reason 2,990, off by -10\n", EXIT_DEGRADED);
}

/* Interfaces, programs and tables of others are named by others. */
Test(status_print, names_of_others_play_no_tricks)
{
	expect("{\"problems\":[{\"what\":\"by \\u001b[2Jx\",\"do\":\"y\"}]}",
	       "  by ?[2Jx\n    -> y\n", EXIT_DEGRADED);
}

Test(status_print, neighbours_names_play_no_tricks)
{
	expect("{\"problems\":[],\"neighbours\":[{\"kind\":\"exit\",\"past_us\":\"no\",\"what\":"
	       "\"by \\u001b[2Jx\"}]}",
	       "neighbours  by ?[2Jx\n", EXIT_FINE);
}
