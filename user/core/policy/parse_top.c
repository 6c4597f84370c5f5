/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The statements of a file: the table of them, and those that are no rules. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

/* ---- site -------------------------------------------------------------------- */

static int site_name(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_string(p, "a name in quotes", NULL, &((struct site *)obj)->name);
}

static int degrees(struct parser *p, const char *what, int limit, double *ret)
{
	static const char *const help =
		"degrees with a decimal point, south and west negative: location 9.0302, 38.7612";

	if (p->tok.kind != T_NUMBER)
		return parse_expected(p, what, help);
	if (p->tok.nano > limit * 1000000000LL || p->tok.nano < -limit * 1000000000LL)
		return parse_error(p, p->tok.pos, help, "%s is between -%d and %d", what, limit,
				   limit);
	*ret = (double)p->tok.nano / 1e9;
	parse_advance(p);
	return 0;
}

static int site_location(struct parser *p, struct pos pos, void *obj)
{
	struct site *site = obj;

	if (degrees(p, "a latitude", 90, &site->latitude) < 0 ||
	    parse_need(p, T_COMMA, "','", NULL) < 0 ||
	    degrees(p, "a longitude", 180, &site->longitude) < 0)
		return -EINVAL;
	site->has_location = true;
	site->location_pos = pos;
	return 0;
}

static int site_timezone(struct parser *p, struct pos pos _unused_, void *obj)
{
	struct site *site = obj;

	site->timezone_pos = p->tok.pos;
	return parse_zone(p, &site->timezone);
}

static int site_weekend(struct parser *p, struct pos pos _unused_, void *obj)
{
	return parse_days_list(p, &((struct site *)obj)->weekend);
}

static int top_site(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = {
		{ "name", site_name, "name \"Headquarters\"", false },
		{ "location", site_location, "location 9.0302, 38.7612", false },
		{ "timezone", site_timezone, "timezone \"Africa/Addis_Ababa\"", false },
		{ "weekend", site_weekend, "weekend sat, sun", false },
	};

	p->set->site.pos = pos;
	return parse_block(p, "a site", rows, ARRAY_SIZE(rows), &p->set->site);
}

/* ---- one-liners ---------------------------------------------------------------- */

static int top_inside(struct parser *p, struct pos pos _unused_, void *obj _unused_)
{
	return parse_interfaces(p, true, &p->set->inside);
}

static int top_outside(struct parser *p, struct pos pos _unused_, void *obj _unused_)
{
	return parse_interfaces(p, false, &p->set->outside);
}

static int top_networks(struct parser *p, struct pos pos, void *obj _unused_)
{
	p->set->networks_pos = pos;
	do {
		if (p->tok.kind != T_PREFIX)
			return parse_expected_address(p, "a network",
						      "write: networks 10.0.0.0/8, fd12:3456::/32");
		*VEC_ADD(&p->set->networks) = p->tok.prefix;
		parse_advance(p);
	} while (parse_kind(p, T_COMMA));
	return 0;
}

static int top_ignore(struct parser *p, struct pos pos, void *obj _unused_)
{
	struct ignore *i = VEC_ADD(&p->set->ignores);

	*i = (struct ignore){ .pos = pos };
	if (parse_need_word(
		    p, "destination",
		    "only destinations can be ignored: ignore destination 198.51.100.0/24") < 0)
		return -EINVAL;
	return parse_expr(p, SIDE_TO, &i->to);
}

static int top_geo(struct parser *p, struct pos pos, void *obj _unused_)
{
	_cleanup_free_ char *path = NULL;
	unsigned int kind;

	if (parse_choice(p, words_geo, "a kind of database", &kind) < 0 ||
	    parse_string(p, "a path in quotes", NULL, &path) < 0)
		return -EINVAL;
	for (size_t i = 0; i < p->set->geo.n; i++)
		if (p->set->geo.v[i].kind == (enum geo_kind)kind)
			return parse_error(p, pos, "one database of a kind is read",
					   "duplicate 'geo %s': the first one is at %s:%u",
					   word_of(words_geo, kind),
					   p->set->files.v[p->set->geo.v[i].pos.file],
					   p->set->geo.v[i].pos.line);
	*VEC_ADD(&p->set->geo) = (struct geo_file){ pos, (enum geo_kind)kind, parse_path(p, path) };
	return 0;
}

static int top_set(struct parser *p, struct pos pos, void *obj _unused_)
{
	struct set *s = VEC_ADD(&p->set->sets);
	const struct set *first;

	*s = (struct set){ .pos = pos };
	s->pos = p->tok.pos;
	if (parse_name(p, "a name for the set", "write: set cameras = 10.20.0.0/24", &s->name) <
	    0) {
		p->incomplete = true;
		return -EINVAL;
	}
	if (p->tok.kind == T_WORD && !p->tok.first_on_line) {
		_cleanup_free_ char *help =
			xprintf("a name is one word: %s-%.*s", s->name, (int)p->tok.n, p->tok.s);

		return parse_expected(p, "'='", help);
	}
	if (parse_need(p, T_EQUALS, "'='",
		       p->tok.kind == T_BAD && *p->tok.s == '+'
			       ? "a set is defined once; give the parts names: set bad = old, new"
			       : NULL) < 0)
		return -EINVAL;
	first = policy_find_set(p->set, s->name);
	if (first != s)
		parse_error(p, s->pos, "give one of them another name",
			    "set '%s' is defined twice: first at %s:%u", s->name,
			    p->set->files.v[first->pos.file], first->pos.line);
	return parse_expr(p, SIDE_SET, &s->expr);
}

static int top_mode(struct parser *p, struct pos pos, void *obj _unused_)
{
	unsigned int v;

	if (parse_choice(p, words_modes, "a mode", &v) < 0)
		return -EINVAL;
	p->set->mode = (enum mode)v;
	p->set->mode_pos = pos;
	return 0;
}

/* ---- detect ---------------------------------------------------------------------- */

static int detect_per(struct parser *p, enum cf_key_kind *ret)
{
	struct pos pos = p->tok.pos;
	unsigned int key;

	if (p->tok.kind != T_WORD || parse_choice(p, words_keys, "a key", &key) < 0)
		return parse_expected(p, "a key", "write: per asn");
	*ret = (enum cf_key_kind)key;
	if (*ret != CF_KEY_DESTINATION && *ret != CF_KEY_ASN && *ret != CF_KEY_COUNTRY)
		return parse_error(p, pos, "new-destination is per destination, asn or country",
				   "'%s' does not name destinations", word_of(words_keys, key));
	return 0;
}

static int detect_key(struct parser *p, struct pos pos _unused_, void *obj)
{
	struct detect *d = obj;

	d->has_key = true;
	return detect_per(p, &d->key);
}

static int detect_at_least(struct parser *p, struct pos pos _unused_, void *obj)
{
	if (parse_need_word(p, "least", NULL) < 0)
		return -EINVAL;
	return parse_size(p, NULL, &((struct detect *)obj)->at_least_bytes);
}

static int detect_new_after(struct parser *p, struct pos pos _unused_, void *obj)
{
	struct pos at;
	uint64_t seconds;

	if (parse_need_word(p, "after", NULL) < 0)
		return -EINVAL;
	at = p->tok.pos;
	if (parse_duration(p, "write: new after 90 days", &seconds) < 0)
		return -EINVAL;
	if (seconds % 86400 || seconds > 3660 * 86400ULL)
		return parse_error(p, at, "write: new after 90 days",
				   "this is between 1 and 3660 whole days");
	((struct detect *)obj)->new_after_days = (uint32_t)(seconds / 86400);
	return 0;
}

static int top_detect(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const struct statement rows[] = {
		{ "per", detect_key, "per asn", false },
		{ "at", detect_at_least, "at least 10 MB", false },
		{ "new", detect_new_after, "new after 90 days", false },
	};
	unsigned int kind;
	struct detect *d;

	if (parse_choice(p, words_detects, "a detector", &kind) < 0)
		return -EINVAL;
	for (size_t i = 0; i < p->set->detects.n; i++)
		if (p->set->detects.v[i].kind == (enum detect_kind)kind)
			return parse_error(p, pos, NULL,
					   "duplicate 'detect %s': the first one is at %s:%u",
					   word_of(words_detects, kind),
					   p->set->files.v[p->set->detects.v[i].pos.file],
					   p->set->detects.v[i].pos.line);
	d = VEC_ADD(&p->set->detects);
	*d = (struct detect){ .pos = pos, .kind = (enum detect_kind)kind };
	if (d->kind != DETECT_NEW_DESTINATION || p->tok.kind != T_LBRACE)
		return 0;
	return parse_block(p, "detect new-destination", rows, ARRAY_SIZE(rows), d);
}

/* ---- on -------------------------------------------------------------------------- */

static int find_event(struct parser *p, enum on_event *ret)
{
	struct nearest near = { .s = p->tok.s, .n = p->tok.n };
	_cleanup_free_ char *help = NULL;
	struct buf list = { 0 };

	for (unsigned int i = 0; i < ON_MAX; i++) {
		if (token_is(&p->tok, words_on[i].event)) {
			*ret = (enum on_event)i;
			buf_done(&list);
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "events are: ", words_on[i].event);
		if (p->tok.kind == T_WORD)
			nearest_offer(&near, words_on[i].event);
	}
	help = near.best ? xprintf("did you mean '%s'?", near.best) : xstrdup(list.s);
	buf_done(&list);
	return parse_expected(p, "an event", help);
}

static int top_on(struct parser *p, struct pos pos, void *obj _unused_)
{
	struct buf list = { 0 };
	enum on_event event;
	int choice, r = -EINVAL;

	if (find_event(p, &event) < 0)
		return -EINVAL;
	parse_advance(p);
	if (p->set->on[event].pos.line)
		return parse_error(p, pos, NULL, "duplicate 'on %s': the first one is at %s:%u",
				   words_on[event].event,
				   p->set->files.v[p->set->on[event].pos.file],
				   p->set->on[event].pos.line);
	choice = p->tok.kind == T_WORD ? word_value(words_choices, p->tok.s, p->tok.n) : -1;
	for (const struct word *w = words_choices; w->word; w++)
		if (words_on[event].choices & 1U << w->value)
			buf_printf(&list, "%s%s", list.n ? ", " : "", w->word);
	if (choice > 0 && words_on[event].choices & 1U << choice) {
		p->set->on[event].choice = (enum on_choice)choice;
		p->set->on[event].pos = pos;
		parse_advance(p);
		r = 0;
	} else {
		_cleanup_free_ char *help =
			xprintf("'on %s' can be: %s", words_on[event].event, list.s);

		parse_expected(p, "a choice", help);
	}
	buf_done(&list);
	return r;
}

/* ---- alert to ---------------------------------------------------------------------- */

static int top_alert(struct parser *p, struct pos pos, void *obj _unused_)
{
	static const char *const help =
		"write: alert to journal, file \"/var/log/curfew/eve.json\"";

	if (parse_need_word(
		    p, "to",
		    "write: alert to journal; policies alert by 'then alert' or 'at 100% alert'") <
	    0)
		return -EINVAL;
	p->set->alert_to.given = true;
	p->set->alert_to.pos = pos;
	do {
		struct name_at file = { .pos = p->tok.pos };
		_cleanup_free_ char *path = NULL;

		if (parse_word(p, "journal")) {
			p->set->alert_to.journal = true;
			continue;
		}
		if (!parse_word(p, "file"))
			return parse_expected(p, "'journal' or 'file'", help);
		if (parse_string(p, "a path in quotes", help, &path) < 0)
			return -EINVAL;
		file.name = parse_path(p, path);
		*VEC_ADD(&p->set->alert_to.files) = file;
	} while (parse_kind(p, T_COMMA));
	return 0;
}

const struct statement parse_top_statements[] = {
	{ "site", top_site, "site { name \"Headquarters\"  timezone \"Africa/Addis_Ababa\" }",
	  false },
	{ "inside", top_inside, "inside eth1, eth2", false },
	{ "outside", top_outside, "outside eth0", false },
	{ "networks", top_networks, "networks 10.0.0.0/8, fd12:3456::/32", false },
	{ "ignore", top_ignore, "ignore destination 198.51.100.0/24, AS64500", true },
	{ "geo", top_geo, "geo country \"/var/lib/curfew/country.mmdb\"", true },
	{ "set", top_set, "set cameras = 10.20.0.0/24", true },
	{ "window", parse_window, "window night = daily 22:00-06:00", true },
	{ "policy", parse_policy, "policy \"name\" { from any  to any  then alert }", true },
	{ "protect", parse_protect, "protect { from gateway  to 198.51.100.7 }", true },
	{ "exempt", parse_exempt, "exempt \"visit\" { from 10.0.7.9  to 203.0.113.8 }", true },
	{ "publish", parse_publish, "publish \"web\" { host 10.0.5.10  service tcp/443 }", true },
	{ "detect", top_detect, "detect schedule", true },
	{ "on", top_on, "on stop keep", true },
	{ "alert", top_alert, "alert to journal", false },
	{ "mode", top_mode, "mode observe", false },
	{ "include", parse_include, "include \"policies.d/*.conf\"", true },
};
const size_t parse_top_rows = ARRAY_SIZE(parse_top_statements);
_Static_assert(ARRAY_SIZE(parse_top_statements) <= PARSE_STATEMENTS_MAX, "seen[] is too short");

bool parse_is_top_word(const struct token *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(parse_top_statements); i++)
		if (token_is(t, parse_top_statements[i].word))
			return true;
	return false;
}
