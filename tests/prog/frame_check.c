/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame_check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../bpf/decap.h"

#define TUNNELS                                                                                    \
	(NOTE(IPIP) | NOTE(SIXINFOUR) | NOTE(FOURINSIX) | NOTE(SIXINSIX) | NOTE(GRE) |             \
	 NOTE(VXLAN) | NOTE(GENEVE) | NOTE(TEREDO) | NOTE(ESP) | NOTE(WIREGUARD))
#define PARSER_NOTES (TUNNELS | NOTE(FRAGMENT) | NOTE(LATER_FRAGMENT) | NOTE(EXTENSIONS))

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			return #what;                                                              \
	} while (0)

static const char *check_tunnel(const struct frame *f, const struct pkt *p, enum cf_note note)
{
	__u32 tunnels = p->notes & TUNNELS;

	MUST(!(tunnels & (tunnels - 1)));
	MUST(note == NO_TUNNEL ? !tunnels : tunnels == 1U << note);
	MUST(p->tunnel || !tunnels);
	if (!p->inner_l3) {
		MUST(!p->inner_at);
		return NULL;
	}
	MUST(tunnels && !(tunnels & (NOTE(ESP) | NOTE(WIREGUARD))));
	MUST(p->inner_at >= p->transport_at);
	MUST(p->inner_at + (p->inner_l3 == L3_IPV4 ? 20U : 40U) <= f->len);
	MUST(p->inner_at <= DECAP_BYTES_MAX);
	return NULL;
}

static const char *check_parsed(const struct frame *f, const struct pkt *p)
{
	bool ports = CF_HAS_PORTS(p->proto.n);

	MUST(p->l3 == L3_IPV4 || p->l3 == L3_IPV6);
	MUST(p->payload_bytes <= f->len);
	/* all that is not payload is in the headers, or padding; extension headers are in both */
	MUST(p->headers <= f->len);
	MUST(p->l3 == L3_IPV6 || p->headers + p->payload_bytes <= f->len);
	MUST(p->headers >= (p->l3 == L3_IPV4 ? 20U : 40U) + (f->raw_l3 ? 0 : 14));
	MUST(p->has_mac == !f->raw_l3);
	MUST(!p->later_fragment || p->fragment);
	MUST(p->fragment == !!(p->notes & NOTE(FRAGMENT)));
	MUST(p->later_fragment == !!(p->notes & NOTE(LATER_FRAGMENT)));
	MUST(!(p->notes & NOTE(EXTENSIONS)) || (p->l3 == L3_IPV6 && p->proto.n == PROTO_NONE));
	MUST(!(p->sport || p->dport) || (ports && !p->later_fragment));
	MUST(!p->began || (p->proto.n == PROTO_TCP && !p->later_fragment));
	MUST(p->began == 0 || p->began == CF_SLOT_BEGAN_INSIDE ||
	     p->began == CF_SLOT_BEGAN_OUTSIDE);
	MUST(!p->configuration || (!p->later_fragment && p->proto.n != PROTO_TCP));
	MUST(!p->tunnel || !p->later_fragment);
	MUST(!p->jumbo || f->len > 0xffff);
	MUST(p->transport_at <= f->len);
	MUST(p->l3 == L3_IPV6 || (!p->src.word[1] && !p->dst.word[1]));
	return NULL;
}

static const char *check(const struct frame *f, enum cf_reason *ret_reason, struct pkt *p)
{
	enum cf_note note = NO_TUNNEL;
	const char *wrong;

	*ret_reason = parse_frame(f, p);
	MUST(!(p->notes & (TUNNELS | ~PARSER_NOTES)));
	MUST(p->vlan < 4096);
	if (*ret_reason != UNDECIDED) {
		MUST(*ret_reason < CF_REASON_MAX);
		MUST(!p->tunnel && !p->payload_bytes && !p->notes);
		return NULL;
	}
	wrong = check_parsed(f, p);
	if (wrong)
		return wrong;
	if (p->tunnel)
		note = decap(f, p);
	return check_tunnel(f, p, note);
}

/* Two pages, the second without access. */
static __u8 *fence(void)
{
	static __u8 *wall;

	if (wall)
		return wall;
	wall = mmap(NULL, (size_t)FRAME_CHECK_MAX * 2, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (wall == MAP_FAILED || mprotect(wall + FRAME_CHECK_MAX, FRAME_CHECK_MAX, PROT_NONE) < 0)
		abort();
	return wall += FRAME_CHECK_MAX;
}

const char *frame_check(const __u8 *data, size_t size, const struct frame_opts *opts,
			enum cf_reason *ret_reason, struct pkt *ret)
{
	struct frame f = {
		.end = fence(),
		.len = (__u32)size + opts->beyond,
		.raw_l3 = opts->raw_l3,
		.tagged = opts->tagged,
		.vlan = opts->tagged ? opts->vlan & 0xfff : 0,
	};

	if (size > FRAME_CHECK_MAX)
		return "too long for this check";
	f.data = f.end - size;
	if (size)
		memcpy((__u8 *)f.end - size, data, size);
	*ret = (struct pkt){ 0 };
	return check(&f, ret_reason, ret);
}
