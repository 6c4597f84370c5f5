/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what the kernel counted. The pair table is read as memory; all else by system calls. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/membarrier.h>

#include "admin.skel.h"
#include "curfew/admin.h"
#include "port/datapath_priv.h"

/* ---- pairs ------------------------------------------------------------- */

static void sample_common(struct pair_sample *p, const struct cf_slot *s)
{
	p->hook = s->meta.flags & CF_SLOT_OUTSIDE ? CF_HOOK_OUTSIDE : CF_HOOK_INSIDE;
	p->flags = s->meta.flags;
	p->generation = s->meta.generation;
	p->wire_bytes = __atomic_load_n(&s->wire_bytes, __ATOMIC_RELAXED);
	p->payload_bytes = __atomic_load_n(&s->payload_bytes, __ATOMIC_RELAXED);
	p->dropped_wire_bytes = __atomic_load_n(&s->dropped_wire_bytes, __ATOMIC_RELAXED);
	p->packets = __atomic_load_n(&s->packets, __ATOMIC_RELAXED);
	p->label = CF_LABEL(s->label_class);
	p->source_class = CF_CLASS(s->label_class);
}

/* Pairs with the exchange that published the slot: USED seen, key seen. */
static bool slot_live(const struct cf_slot *s)
{
	return __atomic_load_n(&s->meta.flags, __ATOMIC_ACQUIRE) & CF_SLOT_USED;
}

/* The /64, or behind NAT64 the address: see cf_slot6. */
static struct addr pair_destination6(const uint8_t dst[8])
{
	static const uint8_t nat64[4] = { 0x00, 0x64, 0xff, 0x9b };
	struct addr a = { { 0 } };
	bool v4 = !memcmp(dst, nat64, 4) && memcmp(dst + 4, a.b, 4);

	memcpy(a.b, dst, v4 ? 4 : 8);
	if (v4)
		memcpy(a.b + 12, dst + 4, 4);
	return a;
}

static void read_segment(const struct segment_view *v, pair_fn fn, void *arg)
{
	struct pair_sample p = { .cpu = v->cpu };
	uint32_t n = CF_SEG_BUCKETS * CF_BUCKET_SLOTS;

	for (uint32_t i = 0; i < n; i++) {
		p.slot = v->index * n + i;
		if (v->six) {
			const struct cf_slot6 *s = (const struct cf_slot6 *)v->base + i;

			if (!slot_live(&s->common))
				continue;
			memcpy(p.src.b, s->src, 16);
			p.dst = pair_destination6(s->dst);
			sample_common(&p, &s->common);
		} else {
			const struct cf_slot4 *s = (const struct cf_slot4 *)v->base + i;

			if (!slot_live(&s->common))
				continue;
			p.src = addr_from4(s->src);
			p.dst = addr_from4(s->dst);
			sample_common(&p, &s->common);
		}
		fn(arg, &p);
	}
}

int datapath_pairs(struct datapath *dp, pair_fn fn, void *arg)
{
	for (size_t i = 0; i < dp->segments.n; i++)
		read_segment(&dp->segments.v[i], fn, arg);
	return 0;
}

/* ---- per-CPU counters -------------------------------------------------- */

int datapath_reasons(struct datapath *dp, struct reason_totals *ret)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "reasons"), r = 0;
	struct reason_totals sum = { 0 };
	struct cf_reason_count *v;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_REASON_MAX && !r; i++) {
		struct cf_traffic *t = &sum.t[i / CF_REASON_MAX][i % CF_REASON_MAX];

		if (bpf_map_lookup_elem(fd, &i, v) < 0)
			r = -errno;
		for (int c = 0; c < cpus && !r; c++) {
			t->packets += v[c].packets;
			t->wire_bytes += v[c].wire_bytes;
			t->payload_bytes += v[c].payload_bytes;
		}
	}
	free(v);
	if (!r)
		*ret = sum;
	return r;
}

int datapath_device(struct datapath *dp, uint32_t ifindex, struct cf_device_count *ret)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	uint32_t i = CF_IF_INDEX(ifindex);
	struct cf_device_count sum = { 0 }, *v;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	if (bpf_map_lookup_elem(dp_map_fd(dp, "devices"), &i, v) < 0)
		r = -errno;
	for (int c = 0; c < cpus && !r; c++) {
		sum.packets += v[c].packets;
		sum.len_bytes += v[c].len_bytes;
		sum.wire_bytes += v[c].wire_bytes;
	}
	free(v);
	if (!r)
		*ret = sum;
	return r;
}

static void sum_traffic(const struct cf_traffic *v, int cpus, struct cf_traffic *ret)
{
	*ret = (struct cf_traffic){ 0 };
	for (int c = 0; c < cpus; c++) {
		ret->packets += v[c].packets;
		ret->wire_bytes += v[c].wire_bytes;
		ret->payload_bytes += v[c].payload_bytes;
	}
}

/* What had no place in the hash map either is reported with an all-ones label and class. */
static void read_losses(struct datapath *dp, struct cf_traffic *v, int cpus, overflow_fn fn,
			void *arg)
{
	for (uint32_t hook = 0; hook < CF_HOOK_MAX; hook++) {
		struct overflow_sample o = {
			.key = { .label = CF_LABELS_MAX,
				 .source_class = CF_CLASSES_MAX,
				 .hook = (uint8_t)hook },
		};

		if (bpf_map_lookup_elem(dp_map_fd(dp, "losses"), &hook, v) < 0)
			continue;
		sum_traffic(v, cpus, &o.traffic);
		if (o.traffic.packets)
			fn(arg, &o);
	}
}

int datapath_overflow(struct datapath *dp, overflow_fn fn, void *arg)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "overflow");
	struct overflow_sample o;
	struct cf_traffic *v;
	const void *last = NULL;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	while (!bpf_map_get_next_key(fd, last, &o.key)) {
		last = &o.key;
		if (bpf_map_lookup_elem(fd, &o.key, v) < 0)
			continue;
		sum_traffic(v, cpus, &o.traffic);
		fn(arg, &o);
	}
	read_losses(dp, v, cpus, fn, arg);
	free(v);
	return 0;
}

/* ---- quotas ------------------------------------------------------------ */

static struct quota_state quota_state(const struct cf_quota_state *s)
{
	struct quota_state st = {
		.used_bytes = s->word & (CF_QUOTA_LATCH - 1),
		.period_minute = (uint32_t)(s->word >> CF_QUOTA_PERIOD_SHIFT),
		.latched = s->word & CF_QUOTA_LATCH,
		.attempted_bytes = s->attempted_bytes,
		.attempted_packets = s->attempted_packets,
		.reported = s->reported,
	};

	memcpy(st.policy, s->policy, sizeof(st.policy));
	return st;
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

static bool retire(struct datapath *dp, const struct cf_quota_key *key, uint32_t period_minute)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_retire arg = { .key = *key, .period_minute = period_minute };
	/* a syscall program's context is read and written in place */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &arg, .ctx_size_in = sizeof(arg));

	return !bpf_prog_test_run_opts(bpf_program__fd(admin->progs.retire_quota), &opts) &&
	       arg.done;
}

/*
 * No program that ran before this still holds an entry it looked up. Where
 * nohz_full refuses membarrier(), changing an array of maps waits for the same.
 */
static void grace_period(struct datapath *dp)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	uint32_t last = CF_SEGMENTS - 1;
	int fd;

	if (!syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace", sizeof(uint32_t),
			    sizeof(struct cf_bucket4), CF_SEG_BUCKETS, &opts);
	if (fd < 0)
		return;
	bpf_map_update_elem(dp_map_fd(dp, "shards4"), &last, &fd, BPF_ANY);
	bpf_map_delete_elem(dp_map_fd(dp, "shards4"), &last);
	close(fd);
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
	return bpf_map_update_elem(fd, &id, &st, BPF_EXIST) < 0 ? -errno : 0;
}

int datapath_quota_reset(struct datapath *dp, const struct cf_quota_key *key)
{
	int fd = dp_map_fd(dp, "quotas");
	struct cf_quota_state st;

	if (key->kind == CF_KEY_OVERFLOW)
		return reset_shared(dp, key->quota);
	/* charges go on while we look: try until one look is still true */
	for (int i = 0; i < 100; i++) {
		if (bpf_map_lookup_elem(fd, key, &st) < 0)
			return -errno;
		if (!retire(dp, key, (uint32_t)(st.word >> CF_QUOTA_PERIOD_SHIFT)))
			continue;
		grace_period(dp);
		return bpf_map_delete_elem(fd, key) < 0 ? -errno : 0;
	}
	return -EBUSY;
}

struct prune {
	struct datapath *dp;
	const struct image *img;
	struct utc now;
	bool past; /* also the keys of periods that are over */
	uint64_t seen;
	struct {
		struct cf_quota_key *v;
		size_t n, cap;
	} gone;
};

static const struct cf_quota_spec *find_quota(const struct image *img, uint32_t id)
{
	for (size_t i = 0; i < img->quotas.n; i++)
		if (img->quotas.v[i].id == id)
			return &img->quotas.v[i];
	return NULL;
}

#define CLOCK_SLACK 5 /* seconds */

/* A period that is yet to come: the clock was set back since. It would stay used up until then. */
static bool is_future(uint32_t period_minute, struct utc now)
{
	uint32_t ahead = (period_minute - (uint32_t)(now.s / 60)) & CF_QUOTA_PERIOD_MASK;

	return ahead > 1 && ahead <= CF_QUOTA_PERIOD_MASK / 2;
}

static bool prunable(const struct prune *p, const struct cf_quota_key *key,
		     const struct quota_state *st)
{
	const struct cf_quota_spec *q = find_quota(p->img, key->quota);

	if (key->kind == CF_KEY_OVERFLOW)
		return false;
	if (!q || st->period_minute == CF_QUOTA_PERIOD_MASK) /* marked by one who did not finish */
		return true;
	/* the kernel's clock and ours may differ by a moment at an edge */
	for (int s = -CLOCK_SLACK; s <= CLOCK_SLACK; s += CLOCK_SLACK)
		if ((image_period(p->img, q->calendar, (struct utc){ p->now.s + s }) &
		     CF_QUOTA_PERIOD_MASK) == st->period_minute)
			return false;
	return p->past || is_future(st->period_minute, p->now);
}

static void prune_one(void *arg, const struct cf_quota_key *key, const struct quota_state *st)
{
	struct prune *p = arg;

	p->seen++;
	if (prunable(p, key, st) && retire(p->dp, key, st->period_minute))
		*VEC_ADD(&p->gone) = *key;
}

static int prune(struct prune *p)
{
	int r = datapath_quotas(p->dp, prune_one, p), fd = dp_map_fd(p->dp, "quotas");

	/* whoever looked an entry up before it was marked has finished with it */
	if (p->gone.n)
		grace_period(p->dp);
	for (size_t i = 0; i < p->gone.n; i++)
		bpf_map_delete_elem(fd, &p->gone.v[i]);
	return r;
}

static void prune_shared(struct datapath *dp, const struct image *img)
{
	int fd = dp_map_fd(dp, "quotas_shared");
	uint32_t ids[4 * CF_QUOTAS_MAX], n = 0, id;
	const void *last = NULL;

	while (n < ARRAY_SIZE(ids) && !bpf_map_get_next_key(fd, last, &id)) {
		last = &id;
		if (!find_quota(img, id))
			ids[n++] = id;
	}
	/* of no loaded program: nobody charges them */
	while (n)
		bpf_map_delete_elem(fd, &ids[--n]);
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
	prune_shared(dp, img);
	free(p.gone.v);
	return r < 0 ? r : (int)p.gone.n;
}

/* ---- events ------------------------------------------------------------ */

static int on_event(void *ctx, void *data, size_t size)
{
	struct datapath *dp = ctx;

	if (size == sizeof(struct cf_event) && dp->event_fn)
		dp->event_fn(dp->event_arg, data);
	return 0;
}

int datapath_events_fd(struct datapath *dp)
{
	if (!dp->ring)
		dp->ring = ring_buffer__new(dp_map_fd(dp, "events"), on_event, dp, NULL);
	return dp->ring ? ring_buffer__epoll_fd(dp->ring) : -errno;
}

int datapath_events(struct datapath *dp, event_fn fn, void *arg)
{
	int r = datapath_events_fd(dp);

	if (r < 0)
		return r;
	dp->event_fn = fn;
	dp->event_arg = arg;
	r = ring_buffer__consume(dp->ring);
	dp->event_fn = NULL;
	return r;
}

uint64_t datapath_events_lost(struct datapath *dp)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t i = CF_LOSS_EVENTS;
	struct cf_traffic *v, sum = { 0 };

	if (cpus < 0)
		return 0;
	v = xcalloc((size_t)cpus, sizeof(*v));
	if (!bpf_map_lookup_elem(dp_map_fd(dp, "losses"), &i, v))
		sum_traffic(v, cpus, &sum);
	free(v);
	return sum.packets;
}

/* ---- destinations ------------------------------------------------------ */

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cf_destination_key));
}

/* What is no longer listed goes, what is listed is written: readers never see an empty map. */
int datapath_publish(struct datapath *dp, const struct cf_destination_key *keys,
		     const struct cf_destination *values, size_t n)
{
	int fd = dp_map_fd(dp, "destinations");
	struct cf_destination_key key, next;
	struct {
		struct cf_destination_key *v;
		size_t n, cap;
	} gone = { 0 };
	struct cf_destination_key *sorted = xcalloc(n, sizeof(*sorted));
	const void *last = NULL;
	int r = 0;

	if (n)
		memcpy(sorted, keys, n * sizeof(*keys));
	qsort(sorted, n, sizeof(*sorted), compare_keys);
	for (size_t i = 0; i < n && !r; i++)
		if (bpf_map_update_elem(fd, &keys[i], &values[i], BPF_ANY) < 0 && errno != E2BIG)
			r = -errno;
	while (!bpf_map_get_next_key(fd, last, &next)) {
		key = next;
		last = &key;
		if (!bsearch(&key, sorted, n, sizeof(key), compare_keys))
			*VEC_ADD(&gone) = key;
	}
	for (size_t i = 0; i < gone.n; i++)
		bpf_map_delete_elem(fd, &gone.v[i]);
	free(gone.v);
	free(sorted);
	return r;
}
