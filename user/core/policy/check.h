/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of policy_check() share. Internal to core. */
#ifndef CURFEW_CORE_POLICY_CHECK_H
#define CURFEW_CORE_POLICY_CHECK_H

#include "core/policy/policy.h"

/* Does an expression hold for everything, or for nothing, as far as its text tells? */
enum extent { EXTENT_UNKNOWN, EXTENT_SOME, EXTENT_ALL, EXTENT_NONE };

struct checker {
	const struct policy_set *set;
	struct diag_list *diags;
	size_t errors_before;
	/* what is known of sets and windows already: they may be used often */
	signed char *extents; /* 0: nothing */
	struct week *weeks;   /* check_time.c */
};

void check_error(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);
void check_warning(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);
void check_note(struct checker *c, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);

/* Calls fn for every atom of the expression; sets are not followed. e may be NULL. */
void check_each_atom(struct checker *c, const struct expr *e,
		     void (*fn)(struct checker *c, const struct expr *atom));
/* The same for every leaf of a time expression; windows are not followed. */
void check_each_time(struct checker *c, const struct time_expr *t,
		     void (*fn)(struct checker *c, const struct time_expr *leaf));
/* Calls them for every expression and time of the set file. Either may be NULL. */
void check_everywhere(struct checker *c, void (*atom)(struct checker *c, const struct expr *atom),
		      void (*time)(struct checker *c, const struct time_expr *leaf));
/* check_address.c: addresses that no packet has where they are written. */
void check_addresses(struct checker *c);
/* check_family.c: hosts that are named by IPv4 addresses alone. */
void check_families(struct checker *c);
/* check_feature.c: what this version does not enforce. */
void check_features(struct checker *c);
/* e may be NULL: everything. */
enum extent check_extent(const struct checker *c, const struct expr *e);
/* check_ignore.c: `ignore destination` of nothing or of everything; and what it shadows. */
void check_ignores(struct checker *c);
/* check_actions.c: rates, and what lasts for a time. */
void check_deeds(struct checker *c, const struct policy *p);
/* check_publish.c: what closes a published service, or is left idle by one. */
void check_published(struct checker *c);
/* check_time.c: nights in two days, days without times. */
void check_times(struct checker *c);
/* check_warn.c: what is likely a mistake. */
void check_warnings(struct checker *c);

#endif
