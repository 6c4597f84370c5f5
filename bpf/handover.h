/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving up in a TCX chain without a packet missed or counted twice. The kernel
 * cannot move a link, so for a moment there are two: a copy that takes over at
 * the head, and the old place, which leaves alone what the copy has handled. A
 * chain runs on one CPU with bottom halves off, so one mark per CPU tells.
 * Ordinary programs contain none of this: cfg.handover is a constant.
 */
#ifndef CURFEW_BPF_HANDOVER_H
#define CURFEW_BPF_HANDOVER_H

#include "cfg.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} handover SEC(".maps");

/* True: the copy before us has handled this packet. */
static __always_inline bool handed_over(void)
{
	__u32 zero = 0;
	__u64 *mark;

	if (cfg.handover == CF_HANDOVER_NONE)
		return false;
	mark = bpf_map_lookup_elem(&handover, &zero);
	if (!mark)
		return false;
	if (cfg.handover == CF_HANDOVER_TAKE) {
		*mark = 1;
		return false;
	}
	if (!*mark)
		return false;
	*mark = 0;
	return true;
}

#endif
