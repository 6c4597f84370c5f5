/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `from` and `to` expressions of a policy set, prepared: sets followed,
 * prefixes gathered into groups of literals, so that asking one about the
 * facts of an address costs a few comparisons.
 */
#ifndef CURFEW_CORE_IMAGE_CONDITION_H
#define CURFEW_CORE_IMAGE_CONDITION_H

#include "core/geo/geo.h"
#include "core/geo/vendor.h"
#include "core/image/literals.h"
#include "core/policy/policy.h"

/*
 * All that a condition can ask: of a destination what databases know, of a source
 * what an inside hook sees. Zero: unknown, or no condition asks.
 */
struct facts {
	uint32_t set; /* number in literals.sets */
	union {
		struct {
			uint32_t asn;
			uint16_t cc, continent;
			uint16_t distance; /* FACTS_NEAR, or FACTS_BEYOND + the longest threshold
					      that is passed */
			uint16_t city; /* number in conditions.cities + 1, or FACTS_OTHER_CITY */
		};
		struct {
			uint32_t macs;      /* number in macs.sets; 0: in none */
			uint16_t interface; /* number in conditions.interfaces + 1 */
			uint16_t vlan;      /* number in vlans.sets; 0: in none */
		};
	};
};
_Static_assert(sizeof(struct facts) == 16, "interned as bytes");

#define FACTS_NEAR       1
#define FACTS_BEYOND     2
#define FACTS_OTHER_CITY UINT16_MAX
#define FACTS_CC(text)   ((uint16_t)((uint8_t)(text)[0] << 8 | (uint8_t)(text)[1]))

enum condition_side { SIDE_FROM, SIDE_TO };

enum condition_op {
	COND_ANY,
	COND_FROM,  /* id: enum cf_from */
	COND_GROUP, /* id: group of literals */
	COND_COUNTRY,
	COND_CONTINENT,
	COND_ASN,
	COND_CITY,   /* id: facts.city, cc */
	COND_BEYOND, /* id: km */
	COND_UNKNOWN,
	COND_MAC,       /* id: group in conditions.macs */
	COND_INTERFACE, /* id: facts.interface */
	COND_VLAN,      /* id: group in conditions.vlans */
	COND_AND,
	COND_OR,
	COND_EXCEPT,
};
struct condition {
	enum condition_op op;
	uint32_t id;
	uint16_t cc;
	uint32_t *v; /* numbers of the operands */
	size_t n, cap;
	const struct expr *expr; /* it was made from; NULL: from several, or from none */
	bool met;                /* see conditions_meet() */
};

struct build;
struct conditions {
	enum condition_side side;
	struct {
		struct condition *v;
		size_t n, cap;
	} all;
	uint32_t *set_condition; /* by set: 0 not yet, ~0 in work, else number + 1 */
	struct literals literals;
	struct {
		const char **v; /* the expressions own them */
		size_t n, cap;
	} cities;
	struct {
		uint32_t *v; /* km; sorted and distinct after conditions_ready() */
		size_t n, cap;
	} thresholds;
	struct intern asns; /* uint64_t: those that some condition names */
	/* of sources */
	struct literals macs;  /* of 48-bit numbers */
	struct literals vlans; /* of VLAN numbers */
	struct {
		struct vendor_ranges {
			const char *name; /* the expressions own it */
			struct mac_range_list ranges;
		} * v;
		size_t n, cap;
	} vendors; /* looked up once each */
	struct {
		const char **v; /* the expressions own them */
		size_t n, cap;
	} interfaces;
};

#define CONDITION_ANY 0U /* the first condition is always COND_ANY */

void conditions_init(struct conditions *c, enum condition_side side, const struct policy_set *set);
/* The number of the prepared expression; NULL: any. What can't be prepared is an error in the
 * build. */
uint32_t conditions_add(struct build *b, struct conditions *c, const struct expr *e);
/* After the last conditions_add(): facts can be made and asked about. */
void conditions_ready(struct conditions *c);
bool conditions_hold(const struct conditions *c, uint32_t condition, const struct facts *f,
		     uint32_t from);
/* Notes which conditions hold for these facts, of those that ask for facets or of the others. */
void conditions_meet(struct conditions *c, bool facets, const struct facts *f, uint32_t from);
/* Whether it asks for MAC, interface or VLAN. */
bool conditions_ask_facets(const struct conditions *c, uint32_t condition);
/* Sets the bit of each group of literals that it asks about. */
void conditions_groups(const struct conditions *c, uint32_t condition, uint64_t *bits);
/* Parts of facts, as one record or country gives them. */
uint16_t conditions_distance(const struct conditions *c, double km);
uint16_t conditions_city(const struct conditions *c, const char *name);
bool conditions_name_asn(const struct conditions *c, uint32_t asn);
void conditions_done(struct conditions *c);

#endif
