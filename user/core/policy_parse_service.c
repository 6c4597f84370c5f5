/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services and interfaces. */
#include <errno.h>
#include <string.h>

#include "core/policy_parse.h"

#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */

static const char *const service_help =
	"services are: tcp/443, udp/53, tcp/8000-8100, icmp, gre, proto 50";

static int service_word(struct parser *p, struct service *s)
{
	const char *slash = p->tok.n ? memchr(p->tok.s, '/', p->tok.n) : NULL;
	size_t n = slash ? (size_t)(slash - p->tok.s) : p->tok.n;
	const struct protocol *proto = protocol_by_name(p->tok.s, n);
	uint16_t port = 0;

	if (p->tok.kind == T_BAD && slash)
		port = service_port_by_name(slash + 1, p->tok.n - n - 1);
	else if (p->tok.kind == T_WORD && !proto)
		port = service_port_by_name(p->tok.s, p->tok.n);
	if (port) {
		_cleanup_free_ char *help = xprintf("ports are numbers: tcp/%u", port);
		_cleanup_free_ char *found = parse_describe(&p->tok);

		return parse_error(p, p->tok.pos, help, "expected a service, found %s", found);
	}
	if (p->tok.kind == T_NUMBER && p->tok.whole) {
		_cleanup_free_ char *help = xprintf(
			"did you mean 'tcp/%u'? Each item needs its protocol", p->tok.number);

		return parse_expected(p, "a service", help);
	}
	if ((p->tok.kind != T_WORD && p->tok.kind != T_PORTS) || !proto)
		return parse_expected(p, "a service", service_help);
	s->protocol = proto->number;
	if (p->tok.kind == T_PORTS) {
		if (!proto->has_ports)
			return parse_error(p, p->tok.pos, "leave the number out", "%s has no ports",
					   proto->name);
		s->has_port = true;
		s->port_first = (uint16_t)p->tok.first;
		s->port_last = (uint16_t)p->tok.last;
	}
	parse_advance(p);
	return 0;
}

int parse_services(struct parser *p, struct service_list *list)
{
	do {
		struct service s = { .pos = p->tok.pos };
		uint32_t number;

		if (parse_word(p, "proto")) {
			if (parse_integer(p, "a protocol number", "write: proto 50", 0, 255,
					  &number) < 0)
				return -EINVAL;
			s.protocol = (uint8_t)number;
		} else if (service_word(p, &s) < 0) {
			return -EINVAL;
		}
		*VEC_ADD(list) = s;
	} while (parse_kind(p, T_COMMA));
	return 0;
}

int parse_interface(struct parser *p, char **ret)
{
	bool ok = p->tok.kind == T_STRING || p->tok.kind == T_WORD;

	if (p->tok.kind == T_WORD && word_reserved(p->tok.s, p->tok.n))
		ok = false;
	if (!ok)
		return parse_expected(p, "an interface",
				      "write: eth1; other names in quotes: \"10gbe0\"");
	if (p->tok.n - (p->tok.kind == T_STRING ? 2 : 0) > INTERFACE_NAME_MAX)
		return parse_error(p, p->tok.pos, NULL,
				   "interface names have at most %d characters",
				   INTERFACE_NAME_MAX);
	if (p->tok.kind == T_STRING)
		return parse_string(p, "an interface", NULL, ret);
	*ret = xstrndup(p->tok.s, p->tok.n);
	parse_advance(p);
	return 0;
}

/* "eth1 xdp never" */
static int parse_xdp(struct parser *p, bool inside, bool *ret_never)
{
	static const char *const help = "write: inside eth1 xdp never, eth2 xdp auto";
	struct pos pos = p->tok.pos;

	if (!parse_word(p, "xdp"))
		return 0;
	if (!inside)
		return parse_error(p, pos, "'xdp' is for inside interfaces",
				   "outside interfaces are never hooked at XDP");
	if (parse_word(p, "never"))
		*ret_never = true;
	else if (!parse_word(p, "auto"))
		return parse_expected(p, "'auto' or 'never'", help);
	return 0;
}

int parse_interfaces(struct parser *p, bool inside, struct name_list *list)
{
	do {
		struct name_at item = { .pos = p->tok.pos };

		if (parse_interface(p, &item.name) < 0 || !item.name)
			return -EINVAL;
		for (size_t i = 0; i < list->n; i++) {
			if (strcmp(list->v[i].name, item.name) != 0)
				continue;
			parse_error(p, item.pos, NULL, "interface %s is named twice", item.name);
			free(item.name);
			return -EINVAL;
		}
		if (parse_xdp(p, inside, &item.xdp_never) < 0) {
			free(item.name);
			return -EINVAL;
		}
		*VEC_ADD(list) = item;
	} while (parse_kind(p, T_COMMA));
	return 0;
}
