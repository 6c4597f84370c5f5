/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side, as the daemon and the commands see it: shared maps,
 * generations of programs, hooks. All state that outlives a process is pinned
 * in one bpffs directory. Functions return 0 or -errno; `why` (may be NULL) is
 * then filled with a sentence for people. Nothing here prints.
 */
#ifndef CURFEW_PORT_DATAPATH_DATAPATH_H
#define CURFEW_PORT_DATAPATH_DATAPATH_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "core/image/image.h"
#include "curfew/abi.h"

#define DATAPATH_DIR "/sys/fs/bpf/curfew"

struct datapath;

/* A sentence for people about what failed. */
struct why {
	char text[256];
};

struct datapath_options {
	const char *dir;         /* NULL: DATAPATH_DIR */
	uint32_t pairs_per_cpu;  /* slots of each family a CPU begins with; 0: 4,096 */
	uint32_t segments;       /* of a family, at most, of 4,096 slots: for tests; 0: 4,096 */
	uint32_t quota_keys;     /* entries of the quota ledger; 0: 65,536 */
	uint32_t stall_seconds;  /* a daemon that is silent for longer has stalled; 0: 30 */
	const char *cpus_online; /* a list of those that do as if they were: for tests */
	bool shared_lanes; /* do as if there were too many CPUs for lanes of their own: for tests */
	bool no_conntrack; /* do as if the kernel had none: for tests */
	bool force_clsact; /* never TCX: for tests, and kernels before 6.6 find it out themselves */
};

/*
 * Adopts what is pinned, or creates and pins the shared maps. -ESTALE: what is
 * pinned has another layout version. -EPERM, -ENOENT (no bpffs there), ...
 */
int datapath_open(const struct datapath_options *opt, struct datapath **ret, struct why *why);
/* Only adopts: -ENOENT when nothing is pinned. For commands, also with the daemon dead. */
int datapath_attach_existing(const char *dir, struct datapath **ret, struct why *why);
/* Forgets; everything stays pinned and enforcing. */
void datapath_close(struct datapath *dp);

/* ---- generations and hooks -------------------------------------------- */

enum hook_kind {
	HOOK_NONE,
	HOOK_XDP,
	HOOK_TCX_INGRESS,
	HOOK_TCX_EGRESS,
	HOOK_CLSACT_INGRESS,
	HOOK_CLSACT_EGRESS
};
const char *hook_kind_name(enum hook_kind kind); /* "native XDP", "TCX egress", … */

/* MARKS: a policy marks packets, and only TC can. */
enum xdp_choice { XDP_AUTO, XDP_NEVER, XDP_MARKS };
/* An interface to cover. */
struct hook_want {
	char ifname[IFNAMSIZ];
	enum cf_if_role role;
	enum xdp_choice xdp;
};

struct hook {
	char ifname[IFNAMSIZ];
	uint32_t ifindex;
	enum cf_if_role role;
	enum hook_kind kind; /* NONE: not hooked; `seen_at`, or `why` says why not */
	uint32_t prog_id;
	uint32_t link_id;       /* 0 for clsact */
	uint32_t generation;    /* of the program that is attached */
	uint32_t position;      /* in the TCX chain, from 0; 0 elsewhere */
	uint32_t first_id;      /* program at the head of the chain, if that is not ours */
	char first[16];         /* its name */
	bool alive;             /* the kernel still has it on that device */
	bool covered;           /* alive, or what comes by it is seen where it is covered */
	char seen_at[IFNAMSIZ]; /* the interface that is hooked instead, or "" */
	char renamed[IFNAMSIZ]; /* what the device is called now, if no other has its name */
	struct why why;         /* why it is not covered */
	struct why note;        /* why this hook */
	struct why warning;     /* what it may not see, and what to write instead; or "" */
};
struct hook_list {
	struct hook *v;
	size_t n, cap;
};
void hook_list_done(struct hook_list *l);

/* How civil time maps to the kernel's: real-time clock (plus the daemon's offset) against jiffies.
 */
struct time_map {
	int64_t utc_ns;   /* since 1970, at that moment */
	uint64_t jiffies; /* of bpf_jiffies64() */
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	uint32_t hz;
};
/* Reads all clocks together, through a program. `offset` seconds are added to the wall clock. */
int datapath_time_map(struct datapath *dp, int64_t offset, struct time_map *ret);
uint64_t time_map_jiffies(const struct time_map *m, struct utc at);
struct utc time_map_utc(const struct time_map *m, uint64_t jiffies);

/*
 * Loads a generation from the image and switches every hook to it: covers the
 * wanted interfaces, uncovers others. All hooks or none: if one cannot be
 * switched, the others are rolled back and the old generation stays.
 * Interfaces that do not exist or cannot be covered are not an error: see
 * datapath_hooks(), and `why`, which then says it although 0 is returned. confirm_until: 0, or the
 * moment from which the new generation only observes unless datapath_confirm() was called.
 */
int datapath_load(struct datapath *dp, const struct image *img, const struct time_map *clock,
		  const struct hook_want *wants, size_t n_wants, uint64_t confirm_until,
		  struct why *why);

/* What the last datapath_load() took. */
struct load_times {
	uint64_t programs_us; /* loading, which is mostly the kernel's proof */
	uint64_t tables_us;
	uint64_t switch_us; /* from the first hook's move to the last one's */
	uint64_t wait_us;   /* the last one: it moves at once, then the kernel waits for readers */
};
struct load_times datapath_load_times(const struct datapath *dp);
/* Attaches what is wanted and not covered (a device that appeared), re-attaches dead links. */
int datapath_cover(struct datapath *dp, const struct hook_want *wants, size_t n_wants,
		   struct why *why);
/* Whether the generation that this process loaded asks connection tracking for internal hosts. */
bool datapath_conntrack(const struct datapath *dp);
/* The same of what is attached at an outside hook, as the kernel has it: also without a daemon. */
bool datapath_hook_conntrack(const struct hook *h);
/* It does not, and by now the kernel could: load a new one. Costs a look at a file. */
bool datapath_conntrack_appeared(const struct datapath *dp);
/* Every hook, and every interface of the configuration in force that has none. */
int datapath_hooks(struct datapath *dp, struct hook_list *ret);
uint32_t datapath_generation(const struct datapath *dp);

/*
 * Moves our program to the head of its TCX chain; no packet is missed or counted
 * twice meanwhile. Takes as long as loading it twice. -EINVAL: that hook has no
 * chain; -EAGAIN: it is not covered by the present generation.
 */
int datapath_retake(struct datapath *dp, const struct hook_want *w, struct why *why);

/* Detaches every hook and removes every pin in the directory. Works without a daemon. */
int datapath_detach(const char *dir, struct why *why);

/* The control word block, memory-mapped; never NULL. */
volatile struct cf_control *datapath_control(struct datapath *dp);
/* jiffies now. */
uint64_t datapath_jiffies(struct datapath *dp);

/* ---- reading --------------------------------------------------------- */

/* One pair, summed over CPUs is the caller's business: a callback per slot. */
struct pair_sample {
	struct addr src;
	struct addr dst; /* IPv6: the /64, last 64 bits zero */
	enum cf_hook hook;
	uint32_t cpu;
	uint32_t slot; /* unique among live slots of this datapath and family, stable while the pair
			  lives */
	uint64_t wire_bytes, payload_bytes, dropped_wire_bytes;
	uint32_t packets; /* mod 2^32 */
	uint32_t label, source_class;
	uint16_t generation; /* low bits of the one that label belongs to */
	uint8_t flags;       /* enum cf_slot_flags */
	uint8_t life;        /* another number: the slot was given to another pair since */
	uint16_t epoch;      /* low bits, of the last touch */
	bool quiet; /* when last asked, no rule was active about any packet of it: CF_SLOT_QUIET */
};
/*
 * A member as it was written, by itself: loaded together with its neighbours, which a compiler
 * likes to do, it waits until the stores of all of them are done. That was an eighth of a poll.
 */
#define PAIR_SAMPLE(p, member) __atomic_load_n(&(p)->member, __ATOMIC_RELAXED)
typedef void (*pair_fn)(void *arg, const struct pair_sample *p);
/* A look: what it shows of a slot may be short of a packet that is being booked. */
int datapath_pairs(struct datapath *dp, pair_fn fn, void *arg);
/*
 * Only pairs that have been touched since the look that was acknowledged last: who has kept
 * what that one showed knows the others. As long as nothing is acknowledged: all.
 */
int datapath_pairs_held(struct datapath *dp, pair_fn fn, void *arg);

/*
 * A look after which slots may be recycled. begin() publishes a new epoch and
 * waits until no program that stamps the old one runs (some 10 ms): what
 * datapath_pairs() shows from then on is final for each slot that was not
 * touched since. end() acknowledges the old epoch: only when what was seen is
 * kept where a restart finds it. Without end(), nothing is given away.
 */
int datapath_commit_begin(struct datapath *dp);
void datapath_commit_end(struct datapath *dp);
/* The epoch that commit_end() will acknowledge, or has. */
uint32_t datapath_commit_epoch(const struct datapath *dp);
/* Names these tables: another number, other tables (they were detached, or the machine rebooted).
 */
uint64_t datapath_tables_id(const struct datapath *dp);

/* How full each CPU's shard was in the last look. */
struct shard_use {
	uint32_t cpu;
	bool six;
	uint32_t slots, used;
	uint32_t held; /* of epochs that are not acknowledged: cannot be recycled */
};
struct shard_uses {
	struct shard_use *v;
	size_t n, cap;
};
void shard_uses_done(struct shard_uses *u);
void datapath_shard_uses(const struct datapath *dp, struct shard_uses *ret);
/*
 * A shard for a CPU that is online and has none, since it was not when tables were made. 1: it was
 * made, for *ret_cpu; 0: none is missing; -errno: of that CPU. One that goes offline keeps its own,
 * with all that it has counted.
 */
int datapath_shard_missing(struct datapath *dp, uint32_t *ret_cpu);
/* Shards of these CPUs have grown: what overflowed there until now has room (see cf_control). */
#define OVERFLOW_LANE(cpu) (1U << (cpu) % CF_OVERFLOW_LANES)
void datapath_outgrown(struct datapath *dp, uint32_t lanes);
/* Wire bytes in overflow since then, of all CPUs. */
int datapath_no_room(struct datapath *dp, uint64_t ret_bytes[CF_HOOK_MAX]);
/* Up to here a shard that is in use is to have much more room than it needs: see commit.c. */
#define SHARD_ROOMY_SLOTS 65536
/*
 * Room for so many slots, a power of two. -ENOSPC: that is more than a shard, or all of them
 * together, can have. Traffic goes on meanwhile.
 */
int datapath_shard_grow(struct datapath *dp, uint32_t cpu, bool six, uint64_t slots);

/*
 * From freeze() to thaw() no slot is given away, so that datapath_recycled() and
 * datapath_pairs() together are all that was counted; what finds no free slot is booked
 * in overflow meanwhile. 0 or -errno: then it may still be frozen. Who dies in between
 * leaves it so: thaw before anything else.
 */
int datapath_freeze(struct datapath *dp);
void datapath_thaw(struct datapath *dp);

/* What slots that were given away had counted, by hook, summed over CPUs. */
int datapath_recycled(struct datapath *dp, struct cf_recycled ret[CF_HOOK_MAX]);

/* [hook][note], summed over CPUs. */
struct note_totals {
	struct {
		uint64_t packets, wire_bytes;
	} t[CF_HOOK_MAX][CF_NOTE_MAX];
};
int datapath_notes(struct datapath *dp, struct note_totals *ret);
typedef void (*tunnel_fn)(void *arg, const struct cf_tunnel_key *key, const struct cf_tunnel *t);
int datapath_tunnels(struct datapath *dp, tunnel_fn fn, void *arg);

/* [hook][reason], summed over CPUs. */
struct reason_totals {
	struct cf_traffic t[CF_HOOK_MAX][CF_REASON_MAX];
};
int datapath_reasons(struct datapath *dp, struct reason_totals *ret);
/* What the hook on a device was offered; -ENOENT: it has no row of its own. */
int datapath_device(struct datapath *dp, uint32_t ifindex, struct cf_device_count *ret);
/* The same of all devices, those that are gone too. */
int datapath_devices(struct datapath *dp, struct cf_device_count *ret);

/* `baselines`: sets those that are missing, of outside hooks that are attached; 0 or -errno. */
int datapath_baselines_set(struct datapath *dp);
/*
 * The same counters now, read at one moment; *ret_slack: bytes that passed our
 * hook meanwhile, since the traffic did not pause. -ENODEV: no such device.
 */
int datapath_device_now(struct datapath *dp, uint32_t ifindex, struct cf_baseline *ret,
			uint64_t *ret_slack);
typedef void (*baseline_fn)(void *arg, uint32_t ifindex, const struct cf_baseline *b);
int datapath_baselines(struct datapath *dp, baseline_fn fn, void *arg);

struct overflow_sample {
	struct cf_overflow_key key;
	struct cf_traffic traffic;
};
typedef void (*overflow_fn)(void *arg, const struct overflow_sample *o);
int datapath_overflow(struct datapath *dp, overflow_fn fn, void *arg);

/* cf_quota_state, its word taken apart. */
struct quota_state {
	uint64_t used_bytes;
	uint32_t period_minute; /* of the period's opening, mod 2^22 */
	bool latched;
	uint64_t attempted_bytes, attempted_packets;
	uint32_t reported;
	uint64_t keep_bytes; /* as cf_quota_state */
	char policy[CF_NAME_LEN];
	bool is_rate;      /* then of the above only what was attempted, and: */
	uint64_t ahead_ns; /* how long its bucket takes to drain */
};
/*
 * What the allow by hand with this id may still let pass: opens its account, unless it has
 * one; what it has let pass, and whether that was all. -errno; -ENOENT: it has none. And
 * closes all accounts but these: what has none lets nothing pass.
 */
int datapath_allow_open(struct datapath *dp, uint32_t id, uint64_t used_bytes);
int datapath_allow_read(struct datapath *dp, uint32_t id, uint64_t *ret_used, bool *ret_used_up);
void datapath_allow_prune(struct datapath *dp, const uint32_t *ids, size_t n);

struct quota_record;
typedef void (*quota_fn)(void *arg, const struct cf_quota_key *key,
			 const struct quota_state *state);
int datapath_quotas(struct datapath *dp, quota_fn fn, void *arg);
/* The same, then the keys of rates. */
int datapath_limits(struct datapath *dp, quota_fn fn, void *arg);
/* Forgets a key's use, of a quota or a rate, so that it starts anew. -ENOENT if there is none. */
int datapath_quota_reset(struct datapath *dp, const struct cf_quota_key *key);
/*
 * Forgets the keys of quotas that the image does not have, and, once the ledger
 * is half full, those of periods that are over. A key is marked in the kernel
 * first and deleted after a grace period, so no charge is lost. Returns how
 * many, or -errno. Not for every poll: it may wait some 10 ms.
 */
int datapath_quota_prune(struct datapath *dp, const struct image *img, struct utc now);

/* One key; -ENOENT if it has no entry. */
int datapath_quota_get(struct datapath *dp, const struct cf_quota_key *key,
		       struct quota_state *ret);
/*
 * What keys without an entry have been charged of a quota. make(): with that seed, unless it
 * has one, so that cells on record mean what they meant. -errno.
 */
int datapath_cells(struct datapath *dp, uint32_t quota, struct cf_quota_spill *ret);
int datapath_cells_make(struct datapath *dp, uint32_t quota, uint64_t seed);
/*
 * Adds what a record says to what its key has used in that period; an entry of an older
 * period gives way. q: its quota. -EAGAIN: the entry is of a later period. -ENOSPC: there is
 * no room for another key; it is noted in the key's cells, and is for the caller to add to the
 * shared entry. A cell, also of CF_CELL_ALL: -ESTALE, its quota's cells have another seed.
 */
int datapath_quota_restore(struct datapath *dp, const struct cf_quota_spec *q,
			   const struct quota_record *r);
/* An event CF_EVENT_KEEP when its use reaches that; false: the key is of another period by now. */
bool datapath_quota_keep(struct datapath *dp, const struct cf_quota_key *key,
			 uint32_t period_minute, uint64_t keep_bytes);
/* The clock was set back: what a key has used counts for that period. False: it is of another. */
bool datapath_quota_restamp(struct datapath *dp, const struct cf_quota_key *key, uint32_t from,
			    uint32_t to);
/* Whether a period is yet to come: the clock was set back since. */
bool quota_period_is_future(uint32_t period_minute, struct utc now);

/*
 * An address' owner is remembered with an hour of eight bits: those that no longer count are to
 * be told so at least every hundred hours, before it comes round. How many were; -errno.
 */
int datapath_owners_age(struct datapath *dp);

/*
 * What is dropped for a time (`drop for`) and, with key->quota 0, sources in quarantine:
 * see cf_hold. prune() forgets those that are over and returns how many.
 */
typedef void (*hold_fn)(void *arg, const struct cf_quota_key *key, const struct cf_hold *h);
int datapath_holds(struct datapath *dp, hold_fn fn, void *arg);
int datapath_hold_put(struct datapath *dp, const struct cf_quota_key *key, const struct cf_hold *h);
int datapath_hold_lift(struct datapath *dp, const struct cf_quota_key *key);
int datapath_holds_prune(struct datapath *dp);

/* The events' epoll descriptor; datapath_events() calls fn for each that waits. Losses are counted.
 */
int datapath_events_fd(struct datapath *dp);
typedef void (*event_fn)(void *arg, const struct cf_event *ev);
int datapath_events(struct datapath *dp, event_fn fn, void *arg);
uint64_t datapath_events_lost(struct datapath *dp);

/* Samples of dropped packets: calls fn for each that waits. What became of the others is counted.
 */
typedef void (*drop_fn)(void *arg, const struct cf_drop *drop);
int datapath_drops(struct datapath *dp, drop_fn fn, void *arg);
int datapath_drop_samples(struct datapath *dp, struct cf_drop_samples *ret);

/* Publishes `destinations` for bpftool: replaces the whole map. */
typedef void (*destination_fn)(void *arg, size_t i, struct cf_destination_key *key,
			       struct cf_destination *value);
int datapath_publish(struct datapath *dp, size_t n, destination_fn fn, void *arg);

/* Sizes for `status`: slots in use is the caller's count. */
struct datapath_sizes {
	uint32_t cpus;         /* that have a shard */
	uint32_t cpus_online;  /* 0: cannot be told */
	uint32_t cpus_without; /* that are online and have none: all of theirs goes to overflow */
	uint64_t slots4, slots6;
	uint32_t segments_max; /* of 4,096 slots, of one family, all CPUs together */
	uint64_t quota_keys;
	uint64_t table_bytes;
};
void datapath_sizes(const struct datapath *dp, struct datapath_sizes *ret);

#endif
