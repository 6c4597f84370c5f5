/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/coverage/uncovered.h"

#include <string.h>

#include "base/buf.h"

static struct uncovered_entry *find(struct uncovered *u, const struct uncovered_look *l)
{
	struct uncovered_entry fresh = { .role = l->role, .known_ms = l->now_ms };

	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].role == l->role && !strcmp(u->v[i].ifname, l->ifname))
			return &u->v[i];
	strncpy(fresh.ifname, l->ifname, sizeof(fresh.ifname) - 1);
	*VEC_ADD(u) = fresh;
	return &u->v[u->n - 1];
}

static uint64_t since(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

bool uncovered_open(const struct uncovered_entry *e)
{
	return e->exists && !e->covered;
}

uint64_t uncovered_total(const struct uncovered_entry *e, uint64_t now_ms)
{
	return e->total_ms + (uncovered_open(e) ? since(e->since_ms, now_ms) : 0);
}

static uint64_t began(const struct uncovered_entry *e, const struct uncovered_look *l)
{
	/* what appeared cannot have been open before that, nor before it was last seen to be absent
	 */
	if (!e->exists || l->anew)
		return l->appeared_ms > e->known_ms ? l->appeared_ms : e->known_ms;
	return e->known_ms;
}

enum uncovered_news uncovered_look(struct uncovered *u, const struct uncovered_look *l,
				   uint64_t *ret_ms)
{
	struct uncovered_entry *e = find(u, l);
	bool was = uncovered_open(e), is = l->exists && !l->covered;
	enum uncovered_news news = UNCOVERED_SAME;
	uint64_t ms = 0;

	if (is && !was) {
		e->since_ms = began(e, l);
		e->gaps++;
		news = UNCOVERED_BEGAN;
	}
	if (is || was)
		ms = since(e->since_ms, l->now_ms);
	if (was && !is) {
		e->total_ms += ms;
		news = UNCOVERED_ENDED;
	}
	e->exists = l->exists;
	e->covered = l->covered;
	e->known_ms = l->now_ms;
	e->seen = true;
	if (ret_ms)
		*ret_ms = ms;
	return news;
}

void uncovered_begin(struct uncovered *u)
{
	for (size_t i = 0; i < u->n; i++)
		u->v[i].seen = false;
}

void uncovered_end(struct uncovered *u, uint64_t now_ms)
{
	for (size_t i = 0; i < u->n; i++) {
		struct uncovered_entry *e = &u->v[i];

		if (e->seen)
			continue;
		e->total_ms = uncovered_total(e, now_ms);
		e->exists = e->covered = false;
		e->known_ms = now_ms;
	}
}

void uncovered_done(struct uncovered *u)
{
	free(u->v);
	*u = (struct uncovered){ 0 };
}
