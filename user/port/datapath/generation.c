/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generation: programs freshly loaded for one image, then every hook switched to them, or none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "admin.skel.h"
#include "curfew/admin.h"
#include "port/datapath/priv.h"
#include "port/datapath/probe.h"
#include "port/neighbours.h"
#include "tc_inside.skel.h"
#include "tc_outside.skel.h"
#include "xdp_inside.skel.h"

/*
 * The skeletons as one kind of thing. What is asserted of the lines of cf_config holds if their
 * constants begin with it.
 */
struct prog_kind {
	const char *name;
	void *(*open)(struct bpf_object **obj, struct bpf_program **prog,
		      struct cf_config **config);
	void (*destroy)(void *skeleton);
};
#define PROG_KIND(kind)                                                                            \
	_Static_assert(offsetof(struct kind##_bpf__rodata, cfg) == 0, "begins a line");            \
	static void *open_##kind(struct bpf_object **obj, struct bpf_program **prog,               \
				 struct cf_config **config)                                        \
	{                                                                                          \
		struct kind##_bpf *s = kind##_bpf__open();                                         \
                                                                                                   \
		if (!s)                                                                            \
			return NULL;                                                               \
		*obj = s->obj;                                                                     \
		*prog = s->progs.kind;                                                             \
		*config = (struct cf_config *)&s->rodata->cfg;                                     \
		return s;                                                                          \
	}                                                                                          \
	static void destroy_##kind(void *s)                                                        \
	{                                                                                          \
		kind##_bpf__destroy(s);                                                            \
	}
PROG_KIND(xdp_inside)
PROG_KIND(tc_inside)
PROG_KIND(tc_outside)
#define PROG_ROW(kind)                                                                             \
	{                                                                                          \
#kind, open_##kind, destroy_##kind                                                 \
	}
static const struct prog_kind kinds[PROG_MAX] = {
	[PROG_XDP_INSIDE] = PROG_ROW(xdp_inside),
	[PROG_TC_INSIDE] = PROG_ROW(tc_inside),
	[PROG_TC_OUTSIDE] = PROG_ROW(tc_outside),
	[PROG_XDP_INSIDE_FRAGS] = { "xdp_inside_frags", open_xdp_inside, destroy_xdp_inside },
};

void generation_close(struct generation *g)
{
	for (int i = 0; i < PROG_MAX; i++) {
		if (g->skeleton[i])
			kinds[i].destroy(g->skeleton[i]);
		g->skeleton[i] = NULL;
		g->prog_fd[i] = -1;
		g->prog_id[i] = 0;
	}
	free(g->interfaces);
	g->interfaces = NULL;
}

static struct bpf_object *object_of(const struct generation *g, enum prog_id which)
{
	switch (which) {
	case PROG_XDP_INSIDE:
	case PROG_XDP_INSIDE_FRAGS:
		return ((struct xdp_inside_bpf *)g->skeleton[which])->obj;
	case PROG_TC_INSIDE:
		return ((struct tc_inside_bpf *)g->skeleton[which])->obj;
	default:
		return ((struct tc_outside_bpf *)g->skeleton[which])->obj;
	}
}

/* An object of the same generation whose tables are filled already. */
struct bpf_object *generation_object(const struct generation *g)
{
	for (int i = 0; i < PROG_MAX; i++)
		if (g->prog_fd[i] >= 0)
			return object_of(g, (enum prog_id)i);
	return g->tables_of;
}

static int share_tables(struct bpf_object *obj, struct bpf_object *with)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		int r;

		if (!dp_is_table(bpf_map__name(map)))
			continue;
		r = bpf_map__reuse_fd(map,
				      bpf_object__find_map_fd_by_name(with, bpf_map__name(map)));
		if (r < 0)
			return r;
	}
	return 0;
}

int generation_load(struct datapath *dp, struct generation *g, enum prog_id which, struct why *why)
{
	struct bpf_object *obj, *with = generation_object(g);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	struct bpf_program *prog;
	struct cf_config *config;
	uint64_t began = dp_us();
	void *skel;
	int r;

	if (g->prog_fd[which] >= 0)
		return 0;
	skel = kinds[which].open(&obj, &prog, &config);
	if (!skel)
		return why_set(why, -errno, "%s: %s", kinds[which].name, strerror(errno));
	*config = g->config;
	if (which == PROG_XDP_INSIDE_FRAGS) {
		config->frags = 1;
		bpf_program__set_flags(prog, bpf_program__flags(prog) | BPF_F_XDP_HAS_FRAGS);
	}
	r = dp_use_shared(dp, obj, true, why);
	if (r < 0)
		goto fail;
	r = with ? share_tables(obj, with) : g->image ? tables_size(obj, g->image) : -ENOENT;
	if (!r)
		r = bpf_object__load(obj);
	dp->times.programs_us += dp_us() - began;
	began = dp_us();
	if (!r && !with)
		r = tables_fill(obj, g->image, g->clock);
	dp->times.tables_us += dp_us() - began;
	if (r < 0) {
		why_set(why, r, "%s does not load: %s%s", kinds[which].name, strerror(-r),
			r == -EPERM || r == -EACCES ? " (are you root?)" : "");
		goto fail;
	}
	g->skeleton[which] = skel;
	g->prog_fd[which] = bpf_program__fd(prog);
	if (!bpf_obj_get_info_by_fd(g->prog_fd[which], &info, &len))
		g->prog_id[which] = info.id;
	return 0;
fail:
	kinds[which].destroy(skel);
	return r;
}

static int pin_generation(const struct datapath *dp, const struct generation *g, struct why *why)
{
	char path[PIN_MAX];
	int r;

	mkdir(dp_path(dp, path, sizeof(path), "progs"), 0700);
	mkdir(dp_path(dp, path, sizeof(path), "tables"), 0700);
	for (int i = 0; i < PROG_MAX; i++) {
		dp_path(dp, path, sizeof(path), "progs/%s", kinds[i].name);
		if (g->prog_fd[i] < 0) {
			unlink(path);
			continue;
		}
		r = dp_pin_replace(g->prog_fd[i], path);
		if (r < 0)
			return why_set(why, r, "%s: %s", path, strerror(-r));
	}
	r = tables_pin(dp, generation_object(g));
	return r < 0 ? why_set(why, r, "pinning tables: %s", strerror(-r)) : 0;
}

/* Each quota's shared entry, for keys that find the ledger full. */
static int overflow_entries(struct datapath *dp, const struct image *img, struct why *why)
{
	int fd = dp_map_fd(dp, "quotas_shared");

	for (size_t i = 0; i < img->quotas.n; i++) {
		const struct cf_quota_spec *q = &img->quotas.v[i];
		struct cf_quota_state st = { 0 };
		int r;

		memcpy(st.policy, q->policy, sizeof(st.policy));
		if (bpf_map_update_elem(fd, &q->id, &st, BPF_NOEXIST) < 0 && errno != EEXIST)
			return why_set(why, -errno, "shared quota entries: %s", strerror(errno));
		r = cells_make_fresh(dp, q->id);
		if (r < 0)
			return why_set(why, r, "cells of a quota: %s", strerror(-r));
	}
	for (size_t i = 0; i < img->quotas.n; i++) {
		const struct cf_quota_spec *q = &img->quotas.v[i];
		struct cf_rate_state st = { 0 };

		if (!q->bits_per_second)
			continue;
		memcpy(st.policy, q->policy, sizeof(st.policy));
		if (bpf_map_update_elem(dp_map_fd(dp, "rates_shared"), &q->id, &st, BPF_NOEXIST) <
			    0 &&
		    errno != EEXIST)
			return why_set(why, -errno, "shared rate entries: %s", strerror(errno));
	}
	return 0;
}

static uint32_t entries_per_source(const struct datapath *dp)
{
	struct datapath_sizes sizes = { 0 };
	uint64_t share;

	datapath_sizes(dp, &sizes);
	share = sizes.quota_keys / CF_MAKER_PART;
	return share > CF_MAKER_LEAST ? (uint32_t)share : CF_MAKER_LEAST;
}

static uint32_t next_number(const volatile struct cf_control *control)
{
	uint32_t n = control->numbered;

	if (control->generation > n)
		n = control->generation;
	n++;
	return n & 0xffff ? n : n + 1; /* a fresh slot's zero must never match */
}

/* SplitMix64 (Steele, Lea, Flood 2014): the same keys for each generation. */
static void expand_seed(const volatile __u64 seed[2], __u64 *key, size_t n)
{
	uint64_t state = seed[0];

	for (size_t i = 0; i < n; i++) {
		uint64_t z = (state += 0x9e3779b97f4a7c15ULL);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		key[i] = z ^ z >> 31 ^ seed[1];
		state ^= seed[1];
	}
}

static uint32_t stall_seconds(const struct datapath *dp)
{
	return dp->opt.stall_seconds ? dp->opt.stall_seconds : 30;
}

/* For `status`, also with the daemon dead. */
static void show_failing(struct datapath *dp, const struct image *img, uint64_t end_jiffies)
{
	_Static_assert(ON_MAX <= CF_ON_MAX, "control has no room for an event");
	dp->control->stall_seconds = stall_seconds(dp);
	dp->control->end_jiffies = end_jiffies;
	for (int i = 0; i < ON_MAX; i++)
		dp->control->on[i] = (uint8_t)img->on[i];
	if (img->geo_missing)
		dp->control->failing |= CF_FAILING_GEO;
	else
		dp->control->failing &= ~(uint32_t)CF_FAILING_GEO;
}

static bool any_flowtable(void)
{
	struct flowtable_list l = { 0 };
	int r = flowtables_read(&l);

	free(l.v);
	return r < 0 ? r != -EOPNOTSUPP && r != -EPROTONOSUPPORT && r != -EINVAL && r != -ENOENT
		     : l.n > 0;
}

static void conntrack_config(const struct datapath *dp, struct cf_config *c)
{
	struct ct_facts f = { false, false };

	if (!dp->opt.no_conntrack)
		f = probe_conntrack();
	c->have_ct = f.look_up;
	c->own_ct = f.own;
	c->flowtables = f.own && any_flowtable();
}

int datapath_load(struct datapath *dp, const struct image *img, const struct time_map *clock,
		  const struct hook_want *wants, size_t n_wants, uint64_t confirm_until,
		  struct why *why)
{
	volatile struct cf_control *control = dp->control;
	uint64_t was_until = control->confirm_until;
	uint32_t was_confirming = control->confirm_generation;
	struct generation next = { .number = next_number(control), .image = img, .clock = clock };
	struct generation old;
	struct why pin = { "" };
	int r;

	dp->times = (struct load_times){ 0 };
	for (int i = 0; i < PROG_MAX; i++)
		next.prog_fd[i] = -1;
	tables_config(&next.config, img, clock);
	facets_keep(&next, img);
	next.config.generation = next.number;
	next.config.entries_per_source = entries_per_source(dp);
	next.config.own_lanes = !dp->opt.shared_lanes && cpu_ids() <= CF_OVERFLOW_LANES;
	next.config.share_slots = dp->opt.pairs_per_cpu ? dp->opt.pairs_per_cpu : SHARD_ROOMY_SLOTS;
	next.config.failing.stall_jiffies = (uint64_t)stall_seconds(dp) * control->hz;
	dp->ct_module = probe_conntrack_loaded();
	conntrack_config(dp, &next.config);
	expand_seed(dp->control->seed, next.config.key, ARRAY_SIZE(next.config.key));

	r = overflow_entries(dp, img, why);
	/* at least one object, so that the tables exist even if no interface does yet */
	if (!r)
		r = generation_load(dp, &next, PROG_TC_OUTSIDE, why);
	if (r < 0)
		goto fail;
	/* slots may be marked with it from here on: it is never given out again */
	control->numbered = next.number;
	/* a deadline must be there before its generation is; one that is in force stays until then
	 */
	if (confirm_until) {
		control->confirm_generation = next.number;
		control->confirm_until = confirm_until;
	}
	r = hooks_switch(dp, &next, wants, n_wants, why);
	if (r < 0) {
		control->confirm_generation = was_confirming;
		control->confirm_until = was_until;
		goto fail;
	}
	if (!confirm_until) {
		control->confirm_until = 0;
		control->confirm_generation = 0;
	}
	control->generation = next.number;
	show_failing(dp, img, next.config.end_jiffies);
	old = dp->gen;
	dp->gen = next;
	dp->gen.image = NULL;
	dp->gen.clock = NULL;
	generation_close(&old);
	/* it is in force: pins are for those who look */
	if (pin_generation(dp, &dp->gen, &pin) < 0 && why && !why->text[0])
		*why = pin;
	return 0;
fail:
	generation_close(&next);
	return r;
}

struct load_times datapath_load_times(const struct datapath *dp)
{
	return dp->times;
}

int datapath_cover(struct datapath *dp, const struct hook_want *wants, size_t n_wants,
		   struct why *why)
{
	int r;

	if (!generation_object(&dp->gen))
		return why_set(why, -ENOENT, "no policy is loaded");
	r = hooks_switch(dp, &dp->gen, wants, n_wants, why);
	if (r >= 0)
		pin_generation(dp, &dp->gen, NULL);
	return r;
}

bool datapath_conntrack(const struct datapath *dp)
{
	return dp->gen.config.have_ct;
}

bool datapath_conntrack_appeared(const struct datapath *dp)
{
	return !dp->ct_module && !dp->opt.no_conntrack && probe_conntrack_loaded();
}

/* ---- clocks ------------------------------------------------------------ */

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int read_clocks(const struct datapath *dp, struct cf_clocks *c)
{
	struct admin_bpf *admin = dp->admin;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = c, .ctx_size_in = sizeof(*c));

	return bpf_prog_test_run_opts(bpf_program__fd(admin->progs.read_clocks), &opts) < 0 ? -errno
											    : 0;
}

int datapath_time_map(struct datapath *dp, int64_t offset, struct time_map *ret)
{
	struct time_map m = { .hz = dp->control->hz };
	int64_t best = INT64_MAX;

	/* the reading with the least time around it */
	for (int i = 0; i < 5; i++) {
		struct cf_clocks c = { 0 };
		int64_t before = now_ns(), after;
		int r = read_clocks(dp, &c);

		if (r < 0)
			return r;
		after = now_ns();
		if (after - before >= best)
			continue;
		best = after - before;
		m.utc_ns = before + (after - before) / 2 + offset * 1000000000;
		m.jiffies = c.jiffies;
		m.boot_ns = c.boot_ns;
	}
	*ret = m;
	return 0;
}

uint64_t datapath_jiffies(struct datapath *dp)
{
	struct cf_clocks c = { 0 };

	return read_clocks(dp, &c) < 0 ? 0 : c.jiffies;
}
