/* SPDX-License-Identifier: GPL-2.0-or-later */
/* STATE/quotas: which records it needs, and how they get there. */
#include "app/daemon/quota_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/daemon/books.h"
#include "base/log.h"

/* A key without a new record for so long is not busy. */
#define REST_MS 4000
/* What was not given back within that time is of a period that is over. */
#define PENDING_DAYS 40

char *keeper_path(const struct daemon *d)
{
	return xprintf("%s/quotas", d->cli->state_dir);
}

const struct cf_quota_spec *keeper_spec(const struct image *img, uint32_t id)
{
	for (size_t i = 0; img && i < img->quotas.n; i++)
		if (img->quotas.v[i].id == id)
			return &img->quotas.v[i];
	return NULL;
}

uint32_t keeper_period(const struct image *img, const struct cf_quota_spec *q, struct utc now)
{
	return image_period(img, q->calendar, now) & CF_QUOTA_PERIOD_MASK;
}

/* ---- the file ----------------------------------------------------------------- */

static int write_all(int fd, const struct buf *b)
{
	size_t done = 0;

	while (done < b->n) {
		ssize_t n = write(fd, b->s + done, b->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int sync_directory(const struct daemon *d)
{
	_cleanup_close_ int fd = open(d->cli->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Whole and synced, or not at all; open for more. */
static int replace_file(struct daemon *d, const struct buf *b)
{
	_cleanup_free_ char *path = keeper_path(d), *next = xprintf("%s.new", path);
	struct quota_keeper *k = d->keeper;
	int r = 0, fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	r = write_all(fd, b);
	if (!r && fdatasync(fd) < 0)
		r = -errno;
	if (!r && rename(next, path) < 0)
		r = -errno;
	if (!r)
		r = sync_directory(d);
	if (r < 0) {
		close(fd);
		unlink(next);
		return r;
	}
	k->fd = fd;
	k->size = b->n;
	return 0;
}

static int append_file(struct quota_keeper *k, const struct buf *b)
{
	int r = write_all(k->fd, b);

	if (!r && fdatasync(k->fd) < 0)
		r = -errno;
	if (!r)
		k->size += b->n;
	return r;
}

static void say_error(struct daemon *d, int r)
{
	struct quota_keeper *k = d->keeper;

	if (r < 0 && !k->errors)
		log_err(r,
			"%s/quotas: what quotas have used cannot be kept: a reboot would give it "
			"back",
			d->cli->state_dir);
	if (!r && k->errors)
		log_notice("what quotas have used is kept again");
	k->errors = r < 0 ? k->errors + 1 : 0;
	k->error = r;
}

/* ---- records --------------------------------------------------------------------- */

/* Is what is on file of a key good enough, for now? */
static bool covered(const struct quota_record *r, const struct cf_quota_spec *q,
		    const struct quota_state *st)
{
	if (!r || r->gone || r->period_minute != st->period_minute ||
	    r->used_bytes < st->used_bytes || r->latched != st->latched ||
	    r->reported != st->reported)
		return false;
	if (r->used_bytes >= q->drop_bytes)
		return true;
	return st->keep_bytes != UINT64_MAX && st->used_bytes < st->keep_bytes;
}

void keeper_set_kept(struct quota_keeper *k, const struct quota_record *r, uint64_t used_bytes)
{
	size_t n = k->kept.n;

	quota_records_set(&k->kept, r);
	if (k->kept.n > n)
		*VEC_ADD(&k->written) = (struct written){ 0 };
	k->written.v[quota_records_find(&k->kept, &r->key) - k->kept.v] =
		(struct written){ books_ms(), used_bytes };
}

static uint64_t ahead_of(const struct quota_keeper *k, const struct cf_quota_spec *q,
			 const struct quota_state *st, uint64_t since, uint64_t ms)
{
	return k->exact ? 0
			: quota_reserve(st->used_bytes, since, ms, q->limit_bytes, q->drop_bytes,
					k->link_bytes_per_ms);
}

/*
 * A key that was busy and is no more needs less ahead. It is told first: what is on
 * file is beyond that until the new record is.
 */
static bool rests(struct daemon *d, const struct cf_quota_key *key, const struct quota_state *st,
		  const struct cf_quota_spec *q)
{
	struct quota_keeper *k = d->keeper;
	const struct quota_record *r = quota_records_find(&k->kept, key);
	uint64_t ahead = ahead_of(k, q, st, UINT64_MAX, 0);

	return r->used_bytes - st->used_bytes > 2 * ahead &&
	       books_ms() - k->written.v[r - k->kept.v].ms > REST_MS &&
	       datapath_quota_keep(d->dp, key, st->period_minute, st->used_bytes + ahead / 2 + 1);
}

/* Puts a record of the key into k->out, unless there is one that will do. */
void keeper_key(struct daemon *d, const struct cf_quota_key *key, const struct quota_state *st)
{
	const struct cf_quota_spec *q = keeper_spec(d->now.image, key->quota);
	struct quota_keeper *k = d->keeper;
	const struct quota_record *old = quota_records_find(&k->kept, key);
	uint64_t since = UINT64_MAX, ms = 0, ahead;
	struct quota_record r = {
		.key = *key,
		.period_minute = st->period_minute,
		.reported = st->reported,
		.latched = st->latched,
	};

	if (!q || st->is_rate || st->period_minute == CF_QUOTA_PERIOD_MASK ||
	    (covered(old, q, st) && !rests(d, key, st, q)))
		return;
	if (old && !old->gone && old->period_minute == st->period_minute) {
		const struct written *w = &k->written.v[old - k->kept.v];

		since = st->used_bytes > w->used_bytes ? st->used_bytes - w->used_bytes : 0;
		ms = books_ms() - w->ms;
	}
	ahead = ahead_of(k, q, st, since, ms);
	r.used_bytes = st->used_bytes + ahead;
	if (key->kind == CF_KEY_OVERFLOW && q->drop_bytes != UINT64_MAX)
		keeper_cells(d, key->quota, st->period_minute, ahead);
	quota_store_record(&k->out, &r);
	*VEC_ADD(&k->keeps) = (struct keep){
		.key = *key,
		.period_minute = st->period_minute,
		.bytes = ahead ? st->used_bytes + ahead / 2 + 1 : UINT64_MAX,
	};
	keeper_set_kept(k, &r, st->used_bytes);
}

/* On disk: now the keys may go on that far. */
static void tell_keys(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;

	for (size_t i = 0; i < k->keeps.n; i++)
		datapath_quota_keep(d->dp, &k->keeps.v[i].key, k->keeps.v[i].period_minute,
				    k->keeps.v[i].bytes);
	k->keeps.n = 0;
}

/* Nothing is known to be on file any more. */
void keeper_forget(struct quota_keeper *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	quota_records_done(&k->kept);
	k->written.n = 0;
	k->keeps.n = 0;
	k->out.n = 0;
}

static void rewrite_one(void *arg, const struct cf_quota_key *key, const struct quota_state *st)
{
	struct daemon *d = arg;
	struct quota_keeper *k = d->keeper;
	const struct cf_quota_spec *q = keeper_spec(d->now.image, key->quota);
	const struct quota_record *old = quota_records_find(&k->kept, key);

	if (k->exact || !q || !covered(old, q, st)) {
		keeper_key(d, key, st);
		return;
	}
	quota_store_record(&k->out, old);
}

bool keeper_is_over(const struct daemon *d, const struct quota_record *r)
{
	uint32_t age = ((uint32_t)(daemon_now(d).s / 60) - r->period_minute) & CF_QUOTA_PERIOD_MASK;

	return !(datapath_control(d->dp)->failing & CF_FAILING_TIME) &&
	       age <= CF_QUOTA_PERIOD_MASK / 2 && age > PENDING_DAYS * 24 * 60;
}

static void put_pending(const struct daemon *d, struct buf *out)
{
	const struct quota_records *l = &d->keeper->pending;

	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].gone && !keeper_is_over(d, &l->v[i]))
			quota_store_record(out, &l->v[i]);
}

/* The file anew, from what the kernel has. */
static int rewrite(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;
	int r, old = k->fd;

	k->out.n = 0;
	k->keeps.n = 0;
	quota_store_head(&k->out, datapath_tables_id(d->dp));
	/* of a key the last record counts: the kernel's own come last */
	put_pending(d, &k->out);
	keeper_cells_again(k);
	r = datapath_quotas(d->dp, rewrite_one, d);
	if (!r)
		r = replace_file(d, &k->out);
	if (r < 0) {
		keeper_forget(k);
		return r;
	}
	if (old >= 0)
		close(old);
	k->out.n = 0;
	tell_keys(d);
	return 0;
}

void keeper_flush(struct daemon *d)
{
	struct quota_keeper *k = d->keeper;
	uint64_t began = books_ms();
	int r = 0;

	if (k->fd < 0) {
		r = rewrite(d);
	} else if (k->out.n) {
		r = append_file(k, &k->out);
		k->out.n = 0;
		if (r < 0)
			keeper_forget(k);
		else
			tell_keys(d);
	} else {
		return;
	}
	k->synced_ms = books_ms();
	k->took_ms = k->synced_ms - began;
	say_error(d, r);
}
