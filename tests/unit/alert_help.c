/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alert_help.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "calendar_help.h"

static const char policy_text[] =
	"site {\n"
	"    location 9.0302, 38.7612\n"
	"    timezone \"Africa/Addis_Ababa\"\n"
	"}\n"
	"inside lan0\n"
	"outside wan0\n"
	"networks 10.0.0.0/8\n"
	"set near = country ET, country KE\n"
	"window night = daily 22:00-06:00\n"
	"policy \"night bulk\" {\n"
	"    from inside\n"
	"    to any except near\n"
	"    during night\n"
	"    quota 20 MB per destination each window\n"
	"    quota 30 MB per asn each window\n"
	"    quota 1 GB per source each window\n"
	"    quota 5 MB per pair each window\n"
	"    quota 2 GB per country each window\n"
	"    quota 3 GB per policy each window\n"
	"    except { from 10.0.0.20 to country DE }\n"
	"    at 80% alert warning\n"
	"    at 100% drop, alert critical\n"
	"}\n"
	"policy \"cameras\" {\n"
	"    from 10.20.0.0/24\n"
	"    to any\n"
	"    then drop, alert warning\n"
	"}\n"
	"policy \"shadow\" {\n"
	"    from 10.30.0.0/24\n"
	"    to any\n"
	"    quota 1 MB per destination each day\n"
	"    at 100% drop\n"
	"    mode observe\n"
	"}\n"
	"policy \"fast\" {\n"
	"    from 10.40.0.0/24\n"
	"    to any\n"
	"    rate 10 Mbit/s burst 1 MB per source\n"
	"    at 80% alert info\n"
	"    at 100% drop for 2 h, quarantine source for 30 min, alert warning\n"
	"}\n"
	"mode enforce\n";

const struct utc half_past_midnight = { 1795469400 }; /* 2026-11-23 21:30 UTC */

static int read_file(void *arg _unused_, const char *path _unused_, char **ret, size_t *ret_size)
{
	*ret = xstrdup(policy_text);
	*ret_size = strlen(policy_text);
	return 0;
}

static int no_glob(void *arg _unused_, const char *pattern _unused_, char ***ret _unused_)
{
	return -ENOENT;
}

static const struct zone *get_zone(void *arg, const char *name _unused_)
{
	return arg;
}

struct addr ip(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, &a), 0, "%s", text);
	return a;
}

static void place(struct geo_table *t, const char *first, const char *last, const char *cc,
		  uint32_t asn, const char *as_name, const char *city, double lat, double lon)
{
	struct geo_record r = {
		.asn = asn, .has_location = city, .latitude = lat, .longitude = lon
	};

	memcpy(r.cc, cc, 2);
	r.as_name = as_name ? xstrdup(as_name) : NULL;
	r.city = city ? xstrdup(city) : NULL;
	*VEC_ADD(&t->records) = r;
	*VEC_ADD(&t->ranges) =
		(struct geo_range){ ip(first), ip(last), (uint32_t)t->records.n - 1 };
}

static struct geo_table *places(void)
{
	struct geo_table *t = xcalloc(1, sizeof(*t));

	place(t, "198.51.100.0", "198.51.100.63", "DE", 3320, "Deutsche Telekom AG", NULL, 0, 0);
	place(t, "203.0.113.0", "203.0.113.127", "CN", 4812, "China Telecom", "Shanghai", 31.2222,
	      121.4581);
	place(t, "2001:db8:4812::", "2001:db8:4812:ffff:ffff:ffff:ffff:ffff", "CN", 4812,
	      "China Telecom", "Shanghai", 31.2222, 121.4581);
	t->has_country = t->has_asn = t->has_city = t->has_location = true;
	return t;
}

struct night *night_begin(void)
{
	const struct policy_io io = { .read_file = read_file, .glob = no_glob };
	struct night *n = xcalloc(1, sizeof(*n));
	struct diag_list diags = { 0 };
	struct machine machine = { 0 };
	struct manual_list manual = { 0 };
	struct zone_source zones;
	_cleanup_buf_ struct buf said = { 0 };
	int r;

	n->zone = zone_of("EAT-3");
	n->places = places();
	n->geo = (struct geo){ .city = n->places };
	zones = (struct zone_source){ get_zone, n->zone };
	r = policy_parse(&io, "night.conf", &n->set, &diags);
	if (r == 0)
		r = image_compile(&(struct image_input){ .set = n->set,
							 .geo = n->geo,
							 .machine = &machine,
							 .manual = &manual,
							 .zones = &zones,
							 .now = half_past_midnight,
							 .days = 36 },
				  &n->image, &diags);
	diag_print(&diags, &said);
	diag_list_done(&diags);
	cr_assert_eq(r, 0, "%s", buf_text(&said));
	n->cx = (struct alert_context){ .set = n->set,
					.image = n->image,
					.generation = 7,
					.geo = &n->geo,
					.zone = n->zone,
					.alone = true };
	return n;
}

void night_end(struct night *n)
{
	image_free(n->image);
	policy_set_free(n->set);
	geo_table_free(n->places);
	zone_free(n->zone);
	free(n);
}

uint32_t night_rule(const struct night *n, const char *policy)
{
	for (uint32_t i = 0; i < n->image->rules.n; i++)
		if (n->image->rules.v[i].kind == CF_RULE_POLICY &&
		    !strcmp(n->image->rules.v[i].name, policy))
			return i;
	cr_assert_fail("no rule %s", policy);
	return 0;
}

uint32_t night_quota(const struct night *n, const char *policy, uint32_t nth)
{
	return n->image->rules.v[night_rule(n, policy)].quota_first + nth;
}

struct cf_event night_event(const struct night *n, uint32_t quota, enum cf_event_kind kind,
			    uint64_t used)
{
	struct explain_source src = { .from = CF_FROM_INSIDE, .addr = ip("10.0.0.11") };
	struct addr dst = ip("203.0.113.10");
	struct cf_event ev = {
		.kind = kind,
		.used_bytes = used,
		.rule = n->image->quotas.v[quota].rule,
		.quota = quota,
		.generation = 7,
		.period_minute = image_period(n->image, n->image->quotas.v[quota].calendar,
					      half_past_midnight) &
				 CF_QUOTA_PERIOD_MASK,
		.protocol = 6,
		.source_port = 40000,
		.destination_port = 5201,
		.hook = CF_HOOK_INSIDE,
		.mac = { 2, 0, 0, 0, 1, 11 },
	};

	memcpy(ev.src, src.addr.b, sizeof(ev.src));
	memcpy(ev.dst, dst.b, sizeof(ev.dst));
	cr_assert_eq(quota_key_make(n->image, quota, &src, &dst, &ev.key), 0);
	return ev;
}
