/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buckets of rates from outside: reading them, giving one back, clearing what has drained. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "admin.skel.h"
#include "curfew/admin.h"
#include "port/datapath/priv.h"

static uint64_t now_ticks(void)
{
	struct timespec t;

	/* what bpf_ktime_get_ns() says */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) * CF_RATE_TICKS;
}

static struct quota_state rate_state(const struct cf_rate_state *s, uint64_t now)
{
	struct quota_state st = {
		.is_rate = true,
		.attempted_bytes = s->refused_bytes,
		.attempted_packets = s->refused_packets,
		.reported = s->reported,
	};

	if (s->arrival != CF_RATE_RETIRED && s->arrival > now)
		st.ahead_ns = (s->arrival - now) / CF_RATE_TICKS;
	memcpy(st.policy, s->policy, sizeof(st.policy));
	return st;
}

static void read_shared(struct datapath *dp, quota_fn fn, void *arg)
{
	int fd = dp_map_fd(dp, "rates_shared");
	const void *last = NULL;
	uint32_t id;

	while (!bpf_map_get_next_key(fd, last, &id)) {
		struct cf_quota_key key = { .quota = id, .kind = CF_KEY_OVERFLOW };
		struct cf_rate_state s;
		struct quota_state st;

		last = &id;
		if (bpf_map_lookup_elem(fd, &id, &s) < 0 || !s.arrival)
			continue;
		st = rate_state(&s, now_ticks());
		fn(arg, &key, &st);
	}
}

typedef void (*rate_fn)(void *arg, const struct cf_quota_key *key, const struct cf_rate_state *s);

static int each_rate(struct datapath *dp, rate_fn fn, void *arg)
{
	enum { BATCH = 512 };
	int fd = dp_map_fd(dp, "rates"), r = 0;
	struct cf_quota_key *keys = xcalloc(BATCH, sizeof(*keys));
	struct cf_rate_state *states = xcalloc(BATCH, sizeof(*states));
	uint32_t token = 0, next = 0;
	void *in = NULL;

	for (;;) {
		uint32_t n = BATCH;
		int got = bpf_map_lookup_batch(fd, in, &next, keys, states, &n, NULL);

		if (got < 0 && errno != ENOENT) {
			r = -errno;
			break;
		}
		for (uint32_t i = 0; i < n; i++)
			fn(arg, &keys[i], &states[i]);
		if (got < 0)
			break;
		token = next;
		in = &token;
	}
	free(keys);
	free(states);
	return r;
}

struct reading {
	quota_fn fn;
	void *arg;
};

static void read_one(void *arg, const struct cf_quota_key *key, const struct cf_rate_state *s)
{
	struct reading *r = arg;
	struct quota_state st = rate_state(s, now_ticks());

	r->fn(r->arg, key, &st);
}

int rates_read(struct datapath *dp, quota_fn fn, void *arg)
{
	struct reading reading = { fn, arg };
	int r = each_rate(dp, read_one, &reading);

	if (!r)
		read_shared(dp, fn, arg);
	return r;
}

/* Only if it still is as it was: then nobody has taken from it since. */
static bool retire(struct datapath *dp, const struct cf_quota_key *key, uint64_t arrival)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_retire_rate arg = { .key = *key, .arrival = arrival };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &arg, .ctx_size_in = sizeof(arg));

	return !bpf_prog_test_run_opts(bpf_program__fd(admin->progs.retire_rate), &opts) &&
	       arg.done;
}

int rate_reset(struct datapath *dp, const struct cf_quota_key *key)
{
	int fd = dp_map_fd(dp, "rates");
	struct cf_rate_state st;

	if (key->kind == CF_KEY_OVERFLOW) {
		st = (struct cf_rate_state){ 0 };
		return bpf_map_update_elem(dp_map_fd(dp, "rates_shared"), &key->quota, &st,
					   BPF_EXIST) < 0
			       ? -errno
			       : 0;
	}
	for (int i = 0; i < 100; i++) {
		if (bpf_map_lookup_elem(fd, key, &st) < 0)
			return -errno;
		if (!retire(dp, key, st.arrival))
			continue;
		dp_grace_period(dp);
		return bpf_map_delete_elem(fd, key) < 0 ? -errno : 0;
	}
	return -EBUSY;
}

struct prune {
	struct datapath *dp;
	const struct image *img;
	struct key_list gone;
};

/* A bucket that has drained says no more than a new one. */
static void prune_one(void *arg, const struct cf_quota_key *key, const struct cf_rate_state *s)
{
	struct prune *p = arg;

	if (s->arrival != CF_RATE_RETIRED && s->arrival > now_ticks() &&
	    prune_quota(p->img, key->quota))
		return;
	if (s->arrival == CF_RATE_RETIRED || retire(p->dp, key, s->arrival))
		*VEC_ADD(&p->gone) = *key;
}

int rates_prune(struct datapath *dp, const struct image *img)
{
	struct prune p = { .dp = dp, .img = img };
	int r = each_rate(dp, prune_one, &p);

	prune_retired(dp, "rates", &p.gone);
	prune_shared(dp, img, "rates_shared", NULL);
	return r;
}
