/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time zones: TZif data (RFC 8536), and the way between instants and wall clocks. */
#include "core/time/zone.h"

#include <errno.h>
#include <string.h>

#define TZIF_HEADER 44

struct zone_type {
	int32_t offset;
	uint8_t name; /* in names */
};

struct zone {
	int64_t *at; /* transitions, ascending */
	uint8_t *to; /* the type from each on */
	size_t n;
	const struct zone_type *types; /* the first one counts before all transitions */
	const char *names;
	bool has_rule;
	bool built_in;
	struct tz_rule rule; /* from the last transition on */
};

static const struct zone_type utc_type;
static const struct zone utc_zone = { .types = &utc_type, .names = "UTC", .built_in = true };

const struct zone *zone_utc(void)
{
	return &utc_zone;
}

void zone_free(struct zone *z)
{
	if (!z || z->built_in)
		return;
	free(z->at);
	free(z->to);
	free((void *)z->types);
	free((void *)z->names);
	free(z);
}

/* ---- reading ------------------------------------------------------------ */

struct tzif {
	char version;
	uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static int tzif_header(const uint8_t *p, size_t size, struct tzif *ret)
{
	struct tzif h;

	if (size < TZIF_HEADER || memcmp(p, "TZif", 4))
		return -EINVAL;
	h.version = (char)p[4];
	if (h.version != 0 && (h.version < '2' || h.version > '4'))
		return -EINVAL;
	h.isutcnt = be32(p + 20);
	h.isstdcnt = be32(p + 24);
	h.leapcnt = be32(p + 28);
	h.timecnt = be32(p + 32);
	h.typecnt = be32(p + 36);
	h.charcnt = be32(p + 40);
	if (!h.typecnt || h.typecnt > 256 || !h.charcnt)
		return -EINVAL;
	if ((h.isutcnt && h.isutcnt != h.typecnt) || (h.isstdcnt && h.isstdcnt != h.typecnt))
		return -EINVAL;
	*ret = h;
	return 0;
}

/* Bytes of the data block behind a header; time_size: 4 in version 1, else 8. */
static uint64_t tzif_block(const struct tzif *h, unsigned int time_size)
{
	return (uint64_t)h->timecnt * (time_size + 1) + (uint64_t)h->typecnt * 6 + h->charcnt +
	       (uint64_t)h->leapcnt * (time_size + 4) + h->isstdcnt + h->isutcnt;
}

static int read_types(struct zone *z, const struct tzif *h, const uint8_t *p)
{
	const uint8_t *names = p + (size_t)h->typecnt * 6;
	struct zone_type *types;

	/* every name within ends in a NUL if the last byte is one */
	if (names[h->charcnt - 1])
		return -EINVAL;
	z->names = memcpy(xcalloc(h->charcnt, 1), names, h->charcnt);
	z->types = types = xcalloc(h->typecnt, sizeof(*types));
	for (uint32_t i = 0; i < h->typecnt; i++, p += 6) {
		int32_t offset = (int32_t)be32(p);

		if (offset < ZONE_OFFSET_MIN || offset > ZONE_OFFSET_MAX || p[4] > 1 ||
		    p[5] >= h->charcnt)
			return -EINVAL;
		types[i] = (struct zone_type){ offset, p[5] };
	}
	return 0;
}

static int read_block(struct zone *z, const struct tzif *h, const uint8_t *p,
		      unsigned int time_size)
{
	const uint8_t *to = p + (size_t)h->timecnt * time_size;

	z->n = h->timecnt;
	z->at = xcalloc(z->n + 1, sizeof(*z->at));
	z->to = xcalloc(z->n + 1, 1);
	for (size_t i = 0; i < z->n; i++, p += time_size) {
		z->at[i] = time_size == 8 ? be64(p) : (int32_t)be32(p);
		z->to[i] = to[i];
		if (to[i] >= h->typecnt || (i > 0 && z->at[i] <= z->at[i - 1]))
			return -EINVAL;
	}
	return read_types(z, h, to + z->n);
}

/* "\n" [TZ string] "\n" */
static int read_footer(struct zone *z, const uint8_t *p, size_t size)
{
	const char *text = (const char *)p + 1;
	const char *end;
	int r;

	if (size < 2 || *p != '\n')
		return -EINVAL;
	end = memchr(text, '\n', size - 1);
	if (!end)
		return -EINVAL;
	if (end == text)
		return 0;
	r = tz_rule_parse(text, (size_t)(end - text), &z->rule);
	z->has_rule = r == 0;
	return r;
}

int zone_parse(const void *data, size_t size, struct zone **ret_zone)
{
	_cleanup_zone_ struct zone *z = NULL;
	const uint8_t *p = data;
	unsigned int time_size = 4;
	struct tzif h;
	int r;

	r = tzif_header(p, size, &h);
	if (r < 0)
		return r;
	p += TZIF_HEADER;
	size -= TZIF_HEADER;
	if (tzif_block(&h, time_size) > size)
		return -EINVAL;
	if (h.version) {
		/* the first block is the same in 32 bits, for old readers */
		size -= tzif_block(&h, time_size);
		p += tzif_block(&h, time_size);
		r = tzif_header(p, size, &h);
		if (r < 0)
			return r;
		p += TZIF_HEADER;
		size -= TZIF_HEADER;
		time_size = 8;
		if (!h.version || tzif_block(&h, time_size) > size)
			return -EINVAL;
	}
	if (h.leapcnt)
		return -EOPNOTSUPP;
	z = xcalloc(1, sizeof(*z));
	r = read_block(z, &h, p, time_size);
	if (r == 0 && h.version)
		r = read_footer(z, p + tzif_block(&h, time_size), size - tzif_block(&h, time_size));
	if (r < 0)
		return r;
	*ret_zone = TAKE(z);
	return 0;
}

/* ---- asking --------------------------------------------------------------- */

/* How many transitions are at or before the instant. */
static size_t transitions_before(const struct zone *z, int64_t at)
{
	size_t lo = 0, hi = z->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->at[mid] <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct zone_stretch zone_stretch_at(const struct zone *z, int64_t at)
{
	struct zone_stretch s = { .begin = UTC_FIRST, .end = UTC_LAST };
	const struct zone_type *type;
	size_t k;

	at = utc_clamp(at);
	k = transitions_before(z, at);
	if (k == z->n && z->has_rule) {
		s = tz_rule_stretch(&z->rule, at);
		if (z->n && s.begin < z->at[z->n - 1])
			s.begin = z->at[z->n - 1];
		return s;
	}
	type = &z->types[k ? z->to[k - 1] : 0];
	s.offset = type->offset;
	s.abbreviation = z->names + type->name;
	if (k && z->at[k - 1] > UTC_FIRST)
		s.begin = z->at[k - 1];
	if (k < z->n && z->at[k] < UTC_LAST)
		s.end = z->at[k];
	return s;
}

int32_t zone_offset(const struct zone *z, struct utc at)
{
	return zone_stretch_at(z, at.s).offset;
}

const char *zone_abbreviation(const struct zone *z, struct utc at)
{
	return zone_stretch_at(z, at.s).abbreviation;
}

int64_t zone_local(const struct zone *z, struct utc at)
{
	return utc_clamp(at.s) + zone_offset(z, at);
}

int64_t local_from_civil(struct civil_date date, unsigned int minute)
{
	return civil_to_days(date) * DAY_SECONDS + (int64_t)minute * 60;
}

struct utc zone_first(const struct zone *z, int64_t local)
{
	int64_t t = utc_clamp(local - ZONE_OFFSET_MAX);

	for (;;) {
		struct zone_stretch s = zone_stretch_at(z, t);

		if (t + s.offset >= local)
			return (struct utc){ t };
		if (local - s.offset < s.end || s.end >= UTC_LAST)
			return (struct utc){ utc_clamp(local - s.offset) };
		t = s.end;
	}
}

bool zone_hull(const struct zone *z, int64_t from, int64_t until, struct interval *ret)
{
	int64_t t = utc_clamp(from - ZONE_OFFSET_MAX);
	int64_t last = utc_clamp(until - ZONE_OFFSET_MIN);
	bool found = false;

	while (t < last) {
		struct zone_stretch s = zone_stretch_at(z, t);
		int64_t begin = from - s.offset > s.begin ? from - s.offset : s.begin;
		int64_t end = until - s.offset < s.end ? until - s.offset : s.end;

		if (begin < end) {
			if (!found)
				ret->begin.s = begin;
			ret->end.s = end;
			found = true;
		}
		t = s.end;
	}
	return found;
}

struct utc zone_to_utc(const struct zone *z, struct civil_date date, unsigned int minute)
{
	return zone_first(z, local_from_civil(date, minute));
}

struct civil_minute zone_to_civil(const struct zone *z, struct utc at)
{
	int64_t local = zone_local(z, at);
	int64_t days = floor_div(local, DAY_SECONDS);

	return (struct civil_minute){
		.date = civil_from_days(days),
		.minute = (uint16_t)((local - days * DAY_SECONDS) / 60),
	};
}
