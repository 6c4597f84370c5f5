/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/image/service.h"

#include "core/image/row.h"

#define PROTOCOL_UNREAD 255

/* The rows of the ports that the packet goes to and comes from. */
struct sides {
	const struct cf_row *to, *from;
	const struct cf_row *open; /* would have asked for the port; NULL: it is known */
};

static const struct cf_row *row_at(const struct image *img, uint32_t key)
{
	const struct cf_service_range *s = img->services.v;

	for (size_t n = img->services.n; n > 1;) {
		size_t half = n / 2;

		if (s[half].start <= key) {
			s += half;
			n -= half;
		} else {
			n = half;
		}
	}
	return &img->service_rows.v[s->row];
}

static struct sides sides_of(const struct image *img, const struct image_packet *p)
{
	uint8_t protocol = p->has_service ? p->protocol : PROTOCOL_UNREAD;
	bool ports = p->has_port && CF_HAS_PORTS(protocol);
	bool outside = p->began == CF_BEGAN_OUTSIDE;
	struct sides s = { 0 };

	if ((!ports && CF_HAS_PORTS(protocol)) || protocol == PROTOCOL_UNREAD) {
		const struct cf_service_protocol *f = &img->service_protocols.v[protocol];

		s.to = s.from = &img->service_rows.v[f->row];
		s.open = &img->service_rows.v[f->open];
		return s;
	}
	s.to = row_at(img, CF_SERVICE(protocol, !ports ? 0 : outside ? p->other_port : p->port));
	s.from = row_at(img, CF_SERVICE(protocol, !ports ? 0 : outside ? p->port : p->other_port));
	return s;
}

void image_narrow_service(const struct image *img, const struct image_packet *p,
			  struct cf_row *both, uint32_t *open)
{
	struct sides s;

	if (!img->services.n)
		return;
	s = sides_of(img, p);
	if (s.open && row_meets(both, s.open))
		*open |= IMAGE_OPEN_SERVICE;
	for (int i = 0; i < CF_ROW_WORDS; i++)
		both->word[i] &= s.to->word[i] | s.from->word[i];
}

/* Of one word of rules, those that hold. */
static uint64_t holding(const struct image *img, int i, enum cf_began began, uint64_t to,
			uint64_t from)
{
	uint64_t in = to & ~img->outside_rules.word[i];
	uint64_t out = from & ~img->inside_rules.word[i];
	uint64_t clearing = img->clearing_rules.word[i];

	if (began != CF_BEGAN_UNKNOWN)
		return began == CF_BEGAN_INSIDE ? in : out;
	return ((in | out) & ~clearing) | (in & ~img->inside_rules.word[i] & clearing);
}

/* Whose source is made up has begun, whatever connection tracking was made to believe. */
static enum cf_began began_of(const struct image *img, const struct image_packet *p)
{
	uint32_t flags;

	image_source_class(img, &p->src, &flags);
	return p->from == CF_FROM_INSIDE && flags & CF_SOURCE_FOREIGN ? CF_BEGAN_INSIDE : p->began;
}

void image_narrow_began(const struct image *img, const struct image_packet *p, struct cf_row *both,
			struct cf_row *match, uint32_t *open)
{
	static const struct cf_row none;
	enum cf_began began = began_of(img, p);
	struct sides s = { &none, &none, NULL };
	uint64_t differs = 0;

	if (img->services.n)
		s = sides_of(img, p);
	for (int i = 0; i < CF_ROW_WORDS; i++) {
		uint64_t all = img->services.n ? 0 : ~0ULL;
		uint64_t to = all | s.to->word[i], from = all | s.from->word[i];

		differs |= match->word[i] & (holding(img, i, CF_BEGAN_INSIDE, to, from) ^
					     holding(img, i, CF_BEGAN_OUTSIDE, to, from));
	}
	for (int i = 0; i < CF_ROW_WORDS; i++) {
		uint64_t all = img->services.n ? 0 : ~0ULL;
		uint64_t row = holding(img, i, differs ? began : CF_BEGAN_INSIDE,
				       all | s.to->word[i], all | s.from->word[i]);

		both->word[i] &= differs ? row : row | ~match->word[i];
		match->word[i] &= row;
	}
	if (differs && began == CF_BEGAN_UNKNOWN)
		*open |= IMAGE_OPEN_BEGAN;
}

uint8_t image_other_protocol(const struct image *img)
{
	const struct cf_service_protocol *p = img->service_protocols.v;
	uint8_t best = PROTOCOL_UNREAD - 1;

	for (unsigned int i = PROTOCOL_UNREAD - 1; i && img->services.n; i--) {
		const struct cf_row *row = &img->service_rows.v[p[i].row];
		struct cf_row more = row_without(&img->service_rows.v[p[best].row], row);

		/* whom nobody names meets only rules that every other one meets as well */
		if (!CF_HAS_PORTS(i) && !row_empty(&more))
			best = (uint8_t)i;
	}
	return best;
}
