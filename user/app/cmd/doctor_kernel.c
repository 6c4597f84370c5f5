/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel, as far as we depend on it. */
#include <string.h>

#include "app/cmd/doctor.h"
#include "port/kernel_facts.h"

static void version(struct doctor *d, const struct kernel_facts *f)
{
	unsigned int v = f->major * 100 + f->minor;

	if (v < 515)
		doctor_say(d, HEALTH_FAIL, "kernel", "install Linux 6.1 or newer",
			   "%s is older than what our programs load on", f->release);
	else if (v < 601)
		doctor_say(d, HEALTH_WARN, "kernel", "Linux 6.1 or newer is what we test",
			   "%s is not tested", f->release);
	else
		doctor_say(d, HEALTH_OK, "kernel", NULL, "%s", f->release);
}

/* What must be there. */
static void need(struct doctor *d, enum fact fact, const char *check, const char *good,
		 const char *bad, const char *advice)
{
	if (fact == FACT_YES)
		doctor_say(d, HEALTH_OK, check, NULL, "%s", good);
	else
		doctor_say(d, fact == FACT_NO ? HEALTH_FAIL : HEALTH_WARN, check, advice, "%s%s",
			   bad, fact == FACT_NO ? "" : " (or cannot be asked)");
}

/* What is better to have. */
static void like(struct doctor *d, enum fact fact, const char *check, const char *good,
		 const char *bad, const char *advice)
{
	doctor_say(d, fact == FACT_YES ? HEALTH_OK : HEALTH_WARN, check,
		   fact == FACT_YES ? NULL : advice, "%s", fact == FACT_YES ? good : bad);
}

static void scheduling(struct doctor *d, const struct kernel_facts *f)
{
	if (f->realtime == FACT_YES)
		doctor_say(
			d, HEALTH_WARN, "preemption",
			"use a kernel without PREEMPT_RT on a gateway",
			"PREEMPT_RT: packets may interrupt each other on one CPU, and our tables "
			"rely on it that they do not: some may be counted wrongly");
	else
		doctor_say(d, HEALTH_OK, "preemption", NULL,
			   "packets of one CPU do not interrupt each other");
	if (*f->nohz_full)
		doctor_say(
			d, HEALTH_WARN, "nohz_full", "let other CPUs handle network interrupts",
			"CPUs %s have no tick: a window may open late for packets that they handle",
			f->nohz_full);
}

void doctor_kernel(struct doctor *d)
{
	struct kernel_facts f;

	kernel_facts_read(&f);
	version(d, &f);
	need(d, f.btf, "btf", "the kernel describes its types",
	     "no /sys/kernel/btf/vmlinux: our programs do not load",
	     "use a kernel with CONFIG_DEBUG_INFO_BTF, as distributions have");
	need(d, f.jiffies, "time", "programs can read the kernel's clock",
	     "programs cannot read jiffies: windows cannot open in the kernel",
	     "use Linux 5.5 or newer");
	need(d, f.bpffs, "bpffs", "is mounted on /sys/fs/bpf", "nothing can be pinned",
	     "mount -t bpf bpf /sys/fs/bpf");
	/* only the first network namespace can be asked */
	if (f.jit != FACT_UNKNOWN)
		like(d, f.jit, "jit", "BPF programs run as machine code",
		     "BPF programs are interpreted: slow", "sysctl net.core.bpf_jit_enable=1");
	like(d, f.tcx, "tcx", "TC programs have links and a place in a chain",
	     "no TCX (before Linux 6.6): filters of others may be put before ours, and tc can remove "
	     "ours",
	     "use Linux 6.6 or newer where other TC programs are used");
	like(d, f.conntrack, "conntrack", "names the host behind NAT",
	     "no bpf_skb_ct_lookup(): behind NAT the outside hook sees the gateway's address only",
	     "modprobe nf_conntrack, then: curfew reload; needs Linux 5.18");
	scheduling(d, &f);
	if (f.forward4 == FACT_YES || f.forward6 == FACT_YES)
		doctor_say(d, HEALTH_OK, "forwarding", NULL, "%s%s%s",
			   f.forward4 == FACT_YES ? "IPv4" : "",
			   f.forward4 == FACT_YES && f.forward6 == FACT_YES ? " and " : "",
			   f.forward6 == FACT_YES ? "IPv6" : "");
	else
		doctor_say(
			d, HEALTH_WARN, "forwarding",
			"on a gateway: sysctl net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
			"this machine forwards nothing: only its own traffic is there to watch");
	like(d, f.clock_synchronised, "clock", "is synchronised",
	     "is not synchronised: windows open and close at the wrong time",
	     "install chrony or enable systemd-timesyncd");
}
