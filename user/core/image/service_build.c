/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services become one sorted table: where the set of rules changes whose `service`
 * holds. And a row per protocol for packets that do not show their port: then
 * what may hold does so for rules that drop, and does not for those that let pass.
 */
#include <string.h>

#include "core/image/build.h"
#include "core/image/row.h"
#include "core/policy/words.h"

#define PROTOCOL_UNREAD 255 /* PROTO_NONE in bpf/pkt.h: behind headers that were not walked */

/* From `at` on, one more or one less of a rule's services holds. */
struct turn {
	uint32_t at;
	uint32_t rule;
	int by;
};
struct turns {
	struct turn *v;
	size_t n, cap;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static const struct service_list *services_of(const struct build *b, uint32_t rule)
{
	const struct service_list *l = b->rules.v[rule].services;

	return l && l->n ? l : NULL;
}

/* Also sets service_rules and what `initiated` asks. */
static struct turns all_turns(struct build *b)
{
	struct turns turns = { 0 };

	for (uint32_t i = 0; i < b->rules.n && i < CF_RULES_MAX; i++) {
		const struct service_list *l = services_of(b, i);

		if (b->rules.v[i].initiated == INITIATED_INSIDE)
			row_set(&b->img->inside_rules, i);
		if (b->rules.v[i].initiated == INITIATED_OUTSIDE)
			row_set(&b->img->outside_rules, i);
		if (l)
			row_set(&b->img->service_rules, i);
		for (size_t k = 0; l && k < l->n; k++) {
			const struct service *s = &l->v[k];
			uint32_t first = s->has_port ? s->port_first : 0;
			uint32_t last = s->has_port ? s->port_last : UINT16_MAX;

			*VEC_ADD(&turns) = (struct turn){ CF_SERVICE(s->protocol, first), i, 1 };
			*VEC_ADD(&turns) =
				(struct turn){ CF_SERVICE(s->protocol, last) + 1, i, -1 };
		}
	}
	if (turns.n)
		qsort(turns.v, turns.n, sizeof(*turns.v), compare_turns);
	return turns;
}

static uint32_t add_row(struct image *img, struct intern *rows, const struct cf_row *row)
{
	bool fresh;
	uint32_t n = intern_add(rows, row, &fresh);

	if (fresh)
		*VEC_ADD(&img->service_rows) = *row;
	return n;
}

/* Rules that ask for no service: any will do. */
static struct cf_row rules_of_any(const struct build *b)
{
	struct cf_row row = { 0 };

	for (uint32_t i = 0; i < b->rules.n && i < CF_RULES_MAX; i++)
		if (!services_of(b, i))
			row_set(&row, i);
	return row;
}

static void add_ranges(struct build *b, const struct turns *turns, struct intern *rows)
{
	struct image *img = b->img;
	struct cf_row row = rules_of_any(b);
	int holding[CF_RULES_MAX] = { 0 };
	size_t i = 0;

	for (uint32_t at = 0;;) {
		for (; i < turns->n && turns->v[i].at == at; i++) {
			const struct turn *t = &turns->v[i];

			holding[t->rule] += t->by;
			(holding[t->rule] ? row_set : row_clear)(&row, t->rule);
		}
		*VEC_ADD(&img->services) =
			(struct cf_service_range){ at, add_row(img, rows, &row) };
		if (i >= turns->n)
			return;
		at = turns->v[i].at;
	}
}

/* How much of a protocol a rule names. */
enum share { SHARE_NONE, SHARE_SOME, SHARE_ALL };

static enum share share_of(const struct service_list *l, uint32_t protocol)
{
	enum share share = SHARE_NONE;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].protocol != protocol)
			continue;
		if (!l->v[i].has_port)
			return SHARE_ALL;
		share = SHARE_SOME;
	}
	return share;
}

static bool lets_pass(const struct image *img, uint32_t rule)
{
	return row_has(&img->clearing_rules, rule);
}

static void add_protocols(struct build *b, struct intern *rows)
{
	struct image *img = b->img;

	for (uint32_t protocol = 0; protocol < CF_PROTOCOLS; protocol++) {
		struct cf_row row = rules_of_any(b), open = { 0 };

		for (uint32_t i = 0; i < b->rules.n && i < CF_RULES_MAX; i++) {
			const struct service_list *l = services_of(b, i);
			enum share share;

			if (!l)
				continue;
			share = protocol == PROTOCOL_UNREAD ? SHARE_SOME : share_of(l, protocol);
			if (share == SHARE_SOME)
				row_set(&open, i);
			if (share == SHARE_ALL || (share == SHARE_SOME && !lets_pass(img, i)))
				row_set(&row, i);
		}
		*VEC_ADD(&img->service_protocols) = (struct cf_service_protocol){
			.row = add_row(img, rows, &row),
			.open = add_row(img, rows, &open),
		};
	}
}

void build_services(struct build *b)
{
	struct turns turns = all_turns(b);
	struct intern rows = INTERN(struct cf_row);

	if (!row_empty(&b->img->service_rules)) {
		add_ranges(b, &turns, &rows);
		add_protocols(b, &rows);
	}
	if (b->img->services.n > CF_SERVICES_MAX)
		build_error(b, NOWHERE, "name ranges of ports, tcp/8000-8100",
			    "the rules tell %zu ranges of ports apart, %d at most",
			    b->img->services.n, CF_SERVICES_MAX);
	free(turns.v);
	intern_done(&rows);
}
