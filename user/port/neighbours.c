/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/neighbours.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "port/datapath/link.h"

#define BUFFER   32768
#define aligned_ __attribute__((aligned(NLMSG_ALIGNTO)))

/* Newer than some headers. */
#ifndef NFTA_FLOWTABLE_FLAGS
#define NFTA_FLOWTABLE_FLAGS 7
#endif
#define FLOWTABLE_HARDWARE 1U

/* A dump: the request is in `h`, which is a buffer of BUFFER bytes. */
static int dump(int bus, struct nlmsghdr *h, mnl_cb_t fn, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	char buffer[BUFFER] aligned_;
	int n, r = MNL_CB_OK;

	if (!nl)
		return -errno;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		r = -1;
	while (r > MNL_CB_STOP) {
		n = (int)mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		r = n < 0 ? -1
			  : mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(nl), fn, arg);
	}
	r = r < 0 ? -errno : 0;
	mnl_socket_close(nl);
	return r;
}

static void take_text(char *to, size_t size, const struct nlattr *a)
{
	snprintf(to, size, "%.*s", (int)mnl_attr_get_payload_len(a), mnl_attr_get_str(a));
}

/* ---- flowtables ---------------------------------------------------------- */

static void take_devices(struct flowtable *f, const struct nlattr *hook)
{
	const struct nlattr *a, *d;
	size_t n = 0;

	mnl_attr_for_each_nested(a, hook)
	{
		if (mnl_attr_get_type(a) != NFTA_FLOWTABLE_HOOK_DEVS)
			continue;
		mnl_attr_for_each_nested(d, a)
		{
			if (n < sizeof(f->devices))
				n += (size_t)snprintf(f->devices + n, sizeof(f->devices) - n,
						      "%s%s", n ? ", " : "", mnl_attr_get_str(d));
		}
	}
}

static int on_flowtable(const struct nlmsghdr *h, void *arg)
{
	struct flowtable_list *list = arg;
	struct flowtable f = { 0 };
	const struct nlattr *a;

	if ((h->nlmsg_type & 0xff) != NFT_MSG_NEWFLOWTABLE)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(a)) {
		case NFTA_FLOWTABLE_TABLE:
			take_text(f.table, sizeof(f.table), a);
			break;
		case NFTA_FLOWTABLE_NAME:
			take_text(f.name, sizeof(f.name), a);
			break;
		case NFTA_FLOWTABLE_HOOK:
			take_devices(&f, a);
			break;
		case NFTA_FLOWTABLE_FLAGS:
			f.hardware = ntohl(mnl_attr_get_u32(a)) & FLOWTABLE_HARDWARE;
			break;
		}
	}
	*VEC_ADD(list) = f;
	return MNL_CB_OK;
}

int flowtables_read(struct flowtable_list *ret)
{
	char buffer[BUFFER] aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct flowtable_list list = { 0 };
	struct nfgenmsg *m;
	int r;

	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->nfgen_family = AF_UNSPEC;
	m->version = NFNETLINK_V0;
	r = dump(NETLINK_NETFILTER, h, on_flowtable, &list);
	if (r < 0)
		free(list.v);
	else
		*ret = list;
	return r;
}

/* ---- AF_XDP sockets ---------------------------------------------------------- */

static int on_xdp_socket(const struct nlmsghdr *h, void *arg)
{
	struct xdp_socket_list *list = arg;
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct xdp_diag_msg))
	{
		const struct xdp_diag_info *info = mnl_attr_get_payload(a);

		if (mnl_attr_get_type(a) == XDP_DIAG_INFO &&
		    mnl_attr_get_payload_len(a) >= sizeof(*info) && info->ifindex)
			*VEC_ADD(list) = (struct xdp_socket){ info->ifindex, info->queue_id };
	}
	return MNL_CB_OK;
}

/* "XDP  1024  3 ...": the third column counts the sockets of this namespace. */
static int count_xdp_sockets(struct xdp_socket_list *list)
{
	FILE *f = fopen("/proc/net/protocols", "re");
	char line[256], name[32];
	long count;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %*s %ld", name, &count) == 2 && !strcmp(name, "XDP"))
			while (count-- > 0 && list->n < 1024)
				*VEC_ADD(list) = (struct xdp_socket){ 0 };
	fclose(f);
	return 0;
}

int xdp_sockets_read(struct xdp_socket_list *ret)
{
	char buffer[BUFFER] aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct xdp_socket_list list = { 0 };
	struct xdp_diag_req *req;
	int r;

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	req = mnl_nlmsg_put_extra_header(h, sizeof(*req));
	req->sdiag_family = AF_XDP;
	req->xdiag_show = XDP_SHOW_INFO;
	r = dump(NETLINK_SOCK_DIAG, h, on_xdp_socket, &list);
	if (r < 0) {
		list.n = 0;
		r = count_xdp_sockets(&list);
	}
	if (r < 0)
		free(list.v);
	else
		*ret = list;
	return r;
}

/* ---- filters ------------------------------------------------------------------- */

struct filters {
	struct tc_filter_list list;
	bool ours;
};

/* Each kind has its own number for the same flags. */
static uint16_t flags_attr(const char *kind)
{
	static const struct {
		const char *kind;
		uint16_t attr;
	} rows[] = {
		{ "bpf", TCA_BPF_FLAGS_GEN },
		{ "flower", TCA_FLOWER_FLAGS },
		{ "matchall", TCA_MATCHALL_FLAGS },
		{ "u32", TCA_U32_FLAGS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].kind, kind))
			return rows[i].attr;
	return 0;
}

static int on_filter(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *m = mnl_nlmsg_get_payload(h);
	struct tc_filter t = { .priority = m->tcm_info >> 16 };
	const struct nlattr *a, *o, *options = NULL;
	struct filters *f = arg;

	if (h->nlmsg_type != RTM_NEWTFILTER)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == TCA_KIND)
			take_text(t.kind, sizeof(t.kind), a);
		else if (mnl_attr_get_type(a) == TCA_OPTIONS)
			options = a;
	}
	if (!m->tcm_handle)
		return MNL_CB_OK; /* the head of a priority, not a filter */
	if (m->tcm_handle == TC_HANDLE && !strcmp(t.kind, "bpf")) {
		f->ours = true;
		return MNL_CB_OK;
	}
	t.before_ours = !f->ours;
	if (options && flags_attr(t.kind))
		mnl_attr_for_each_nested(o, options)
		{
			if (mnl_attr_get_type(o) == flags_attr(t.kind) &&
			    mnl_attr_get_payload_len(o) >= 4)
				t.in_hardware = mnl_attr_get_u32(o) & TCA_CLS_FLAGS_IN_HW;
		}
	*VEC_ADD(&f->list) = t;
	return MNL_CB_OK;
}

static int read_filters(uint32_t ifindex, uint32_t parent, struct filters *f)
{
	char buffer[BUFFER] aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct tcmsg *m;

	h->nlmsg_type = RTM_GETTFILTER;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->tcm_family = AF_UNSPEC;
	m->tcm_ifindex = (int)ifindex;
	m->tcm_parent = parent;
	return dump(NETLINK_ROUTE, h, on_filter, f);
}

int tc_filters_read(uint32_t ifindex, bool egress, struct tc_filter_list *ret)
{
	struct filters f = { 0 };
	int r = read_filters(
		ifindex, TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS), &f);

	/* an ingress qdisc, of the old kind */
	if (r == 0 && !f.list.n && !f.ours && !egress)
		read_filters(ifindex, TC_H_INGRESS, &f);
	if (r < 0) {
		free(f.list.v);
		return r;
	}
	for (size_t i = 0; i < f.list.n; i++)
		f.list.v[i].before_ours &= f.ours;
	*ret = f.list;
	return 0;
}
