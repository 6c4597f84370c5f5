/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew status`: from the daemon, or with the daemon dead from the pinned maps. */
#include <errno.h>
#include <string.h>

#include "app/cmd/options.h"
#include "app/pinned.h"
#include "app/status/status.h"
#include "base/buf.h"

bool status_is_degraded(const json_t *status)
{
	return json_array_size(json_object_get(status, "problems")) > 0;
}

static int status_of_pinned(const struct cli *cli, int why_not, bool quotas, json_t **ret)
{
	struct datapath *dp;
	json_t *status;
	int r = pinned_open(cli, &dp);

	if (r)
		return r;
	status = status_kernel(dp);
	if (quotas)
		status_quotas(dp, status);
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

int status_get(const struct cli *cli, bool quotas, json_t **ret)
{
	int r = client_try(cli, "status", json_pack("{s:b}", "quotas", (int)quotas), ret);

	if (r == -EACCES || r == -EPERM) {
		cmd_error("not permitted: this is for root and the group 'curfew'");
		return EXIT_NOT_PERMITTED;
	}
	return r < 0 ? status_of_pinned(cli, r, quotas, ret) : r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	json_t *status;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = status_get(cli, false, &status);
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
		"was judged has to equal the pair table's slots, those given away, and its overflow, to\n"
		"the byte. From hook to hook: what passed inside, and what of it was seen outside; from\n"
		"hook to device: what our hook handed to an outside interface, and what that has sent.\n"
		"Not fully seen: what was counted and could not be understood, or not in full.\n"
		"Sizes are rounded; --json has every number exactly.",
	.run = run,
};
