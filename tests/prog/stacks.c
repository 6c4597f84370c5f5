/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS_MAX 24

struct layer {
	char name[16];
	unsigned long v[2];
	int n; /* numbers given */
};

/* Built from the last layer to the first: `at` moves towards the beginning of buf. */
struct build {
	struct layer layer[LAYERS_MAX];
	int layers;
	uint8_t buf[STACK_MAX];
	uint8_t *at, *end;
};

static void set16(uint8_t *p, unsigned long v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t size_of(const struct build *b)
{
	return (size_t)(b->end - b->at);
}

static uint8_t *push(struct build *b, size_t n)
{
	if ((size_t)(b->at - b->buf) < n)
		abort();
	b->at -= n;
	memset(b->at, 0, n);
	return b->at;
}

static int is(const struct layer *l, const char *name)
{
	return !strcmp(l->name, name);
}

/* By which number IP announces a layer. */
static const struct {
	const char *name;
	uint8_t protocol;
} protocols[] = {
	{ "hop", 0 },          { "icmp", 1 },       { "ip4", 4 },   { "ip4-options", 4 },
	{ "tcp", 6 },          { "udp", 17 },       { "ip6", 41 },  { "routing", 43 },
	{ "srv6", 43 },        { "fragment", 44 },  { "gre", 47 },  { "esp", 50 },
	{ "ah", 51 },          { "icmp6", 58 },     { "none", 59 }, { "dst", 60 },
	{ "sctp", 132 },       { "mobility", 135 }, { "hip", 139 }, { "shim6", 140 },
	{ "ip4-fragment", 4 },
};

static uint8_t protocol_of(const struct layer *l)
{
	if (is(l, "proto"))
		return (uint8_t)l->v[0];
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (is(l, protocols[i].name))
			return protocols[i].protocol;
	return 253; /* for experiments: RFC 3692 */
}

static unsigned int ethertype_of(const struct layer *l)
{
	static const struct {
		const char *name;
		unsigned int type;
	} types[] = { { "vlan", 0x8100 },        { "qinq", 0x88a8 }, { "pppoe", 0x8864 },
		      { "pppoe-short", 0x8864 }, { "ip6", 0x86dd },  { "eth", 0x6558 },
		      { "arp", 0x0806 },         { "snap", 0x0100 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is(l, types[i].name))
			return types[i].type;
	return !strncmp(l->name, "ip4", 3) ? 0x0800 : 0x88b5; /* for experiments: IEEE 802 */
}

static void push_ether(struct build *b, const struct layer *next)
{
	size_t inside = size_of(b);
	uint8_t *p = push(b, 14);

	memcpy(p, (uint8_t[]){ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 5 }, 12);
	set16(p + 12, is(next, "snap") ? inside : ethertype_of(next));
}

static void push_pppoe(struct build *b, const struct layer *l, const struct layer *next)
{
	unsigned int ppp = is(next, "lcp") ? 0xc021 : is(next, "ip6") ? 0x57 : 0x21;
	size_t inside = size_of(b);
	int compressed = is(l, "pppoe-short");
	uint8_t *p = push(b, compressed ? 7 : 8);

	p[0] = 0x11;
	set16(p + 2, 77);
	set16(p + 4, inside + (compressed ? 1 : 2));
	if (compressed)
		p[6] = (uint8_t)ppp;
	else
		set16(p + 6, ppp);
}

static void push_ip4(struct build *b, const struct layer *l, const struct layer *next)
{
	size_t inside = size_of(b), ihl = is(l, "ip4-options") ? 32 : 20;
	uint8_t *p = push(b, ihl);

	p[0] = (uint8_t)(0x40 | ihl / 4);
	set16(p + 2, ihl + inside);
	set16(p + 6, is(l, "ip4-fragment") ? l->v[0] : 0);
	p[8] = 64;
	p[9] = protocol_of(next);
	memcpy(p + 12, (uint8_t[]){ 10, 0, 0, 5, 203, 0, 113, 9 }, 8);
	if (l->n == 2) {
		p[15] = (uint8_t)l->v[0];
		p[19] = (uint8_t)l->v[1];
	}
	memset(p + 20, 1, ihl - 20); /* no-ops */
}

static void push_ip6(struct build *b, const struct layer *l, const struct layer *next)
{
	static const uint8_t addresses[] = {
		0xfd, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
		0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9,
	};
	size_t inside = size_of(b);
	uint8_t *p = push(b, 40);

	p[0] = 0x60;
	set16(p + 4, inside);
	p[6] = protocol_of(next);
	p[7] = l->n ? (uint8_t)l->v[0] : 64;
	memcpy(p + 8, addresses, 32);
}

/* Extension headers: 8 bytes, or as many as their kind usually has. */
static void push_extension(struct build *b, const struct layer *l, const struct layer *next)
{
	size_t size = is(l, "srv6") ? 40 : is(l, "ah") ? 24 : is(l, "hip") ? 40 : 8;
	uint8_t *p = push(b, size);

	p[0] = protocol_of(next);
	p[1] = (uint8_t)(is(l, "ah") ? size / 4 - 2 : size / 8 - 1);
	if (is(l, "fragment")) {
		p[1] = 0;
		set16(p + 2, l->v[0]);
	} else if (is(l, "srv6")) {
		p[2] = 4; /* segment routing, two segments */
		p[4] = 1;
	} else if (!is(l, "ah")) {
		memset(p + 2, 0, size - 2);
		p[2] = 1; /* PadN */
		p[3] = (uint8_t)(size - 4);
	}
}

static void push_gre(struct build *b, const struct layer *l, const struct layer *next)
{
	unsigned long flags = l->n ? l->v[0] : 0;
	size_t words = (flags >> 15) + (flags >> 13 & 1) + (flags >> 12 & 1);
	uint8_t *p = push(b, 4 + 4 * words);

	set16(p, flags);
	set16(p + 2, ethertype_of(next));
}

static void push_geneve(struct build *b, const struct layer *l, const struct layer *next)
{
	uint8_t *p = push(b, 8 + 4 * l->v[0]);

	p[0] = (uint8_t)l->v[0];
	set16(p + 2, ethertype_of(next));
}

static void push_transport(struct build *b, const struct layer *l)
{
	size_t inside = size_of(b);
	uint8_t *p;

	if (is(l, "tcp")) {
		p = push(b, 20);
		set16(p, 40000);
		set16(p + 2, 443);
		p[12] = 5 << 4;
		p[13] = l->n ? (uint8_t)l->v[0] : 0x10;
	} else if (is(l, "udp")) {
		p = push(b, 8);
		set16(p, l->v[0]);
		set16(p + 2, l->v[1]);
		set16(p + 4, inside + 8);
	} else if (is(l, "icmp6")) {
		push(b, 8)[0] = (uint8_t)l->v[0];
	} else if (is(l, "icmp")) {
		push(b, 8)[0] = 8;
	} else if (is(l, "esp")) {
		push(b, 8)[3] = 9; /* security parameter index */
	}
}

/* What is in UDP, and needs nothing of what follows. */
static int push_in_udp(struct build *b, const struct layer *l)
{
	static const uint8_t sizes[] = { 0, 148, 92, 64, 32 };
	uint8_t *p;

	if (is(l, "vxlan")) {
		push(b, 8)[0] = 8;
	} else if (is(l, "teredo-auth")) {
		p = push(b, 4 + l->v[0] + l->v[1] + 9);
		p[1] = 1;
		p[2] = (uint8_t)l->v[0];
		p[3] = (uint8_t)l->v[1];
	} else if (is(l, "teredo-origin")) {
		push(b, 8);
	} else if (is(l, "wg")) {
		push(b, sizes[l->v[0]])[0] = (uint8_t)l->v[0];
	} else {
		return 0;
	}
	return 1;
}

static void push_layer(struct build *b, const struct layer *l, const struct layer *next)
{
	static const char *const extensions[] = { "hop",      "dst", "routing", "srv6",    "ah",
						  "mobility", "hip", "shim6",   "fragment" };

	if (push_in_udp(b, l))
		return;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (is(l, extensions[i])) {
			push_extension(b, l, next);
			return;
		}
	if (is(l, "eth")) {
		push_ether(b, next);
	} else if (is(l, "vlan") || is(l, "qinq")) {
		uint8_t *p = push(b, 4);

		set16(p, l->v[0]);
		set16(p + 2, ethertype_of(next));
	} else if (is(l, "snap")) {
		uint8_t *p = push(b, 8);

		memcpy(p, (uint8_t[]){ 0xaa, 0xaa, 3 }, 3);
		set16(p + 6, ethertype_of(next));
	} else if (!strncmp(l->name, "pppoe", 5)) {
		push_pppoe(b, l, next);
	} else if (!strncmp(l->name, "ip4", 3)) {
		push_ip4(b, l, next);
	} else if (is(l, "ip6")) {
		push_ip6(b, l, next);
	} else if (is(l, "gre")) {
		push_gre(b, l, next);
	} else if (is(l, "geneve")) {
		push_geneve(b, l, next);
	} else if (is(l, "data")) {
		memset(push(b, l->v[0]), 0xda, l->v[0]);
	} else if (is(l, "lcp")) {
		push(b, 8)[0] = 9;
	} else {
		push_transport(b, l);
	}
}

static void read_layers(const char *text, struct build *b)
{
	while (*text && b->layers < LAYERS_MAX) {
		struct layer *l = &b->layer[b->layers];
		size_t n = strcspn(text, " "), name = strcspn(text, " :");
		const char *number = text + name;

		memcpy(l->name, text, name < sizeof(l->name) ? name : sizeof(l->name) - 1);
		while (*number == ':' && l->n < 2) {
			char *end;

			l->v[l->n++] = strtoul(number + 1, &end, 0);
			number = end;
		}
		b->layers++;
		text += n + strspn(text + n, " ");
	}
}

size_t stack_build(const char *text, uint8_t *buf)
{
	static const struct layer nothing = { "none", { 0 }, 0 };
	struct build *b = calloc(1, sizeof(*b));
	size_t size;

	if (!b)
		abort();
	b->at = b->end = b->buf + sizeof(b->buf);
	read_layers(text, b);
	if (b->layers && is(&b->layer[b->layers - 1], "pad")) {
		b->layers--;
		b->at = b->end -= b->layer[b->layers].v[0];
	}
	for (int i = b->layers - 1; i >= 0; i--)
		push_layer(b, &b->layer[i], i + 1 < b->layers ? &b->layer[i + 1] : &nothing);
	b->end = b->buf + sizeof(b->buf);
	size = size_of(b);
	memcpy(buf, b->at, size);
	free(b);
	return size;
}
