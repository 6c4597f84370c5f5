/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/pinned.h"

#include <errno.h>
#include <string.h>

int pinned_open(const struct cli *cli, struct datapath **ret)
{
	struct why why = { "" };
	int r = datapath_attach_existing(cli->bpffs, ret, &why);

	if (r == 0)
		return EXIT_FINE;
	/* bpffs hides from others whether there is anything. */
	if (r == -ENOENT && geteuid() == 0) {
		cmd_error("not running: nothing is pinned in %s", cli->bpffs);
		return EXIT_NOT_RUNNING;
	}
	if (r == -EPERM || r == -EACCES || r == -ENOENT) {
		cmd_error("not permitted: this needs root");
		return EXIT_NOT_PERMITTED;
	}
	cmd_error("%s: %s", cli->bpffs, *why.text ? why.text : strerror(-r));
	return EXIT_DEGRADED;
}
