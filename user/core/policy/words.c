/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/policy/words.h"

#include <string.h>
#include <strings.h>

const struct word words_days[] = {
	{ "mon", 0 }, { "tue", 1 }, { "wed", 2 }, { "thu", 3 },
	{ "fri", 4 }, { "sat", 5 }, { "sun", 6 }, { NULL, 0 },
};

const struct word words_levels[] = {
	{ "info", CF_LEVEL_INFO },
	{ "warning", CF_LEVEL_WARNING },
	{ "critical", CF_LEVEL_CRITICAL },
	{ NULL, 0 },
};

const struct word words_keys[] = {
	{ "source", CF_KEY_SOURCE },
	{ "destination", CF_KEY_DESTINATION },
	{ "pair", CF_KEY_PAIR },
	{ "prefix", CF_KEY_PREFIX },
	{ "mac", CF_KEY_MAC },
	{ "asn", CF_KEY_ASN },
	{ "country", CF_KEY_COUNTRY },
	{ "policy", CF_KEY_POLICY },
	{ NULL, 0 },
};

const struct word words_periods[] = {
	{ "window", PERIOD_WINDOW }, { "hour", PERIOD_HOUR },   { "day", PERIOD_DAY },
	{ "week", PERIOD_WEEK },     { "month", PERIOD_MONTH }, { NULL, 0 },
};

const struct word words_modes[] = {
	{ "observe", MODE_OBSERVE },
	{ "enforce", MODE_ENFORCE },
	{ NULL, 0 },
};

const struct word words_initiated[] = {
	{ "inside", INITIATED_INSIDE },
	{ "outside", INITIATED_OUTSIDE },
	{ "any", INITIATED_ANY },
	{ NULL, 0 },
};

const struct word words_geo[] = {
	{ "country", GEO_COUNTRY },
	{ "asn", GEO_ASN },
	{ "city", GEO_CITY },
	{ NULL, 0 },
};

const struct word words_detects[] = {
	{ "schedule", DETECT_SCHEDULE },
	{ "new-destination", DETECT_NEW_DESTINATION },
	{ NULL, 0 },
};

const struct word words_choices[] = {
	{ "keep", CHOICE_KEEP },
	{ "observe", CHOICE_OBSERVE },
	{ "open", CHOICE_OPEN },
	{ "closed", CHOICE_CLOSED },
	{ "repeat", CHOICE_REPEAT },
	{ "count", CHOICE_COUNT },
	{ "drop", CHOICE_DROP },
	{ "release", CHOICE_RELEASE },
	{ "retake", CHOICE_RETAKE },
	{ "report", CHOICE_REPORT },
	{ NULL, 0 },
};

#define C(x) (1U << CHOICE_##x)
const struct on_word words_on[ON_MAX] = {
	[ON_DAEMON_STALL] = { "daemon-stall", C(KEEP) | C(OBSERVE) | C(OPEN) | C(CLOSED) },
	[ON_SCHEDULE_END] = { "schedule-end", C(REPEAT) | C(OPEN) | C(CLOSED) },
	[ON_TIME_UNKNOWN] = { "time-unknown", C(OPEN) | C(CLOSED) },
	[ON_TABLE_FULL] = { "table-full", C(COUNT) | C(DROP) },
	[ON_PARSE_FAILURE] = { "parse-failure", C(COUNT) | C(DROP) },
	[ON_GEO_MISSING] = { "geo-missing", C(KEEP) | C(OPEN) | C(CLOSED) },
	[ON_STOP] = { "stop", C(KEEP) | C(RELEASE) },
	[ON_DISPLACED] = { "displaced", C(RETAKE) | C(REPORT) },
};
#undef C

/* Numbers: IANA "Assigned Internet Protocol Numbers". */
const struct protocol words_protocols[] = {
	{ "tcp", 6, true },      { "udp", 17, true },      { "sctp", 132, true },
	{ "dccp", 33, true },    { "udplite", 136, true }, { "icmp", 1, false },
	{ "icmpv6", 58, false }, { "igmp", 2, false },     { "ipip", 4, false },
	{ "ipv6", 41, false },   { "gre", 47, false },     { "esp", 50, false },
	{ "ah", 51, false },     { "ospf", 89, false },    { "vrrp", 112, false },
	{ "l2tp", 115, false },  { NULL, 0, false },
};

/* Every word that begins a statement or an item somewhere. */
static const char *const reserved[] = {
	"site",      "inside",   "outside",   "networks", "geo",       "set",         "window",
	"policy",    "protect",  "exempt",    "publish",  "detect",    "on",          "alert",
	"mode",      "include",  "name",      "location", "timezone",  "weekend",     "from",
	"to",        "service",  "initiated", "during",   "quota",     "rate",        "then",
	"at",        "except",   "policies",  "until",    "host",      "per",         "each",
	"any",       "gateway",  "mac",       "vendor",   "interface", "vlan",        "country",
	"continent", "city",     "beyond",    "unknown",  "and",       "in",          "file",
	"daily",     "weekends", "weekdays",  "dates",    "always",    "drop",        "quarantine",
	"mark",      "for",      "payload",   "wire",     "burst",     "most",        "least",
	"new",       "after",    "journal",   "mon",      "tue",       "wed",         "thu",
	"fri",       "sat",      "sun",       "proto",    "source",    "destination", "pair",
	"prefix",    "asn",      "ignore",
};

int word_value(const struct word *table, const char *s, size_t n)
{
	for (; table->word; table++)
		if (strlen(table->word) == n && !memcmp(table->word, s, n))
			return (int)table->value;
	return -1;
}

const char *word_of(const struct word *table, unsigned int value)
{
	for (; table->word; table++)
		if (table->value == value)
			return table->word;
	return NULL;
}

char *words_list(const struct word *table)
{
	struct buf b = { 0 };

	for (const struct word *w = table; w->word; w++) {
		if (w != table)
			buf_puts(&b, w[1].word ? ", " : " or ");
		buf_puts(&b, w->word);
	}
	return b.s;
}

const struct protocol *protocol_by_name(const char *s, size_t n)
{
	for (const struct protocol *p = words_protocols; p->name; p++)
		if (strlen(p->name) == n && !memcmp(p->name, s, n))
			return p;
	return NULL;
}

const struct protocol *protocol_by_number(uint8_t number)
{
	for (const struct protocol *p = words_protocols; p->name; p++)
		if (p->number == number)
			return p;
	return NULL;
}

const char *service_by_name(const char *s, size_t n)
{
	/* Numbers: IANA "Service Name and Transport Protocol Port Number Registry". */
	static const char *const names[][2] = {
		{ "https", "tcp/443" },       { "http", "tcp/80" },    { "ssh", "tcp/22" },
		{ "domain", "udp/53" },       { "dns", "udp/53" },     { "smtp", "tcp/25" },
		{ "imaps", "tcp/993" },       { "ntp", "udp/123" },    { "ftp", "tcp/21" },
		{ "quic", "udp/443" },        { "rdp", "tcp/3389" },   { "smb", "tcp/445" },
		{ "telnet", "tcp/23" },       { "snmp", "udp/161" },   { "openvpn", "udp/1194" },
		{ "wireguard", "udp/51820" }, { "syslog", "udp/514" }, { "ldap", "tcp/389" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i][0]) == n && !strncasecmp(names[i][0], s, n))
			return names[i][1];
	return NULL;
}

bool word_reserved(const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strlen(reserved[i]) == n && !memcmp(reserved[i], s, n))
			return true;
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours (Damerau 1964). */
static unsigned int edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int row[3][40];

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned int *now = row[i % 3], *before = row[(i + 2) % 3],
			     *older = row[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = least(before[j], now[j - 1]) + 1;
			now[j] =
				least(now[j], before[j - 1] + (lower(a[i - 1]) != lower(b[j - 1])));
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], older[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

void nearest_offer(struct nearest *near, const char *candidate)
{
	size_t n = strlen(candidate);
	unsigned int d, limit = near->n > 6 ? 3 : near->n > 3 ? 2 : 1;

	if (near->n >= 40 || n >= 40)
		return;
	d = edit_distance(near->s, near->n, candidate, n);
	if (d > limit || d >= n || (near->best && d >= near->distance))
		return;
	near->best = candidate;
	near->distance = d;
}
