/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `quotas`, `quota-reset`: the quota ledger with names, places and times. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/daemon/books.h"
#include "app/daemon/holds.h"
#include "app/daemon/parts.h"
#include "app/show/quota_view.h"
#include "base/log.h"
#include "core/report/alert_story.h"

#define ROWS_DEFAULT 50
#define ROWS_MAX     10000

static const struct addr *host_of(struct daemon *d, const struct cf_quota_key *key)
{
	const struct neigh *n;

	if (mac_is_zero(key->mac))
		return NULL;
	n = neigh_by_mac(books_neighbours(d), key->mac);
	return n ? &n->addr : NULL;
}

static const char *as_name_in(const struct geo_table *t, uint32_t asn)
{
	for (size_t i = 0; t && i < t->records.n; i++)
		if (t->records.v[i].asn == asn && t->records.v[i].as_name)
			return t->records.v[i].as_name;
	return NULL;
}

static const char *as_name(const struct daemon *d, uint32_t asn)
{
	const char *name = asn ? as_name_in(d->now.geo.asn, asn) : NULL;

	return name || !asn ? name : as_name_in(d->now.geo.city, asn);
}

static bool has_destination(const struct cf_quota_key *key)
{
	return key->kind == CF_KEY_DESTINATION || key->kind == CF_KEY_PAIR ||
	       key->kind == CF_KEY_PREFIX;
}

static void add_place(struct daemon *d, json_t *o, const struct cf_quota_key *key)
{
	struct place place;
	struct addr dst;

	memcpy(dst.b, key->dst, sizeof(dst.b));
	if (has_destination(key)) {
		place = books_place(d, &dst);
		json_place(o, &place);
	} else if (key->kind == CF_KEY_COUNTRY) {
		json_object_set_new(o, "country", json_text(key->cc));
	} else if (key->kind == CF_KEY_ASN) {
		/* of no known AS it is a network: its first address may well be of one */
		json_object_set_new(o, "asn", key->asn ? json_integer(key->asn) : json_null());
		json_object_set_new(o, "as_name", json_text(as_name(d, key->asn)));
	}
}

json_t *books_quota_json(struct daemon *d, const struct quota_entry *e)
{
	const struct policy *p = NULL;
	_cleanup_buf_ struct buf text = { 0 };
	json_t *o = quota_entry_json(e, d->now.image, host_of(d, &e->key),
				     e->key.kind == CF_KEY_ASN ? as_name(d, e->key.asn) : NULL,
				     d->zone);

	limit_print(d->now.image, d->now.set, e->quota, &text);
	json_object_set_new(o, "quota", json_text(buf_text(&text)));
	if (e->quota != ~0U)
		p = rule_policy(d->now.image, d->now.set, d->now.image->quotas.v[e->quota].rule);
	/* the whole name; the kernel has a cut one */
	if (p)
		json_object_set_new(o, "policy", json_text(p->name));
	add_place(d, o, &e->key);
	return o;
}

/* A packet that another policy drops leaves a key behind that holds nothing. */
static bool in_use(const struct quota_entry *e)
{
	return e->present && (e->state.used_bytes || e->state.attempted_packets);
}

int request_quotas(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		   json_t **ret_reply, char **ret_error)
{
	_cleanup_quota_entries_ struct quota_entries l = { 0 };
	bool all = json_is_true(json_object_get(args, "all"));
	size_t n = json_get_count(args, "n"), present = 0;
	json_t *rows = json_array();
	int r = quota_entries_read(d->dp, d->now.image, daemon_now(d), &l);

	n = !n ? ROWS_DEFAULT : n > ROWS_MAX ? ROWS_MAX : n;
	if (r < 0) {
		json_decref(rows);
		return request_fail(ret_error, EXIT_DEGRADED, "cannot read the quotas: %s",
				    strerror(-r));
	}
	quota_entries_sort(&l);
	for (size_t i = 0; i < l.n; i++) {
		bool counts = in_use(&l.v[i]);

		present += counts;
		if ((all || counts) && json_array_size(rows) < n)
			json_array_append_new(rows, books_quota_json(d, &l.v[i]));
	}
	*ret_reply = json_pack("{s:o, s:o, s:I, s:I}", "now", json_time(d, daemon_now(d)), "rows",
			       rows, "keys", (json_int_t)l.n, "in_use", (json_int_t)present);
	return 0;
}

/* ---- giving one back -------------------------------------------------------- */

static bool is_asked(struct daemon *d, const struct quota_entry *e, const char *asked)
{
	_cleanup_buf_ struct buf words = { 0 };
	char text[16];

	snprintf(text, sizeof(text), "%08x", quota_key_id(&e->key));
	if (!strcasecmp(text, asked))
		return true;
	quota_key_print(&e->key, d->now.image, NULL, NULL, &words);
	return !strcasecmp(buf_text(&words), asked);
}

static const struct quota_entry *find_asked(struct daemon *d, const struct quota_entries *l,
					    const char *asked, size_t *ret_n)
{
	const struct quota_entry *found = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!is_asked(d, &l->v[i], asked))
			continue;
		/* of several, only the open periods matter */
		if (found && found->present && !l->v[i].present)
			continue;
		*ret_n = found && found->present == l->v[i].present ? *ret_n + 1 : 1;
		found = &l->v[i];
	}
	return found;
}

/* What was dropped for a time because this key was used up. */
static void lift_hold(struct daemon *d, const struct quota_entry *e)
{
	const struct image *img = d->now.image;
	struct cf_quota_key key;

	if (e->quota == ~0U || e->key.kind == CF_KEY_OVERFLOW)
		return;
	key = hold_key_of(img, img->quotas.v[e->quota].rule, e->quota, &e->key);
	daemon_hold_lift(d, &key);
}

int request_quota_reset(struct daemon *d, const struct peer *peer, const json_t *args,
			json_t **ret_reply, char **ret_error)
{
	_cleanup_quota_entries_ struct quota_entries l = { 0 };
	const char *asked = json_get_text(args, "key");
	const struct quota_entry *e;
	size_t n;
	json_t *row;
	int r;

	if (!asked)
		return request_fail(ret_error, EXIT_USAGE, "which key? 'curfew quotas' lists them");
	r = quota_entries_read(d->dp, d->now.image, daemon_now(d), &l);
	if (r < 0)
		return request_fail(ret_error, EXIT_DEGRADED, "cannot read the quotas: %s",
				    strerror(-r));
	e = find_asked(d, &l, asked, &n);
	if (!e)
		return request_fail(ret_error, EXIT_USAGE,
				    "no quota has the key '%s'; 'curfew quotas --all' lists them",
				    asked);
	if (n > 1)
		return request_fail(ret_error, EXIT_USAGE,
				    "%zu quotas have the key '%s': name it by the eight digits "
				    "that 'curfew quotas' shows",
				    n, asked);
	r = datapath_quota_reset(d->dp, &e->key);
	if (r < 0)
		return request_fail(ret_error, EXIT_DEGRADED, "cannot reset it: %s", strerror(-r));
	lift_hold(d, e);
	alert_seen_forget(d->books->seen, &e->key);
	daemon_quotas_reset(d, &e->key);
	row = books_quota_json(d, e);
	log_notice("quota key %s (%s) of \"%s\" reset by user %u; %" PRIu64 " bytes were used",
		   json_get_text(row, "key"), json_get_text(row, "key_text"),
		   json_get_text(row, "policy"), peer->uid, (uint64_t)e->state.used_bytes);
	*ret_reply = json_pack("{s:o}", "reset", row);
	return 0;
}
