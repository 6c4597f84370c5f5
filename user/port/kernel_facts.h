/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel can do and how it is set, as far as we depend on it. Reads, changes nothing. */
#ifndef CURFEW_PORT_KERNEL_FACTS_H
#define CURFEW_PORT_KERNEL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

enum fact { FACT_NO, FACT_YES, FACT_UNKNOWN };

struct kernel_facts {
	char release[65]; /* as uname(2) */
	unsigned int major, minor;
	enum fact btf;       /* types of the kernel: /sys/kernel/btf/vmlinux */
	enum fact jit;       /* BPF programs are compiled to machine code */
	enum fact tcx;       /* TC programs with links and places: 6.6 */
	enum fact jiffies;   /* the helper bpf_jiffies64(): 5.5 */
	enum fact conntrack; /* bpf_skb_ct_lookup(): 5.18, with the module loaded */
	enum fact realtime;  /* PREEMPT_RT */
	char nohz_full[64];  /* CPUs without a tick; "": none */
	enum fact bpffs;     /* is mounted on /sys/fs/bpf */
	enum fact forward4, forward6;
	enum fact clock_synchronised; /* adjtimex(2) */
};

/* What cannot be read is FACT_UNKNOWN or "". */
void kernel_facts_read(struct kernel_facts *ret);

/* The kernel's clock is kept right by somebody, as adjtimex(2) says. */
enum fact kernel_clock_synchronised(void);

/* The word is on the kernel's command line (/proc/cmdline), by itself. */
bool kernel_told(const char *word);

/* How IPv4 sources are held against routes there: 0: not, 1: strictly, 2: loosely; -1: unknown. */
int device_rp_filter(const char *ifname);

/* Receive queues of a device, from sysfs; 0: unknown. */
unsigned int device_rx_queues(const char *ifname);

#endif
