/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `held` and `quarantined` from outside: what is dropped for a time, sources in quarantine. */
#include <errno.h>
#include <string.h>

#include "admin.skel.h"
#include "curfew/admin.h"
#include "port/datapath/priv.h"

static int map_of(struct datapath *dp, const struct cf_quota_key *key)
{
	return dp_map_fd(dp, key->quota ? "held" : "quarantined");
}

static int read_map(int fd, hold_fn fn, void *arg)
{
	enum { BATCH = 512 };
	int r = 0;
	struct cf_quota_key *keys = xcalloc(BATCH, sizeof(*keys));
	struct cf_hold *values = xcalloc(BATCH, sizeof(*values));
	uint32_t token = 0, next = 0;
	void *in = NULL;

	for (;;) {
		uint32_t n = BATCH;
		int got = bpf_map_lookup_batch(fd, in, &next, keys, values, &n, NULL);

		if (got < 0 && errno != ENOENT) {
			r = -errno;
			break;
		}
		for (uint32_t i = 0; i < n; i++)
			fn(arg, &keys[i], &values[i]);
		if (got < 0)
			break;
		token = next;
		in = &token;
	}
	free(keys);
	free(values);
	return r;
}

int datapath_holds(struct datapath *dp, hold_fn fn, void *arg)
{
	int r = read_map(dp_map_fd(dp, "quarantined"), fn, arg);

	return r < 0 ? r : read_map(dp_map_fd(dp, "held"), fn, arg);
}

int datapath_hold_put(struct datapath *dp, const struct cf_quota_key *key, const struct cf_hold *h)
{
	if (bpf_map_update_elem(map_of(dp, key), key, h, BPF_ANY) < 0)
		return -errno;
	/* after it, as the kernel does */
	if (key->quota)
		dp->control->holds = 1;
	else
		dp->control->quarantines = 1;
	return 0;
}

int datapath_hold_lift(struct datapath *dp, const struct cf_quota_key *key)
{
	return bpf_map_delete_elem(map_of(dp, key), key) < 0 ? -errno : 0;
}

struct prune {
	uint64_t now;
	bool holds, quarantines;
	struct key_list gone;
};

static void prune_one(void *arg, const struct cf_quota_key *key, const struct cf_hold *h)
{
	struct prune *p = arg;

	if (h->until_jiffies <= p->now) {
		*VEC_ADD(&p->gone) = *key;
		return;
	}
	p->holds |= key->quota != 0;
	p->quarantines |= key->quota == 0;
}

/* The kernel may have put it back since it was looked at: then it is there for a time again. */
static void delete_if_over(struct datapath *dp, const struct cf_quota_key *key, uint64_t now)
{
	int fd = map_of(dp, key);
	struct cf_hold h;

	if (!bpf_map_lookup_elem(fd, key, &h) && h.until_jiffies <= now)
		bpf_map_delete_elem(fd, key);
}

int datapath_holds_prune(struct datapath *dp)
{
	struct prune p = { .now = datapath_jiffies(dp) }, again;
	volatile struct cf_control *c = dp->control;
	int r;

	if (!c->holds && !c->quarantines)
		return 0;
	r = datapath_holds(dp, prune_one, &p);
	for (size_t i = 0; i < p.gone.n; i++)
		delete_if_over(dp, &p.gone.v[i], p.now);
	again = (struct prune){ .now = p.now };
	if (r < 0 || (p.holds && p.quarantines))
		goto out;
	/* who puts one in sets its flag after that, so that a second look finds it, or its flag is
	 * set */
	if (!p.holds)
		c->holds = 0;
	if (!p.quarantines)
		c->quarantines = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r = datapath_holds(dp, prune_one, &again);
	if (again.holds || r < 0)
		c->holds = 1;
	if (again.quarantines || r < 0)
		c->quarantines = 1;
	free(again.gone.v);
out:
	free(p.gone.v);
	return r < 0 ? r : (int)p.gone.n;
}

int datapath_owners_age(struct datapath *dp)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_age_owners arg = { .hour_jiffies = 3600ULL * dp->control->hz };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &arg, .ctx_size_in = sizeof(arg));

	if (bpf_prog_test_run_opts(bpf_program__fd(admin->progs.age_owners), &opts) < 0)
		return -errno;
	return (int)arg.aged;
}
