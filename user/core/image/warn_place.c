/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Countries, networks and cities that the loaded databases do not have. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "core/image/warn.h"
#include "core/policy/words.h"

/* What the databases know of cities with such a name. */
struct city_search {
	const struct atom *asked;
	struct nearest near;           /* in the country that was asked for */
	const struct geo_record *same; /* of the name, in another country */
	bool country;                  /* some city is in that country */
};

static void look_at(struct city_search *s, const struct geo_record *r)
{
	if (!r->city)
		return;
	if (strcmp(r->cc, s->asked->cc) != 0) {
		if (!s->same && r->cc[0] && !strcasecmp(r->city, s->asked->text))
			s->same = r;
		return;
	}
	s->country = true;
	nearest_offer(&s->near, r->city);
}

static void each_record(const struct geo *geo, struct city_search *s)
{
	const struct geo_table *const tables[] = { geo->city, geo->country, geo->asn };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; tables[t] && i < tables[t]->records.n; i++)
			look_at(s, &tables[t]->records.v[i]);
}

static void warn_city(struct build *b, const struct expr *e)
{
	struct city_search s = { .asked = &e->atom,
				 .near = { .s = e->atom.text, .n = strlen(e->atom.text) } };
	_cleanup_free_ char *help = NULL;

	each_record(&b->in->geo, &s);
	if (s.near.best)
		help = xprintf("did you mean city \"%s\" in %s?", s.near.best, e->atom.cc);
	else if (s.same)
		help = xprintf("did you mean city \"%s\" in %s?", s.same->city, s.same->cc);
	else if (!s.country)
		help = xprintf("they know no cities there; name the country: country %s",
			       e->atom.cc);
	else
		help = xprintf("'curfew geo ADDRESS' shows how they write it");
	warn_once(b, e->pos, help, "this never matches: the databases know no city \"%s\" in %s",
		  e->atom.text, e->atom.cc);
}

void warn_place(struct build *b, const struct expr *e)
{
	switch (e->atom.kind) {
	case ATOM_CITY:
		warn_city(b, e);
		return;
	case ATOM_COUNTRY:
		warn_once(b, e->pos, "'curfew geo verify' shows what a database has",
			  "this never matches: the databases know no network in country %s (%s)",
			  e->atom.text, geo_country_name(e->atom.text) ?: "?");
		return;
	case ATOM_CONTINENT:
		warn_once(b, e->pos, "'curfew geo verify' shows what a database has",
			  "this never matches: the databases know no network in continent %s",
			  e->atom.text);
		return;
	case ATOM_ASN:
		warn_once(b, e->pos,
			  "is the number right? 'curfew geo ADDRESS' shows an address' AS",
			  "this never matches: the databases know no network of AS%" PRIu32,
			  e->atom.number);
		return;
	default:
		return;
	}
}
