/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every command, in the order of the help: a new one is a file and a row here. */
#include <stddef.h>

#include "app/cmd/cmd.h"

extern const struct cmd cmd_init, cmd_run, cmd_check, cmd_print, cmd_diff, cmd_reload, cmd_confirm;
extern const struct cmd cmd_status, cmd_doctor, cmd_flows, cmd_quotas, cmd_alerts, cmd_drops,
	cmd_why, cmd_would;
extern const struct cmd cmd_block, cmd_allow, cmd_unblock, cmd_blocks;
extern const struct cmd cmd_off, cmd_on, cmd_mode, cmd_detach, cmd_geo, cmd_metrics;

const struct cmd *const cmds[] = {
	&cmd_init,   &cmd_run,    &cmd_check, &cmd_print,   &cmd_diff,   &cmd_reload, &cmd_confirm,
	&cmd_status, &cmd_doctor, &cmd_flows, &cmd_quotas,  &cmd_alerts, &cmd_drops,  &cmd_why,
	&cmd_would,  &cmd_block,  &cmd_allow, &cmd_unblock, &cmd_blocks, &cmd_off,    &cmd_on,
	&cmd_mode,   &cmd_detach, &cmd_geo,   &cmd_metrics, NULL,
};
