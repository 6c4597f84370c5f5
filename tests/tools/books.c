/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * books [--dir DIR] [--rest] [DEVICE...]: Curfew's books as the kernel has
 * them, as one JSON object. Figures are [packets, wire bytes, payload bytes];
 * of a device [packets, len bytes, wire bytes].
 *
 * `difference` is what makes a test: offered - (slots + recycled + overflow +
 * losses + seen + ignored + unparsed), by hook. Of [packets, wire bytes],
 * offered as the devices count it, of payload as the reasons do. It means
 * something when nothing moves: --rest waits for two looks that agree.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "books.h"
#include "bpf_read.h"

#define REST_MS    150
#define REST_TRIES 100

static const enum fate fate_of[] = {
#define X(id, slug, group, text) FATE_##group,
	CF_REASONS(X)
#undef X
};

static void *xcalloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

static void close_map(struct bpf_map_file *m)
{
	close(m->fd);
}

/* ---- counters ------------------------------------------------------------ */

static void read_reasons(const char *dir, struct look *l)
{
	struct bpf_map_file m;
	char *v;

	bpf_map_open(dir, "reasons", &m);
	v = xcalloc(m.room);
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_REASON_MAX; i++) {
		uint64_t sum[3] = { 0 };

		if (!bpf_map_get(&m, &i, v))
			continue;
		bpf_map_sum(&m, v, offsetof(struct cf_reason_count, packets), 3, sum);
		for (int k = 0; k < 3; k++) {
			l->offered[i / CF_REASON_MAX][k] += sum[k];
			l->fate[i / CF_REASON_MAX][fate_of[i % CF_REASON_MAX]][k] += sum[k];
		}
	}
	free(v);
	close_map(&m);
}

static void read_notes(const char *dir, struct look *l)
{
	struct bpf_map_file m;
	char *v;

	bpf_map_open(dir, "notes", &m);
	v = xcalloc(m.room);
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_NOTE_MAX; i++)
		if (bpf_map_get(&m, &i, v))
			bpf_map_sum(&m, v, offsetof(struct cf_note_count, packets), 2,
				    l->notes[i / CF_NOTE_MAX][i % CF_NOTE_MAX]);
	free(v);
	close_map(&m);
}

/* An array with an entry of `n` counters per hook. */
static void read_by_hook(const char *dir, const char *name, size_t n, uint64_t *sums)
{
	struct bpf_map_file m;
	char *v;

	bpf_map_open(dir, name, &m);
	v = xcalloc(m.room);
	for (uint32_t hook = 0; hook < CF_HOOK_MAX; hook++)
		if (bpf_map_get(&m, &hook, v))
			bpf_map_sum(&m, v, 0, n, sums + hook * n);
	free(v);
	close_map(&m);
}

static void read_overflow(const char *dir, struct look *l)
{
	struct cf_overflow_key key, next;
	struct bpf_map_file m;
	bool more;
	char *v;

	bpf_map_open(dir, "overflow", &m);
	v = xcalloc(m.room);
	for (more = bpf_map_next(&m, NULL, &next); more; more = bpf_map_next(&m, &key, &next)) {
		key = next;
		l->overflow_keys++;
		if (key.hook < CF_HOOK_MAX && bpf_map_get(&m, &key, v))
			bpf_map_sum(&m, v, 0, 3, l->overflow[key.hook]);
	}
	free(v);
	close_map(&m);
}

static void read_devices(const char *dir, char **names, int n, struct look *l)
{
	static uint16_t rows[CF_IF_MAX];
	struct bpf_map_file m, ifaces, row_of;
	uint32_t zero = 0;
	char *v;

	bpf_map_open(dir, "device_rows", &row_of);
	bpf_map_get(&row_of, &zero, rows);
	close_map(&row_of);
	bpf_map_open(dir, "devices", &m);
	bpf_map_open(dir, "ifaces", &ifaces);
	v = xcalloc(m.room);
	for (uint32_t i = 0; i < CF_IF_MAX; i++) {
		struct cf_iface face = { 0 };
		uint32_t row = rows[i];
		uint64_t sum[3] = { 0 };

		if (!bpf_map_get(&ifaces, &i, &face) || !face.ifindex || !face.role ||
		    !bpf_map_get(&m, &row, v))
			continue;
		bpf_map_sum(&m, v, 0, 3, sum);
		for (int k = 0; k < 3; k++)
			l->device_hook[face.role == CF_IF_OUTSIDE][k] += sum[k];
		for (int d = 0; d < n && d < DEVICES; d++)
			if (CF_IF_INDEX(if_nametoindex(names[d])) == i && row >= CF_DEVICE_FIRST)
				memcpy(l->devices[d], sum, sizeof(sum));
	}
	free(v);
	close_map(&m);
	close_map(&ifaces);
}

/* ---- the pair table ------------------------------------------------------ */

static void add_slot(struct look *l, const struct cf_slot *s)
{
	int hook = !!(s->meta.flags & CF_SLOT_OUTSIDE);

	l->pairs[hook]++;
	l->slots[hook][0] += s->packets;
	l->slots[hook][1] += s->wire_bytes;
	l->slots[hook][2] += s->payload_bytes;
}

static void read_segment(const struct bpf_map_file *m, uint32_t at, struct look *l,
			 struct family *f)
{
	size_t bytes = CF_SEG_BUCKETS * sizeof(struct cf_bucket4);
	const struct cf_bucket4 *b = bpf_map_inner(m, at, bytes);

	for (size_t i = 0; b && i < CF_SEG_BUCKETS; i++) {
		unsigned int used = 0;

		for (size_t k = 0; k < CF_BUCKET_SLOTS; k++) {
			const struct cf_slot *s = &b[i].slot[k].common;

			l->changing += s->meta.incarnation & 1;
			if (!(s->meta.flags & CF_SLOT_USED))
				continue;
			used++;
			add_slot(l, s);
		}
		f->used += used;
		f->fill[used]++;
	}
	if (b)
		munmap((void *)b, bytes);
}

/*
 * All segments that exist, also those that no CPU uses any more: what they
 * hold is on the books. By their list: where they could be is thousands of numbers, and on Linux
 * 6.1 each look-up of a map in a map waits for a grace period.
 */
static void read_family(const char *dir, const char *name, bool six, struct look *l)
{
	struct bpf_map_file m, list;
	struct cf_segment_place *places;
	struct family idle = { 0 };

	bpf_map_open(dir, name, &m);
	bpf_map_open(dir, "segment_places", &list);
	places = bpf_map_memory(&list, list.max_entries * sizeof(*places));
	for (uint32_t n = 0; n < list.max_entries; n++) {
		uint32_t at = (six ? places[n].at6 : places[n].at4) - 1;
		struct family *f = &idle;

		if (at == UINT32_MAX)
			continue;
		for (size_t i = 0; i < l->n_shards; i++) {
			const struct cf_cpu_shard *run = &l->shards[i].run;
			uint32_t first = six ? run->first6 : run->first4;
			uint32_t count = six ? run->count6 : run->count4;

			if (at >= first && at - first < count)
				f = &l->shards[i].family[six];
		}
		read_segment(&m, at, l, f);
	}
	munmap(places, list.max_entries * sizeof(*places));
	close_map(&list);
	close_map(&m);
}

static void read_pairs(const char *dir, struct look *l)
{
	struct cf_cpu_shard *run;
	struct bpf_map_file m;

	bpf_map_open(dir, "cpu_shards", &m);
	run = bpf_map_memory(&m, CF_CPUS_MAX * sizeof(*run));
	for (uint32_t cpu = 0; cpu < CF_CPUS_MAX; cpu++)
		if (run[cpu].count4 || run[cpu].count6)
			l->shards[l->n_shards++] = (struct shard){ .cpu = cpu, .run = run[cpu] };
	munmap(run, CF_CPUS_MAX * sizeof(*run));
	close_map(&m);
	read_family(dir, "shards4", false, l);
	read_family(dir, "shards6", true, l);
}

static void read_control(const char *dir, struct look *l)
{
	struct cf_control *c;
	struct bpf_map_file m;

	bpf_map_open(dir, "control", &m);
	c = bpf_map_memory(&m, sizeof(*c));
	l->epoch = c->epoch;
	l->acked = c->acked;
	l->generation = c->generation;
	munmap(c, sizeof(*c));
	close_map(&m);
}

static void take_look(const char *dir, char **names, int n, struct look *l)
{
	memset(l, 0, sizeof(*l));
	read_control(dir, l);
	read_pairs(dir, l);
	read_by_hook(dir, "recycled", 5, l->recycled[0]);
	read_by_hook(dir, "losses", 3, l->losses[0]);
	read_overflow(dir, l);
	read_notes(dir, l);
	read_reasons(dir, l);
	read_devices(dir, names, n, l);
}

/* Of what traffic moves: a daemon at work goes on counting epochs. */
static bool same(const struct look *a, const struct look *b)
{
	return !memcmp(a->offered, b->offered, sizeof(a->offered)) &&
	       !memcmp(a->device_hook, b->device_hook, sizeof(a->device_hook)) &&
	       !memcmp(a->recycled, b->recycled, sizeof(a->recycled));
}

int main(int argc, char **argv)
{
	static struct look look, before;
	const char *dir = "/sys/fs/bpf/curfew";
	bool rest = false;
	int tries = 0;

	for (argv++, argc--; argc && !strncmp(argv[0], "--", 2); argv++, argc--) {
		if (!strcmp(argv[0], "--rest")) {
			rest = true;
		} else if (!strcmp(argv[0], "--dir") && argc > 1) {
			dir = argv[1];
			argv++, argc--;
		} else {
			fprintf(stderr, "usage: books [--dir DIR] [--rest] [DEVICE...]\n");
			return 2;
		}
	}
	if (argc > DEVICES) {
		fprintf(stderr, "books: more than %d devices\n", DEVICES);
		return 2;
	}
	take_look(dir, argv, argc, &look);
	while (rest && tries++ < REST_TRIES) {
		usleep(REST_MS * 1000);
		before = look;
		take_look(dir, argv, argc, &look);
		if (same(&before, &look))
			rest = false;
	}
	if (rest) {
		fprintf(stderr, "books: the network does not come to rest\n");
		return 1;
	}
	books_print(&look, argv, argc);
	return 0;
}
