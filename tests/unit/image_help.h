/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the image tests: policy sets made by hand, databases made from a seed, and what the compiler
 * is fed. */
#ifndef CURFEW_TESTS_IMAGE_HELP_H
#define CURFEW_TESTS_IMAGE_HELP_H

#include "core/image/image.h"

/* ---- numbers from a seed: splitmix64 ---------------------------------- */

struct prng {
	uint64_t state;
};
uint64_t prng_next(struct prng *r);
/* In [0, n). */
uint32_t prng_below(struct prng *r, uint32_t n);

/*
 * Sets, trees and databases are never freed. What hangs on a set or a table is
 * kept by it; other things are kept by this, so that a leak of the compiler
 * is not lost among them.
 */
void *keep(void *p);

/* ---- syntax trees ------------------------------------------------------ */

struct addr addr_of(const char *text);
struct prefix prefix_from(const char *text);

struct expr *any(void);
struct expr *inside(void);
struct expr *gateway(void);
struct expr *cidr(const char *text);
struct expr *prefix_expr(struct prefix p);
struct expr *country(const char *cc);
struct expr *continent(const char *code);
struct expr *asn(uint32_t number);
struct expr *city(const char *name, const char *cc);
struct expr *beyond(uint32_t km);
struct expr *unknown(void);
struct expr *mac(uint64_t number);
struct expr *vendor(const char *words);
struct expr *interface(const char *name);
struct expr *vlan(uint32_t number);
struct expr *set_ref(uint32_t index);
struct expr *file_list(const struct prefix_list *prefixes);
/* NULL ends the operands. */
struct expr *join_expr(enum expr_op op, struct expr *first, ...);
#define OR(...)           join_expr(EXPR_OR, __VA_ARGS__, NULL)
#define AND(...)          join_expr(EXPR_AND, __VA_ARGS__, NULL)
#define EXCEPT(what, out) join_expr(EXPR_EXCEPT, what, out, NULL)

struct policy_set *set_new(void);
/* The pointer is good until the next policy is added. Mode of the set: enforce. */
struct policy *policy_add(struct policy_set *set, const char *name, struct expr *from,
			  struct expr *to);
/* Drops and alerts at 100 %. */
struct quota *quota_add(struct policy *p, uint64_t bytes, enum cf_key_kind key,
			enum period_kind period);
struct except *except_add(struct policy *p, struct expr *from, struct expr *to);
struct exempt *exempt_add(struct policy_set *set, const char *name, struct expr *from,
			  struct expr *to);
void protect_add(struct policy_set *set, struct expr *from, struct expr *to);
void exempt_policy(struct exempt *e, const char *policy);

/* ---- databases -------------------------------------------------------- */

struct geo_table *table_new(void);
void table_add(struct geo_table *t, const char *first, const char *last, struct geo_record record);
/*
 * About n4 + n6 ranges, with gaps; a part of the IPv6 ones ends below a /64.
 * fields: of this kind of database.
 */
struct geo_table *table_random(struct prng *r, enum geo_kind kind, size_t n4, size_t n6);

/* ---- compiling -------------------------------------------------------- */

/* 2026-11-23 12:00 UTC, a Monday. */
#define TEST_NOW ((struct utc){ 1795435200 })

/* Input with zones of UTC, and 40 days. */
struct image_input input_for(const struct policy_set *set);
/* Compiles; fails the test, showing the errors, if that does. */
struct image *compile(const struct image_input *in);
/* The errors as text; fails the test if there are none. Never freed. */
const char *compile_errors(const struct image_input *in);

#endif
