/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"

/* The kernel fills dumps up to the reader's buffer, at most 32 kB (netlink(7)). */
#define NETLINK_BUFFER   32768
#define netlink_aligned_ __attribute__((aligned(NLMSG_ALIGNTO)))

static bool addr_from_attr(const struct nlattr *a, int family, struct addr *ret)
{
	uint16_t n = mnl_attr_get_payload_len(a);

	if (family == AF_INET && n >= 4) {
		*ret = addr_from4(mnl_attr_get_payload(a));
		return true;
	}
	if (family == AF_INET6 && n >= 16) {
		memcpy(ret->b, mnl_attr_get_payload(a), 16);
		return true;
	}
	return false;
}

static bool is_vlan(const struct nlattr *linkinfo)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(
		a, linkinfo) if (mnl_attr_get_type(a) ==
				 IFLA_INFO_KIND) return !strcmp(mnl_attr_get_str(a), "vlan");
	return false;
}

static int on_link_message(const struct nlmsghdr *h, void *data)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct net_link link = {
		.ifindex = m->ifi_index,
		.up = m->ifi_flags & IFF_UP,
		.loopback = m->ifi_flags & IFF_LOOPBACK,
	};
	struct net_state *s = data;
	const struct nlattr *a;
	uint32_t lower = 0;
	bool vlan = false;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			strncpy(link.name, mnl_attr_get_str(a), IFNAMSIZ - 1);
		else if (mnl_attr_get_type(a) == IFLA_MASTER)
			link.master = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINK)
			lower = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
			vlan = is_vlan(a);
	}
	/* Of a veth, IFLA_LINK is the peer, whose number may belong to another namespace. */
	if (vlan)
		link.lower = lower;
	*VEC_ADD(&s->links) = link;
	return MNL_CB_OK;
}

static int on_address_message(const struct nlmsghdr *h, void *data)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct net_address entry = { .ifindex = m->ifa_index };
	bool has_local = false, has_address = false;
	struct net_state *s = data;
	struct addr address = { 0 };
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWADDR || (m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			has_local = addr_from_attr(a, m->ifa_family, &entry.addr);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS)
			has_address = addr_from_attr(a, m->ifa_family, &address);
	}
	/* IFA_ADDRESS is the peer on point-to-point links, else the same as IFA_LOCAL. */
	if (!has_local)
		entry.addr = address;
	if (!has_local && !has_address)
		return MNL_CB_OK;
	entry.on_link = prefix_of(has_address ? &address : &entry.addr, m->ifa_prefixlen);
	*VEC_ADD(&s->addresses) = entry;
	return MNL_CB_OK;
}

static void add_hops(struct net_state *s, struct net_route route, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	while (RTNH_OK(hop, left)) {
		route.ifindex = hop->rtnh_ifindex;
		route.gateway = hop->rtnh_len > sizeof(*hop);
		*VEC_ADD(&s->routes) = route;
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static int on_route_message(const struct nlmsghdr *h, void *data)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct net_route route = { .local = m->rtm_type == RTN_LOCAL };
	const struct nlattr *a, *multipath = NULL;
	uint32_t table = m->rtm_table;
	struct net_state *s = data;
	struct addr dst = { 0 };

	if (h->nlmsg_type != RTM_NEWROUTE || (m->rtm_flags & RTM_F_CLONED) ||
	    (m->rtm_type != RTN_UNICAST && m->rtm_type != RTN_LOCAL) ||
	    (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return MNL_CB_OK;
	if (m->rtm_family == AF_INET)
		dst = addr_from4((const uint8_t[4]){ 0 });
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		switch (mnl_attr_get_type(a)) {
		case RTA_DST:
			addr_from_attr(a, m->rtm_family, &dst);
			break;
		case RTA_OIF:
			route.ifindex = mnl_attr_get_u32(a);
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			route.gateway = true;
			break;
		case RTA_TABLE:
			table = mnl_attr_get_u32(a);
			break;
		case RTA_PRIORITY:
			route.metric = mnl_attr_get_u32(a);
			break;
		case RTA_MULTIPATH:
			multipath = a;
			break;
		}
	}
	route.dst = prefix_of(&dst, m->rtm_dst_len);
	route.is_default = m->rtm_dst_len == 0;
	route.main_table = table == RT_TABLE_MAIN;
	if (multipath)
		add_hops(s, route, multipath);
	else
		*VEC_ADD(&s->routes) = route;
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, uint16_t type, mnl_cb_t fn, struct net_state *s)
{
	char buffer[NETLINK_BUFFER] netlink_aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct rtgenmsg *m;
	int n, r = MNL_CB_OK;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = type;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, n, type, mnl_socket_get_portid(nl), fn, s);
		if (r < 0)
			return -errno; /* EINTR: the table changed under the dump */
	}
	return 0;
}

static int read_once(struct net_state *s)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int r;

	if (!nl)
		return -errno;
	r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (r == 0)
		r = dump(nl, RTM_GETLINK, on_link_message, s);
	if (r == 0)
		r = dump(nl, RTM_GETADDR, on_address_message, s);
	if (r == 0)
		r = dump(nl, RTM_GETROUTE, on_route_message, s);
	mnl_socket_close(nl);
	return r;
}

int net_state_read(struct net_state *ret)
{
	/* A dump that was interrupted is inconsistent and begins anew; a flapping network must not
	 * hold us. */
	for (int tries = 0;; tries++) {
		struct net_state s = { 0 };
		int r = read_once(&s);

		if (r == 0) {
			*ret = s;
			return 0;
		}
		net_state_done(&s);
		if (r != -EINTR || tries == 10)
			return r;
	}
}

void net_state_done(struct net_state *s)
{
	free(s->links.v);
	free(s->addresses.v);
	free(s->routes.v);
	*s = (struct net_state){ 0 };
}

const struct net_link *net_state_link(const struct net_state *s, const char *name)
{
	for (size_t i = 0; i < s->links.n; i++)
		if (!strcmp(s->links.v[i].name, name))
			return &s->links.v[i];
	return NULL;
}

int netlink_watch(void)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl a = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int change_of(uint16_t type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NETLINK_LINKS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NETLINK_ADDRESSES;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return NETLINK_ROUTES;
	}
	return 0;
}

int netlink_changes(int fd)
{
	char buffer[NETLINK_BUFFER] netlink_aligned_;
	int what = 0;

	/* A bounded number: a storm of route changes must not hold the loop. */
	for (int i = 0; i < 64; i++) {
		int n = (int)recv(fd, buffer, sizeof(buffer), 0);

		if (n < 0 && errno == ENOBUFS)
			what |= NETLINK_LINKS | NETLINK_ADDRESSES | NETLINK_ROUTES | NETLINK_LOST;
		else if (n < 0)
			return errno == EAGAIN || errno == EINTR ? what : -errno;
		else
			for (struct nlmsghdr *h = (void *)buffer; mnl_nlmsg_ok(h, n);
			     h = mnl_nlmsg_next(h, &n))
				what |= change_of(h->nlmsg_type);
	}
	return what;
}
