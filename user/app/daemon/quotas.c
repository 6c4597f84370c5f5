/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What quotas have used outlives the machine: STATE/quotas holds a record of each key,
 * ahead of what it has used. The kernel says when a key nears its record, and another
 * is appended and synced before the key is told how far it may go unsaid. After a reboot
 * they are given back before anything is attached, and when the clock turns out to have
 * been wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/daemon/books.h"
#include "app/daemon/quota_keeper.h"
#include "app/status/status.h"
#include "base/log.h"
#include "port/files.h"

#define FILE_MAX (256U << 20)
/* All keys are looked at so often, for those whose event was lost. */
#define WALK_MS 5000
/* The disk may have this part of our time. */
#define SYNC_PART 4
/* Appended to until it is so much larger than what it holds. */
#define GROWTH     3
#define GROWTH_MIN (1U << 20)
/* Of a device that does not say how fast it is. */
#define UNKNOWN_MBITS 10000

/* ---- events and polls ---------------------------------------------------------------- */

void daemon_quotas_event(struct daemon *d, const struct cf_event *ev)
{
	*VEC_ADD(&d->keeper->dirty) = ev->key;
}

/* For so long from now, in ms. */
static uint64_t disk_may_rest(const struct quota_keeper *k)
{
	uint64_t rested = books_ms() - k->synced_ms;

	return k->synced_ms && rested < SYNC_PART * k->took_ms ? SYNC_PART * k->took_ms - rested
							       : 0;
}

/* No other event need come, and the next poll may be a minute away. */
int daemon_quotas_wait(const struct daemon *d)
{
	const struct quota_keeper *k = d->keeper;

	if (!k || !k->dirty.n)
		return -1;
	return (int)disk_may_rest(k);
}

void daemon_quotas_flush(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;

	if (!k->dirty.n || disk_may_rest(k))
		return;
	for (size_t i = 0; i < k->dirty.n; i++) {
		struct quota_state st;

		if (datapath_quota_get(d->dp, &k->dirty.v[i], &st) == 0)
			keeper_key(d, &k->dirty.v[i], &st);
	}
	k->dirty.n = 0;
	keeper_flush(d);
}

static uint64_t mbits_of(const char *interface)
{
	_cleanup_free_ char *path = xprintf("/sys/class/net/%s/speed", interface), *text = NULL;
	long mbits = 0;
	size_t n;

	if (!files_read(path, 64, &text, &n))
		mbits = strtol(text, NULL, 10);
	return mbits > 0 ? (uint64_t)mbits : UNKNOWN_MBITS;
}

static uint64_t mbits_together(const struct name_list *interfaces)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < interfaces->n; i++)
		sum += mbits_of(interfaces->v[i].name);
	return sum ? sum : UNKNOWN_MBITS;
}

static void look_at_links(struct daemon *d)
{
	uint64_t inside = mbits_together(&d->now.set->inside);
	uint64_t outside = mbits_together(&d->now.set->outside);

	d->keeper->link_bytes_per_ms = (inside > outside ? inside : outside) * 125;
}

static void walk_one(void *arg, const struct cf_quota_key *key, const struct quota_state *st)
{
	keeper_key(arg, key, st);
}

static void walk(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;

	k->walked_ms = books_ms();
	k->dirty.n = 0;
	look_at_links(d);
	if (k->fd >= 0 && k->size > GROWTH_MIN + (k->kept.n + k->pending.n) * 88ULL * GROWTH) {
		close(k->fd);
		k->fd = -1;
	}
	/* written anew, it holds all of them */
	if (k->fd >= 0)
		datapath_quotas(d->dp, walk_one, d);
	keeper_flush(d);
}

void daemon_quotas_poll(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;

	daemon_quotas_flush(d);
	if (books_ms() - k->walked_ms >= WALK_MS && !disk_may_rest(k))
		walk(d);
}

void daemon_quotas_reset(struct daemon *d, const struct cf_quota_key *key)
{
	struct quota_record r = { .key = *key, .gone = true }, *left;

	left = quota_records_find(&d->keeper->pending, key);
	if (left)
		left->gone = true;
	if (key->kind == CF_KEY_OVERFLOW)
		keeper_cells_reset(d->keeper, key->quota);
	quota_store_record(&d->keeper->out, &r);
	keeper_set_kept(d->keeper, &r, 0);
	keeper_flush(d);
}

/*
 * The kernel has forgotten these: so they begin anew when they return, also after a restart. What a
 * start has not given back yet it keeps: of a reboot nobody knows which configuration comes next.
 */
static void forget_gone(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;

	for (size_t i = 0; i < k->kept.n; i++) {
		struct quota_record *r = &k->kept.v[i];

		if (r->gone || keeper_spec(d->now.image, r->key.quota))
			continue;
		r->gone = true;
		quota_store_record(&k->out, r);
	}
	if (k->out.n)
		keeper_flush(d);
}

void daemon_quotas_prune(struct daemon *d)
{
	datapath_quota_prune(d->dp, d->now.image, daemon_now(d));
	forget_gone(d);
}

/* ---- start and stop ------------------------------------------------------------------------ */

/* Of another boot, or of tables that were detached: to be given back. */
static void adopt(struct daemon *d, struct quota_records *file, uint64_t tables_id)
{
	struct quota_keeper *k = d->keeper;
	bool same = tables_id == datapath_tables_id(d->dp);

	for (size_t i = 0; i < file->n; i++) {
		const struct quota_record *r = &file->v[i];
		struct quota_state st;

		/* of these tables, but not theirs: what an earlier run had not given back yet */
		if (same && datapath_quota_get(d->dp, &r->key, &st) == 0 &&
		    st.period_minute == r->period_minute)
			keeper_set_kept(k, r, st.used_bytes);
		else if (!r->gone)
			quota_records_set(&k->pending, r);
	}
}

void daemon_quotas_open(struct daemon *d)
{
	_cleanup_free_ char *path = keeper_path(d), *text = NULL;
	struct quota_keeper *k = xcalloc(1, sizeof(*k));
	struct quota_records file = { 0 };
	size_t n = 0, bad = 0;
	uint64_t tables_id;
	int r;

	d->keeper = k;
	k->fd = -1;
	k->link_bytes_per_ms = UNKNOWN_MBITS * 125;
	if (getrandom(&k->kept.seed, sizeof(k->kept.seed), 0) < 0)
		log_err(-errno, "no random numbers for the keys of quotas");
	k->pending.seed = file.seed = k->kept.seed;
	r = files_read(path, FILE_MAX, &text, &n);
	if (!r)
		r = quota_store_read(text, n, &tables_id, &file, &bad);
	if (r < 0 && r != -ENOENT)
		log_err(r, "%s: what quotas had used cannot be read; they begin anew", path);
	if (bad)
		log_warning("%s: the last %zu bytes are no records: a crash has cut them off", path,
			    bad);
	if (!r)
		adopt(d, &file, tables_id);
	quota_records_done(&file);
}

void daemon_quotas_stop(struct daemon *d, bool release)
{
	struct quota_keeper *k = d->keeper;

	if (!k)
		return;
	/* not even loaded: what the file says is all there is */
	if (d->now.image) {
		k->exact = release;
		if (release)
			keeper_forget(k);
		walk(d);
	}
	keeper_forget(k);
	quota_records_done(&k->pending);
	free(k->written.v);
	free(k->dirty.v);
	free(k->keeps.v);
	buf_done(&k->out);
	free(k);
	d->keeper = NULL;
}

void daemon_quotas_status(struct daemon *d, json_t *status)
{
	const struct quota_keeper *k = d->keeper;
	json_object_set_new(
		status, "quota_store",
		json_pack("{s:I, s:I, s:I, s:I, s:b}", "keys", (json_int_t)keeper_keys(&k->kept),
			  "bytes", (json_int_t)k->size, "restored", (json_int_t)k->restored,
			  "waiting", (json_int_t)keeper_keys(&k->pending), "ok", !k->errors));
	if (k->errors)
		status_problem(status,
			       xprintf("what quotas have used cannot be kept in %s/quotas: %s: a "
				       "reboot would give it back",
				       d->cli->state_dir, strerror(-k->error)),
			       "make room there, or make it writable; it is tried again by itself");
}
