/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the pair table: its shards as memory, while their owners write. */
#include <stddef.h>
#include <string.h>

#include "port/datapath/priv.h"

/*
 * Nearly all of a look is waiting for memory. What a CPU fetches ahead by itself stops where
 * a page ends, so we say what comes next, and read several segments in turn: one alone
 * took half as long again. Beyond a segment's end nothing is fetched.
 */
#define STREAMS 4
#define AHEAD   (1024 / sizeof(struct cf_slot6))

/*
 * Which slots are in use, and whose pairs have moved, nobody can foretell, a CPU neither: where it
 * guesses wrong it begins anew, and what it has asked memory for meanwhile was little. So of a few
 * slots of each segment it is reckoned first, without a branch, which ones are wanted.
 */
#define BLOCK 8
_Static_assert(SEGMENT_SLOTS % BLOCK == 0, "a segment is read in blocks");

/*
 * A part of a slot's first word, which stays in a register. Words that are copied as such and then
 * read in other sizes wait for the copy: that took as long as all the rest.
 */
#define META(word, part)                                                                           \
	((__typeof__(((struct cf_slot_meta *)0)->part))((word) >>                                  \
							8 * offsetof(struct cf_slot_meta, part)))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "as in bpf/account.h");

#define LOAD(at) __atomic_load_n(at, __ATOMIC_RELAXED)

/* The /64, or behind NAT64 the address: see cf_slot6. */
static struct addr pair_destination6(uint64_t prefix)
{
	static const uint8_t nat64[4] = { 0x00, 0x64, 0xff, 0x9b };
	struct addr a = { { 0 } };
	uint8_t dst[8];
	bool v4;

	memcpy(dst, &prefix, sizeof(dst));
	v4 = !memcmp(dst, nat64, 4) && memcmp(dst + 4, a.b, 4);
	memcpy(a.b, dst, v4 ? 4 : 8);
	if (v4)
		memcpy(a.b + 12, dst + 4, 4);
	return a;
}

/* An IPv4 sample's addresses are mapped to begin with: only their last four bytes change. */
static inline void sample_pair(const struct cf_slot *slot, bool six, struct pair_sample *p)
{
	if (six) {
		const uint64_t *at = (const uint64_t *)((const struct cf_slot6 *)slot)->src;
		uint64_t src[2] = { LOAD(at), LOAD(at + 1) };

		memcpy(p->src.b, src, sizeof(src));
		p->dst = pair_destination6(LOAD(at + 2));
	} else {
		const uint32_t *at = (const uint32_t *)((const struct cf_slot4 *)slot)->src;
		uint32_t src = LOAD(at), dst = LOAD(at + 1);

		memcpy(p->src.b + 12, &src, sizeof(src));
		memcpy(p->dst.b + 12, &dst, sizeof(dst));
	}
}

static inline void sample_common(const struct cf_slot *s, uint64_t meta, struct pair_sample *p)
{
	uint32_t label_class = LOAD(&s->label_class);
	uint8_t flags = META(meta, flags);

	p->hook = flags & CF_SLOT_OUTSIDE ? CF_HOOK_OUTSIDE : CF_HOOK_INSIDE;
	p->flags = flags;
	p->life = META(meta, incarnation);
	p->generation = META(meta, generation);
	p->epoch = META(meta, epoch);
	p->quiet = META(meta, reported) & CF_SLOT_QUIET;
	p->wire_bytes = LOAD(&s->wire_bytes);
	p->payload_bytes = LOAD(&s->payload_bytes);
	p->dropped_wire_bytes = LOAD(&s->dropped_wire_bytes);
	p->packets = LOAD(&s->packets);
	p->label = CF_LABEL(label_class);
	p->source_class = CF_CLASS(label_class);
}

/*
 * One pair's slot as it was at some moment, from its first word on; false: it holds
 * none. A sequence lock whose number is the incarnation: the owner exchanges it (a
 * full barrier) before it touches key and counters of another pair, and after. So if
 * our loads in between saw anything of the new pair, then the load behind the acquire
 * fence, which is ordered after them on arm64 too, sees another incarnation. A slot is
 * given away at most once per acknowledged epoch: this does not spin.
 */
static inline bool sample_slot(const struct cf_slot *slot, bool six, uint64_t meta,
			       struct pair_sample *p)
{
	const uint64_t *first = (const uint64_t *)&slot->meta;

	for (;;) {
		uint64_t after;

		sample_pair(slot, six, p);
		sample_common(slot, meta, p);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = LOAD(first);
		if (META(meta, incarnation) == META(after, incarnation))
			return true;
		meta = __atomic_load_n(first, __ATOMIC_ACQUIRE);
		if (!(META(meta, flags) & CF_SLOT_USED))
			return false;
	}
}

static struct shard_use *use_of(struct datapath *dp, const struct segment_view *v)
{
	struct shard_use *use;

	for (size_t i = 0; i < dp->uses.n; i++)
		if (dp->uses.v[i].cpu == v->cpu && dp->uses.v[i].six == v->six)
			return &dp->uses.v[i];
	use = VEC_ADD(&dp->uses);
	*use = (struct shard_use){ .cpu = v->cpu, .six = v->six };
	return use;
}

/* Whether a slot may have changed since what was acknowledged: see struct cf_control. */
static inline uint32_t is_held(uint64_t meta, uint16_t acked)
{
	return (uint16_t)(META(meta, epoch) - acked - 1) < 2;
}

/* A segment that is being read, and what the sample of each of its slots begins with. */
struct stream {
	const struct segment_view *view;
	struct pair_sample sample;
	uint32_t used, held;
};

/* A slot whose pair is to be told of, and its first word. */
struct wanted {
	uint64_t meta;
	uint32_t slot;
	uint32_t stream;
};

/* Always written to `to`; 1: it stays there. */
static inline __attribute__((always_inline)) uint32_t want(struct stream *streams, uint32_t k,
							   uint32_t i, uint16_t acked, bool all,
							   struct wanted *to)
{
	struct stream *s = &streams[k];
	const struct cf_slot6 *at = (const struct cf_slot6 *)s->view->base + i;
	uint64_t meta = __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
	uint32_t used = META(meta, flags) & CF_SLOT_USED, held = used & is_held(meta, acked);

	__builtin_prefetch(at + AHEAD);
	s->used += used;
	s->held += held;
	*to = (struct wanted){ meta, i, k };
	return all ? used : held;
}

static inline __attribute__((always_inline)) void tell(struct stream *s, const struct wanted *w,
						       pair_fn fn, void *arg)
{
	const struct cf_slot6 *at = (const struct cf_slot6 *)s->view->base + w->slot;

	s->sample.slot = s->view->index * SEGMENT_SLOTS + w->slot;
	if (sample_slot(&at->common, s->view->six, w->meta, &s->sample))
		fn(arg, &s->sample);
}

/* `all` is a constant where this is called: asked for each slot, it is a branch again. */
static inline __attribute__((always_inline)) void read_blocks(struct stream *streams, size_t n,
							      uint16_t acked, bool all, pair_fn fn,
							      void *arg)
{
	struct wanted v[BLOCK * STREAMS];

	for (uint32_t first = 0; first < SEGMENT_SLOTS; first += BLOCK) {
		uint32_t wanted = 0;

		for (uint32_t i = first; i < first + BLOCK; i++)
			for (uint32_t k = 0; k < n; k++)
				wanted += want(streams, k, i, acked, all, &v[wanted]);
		for (uint32_t i = 0; i < wanted; i++)
			tell(&streams[v[i].stream], &v[i], fn, arg);
	}
}

static void read_streams(struct datapath *dp, size_t first, size_t n, bool all, pair_fn fn,
			 void *arg)
{
	static const uint8_t no4[4];
	uint16_t acked = (uint16_t)dp->control->acked;
	struct stream streams[STREAMS];

	for (size_t k = 0; k < n; k++) {
		const struct segment_view *v = &dp->segments.v[first + k];

		streams[k] = (struct stream){ .view = v, .sample.cpu = v->cpu };
		streams[k].sample.src = streams[k].sample.dst = addr_from4(no4);
	}
	if (all)
		read_blocks(streams, n, acked, true, fn, arg);
	else
		read_blocks(streams, n, acked, false, fn, arg);
	for (size_t k = 0; k < n; k++) {
		struct shard_use *use = use_of(dp, streams[k].view);

		use->slots += SEGMENT_SLOTS;
		use->used += streams[k].used;
		use->held += streams[k].held;
	}
}

static int read_segments(struct datapath *dp, bool all, pair_fn fn, void *arg)
{
	dp->uses.n = 0;
	for (size_t i = 0, n; i < dp->segments.n; i += n) {
		n = dp->segments.n - i < STREAMS ? dp->segments.n - i : STREAMS;
		read_streams(dp, i, n, all, fn, arg);
	}
	return 0;
}

int datapath_pairs(struct datapath *dp, pair_fn fn, void *arg)
{
	return read_segments(dp, true, fn, arg);
}

int datapath_pairs_held(struct datapath *dp, pair_fn fn, void *arg)
{
	return read_segments(dp, false, fn, arg);
}

void shard_uses_done(struct shard_uses *u)
{
	free(u->v);
	*u = (struct shard_uses){ 0 };
}

void datapath_shard_uses(const struct datapath *dp, struct shard_uses *ret)
{
	struct shard_uses u = { 0 };

	for (size_t i = 0; i < dp->uses.n; i++)
		*VEC_ADD(&u) = dp->uses.v[i];
	*ret = u;
}
