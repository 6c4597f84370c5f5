/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block, allow, unblock, blocks: rules made by hand, each change a new generation. */
#include <errno.h>
#include <string.h>

#include "app/daemon/holds.h"
#include "app/daemon/parts.h"
#include "app/show/json_util.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/report/reason.h"

/* How often the used amount of an `allow --up-to` goes to the disk. */
#define SAVE_POLLS 30

static char *book_path(const struct daemon *d)
{
	return xprintf("%s/blocks.json", d->cli->state_dir);
}

void daemon_manual_open(struct daemon *d)
{
	_cleanup_free_ char *path = book_path(d), *aside = NULL;
	int r = manual_load(path, &d->book);

	if (r == 0) {
		manual_expire(&d->book, daemon_now(d));
		return;
	}
	aside = xprintf("%s.damaged", path);
	log_critical("%s is damaged: NO RULE MADE BY HAND is in force; it is kept as %s", path,
		     aside);
	if (rename(path, aside) < 0)
		log_err(-errno, "%s", aside);
	daemon_set_error(d, xprintf("%s was damaged: blocks made by hand are not in force", path));
}

static void save(struct daemon *d)
{
	_cleanup_free_ char *path = book_path(d);
	int r = manual_save(&d->book, path);

	if (r < 0)
		log_err(r, "%s: rules made by hand will not survive a restart", path);
}

void daemon_manual_poll(struct daemon *d)
{
	_cleanup_free_ char *error = NULL;
	bool used_up = manual_count(&d->book, d->dp);
	bool limited = false;
	size_t ended;

	for (size_t i = 0; i < d->book.n; i++)
		limited |= d->book.v[i].up_to_bytes > 0;
	ended = manual_expire(&d->book, daemon_now(d));
	/* The kernel ends them by itself; we forget them. */
	if (ended || (limited && d->polls % SAVE_POLLS == 0))
		save(d);
	if (used_up && daemon_recompile(d, "an allow is used up", &error))
		log_error("an allow is used up, but cannot be forgotten: %s", error);
	if (ended)
		manual_close(&d->book, d->dp);
}

static uint64_t number_arg(const json_t *args, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(args, name));

	return v > 0 ? (uint64_t)v : 0;
}

static struct manual_entry *add_entry(struct daemon *d, const struct peer *peer, const json_t *args,
				      bool allow)
{
	const char *from = json_string_value(json_object_get(args, "from"));
	const char *to = json_string_value(json_object_get(args, "to"));
	const char *reason = json_string_value(json_object_get(args, "reason"));
	uint64_t seconds = number_arg(args, "for_seconds");
	struct manual_entry *e = manual_add(&d->book);

	e->allow = allow;
	e->from = xstrdup(from ? from : "any");
	e->to = xstrdup(to ? to : "any");
	e->reason = reason ? xstrdup(reason) : NULL;
	e->made_at = daemon_now(d);
	if (seconds && seconds < MANUAL_FOREVER)
		e->until.s = e->made_at.s + (int64_t)seconds;
	e->up_to_bytes = allow ? number_arg(args, "up_to_bytes") : 0;
	e->by = peer->uid;
	return e;
}

/* Why a rule about this one address never meets a packet; NULL: it may. */
static const char *never_judged(const struct daemon *d, const char *to)
{
	const struct cf_label *l;
	struct addr a;

	if (addr_parse(to, &a) < 0)
		return NULL;
	l = &d->now.image->labels.v[image_label(d->now.image, &a)];
	return l->flags & CF_LABEL_IGNORED ? reason_infos[l->reason].text : NULL;
}

/* The IPv6 network by which the sources of a block may go past it, as text; NULL: none. */
static char *gone_past_by(const struct daemon *d, const struct manual_entry *e)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	struct expr *from = NULL, *to = NULL;
	char text[PREFIX_TEXT_MAX];
	struct prefix net;
	bool past;

	policy_parse_expr_text(e->from, true, d->now.set, &from, &diags);
	policy_parse_expr_text(e->to, false, d->now.set, &to, &diags);
	past = !e->allow && policy_is_ipv4_alone(d->now.set, from, to, &net);
	expr_free(from);
	expr_free(to);
	return past ? xstrdup(prefix_format(&net, text)) : NULL;
}

/* What ends behind the schedule takes no edge of it yet. */
static bool ends_in_schedule(const struct daemon *d, uint64_t seconds)
{
	int64_t left = d->now.image->end.s - daemon_now(d).s;

	return seconds && left > 0 && seconds < (uint64_t)left;
}

/* The compiler would name whatever rule of the file comes last. */
static int refuse_full(const struct daemon *d, bool ends, char **ret_error)
{
	const char *what = image_no_room(d->now.image, ends);

	if (!what)
		return 0;
	*ret_error =
		xprintf("there is no room for a rule by hand: the configuration, and %zu rules by "
			"hand, use all %s that there may be; nothing was changed. 'curfew unblock "
			"ID' or a smaller configuration makes room",
			d->book.n, what);
	return EXIT_USAGE;
}

static int add(struct daemon *d, const struct peer *peer, const json_t *args, bool allow,
	       json_t **ret_reply, char **ret_error)
{
	struct callers buf;
	const struct callers *callers = allow ? NULL : guard_callers_arg(args, &buf);
	_cleanup_free_ char *past = NULL;
	struct manual_entry *e;
	uint32_t id;
	int r;

	r = refuse_full(d, ends_in_schedule(d, number_arg(args, "for_seconds")), ret_error);
	if (r)
		return r;
	e = add_entry(d, peer, args, allow);
	id = e->id;
	r = daemon_recompile_for(d, allow ? "allow by hand" : "block by hand", callers, ret_error);
	if (r) {
		manual_remove(&d->book, id);
		manual_close(&d->book, d->dp);
		d->book.last_id--;
		return r;
	}
	save(d);
	e = &d->book.v[d->book.n - 1];
	log_notice("uid %u: %s %u from %s to %s%s%s", peer->uid, allow ? "allow" : "block", id,
		   e->from, e->to, e->reason ? ": " : "", e->reason ? e->reason : "");
	past = gone_past_by(d, e);
	*ret_reply = json_pack("{s:o, s:I, s:b, s:s?, s:s?}", "rule", manual_json(e, d->zone),
			       "generation", (json_int_t)d->now.generation, "observe",
			       d->now.image->observe, "never_judged", never_judged(d, e->to),
			       "not_by", past);
	return 0;
}

static int request_block(struct daemon *d, const struct peer *peer, const json_t *args,
			 json_t **ret_reply, char **ret_error)
{
	return add(d, peer, args, false, ret_reply, ret_error);
}

static int request_allow(struct daemon *d, const struct peer *peer, const json_t *args,
			 json_t **ret_reply, char **ret_error)
{
	return add(d, peer, args, true, ret_reply, ret_error);
}

static int request_unblock(struct daemon *d, const struct peer *peer, const json_t *args,
			   json_t **ret_reply, char **ret_error)
{
	json_int_t id = json_integer_value(json_object_get(args, "id"));
	const char *key = json_get_text(args, "key");
	struct manual_entry taken = { 0 };
	struct callers callers;
	size_t i = 0;
	int r;

	if (key)
		return daemon_hold_unblock(d, peer, key, ret_reply, ret_error);
	while (i < d->book.n && d->book.v[i].id != id)
		i++;
	if (i == d->book.n) {
		*ret_error = xprintf("there is no rule %lld; see 'curfew blocks'", (long long)id);
		return EXIT_USAGE;
	}
	/* Put back where it was if the kernel refuses. */
	taken = d->book.v[i];
	memmove(&d->book.v[i], &d->book.v[i + 1], (--d->book.n - i) * sizeof(taken));
	r = daemon_recompile_for(d, "a rule made by hand was removed",
				 taken.allow ? guard_callers_arg(args, &callers) : NULL, ret_error);
	if (r) {
		memmove(&d->book.v[i + 1], &d->book.v[i], (d->book.n++ - i) * sizeof(taken));
		d->book.v[i] = taken;
		return r;
	}
	save(d);
	manual_close(&d->book, d->dp);
	log_notice("uid %u: removed %s %u from %s to %s", peer->uid,
		   taken.allow ? "allow" : "block", taken.id, taken.from, taken.to);
	*ret_reply = json_pack("{s:o, s:I}", "rule", manual_json(&taken, d->zone), "generation",
			       (json_int_t)d->now.generation);
	manual_entry_done(&taken);
	return 0;
}

static int request_blocks(struct daemon *d, const struct peer *peer _unused_,
			  const json_t *args _unused_, json_t **ret_reply,
			  char **ret_error _unused_)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < d->book.n; i++)
		json_array_append_new(rules, manual_json(&d->book.v[i], d->zone));
	*ret_reply = json_pack("{s:o, s:o}", "rules", rules, "holds", daemon_holds_json(d));
	return 0;
}

const struct request requests_manual[] = {
	{ "block", true, request_block },
	{ "allow", true, request_allow },
	{ "unblock", true, request_unblock },
	{ "blocks", false, request_blocks },
	{ NULL, false, NULL },
};
