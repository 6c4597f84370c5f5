/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_reference.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "core/image/literals.h"

static void find_by_table(const struct geo *geo, const struct addr *addr, struct geo_record *ret)
{
	geo_find(geo, addr, ret);
}

void (*reference_find)(const struct geo *, const struct addr *,
		       struct geo_record *) = find_by_table;

struct subject {
	const struct image_input *in;
	struct addr addr;
	enum cf_from from; /* CF_FROM_MAX: a destination */
	struct geo_record geo;
	const struct image_packet *packet; /* at an inside hook; else NULL */
	/* what was found out already, of this address alone */
	bool has_distance, is_placed;
	double km;
	uint64_t asked, holds; /* sets, by number */
};

/* The words of a text, one after the other, in small letters: "|hangzhou|kamera|". */
static char *words_of(const char *text)
{
	struct buf b = { 0 };

	buf_puts(&b, "|");
	for (; *text; text++) {
		char c = (char)tolower((unsigned char)*text);

		if (isalnum((unsigned char)c))
			buf_add(&b, &c, 1);
		else if (b.s[b.n - 1] != '|')
			buf_puts(&b, "|");
	}
	if (b.s[b.n - 1] != '|')
		buf_puts(&b, "|");
	return b.s;
}

static bool is_by(const struct subject *s, const char *vendor)
{
	const struct vendors *v = s->in->vendors->get(s->in->vendors->arg);
	const struct vendor_block *own = NULL;
	uint64_t mac = mac_number(s->packet->mac);
	char *name, *want;
	bool is;

	for (size_t i = 0; i < v->blocks.n; i++) {
		const struct vendor_block *b = &v->blocks.v[i];

		if (b->first >> (48 - b->bits) == mac >> (48 - b->bits) &&
		    (!own || b->bits > own->bits))
			own = b;
	}
	if (!own)
		return false;
	name = words_of(v->names.v[own->name]);
	want = words_of(vendor);
	is = strstr(name, want);
	free(name);
	free(want);
	return is;
}

/* A prefix of the other family never holds it, ::/0 no IPv4 address. */
static bool within(const struct prefix *p, const struct addr *a)
{
	uint128 differ = wide_from(&p->addr) ^ wide_from(a);

	if (p->bits && differ >> (128 - p->bits))
		return false;
	return prefix_is4(p) == addr_is4(a);
}

static bool in_list(const struct prefix_list *l, const struct addr *a)
{
	for (size_t i = 0; i < l->n; i++)
		if (within(&l->v[i], a))
			return true;
	return false;
}

static bool is_beyond(struct subject *s, uint32_t km)
{
	const struct site *site = &s->in->set->site;
	double lat = s->geo.latitude, lon = s->geo.longitude;

	if (!s->has_distance) {
		s->has_distance = true;
		s->is_placed = s->geo.has_location || geo_country_location(s->geo.cc, &lat, &lon);
		if (s->is_placed)
			s->km = geo_distance_km(site->latitude, site->longitude, lat, lon);
	}
	return s->is_placed && s->km > km;
}

static bool holds(struct subject *s, const struct expr *e);

static bool in_set(struct subject *s, uint32_t set)
{
	uint64_t bit = set < 64 ? 1ULL << set : 0;
	bool in;

	if (s->asked & bit)
		return s->holds & bit;
	in = holds(s, s->in->set->sets.v[set].expr);
	s->asked |= bit;
	s->holds |= in ? bit : 0;
	return in;
}

static bool atom_holds(struct subject *s, const struct atom *a)
{
	switch (a->kind) {
	case ATOM_ANY:
		return true;
	case ATOM_INSIDE:
		return s->from == CF_FROM_INSIDE;
	case ATOM_GATEWAY:
		return s->from == CF_FROM_GATEWAY;
	case ATOM_PREFIX:
		return within(&a->prefix, &s->addr);
	case ATOM_FILE:
		return in_list(&a->prefixes, &s->addr);
	case ATOM_SET:
		return in_set(s, a->set);
	case ATOM_COUNTRY:
		return !strcmp(s->geo.cc, a->text);
	case ATOM_CONTINENT:
		return !strcmp(s->geo.continent, a->text);
	case ATOM_ASN:
		return s->geo.asn == a->number;
	case ATOM_CITY:
		return s->geo.city && !strcmp(s->geo.city, a->text) && !strcmp(s->geo.cc, a->cc);
	case ATOM_BEYOND:
		return is_beyond(s, a->number);
	case ATOM_UNKNOWN:
		return !s->geo.cc[0];
	case ATOM_MAC:
		return s->packet && s->packet->has_mac && !memcmp(s->packet->mac, a->mac, 6);
	case ATOM_VENDOR:
		return s->packet && s->packet->has_mac && is_by(s, a->text);
	case ATOM_INTERFACE:
		return s->packet && s->packet->interface && !strcmp(s->packet->interface, a->text);
	case ATOM_VLAN:
		return s->packet && s->packet->vlan == a->number;
	default:
		abort();
	}
}

static bool holds(struct subject *s, const struct expr *e)
{
	bool found = false;

	if (!e)
		return true;
	switch (e->op) {
	case EXPR_ATOM:
		return atom_holds(s, &e->atom);
	case EXPR_EXCEPT:
		return holds(s, e->v[0]) && !holds(s, e->v[1]);
	case EXPR_OR:
		for (size_t i = 0; i < e->n; i++)
			found |= holds(s, e->v[i]);
		return found;
	case EXPR_AND:
		for (size_t i = 0; i < e->n; i++)
			if (!holds(s, e->v[i]))
				return false;
		return true;
	}
	abort();
}

/* Each rule's expression for the side that is asked about, in the order of bits. */
static struct cf_row row(struct subject *s)
{
	const struct policy_set *set = s->in->set;
	bool to = s->from == CF_FROM_MAX;
	struct cf_row r = { 0 };
	size_t bit = 0;

#define RULE(x)                                                                                    \
	do {                                                                                       \
		if (holds(s, to ? (x)->to : (x)->from))                                            \
			r.word[bit / 64] |= 1ULL << bit % 64;                                      \
		bit++;                                                                             \
	} while (0)
	for (size_t i = 0; i < set->policies.n; i++)
		RULE(&set->policies.v[i]);
	for (size_t i = 0; i < set->exempts.n; i++)
		RULE(&set->exempts.v[i]);
	for (size_t i = 0; i < set->policies.n; i++)
		for (size_t k = 0; k < set->policies.v[i].excepts.n; k++)
			RULE(&set->policies.v[i].excepts.v[k]);
	for (size_t i = 0; i < set->protects.n; i++)
		RULE(&set->protects.v[i]);
#undef RULE
	return r;
}

struct cf_row reference_source(const struct image_input *in, enum cf_from from,
			       const struct addr *src)
{
	struct subject s = { .in = in, .addr = *src, .from = from };

	return row(&s);
}

struct cf_row reference_packet(const struct image_input *in, const struct image_packet *p)
{
	struct subject s = { .in = in, .addr = p->src, .from = p->from };

	if (p->from == CF_FROM_INSIDE)
		s.packet = p;
	return row(&s);
}

bool reference_on_link(const struct image_input *in, const struct addr *src)
{
	return in_list(&in->machine->inside_links, src);
}

bool reference_foreign(const struct image_input *in, const struct addr *src)
{
	static const char *const anywhere[] = { "0.0.0.0/32", "169.254.0.0/16", "::/128",
						"fe80::/10" };
	const struct machine *m = in->machine;
	bool known = false;

	if (m->inside_default[!addr_is4(src)] || in_list(&m->inside, src) ||
	    in_list(&m->inside_links, src))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(anywhere); i++) {
		struct prefix p;

		if (prefix_parse(anywhere[i], &p) == 0 && within(&p, src))
			return false;
	}
	for (size_t i = 0; i < m->inside.n; i++)
		known |= addr_is4(&m->inside.v[i].addr) == addr_is4(src);
	return known;
}

static bool is_multicast(const struct image_input *in, const struct addr *a)
{
	const struct prefix_list *links = &in->machine->inside_links;
	uint32_t v4 = addr_get4(a);

	if (!addr_is4(a))
		return a->b[0] == 0xff;
	for (size_t i = 0; i < links->n; i++) {
		const struct prefix *p = &links->v[i];

		if (prefix_is4(p) && p->bits <= 126 &&
		    (addr_get4(&p->addr) | ~0U >> (p->bits - 96)) == v4)
			return true;
	}
	return v4 >> 28 == 14 || v4 == ~0U;
}

static bool is_link_local(const struct addr *a)
{
	uint32_t v4 = addr_get4(a);

	if (addr_is4(a))
		return v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 16 == 0xa9fe;
	return (a->b[0] == 0xfe && a->b[1] >> 6 == 2) || (!addr_hi(a) && addr_lo(a) <= 1);
}

static bool is_ignored(const struct image_input *in, const struct addr *a, enum cf_reason *ret)
{
	const struct machine *m = in->machine;

	if (in_list(&m->local, a))
		*ret = CF_REASON_IGNORED_LOCAL;
	else if (is_multicast(in, a))
		*ret = CF_REASON_IGNORED_MULTICAST;
	else if (is_link_local(a))
		*ret = CF_REASON_IGNORED_LINK_LOCAL;
	else if (in_list(&m->inside, a) || in_list(&m->inside_links, a) ||
		 in_list(&in->set->networks, a))
		*ret = CF_REASON_IGNORED_NETWORKS;
	else
		return false;
	return true;
}

/* RFC 6052: 64:ff9b::a.b.c.d; RFC 3056: 2002:aabb:ccdd::; RFC 4380: 2001:: to an inverted client.
 */
static struct addr carried(const struct addr *a)
{
	uint64_t hi = addr_hi(a), lo = addr_lo(a);

	if (hi == 0x0064ff9b00000000ULL && lo >> 32 == 0)
		return addr_from_halves(0, 0xffff00000000ULL | lo);
	if (hi >> 48 == 0x2002)
		return addr_from_halves(0, 0xffff00000000ULL | (hi >> 16 & 0xffffffff));
	if (hi >> 32 == 0x20010000)
		return addr_from_halves(0, 0xffff00000000ULL | (~lo & 0xffffffff));
	return *a;
}

struct reference_label reference_label(const struct image_input *in, const struct addr *dst)
{
	struct subject s = { .in = in, .addr = carried(dst), .from = CF_FROM_MAX };
	struct reference_label l = { 0 };

	/* what we ignore as IPv4 is not ours when an IPv6 address carries it */
	if (!addr_is4(dst) && addr_is4(&s.addr) && is_ignored(in, &s.addr, &l.reason)) {
		s.addr = *dst;
		l.reason = (enum cf_reason)0;
	}
	if (is_ignored(in, &s.addr, &l.reason)) {
		l.ignored = true;
		return l;
	}
	reference_find(&in->geo, &s.addr, &s.geo);
	l.row = row(&s);
	for (size_t i = 0; i < in->set->policies.n; i++) {
		const struct policy *p = &in->set->policies.v[i];

		if (!(l.row.word[i / 64] >> i % 64 & 1))
			continue;
		for (size_t k = 0; k < p->quotas.n; k++) {
			if (p->quotas.v[k].key == CF_KEY_ASN)
				l.asn = s.geo.asn;
			if (p->quotas.v[k].key == CF_KEY_COUNTRY)
				memcpy(l.cc, s.geo.cc, sizeof(l.cc));
		}
	}
	return l;
}
