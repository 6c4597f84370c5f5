/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quota ledger from outside: reading it, giving a key back, clearing what is over. */
#include <errno.h>
#include <string.h>

#include "admin.skel.h"
#include "curfew/admin.h"
#include "port/datapath/priv.h"

static struct quota_state quota_state(const struct cf_quota_state *s)
{
	struct quota_state st = {
		.used_bytes = s->word & (CF_QUOTA_LATCH - 1),
		.period_minute = (uint32_t)(s->word >> CF_QUOTA_PERIOD_SHIFT),
		.latched = s->word & CF_QUOTA_LATCH,
		.attempted_bytes = s->attempted_bytes,
		.attempted_packets = s->attempted_packets,
		.reported = s->reported,
		.keep_bytes = s->keep_bytes,
	};

	memcpy(st.policy, s->policy, sizeof(st.policy));
	return st;
}

int datapath_quota_get(struct datapath *dp, const struct cf_quota_key *key, struct quota_state *ret)
{
	bool shared = key->kind == CF_KEY_OVERFLOW ||
		      (key->kind == CF_KEY_CELL && key->asn == CF_CELL_ALL);
	struct cf_quota_state s;

	if (key->kind == CF_KEY_CELL && !shared)
		return cell_get(dp, key, ret);

	if (bpf_map_lookup_elem(dp_map_fd(dp, shared ? "quotas_shared" : "quotas"),
				shared ? (const void *)&key->quota : key, &s) < 0)
		return -errno;
	*ret = quota_state(&s);
	return 0;
}

/* The entries shared by keys without one, as keys of their own kind; unused ones are not shown. */
static void read_shared(struct datapath *dp, quota_fn fn, void *arg)
{
	int fd = dp_map_fd(dp, "quotas_shared");
	const void *last = NULL;
	uint32_t id;

	while (!bpf_map_get_next_key(fd, last, &id)) {
		struct cf_quota_key key = { .quota = id, .kind = CF_KEY_OVERFLOW };
		struct cf_quota_state s;
		struct quota_state st;

		last = &id;
		if (bpf_map_lookup_elem(fd, &id, &s) < 0 || !(s.word || s.attempted_packets))
			continue;
		st = quota_state(&s);
		fn(arg, &key, &st);
	}
}

int datapath_quotas(struct datapath *dp, quota_fn fn, void *arg)
{
	enum { BATCH = 512 };
	int fd = dp_map_fd(dp, "quotas"), r = 0;
	struct cf_quota_key *keys = xcalloc(BATCH, sizeof(*keys));
	struct cf_quota_state *states = xcalloc(BATCH, sizeof(*states));
	uint32_t token = 0, next = 0;
	void *in = NULL;

	for (;;) {
		uint32_t n = BATCH;
		int got = bpf_map_lookup_batch(fd, in, &next, keys, states, &n, NULL);

		if (got < 0 && errno != ENOENT) {
			r = -errno;
			break;
		}
		for (uint32_t i = 0; i < n; i++) {
			struct quota_state st = quota_state(&states[i]);

			fn(arg, &keys[i], &st);
		}
		if (got < 0)
			break;
		token = next;
		in = &token;
	}
	free(keys);
	free(states);
	if (!r)
		read_shared(dp, fn, arg);
	return r;
}

int datapath_limits(struct datapath *dp, quota_fn fn, void *arg)
{
	int r = datapath_quotas(dp, fn, arg);

	return r < 0 ? r : rates_read(dp, fn, arg);
}

static bool retire(struct datapath *dp, const struct cf_quota_key *key, uint32_t period_minute)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_retire arg = { .key = *key, .period_minute = period_minute };
	/* a syscall program's context is read and written in place */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &arg, .ctx_size_in = sizeof(arg));

	return !bpf_prog_test_run_opts(bpf_program__fd(admin->progs.retire_quota), &opts) &&
	       arg.done;
}

/* Never deleted while its quota lives: emptied in place. What is being charged just then is lost.
 */
static int reset_shared(struct datapath *dp, uint32_t id)
{
	int fd = dp_map_fd(dp, "quotas_shared");
	struct cf_quota_state st;

	if (bpf_map_lookup_elem(fd, &id, &st) < 0)
		return -errno;
	st = (struct cf_quota_state){ 0 };
	cells_clear(dp, id);
	return bpf_map_update_elem(fd, &id, &st, BPF_EXIST) < 0 ? -errno : 0;
}

/*
 * After its retirement: the entry goes, and the next packet makes another. That would begin with
 * what the key may have been charged elsewhere; where there is such, it stays, and is empty.
 */
static int begin_again(struct datapath *dp, const struct cf_quota_key *key,
		       const struct cf_quota_state *was)
{
	uint64_t period = was->word >> CF_QUOTA_PERIOD_SHIFT;
	struct cf_quota_state st = { .word = period << CF_QUOTA_PERIOD_SHIFT,
				     .period_opened = was->period_opened };
	int fd = dp_map_fd(dp, "quotas"), r;

	memcpy(st.policy, was->policy, sizeof(st.policy));
	/* marked by one who did not finish, it has no period to be emptied in */
	if (period != CF_QUOTA_PERIOD_MASK && cells_any(dp, key->quota, (uint32_t)period))
		r = bpf_map_update_elem(fd, key, &st, BPF_EXIST);
	else
		r = bpf_map_delete_elem(fd, key);
	return r < 0 ? -errno : 0;
}

int datapath_quota_reset(struct datapath *dp, const struct cf_quota_key *key)
{
	int fd = dp_map_fd(dp, "quotas");
	struct cf_quota_state st;

	if (!rate_reset(dp, key))
		return 0;
	if (key->kind == CF_KEY_OVERFLOW)
		return reset_shared(dp, key->quota);
	/* charges go on while we look: try until one look is still true */
	for (int i = 0; i < 100; i++) {
		if (bpf_map_lookup_elem(fd, key, &st) < 0)
			return -errno;
		if (!retire(dp, key, (uint32_t)(st.word >> CF_QUOTA_PERIOD_SHIFT)))
			continue;
		dp_grace_period(dp);
		return begin_again(dp, key, &st);
	}
	return -EBUSY;
}

struct prune {
	struct datapath *dp;
	const struct image *img;
	struct utc now;
	bool past; /* also the keys of periods that are over */
	uint64_t seen;
	struct key_list gone;
	size_t pruned;
};

#define CLOCK_SLACK 5 /* seconds */

bool quota_period_is_future(uint32_t period_minute, struct utc now)
{
	uint32_t ahead = (period_minute - (uint32_t)(now.s / 60)) & CF_QUOTA_PERIOD_MASK;

	return ahead > 1 && ahead <= CF_QUOTA_PERIOD_MASK / 2;
}

static bool prunable(const struct prune *p, const struct cf_quota_key *key,
		     const struct quota_state *st)
{
	const struct cf_quota_spec *q = prune_quota(p->img, key->quota);

	if (key->kind == CF_KEY_OVERFLOW)
		return false;
	if (!q || st->period_minute == CF_QUOTA_PERIOD_MASK) /* marked by one who did not finish */
		return true;
	/* the kernel's clock and ours may differ by a moment at an edge */
	for (int s = -CLOCK_SLACK; s <= CLOCK_SLACK; s += CLOCK_SLACK)
		if ((image_period(p->img, q->calendar, (struct utc){ p->now.s + s }) &
		     CF_QUOTA_PERIOD_MASK) == st->period_minute)
			return false;
	return p->past;
}

/*
 * A period that is yet to come would stay as used up as it is until then: the clock was
 * set back. What was used is not given back for that: it counts for the present period.
 */
static bool restamped(const struct prune *p, const struct cf_quota_key *key,
		      const struct quota_state *st)
{
	const struct cf_quota_spec *q = prune_quota(p->img, key->quota);
	uint32_t now;

	if (!q || st->period_minute == CF_QUOTA_PERIOD_MASK || !st->period_minute ||
	    !quota_period_is_future(st->period_minute, p->now))
		return false;
	now = image_period(p->img, q->calendar, p->now) & CF_QUOTA_PERIOD_MASK;
	if (now && now != st->period_minute)
		datapath_quota_restamp(p->dp, key, st->period_minute, now);
	return true;
}

static void prune_one(void *arg, const struct cf_quota_key *key, const struct quota_state *st)
{
	struct prune *p = arg;

	p->seen++;
	if (restamped(p, key, st))
		return;
	if (prunable(p, key, st) && retire(p->dp, key, st->period_minute))
		*VEC_ADD(&p->gone) = *key;
}

static int prune(struct prune *p)
{
	int r;

	p->seen = 0;
	r = datapath_quotas(p->dp, prune_one, p);
	p->pruned += prune_retired(p->dp, "quotas", &p->gone);
	return r;
}

int datapath_quota_prune(struct datapath *dp, const struct image *img, struct utc now)
{
	struct prune p = { .dp = dp, .img = img, .now = now };
	struct datapath_sizes sizes;
	int r = prune(&p);

	datapath_sizes(dp, &sizes);
	/* past periods are worth showing while there is room */
	if (r >= 0 && p.seen > sizes.quota_keys / 2) {
		p.past = true;
		r = prune(&p);
	}
	prune_shared(dp, img, "quotas_shared", "quotas_spilled");
	cells_restamp(dp, img, now);
	if (r >= 0)
		r = rates_prune(dp, img);
	return r < 0 ? r : (int)p.pruned;
}
