/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/reason.h"

#include <string.h>

#include "base/def.h"

const struct reason_info reason_infos[CF_REASON_MAX] = {
#define X(id, slug, group, text) [CF_REASON_##id] = { slug, text, REASON_GROUP_##group },
	CF_REASONS(X)
#undef X
};

const struct note_info note_infos[CF_NOTE_MAX] = {
#define X(id, slug, text) [CF_NOTE_##id] = { slug, text },
	CF_NOTES(X)
#undef X
};

const char *reason_group_name(enum reason_group group)
{
	static const char *const names[] = {
		[REASON_GROUP_PASS] = "pass",         [REASON_GROUP_DROP] = "drop",
		[REASON_GROUP_SEEN] = "seen",         [REASON_GROUP_IGNORED] = "ignored",
		[REASON_GROUP_UNPARSED] = "unparsed",
	};

	_Static_assert(ARRAY_SIZE(names) == REASON_GROUP_MAX, "a group has no name");
	return names[group];
}

bool note_is_tunnel(enum cf_note note)
{
	return !strncmp(note_infos[note].slug, "tunnel-", strlen("tunnel-"));
}

const char *hook_name(enum cf_hook hook)
{
	return hook == CF_HOOK_INSIDE ? "inside" : "outside";
}
