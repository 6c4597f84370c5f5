/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packets.h"

#include <arpa/inet.h>
#include <string.h>

static uint8_t *put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put_ether(uint8_t *p, const struct frame_spec *s, int six)
{
	static const uint8_t gateway[6] = { 2, 0, 0, 0, 0, 1 };

	memcpy(p, gateway, 6);
	memcpy(p + 6, (uint8_t[6]){ 2, 0, 0, 0, 1, s->host }, 6);
	p += 12;
	for (int i = 0; i < s->tags; i++) {
		p = put16(p, 0x8100);
		p = put16(p, 100U + (unsigned int)i);
	}
	return put16(p, six ? 0x86dd : 0x0800);
}

static uint32_t transport_size(const struct frame_spec *s)
{
	return s->protocol == 6 ? 20 : s->protocol == 17 ? 8 : 0;
}

static uint8_t *put_ip4(uint8_t *p, const struct frame_spec *s, uint32_t size)
{
	unsigned int ihl = 20U + s->options;

	memset(p, 0, ihl);
	p[0] = (uint8_t)(0x40 | ihl / 4);
	put16(p + 2, ihl + size);
	put16(p + 6, s->fragment);
	p[8] = 64;
	p[9] = s->protocol;
	inet_pton(AF_INET, s->src, p + 12);
	inet_pton(AF_INET, s->dst, p + 16);
	memset(p + 20, 1, s->options); /* no-ops */
	return p + ihl;
}

static uint8_t *put_ip6(uint8_t *p, const struct frame_spec *s, uint32_t size)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	put16(p + 4, size + 8U * s->extensions);
	p[6] = s->extensions ? 0 : s->protocol; /* hop-by-hop */
	p[7] = 64;
	inet_pton(AF_INET6, s->src, p + 8);
	inet_pton(AF_INET6, s->dst, p + 24);
	p += 40;
	for (int left = s->extensions; left; left--, p += 8) {
		/* the next one's kind, no more bytes than 8, and PadN (RFC 8200, 4.2) over 6 */
		memcpy(p, (uint8_t[8]){ left > 1 ? 60 : s->protocol, 0, 1, 4 }, 8);
	}
	return p;
}

void frame_build(const struct frame_spec *s, struct frame_bytes *ret)
{
	int six = strchr(s->dst, ':') != NULL;
	uint32_t size = transport_size(s) + s->payload;
	uint8_t *p = put_ether(ret->data, s, six);

	p = six ? put_ip6(p, s, size) : put_ip4(p, s, size);
	memset(p, 0, size + s->padding);
	if (transport_size(s)) {
		put16(p, s->sport);
		put16(p + 2, s->dport);
	}
	if (s->protocol == 6) {
		p[12] = 5 << 4;
		p[13] = (uint8_t)(s->tcp_flags ? s->tcp_flags : 0x10); /* ACK */
	} else if (s->protocol == 17) {
		put16(p + 4, size);
	}
	ret->len = (uint32_t)(p - ret->data) + size + s->padding;
}
