/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counted beside the pairs: by system calls, summed over CPUs. */
#include <errno.h>
#include <string.h>

#include "port/datapath/priv.h"

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

int datapath_notes(struct datapath *dp, struct note_totals *ret)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "notes"), r = 0;
	struct note_totals sum = { 0 };
	struct cf_note_count *v;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_NOTE_MAX && !r; i++) {
		if (bpf_map_lookup_elem(fd, &i, v) < 0)
			r = -errno;
		for (int c = 0; c < cpus && !r; c++) {
			sum.t[i / CF_NOTE_MAX][i % CF_NOTE_MAX].packets += v[c].packets;
			sum.t[i / CF_NOTE_MAX][i % CF_NOTE_MAX].wire_bytes += v[c].wire_bytes;
		}
	}
	free(v);
	if (!r)
		*ret = sum;
	return r;
}

int datapath_recycled(struct datapath *dp, struct cf_recycled ret[CF_HOOK_MAX])
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "recycled"), r = 0;
	struct cf_recycled sum[CF_HOOK_MAX] = { 0 }, *v;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t hook = 0; hook < CF_HOOK_MAX && !r; hook++) {
		if (bpf_map_lookup_elem(fd, &hook, v) < 0)
			r = -errno;
		for (int c = 0; c < cpus && !r; c++) {
			sum[hook].pairs += v[c].pairs;
			sum[hook].packets += v[c].packets;
			sum[hook].wire_bytes += v[c].wire_bytes;
			sum[hook].payload_bytes += v[c].payload_bytes;
			sum[hook].dropped_wire_bytes += v[c].dropped_wire_bytes;
		}
	}
	free(v);
	if (!r)
		memcpy(ret, sum, sizeof(sum));
	return r;
}

int datapath_tunnels(struct datapath *dp, tunnel_fn fn, void *arg)
{
	int fd = dp_map_fd(dp, "tunnels");
	struct cf_tunnel_key key;
	const void *last = NULL;
	struct cf_tunnel t;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		last = &key;
		if (!bpf_map_lookup_elem(fd, &key, &t))
			fn(arg, &key, &t);
	}
	return 0;
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

static bool same_row(const struct cf_overflow_key *a, const struct cf_overflow_key *b)
{
	return a->label == b->label && a->source_class == b->source_class && a->hook == b->hook;
}

static int by_row(const void *a, const void *b)
{
	const struct cf_overflow_key *x = &((const struct overflow_sample *)a)->key;
	const struct cf_overflow_key *y = &((const struct overflow_sample *)b)->key;

	if (x->hook != y->hook)
		return x->hook < y->hook ? -1 : 1;
	if (x->source_class != y->source_class)
		return x->source_class < y->source_class ? -1 : 1;
	return x->label < y->label ? -1 : x->label > y->label;
}

struct overflow_rows {
	struct overflow_sample *v;
	size_t n, cap;
};

/* What lanes have of the same label and class is one. */
static void tell_rows(struct overflow_rows *l, overflow_fn fn, void *arg)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_row);
	for (size_t i = 0, k; i < l->n; i = k) {
		struct overflow_sample o = l->v[i];

		for (k = i + 1; k < l->n && same_row(&l->v[k].key, &o.key); k++) {
			o.traffic.packets += l->v[k].traffic.packets;
			o.traffic.wire_bytes += l->v[k].traffic.wire_bytes;
			o.traffic.payload_bytes += l->v[k].traffic.payload_bytes;
		}
		o.key.lane = 0;
		fn(arg, &o);
	}
}

int datapath_overflow(struct datapath *dp, overflow_fn fn, void *arg)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "overflow");
	struct overflow_rows rows = { 0 };
	struct overflow_sample o;
	struct cf_traffic *v;
	const void *last = NULL;

	if (cpus < 0)
		return cpus;
	while (!bpf_map_get_next_key(fd, last, &o.key)) {
		last = &o.key;
		if (!bpf_map_lookup_elem(fd, &o.key, &o.traffic))
			*VEC_ADD(&rows) = o;
	}
	tell_rows(&rows, fn, arg);
	free(rows.v);
	v = xcalloc((size_t)cpus, sizeof(*v));
	read_losses(dp, v, cpus, fn, arg);
	free(v);
	return 0;
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

static void delete_unlisted(int fd, const struct cf_destination_key *sorted, size_t n)
{
	struct cf_destination_key key, next;
	struct {
		struct cf_destination_key *v;
		size_t n, cap;
	} gone = { 0 };
	const void *last = NULL;

	while (!bpf_map_get_next_key(fd, last, &next)) {
		key = next;
		last = &key;
		if (!bsearch(&key, sorted, n, sizeof(key), compare_keys))
			*VEC_ADD(&gone) = key;
	}
	for (size_t i = 0; i < gone.n; i++)
		bpf_map_delete_elem(fd, &gone.v[i]);
	free(gone.v);
}

/* What is no longer listed goes, what is listed is written: readers never see an empty map. */
int datapath_publish(struct datapath *dp, size_t n, destination_fn fn, void *arg)
{
	int fd = dp_map_fd(dp, "destinations"), r = 0;
	struct cf_destination_key *keys = xcalloc(n, sizeof(*keys));

	for (size_t i = 0; i < n && !r; i++) {
		struct cf_destination value;

		fn(arg, i, &keys[i], &value);
		if (bpf_map_update_elem(fd, &keys[i], &value, BPF_ANY) < 0 && errno != E2BIG)
			r = -errno;
	}
	if (!r) {
		qsort(keys, n, sizeof(*keys), compare_keys);
		delete_unlisted(fd, keys, n);
	}
	free(keys);
	return r;
}
