/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

bool addr_is4(const struct addr *a)
{
	return !memcmp(a->b, mapped, sizeof(mapped));
}

struct addr addr_from4(const uint8_t b[4])
{
	struct addr a;

	memcpy(a.b, mapped, sizeof(mapped));
	memcpy(a.b + 12, b, 4);
	return a;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	int r = memcmp(a->b, b->b, sizeof(a->b));

	return r < 0 ? -1 : r > 0;
}

static uint64_t be64(const uint8_t *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

uint64_t addr_hi(const struct addr *a)
{
	return be64(a->b);
}

uint64_t addr_lo(const struct addr *a)
{
	return be64(a->b + 8);
}

struct addr addr_from_halves(uint64_t hi, uint64_t lo)
{
	struct addr a;

	for (int i = 0; i < 8; i++) {
		a.b[i] = (uint8_t)(hi >> (56 - 8 * i));
		a.b[8 + i] = (uint8_t)(lo >> (56 - 8 * i));
	}
	return a;
}

uint32_t addr_get4(const struct addr *a)
{
	return (uint32_t)addr_lo(a);
}

bool addr_next(struct addr *a)
{
	for (int i = 15; i >= 0; i--)
		if (++a->b[i])
			return true;
	return false;
}

int addr_parse(const char *text, struct addr *ret)
{
	uint8_t v4[4];
	struct addr a;

	if (inet_pton(AF_INET, text, v4) == 1)
		a = addr_from4(v4);
	else if (inet_pton(AF_INET6, text, a.b) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

const char *addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	if (addr_is4(a))
		return inet_ntop(AF_INET, a->b + 12, buf, ADDR_TEXT_MAX);
	return inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT_MAX);
}

static struct addr mask_first(const struct addr *a, unsigned int bits)
{
	struct addr m = *a;

	for (unsigned int i = 0; i < 16; i++) {
		if (bits >= 8 * (i + 1))
			continue;
		m.b[i] &= bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits - 8 * i));
	}
	return m;
}

int prefix_parse(const char *text, struct prefix *ret)
{
	const char *slash = strchr(text, '/');
	char head[ADDR_TEXT_MAX];
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int len, max;
	struct prefix p;

	if (n >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, n);
	head[n] = 0;
	if (addr_parse(head, &p.addr) < 0)
		return -EINVAL;
	max = addr_is4(&p.addr) && !strchr(head, ':') ? 32 : 128;
	len = max;
	if (slash) {
		const char *s = slash + 1;

		if (!*s || strlen(s) > 3)
			return -EINVAL;
		for (len = 0; *s; s++) {
			if (*s < '0' || *s > '9')
				return -EINVAL;
			len = len * 10 + (unsigned int)(*s - '0');
		}
		if (len > max)
			return -ERANGE;
	}
	p.bits = (uint8_t)(len + 128 - max);
	*ret = p;
	ret->addr = mask_first(&p.addr, p.bits);
	return addr_compare(&ret->addr, &p.addr) ? -EDOM : 0;
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	size_t n;

	addr_format(&p->addr, buf);
	if (p->bits == 128)
		return buf;
	n = strlen(buf);
	snprintf(buf + n, PREFIX_TEXT_MAX - n, "/%u",
		 prefix_is4(p) ? p->bits - 96U : (unsigned int)p->bits);
	return buf;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	struct addr m = mask_first(a, p->bits);

	return !addr_compare(&m, &p->addr);
}

struct addr prefix_first(const struct prefix *p)
{
	return p->addr;
}

struct addr prefix_last(const struct prefix *p)
{
	struct addr a = p->addr;

	for (unsigned int i = 0; i < 16; i++) {
		if (p->bits >= 8 * (i + 1))
			continue;
		a.b[i] |= p->bits <= 8 * i ? 0xff : (uint8_t)(0xff >> (p->bits - 8 * i));
	}
	return a;
}

bool prefix_is4(const struct prefix *p)
{
	return p->bits >= 96 && addr_is4(&p->addr);
}

struct prefix prefix_of(const struct addr *a, unsigned int len)
{
	struct prefix p = { .bits = (uint8_t)(addr_is4(a) ? len + 96 : len) };

	p.addr = mask_first(a, p.bits);
	return p;
}
