/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources told apart by MAC, vendor, interface and VLAN; and quotas kept per MAC. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>

#include "prog_help.h"

#define HEAD "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define VENDORS                                                                                    \
	"Registry,Assignment,Organization Name,Organization Address\r\n"                           \
	"MA-L,02CA00,\"Hangzhou Kamera Digital Technology Co.,Ltd.\",Hangzhou CN\r\n"              \
	"MA-L,02FF00,IEEE Registration Authority,Piscataway NJ US\r\n"                             \
	"MA-M,02FF001,Middle Sensors GmbH,Berlin DE\r\n"                                           \
	"MA-S,02FF00102,Small Kamera Ltd,Leeds GB\r\n"

static const struct rig_options with_vendors = { .vendors = VENDORS };

/* A frame from that MAC; vlan 0: untagged. */
struct sent {
	uint64_t mac;
	uint16_t vlan;
	const char *src, *dst;
	uint32_t payload;
};

static void build(const struct sent *s, struct frame_bytes *f)
{
	bool six = s->src && strchr(s->src, ':');
	struct frame_spec spec = {
		.src = s->src ? s->src : "10.0.0.5",
		.dst = s->dst ? s->dst
		       : six  ? "2001:db8:1::9"
			      : "203.0.113.9",
		.protocol = 17,
		.sport = 4000,
		.dport = 4001,
		.payload = s->payload ? s->payload : 100,
		.tags = s->vlan ? 1 : 0,
	};

	frame_build(&spec, f);
	for (int i = 0; i < 6; i++)
		f->data[6 + i] = (uint8_t)(s->mac >> (40 - 8 * i));
	if (s->vlan) {
		f->data[14] = (uint8_t)(s->vlan >> 8);
		f->data[15] = (uint8_t)s->vlan;
	}
}

static struct rig_run hand(struct rig *r, enum rig_hook hook, struct sent s)
{
	struct frame_bytes f;

	build(&s, &f);
	return rig_frame(r, hook, &f, 0, 0);
}
#define SEND(r, ...) hand(r, RIG_INSIDE, (struct sent){ __VA_ARGS__ })

Test(facets, a_mac_is_one_host_by_whatever_address)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from mac 02:00:00:00:01:05 then drop }\n", NULL);
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000105, .src = "fd12:3456::77"), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000105, .src = "10.0.9.9"), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000104), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x020000000106), CF_REASON_PASS_UNMATCHED);
	/* the pair is known by now: the packet still tells */
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_DROP_POLICY);
	assert_reason(hand(&r, RIG_INSIDE_TC, (struct sent){ 0x020000000105 }),
		      CF_REASON_DROP_POLICY);
	/* behind our own device there is only our own MAC */
	assert_reason(hand(&r, RIG_OTHER, (struct sent){ 0x020000000105 }),
		      CF_REASON_PASS_UNMATCHED);
	assert_reason(hand(&r, RIG_GATEWAY, (struct sent){ 0x020000000105, .src = "192.0.2.1" }),
		      CF_REASON_PASS_UNMATCHED);
}

Test(facets, a_vendor_has_the_blocks_that_it_has_not_given_on)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"cameras\" { from vendor \"Kamera\" to 203.0.113.0/24 then drop }\n"
		       "policy \"rest\" { from vendor \"ieee registration\" to any then alert }\n",
		  &with_vendors);
	assert_reason(SEND(&r, 0x02ca00000000), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x02ca00ffffff), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x02c9ffffffff), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x02ca01000000), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x02ff00102000), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x02ff00102fff), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x02ff00103000), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x02ff00101fff), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x02ff00000000), CF_REASON_PASS_ALERT);
	assert_reason(SEND(&r, 0x02ff00200000), CF_REASON_PASS_ALERT);
}

Test(facets, vlans)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from vlan 20, vlan 4094 then drop }\n"
		       "policy \"q\" { from 10.0.0.0/24 and vlan 30 then alert }\n",
		  NULL);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 20), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 4094), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 21), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 30), CF_REASON_PASS_ALERT);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 30, .src = "10.0.1.1"),
		      CF_REASON_PASS_UNMATCHED);
}

/* Rules of every kind, and `except`: clearing rules ask the same way. */
Test(facets, in_rules_of_every_kind)
{
	struct rig r;

	rig_setup(&r,
		  HEAD "policy \"p\" { from any except mac 02:00:00:00:01:01 then drop\n"
		       "  except { from mac 02:00:00:00:01:02 } }\n"
		       "exempt \"e\" { from mac 02:00:00:00:01:03 and vlan 20 }\n"
		       "protect { from mac 02:00:00:00:01:04 }\n",
		  NULL);
	assert_reason(SEND(&r, 0x020000000100), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000101), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x020000000102), CF_REASON_PASS_EXCEPTED);
	assert_reason(SEND(&r, 0x020000000103), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000103, .vlan = 20), CF_REASON_PASS_EXEMPT);
	assert_reason(SEND(&r, 0x020000000104), CF_REASON_PASS_PROTECTED);
	assert_reason(hand(&r, RIG_OTHER, (struct sent){ 0x020000000101 }), CF_REASON_DROP_POLICY);
}

Test(facets, one_host_has_one_quota_per_mac)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from any quota 300 B per mac each day at 100% drop }\n",
		  NULL);
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_PASS_QUOTA);
	assert_reason(SEND(&r, 0x020000000105, .src = "fd12:3456::5"), CF_REASON_PASS_QUOTA);
	/* not on an attached segment: `per source` would tell it apart */
	assert_reason(SEND(&r, 0x020000000105, .src = "10.7.0.1"), CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota(&r, CF_KEY_MAC).used_bytes, 300);
	assert_reason(SEND(&r, 0x020000000105, .src = "fd12:3456::6"), CF_REASON_DROP_QUOTA);
	assert_reason(SEND(&r, 0x020000000106, .src = "10.0.0.6"), CF_REASON_PASS_QUOTA);
	/* no MAC is seen: by address */
	assert_reason(hand(&r, RIG_OTHER, (struct sent){ 0x020000000105, .src = "172.16.0.1" }),
		      CF_REASON_PASS_QUOTA);
	assert_reason(hand(&r, RIG_OTHER, (struct sent){ 0x020000000105, .src = "172.16.0.2" }),
		      CF_REASON_PASS_QUOTA);
	cr_assert_eq(rig_quota_count(&r, CF_KEY_MAC), 4);
}

/* A reload numbers the classes anew. */
Test(facets, after_a_reload)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from mac 02:00:00:00:01:05 then drop }\n", NULL);
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_DROP_POLICY);
	rig_reload(&r, HEAD "policy \"p\" { from mac 02:00:00:00:01:06, vlan 7 then drop }\n",
		   NULL);
	assert_reason(SEND(&r, 0x020000000105), CF_REASON_PASS_UNMATCHED);
	assert_reason(SEND(&r, 0x020000000106), CF_REASON_DROP_POLICY);
	assert_reason(SEND(&r, 0x020000000105, .vlan = 7), CF_REASON_DROP_POLICY);
	rig_reload(&r, HEAD "policy \"p\" { from 10.0.0.6 then drop }\n", NULL);
	assert_reason(SEND(&r, 0x020000000106), CF_REASON_PASS_UNMATCHED);
}

/* ---- the kernel and image_judge() ---------------------------------------------- */

static struct addr addr_from(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, &a), 0);
	return a;
}

Test(facets, the_image_says_what_the_kernel_does)
{
	static const uint64_t macs[] = { 0x020000000105, 0x02ca00000001, 0x02ff00102001,
					 0x02ff00000001, 0x02ff00100001, 0,
					 0xffffffffffff };
	static const uint16_t vlans[] = { 0, 1, 20, 4094 };
	static const char *const sources[] = { "10.0.0.5", "10.0.1.5", "172.16.0.1", "fd12:3456::5",
					       "2001:db8:2::1" };
	unsigned int reasons[CF_REASON_MAX] = { 0 }, kinds = 0;
	struct rig r;

	rig_setup(
		&r,
		HEAD
		"set cameras = vendor \"Kamera\", mac 02:ff:00:00:00:01\n"
		"policy \"a\" { from cameras except 10.0.1.0/24 then drop }\n"
		"policy \"b\" { from 10.0.0.0/16 and vlan 20, vendor \"Middle Sensors\" then alert }\n"
		"policy \"c\" { from any except vlan 1, mac 02:00:00:00:01:05 then alert\n"
		"  except { from cameras and 172.16.0.0/12 } }\n"
		"exempt \"e\" { from vendor \"Kamera\" and vlan 4094 policies \"a\" }\n",
		&with_vendors);
	for (size_t i = 0; i < ARRAY_SIZE(macs) * ARRAY_SIZE(vlans) * ARRAY_SIZE(sources); i++) {
		struct sent s = {
			.mac = macs[i % ARRAY_SIZE(macs)],
			.vlan = vlans[i / ARRAY_SIZE(macs) % ARRAY_SIZE(vlans)],
			.src = sources[i / ARRAY_SIZE(macs) / ARRAY_SIZE(vlans)],
		};
		struct image_packet p = {
			.from = CF_FROM_INSIDE,
			.src = addr_from(s.src),
			.dst = addr_from(strchr(s.src, ':') ? "2001:db8:1::9" : "203.0.113.9"),
			.at = { 1795435200 },
			.has_mac = true,
			.vlan = s.vlan,
		};
		struct rig_run run = hand(&r, RIG_INSIDE, s);

		for (int k = 0; k < 6; k++)
			p.mac[k] = (uint8_t)(s.mac >> (40 - 8 * k));
		cr_expect_eq(run.reason, image_judge(r.image, &p).reason,
			     "%s, %012lx, vlan %u: kernel %s, image %s", s.src,
			     (unsigned long)s.mac, s.vlan, rig_reason_name(run.reason),
			     rig_reason_name(image_judge(r.image, &p).reason));
		kinds += !reasons[run.reason]++;
	}
	cr_assert_geq(kinds, 4, "too few verdicts to tell: %u", kinds);
}

/* ---- interfaces: by real packets, since test-run has only `lo` ------------------- */

static void sh(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void up(const char *names)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "for i in %s; do sysctl -qw net.ipv6.conf.$i.disable_ipv6=1 || true; "
		 "ip link set $i up || exit 1; done",
		 names);
	sh(command);
}

static void send_from(const char *ifname, struct sent s)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(ifname),
				  .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct frame_bytes f;

	build(&s, &f);
	cr_assert_geq(fd, 0);
	cr_assert_eq(sendto(fd, f.data, f.len, 0, (struct sockaddr *)&to, sizeof(to)),
		     (ssize_t)f.len);
	close(fd);
}

/* How the next packet from there left. */
static enum cf_reason leaves(struct rig *r, const char *ifname, struct sent s)
{
	struct reason_totals a, b;

	cr_assert_eq(datapath_reasons(r->dp, &a), 0);
	send_from(ifname, s);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(datapath_reasons(r->dp, &b), 0);
		for (int k = 0; k < CF_REASON_MAX; k++)
			if (b.t[CF_HOOK_INSIDE][k].packets != a.t[CF_HOOK_INSIDE][k].packets)
				return (enum cf_reason)k;
		usleep(10000);
	}
	return CF_REASON_MAX;
}
#define LEAVES(r, ifname, want, ...)                                                               \
	do {                                                                                       \
		enum cf_reason how = leaves(r, ifname, (struct sent){ __VA_ARGS__ });              \
		cr_assert_eq(how, want, "%s: left as %s", ifname, rig_reason_name(how));           \
	} while (0)

Test(facets, interfaces)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from interface lan1 then drop }\n", NULL);
	up("lan0 host0 lan1 host1");
	LEAVES(&r, "host0", CF_REASON_PASS_UNMATCHED, 0x020000000105);
	LEAVES(&r, "host1", CF_REASON_DROP_POLICY, 0x020000000105);
	rig_reload(&r, HEAD "policy \"p\" { from interface lan0 then drop }\n", NULL);
	LEAVES(&r, "host0", CF_REASON_DROP_POLICY, 0x020000000105);
	LEAVES(&r, "host1", CF_REASON_PASS_UNMATCHED, 0x020000000105);
}

/* The device that comes back is another one to the kernel, by the same name. */
Test(facets, an_interface_that_comes_back)
{
	static const struct hook_want wants[] = {
		{ "lan0", CF_IF_INSIDE, XDP_AUTO },
		{ "lan1", CF_IF_INSIDE, XDP_NEVER },
		{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
	};
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from interface lan1 then drop }\n", NULL);
	sh("ip link del lan1 && ip link add lan7 type veth peer name host7 && "
	   "ip link add lan1 type veth peer name host1");
	cr_assert_eq(datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why), 0, "%s", why.text);
	up("lan0 host0 lan1 host1");
	LEAVES(&r, "host1", CF_REASON_DROP_POLICY, 0x020000000105);
	LEAVES(&r, "host0", CF_REASON_PASS_UNMATCHED, 0x020000000105);
}

/* What comes in by a VLAN's own device is of that VLAN, though its tag is gone. */
Test(facets, a_vlan_by_its_device_and_by_its_tag)
{
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from vlan 20 then drop }\n", NULL);
	if (system("ip link add link host1 name tagged type vlan id 20 2>/dev/null && "
		   "ip link add link lan1 name lan9 type vlan id 20 2>/dev/null"))
		cr_skip_test("no VLAN devices");
	up("lan1 host1 tagged lan9");
	/* lan1 sees the tag, in the metadata */
	LEAVES(&r, "tagged", CF_REASON_DROP_POLICY, 0x020000000105);
	LEAVES(&r, "host1", CF_REASON_PASS_UNMATCHED, 0x020000000105);
	LEAVES(&r, "host1", CF_REASON_DROP_POLICY, 0x020000000105, .vlan = 20);
}

Test(facets, a_vlan_device_that_is_hooked_itself)
{
	static const struct hook_want wants[] = {
		{ "lan0", CF_IF_INSIDE, XDP_AUTO },
		{ "lan9", CF_IF_INSIDE, XDP_NEVER },
		{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
	};
	struct why why = { "" };
	struct rig r;

	rig_setup(&r, HEAD "policy \"p\" { from vlan 20 then drop }\n", NULL);
	if (system("ip link add link lan1 name lan9 type vlan id 20 2>/dev/null"))
		cr_skip_test("no VLAN devices");
	cr_assert_eq(datapath_cover(r.dp, wants, ARRAY_SIZE(wants), &why), 0, "%s", why.text);
	up("lan1 host1 lan9");
	LEAVES(&r, "host1", CF_REASON_DROP_POLICY, 0x020000000105, .vlan = 20);
}
