/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits and what happens at them: quota, rate, then, at. */
#include <errno.h>
#include <string.h>

#include "core/policy/parse.h"

static const char *const per_help =
	"keys are: source, destination, pair, prefix 24/48, mac, asn, country, policy";

int parse_per(struct parser *p, enum cf_key_kind *ret_key, struct pos *ret_pos,
	      uint8_t *ret_prefix4, uint8_t *ret_prefix6)
{
	static const char *const meant[][2] = {
		{ "host", "write 'per source' for our hosts, 'per destination' for theirs" },
		{ "ip", "write 'per source' for our hosts, 'per destination' for theirs" },
		{ "address", "write 'per source' for our hosts, 'per destination' for theirs" },
		{ "client", "write 'per source' for our hosts, 'per destination' for theirs" },
		{ "user", "write 'per source': a source is one host" },
		{ "device", "write 'per source': a source is one host" },
		{ "connection", "flows are not told apart; the nearest is 'per pair'" },
		{ "flow", "flows are not told apart; the nearest is 'per pair'" },
		{ "network", "write: per prefix 24/48" },
		{ "subnet", "write: per prefix 24/48" },
		{ "day", "the period stands behind 'each': per source each day" },
		{ "hour", "the period stands behind 'each': per source each hour" },
		{ "month", "the period stands behind 'each': per source each month" },
		{ "week", "the period stands behind 'each': per source each week" },
		{ "window", "the period stands behind 'each': per source each window" },
		{ "each", "say what it is kept for: per source each day" },
		{ "interface", "give each interface its own policy: from interface eth1" },
		{ "vendor", "give each maker its own policy, or write 'per source'" },
		{ "vlan", "give each VLAN its own policy: from vlan 20" },
		{ "total", "one for all is 'per policy'" },
		{ "all", "one for all is 'per policy'" },
	};
	struct pos pos;
	unsigned int key;

	if (parse_need_word(p, "per",
			    p->last.kind == T_WORD && (token_is(&p->tok, "wire") ||
						       token_is(&p->tok, "payload"))
				    ? "either payload or wire; for both write two quotas"
			    : token_is(&p->tok, "upload") || token_is(&p->tok, "out")
				    ? "only what leaves is counted: leave it out"
				    : "it is kept per something; 'per policy' is one for all") < 0)
		return -EINVAL;
	pos = p->tok.pos;
	if (p->tok.kind != T_WORD)
		return parse_expected(p, "a key", per_help);
	for (size_t i = 0; i < ARRAY_SIZE(meant); i++)
		if (token_is(&p->tok, meant[i][0]))
			return parse_error(p, pos, meant[i][1], "there is no key '%s'",
					   meant[i][0]);
	if (parse_choice(p, words_keys, "a key", &key) < 0)
		return -EINVAL;
	*ret_key = (enum cf_key_kind)key;
	*ret_pos = pos;
	if (*ret_key != CF_KEY_PREFIX)
		return 0;
	if (p->tok.kind != T_LENGTHS)
		return parse_expected(p, "two prefix lengths",
				      "for IPv4 and IPv6: per prefix 24/48");
	if (p->tok.first > 32 || p->tok.last > 128)
		return parse_error(p, p->tok.pos,
				   "IPv4 lengths go up to 32, IPv6 lengths up to 128",
				   "the prefix length is too large");
	*ret_prefix4 = (uint8_t)p->tok.first;
	*ret_prefix6 = (uint8_t)p->tok.last;
	parse_advance(p);
	return 0;
}

static const char *const each_help =
	"periods are: each window, hour, day, week, month, month from 15, or 6 h";

/* "each 6 h" */
static int parse_hours(struct parser *p, struct quota *q)
{
	struct pos pos = p->tok.pos;
	uint64_t seconds;

	if (parse_duration(p, each_help, &seconds) < 0)
		return -EINVAL;
	if (seconds % 3600 || seconds > 24 * 3600)
		return parse_error(
			p, pos,
			"these periods count from local midnight; longer ones are day, week and month",
			"a period is 1 to 24 whole hours");
	q->period = PERIOD_HOURS;
	q->hours = (uint16_t)(seconds / 3600);
	return 0;
}

static int parse_each(struct parser *p, struct quota *q)
{
	static const char *const meant[][2] = {
		{ "night", "write 'during night' and 'each window'" },
		{ "daily", "did you mean 'each day'?" },
		{ "minute",
		  "the shortest period is an hour; for speed: rate 10 Mbit/s per source" },
		{ "second",
		  "the shortest period is an hour; for speed: rate 10 Mbit/s per source" },
		{ "year", "the longest period is a month" },
		{ "session", "flows are not told apart: write each hour, or each day" },
	};
	unsigned int period;
	uint32_t day = 1;
	bool begins;

	if (parse_need_word(p, "each",
			    p->tok.kind == T_COMMA || token_is(&p->tok, "and")
				    ? "a quota has one key: write two quotas, or 'per pair'"
				    : "a quota begins anew each hour, day, week, month or window") <
	    0)
		return -EINVAL;
	q->period_pos = p->tok.pos;
	if (p->tok.kind == T_NUMBER || p->tok.kind == T_QUANTITY)
		return parse_hours(p, q);
	if (p->tok.kind != T_WORD)
		return parse_expected(p, "a period", each_help);
	for (size_t i = 0; i < ARRAY_SIZE(meant); i++)
		if (token_is(&p->tok, meant[i][0]))
			return parse_error(p, p->tok.pos, meant[i][1], "there is no period '%s'",
					   meant[i][0]);
	if (parse_choice(p, words_periods, "a period", &period) < 0)
		return -EINVAL;
	q->period = (enum period_kind)period;
	/* `from` may also be the policy's next statement */
	begins = token_is(&p->tok, "from") &&
		 (p->next.kind == T_NUMBER || p->next.kind == T_QUANTITY);
	if (q->period != PERIOD_MONTH && begins)
		return parse_error(p, p->tok.pos, "days begin at midnight, weeks on Monday",
				   "only months can begin on another day");
	if (q->period != PERIOD_MONTH)
		return 0;
	if (begins) {
		parse_advance(p);
		if (parse_integer(p, "the day of the month", "29, 30 and 31 are not in every month",
				  1, 28, &day) < 0)
			return -EINVAL;
	}
	q->month_day = (uint8_t)day;
	return 0;
}

int parse_quota_body(struct parser *p, struct quota *q)
{
	struct pos pos = p->tok.pos;

	if (parse_size(p, NULL, &q->bytes) < 0)
		return -EINVAL;
	if (q->bytes > CF_QUOTA_BYTES_MAX)
		return parse_error(
			p, pos,
			"the limit is 1 TiB (1099511627776 B) per key and period; use a shorter period",
			"the quota is too large");
	if (!q->bytes)
		return parse_error(p, pos,
				   "to let nothing pass, write 'then drop' instead of a quota",
				   "a quota of 0 lets nothing pass");
	if (parse_word(p, "wire"))
		q->wire = true;
	else
		parse_word(p, "payload");
	if (parse_per(p, &q->key, &q->key_pos, &q->prefix4, &q->prefix6) < 0)
		return -EINVAL;
	return parse_each(p, q);
}

int parse_quota(struct parser *p, struct pos pos, void *policy)
{
	struct quota *q = VEC_ADD(&((struct policy *)policy)->quotas);

	*q = (struct quota){ .pos = pos };
	return parse_quota_body(p, q);
}

int parse_rate(struct parser *p, struct pos pos, void *policy)
{
	struct rate *rate = VEC_ADD(&((struct policy *)policy)->rates);

	*rate = (struct rate){ .pos = pos };
	if (parse_bit_rate(p, &rate->bits_per_second) < 0)
		return -EINVAL;
	if (parse_word(p, "burst") && parse_size(p, "write: burst 1 MB", &rate->burst_bytes) < 0)
		return -EINVAL;
	return parse_per(p, &rate->key, &rate->key_pos, &rate->prefix4, &rate->prefix6);
}

/* ---- actions --------------------------------------------------------------- */

static const char *const action_help =
	"actions are: drop, drop for 2 h, alert [info|warning|critical], quarantine source for 2 h, mark 0x10";

static int action_alert(struct parser *p, struct actions *a)
{
	int level = p->tok.kind == T_WORD ? word_value(words_levels, p->tok.s, p->tok.n) : -1;

	a->alert = level < 0 ? CF_LEVEL_WARNING : (enum cf_level)level;
	if (level >= 0) {
		parse_advance(p);
		return 0;
	}
	/* a word on the same line that begins nothing is a misspelt level */
	if (p->tok.kind == T_WORD && !p->tok.first_on_line && !word_reserved(p->tok.s, p->tok.n)) {
		unsigned int ignored;

		return parse_choice(p, words_levels, "a level", &ignored);
	}
	return 0;
}

static int action_drop(struct parser *p, struct actions *a)
{
	a->drop = true;
	if (!parse_word(p, "for"))
		return 0;
	return parse_duration(p, "write: drop for 2 h", &a->drop_seconds);
}

static int action_quarantine(struct parser *p, struct actions *a)
{
	static const char *const help = "write: quarantine source for 2 h";

	if (parse_need_word(p, "source", help) < 0 || parse_need_word(p, "for", help) < 0)
		return -EINVAL;
	return parse_duration(p, help, &a->quarantine_seconds);
}

static int action_mark(struct parser *p, struct actions *a)
{
	if (p->tok.kind != T_HEX && (p->tok.kind != T_NUMBER || !p->tok.whole))
		return parse_expected(p, "a mark", "write: mark 0x10");
	if (p->tok.kind == T_NUMBER && p->tok.nano != (int64_t)p->tok.number * 1000000000)
		return parse_error(p, p->tok.pos, "write: mark 0x10", "a mark has 32 bits");
	a->has_mark = true;
	a->mark = p->tok.number;
	parse_advance(p);
	return 0;
}

static int repeated(struct parser *p, struct pos pos, bool already, const char *what)
{
	if (!already)
		return 0;
	return parse_error(p, pos, NULL, "'%s' is given twice", what);
}

static int unknown_action(struct parser *p)
{
	static const char *const drops[] = { "block", "deny", "reject", "discard" };
	static const char *const actions[] = { "drop", "alert", "quarantine", "mark" };
	struct nearest near = { .s = p->tok.s, .n = p->tok.n };
	_cleanup_free_ char *help = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(drops); i++)
		if (token_is(&p->tok, drops[i]))
			return parse_error(p, p->tok.pos, "write 'drop'",
					   "expected an action, found '%s'", drops[i]);
	if (token_is(&p->tok, "then"))
		return parse_error(p, p->tok.pos, "write: at 100% drop",
				   "expected an action, found 'then'");
	if (p->tok.kind == T_LBRACE)
		return parse_expected(p, "an action",
				      "actions are separated by commas, without braces");
	if (p->tok.kind == T_COMMA)
		return parse_expected(p, "an action",
				      "each percentage has a line of its own: at 80% alert");
	for (size_t i = 0; i < ARRAY_SIZE(actions) && p->tok.kind == T_WORD; i++)
		nearest_offer(&near, actions[i]);
	help = near.best ? xprintf("did you mean '%s'?", near.best) : NULL;
	return parse_expected(p, "an action", help ? help : action_help);
}

static int parse_action(struct parser *p, struct actions *a)
{
	struct pos pos = p->tok.pos;

	if (parse_word(p, "alert"))
		return repeated(p, pos, a->alert != CF_LEVEL_NONE, "alert") < 0
			       ? -EINVAL
			       : action_alert(p, a);
	if (parse_word(p, "drop")) {
		if (repeated(p, pos, a->drop, "drop") < 0)
			return -EINVAL;
		a->drop_pos = pos;
		return action_drop(p, a);
	}
	if (parse_word(p, "quarantine")) {
		if (repeated(p, pos, a->quarantine_seconds, "quarantine") < 0)
			return -EINVAL;
		a->quarantine_pos = pos;
		return action_quarantine(p, a);
	}
	if (parse_word(p, "mark")) {
		if (repeated(p, pos, a->has_mark, "mark") < 0)
			return -EINVAL;
		a->mark_pos = pos;
		return action_mark(p, a);
	}
	return unknown_action(p);
}

static int parse_actions(struct parser *p, struct actions *a)
{
	do {
		if (parse_action(p, a) < 0)
			return -EINVAL;
	} while (parse_kind(p, T_COMMA));
	return 0;
}

int parse_then(struct parser *p, struct pos pos, void *policy)
{
	struct policy *pol = policy;

	pol->has_then = true;
	pol->then_pos = pos;
	return parse_actions(p, &pol->then);
}

static int parse_percent(struct parser *p, uint16_t *ret)
{
	static const char *const help = "write: at 80% alert, or: at 100% drop";
	struct pos pos = p->tok.pos;
	uint32_t n = p->tok.number;

	if (p->tok.kind == T_NUMBER && p->tok.whole && p->next.n == 1 && *p->next.s == '%')
		parse_advance(p);
	else if (p->tok.kind == T_NUMBER)
		return parse_error(p, pos, help, "'%.*s' needs a '%%'", (int)p->tok.n, p->tok.s);
	else if (p->tok.kind == T_WORD && !p->tok.first_on_line)
		return parse_error(p, pos, help, "expected a percentage, found '%.*s'",
				   (int)p->tok.n, p->tok.s);
	else if (p->tok.kind != T_PERCENT)
		return parse_expected(p, "a percentage", help);
	parse_advance(p);
	if (n < 1 || n > 100)
		return parse_error(p, pos, "100% is the quota itself",
				   "a percentage is between 1%% and 100%%");
	*ret = (uint16_t)n;
	return 0;
}

int parse_at(struct parser *p, struct pos pos, void *policy)
{
	struct at_list *list = &((struct policy *)policy)->ats;
	struct at at = { .pos = pos };
	size_t i;

	if (parse_percent(p, &at.percent) < 0 || parse_actions(p, &at.actions) < 0)
		return -EINVAL;
	for (i = 0; i < list->n; i++)
		if (list->v[i].percent == at.percent)
			return parse_error(p, pos,
					   "put the actions on one line, separated by commas",
					   "duplicate 'at %u%%': the first one is in line %u",
					   at.percent, list->v[i].pos.line);
	*VEC_ADD(list) = at;
	for (i = list->n - 1; i && list->v[i - 1].percent > at.percent; i--)
		list->v[i] = list->v[i - 1];
	list->v[i] = at;
	return 0;
}
