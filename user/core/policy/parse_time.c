/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows and the time expressions of `during`. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

#define ALL_DAYS 0x7f

static const char *const time_help =
	"times are: a window, daily 22:00-06:00, mon-fri 08:00-17:30, sat, weekends, weekdays, dates 2026-12-25, from … until …, always";

/* The days of the current word, "fri" or "fri-mon"; 0 if it is neither. */
static uint8_t days_of(const struct token *t)
{
	int first, last;
	uint8_t days = 0;

	if (t->kind != T_WORD || (t->n != 3 && t->n != 7))
		return 0;
	first = last = word_value(words_days, t->s, 3);
	if (t->n == 7)
		last = t->s[3] == '-' ? word_value(words_days, t->s + 4, 3) : -1;
	if (first < 0 || last < 0)
		return 0;
	for (int d = first;; d = (d + 1) % 7) {
		days |= (uint8_t)(1 << d);
		if (d == last)
			return days;
	}
}

int parse_days_list(struct parser *p, uint8_t *ret)
{
	uint8_t all = 0, days;

	do {
		days = days_of(&p->tok);
		if (!days)
			return parse_expected(p, "a day",
					      "days are mon, tue, wed, thu, fri, sat, sun");
		all |= days;
		parse_advance(p);
	} while (parse_kind(p, T_COMMA));
	*ret = all;
	return 0;
}

int parse_civil(struct parser *p, struct civil_minute *ret)
{
	static const char *const help = "write: 2026-12-01 16:00";

	if (p->tok.kind == T_TIME)
		return parse_expected(
			p, "a date",
			"write: 2026-12-01 16:00; hours that repeat are: daily 22:00-06:00");
	if (p->tok.kind != T_DATE)
		return parse_expected(p, "a date", help);
	*ret = (struct civil_minute){ .date = p->tok.dates.first };
	parse_advance(p);
	if (p->tok.kind == T_TIME) {
		ret->minute = (uint16_t)p->tok.first;
		parse_advance(p);
	} else if (p->tok.kind == T_BAD && !p->tok.first_on_line) {
		return parse_expected(p, "a time of day", help);
	}
	return 0;
}

static int time_span(struct parser *p, struct time_expr *t, uint8_t days)
{
	t->op = TIME_SPAN;
	t->days = days;
	t->from = 0;
	t->until = 1440;
	parse_advance(p);
	if (p->tok.kind == T_SPAN) {
		t->from = (uint16_t)p->tok.first;
		t->until = (uint16_t)p->tok.last;
		parse_advance(p);
	} else if (token_is(&p->tok, "to") && days_of(&p->next)) {
		return parse_expected(p, "a span of time", "a range of days is written: mon-fri");
	} else if (token_is(&p->tok, "from") && p->next.kind == T_TIME) {
		return parse_expected(p, "a span of time", "write: daily 22:00-06:00");
	} else if (p->tok.kind == T_TIME || (p->tok.kind == T_BAD && !p->tok.first_on_line)) {
		return parse_expected(p, "a span of time",
				      "write: daily 22:00-06:00, without blanks");
	}
	return 0;
}

static int time_dates(struct parser *p, struct time_expr *t)
{
	t->op = TIME_DATES;
	parse_advance(p);
	if (token_is(&p->tok, "file")) {
		_cleanup_free_ char *path = NULL;
		struct pos pos = p->next.pos;

		parse_advance(p);
		t->op = TIME_FILE;
		if (parse_string(p, "a path in quotes", "write: dates file \"holidays.txt\"",
				 &path) < 0)
			return -EINVAL;
		t->text = parse_path(p, path);
		return parse_date_file(p, pos, t->text, &t->dates);
	}
	for (;;) {
		if (p->tok.kind != T_DATE && p->tok.kind != T_DATES)
			return parse_expected(
				p, "a date",
				"write: dates 2026-12-25, 2026-12-31..2027-01-02, or: dates file \"holidays.txt\"");
		*VEC_ADD(&t->dates) = p->tok.dates;
		parse_advance(p);
		if (p->tok.kind != T_COMMA || (p->next.kind != T_DATE && p->next.kind != T_DATES))
			return 0;
		parse_advance(p);
	}
}

static int64_t civil_order(const struct civil_minute *m)
{
	return (((int64_t)m->date.year * 16 + m->date.month) * 32 + m->date.day) * 1440 + m->minute;
}

static int time_between(struct parser *p, struct time_expr *t)
{
	static const char *const help = "write: from 2026-12-01 16:00 until 2026-12-02 08:00";
	struct pos pos;

	t->op = TIME_BETWEEN;
	parse_advance(p);
	if (parse_civil(p, &t->begin) < 0 || parse_need_word(p, "until", help) < 0)
		return -EINVAL;
	pos = p->tok.pos;
	if (parse_civil(p, &t->end) < 0)
		return -EINVAL;
	if (civil_order(&t->end) <= civil_order(&t->begin))
		return parse_error(p, pos, "a date without a time means 00:00 of that day",
				   "this ends before it begins");
	return 0;
}

static int time_name(struct parser *p, struct time_expr *t)
{
	const char *help = time_help;

	if (p->tok.kind == T_SPAN)
		help = "each span needs its days: daily 22:00-06:00, mon-fri 08:00-17:30";
	if (p->tok.kind == T_DATE || p->tok.kind == T_DATES)
		help = "write: dates 2026-12-25";
	if (p->tok.kind == T_STRING)
		help = "times and windows are written without quotes: daily 22:00-06:00";
	if (token_is(&p->tok, "file"))
		help = "write: dates file \"holidays.txt\"";
	if (token_is(&p->tok, "weekend"))
		help = "did you mean 'weekends'?";
	if (token_is(&p->tok, "until"))
		help = "write: from 2026-12-01 until 2026-12-02";
	if (token_is(&p->tok, "except"))
		help = "say what it is taken out of: always except weekends";
	if (token_is(&p->tok, "window"))
		help = "a window is named alone: during night";
	if (token_is(&p->tok, "not"))
		return parse_error(p, p->tok.pos, "write 'except': always except weekends",
				   "expected a time, found 'not'");
	if (p->tok.kind == T_WORD && !word_reserved(p->tok.s, p->tok.n) && !p->next.first_on_line &&
	    (p->next.kind == T_DATE || p->next.kind == T_DATES))
		return parse_expected(p, "a time", "write: dates 2026-12-25");
	if (p->tok.kind != T_WORD || word_reserved(p->tok.s, p->tok.n) || parse_is_foreign_word(p))
		return parse_expected(p, "a time", help);
	if (p->next.kind == T_SPAN)
		return parse_error(p, p->tok.pos,
				   "days are mon, tue, wed, thu, fri, sat, sun, mon-fri or daily",
				   "'%.*s' is not a day", (int)p->tok.n, p->tok.s);
	t->op = TIME_WINDOW;
	t->window = UINT32_MAX;
	t->text = xstrndup(p->tok.s, p->tok.n);
	parse_advance(p);
	return 0;
}

static int time_whole_days(struct parser *p, struct time_expr *t, enum time_op op)
{
	t->op = op;
	parse_advance(p);
	if (p->tok.kind != T_SPAN)
		return 0;
	if (op == TIME_WEEKENDS)
		return parse_error(
			p, p->tok.pos,
			"name the days, 'sat-sun 10:00-12:00', or write 'weekends and daily 10:00-12:00'",
			"weekends are whole days");
	return parse_error(
		p, p->tok.pos,
		"name the days, 'mon-fri 08:00-17:30', or write 'weekdays and daily 08:00-17:30'",
		"weekdays are whole days");
}

static int parse_primary(struct parser *p, struct time_expr **ret);
static int parse_union(struct parser *p, struct time_expr **ret);

static int parse_nested(struct parser *p, struct time_expr **ret)
{
	int r;

	if (p->nesting >= PARSE_NESTING_MAX)
		return parse_error(p, p->tok.pos, "give the inner part a name: window x = …",
				   "parentheses are nested too deep");
	p->nesting++;
	parse_advance(p);
	r = parse_time_expr(p, ret);
	p->nesting--;
	return r < 0 ? r : parse_need(p, T_RPAREN, "')'", NULL);
}

static int parse_primary(struct parser *p, struct time_expr **ret)
{
	uint8_t days = token_is(&p->tok, "daily") ? ALL_DAYS : days_of(&p->tok);
	struct time_expr *t;

	if (p->tok.kind == T_LPAREN)
		return parse_nested(p, ret);
	*ret = t = xcalloc(1, sizeof(*t));
	t->pos = p->tok.pos;
	if (days)
		return time_span(p, t, days);
	if (token_is(&p->tok, "weekends"))
		return time_whole_days(p, t, TIME_WEEKENDS);
	if (token_is(&p->tok, "weekdays"))
		return time_whole_days(p, t, TIME_WEEKDAYS);
	if (token_is(&p->tok, "dates"))
		return time_dates(p, t);
	if (token_is(&p->tok, "from"))
		return time_between(p, t);
	if (parse_word(p, "always"))
		return 0;
	return time_name(p, t);
}

static void join(struct time_expr *list, struct time_expr *child)
{
	if (list->op != TIME_EXCEPT && child->op == list->op) {
		for (size_t i = 0; i < child->n; i++)
			*VEC_ADD(list) = child->v[i];
		child->n = 0;
		time_expr_free(child);
		return;
	}
	*VEC_ADD(list) = child;
}

static struct time_expr *wrap(enum time_op op, struct time_expr *first)
{
	struct time_expr *list = xcalloc(1, sizeof(*list));

	list->op = op;
	list->pos = first->pos;
	*VEC_ADD(list) = first;
	return list;
}

static int parse_both(struct parser *p, struct time_expr **ret)
{
	int r = parse_primary(p, ret);

	while (r == 0 && parse_word(p, "and")) {
		struct time_expr *next = NULL;

		if ((*ret)->op != TIME_AND)
			*ret = wrap(TIME_AND, *ret);
		r = parse_primary(p, &next);
		if (next)
			join(*ret, next);
	}
	return r;
}

static int parse_union(struct parser *p, struct time_expr **ret)
{
	int r = parse_both(p, ret);

	while (r == 0 && parse_kind(p, T_COMMA)) {
		struct time_expr *next = NULL;

		if ((*ret)->op != TIME_OR)
			*ret = wrap(TIME_OR, *ret);
		r = parse_both(p, &next);
		if (next)
			join(*ret, next);
	}
	return r;
}

static bool begins_except(const struct parser *p)
{
	return token_is(&p->tok, "except") && p->next.kind != T_LBRACE;
}

int parse_time_expr(struct parser *p, struct time_expr **ret)
{
	struct time_expr *out = NULL;
	int r = parse_union(p, ret);

	if (r < 0 || !begins_except(p))
		return r;
	parse_advance(p);
	*ret = wrap(TIME_EXCEPT, *ret);
	r = parse_union(p, &out);
	if (out)
		*VEC_ADD(*ret) = out;
	if (r < 0 || !begins_except(p))
		return r;
	r = parse_error(p, p->tok.pos, "one 'except' takes a list: always except night, weekends",
			"a second 'except' in one expression");
	out = NULL;
	parse_advance(p);
	parse_union(p, &out);
	time_expr_free(out);
	return r;
}

/* Not whether the zone exists: that takes a file system. */
int parse_zone(struct parser *p, char **ret)
{
	static const char *const help = "write an IANA name: \"Asia/Shanghai\"";
	struct pos pos = p->tok.pos;
	_cleanup_free_ char *zone = NULL;

	if (parse_string(p, "a time zone in quotes", help, &zone) < 0)
		return -EINVAL;
	if (strstr(zone, "..") || *zone == '/' || *zone == '-' || strlen(zone) > 64 ||
	    zone[strspn(zone,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")])
		return parse_error(p, pos, help, "\"%s\" is not the name of a time zone", zone);
	*ret = TAKE(zone);
	return 0;
}

int parse_window(struct parser *p, struct pos pos, void *obj _unused_)
{
	struct window *w = VEC_ADD(&p->set->windows);
	const struct window *first;

	*w = (struct window){ .pos = pos };
	w->pos = p->tok.pos;
	if (parse_name(p, "a name for the window", "write: window night = daily 22:00-06:00",
		       &w->name) < 0) {
		p->incomplete = true;
		return -EINVAL;
	}
	first = policy_find_window(p->set, w->name);
	if (first != w)
		parse_error(p, w->pos, NULL, "window '%s' is defined twice: first at %s:%u",
			    w->name, p->set->files.v[first->pos.file], first->pos.line);
	if (parse_need(p, T_EQUALS, "'='", NULL) < 0 || parse_time_expr(p, &w->when) < 0)
		return -EINVAL;
	if (!p->tok.first_on_line && (p->tok.kind == T_STRING || token_is(&p->tok, "UTC") ||
				      token_is(&p->tok, "GMT") || token_is(&p->tok, "timezone")))
		return parse_expected(
			p, "'in'", "write: window night = daily 22:00-06:00 in \"Asia/Shanghai\"");
	if (!parse_word(p, "in"))
		return 0;
	w->zone_pos = p->tok.pos;
	return parse_zone(p, &w->zone);
}
