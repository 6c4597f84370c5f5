/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The canonical text of a policy set. What is printed here parses to the same set. */
#include "core/policy/print.h"

#include <stdio.h>

#include "base/units.h"
#include "core/policy/words.h"

/* "    from       inside": statements of a block, their words in a column. */
static void field(struct buf *out, const char *word)
{
	buf_printf(out, "    %-10s ", word);
}

static void print_key(struct buf *out, enum cf_key_kind key, uint8_t prefix4, uint8_t prefix6)
{
	buf_printf(out, " per %s", word_of(words_keys, key));
	if (key == CF_KEY_PREFIX)
		buf_printf(out, " %u/%u", prefix4, prefix6);
}

void policy_print_quota(const struct quota *q, struct buf *out)
{
	char size[UNITS_TEXT_MAX];

	buf_puts(out, size_format_exact(q->bytes, size));
	buf_puts(out, q->wire ? " wire" : "");
	print_key(out, q->key, q->prefix4, q->prefix6);
	if (q->period == PERIOD_HOURS) {
		buf_printf(out, " each %u h", q->hours);
		return;
	}
	buf_printf(out, " each %s", word_of(words_periods, q->period));
	if (q->period == PERIOD_MONTH && q->month_day > 1)
		buf_printf(out, " from %u", q->month_day);
}

void policy_print_rate(const struct rate *r, struct buf *out)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} units[] = {
		{ "Gbit/s", 1000000000 }, { "Mbit/s", 1000000 }, { "kbit/s", 1000 }, { "bit/s", 1 }
	};
	char size[UNITS_TEXT_MAX];
	size_t i = 0;

	while (r->bits_per_second % units[i].bits)
		i++;
	buf_printf(out, "%llu %s", (unsigned long long)(r->bits_per_second / units[i].bits),
		   units[i].name);
	if (r->burst_bytes)
		buf_printf(out, " burst %s", size_format_exact(r->burst_bytes, size));
	print_key(out, r->key, r->prefix4, r->prefix6);
}

static void print_actions(struct buf *out, const struct actions *a)
{
	const char *between = "";

	if (a->drop) {
		buf_puts(out, "drop");
		if (a->drop_seconds) {
			buf_puts(out, " for ");
			print_duration(out, a->drop_seconds);
		}
		between = ", ";
	}
	if (a->quarantine_seconds) {
		buf_printf(out, "%squarantine source for ", between);
		print_duration(out, a->quarantine_seconds);
		between = ", ";
	}
	if (a->has_mark) {
		buf_printf(out, "%smark 0x%x", between, a->mark);
		between = ", ";
	}
	if (a->alert != CF_LEVEL_NONE)
		buf_printf(out, "%salert %s", between, word_of(words_levels, a->alert));
}

static void field_expr(struct buf *out, const char *word, const struct expr *e)
{
	if (!e)
		return;
	field(out, word);
	policy_print_expr(e, out);
	buf_puts(out, "\n");
}

static void field_services(struct buf *out, const struct service_list *l)
{
	if (!l->n)
		return;
	field(out, "service");
	print_services(out, l);
	buf_puts(out, "\n");
}

static void field_during(struct buf *out, const struct time_expr *t)
{
	if (!t)
		return;
	field(out, "during");
	policy_print_time(t, out);
	buf_puts(out, "\n");
}

static void print_except(struct buf *out, const struct except *e)
{
	const char *between = " ";

	field(out, "except");
	buf_puts(out, "{");
	if (e->from) {
		buf_printf(out, "%sfrom ", between);
		policy_print_expr(e->from, out);
		between = "  ";
	}
	if (e->to) {
		buf_printf(out, "%sto ", between);
		policy_print_expr(e->to, out);
		between = "  ";
	}
	if (e->services.n) {
		buf_printf(out, "%sservice ", between);
		print_services(out, &e->services);
		between = "  ";
	}
	if (e->initiated_pos.line) {
		buf_printf(out, "%sinitiated %s", between, word_of(words_initiated, e->initiated));
		between = "  ";
	}
	if (e->during) {
		buf_printf(out, "%sduring ", between);
		policy_print_time(e->during, out);
	}
	buf_puts(out, " }\n");
}

static void print_limits(struct buf *out, const struct policy *p)
{
	for (size_t i = 0; i < p->quotas.n; i++) {
		field(out, "quota");
		policy_print_quota(&p->quotas.v[i], out);
		buf_puts(out, "\n");
	}
	for (size_t i = 0; i < p->rates.n; i++) {
		field(out, "rate");
		policy_print_rate(&p->rates.v[i], out);
		buf_puts(out, "\n");
	}
	for (size_t i = 0; i < p->excepts.n; i++)
		print_except(out, &p->excepts.v[i]);
	if (p->has_then) {
		field(out, "then");
		print_actions(out, &p->then);
		buf_puts(out, "\n");
	}
	for (size_t i = 0; i < p->ats.n; i++) {
		char word[16];

		snprintf(word, sizeof(word), "at %u%%", p->ats.v[i].percent);
		field(out, word);
		print_actions(out, &p->ats.v[i].actions);
		buf_puts(out, "\n");
	}
}

void policy_print_policy(const struct policy_set *set _unused_, const struct policy *p,
			 struct buf *out)
{
	buf_puts(out, "policy ");
	print_string(out, p->name);
	buf_puts(out, " {\n");
	field_expr(out, "from", p->from);
	field_expr(out, "to", p->to);
	field_services(out, &p->services);
	field_during(out, p->during);
	if (p->initiated_pos.line) {
		field(out, "initiated");
		buf_printf(out, "%s\n", word_of(words_initiated, p->initiated));
	}
	print_limits(out, p);
	if (p->mode != MODE_UNSET) {
		field(out, "mode");
		buf_printf(out, "%s\n", word_of(words_modes, p->mode));
	}
	buf_puts(out, "}\n");
}

/* "protect {", "protect \"name\" {" */
static void print_head(struct buf *out, const char *word, const char *name)
{
	buf_printf(out, "%s ", word);
	if (name) {
		print_string(out, name);
		buf_puts(out, " ");
	}
	buf_puts(out, "{\n");
}

void print_protect(struct buf *out, const struct protect *r)
{
	print_head(out, "protect", r->name);
	field_expr(out, "from", r->from);
	field_expr(out, "to", r->to);
	field_services(out, &r->services);
	buf_puts(out, "}\n");
}

void print_exempt(struct buf *out, const struct exempt *e)
{
	print_head(out, "exempt", e->name);
	field_expr(out, "from", e->from);
	field_expr(out, "to", e->to);
	field_services(out, &e->services);
	if (e->policies.n) {
		field(out, "policies");
		for (size_t i = 0; i < e->policies.n; i++) {
			buf_puts(out, i ? ", " : "");
			print_string(out, e->policies.v[i]);
		}
		buf_puts(out, "\n");
	}
	field_during(out, e->during);
	if (e->has_until) {
		field(out, "until");
		print_civil(out, &e->until);
		buf_puts(out, "\n");
	}
	buf_puts(out, "}\n");
}

void print_publish(struct buf *out, const struct publish *r)
{
	print_head(out, "publish", r->name);
	field(out, "host");
	print_prefix(out, &r->host);
	buf_puts(out, "\n");
	field_services(out, &r->services);
	if (r->has_quota) {
		field(out, "at most");
		policy_print_quota(&r->quota, out);
		buf_puts(out, "\n");
	}
	buf_puts(out, "}\n");
}

/* ---- the rest of a file ---------------------------------------------------------- */

/* A blank line before each group of statements but the first. */
static void group(struct buf *out)
{
	if (out->n)
		buf_puts(out, "\n");
}

void print_site(struct buf *out, const struct site *s)
{
	if (!s->pos.line)
		return;
	buf_puts(out, "site {\n");
	if (s->name) {
		field(out, "name");
		print_string(out, s->name);
		buf_puts(out, "\n");
	}
	if (s->has_location) {
		field(out, "location");
		print_degrees(out, s->latitude);
		buf_puts(out, ", ");
		print_degrees(out, s->longitude);
		buf_puts(out, "\n");
	}
	if (s->timezone) {
		field(out, "timezone");
		print_string(out, s->timezone);
		buf_puts(out, "\n");
	}
	field(out, "weekend");
	print_day_list(out, s->weekend);
	buf_puts(out, "\n}\n");
}

static void print_interfaces(struct buf *out, const char *word, const struct name_list *l)
{
	if (!l->n)
		return;
	buf_printf(out, "%-8s ", word);
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i ? ", " : "");
		print_interface(out, l->v[i].name);
		buf_puts(out, l->v[i].xdp_never ? " xdp never" : "");
	}
	buf_puts(out, "\n");
}

void print_networks(struct buf *out, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i ? ", " : "networks ");
		print_prefix(out, &l->v[i]);
	}
	buf_puts(out, l->n ? "\n" : "");
}

void print_ignore(struct buf *out, const struct ignore *i)
{
	buf_puts(out, "ignore destination ");
	policy_print_expr(i->to, out);
	buf_puts(out, "\n");
}

void print_geo(struct buf *out, const struct geo_file *g)
{
	buf_printf(out, "geo %s ", word_of(words_geo, g->kind));
	print_string(out, g->path);
	buf_puts(out, "\n");
}

static void print_machine(struct buf *out, const struct policy_set *set)
{
	if (set->inside.n || set->outside.n || set->networks.n || set->ignores.n)
		group(out);
	print_interfaces(out, "inside", &set->inside);
	print_interfaces(out, "outside", &set->outside);
	print_networks(out, &set->networks);
	for (size_t i = 0; i < set->ignores.n; i++)
		print_ignore(out, &set->ignores.v[i]);
	if (set->geo.n)
		group(out);
	for (size_t i = 0; i < set->geo.n; i++)
		print_geo(out, &set->geo.v[i]);
}

void print_set(struct buf *out, const struct set *s)
{
	buf_printf(out, "set %s = ", s->name);
	policy_print_expr(s->expr, out);
	buf_puts(out, "\n");
}

void print_window(struct buf *out, const struct window *w)
{
	buf_printf(out, "window %s = ", w->name);
	policy_print_time(w->when, out);
	if (w->zone) {
		buf_puts(out, " in ");
		print_string(out, w->zone);
	}
	buf_puts(out, "\n");
}

void print_detect(struct buf *out, const struct detect *d)
{
	char size[UNITS_TEXT_MAX];

	buf_printf(out, "detect %s", word_of(words_detects, d->kind));
	if (d->has_key || d->at_least_bytes || d->new_after_days) {
		buf_puts(out, " {\n");
		if (d->has_key) {
			field(out, "per");
			buf_printf(out, "%s\n", word_of(words_keys, d->key));
		}
		if (d->at_least_bytes) {
			field(out, "at least");
			buf_printf(out, "%s\n", size_format_exact(d->at_least_bytes, size));
		}
		if (d->new_after_days) {
			field(out, "new after");
			buf_printf(out, "%u days\n", d->new_after_days);
		}
		buf_puts(out, "}");
	}
	buf_puts(out, "\n");
}

void print_on(struct buf *out, const struct policy_set *set, enum on_event event)
{
	if (set->on[event].choice != CHOICE_UNSET)
		buf_printf(out, "on %s %s\n", words_on[event].event,
			   word_of(words_choices, set->on[event].choice));
}

void print_alert_to(struct buf *out, const struct policy_set *set)
{
	if (!set->alert_to.given)
		return;
	buf_puts(out, set->alert_to.journal ? "alert to journal" : "alert to ");
	for (size_t i = 0; i < set->alert_to.files.n; i++) {
		buf_puts(out, i || set->alert_to.journal ? ", file " : "file ");
		print_string(out, set->alert_to.files.v[i].name);
	}
	buf_puts(out, "\n");
}

void print_mode(struct buf *out, const struct policy_set *set)
{
	if (set->mode != MODE_UNSET)
		buf_printf(out, "mode %s\n", word_of(words_modes, set->mode));
}

static void print_behaviour(struct buf *out, const struct policy_set *set)
{
	bool any = set->alert_to.given || set->mode != MODE_UNSET;

	for (unsigned int i = 0; i < ON_MAX; i++)
		any |= set->on[i].choice != CHOICE_UNSET;
	if (any)
		group(out);
	for (unsigned int i = 0; i < ON_MAX; i++)
		print_on(out, set, (enum on_event)i);
	print_alert_to(out, set);
	print_mode(out, set);
}

void policy_print(const struct policy_set *set, struct buf *out)
{
	print_site(out, &set->site);
	print_machine(out, set);
	if (set->sets.n)
		group(out);
	for (size_t i = 0; i < set->sets.n; i++)
		print_set(out, &set->sets.v[i]);
	if (set->windows.n)
		group(out);
	for (size_t i = 0; i < set->windows.n; i++)
		print_window(out, &set->windows.v[i]);
	for (size_t i = 0; i < set->policies.n; i++) {
		group(out);
		policy_print_policy(set, &set->policies.v[i], out);
	}
	for (size_t i = 0; i < set->publishes.n; i++) {
		group(out);
		print_publish(out, &set->publishes.v[i]);
	}
	for (size_t i = 0; i < set->protects.n; i++) {
		group(out);
		print_protect(out, &set->protects.v[i]);
	}
	for (size_t i = 0; i < set->exempts.n; i++) {
		group(out);
		print_exempt(out, &set->exempts.v[i]);
	}
	if (set->detects.n)
		group(out);
	for (size_t i = 0; i < set->detects.n; i++)
		print_detect(out, &set->detects.v[i]);
	print_behaviour(out, set);
}
