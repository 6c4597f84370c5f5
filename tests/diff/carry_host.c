/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parse.h and decap.h as the host's compiler builds them. */
#include "carry.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "decap.h"

void host_parse(const struct packet *p, struct facts *ret)
{
	/* of its exact size: a byte too far is a heap overflow */
	uint8_t *copy = malloc(p->len ? p->len : 1);
	struct frame f = { .data = copy, .end = copy + p->len, .len = p->len, .raw_l3 = p->raw };
	struct pkt parsed = { 0 };
	enum cf_reason reason;

	if (!copy)
		abort();
	memcpy(copy, p->data, p->len);
	parsed.wire_bytes = f.len;
	reason = parse_frame(&f, &parsed);
	if (parsed.tunnel && decap(&f, &parsed) != NO_TUNNEL && parsed.inner_l3 != L3_NONE &&
	    !inner_is_ip(&parsed, copy + parsed.inner_at))
		parsed.inner_l3 = L3_NONE;
	facts_of(&parsed, reason, ret);
	ret->how = FACTS_HOST;
	free(copy);
}
