/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of canonical text that printer, checker and diff share. Internal to core. */
#ifndef CURFEW_CORE_POLICY_PRINT_H
#define CURFEW_CORE_POLICY_PRINT_H

#include "core/policy/policy.h"

/* In quotes, escaped. */
void print_string(struct buf *out, const char *s);
/* Bare where the language allows it, else in quotes. */
void print_interface(struct buf *out, const char *name);
void print_prefix(struct buf *out, const struct prefix *p);
void print_services(struct buf *out, const struct service_list *l);
void print_civil(struct buf *out, const struct civil_minute *m);
/* "sat, sun" */
void print_day_list(struct buf *out, uint8_t days);
/* "2 h": one number, one unit, exact. */
void print_duration(struct buf *out, uint64_t seconds);
/* "12.5" of degrees, up to nine decimals. */
void print_degrees(struct buf *out, double degrees);
/* "AS64500", "country CN" … */
void print_atom(struct buf *out, const struct atom *a);

/* Whole statements, as policy_print() writes them; nothing where the set does not have it. */
void print_site(struct buf *out, const struct site *s);
void print_networks(struct buf *out, const struct prefix_list *l);
void print_ignore(struct buf *out, const struct ignore *i);
void print_geo(struct buf *out, const struct geo_file *g);
void print_protect(struct buf *out, const struct protect *r);
void print_exempt(struct buf *out, const struct exempt *e);
void print_publish(struct buf *out, const struct publish *r);
void print_detect(struct buf *out, const struct detect *d);
void print_on(struct buf *out, const struct policy_set *set, enum on_event event);
void print_alert_to(struct buf *out, const struct policy_set *set);
void print_mode(struct buf *out, const struct policy_set *set);
void print_set(struct buf *out, const struct set *s);
void print_window(struct buf *out, const struct window *w);

#endif
