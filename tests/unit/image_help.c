/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_help.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

uint64_t prng_next(struct prng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t prng_below(struct prng *r, uint32_t n)
{
	return (uint32_t)((prng_next(r) >> 32) * n >> 32);
}

void *keep(void *p)
{
	static struct {
		void **v;
		size_t n, cap;
	} kept;

	*VEC_ADD(&kept) = p;
	return p;
}

struct addr addr_of(const char *text)
{
	struct addr a = { 0 };

	cr_assert_eq(addr_parse(text, &a), 0, "%s", text);
	return a;
}

struct prefix prefix_from(const char *text)
{
	struct prefix p = { 0 };

	cr_assert_eq(prefix_parse(text, &p), 0, "%s", text);
	return p;
}

static struct expr *atom(struct atom a)
{
	struct expr *e = keep(xcalloc(1, sizeof(*e)));

	e->op = EXPR_ATOM;
	e->pos = (struct pos){ .line = 1, .col = 1 };
	e->atom = a;
	return e;
}

static char *own(const char *text)
{
	return xstrdup(text);
}

struct expr *any(void)
{
	return atom((struct atom){ .kind = ATOM_ANY });
}

struct expr *inside(void)
{
	return atom((struct atom){ .kind = ATOM_INSIDE });
}

struct expr *gateway(void)
{
	return atom((struct atom){ .kind = ATOM_GATEWAY });
}

struct expr *prefix_expr(struct prefix p)
{
	return atom((struct atom){ .kind = ATOM_PREFIX, .prefix = p });
}

struct expr *cidr(const char *text)
{
	return prefix_expr(prefix_from(text));
}

struct expr *country(const char *cc)
{
	return atom((struct atom){ .kind = ATOM_COUNTRY, .text = own(cc) });
}

struct expr *continent(const char *code)
{
	return atom((struct atom){ .kind = ATOM_CONTINENT, .text = own(code) });
}

struct expr *asn(uint32_t number)
{
	return atom((struct atom){ .kind = ATOM_ASN, .number = number });
}

struct expr *city(const char *name, const char *cc)
{
	struct atom a = { .kind = ATOM_CITY, .text = own(name) };

	memcpy(a.cc, cc, 2);
	return atom(a);
}

struct expr *beyond(uint32_t km)
{
	return atom((struct atom){ .kind = ATOM_BEYOND, .number = km });
}

struct expr *unknown(void)
{
	return atom((struct atom){ .kind = ATOM_UNKNOWN });
}

struct expr *mac(uint64_t number)
{
	struct atom a = { .kind = ATOM_MAC };

	for (int i = 0; i < 6; i++)
		a.mac[i] = (uint8_t)(number >> (40 - 8 * i));
	return atom(a);
}

struct expr *vendor(const char *words)
{
	return atom((struct atom){ .kind = ATOM_VENDOR, .text = own(words) });
}

struct expr *interface(const char *name)
{
	return atom((struct atom){ .kind = ATOM_INTERFACE, .text = own(name) });
}

struct expr *vlan(uint32_t number)
{
	return atom((struct atom){ .kind = ATOM_VLAN, .number = number });
}

struct expr *set_ref(uint32_t index)
{
	return atom((struct atom){ .kind = ATOM_SET, .set = index, .text = own("a set") });
}

struct expr *file_list(const struct prefix_list *prefixes)
{
	return atom(
		(struct atom){ .kind = ATOM_FILE, .text = own("list.txt"), .prefixes = *prefixes });
}

struct expr *join_expr(enum expr_op op, struct expr *first, ...)
{
	struct expr *e = keep(xcalloc(1, sizeof(*e)));
	va_list ap;

	e->op = op;
	va_start(ap, first);
	for (struct expr *x = first; x; x = va_arg(ap, struct expr *))
		*VEC_ADD(e) = x;
	va_end(ap);
	return e;
}

struct policy_set *set_new(void)
{
	struct policy_set *set = keep(xcalloc(1, sizeof(*set)));

	set->mode = MODE_ENFORCE;
	set->site.has_location = true;
	set->site.latitude = 9.0302;
	set->site.longitude = 38.7612;
	*VEC_ADD(&set->files) = own("test.conf");
	return set;
}

struct policy *policy_add(struct policy_set *set, const char *name, struct expr *from,
			  struct expr *to)
{
	struct policy *p = VEC_ADD(&set->policies);

	*p = (struct policy){ .name = own(name), .from = from, .to = to };
	p->pos = (struct pos){ .line = (uint32_t)set->policies.n, .col = 1 };
	return p;
}

struct quota *quota_add(struct policy *p, uint64_t bytes, enum cf_key_kind key,
			enum period_kind period)
{
	struct quota *q = VEC_ADD(&p->quotas);

	*q = (struct quota){ .bytes = bytes, .key = key, .period = period, .month_day = 1 };
	q->pos = p->pos;
	if (!p->ats.n)
		*VEC_ADD(&p->ats) = (struct at){
			.percent = 100,
			.pos = p->pos,
			.actions = { .drop = true, .alert = CF_LEVEL_CRITICAL },
		};
	return q;
}

struct except *except_add(struct policy *p, struct expr *from, struct expr *to)
{
	struct except *e = VEC_ADD(&p->excepts);

	*e = (struct except){ .from = from, .to = to, .pos = p->pos };
	e->pos.col = (uint32_t)p->excepts.n + 1;
	return e;
}

struct exempt *exempt_add(struct policy_set *set, const char *name, struct expr *from,
			  struct expr *to)
{
	struct exempt *e = VEC_ADD(&set->exempts);

	*e = (struct exempt){ .name = name ? own(name) : NULL, .from = from, .to = to };
	e->pos = (struct pos){ .line = 100 + (uint32_t)set->exempts.n, .col = 1 };
	return e;
}

void exempt_policy(struct exempt *e, const char *policy)
{
	*VEC_ADD(&e->policies) = own(policy);
}

void protect_add(struct policy_set *set, struct expr *from, struct expr *to)
{
	struct protect *p = VEC_ADD(&set->protects);

	*p = (struct protect){ .from = from, .to = to };
	p->pos = (struct pos){ .line = 200 + (uint32_t)set->protects.n, .col = 1 };
}

static struct zone *utc_zone;

static const struct zone *get_zone(void *arg, const char *name)
{
	(void)arg;
	return name ? NULL : utc_zone;
}

/* The smallest TZif file: version 1, one type, no transitions (RFC 8536 3). */
static void make_zone(void)
{
	uint8_t tzif[44 + 6 + 4] = { 'T', 'Z', 'i', 'f' };

	tzif[39] = 1; /* types */
	tzif[43] = 4; /* bytes of names */
	memcpy(tzif + 50, "UTC", 4);
	if (!utc_zone)
		cr_assert_eq(zone_parse(tzif, sizeof(tzif), &utc_zone), 0);
}

struct image_input input_for(const struct policy_set *set)
{
	static const struct zone_source zones = { .get = get_zone };

	make_zone();
	return (struct image_input){ .set = set, .zones = &zones, .now = TEST_NOW, .days = 40 };
}

struct image *compile(const struct image_input *in)
{
	struct diag_list diags = { 0 };
	struct image *img = NULL;
	struct buf text = { 0 };
	int r = image_compile(in, &img, &diags);

	diag_print(&diags, &text);
	cr_assert_eq(r, 0, "%s", buf_text(&text));
	cr_assert_not_null(img);
	buf_done(&text);
	diag_list_done(&diags);
	return img;
}

const char *compile_errors(const struct image_input *in)
{
	struct diag_list diags = { 0 };
	struct image *img = NULL;
	struct buf text = { 0 };

	cr_assert_lt(image_compile(in, &img, &diags), 0);
	cr_assert_null(img);
	cr_assert_gt(diag_errors(&diags), 0);
	diag_print(&diags, &text);
	diag_list_done(&diags);
	return keep(text.s);
}
