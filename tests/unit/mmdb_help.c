/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mmdb_help.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

void mm_done(struct mm *m)
{
	buf_done(&m->data);
	free(m->nodes.v);
}

static void put(struct buf *b, uint64_t v, unsigned int bytes)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(v >> 8 * bytes);

		buf_add(b, &byte, 1);
	}
}

static void control(struct buf *b, unsigned int type, unsigned int size)
{
	unsigned int field = size < 29 ? size : size < 285 ? 29 : 30;

	if (type > 7) {
		put(b, field, 1);
		put(b, type - 7, 1);
	} else {
		put(b, type << 5 | field, 1);
	}
	if (field == 29)
		put(b, size - 29, 1);
	if (field == 30)
		put(b, size - 285, 2);
}

static void text(struct buf *b, const char *s)
{
	control(b, 2, (unsigned int)strlen(s));
	buf_puts(b, s);
}

size_t mm_map(struct mm *m, unsigned int n)
{
	size_t at = m->data.n;

	control(&m->data, 7, n);
	return at;
}

size_t mm_array(struct mm *m, unsigned int n)
{
	size_t at = m->data.n;

	control(&m->data, 11, n);
	return at;
}

size_t mm_text(struct mm *m, const char *s)
{
	size_t at = m->data.n;

	text(&m->data, s);
	return at;
}

size_t mm_u32(struct mm *m, uint32_t v)
{
	size_t at = m->data.n;

	control(&m->data, 6, 4);
	put(&m->data, v, 4);
	return at;
}

size_t mm_double(struct mm *m, double v)
{
	size_t at = m->data.n;
	uint64_t bits;

	memcpy(&bits, &v, 8);
	control(&m->data, 3, 8);
	put(&m->data, bits, 8);
	return at;
}

size_t mm_float(struct mm *m, float v)
{
	size_t at = m->data.n;
	uint32_t bits;

	memcpy(&bits, &v, 4);
	control(&m->data, 15, 4);
	put(&m->data, bits, 4);
	return at;
}

size_t mm_pointer(struct mm *m, uint32_t to)
{
	size_t at = m->data.n;

	put(&m->data, 1 << 5 | 3 << 3, 1);
	put(&m->data, to, 4);
	return at;
}

size_t mm_raw(struct mm *m, const void *bytes, size_t n)
{
	size_t at = m->data.n;

	buf_add(&m->data, bytes, n);
	return at;
}

size_t mm_country(struct mm *m, const char *cc)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "country_code");
	mm_text(m, cc);
	return at;
}

static uint64_t new_node(struct mm *m)
{
	*VEC_ADD(&m->nodes) = (struct mm_node){ { MM_NONE, MM_NONE } };
	return m->nodes.n - 1;
}

void mm_insert(struct mm *m, const char *address, unsigned int bits, uint64_t value)
{
	uint8_t b[16] = { 0 };
	uint64_t node = 0;

	cr_assert_eq(inet_pton(strchr(address, ':') ? AF_INET6 : AF_INET, address, b), 1);
	if (!m->nodes.n)
		new_node(m);
	for (unsigned int i = 0; i + 1 < bits; i++) {
		unsigned int side = b[i / 8] >> (7 - i % 8) & 1;
		uint64_t next = m->nodes.v[node].side[side];

		/* a wider network that is already there stands for what is left of it */
		if (next == MM_NONE || next & MM_DATA(0)) {
			uint64_t wide = next;

			next = new_node(m);
			m->nodes.v[next].side[0] = m->nodes.v[next].side[1] = wide;
			m->nodes.v[node].side[side] = next;
		}
		cr_assert_lt(next, m->nodes.n);
		node = next;
	}
	m->nodes.v[node].side[b[(bits - 1) / 8] >> (7 - (bits - 1) % 8) & 1] = value;
}

void mm_put(struct mm *m, const char *prefix, size_t data)
{
	char address[64], whole[80];
	unsigned int bits;

	cr_assert_eq(sscanf(prefix, "%63[^/]/%u", address, &bits), 2);
	if (strchr(address, ':') || m->ip_version == 4) {
		mm_insert(m, address, bits, MM_DATA(data));
		return;
	}
	snprintf(whole, sizeof(whole), "::%s", address);
	mm_insert(m, whole, bits + 96, MM_DATA(data));
}

static uint32_t final_value(const struct mm *m, uint64_t side)
{
	if (side == MM_NONE)
		return (uint32_t)m->nodes.n;
	if (side & MM_DATA(0))
		return (uint32_t)(m->nodes.n + 16 + (side & UINT32_MAX));
	return (uint32_t)side;
}

static void metadata(const struct mm *m, struct buf *out)
{
	unsigned int bits = m->bits ? m->bits : 24;

	buf_puts(out, "\xab\xcd\xefMaxMind.com");
	control(out, 7, 9);
	text(out, "binary_format_major_version");
	control(out, 5, 2);
	put(out, m->major ? m->major : 2, 2);
	text(out, "binary_format_minor_version");
	control(out, 5, 0);
	text(out, "build_epoch");
	control(out, 9, 8);
	put(out, 1700000000, 8);
	text(out, "database_type");
	text(out, "Test");
	text(out, "description");
	if (m->extra)
		buf_add(out, m->extra->s, m->extra->n);
	else
		control(out, 7, 0);
	text(out, "ip_version");
	control(out, 5, 2);
	put(out, m->ip_version ? m->ip_version : 6, 2);
	text(out, "languages");
	control(out, 11, 0);
	text(out, "node_count");
	control(out, 6, 4);
	put(out, m->node_count == UINT32_MAX ? 0 : m->node_count ? m->node_count : m->nodes.n, 4);
	text(out, "record_size");
	control(out, 5, 2);
	put(out, m->record_size ? m->record_size : bits, 2);
}

void mm_bytes(const struct mm *m, struct buf *out)
{
	unsigned int bits = m->bits ? m->bits : 24;

	for (size_t i = 0; i < m->nodes.n; i++) {
		uint32_t l = final_value(m, m->nodes.v[i].side[0]);
		uint32_t r = final_value(m, m->nodes.v[i].side[1]);

		put(out, l, bits == 32 ? 4 : 3);
		if (bits == 28)
			put(out, (l >> 24) << 4 | r >> 24, 1);
		put(out, r, bits == 32 ? 4 : 3);
	}
	put(out, 0, 8);
	put(out, m->separator, 8);
	buf_add(out, m->data.s, m->data.n);
	metadata(m, out);
}

static char directory[40];
static char path[sizeof(directory) + 16];

const char *mm_file(const void *bytes, size_t n)
{
	FILE *f;

	if (!path[0]) {
		/* Thousands of files are written; a disk would be asked to keep each. */
		snprintf(directory, sizeof(directory), "%s/curfew-mmdb.XXXXXX",
			 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
		cr_assert_not_null(mkdtemp(directory));
		snprintf(path, sizeof(path), "%s/test.mmdb", directory);
	}
	f = fopen(path, "wb");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	cr_assert_eq(fclose(f), 0);
	return path;
}

void mm_file_remove(void)
{
	if (!path[0])
		return;
	unlink(path);
	rmdir(directory);
}

int mm_load(const struct buf *b, struct geo_table **ret, struct mmdb_report *report, char **ret_why)
{
	return mmdb_load(mm_file(b->s, b->n), NULL, ret, report, ret_why);
}

struct geo_table *mm_table(const struct mm *m)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct geo_table *t = NULL;
	struct mmdb_report report;
	char *why = NULL;

	mm_bytes(m, &b);
	cr_assert_eq(mm_load(&b, &t, &report, &why), 0, "%s", why);
	return t;
}
