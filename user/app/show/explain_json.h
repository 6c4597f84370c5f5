/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would happen to a packet, and why: the common part of `why` and `would`. */
#ifndef CURFEW_APP_SHOW_EXPLAIN_JSON_H
#define CURFEW_APP_SHOW_EXPLAIN_JSON_H

#include "app/daemon/books.h"
#include "core/ledger/query.h"

struct question {
	struct explain_source src;
	struct addr dst;
	struct utc at;
	bool now; /* `at` is the present: the switch and the quotas' latches count */
	bool has_service;
	struct service service; /* one port at most; the responder's */
	uint16_t other_port;    /* 0: not known */
	enum cf_began began;
	char interface[IFNAMSIZ]; /* came in by it; "": not known */
	uint16_t vlan;            /* 0: untagged, or not known */
};

struct answer {
	enum cf_reason reason;
	uint32_t rule;  /* that decides; ~0: none */
	uint32_t quota; /* that is used up; ~0: none */
	bool drop;
	struct cf_row charged;
	uint32_t open;   /* enum image_open */
	bool by_service; /* the service is not known, and those that no rule names fare otherwise */
	uint32_t other_rule; /* decides for these; ~0: none */
};

/* "inside", "gateway", "other" */
const char *from_name(enum cf_from from);

/*
 * Reads source and destination out of the request. The source is the gateway
 * if the address is this machine's own, unless "from" says otherwise. "service" is
 * what the side that did not begin offers; "initiated" says who did: with a service,
 * inside if not given.
 */
int question_parse(struct daemon *d, const json_t *args, struct question *ret, char **ret_error);
/*
 * The service of a packet that an alert or a sample is about, by its "protocol", "source_port"
 * and "destination_port"; who began is not known. False: it names none.
 */
bool question_packet(const json_t *packet, struct question *q);
/*
 * Judges as the kernel would, with the quotas as they are. Fills *ret and
 * returns an object: source, destination (with place), from, at, verdict {…},
 * policy, window {…}, quotas [ … ]; other_services {verdict, rule} if answer.by_service.
 */
json_t *answer_json(struct daemon *d, const struct question *q, struct answer *ret,
		    char **ret_error);

#endif
