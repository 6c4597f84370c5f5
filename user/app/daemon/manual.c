/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The book of rules made by hand: keeping, ending, showing. */
#include "app/daemon/manual.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"

void manual_entry_done(struct manual_entry *e)
{
	free(e->from);
	free(e->to);
	free(e->reason);
}

void manual_book_done(struct manual_book *b)
{
	for (size_t i = 0; i < b->n; i++)
		manual_entry_done(&b->v[i]);
	free(b->v);
	*b = (struct manual_book){ 0 };
}

struct manual_entry *manual_add(struct manual_book *b)
{
	struct manual_entry *e = VEC_ADD(b);

	*e = (struct manual_entry){ .id = ++b->last_id, .until = { MANUAL_FOREVER } };
	return e;
}

static void remove_at(struct manual_book *b, size_t i)
{
	manual_entry_done(&b->v[i]);
	memmove(&b->v[i], &b->v[i + 1], (--b->n - i) * sizeof(*b->v));
}

bool manual_remove(struct manual_book *b, uint32_t id)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].id != id)
			continue;
		remove_at(b, i);
		return true;
	}
	return false;
}

static bool ended(const struct manual_entry *e, struct utc now)
{
	return e->until.s <= now.s ||
	       (e->up_to_bytes && (e->used_up || e->used_bytes >= e->up_to_bytes));
}

size_t manual_expire(struct manual_book *b, struct utc now)
{
	size_t n = 0;

	for (size_t i = b->n; i-- > 0;) {
		if (!ended(&b->v[i], now))
			continue;
		log_notice("%s %u from %s to %s has ended", b->v[i].allow ? "allow" : "block",
			   b->v[i].id, b->v[i].from, b->v[i].to);
		remove_at(b, i);
		n++;
	}
	return n;
}

/* ---- the file --------------------------------------------------------- */

static json_t *entry_to_json(const struct manual_entry *e)
{
	return json_pack("{s:I, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "id",
			 (json_int_t)e->id, "allow", e->allow, "from", e->from, "to", e->to,
			 "made_at", (json_int_t)e->made_at.s, "until", (json_int_t)e->until.s,
			 "up_to_bytes", (json_int_t)e->up_to_bytes, "used_bytes",
			 (json_int_t)e->used_bytes, "by", (json_int_t)e->by, "reason", e->reason);
}

static int entry_from_json(json_t *v, struct manual_book *b)
{
	json_int_t id, made_at, until, up_to, used, by;
	const char *from, *to, *reason = NULL;
	struct manual_entry *e;
	int allow;

	if (json_unpack(v, "{s:I, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s?s}", "id", &id, "allow",
			&allow, "from", &from, "to", &to, "made_at", &made_at, "until", &until,
			"up_to_bytes", &up_to, "used_bytes", &used, "by", &by, "reason",
			&reason) < 0 &&
	    json_unpack(v, "{s:I, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:n}", "id", &id, "allow",
			&allow, "from", &from, "to", &to, "made_at", &made_at, "until", &until,
			"up_to_bytes", &up_to, "used_bytes", &used, "by", &by, "reason") < 0)
		return -EINVAL;
	if (id < 1 || id > UINT32_MAX || up_to < 0 || used < 0)
		return -EINVAL;
	e = manual_add(b);
	e->id = (uint32_t)id;
	e->allow = allow;
	e->from = xstrdup(from);
	e->to = xstrdup(to);
	e->made_at.s = made_at;
	e->until.s = until;
	e->up_to_bytes = (uint64_t)up_to;
	e->used_bytes = (uint64_t)used;
	e->by = (uid_t)by;
	e->reason = reason ? xstrdup(reason) : NULL;
	return 0;
}

int manual_load(const char *path, struct manual_book *ret)
{
	struct manual_book b = { 0 };
	json_t *top, *rules, *v;
	size_t i;
	int r = 0;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		*ret = b;
		return 0;
	}
	top = json_load_file(path, 0, NULL);
	rules = json_object_get(top, "rules");
	if (!json_is_array(rules))
		r = -EINVAL;
	json_array_foreach(rules, i, v) if (r == 0) r = entry_from_json(v, &b);
	b.last_id = (uint32_t)json_integer_value(json_object_get(top, "last_id"));
	json_decref(top);
	for (i = 0; i < b.n; i++)
		if (b.v[i].id > b.last_id)
			b.last_id = b.v[i].id;
	if (r < 0) {
		manual_book_done(&b);
		return r;
	}
	*ret = b;
	return 0;
}

int manual_save(const struct manual_book *b, const char *path)
{
	_cleanup_free_ char *part = xprintf("%s.new", path);
	json_t *rules = json_array(), *top;
	int fd, r;

	for (size_t i = 0; i < b->n; i++)
		json_array_append_new(rules, entry_to_json(&b->v[i]));
	top = json_pack("{s:i, s:I, s:o}", "version", 1, "last_id", (json_int_t)b->last_id, "rules",
			rules);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : 0;
	if (r == 0 && json_dumpfd(top, fd, JSON_INDENT(1)) < 0)
		r = -EIO;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close_p(&fd);
	json_decref(top);
	if (r == 0 && rename(part, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(part);
	return r;
}

json_t *manual_json(const struct manual_entry *e, const struct zone *zone)
{
	char until[64] = "", made[64];
	json_t *v = entry_to_json(e);

	utc_format_iso(e->made_at, zone, made, sizeof(made));
	json_object_set_new(v, "made_at", json_string(made));
	if (e->until.s < MANUAL_FOREVER)
		utc_format_iso(e->until, zone, until, sizeof(until));
	json_object_set_new(v, "until", *until ? json_string(until) : json_null());
	return v;
}
