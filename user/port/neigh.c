/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/neigh.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

static int attribute(const struct nlattr *a, void *arg)
{
	const struct nlattr **tb = arg;
	int type = mnl_attr_get_type(a);

	if (type <= NDA_MAX)
		tb[type] = a;
	return MNL_CB_OK;
}

static int entry(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1] = { NULL };
	struct neigh n = { .ifindex = (uint32_t)nd->ndm_ifindex };
	struct neigh_list *l = arg;

	if (nd->ndm_state & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP))
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(*nd), attribute, tb) < 0 || !tb[NDA_DST] || !tb[NDA_LLADDR])
		return MNL_CB_OK;
	if (mnl_attr_get_payload_len(tb[NDA_LLADDR]) != sizeof(n.mac))
		return MNL_CB_OK;
	memcpy(n.mac, mnl_attr_get_payload(tb[NDA_LLADDR]), sizeof(n.mac));
	if (nd->ndm_family == AF_INET && mnl_attr_get_payload_len(tb[NDA_DST]) == 4)
		n.addr = addr_from4(mnl_attr_get_payload(tb[NDA_DST]));
	else if (nd->ndm_family == AF_INET6 && mnl_attr_get_payload_len(tb[NDA_DST]) == 16)
		memcpy(n.addr.b, mnl_attr_get_payload(tb[NDA_DST]), 16);
	else
		return MNL_CB_OK;
	*VEC_ADD(l) = n;
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, struct neigh_list *l)
{
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	uint32_t seq = (uint32_t)time(NULL), port = mnl_socket_get_portid(nl);
	struct ndmsg *nd;
	ssize_t n;
	int r;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));
	nd->ndm_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, port, entry, l);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

int neigh_read(struct neigh_list *ret)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct neigh_list l = { 0 };
	int r;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	else
		r = dump(nl, &l);
	mnl_socket_close(nl);
	if (r < 0) {
		neigh_list_done(&l);
		return r;
	}
	neigh_list_done(ret);
	*ret = l;
	return 0;
}

void neigh_list_done(struct neigh_list *l)
{
	free(l->v);
	*l = (struct neigh_list){ 0 };
}

const struct neigh *neigh_by_addr(const struct neigh_list *l, const struct addr *a)
{
	for (size_t i = 0; i < l->n; i++)
		if (!addr_compare(&l->v[i].addr, a))
			return &l->v[i];
	return NULL;
}

const struct neigh *neigh_by_mac(const struct neigh_list *l, const uint8_t mac[6])
{
	const struct neigh *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		if (memcmp(l->v[i].mac, mac, 6))
			continue;
		if (addr_is4(&l->v[i].addr))
			return &l->v[i];
		found = found ? found : &l->v[i];
	}
	return found;
}
