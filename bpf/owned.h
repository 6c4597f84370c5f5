/* SPDX-License-Identifier: GPL-2.0-only */
/* A cell of `owners`, for those who judge (owner.h) and for who lets them grow old (admin.bpf.c).
 */
#ifndef CURFEW_BPF_OWNED_H
#define CURFEW_BPF_OWNED_H

/* MAC (48 bits), part of the address' hash (8), hours since boot (8). */
#define OWNER_MAC(w)   ((w) >> 16)
#define OWNER_TAG(w)   ((w) >> 8 & 0xff)
#define OWNER_HOURS    0xffULL
#define OWNER_LIFETIME 1   /* hours; the one that has begun is not counted */
#define OWNER_OLD      128 /* as far from young as eight bits can say */

#endif
