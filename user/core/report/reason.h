/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, groups and texts of reasons and notes, as curfew/reasons.def has them. */
#ifndef CURFEW_CORE_REPORT_REASON_H
#define CURFEW_CORE_REPORT_REASON_H

#include <stdbool.h>

#include "curfew/abi.h"

enum reason_group {
	REASON_GROUP_PASS,
	REASON_GROUP_DROP,
	REASON_GROUP_SEEN,
	REASON_GROUP_IGNORED,
	REASON_GROUP_UNPARSED,
	REASON_GROUP_MAX
};

struct reason_info {
	const char *slug; /* "drop-quota" */
	const char *text;
	enum reason_group group;
};
extern const struct reason_info reason_infos[CF_REASON_MAX];
const char *reason_group_name(enum reason_group group); /* "pass" */

struct note_info {
	const char *slug; /* "tunnel-gre" */
	const char *text;
};
extern const struct note_info note_infos[CF_NOTE_MAX];
/* The kinds of tunnels. */
bool note_is_tunnel(enum cf_note note);

const char *hook_name(enum cf_hook hook); /* "inside", "outside" */

#endif
