/* SPDX-License-Identifier: GPL-2.0-only */
/* Run by the loader, never by a packet: reads clocks together, retires ledger entries safely. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include <curfew/admin.h>

#include "maps.h"
#include "quota.h"

SEC("syscall")
int read_clocks(struct cf_clocks *c)
{
	c->jiffies = bpf_jiffies64();
	c->boot_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/*
 * Marks an entry so that no CPU charges it any more. Userspace deletes it after
 * a grace period; whoever meets it meanwhile shares the quota's overflow entry.
 */
SEC("syscall")
int retire_quota(struct cf_retire *r)
{
	struct cf_quota_key key = r->key;
	struct cf_quota_state *st = bpf_map_lookup_elem(&quotas, &key);
	__u64 w;

	r->done = 0;
	if (!st)
		return 0;
	w = word_load(st);
	if (word_period(w) != r->period_minute)
		return 0;
	r->done = word_swap(st, w, CF_QUOTA_RETIRED) == w;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
