/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prog_help.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "port/zones.h"

#define BPFFS "/sys/fs/bpf"

/* The policy's own text, and the files of the options. */
struct rig_texts {
	struct rig_file policy;
	const struct rig_options *opt;
};

static int read_text(void *arg, const char *path, char **ret_text, size_t *ret_size)
{
	const struct rig_texts *texts = arg;
	const struct rig_file *f = &texts->policy;

	for (size_t i = 0; i < texts->opt->n_files && strcmp(path, f->path); i++)
		f = &texts->opt->files[i];
	if (strcmp(path, f->path))
		return -ENOENT;
	*ret_text = xcalloc(1, f->n + 1);
	memcpy(*ret_text, f->text, f->n);
	*ret_size = f->n;
	return 0;
}

static int glob_nothing(void *arg, const char *pattern, char ***ret_paths)
{
	(void)arg;
	(void)pattern;
	*ret_paths = xcalloc(1, sizeof(char *));
	return 0;
}

static void fail_with(const struct diag_list *diags)
{
	struct buf text = { 0 };

	diag_print(diags, &text);
	cr_assert_fail("%s", buf_text(&text));
}

/* Every test lives in UTC, unless it says otherwise. */
static const struct zone *utc_zone(void *arg, const char *name)
{
	static const char tzif[] =
		"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\0\0\0UTC"
		"\0TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4\0\0\0\0\0\0UTC\0\nUTC0\n";
	static struct zone *z;

	(void)arg;
	(void)name;
	if (!z) {
		int r = zone_parse(tzif, sizeof(tzif) - 1, &z);

		cr_assert_eq(r, 0, "UTC does not parse: %s", strerror(-r));
	}
	return z;
}

static const struct zone_source zones = { utc_zone, NULL };

static struct zone_source machines_zones(void)
{
	static struct zones *z;

	if (!z)
		z = zones_new(NULL);
	return zones_source(z);
}

static struct utc parse_now(const char *text)
{
	struct utc now = { 1795435200 }; /* 2026-11-23 12:00 UTC */

	if (text)
		cr_assert_eq(utc_parse(text, utc_zone(NULL, NULL), now, &now), 0);
	return now;
}

static const struct vendors *get_vendors(void *arg)
{
	const struct rig_options *opt = arg;
	static struct vendors v;

	if (!opt->vendors)
		return NULL;
	if (!v.blocks.n) {
		cr_assert_gt(vendors_add(&v, opt->vendors, strlen(opt->vendors)), 0);
		vendors_ready(&v);
	}
	return &v;
}

static void add_prefix(struct prefix_list *l, const char *text)
{
	struct prefix p;

	cr_assert_eq(prefix_parse(text, &p), 0);
	*VEC_ADD(l) = p;
}

const struct machine *rig_machine(void)
{
	static struct machine m;

	if (m.local.n)
		return &m;
	add_prefix(&m.local, "192.0.2.1/32");
	add_prefix(&m.inside, "10.0.0.0/8");
	add_prefix(&m.inside, "fd12:3456::/32");
	add_prefix(&m.inside_links, "10.0.0.0/24");
	add_prefix(&m.inside_links, "fd12:3456::/64");
	return &m;
}

static void compile(struct rig *r, const char *policy, const struct rig_options *opt)
{
	struct rig_texts texts = { { "test.conf", policy, strlen(policy) }, opt };
	struct policy_io io = { read_text, glob_nothing, &texts };
	struct diag_list diags = { 0 };
	const struct vendor_source vendors = { get_vendors, (void *)opt };
	struct zone_source real = machines_zones();
	struct image_input in = {
		.machine = rig_machine(),
		.geo = opt->geo,
		.manual = opt->manual,
		.zones = opt->machines_zones ? &real : &zones,
		.vendors = &vendors,
		.now = parse_now(opt->now),
		.days = opt->days ? opt->days : 35,
	};

	if (policy_parse(&io, "test.conf", &r->set, &diags) < 0)
		fail_with(&diags);
	in.set = r->set;
	if (image_compile(&in, &r->image, &diags) < 0)
		fail_with(&diags);
}

static void load(struct rig *r, const struct rig_options *opt)
{
	static const struct hook_want wants[] = {
		{ "lan0", CF_IF_INSIDE, XDP_AUTO },
		{ "lan1", CF_IF_INSIDE, XDP_NEVER },
		{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
	};
	struct why why = { "" };
	int e;

	cr_assert_eq(datapath_time_map(r->dp, 0, &r->clock), 0);
	r->clock.utc_ns = (parse_now(opt->now).s + opt->run_after) * 1000000000;
	e = datapath_load(r->dp, r->image, &r->clock, wants, ARRAY_SIZE(wants), 0, &why);
	cr_assert_eq(e, 0, "load: %s", why.text);
}

static void skip(const char *why)
{
	printf("SKIP: %s\n", why);
	fflush(stdout);
	cr_skip_test("%s", why);
}

bool rig_kernel_has_tcx(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	cr_assert_eq(uname(&u), 0);
	cr_assert_eq(sscanf(u.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 6);
}

int64_t rig_lead_seconds(void)
{
	const char *text = getenv("CURFEW_TEST_LEAD");

	return text ? atoi(text) : 5;
}

void rig_sleep_past(struct rig *r, struct utc edge)
{
	uint64_t until = time_map_jiffies(&r->clock, edge) + 2;

	while (datapath_jiffies(r->dp) < until)
		usleep(1000);
}

void rig_setup(struct rig *r, const char *policy, const struct rig_options *opt)
{
	static const struct rig_options none;
	struct datapath_options dopt = { .dir = BPFFS "/curfew" };
	struct why why = { "" };
	int e;

	*r = (struct rig){ 0 };
	if (!opt)
		opt = &none;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		skip("needs root: no new namespaces");
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("bpf", BPFFS, "bpf", 0, NULL), 0, "no bpffs: %s", strerror(errno));
	cr_assert_eq(system("ip link add lan0 type veth peer name host0 && "
			    "ip link add lan1 type veth peer name host1 && "
			    "ip link add wan0 type veth peer name isp0"),
		     0);
	r->inside_ifindex = if_nametoindex("lan0");
	r->outside_ifindex = if_nametoindex("wan0");
	dopt.pairs_per_cpu = opt->pairs_per_cpu ? opt->pairs_per_cpu : 4096;
	dopt.segments = opt->segments;
	dopt.cpus_online = opt->cpus_online;
	dopt.shared_lanes = opt->shared_lanes;
	dopt.quota_keys = opt->quota_keys;
	dopt.force_clsact = opt->force_clsact;
	dopt.no_conntrack = opt->no_conntrack;
	compile(r, policy, opt);
	e = datapath_open(&dopt, &r->dp, &why);
	cr_assert_eq(e, 0, "open: %s", why.text);
	load(r, opt);
}

void rig_reload(struct rig *r, const char *policy, const struct rig_options *opt)
{
	static const struct rig_options none;

	image_free(r->image);
	policy_set_free(r->set);
	compile(r, policy, opt ? opt : &none);
	load(r, opt ? opt : &none);
}

static int prog_fd(enum rig_hook hook)
{
	int fd = bpf_obj_get(hook == RIG_INSIDE      ? BPFFS "/curfew/progs/xdp_inside"
			     : hook == RIG_INSIDE_TC ? BPFFS "/curfew/progs/tc_inside"
						     : BPFFS "/curfew/progs/tc_outside");

	cr_assert_geq(fd, 0, "program is not pinned: %s", strerror(errno));
	return fd;
}

/* 0 in XDP is aborted; TC says -1 for "go on". */
static int test_run(struct rig *r, enum rig_hook hook, const struct frame_bytes *f, int repeat,
		    uint32_t wire_len, uint32_t gso_size)
{
	struct __sk_buff skb = {
		.ifindex = 1,
		.ingress_ifindex = hook == RIG_FORWARDED ? r->inside_ifindex
				   : hook == RIG_OTHER   ? 99
							 : 0,
		.wire_len = wire_len,
		.gso_size = gso_size,
	};
	uint8_t out[FRAME_MAX + 256];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = repeat);

	int fd = prog_fd(hook), e;

	if (hook != RIG_INSIDE) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	e = bpf_prog_test_run_opts(fd, &opts);
	cr_assert_eq(e, 0, "test-run of %u bytes: %s", f->len, strerror(errno));
	close(fd);
	return (int)opts.retval;
}

struct rig_run rig_frame(struct rig *r, enum rig_hook hook, const struct frame_bytes *f,
			 uint32_t wire_len, uint32_t gso_size)
{
	enum cf_hook h =
		hook == RIG_INSIDE || hook == RIG_INSIDE_TC ? CF_HOOK_INSIDE : CF_HOOK_OUTSIDE;
	struct reason_totals a, b;
	struct rig_run run = { .reason = CF_REASON_MAX };
	unsigned int changes = 0;
	int ret;

	cr_assert_eq(datapath_reasons(r->dp, &a), 0);
	ret = test_run(r, hook, f, 1, wire_len, gso_size);
	cr_assert_eq(datapath_reasons(r->dp, &b), 0);
	for (int i = 0; i < CF_REASON_MAX; i++) {
		uint64_t d = b.t[h][i].packets - a.t[h][i].packets;

		if (!d)
			continue;
		cr_assert_eq(d, 1);
		changes++;
		run.reason = (enum cf_reason)i;
	}
	cr_assert_eq(changes, 1, "a packet leaves with one reason, not %u", changes);
	run.dropped = ret == (hook == RIG_INSIDE ? 1 /* XDP_DROP */ : 2 /* TC_ACT_SHOT */);
	cr_assert(run.dropped || ret == (hook == RIG_INSIDE ? 2 /* XDP_PASS */ : -1),
		  "strange verdict %d", ret);
	return run;
}

struct rig_run rig_packet(struct rig *r, enum rig_hook hook, const struct frame_spec *spec)
{
	struct frame_bytes f;

	frame_build(spec, &f);
	return rig_frame(r, hook, &f, 0, 0);
}

void rig_repeat(struct rig *r, enum rig_hook hook, const struct frame_spec *spec, int times)
{
	struct frame_bytes f;

	frame_build(spec, &f);
	test_run(r, hook, &f, times, 0, 0);
}

const char *rig_reason_name(enum cf_reason reason)
{
#define X(id, slug, group, text) [CF_REASON_##id] = slug,
	static const char *const names[] = { CF_REASONS(X)[CF_REASON_MAX] = "none" };
#undef X

	return names[reason];
}

struct find {
	struct addr src, dst;
	struct rig_pair found;
};

static void find_one(void *arg, const struct pair_sample *p)
{
	struct find *f = arg;

	if (addr_compare(&p->src, &f->src) || addr_compare(&p->dst, &f->dst))
		return;
	f->found.slots++;
	f->found.wire += p->wire_bytes;
	f->found.payload += p->payload_bytes;
	f->found.dropped += p->dropped_wire_bytes;
	f->found.packets += p->packets;
	f->found.label = p->label;
	f->found.generation = p->generation;
}

struct rig_pair rig_pair(struct rig *r, const char *src, const char *dst)
{
	struct find f = { 0 };

	cr_assert_eq(addr_parse(src, &f.src), 0);
	cr_assert_eq(addr_parse(dst, &f.dst), 0);
	datapath_pairs(r->dp, find_one, &f);
	return f.found;
}

struct books {
	enum cf_hook hook;
	struct cf_traffic slots, overflow;
};

static void book_pair(void *arg, const struct pair_sample *p)
{
	struct books *b = arg;

	if (p->hook != b->hook)
		return;
	b->slots.packets += p->packets;
	b->slots.wire_bytes += p->wire_bytes;
	b->slots.payload_bytes += p->payload_bytes;
}

static void book_overflow(void *arg, const struct overflow_sample *o)
{
	struct books *b = arg;

	if (o->key.hook != b->hook)
		return;
	b->overflow.packets += o->traffic.packets;
	b->overflow.wire_bytes += o->traffic.wire_bytes;
	b->overflow.payload_bytes += o->traffic.payload_bytes;
}

void rig_books(struct rig *r, enum cf_hook hook, struct cf_traffic *ret_slots,
	       struct cf_traffic *ret_overflow, struct cf_traffic *ret_offered)
{
	struct books b = { .hook = hook };
	struct cf_traffic offered = { 0 };
	struct reason_totals t;

	datapath_pairs(r->dp, book_pair, &b);
	datapath_overflow(r->dp, book_overflow, &b);
	cr_assert_eq(datapath_reasons(r->dp, &t), 0);
	for (int i = 0; i < CF_REASON_MAX; i++) {
		offered.packets += t.t[hook][i].packets;
		offered.wire_bytes += t.t[hook][i].wire_bytes;
		offered.payload_bytes += t.t[hook][i].payload_bytes;
	}
	*ret_slots = b.slots;
	*ret_overflow = b.overflow;
	*ret_offered = offered;
}

struct ledger_find {
	enum cf_key_kind kind;
	unsigned int n;
	struct quota_state state;
};

static void ledger_one(void *arg, const struct cf_quota_key *k, const struct quota_state *s)
{
	struct ledger_find *f = arg;

	if (k->kind != f->kind)
		return;
	f->n++;
	f->state = *s;
}

struct quota_state rig_quota(struct rig *r, enum cf_key_kind kind)
{
	struct ledger_find f = { .kind = kind };

	cr_assert_eq(datapath_quotas(r->dp, ledger_one, &f), 0);
	cr_assert_eq(f.n, 1, "%u keys of that kind, not 1", f.n);
	return f.state;
}

unsigned int rig_quota_count(struct rig *r, enum cf_key_kind kind)
{
	struct ledger_find f = { .kind = kind };

	cr_assert_eq(datapath_quotas(r->dp, ledger_one, &f), 0);
	return f.n;
}
