/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/devices.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"

/* The kernel fills dumps up to the reader's buffer, at most 32 kB (netlink(7)). */
#define NETLINK_BUFFER   32768
#define netlink_aligned_ __attribute__((aligned(NLMSG_ALIGNTO)))

struct reading {
	struct device_list *devices;
	struct {
		struct default_route {
			uint32_t ifindex, metric;
			int family;
		} * v;
		size_t n, cap;
	} defaults;
};

/* ---- links --------------------------------------------------------------- */

/* The same values for macvlan and ipvlan: IFLA_MACVLAN_MODE is a number, IFLA_IPVLAN_FLAGS too. */
static bool has_siblings(const struct device *d, const struct nlattr *data)
{
	const struct nlattr *a;
	bool siblings = true;

	mnl_attr_for_each_nested(a, data)
	{
		if (!strncmp(d->kind, "macv", 4) && mnl_attr_get_type(a) == IFLA_MACVLAN_MODE)
			siblings = mnl_attr_get_u32(a) == MACVLAN_MODE_BRIDGE;
		else if (!strncmp(d->kind, "ipv", 3) && mnl_attr_get_type(a) == IFLA_IPVLAN_FLAGS)
			siblings = !(mnl_attr_get_u16(a) & (IPVLAN_F_PRIVATE | IPVLAN_F_VEPA));
	}
	return siblings;
}

static bool filters_vlans(const struct nlattr *data)
{
	const struct nlattr *a;
	bool on = false;

	mnl_attr_for_each_nested(a, data)
	{
		if (mnl_attr_get_type(a) == IFLA_BR_VLAN_FILTERING)
			on = mnl_attr_get_u8(a) != 0;
	}
	return on;
}

static uint16_t vlan_number(const struct nlattr *data)
{
	const struct nlattr *a;
	uint16_t number = 0;

	mnl_attr_for_each_nested(a, data)
	{
		if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
			number = mnl_attr_get_u16(a);
	}
	return number;
}

static void read_info(struct device *d, const struct nlattr *info)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested(a, info)
	{
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			snprintf(d->kind, sizeof(d->kind), "%s", mnl_attr_get_str(a));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
	}
	if (data && !strcmp(d->kind, "bridge"))
		d->vlan_filtering = filters_vlans(data);
	else if (data && !strcmp(d->kind, "vlan"))
		d->vlan = vlan_number(data);
	else if (data && (!strncmp(d->kind, "macv", 4) || !strncmp(d->kind, "ipv", 3)))
		d->siblings = has_siblings(d, data);
}

static void read_xdp(struct device *d, const struct nlattr *xdp)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, xdp)
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_XDP_PROG_ID:
		case IFLA_XDP_DRV_PROG_ID:
		case IFLA_XDP_SKB_PROG_ID:
		case IFLA_XDP_HW_PROG_ID:
			d->xdp_prog = mnl_attr_get_u32(a);
		}
	}
}

static int on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct device d = {
		.ifindex = (uint32_t)m->ifi_index,
		.arphrd = m->ifi_type,
		.up = m->ifi_flags & IFF_UP,
	};
	struct reading *r = arg;
	const struct nlattr *a;
	bool elsewhere = false;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			snprintf(d.name, sizeof(d.name), "%s", mnl_attr_get_str(a));
			break;
		case IFLA_MASTER:
			d.master = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK:
			d.lower = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true; /* then its number is another namespace's */
			break;
		case IFLA_MTU:
			d.mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			read_info(&d, a);
			break;
		case IFLA_XDP:
			read_xdp(&d, a);
			break;
		}
	}
	/* of a veth it is the peer */
	if (elsewhere || !strcmp(d.kind, "veth"))
		d.lower = 0;
	*VEC_ADD(r->devices) = d;
	return MNL_CB_OK;
}

/* ---- default routes --------------------------------------------------------- */

static bool is_best(const struct reading *r, const struct default_route *route)
{
	for (size_t i = 0; i < r->defaults.n; i++)
		if (r->defaults.v[i].family == route->family &&
		    r->defaults.v[i].metric < route->metric)
			return false;
	return true;
}

static void mark_defaults(const struct reading *r)
{
	for (size_t i = 0; i < r->defaults.n; i++)
		for (size_t k = 0; k < r->devices->n; k++)
			if (r->devices->v[k].ifindex == r->defaults.v[i].ifindex &&
			    is_best(r, &r->defaults.v[i]))
				r->devices->v[k].default_route = true;
}

static void add_hops(struct reading *r, struct default_route route, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		route.ifindex = (uint32_t)hop->rtnh_ifindex;
		*VEC_ADD(&r->defaults) = route;
	}
}

static int on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct default_route route = { .family = m->rtm_family };
	const struct nlattr *a, *multipath = NULL;
	uint32_t table = m->rtm_table;
	struct reading *r = arg;

	if (h->nlmsg_type != RTM_NEWROUTE || m->rtm_dst_len || m->rtm_flags & RTM_F_CLONED ||
	    m->rtm_type != RTN_UNICAST || (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			route.ifindex = mnl_attr_get_u32(a);
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
	if (table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	if (!multipath)
		*VEC_ADD(&r->defaults) = route;
	else
		add_hops(r, route, multipath);
	return MNL_CB_OK;
}

/* ---- the dumps ---------------------------------------------------------------- */

static int dump(struct mnl_socket *nl, uint16_t type, size_t body, mnl_cb_t fn, struct reading *rd)
{
	char buffer[NETLINK_BUFFER] netlink_aligned_;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	int n, r = MNL_CB_OK;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = type;
	mnl_nlmsg_put_extra_header(h, body); /* zero: every family */
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = (int)mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)n, type, mnl_socket_get_portid(nl), fn, rd);
		if (r < 0)
			return -errno; /* EINTR: the table changed under the dump */
	}
	return 0;
}

static int read_once(struct device_list *devices)
{
	struct reading rd = { .devices = devices };
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int r;

	if (!nl)
		return -errno;
	r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!r)
		r = dump(nl, RTM_GETLINK, sizeof(struct ifinfomsg), on_link, &rd);
	if (!r)
		r = dump(nl, RTM_GETROUTE, sizeof(struct rtmsg), on_route, &rd);
	mnl_socket_close(nl);
	mark_defaults(&rd);
	free(rd.defaults.v);
	return r;
}

int devices_read(struct device_list *ret)
{
	/* A dump that was interrupted begins anew; a flapping network must not hold us. */
	for (int tries = 0;; tries++) {
		struct device_list l = { 0 };
		int r = read_once(&l);

		if (!r) {
			*ret = l;
			return 0;
		}
		device_list_done(&l);
		if (r != -EINTR || tries == 10)
			return r;
	}
}

/* ---- features ----------------------------------------------------------------- */

#define FEATURES_MAX 256

static int ethtool(int fd, const struct device *d, void *command)
{
	struct ifreq req = { .ifr_data = command };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", d->name);
	return ioctl(fd, SIOCETHTOOL, &req) < 0 ? -errno : 0;
}

static uint32_t count_features(int fd, const struct device *d)
{
	_cleanup_free_ struct ethtool_sset_info *info =
		xcalloc(1, sizeof(*info) + sizeof(info->data[0]));

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	return ethtool(fd, d, info) < 0 || !info->sset_mask ? 0 : info->data[0];
}

/* The names of all features, in the order of their bits. The caller frees; NULL: not told. */
static struct ethtool_gstrings *feature_names(int fd, const struct device *d)
{
	uint32_t n = count_features(fd, d);
	struct ethtool_gstrings *names;

	if (!n || n > FEATURES_MAX)
		return NULL;
	names = xcalloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	if (!ethtool(fd, d, names))
		return names;
	free(names);
	return NULL;
}

static void take_feature(struct device *d, const char *name, bool active, bool may_change)
{
	if (!active)
		return;
	if (!strcmp(name, "rx-vlan-hw-parse"))
		d->strips_vlan = true;
	else if (!strcmp(name, "hw-tc-offload"))
		d->tc_offload = true;
	/* drivers turn these off for native XDP, or refuse it, unless they can't */
	else if (!strcmp(name, "rx-gro-hw") || !strcmp(name, "rx-lro"))
		d->aggregates |= !may_change;
}

void device_features(struct device *d)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ struct ethtool_gstrings *names = fd < 0 ? NULL : feature_names(fd, d);
	_cleanup_free_ struct ethtool_gfeatures *bits =
		xcalloc(1, sizeof(*bits) + FEATURES_MAX / 32 * sizeof(bits->features[0]));

	bits->cmd = ETHTOOL_GFEATURES;
	bits->size = FEATURES_MAX / 32;
	if (!names || ethtool(fd, d, bits) < 0)
		return;
	for (uint32_t i = 0; i < names->len && i / 32 < bits->size; i++) {
		const struct ethtool_get_features_block *b = &bits->features[i / 32];
		uint32_t bit = 1U << i % 32;

		take_feature(d, (const char *)names->data + (size_t)i * ETH_GSTRING_LEN,
			     b->active & bit, b->available & bit && !(b->never_changed & bit));
	}
}
