/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header stacks in words, as bytes: "eth vlan:100 ip6 hop udp:5000:53 data:20".
 * Lengths, ethertypes and next headers come from what follows. What the parser
 * must say of each is a table that the host's and the kernel's tests share.
 */
#ifndef CURFEW_TESTS_STACKS_H
#define CURFEW_TESTS_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "curfew/abi.h"

#define STACK_MAX 2048

/*
 * Builds into buf, which has room for STACK_MAX; returns the length, 0 if the text
 * makes no sense. Words, most with numbers behind colons:
 *   eth vlan:ID qinq:ID pppoe pppoe-short snap lcp
 *   ip4[:SRC_LAST:DST_LAST] ip4-options ip4-fragment:FIELD, where FIELD is flags and offset
 *   ip6[:HOPS] hop dst routing srv6 ah mobility hip shim6 fragment:FIELD
 *   tcp[:FLAGS] udp:SPORT:DPORT icmp icmp6:TYPE esp proto:N
 *   gre[:FLAGS] vxlan geneve[:OPTION_WORDS] teredo-auth:N:M teredo-origin
 *   wg:TYPE data:N pad:N (behind all, in no length)
 */
size_t stack_build(const char *text, uint8_t *buf);

struct stack_case {
	const char *text;
	enum cf_reason reason; /* CF_REASON_MAX: parsed, and what follows holds */
	uint8_t l3;            /* 4 or 6 */
	uint8_t protocol;
	uint16_t sport, dport;
	uint32_t payload; /* bytes */
	uint32_t notes;   /* bits of enum cf_note */
	uint8_t inner;    /* 0, 4 or 6 */
	uint16_t inner_at;
	uint16_t vlan;
	uint8_t began;
	uint8_t configuration;
};
extern const struct stack_case stack_cases[];
extern const size_t stack_case_count;

#endif
