/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/device_stats.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#define BUFFER   32768
#define aligned_ __attribute__((aligned(NLMSG_ALIGNTO)))

struct look {
	uint32_t ifindex;
	struct device_stats s;
};

static int on_link(const struct nlmsghdr *h, void *data)
{
	struct look *look = data;
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct ifinfomsg))
	{
		struct rtnl_link_stats64 s = { 0 };
		size_t n = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) != IFLA_STATS64)
			continue;
		/* newer kernels append to it */
		memcpy(&s, mnl_attr_get_payload(a), n < sizeof(s) ? n : sizeof(s));
		look->s.tx_bytes = s.tx_bytes;
		look->s.tx_packets = s.tx_packets;
		look->s.tx_dropped = s.tx_dropped;
	}
	return MNL_CB_OK;
}

/* The root has the sums of those below it: classful ones count their children's drops (sch_tree).
 */
static int on_qdisc(const struct nlmsghdr *h, void *data)
{
	const struct tcmsg *m = mnl_nlmsg_get_payload(h);
	struct look *look = data;
	const struct nlattr *a, *in;

	if (m->tcm_ifindex != (int)look->ifindex || m->tcm_parent != TC_H_ROOT)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) != TCA_STATS2)
			continue;
		mnl_attr_for_each_nested(in, a)
		{
			struct gnet_stats_queue q;

			if (mnl_attr_get_type(in) != TCA_STATS_QUEUE ||
			    mnl_attr_get_payload_len(in) < sizeof(q))
				continue;
			memcpy(&q, mnl_attr_get_payload(in), sizeof(q));
			look->s.queue_bytes += q.backlog;
			look->s.queue_drops += q.drops;
		}
	}
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *nl, struct nlmsghdr *h, mnl_cb_t fn, struct look *look)
{
	char buf[BUFFER] aligned_;
	int r;

	h->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, h->nlmsg_seq, mnl_socket_get_portid(nl), fn, look);
		if (r < 0)
			return -errno;
	} while (r > MNL_CB_STOP && h->nlmsg_flags & NLM_F_DUMP);
	return 0;
}

static int ask_link(struct mnl_socket *nl, struct look *look)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg) + 64] aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_index = (int)look->ifindex;
	return ask(nl, h, on_link, look);
}

static int ask_qdiscs(struct mnl_socket *nl, struct look *look)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct tcmsg) + 64] aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct tcmsg *m;

	h->nlmsg_type = RTM_GETQDISC;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->tcm_family = AF_UNSPEC;
	m->tcm_ifindex = (int)look->ifindex;
	return ask(nl, h, on_qdisc, look);
}

int device_stats(uint32_t ifindex, struct device_stats *ret)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct look look = { .ifindex = ifindex };
	int r;

	if (!nl)
		return -errno;
	r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : ask_link(nl, &look);
	if (!r)
		r = ask_qdiscs(nl, &look);
	mnl_socket_close(nl);
	if (!r)
		*ret = look.s;
	return r;
}
