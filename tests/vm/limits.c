/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define LISTS    12 /* host i is in list n if bit n of i is set: as many classes as hosts */
#define HOSTS    32764
#define FIRST    (10U << 24 | 1U << 16) /* the hosts: every second address from here */
#define MACS     32767
#define POLICIES 256
#define DROPS    (LISTS + 2) /* the first of them: about who is in a list, or has such a MAC */
#define EXCEPTS  236
#define OTHERS   5            /* of exempt, protect and publish each */
#define SINGLE   (2 * OTHERS) /* hosts that rules name beside the lists */
#define PORTS    8190
#define WINDOWS  8
#define DAYS     120 /* of schedule; it begins 8 days ago: 32 edges on each of 128 */
#define NETWORKS 1048067
#define ASNS4    440000

#define HEAD                                                                                       \
	"outside wan0\ninside lan0, lan1\nmode enforce\nsite { timezone \"Etc/UTC\" }\n"           \
	"networks 10.0.0.0/8\ngeo asn \"asn.mmdb\"\n"                                              \
	"on daemon-stall closed\non table-full drop\non parse-failure drop\n"

/* One that is like no other, so that each host beside it is told from those between. */
static uint32_t lists_of(uint32_t host)
{
	return host % (CF_CLASSES_MAX - SINGLE);
}

static uint32_t host_address(uint32_t host)
{
	return FIRST + 2 * host;
}

static void add_lists(struct rig_file files[LISTS])
{
	for (unsigned int n = 0; n < LISTS; n++) {
		struct buf b = { 0 };

		for (uint32_t i = 0; i < HOSTS; i++)
			if (lists_of(i) >> n & 1)
				buf_printf(&b, "10.%u.%u.%u\n", host_address(i) >> 16 & 255,
					   host_address(i) >> 8 & 255, host_address(i) & 255);
		files[n] = (struct rig_file){ xprintf("list%u.txt", n), b.s, b.n };
	}
}

static void add_macs(struct buf *b)
{
	for (uint32_t i = 0; i < MACS; i++)
		buf_printf(b, "%s mac 02:00:00:00:%02x:%02x", i ? "," : "set phones =", i >> 7,
			   2 * i & 255);
	/* right behind the last one: one range more, not two */
	buf_puts(b, "\nset cameras = mac 02:00:00:00:ff:fd\n");
}

static void add_windows(struct buf *b)
{
	for (unsigned int w = 0; w < WINDOWS; w++)
		buf_printf(b, "window w%u = daily %02u:01-%02u:46, daily %02u:31-%02u:16\n", w,
			   3 * w, 3 * w, 3 * w + 1, 3 * w + 2);
}

/* All that a rule can ask, and do, at least once. */
static const char *from_of(unsigned int i)
{
	static const char *const others[] = { "phones",  "cameras", "interface lan0",
					      "vlan 20", "any",     "gateway" };

	if (i < LISTS)
		return xprintf("lists%u", i);
	return i - LISTS < ARRAY_SIZE(others) ? others[i - LISTS] : "inside";
}

static void add_quotas(struct buf *b, unsigned int i)
{
	if (i == POLICIES - 1)
		buf_puts(b, " quota 1 GB per asn each day");
	else
		buf_printf(b, " quota 1 GB per policy each window during w%u", i % WINDOWS);
	buf_puts(b, " quota 1 GB per source each day quota 1 GB wire per pair each hour");
	/* of those that have none */
	for (unsigned int k = 0; i >= 64 && i < 64 + 4 * DROPS && k < 1; k++)
		buf_puts(b, " quota 2 GB wire per source each week");
	if (i == 100)
		buf_puts(b, " rate 10 Mbit/s burst 1 MB per source\n"
			    "  at 50% alert, mark 0x10 at 100% drop for 10 min,"
			    " quarantine source for 2 h, alert");
	else
		buf_puts(b, " quota 1 GB per destination each week at 100% drop, alert");
}

static void add_policy(struct buf *b, unsigned int i)
{
	buf_printf(b, "policy \"p%u\" { from %s to ", i, from_of(i));
	if (i == POLICIES - 1)
		buf_puts(b, "any");
	else
		buf_printf(b, "198.%u.%u.0/24, 2400:%x::/48", 18 + i % 2, i, i);
	if (i < DROPS)
		buf_puts(b, " then drop");
	else
		add_quotas(b, i);
	if (i < EXCEPTS)
		buf_printf(b, " except { to 198.%u.%u.7 }", 18 + i % 2, i);
	buf_puts(b, " }\n");
}

static void add_services(struct buf *b)
{
	buf_puts(b, "exempt \"ports\" { from any to 198.51.100.0/24 service udp");
	for (unsigned int i = 0; i < PORTS; i++)
		buf_printf(b, ", tcp/%u", 1 + 2 * i);
	buf_puts(b, " policies \"p3\" until 2026-12-24 00:01 }\n");
}

static void add_others(struct buf *b)
{
	for (unsigned int i = 0; i < OTHERS; i++)
		buf_printf(b,
			   "protect { from gateway to 203.0.113.%u }\n"
			   "publish \"web%u\" { host 10.0.5.%u service tcp/%u }\n"
			   "exempt \"e%u\" { from 10.0.7.%u to 203.0.113.0/24 }\n",
			   i, i, i, 2 * PORTS, i, i);
	add_services(b);
	/* what is left of 512 */
	for (unsigned int i = EXCEPTS + POLICIES + 3 * OTHERS + 1; i < CF_RULES_MAX; i++)
		buf_printf(b, "protect { from gateway to 192.88.99.%u }\n", i & 255);
}

/* Each of an AS of its own: more than half of them IPv6, so that its tree has all its levels. */
static const struct geo_table *asns(void)
{
	struct geo_table *t = xcalloc(1, sizeof(*t));

	t->has_asn = true;
	for (uint32_t i = 0; i < NETWORKS; i++) {
		struct addr first = addr_from_halves(0, 0xffff14000000ULL + i), last = first;

		if (i >= ASNS4) {
			first = addr_from_halves(0x2600000000000000ULL + i, 0);
			last = addr_from_halves(0x2600000000000000ULL + i, ~0ULL);
		}
		*VEC_ADD(&t->records) = (struct geo_record){ .asn = i + 1 };
		*VEC_ADD(&t->ranges) = (struct geo_range){ first, last, i };
	}
	return t;
}

struct limits limits_make(void)
{
	static struct rig_file files[LISTS];
	struct buf b = { 0 };

	buf_puts(&b, HEAD);
	add_lists(files);
	for (unsigned int n = 0; n < LISTS; n++)
		buf_printf(&b, "set lists%u = file \"list%u.txt\"\n", n, n);
	add_macs(&b);
	add_windows(&b);
	for (unsigned int i = 0; i < POLICIES; i++)
		add_policy(&b, i);
	add_others(&b);
	return (struct limits){
		.policy = b.s,
		.options = { .days = DAYS,
			     .no_conntrack = true,
			     .files = files,
			     .n_files = LISTS,
			     .geo.asn = asns() },
	};
}

void limits_check(const struct image *img)
{
	cr_assert_eq(img->source_classes, CF_CLASSES_MAX, "%u classes", img->source_classes);
	cr_assert_eq(img->sources.n, CF_SOURCE_RANGES_MAX, "%zu sources", img->sources.n);
	cr_assert_eq(img->macs.n, CF_MAC_RANGES_MAX, "%zu MACs", img->macs.n);
	cr_assert_eq(img->labels.n, CF_LABELS_MAX, "%zu labels", img->labels.n);
	cr_assert_eq(img->rules.n, CF_RULES_MAX, "%zu rules", img->rules.n);
	cr_assert_eq(img->quotas.n, CF_QUOTAS_MAX, "%zu quotas", img->quotas.n);
	cr_assert_eq(img->services.n, CF_SERVICES_MAX, "%zu services", img->services.n);
	/* begin and end of the schedule are none */
	cr_assert_eq(img->segments.n, CF_SEGMENTS_MAX + 2, "%zu segments", img->segments.n);
	cr_assert_eq(img->tree6[0].levels, CF_LEVELS6, "%u levels", img->tree6[0].levels);
}

struct drawn {
	uint32_t host, list;
	bool phone, camera, between;
	bool excepted; /* by its policy */
};

/* To a network that the policy `list` drops for. */
static enum cf_reason send_listed(struct rig *r, const struct drawn *d)
{
	struct frame_spec s = { .protocol = 17, .sport = 9, .dport = 9, .payload = 100 };
	uint32_t src = host_address(d->host) + d->between;
	char from[16], to[16];
	struct frame_bytes f;

	snprintf(from, sizeof(from), "10.%u.%u.%u", src >> 16 & 255, src >> 8 & 255, src & 255);
	snprintf(to, sizeof(to), "198.%u.%u.%u", 18 + d->list % 2, d->list, d->excepted ? 7 : 8);
	s.src = from;
	s.dst = to;
	frame_build(&s, &f);
	/* 02:00:00:00:..., a phone's if it is even */
	f.data[10] = (uint8_t)(d->camera ? 0xff : d->host >> 7);
	f.data[11] = (uint8_t)(d->camera ? 0xfd : 2 * d->host + !d->phone);
	return rig_frame(r, RIG_INSIDE, &f, 0, 0).reason;
}

static void send_listed_and_check(struct rig *r, const struct drawn *d)
{
	bool listed = d->list == LISTS       ? d->phone && !d->camera
		      : d->list == LISTS + 1 ? d->camera
					     : !d->between && lists_of(d->host) >> d->list & 1;
	enum cf_reason want = listed && !d->excepted ? CF_REASON_DROP_POLICY : CF_REASON_PASS_QUOTA,
		       got = send_listed(r, d);

	cr_assert_eq(got, want, "host %u%s%s%s to list %u%s: %s", d->host, d->between ? " + 1" : "",
		     d->phone ? ", a phone" : "", d->camera ? ", a camera" : "", d->list,
		     d->excepted ? ", excepted" : "", rig_reason_name(got));
}

/* To one of the million networks: its label is that of no other. */
static void send_far_and_check(struct rig *r, uint32_t i)
{
	struct frame_spec s = { .src = "10.0.0.5", .protocol = 17, .sport = 9, .dport = 9 };
	struct addr a = addr_from_halves(0, 0xffff14000000ULL + i);
	char dst[ADDR_TEXT_MAX];
	struct rig_pair pair;

	if (i >= ASNS4) {
		a = addr_from_halves(0x2600000000000000ULL + i, 0);
		s.src = "fd12:3456::5";
	}
	s.dst = addr_format(&a, dst);
	assert_reason(rig_packet(r, RIG_INSIDE, &s), CF_REASON_PASS_QUOTA);
	pair = rig_pair(r, s.src, s.dst);
	cr_assert_eq(pair.slots, 1, "%s", dst);
	cr_assert_eq(pair.label, image_label(r->image, &a), "%s", dst);
	cr_assert_eq(r->image->labels.v[pair.label].asn, i + 1, "%s", dst);
}

void limits_packets(struct rig *r)
{
	static const uint32_t hosts[] = { 0, 1, 4084, 4085, HOSTS / 2, HOSTS - 2, HOSTS - 1 };
	static const uint32_t far[] = { 0, 1, ASNS4 - 1, ASNS4, ASNS4 + 1, NETWORKS - 1 };

	for (size_t h = 0; h < ARRAY_SIZE(hosts); h++)
		for (uint32_t list = 0; list < DROPS; list++)
			for (unsigned int k = 0; k < 16; k++)
				send_listed_and_check(r, &(struct drawn){ .host = hosts[h],
									  .list = list,
									  .between = k & 1,
									  .phone = k & 2,
									  .camera = k & 4,
									  .excepted = k & 8 });
	for (size_t i = 0; i < ARRAY_SIZE(far); i++)
		send_far_and_check(r, far[i]);
	for (uint32_t i = 1; i < 40; i++)
		send_far_and_check(r, i * 26000);
}
