/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PORT_FROM 4444
#define PORT_TO   9 /* discard, RFC 863 */

static void put16(uint8_t *at, uint32_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(uint8_t *at, uint32_t n)
{
	put16(at, n >> 16);
	put16(at + 2, n & 0xffff);
}

/* RFC 1071 */
static uint32_t checksum(const uint8_t *header, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16)) & 0xffff;
}

static void put_address(uint8_t *at, const struct frame_range *r, uint32_t n, bool six)
{
	size_t word = !six ? 0 : r->within ? 12 : 4;

	memcpy(at, r->first, six ? 16 : 4);
	put32(at + word, get32(r->first + word) + n);
}

static size_t put_ip4(const struct frame_kind *k, uint32_t source, uint32_t dest, size_t payload,
		      uint8_t *ip)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(20 + 8 + payload));
	ip[8] = 64;
	ip[9] = 17;
	put_address(ip + 12, &k->src, source, false);
	put_address(ip + 16, &k->dst, dest, false);
	put16(ip + 10, checksum(ip, 20));
	return 20;
}

static size_t put_ip6(const struct frame_kind *k, uint32_t source, uint32_t dest, size_t payload,
		      uint8_t *ip)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)(8 + payload));
	ip[6] = 17;
	ip[7] = 64;
	put_address(ip + 8, &k->src, source, true);
	put_address(ip + 24, &k->dst, dest, true);
	return 40;
}

size_t frame_build(const struct frame_kind *k, uint32_t source, uint32_t dest, size_t payload,
		   uint8_t *f)
{
	uint8_t *udp;

	memcpy(f, k->to, 6);
	memcpy(f + 6, k->from, 6);
	if (k->mac_per_source)
		put32(f + 8, get32(k->from + 2) + source);
	put16(f + 12, k->six ? 0x86dd : 0x0800);
	udp = f + 14;
	udp += k->six ? put_ip6(k, source, dest, payload, udp)
		      : put_ip4(k, source, dest, payload, udp);
	put16(udp, PORT_FROM);
	put16(udp + 2, PORT_TO);
	put16(udp + 4, (uint32_t)(8 + payload));
	put16(udp + 6, 0);
	memset(udp + 8, 0, payload);
	return (size_t)(udp - f) + 8 + payload;
}

int frame_address(const char *text, bool six, uint8_t ret[16])
{
	return inet_pton(six ? AF_INET6 : AF_INET, text, ret) == 1 ? 0 : -1;
}

int frame_mac(const char *text, uint8_t ret[6])
{
	unsigned int b[6];
	char more;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &more) != 6)
		return -1;
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return 0;
}
