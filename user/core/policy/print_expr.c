/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Canonical text of expressions: of addresses, of services, of time. */
#include <math.h>
#include <string.h>

#include "core/policy/lex.h"
#include "core/policy/print.h"
#include "core/policy/words.h"

void print_string(struct buf *out, const char *s)
{
	buf_puts(out, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_puts(out, "\\");
		buf_add(out, s, 1);
	}
	buf_puts(out, "\"");
}

void print_interface(struct buf *out, const char *name)
{
	struct lexer l;
	struct token t;

	lex_init(&l, name, strlen(name), 0);
	t = lex_next(&l);
	if (t.kind == T_WORD && t.n == strlen(name) && !word_reserved(name, t.n))
		buf_puts(out, name);
	else
		print_string(out, name);
}

void print_prefix(struct buf *out, const struct prefix *p)
{
	char text[PREFIX_TEXT_MAX];

	buf_puts(out, prefix_format(p, text));
}

static void print_service(struct buf *out, const struct service *s)
{
	const struct protocol *proto = protocol_by_number(s->protocol);

	if (!proto) {
		buf_printf(out, "proto %u", s->protocol);
		return;
	}
	buf_puts(out, proto->name);
	if (!s->has_port)
		return;
	buf_printf(out, "/%u", s->port_first);
	if (s->port_last != s->port_first)
		buf_printf(out, "-%u", s->port_last);
}

void print_services(struct buf *out, const struct service_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i ? ", " : "");
		print_service(out, &l->v[i]);
	}
}

void print_degrees(struct buf *out, double degrees)
{
	long long nano = llround(degrees * 1e9), part;
	unsigned int digits = 9;

	part = llabs(nano % 1000000000);
	buf_printf(out, "%s%lld", nano < 0 ? "-" : "", llabs(nano / 1000000000));
	if (!part)
		return;
	for (; part % 10 == 0; part /= 10)
		digits--;
	buf_printf(out, ".%0*lld", (int)digits, part);
}

void print_duration(struct buf *out, uint64_t seconds)
{
	static const struct {
		const char *one, *many;
		uint64_t seconds;
	} units[] = {
		{ "day", "days", 86400 }, { "h", "h", 3600 }, { "min", "min", 60 }, { "s", "s", 1 }
	};
	size_t i = 0;

	while (seconds % units[i].seconds)
		i++;
	seconds /= units[i].seconds;
	buf_printf(out, "%llu %s", (unsigned long long)seconds,
		   seconds == 1 ? units[i].one : units[i].many);
}

/* ---- who and where to -------------------------------------------------------- */

static void print_mac(struct buf *out, const uint8_t m[6])
{
	buf_printf(out, "mac %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void word_and_string(struct buf *out, const char *word, const char *text)
{
	buf_puts(out, word);
	print_string(out, text);
}

void print_atom(struct buf *out, const struct atom *a)
{
	switch (a->kind) {
	case ATOM_ANY:
		buf_puts(out, "any");
		break;
	case ATOM_INSIDE:
		buf_puts(out, "inside");
		break;
	case ATOM_GATEWAY:
		buf_puts(out, "gateway");
		break;
	case ATOM_UNKNOWN:
		buf_puts(out, "unknown");
		break;
	case ATOM_PREFIX:
		print_prefix(out, &a->prefix);
		break;
	case ATOM_SET:
		buf_puts(out, a->text);
		break;
	case ATOM_MAC:
		print_mac(out, a->mac);
		break;
	case ATOM_VENDOR:
		word_and_string(out, "vendor ", a->text);
		break;
	case ATOM_INTERFACE:
		buf_puts(out, "interface ");
		print_interface(out, a->text);
		break;
	case ATOM_VLAN:
		buf_printf(out, "vlan %u", a->number);
		break;
	case ATOM_COUNTRY:
		buf_printf(out, "country %s", a->text);
		break;
	case ATOM_CONTINENT:
		buf_printf(out, "continent %s", a->text);
		break;
	case ATOM_ASN:
		buf_printf(out, "AS%u", a->number);
		break;
	case ATOM_CITY:
		word_and_string(out, "city ", a->text);
		buf_printf(out, " in %s", a->cc);
		break;
	case ATOM_BEYOND:
		buf_printf(out, "beyond %u km", a->number);
		break;
	case ATOM_FILE:
		word_and_string(out, "file ", a->text);
		break;
	}
}

/* How tightly each operator binds; an operand that binds less needs parentheses. */
enum binding { BIND_EXCEPT, BIND_OR, BIND_AND, BIND_ATOM };

static void print_expr(struct buf *out, const struct expr *e, enum binding need)
{
	static const struct {
		enum binding mine, child;
		const char *sign;
	} ops[] = {
		[EXPR_ATOM] = { BIND_ATOM, BIND_ATOM, "" },
		[EXPR_AND] = { BIND_AND, BIND_ATOM, " and " },
		[EXPR_OR] = { BIND_OR, BIND_AND, ", " },
		[EXPR_EXCEPT] = { BIND_EXCEPT, BIND_OR, " except " },
	};
	bool parens = ops[e->op].mine < need;

	if (e->op == EXPR_ATOM) {
		print_atom(out, &e->atom);
		return;
	}
	buf_puts(out, parens ? "(" : "");
	for (size_t i = 0; i < e->n; i++) {
		buf_puts(out, i ? ops[e->op].sign : "");
		print_expr(out, e->v[i], ops[e->op].child);
	}
	buf_puts(out, parens ? ")" : "");
}

void policy_print_expr(const struct expr *e, struct buf *out)
{
	print_expr(out, e, BIND_EXCEPT);
}

/* ---- time ------------------------------------------------------------------------ */

static const char *day_name(unsigned int day)
{
	return word_of(words_days, day % 7);
}

void print_day_list(struct buf *out, uint8_t days)
{
	const char *between = "";

	for (unsigned int d = 0; d < 7; d++) {
		if (!(days & 1 << d))
			continue;
		buf_printf(out, "%s%s", between, day_name(d));
		between = ", ";
	}
}

/* One run of days, also over the week's end: "daily", "sat", "fri-mon". */
static void print_days(struct buf *out, uint8_t days)
{
	unsigned int first = 0, last;

	if (days == 0x7f) {
		buf_puts(out, "daily");
		return;
	}
	while (!(days & 1 << first) || days & 1 << (first + 6) % 7)
		first++;
	for (last = first; days & 1 << (last + 1) % 7;)
		last++;
	buf_puts(out, day_name(first));
	if (last != first)
		buf_printf(out, "-%s", day_name(last));
}

static void print_clock(struct buf *out, unsigned int minute)
{
	buf_printf(out, "%02u:%02u", minute / 60, minute % 60);
}

static void print_date(struct buf *out, const struct civil_date *d)
{
	buf_printf(out, "%04d-%02u-%02u", d->year, d->month, d->day);
}

void print_civil(struct buf *out, const struct civil_minute *m)
{
	print_date(out, &m->date);
	buf_puts(out, " ");
	print_clock(out, m->minute);
}

static void print_dates(struct buf *out, const struct date_list *l)
{
	buf_puts(out, "dates ");
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i ? ", " : "");
		print_date(out, &l->v[i].first);
		if (memcmp(&l->v[i].first, &l->v[i].last, sizeof(l->v[i].first)) == 0)
			continue;
		buf_puts(out, "..");
		print_date(out, &l->v[i].last);
	}
}

static void print_span(struct buf *out, const struct time_expr *t)
{
	print_days(out, t->days);
	if (t->from == 0 && t->until == 1440)
		return;
	buf_puts(out, " ");
	print_clock(out, t->from);
	buf_puts(out, "-");
	print_clock(out, t->until);
}

static void print_between(struct buf *out, const struct time_expr *t)
{
	buf_puts(out, "from ");
	print_civil(out, &t->begin);
	buf_puts(out, " until ");
	print_civil(out, &t->end);
}

static void print_time(struct buf *out, const struct time_expr *t, enum binding need)
{
	enum binding mine = BIND_ATOM, child = BIND_ATOM;
	const char *sign = "";
	bool parens;

	switch (t->op) {
	case TIME_ALWAYS:
		buf_puts(out, "always");
		return;
	case TIME_SPAN:
		print_span(out, t);
		return;
	case TIME_WINDOW:
		buf_puts(out, t->text);
		return;
	case TIME_WEEKENDS:
		buf_puts(out, "weekends");
		return;
	case TIME_WEEKDAYS:
		buf_puts(out, "weekdays");
		return;
	case TIME_DATES:
		/* "dates a, b and night" would read as if only b were meant */
		parens = t->dates.n > 1 && need == BIND_ATOM;
		buf_puts(out, parens ? "(" : "");
		print_dates(out, &t->dates);
		buf_puts(out, parens ? ")" : "");
		return;
	case TIME_FILE:
		buf_puts(out, "dates file ");
		print_string(out, t->text);
		return;
	case TIME_BETWEEN:
		print_between(out, t);
		return;
	case TIME_AND:
		mine = BIND_AND;
		sign = " and ";
		break;
	case TIME_OR:
		mine = BIND_OR;
		child = BIND_AND;
		sign = ", ";
		break;
	case TIME_EXCEPT:
		mine = BIND_EXCEPT;
		child = BIND_OR;
		sign = " except ";
		break;
	}
	buf_puts(out, mine < need ? "(" : "");
	for (size_t i = 0; i < t->n; i++) {
		buf_puts(out, i ? sign : "");
		print_time(out, t->v[i], child);
	}
	buf_puts(out, mine < need ? ")" : "");
}

void policy_print_time(const struct time_expr *t, struct buf *out)
{
	print_time(out, t, BIND_EXCEPT);
}
