/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The class compiler's own state: what its files hand to each other. Nobody else's business. */
#ifndef CURFEW_CORE_IMAGE_BUILD_H
#define CURFEW_CORE_IMAGE_BUILD_H

#include "base/def.h"
#include "core/image/condition.h"
#include "core/image/image.h"

/* Where a rule came from: parallel to image.rules. */
struct rule_origin {
	uint32_t from, to;                   /* conditions */
	const struct service_list *services; /* NULL, or empty: every */
	enum initiated initiated;
	const struct time_expr *during;
	bool has_until;
	struct utc until;
	struct pos pos;
};
/* Parallel to image.quotas. */
struct quota_origin {
	const struct quota *quota; /* NULL: a rate */
	const struct rate *rate;
	const struct policy *policy;
};

/* A label holds from `start` until the next one's. */
struct change4 {
	uint32_t start;
	uint32_t label;
};
struct change6 {
	uint128 start;
	uint32_t label;
};

/* What only a database knows. */
enum geo_field {
	GEO_FIELD_COUNTRY,
	GEO_FIELD_ASN,
	GEO_FIELD_CITY,
	GEO_FIELD_LOCATION,
	GEO_FIELD_MAX
};

struct build {
	const struct image_input *in;
	struct image *img;
	struct diag_list *diags;
	size_t errors;
	struct conditions from, to;
	IMAGE_ARRAY(struct rule_origin) rules;
	IMAGE_ARRAY(struct quota_origin) quotas;
	/* by publish: its host, and the policy that its `at most` stands for; no quotas: none */
	IMAGE_ARRAY(struct expr *) hosts;
	IMAGE_ARRAY(struct policy) published;
	struct cf_row asn_rules, country_rules; /* with a quota kept per ASN, per country */
	IMAGE_ARRAY(struct change4) changes4;
	IMAGE_ARRAY(struct change6) changes6;
	uint32_t missed[GEO_FIELD_MAX]; /* file whose lack of a database was said last, + 1 */
};

/* An error without a place: about the machine, the databases, a limit. */
#define NOWHERE ((struct pos){ 0 })
void build_error(struct build *b, struct pos pos, const char *help, const char *fmt, ...)
	_printf_(4, 5);

bool build_has(const struct build *b, enum geo_field field);
/* An error that names the statement that is missing, if no table has the field: once a file. */
void build_need(struct build *b, struct pos pos, enum geo_field field, const char *who);

/* Between class_source.c and class_cells.c. */
struct source_classes {
	struct build *b;
	struct cf_row facet_rules; /* whose `from` asks for MAC, interface or VLAN */
	uint64_t *groups;          /* of literals that they ask about */
	size_t words;
	IMAGE_ARRAY(uint32_t) set_of; /* by class: a set of literals that is in it */
};
void build_cells(struct source_classes *s);

/* The stages, in order; each reports to build.errors. */
void build_rules(struct build *b);
/* Fills build.hosts and build.published. */
void build_published(struct build *b);
void published_done(struct build *b);
/* The quotas of policy `p`, which is rule `rule`. */
void build_quotas(struct build *b, const struct policy *p, uint32_t rule);
void build_services(struct build *b);
void build_sources(struct build *b);
void build_destinations(struct build *b);
void build_label_order(struct build *b);
void build_dxr(struct build *b);
void build_tree6(struct build *b);
void build_reach(struct build *b);
void build_schedule(struct build *b);

#endif
