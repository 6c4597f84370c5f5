/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew status`: from the daemon, or with the daemon dead from the pinned maps. */
#include <errno.h>
#include <string.h>

#include "app/options.h"
#include "app/pinned.h"
#include "app/status.h"
#include "base/buf.h"

bool status_is_degraded(const json_t *status)
{
	return json_array_size(json_object_get(status, "problems")) > 0;
}

static int status_of_pinned(const struct cli *cli, int why_not, json_t **ret)
{
	struct datapath *dp;
	json_t *status;
	int r = pinned_open(cli, &dp);

	if (r)
		return r;
	status = status_kernel(dp);
	datapath_close(dp);
	json_object_set_new(status, "daemon", json_pack("{s:b}", "running", false));
	status_problem(
		status,
		why_not == -ETIMEDOUT
			? xstrdup("the daemon does not answer; the kernel goes on as it was told")
			: xstrdup("the daemon is not running; the kernel goes on as it was told"),
		"curfew run, or: systemctl start curfew");
	*ret = status;
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	json_t *status;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = client_try(cli, "status", NULL, &status);
	if (r == -EACCES || r == -EPERM) {
		cmd_error("not permitted: this is for root and the group 'curfew'");
		return EXIT_NOT_PERMITTED;
	}
	if (r < 0)
		r = status_of_pinned(cli, r, &status);
	if (r)
		return r;
	if (cli->json) {
		r = status_is_degraded(status) ? EXIT_DEGRADED : EXIT_FINE;
		json_out("status", status);
		return r;
	}
	r = status_print(cli, status);
	json_decref(status);
	return r;
}

const struct cmd cmd_status = {
	.name = "status",
	.usage = "",
	.help = "what is covered, what is counted, what is wrong",
	.more = "Exit code 0: all is well; 1: something is wrong, named in the output with what to do;\n"
		"3: not running, nothing is in the kernel. Works with the daemon dead too.\n"
		"\n"
		"The books: what the hooks were offered has to equal what is booked by reason, and what\n"
		"was judged has to equal the pair table's slots plus its overflow, to the byte.",
	.run = run,
};
