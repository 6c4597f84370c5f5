/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datapath of the test's own: private mount and network namespace, private
 * bpffs, the real loader, the real programs. Each Criterion test is a process,
 * so all of it is gone when the test ends.
 */
#ifndef CURFEW_TESTS_PROG_HELP_H
#define CURFEW_TESTS_PROG_HELP_H

#include "core/image/image.h"
#include "packets.h"
#include "port/datapath/datapath.h"

struct rig {
	struct datapath *dp;
	struct policy_set *set;
	struct image *image;
	struct time_map clock;
	uint32_t inside_ifindex, outside_ifindex;
	struct reason_totals before; /* of the last rig_reasons() */
};

/* A file that the policy names: `set x = file "PATH"`. */
struct rig_file {
	const char *path;
	const char *text;
	size_t n;
};

struct rig_options {
	const char *now;         /* civil time in UTC that the rig starts at: "2026-11-23 12:00" */
	unsigned int days;       /* of schedule; 0: 35 */
	uint32_t pairs_per_cpu;  /* 0: 4096 */
	uint32_t segments;       /* 0: 4096 */
	const char *cpus_online; /* NULL: as the kernel says */
	bool shared_lanes;
	uint32_t quota_keys;
	int64_t run_after;   /* seconds that pass between compiling and running */
	bool force_clsact;   /* no TCX, as before 6.6 */
	bool no_conntrack;   /* as if the kernel had none */
	bool machines_zones; /* by name, as the machine has them; else every zone is UTC */
	const char *vendors; /* a list of MAC addresses as CSV; NULL: there is none */
	const struct rig_file *files;
	size_t n_files;
	struct geo geo;                   /* what the databases hold that the policy names */
	const struct manual_list *manual; /* rules by hand; NULL: none */
};

/* What every rig is told of the machine. */
const struct machine *rig_machine(void);
/* Exits the test as skipped where BPF cannot be loaded at all. */
void rig_setup(struct rig *r, const char *policy, const struct rig_options *opt);
/* Whether this kernel has TCX, by its version (6.6); without it, TC hooks are clsact filters. */
bool rig_kernel_has_tcx(void);
/*
 * Seconds that a test which waits for an edge needs to get ready before it: more
 * where the verifier is slow (CURFEW_TEST_LEAD, as in an emulated machine).
 */
int64_t rig_lead_seconds(void);
/* Sleeps until the rig's clock, as the kernel sees it, is a moment past an edge. */
void rig_sleep_past(struct rig *r, struct utc edge);
/* Another policy, the same maps. */
void rig_reload(struct rig *r, const char *policy, const struct rig_options *opt);

enum rig_hook { RIG_INSIDE, RIG_GATEWAY, RIG_FORWARDED, RIG_OTHER, RIG_INSIDE_TC };
struct rig_run {
	bool dropped;
	enum cf_reason reason;
};
/* One packet; asserts that exactly one reason was counted, once. */
struct rig_run rig_packet(struct rig *r, enum rig_hook hook, const struct frame_spec *spec);
struct rig_run rig_frame(struct rig *r, enum rig_hook hook, const struct frame_bytes *f,
			 uint32_t wire_len, uint32_t gso_size);
/* Many of the same, in one call, without looking at each. */
void rig_repeat(struct rig *r, enum rig_hook hook, const struct frame_spec *spec, int times);

const char *rig_reason_name(enum cf_reason reason);

/* The slot of a pair, summed over CPUs. */
struct rig_pair {
	unsigned int slots;
	uint64_t wire, payload, dropped;
	uint32_t packets;
	uint32_t label;
	uint16_t generation;
};
struct rig_pair rig_pair(struct rig *r, const char *src, const char *dst);
/* All slots and all overflow, by hook. */
void rig_books(struct rig *r, enum cf_hook hook, struct cf_traffic *ret_slots,
	       struct cf_traffic *ret_overflow, struct cf_traffic *ret_offered);
/* The only key of a kind in the ledger (overflow entries apart); asserts that it is one. */
struct quota_state rig_quota(struct rig *r, enum cf_key_kind kind);
unsigned int rig_quota_count(struct rig *r, enum cf_key_kind kind);

#define assert_reason(run, want)                                                                   \
	cr_assert_eq((run).reason, (want), "left as %s, not %s", rig_reason_name((run).reason),    \
		     rig_reason_name(want))

#endif
