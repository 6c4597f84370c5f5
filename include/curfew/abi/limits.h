/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that all rooms share, and the few words that the kernel and its users count by. */
#ifndef CURFEW_ABI_LIMITS_H
#define CURFEW_ABI_LIMITS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "curfew/reasons.def"

/* Bumped whenever a shared map's layout changes: pinned maps of another version are not adopted. */
#define CF_LAYOUT_VERSION 8

#define CF_RULES_MAX    512 /* policies, except blocks, exempts, protects, blocks, allows together */
#define CF_ROW_WORDS    (CF_RULES_MAX / 64)
#define CF_QUOTAS_MAX   1024 /* quota lines of all policies */
#define CF_QUOTA_ATS    4    /* "at N%" lines of a policy */
#define CF_LABELS_MAX   ((1 << 20) - 1)
#define CF_CLASSES_MAX  4095
#define CF_EDGES_MAX    65536 /* of all calendars together */
#define CF_SEGMENTS_MAX 4096
#define CF_NAME_LEN     32 /* of a policy as maps show it, cut there, NUL-terminated */
#define CF_WEEK_MINUTES (7 * 24 * 60)

enum cf_reason {
#define X(id, slug, group, text) CF_REASON_##id,
	CF_REASONS(X)
#undef X
		CF_REASON_MAX
};

/* Bit n: a packet that leaves with reason n was dropped. */
enum cf_drops_of_group {
	CF_DROPS_PASS,
	CF_DROPS_SEEN = CF_DROPS_PASS,
	CF_DROPS_IGNORED = CF_DROPS_PASS,
	CF_DROPS_UNPARSED = CF_DROPS_PASS,
	CF_DROPS_DROP,
};
#define CF_DROPS_X(id, slug, group, text) | (__u64)CF_DROPS_##group << CF_REASON_##id
#define CF_DROP_REASONS                                                                            \
	(0 CF_REASONS(CF_DROPS_X) | 1ULL << CF_REASON_DROP_UNPARSED |                              \
	 1ULL << CF_REASON_DROP_FOREIGN)
_Static_assert(CF_REASON_MAX <= 64, "reasons are bits of 64");

/* What is counted about a packet beside its reason. */
enum cf_note {
#define X(id, slug, text) CF_NOTE_##id,
	CF_NOTES(X)
#undef X
		CF_NOTE_MAX
};
_Static_assert(CF_NOTE_MAX <= 32, "notes of a packet are bits of 32");

enum cf_hook { CF_HOOK_INSIDE, CF_HOOK_OUTSIDE, CF_HOOK_MAX };

/* Who began a packet's flow, as `initiated` sees it. */
enum cf_began { CF_BEGAN_UNKNOWN, CF_BEGAN_INSIDE, CF_BEGAN_OUTSIDE, CF_BEGAN_MAX };

/* Where a packet began, as `from` sees it. */
enum cf_from { CF_FROM_INSIDE, CF_FROM_GATEWAY, CF_FROM_OTHER, CF_FROM_MAX };

/*
 * Of a cache line, on every machine we run on; and whether two members of a struct that begins one
 * are in the same. What the memory of maps adds to that is asked in tests/prog/hit_calls.c.
 */
#define CF_LINE 64
#define CF_ONE_LINE(T, first, last)                                                                \
	(__builtin_offsetof(T, first) / CF_LINE ==                                                 \
	 (__builtin_offsetof(T, last) + sizeof(((T *)0)->last) - 1) / CF_LINE)

#endif
