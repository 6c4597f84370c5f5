/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet's service, and who began its flow, leave of the rules about it. A
 * service is the responder's port: the destination's if the flow began inside, else
 * the source's. What cannot be known holds for policies, blocks and protect, and
 * fails for what takes packets out of policies.
 */
#ifndef CURFEW_BPF_SERVICE_H
#define CURFEW_BPF_SERVICE_H

#include "account.h"
#include "judge.h"

/* What narrow_began() says: connection tracking knows more, and only the hook can ask it. */
#define ASK_WHO_BEGAN 1

/* Does any rule name a service, or a side? Else the verifier takes all of this out. */
static __always_inline bool asks_service(void)
{
	return cfg.services;
}

static __always_inline bool asks_began(void)
{
	__u64 any = cfg.services;

	for_each_row_word (i)
		any |= cfg.inside_rules.word[i] | cfg.outside_rules.word[i];
	return any;
}

/* The row of a protocol and port. */
__noinline __u32 service_row(__u32 key)
{
	const struct cf_service_range *s;
	__u32 lo = 0, n = cfg_count(cfg.services, key);

	for (int step = 0; step < 15 && n > 1; step++) {
		__u32 half = n / 2, mid = lo + half;

		s = bpf_map_lookup_elem(&services, &mid);
		if (!s)
			return 0;
		if (s->start <= key) {
			lo = mid;
			n -= half;
		} else {
			n = half;
		}
	}
	s = bpf_map_lookup_elem(&services, &lo);
	return s ? s->row : 0;
}

static __always_inline bool port_hidden(const struct pkt *p)
{
	return p->proto.n == PROTO_NONE || (CF_HAS_PORTS(p->proto.n) && !p->has_ports);
}

/* Takes out of j->both what holds for the port of neither side. */
__noinline int narrow_service(const struct pkt *p)
{
	struct judge *j = judging_own();
	const struct cf_row *to, *from;

	if (!p || !j)
		return 0;
	j->undetermined = 0;
	if (port_hidden(p)) {
		__u32 protocol = p->proto.n;
		const struct cf_service_protocol *f =
			bpf_map_lookup_elem(&service_protocols, &protocol);

		if (!f)
			return 0;
		j->service_to = j->service_from = f->row;
		protocol = f->open;
		to = bpf_map_lookup_elem(&service_rows, &protocol);
		j->undetermined = to && row_intersects(&j->both, to);
	} else {
		j->service_to = service_row(CF_SERVICE(p->proto.n, p->dport));
		j->service_from = p->sport == p->dport
					  ? j->service_to
					  : service_row(CF_SERVICE(p->proto.n, p->sport));
	}
	to = bpf_map_lookup_elem(&service_rows, &j->service_to);
	from = bpf_map_lookup_elem(&service_rows, &j->service_from);
	if (!to || !from)
		return 0;
	for_each_row_word (i)
		j->both.word[i] &= to->word[i] | from->word[i];
	return 0;
}

/*
 * Who began the packet's flow, as far as is known at this point. A SYN begins. A
 * SYN with ACK answers one, but who wants to be taken for a server sends it without
 * having been asked: what it carries is not believed.
 */
static __always_inline enum cf_began began_of(const struct pkt *p)
{
	if (p->initiated != CF_BEGAN_UNKNOWN)
		return p->initiated;
	if (p->began == CF_SLOT_BEGAN_INSIDE)
		return CF_BEGAN_INSIDE;
	if ((p->asked || !cfg.have_ct) && p->began == CF_SLOT_BEGAN_OUTSIDE && !p->payload_bytes)
		return CF_BEGAN_OUTSIDE;
	return CF_BEGAN_UNKNOWN;
}

static __always_inline bool may_ask(const struct pkt *p)
{
	return cfg.have_ct && !p->asked && (p->proto.n == PROTO_TCP || p->proto.n == PROTO_UDP) &&
	       p->has_ports;
}

struct sides {
	__u64 inside, outside, unknown;
};

/* Of one word of rules, those that hold, by who began. `to`, `from`: whose service does. */
static __always_inline struct sides sides_of(int i, __u64 to, __u64 from)
{
	struct sides s = {
		.inside = to & ~cfg.outside_rules.word[i],
		.outside = from & ~cfg.inside_rules.word[i],
	};
	__u64 clearing = cfg.clearing_rules.word[i];

	s.unknown = ((s.inside | s.outside) & ~clearing) |
		    (s.inside & ~cfg.inside_rules.word[i] & clearing);
	return s;
}

/*
 * Takes out of j->match and j->both what holds for a flow that the other side began.
 * Asks only if a rule that is in its window depends on it.
 */
__noinline int narrow_began(const struct pkt *p, enum cf_hook hook)
{
	struct judge *j = judging_own();
	const struct cf_row *to = NULL, *from = NULL;
	enum cf_began began;
	__u64 differs = 0;

	if (!p || !j)
		return 0;
	if (cfg.services) {
		to = bpf_map_lookup_elem(&service_rows, &j->service_to);
		from = bpf_map_lookup_elem(&service_rows, &j->service_from);
		if (!to || !from)
			return 0;
	}
	for_each_row_word (i) {
		struct sides s =
			sides_of(i, to ? to->word[i] : ~0ULL, from ? from->word[i] : ~0ULL);

		differs |= j->match.word[i] & (s.inside ^ s.outside);
		/* what a policy holds, it holds outside its window too */
		if (cfg.holds)
			differs |=
				j->both.word[i] & cfg.hold_rules.word[i] & (s.inside ^ s.outside);
	}
	/* whose source is made up has begun, whatever connection tracking was made to believe */
	began = differs && !j->foreign ? began_of(p) : CF_BEGAN_INSIDE;
	if (began == CF_BEGAN_UNKNOWN && may_ask(p))
		return ASK_WHO_BEGAN;
	for_each_row_word (i) {
		struct sides s =
			sides_of(i, to ? to->word[i] : ~0ULL, from ? from->word[i] : ~0ULL);
		__u64 row = began == CF_BEGAN_INSIDE    ? s.inside
			    : began == CF_BEGAN_OUTSIDE ? s.outside
							: s.unknown;

		/* of what is outside its window no more is asked than of what is in it */
		j->both.word[i] &= differs ? row : row | ~j->match.word[i];
		j->match.word[i] &= row;
	}
	if (began == CF_BEGAN_UNKNOWN || (cfg.services && j->undetermined))
		note_count(hook, CF_NOTE_UNDETERMINED, p);
	return 0;
}

#endif
