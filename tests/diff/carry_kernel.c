/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF builds: by test-run, or injected through devices where that cannot carry a packet. */
#include "carry.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <curfew/config.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proof.skel.h"

enum { PROOF_XDP, PROOF_TC };

/* More than this does not fit a page with the rest of test-run's frame. */
#define LINEAR_MAX 3000

struct device {
	int fd;
	int ifindex;
};

/* The object, loaded as for one kind of interface. */
struct programs {
	struct proof_bpf *skel;
	int xdp, tc;
	volatile struct facts *proof; /* the map's own memory */
};

struct kernel {
	struct programs plain, frags;
	struct device tap, tun;
};

static int device_open(const char *name, int flags, struct device *ret)
{
	struct ifreq ifr = { .ifr_flags = (short)(flags | IFF_VNET_HDR) };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), s, r = 0;
	char path[96];
	FILE *f;

	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	/* nothing of the namespace's own on it */
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	f = fopen(path, "w");
	if (f) {
		fputs("1", f);
		fclose(f);
	}
	s = socket(AF_INET, SOCK_DGRAM, 0);
	ifr.ifr_flags = IFF_UP;
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		r = -errno;
	if (s >= 0)
		close(s);
	*ret = (struct device){ fd, (int)if_nametoindex(name) };
	return r;
}

static int hook_tc(int ifindex, int prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog);
	int r = bpf_tc_hook_create(&hook);

	return r < 0 ? r : bpf_tc_attach(&hook, &opts);
}

/* `frags`: as the loader does for an interface with a large MTU. */
static int load(struct programs *p, bool frags)
{
	p->skel = proof_bpf__open();
	if (!p->skel)
		return -errno;
	if (frags) {
		p->skel->rodata->cfg.frags = 1;
		bpf_program__set_flags(p->skel->progs.proof_xdp, BPF_F_XDP_HAS_FRAGS);
	}
	return proof_bpf__load(p->skel);
}

static int find(struct programs *p)
{
	void *at = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(p->skel->maps.proof), 0);

	if (at == MAP_FAILED)
		return -errno;
	p->proof = at;
	p->xdp = bpf_program__fd(p->skel->progs.proof_xdp);
	p->tc = bpf_program__fd(p->skel->progs.proof_tc);
	return 0;
}

static int mark_raw(struct kernel *k)
{
	struct cf_iface iface = { .ifindex = (uint32_t)k->tun.ifindex,
				  .role = CF_IF_INSIDE,
				  .flags = CF_IF_RAW_L3 };
	uint32_t at = CF_IF_INDEX(iface.ifindex);

	return bpf_map_update_elem(bpf_map__fd(k->plain.skel->maps.ifaces), &at, &iface, BPF_ANY);
}

int kernel_open(struct kernel **ret_kernel)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	r = load(&k->plain, false);
	r = r < 0 ? r : find(&k->plain);
	r = r < 0 ? r : load(&k->frags, true);
	r = r < 0 ? r : find(&k->frags);
	r = r < 0 ? r : device_open("diff_tap", IFF_TAP | IFF_NO_PI, &k->tap);
	r = r < 0 ? r : device_open("diff_tun", IFF_TUN, &k->tun);
	r = r < 0 ? r : mark_raw(k);
	r = r < 0 ? r : hook_tc(k->tap.ifindex, k->plain.tc);
	r = r < 0 ? r : hook_tc(k->tun.ifindex, k->plain.tc);
	r = r < 0 ? r : bpf_xdp_attach(k->tap.ifindex, k->plain.xdp, 0, NULL);
	if (r < 0) {
		proof_bpf__destroy(k->plain.skel);
		proof_bpf__destroy(k->frags.skel);
		free(k);
		return r;
	}
	*ret_kernel = k;
	return 0;
}

static void take(const struct programs *p, int which, enum facts_how how, struct facts *ret)
{
	memcpy(ret, (const void *)&p->proof[which], sizeof(*ret));
	ret->how = how;
}

static bool run(const struct programs *p, int which, struct bpf_test_run_opts *opts,
		struct facts *ret)
{
	uint32_t before = p->proof[which].seen;

	if (bpf_prog_test_run_opts(which == PROOF_XDP ? p->xdp : p->tc, opts) < 0 ||
	    p->proof[which].seen != before + 1)
		return false;
	take(p, which, FACTS_TEST_RUN, ret);
	return true;
}

/* The header that a raw packet gets: only its type says something. */
static struct packet with_ether(const struct packet *p)
{
	bool four = p->len && p->data[0] >> 4 == 4;

	memset(p->data - 14, 2, 12);
	p->data[-2] = four ? 0x08 : 0x86;
	p->data[-1] = four ? 0x00 : 0xdd;
	return (struct packet){ p->data - 14, p->len + 14, false };
}

static bool run_xdp(const struct programs *programs, const struct packet *p, struct facts *ret)
{
	struct packet ether = p->raw ? with_ether(p) : *p;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = ether.data, .data_size_in = ether.len);

	return run(programs, PROOF_XDP, &opts, ret);
}

bool kernel_run_xdp(struct kernel *k, const struct packet *p, struct facts *ret)
{
	return p->len <= LINEAR_MAX && run_xdp(&k->plain, p, ret);
}

bool kernel_run_frags(struct kernel *k, const struct packet *p, struct facts *ret)
{
	return p->len > LINEAR_MAX && run_xdp(&k->frags, p, ret);
}

bool kernel_run_tc(struct kernel *k, const struct packet *p, struct facts *ret)
{
	struct __sk_buff skb = { .ifindex = (uint32_t)(p->raw ? k->tun : k->tap).ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len,
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	return run(&k->plain, PROOF_TC, &opts, ret);
}

/* Headers of long packets in the linear part, the rest in pages, as real drivers do. */
static int inject(const struct device *d, const struct packet *p)
{
	bool four = p->len && p->data[0] >> 4 == 4;
	struct tun_pi pi = { .proto = htons(four ? ETH_P_IP : ETH_P_IPV6) };
	struct virtio_net_hdr head = { .hdr_len = p->len > 2048 ? 64 : 0 };
	struct iovec v[] = { { &pi, p->raw ? sizeof(pi) : 0 },
			     { &head, sizeof(head) },
			     { p->data, p->len } };

	return writev(d->fd, v, 3) < 0 ? -errno : 0;
}

int kernel_inject(struct kernel *k, const struct packet *p, struct facts *ret_xdp,
		  struct facts *ret_tc)
{
	uint32_t xdp = k->plain.proof[PROOF_XDP].seen, tc = k->plain.proof[PROOF_TC].seen;
	struct packet ether;
	int r;

	r = inject(p->raw ? &k->tun : &k->tap, p);
	if (r < 0)
		return r;
	if (k->plain.proof[PROOF_TC].seen == tc + 1)
		take(&k->plain, PROOF_TC, FACTS_INJECTED, ret_tc);
	if (p->raw) {
		ether = with_ether(p);
		r = inject(&k->tap, &ether);
	}
	if (r == 0 && k->plain.proof[PROOF_XDP].seen == xdp + 1)
		take(&k->plain, PROOF_XDP, FACTS_INJECTED, ret_xdp);
	return 0;
}
