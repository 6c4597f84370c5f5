/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/kernel_facts.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "base/def.h"
#include "port/chain.h"

static bool read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

bool kernel_told(const char *word)
{
	char line[4096], *rest = line, *each;

	if (!read_line("/proc/cmdline", line, sizeof(line)))
		return false;
	while ((each = strsep(&rest, " \t")))
		if (!strcmp(each, word))
			return true;
	return false;
}

/* A number in /proc or /sys: anything but 0 is yes. */
static enum fact read_switch(const char *path)
{
	char line[32];

	if (!read_line(path, line, sizeof(line)))
		return FACT_UNKNOWN;
	return strcmp(line, "0") ? FACT_YES : FACT_NO;
}

static enum fact fact(bool yes)
{
	return yes ? FACT_YES : FACT_NO;
}

static enum fact find_tcx(void)
{
	uint32_t lo = if_nametoindex("lo");
	struct chain chain;
	int r = chain_read(lo, false, &chain);

	if (r == 0)
		return FACT_YES;
	return r == -EINVAL ? FACT_NO : FACT_UNKNOWN;
}

static enum fact find_conntrack(void)
{
	struct btf *base = btf__load_vmlinux_btf(), *module;
	bool found;

	if (!base)
		return FACT_UNKNOWN;
	found = btf__find_by_name_kind(base, "bpf_skb_ct_lookup", BTF_KIND_FUNC) > 0;
	module = found ? NULL : btf__load_module_btf("nf_conntrack", base);
	if (module) {
		found = btf__find_by_name_kind(module, "bpf_skb_ct_lookup", BTF_KIND_FUNC) > 0;
		btf__free(module);
	}
	btf__free(base);
	return fact(found);
}

static enum fact find_bpffs(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs) < 0)
		return FACT_NO;
	return fact((unsigned long)fs.f_type == BPF_FS_MAGIC);
}

static enum fact find_jiffies(void)
{
	int r = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_jiffies64, NULL);

	return r < 0 ? FACT_UNKNOWN : fact(r == 1);
}

enum fact kernel_clock_synchronised(void)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	if (state < 0)
		return FACT_UNKNOWN;
	return fact(state != TIME_ERROR && !(t.status & STA_UNSYNC));
}

static int silent(enum libbpf_print_level level _unused_, const char *fmt _unused_,
		  va_list ap _unused_)
{
	return 0;
}

void kernel_facts_read(struct kernel_facts *ret)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);
	struct kernel_facts f = { 0 };
	struct utsname u;

	if (!uname(&u)) {
		snprintf(f.release, sizeof(f.release), "%s", u.release);
		if (sscanf(u.release, "%u.%u", &f.major, &f.minor) != 2)
			f.major = f.minor = 0;
		f.realtime = fact(strstr(u.version, "PREEMPT_RT") != NULL);
	}
	f.btf = fact(access("/sys/kernel/btf/vmlinux", R_OK) == 0);
	f.jit = read_switch("/proc/sys/net/core/bpf_jit_enable");
	f.tcx = find_tcx();
	f.jiffies = find_jiffies();
	f.conntrack = find_conntrack();
	if (!read_line("/sys/devices/system/cpu/nohz_full", f.nohz_full, sizeof(f.nohz_full)) ||
	    !strcmp(f.nohz_full, "(null)"))
		*f.nohz_full = '\0';
	f.bpffs = find_bpffs();
	f.forward4 = read_switch("/proc/sys/net/ipv4/ip_forward");
	f.forward6 = read_switch("/proc/sys/net/ipv6/conf/all/forwarding");
	f.clock_synchronised = kernel_clock_synchronised();
	*ret = f;
	libbpf_set_print(before);
}

static int rp_filter_of(const char *name)
{
	char path[64 + IFNAMSIZ], line[32];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	return read_line(path, line, sizeof(line)) ? atoi(line) : -1;
}

int device_rp_filter(const char *ifname)
{
	int own = rp_filter_of(ifname), all = rp_filter_of("all");

	return own < 0 ? own : own > all ? own : all;
}

unsigned int device_rx_queues(const char *ifname)
{
	char path[64 + IFNAMSIZ];
	unsigned int n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", ifname);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, "rx-", 3);
	if (d)
		closedir(d);
	return n;
}
