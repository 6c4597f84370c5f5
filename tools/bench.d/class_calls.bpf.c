/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside hook's program as it is, and how often it asks what class an address has. */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"

__u64 calls;

/* (a macro is not expanded within itself) */
#define classify_destination(p) (calls++, classify_destination(p))
#define classify_source(p, k)   (calls++, classify_source(p, k))

#include "xdp_inside.bpf.c"
