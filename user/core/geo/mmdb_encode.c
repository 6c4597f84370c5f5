/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/mmdb_encode.h"

#include <string.h>

#include "core/geo/mmdb_data.h"

static void put_byte(struct buf *b, unsigned int v)
{
	uint8_t byte = (uint8_t)v;

	buf_add(b, &byte, 1);
}

static void put_number(struct buf *b, uint64_t v, unsigned int bytes)
{
	while (bytes--)
		put_byte(b, (unsigned int)(v >> 8 * bytes) & 0xff);
}

static void put_control(struct buf *b, enum mmdb_type type, uint32_t size)
{
	static const uint32_t base[] = { 0, 29, 285, 65821 };
	unsigned int more = size < 29 ? 0 : size < 285 ? 1 : size < 65821 ? 2 : 3;
	unsigned int field = more ? 28 + more : size;

	if (type > MMDB_TYPE_MAP) {
		put_byte(b, field);
		put_byte(b, type - 7);
	} else {
		put_byte(b, (unsigned int)type << 5 | field);
	}
	put_number(b, size - base[more], more);
}

static void put_text(struct buf *b, const char *s)
{
	put_control(b, MMDB_TYPE_TEXT, (uint32_t)strlen(s));
	buf_puts(b, s);
}

static void put_unsigned(struct buf *b, enum mmdb_type type, uint64_t v)
{
	unsigned int bytes = 0;

	while (bytes < 8 && v >> 8 * bytes)
		bytes++;
	put_control(b, type, bytes);
	put_number(b, v, bytes);
}

static void put_double(struct buf *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_control(b, MMDB_TYPE_DOUBLE, 8);
	put_number(b, bits, 8);
}

/* Bytes of a pointer after its control byte, less one. */
static unsigned int pointer_size(uint32_t to)
{
	return to < 2048 ? 0 : to < 526336 ? 1 : to < 134744064 ? 2 : 3;
}

static void put_pointer(struct buf *b, uint32_t to)
{
	static const uint32_t base[] = { 0, 2048, 526336, 0 };
	unsigned int size = pointer_size(to);
	uint32_t v = to - base[size];
	unsigned int high = size < 3 ? v >> 8 * (size + 1) : 0;

	put_byte(b, (unsigned int)MMDB_TYPE_POINTER << 5 | size << 3 | high);
	put_number(b, v, size + 1);
}

static size_t find(const struct mmdb_seen *s, const char *key, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)key[i]) * 0x100000001b3; /* FNV-1a */
	for (i = (h ^ h >> 32) & (s->size - 1); s->v[i].key; i = (i + 1) & (s->size - 1))
		if (s->v[i].n == n && !memcmp(s->v[i].key, key, n))
			break;
	return i;
}

static void seen_grow(struct mmdb_seen *s)
{
	struct mmdb_seen next = { .n = s->n, .size = s->size ? s->size * 2 : 1024 };

	if (s->n * 2 < s->size)
		return;
	next.v = xcalloc(next.size, sizeof(*next.v));
	for (size_t i = 0; i < s->size; i++)
		if (s->v[i].key)
			next.v[find(&next, s->v[i].key, s->v[i].n)] = s->v[i];
	free(s->v);
	*s = next;
}

/*
 * True if a value with these bytes (written without pointers) is there, and a
 * pointer to it was put; else the caller writes it, at the end of `out`.
 */
static bool put_shared(struct mmdb_encoder *e, const struct buf *plain)
{
	size_t i;

	seen_grow(&e->seen);
	i = find(&e->seen, plain->s, plain->n);
	if (e->seen.v[i].key) {
		bool smaller = pointer_size(e->seen.v[i].offset) + 2 < plain->n;

		if (smaller)
			put_pointer(&e->out, e->seen.v[i].offset);
		return smaller;
	}
	e->seen.v[i].key = xcalloc(plain->n, 1);
	memcpy(e->seen.v[i].key, plain->s, plain->n);
	e->seen.v[i].n = plain->n;
	e->seen.v[i].offset = (uint32_t)e->out.n;
	e->seen.n++;
	return false;
}

static void share_text(struct mmdb_encoder *e, const char *s)
{
	_cleanup_buf_ struct buf plain = { 0 };

	put_text(&plain, s);
	if (!put_shared(e, &plain))
		buf_add(&e->out, plain.s, plain.n);
}

/* { key: text } */
static void share_map(struct mmdb_encoder *e, const char *key, const char *text)
{
	_cleanup_buf_ struct buf plain = { 0 };

	put_control(&plain, MMDB_TYPE_MAP, 1);
	put_text(&plain, key);
	put_text(&plain, text);
	if (put_shared(e, &plain))
		return;
	put_control(&e->out, MMDB_TYPE_MAP, 1);
	share_text(e, key);
	share_text(e, text);
}

static void put_city(struct mmdb_encoder *e, const char *city)
{
	share_text(e, "city");
	put_control(&e->out, MMDB_TYPE_MAP, 1);
	share_text(e, "names");
	share_map(e, "en", city);
}

static void put_location(struct mmdb_encoder *e, const struct geo_record *r)
{
	share_text(e, "location");
	put_control(&e->out, MMDB_TYPE_MAP, 2);
	share_text(e, "latitude");
	put_double(&e->out, r->latitude);
	share_text(e, "longitude");
	put_double(&e->out, r->longitude);
}

size_t mmdb_encode_record(struct mmdb_encoder *e, const struct geo_record *r)
{
	bool has[] = { r->asn, r->as_name, r->city, r->continent[0], r->cc[0], r->has_location };
	size_t at = e->out.n;
	uint32_t fields = 0;

	for (size_t i = 0; i < ARRAY_SIZE(has); i++)
		fields += has[i];
	put_control(&e->out, MMDB_TYPE_MAP, fields);
	if (r->asn) {
		share_text(e, "autonomous_system_number");
		put_unsigned(&e->out, MMDB_TYPE_UINT32, r->asn);
	}
	if (r->as_name) {
		share_text(e, "autonomous_system_organization");
		share_text(e, r->as_name);
	}
	if (r->city)
		put_city(e, r->city);
	if (r->continent[0]) {
		share_text(e, "continent");
		share_map(e, "code", r->continent);
	}
	if (r->cc[0]) {
		share_text(e, "country");
		share_map(e, "iso_code", r->cc);
	}
	if (r->has_location)
		put_location(e, r);
	return at;
}

void mmdb_encoder_done(struct mmdb_encoder *e)
{
	for (size_t i = 0; i < e->seen.size; i++)
		free(e->seen.v[i].key);
	free(e->seen.v);
	buf_done(&e->out);
	*e = (struct mmdb_encoder){ 0 };
}

static void put_field16(struct buf *b, const char *key, uint16_t v)
{
	put_text(b, key);
	put_unsigned(b, MMDB_TYPE_UINT16, v);
}

void mmdb_encode_metadata(struct buf *out, const struct mmdb_metadata *m)
{
	buf_puts(out, "\xab\xcd\xefMaxMind.com");
	put_control(out, MMDB_TYPE_MAP, 9);
	put_field16(out, "binary_format_major_version", 2);
	put_field16(out, "binary_format_minor_version", 0);
	put_text(out, "build_epoch");
	/* libmaxminddb takes zero for damage. */
	put_unsigned(out, MMDB_TYPE_UINT64, m->built_at ? m->built_at : MMDB_BUILT_UNKNOWN);
	put_text(out, "database_type");
	put_text(out, m->type);
	put_text(out, "description");
	put_control(out, MMDB_TYPE_MAP, 1);
	put_text(out, "en");
	put_text(out, m->description);
	put_field16(out, "ip_version", 6);
	put_text(out, "languages");
	put_control(out, MMDB_TYPE_ARRAY, 1);
	put_text(out, "en");
	put_text(out, "node_count");
	put_unsigned(out, MMDB_TYPE_UINT32, m->node_count);
	put_field16(out, "record_size", m->record_bits);
}
