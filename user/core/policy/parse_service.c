/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services and interfaces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/parse.h"

#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */

static const char *const service_help =
	"services are: tcp/443, udp/53, tcp/8000-8100, icmp, gre, proto 50";

/* Behind the slash there is no number. */
static char *port_meant(const char *proto, size_t n, const char *port, size_t port_n)
{
	const char *known = service_by_name(port, port_n);

	if (protocol_by_name(proto, n) && !protocol_by_name(proto, n)->has_ports)
		return xprintf("'%.*s' is all of it; its kinds are not told apart", (int)n, proto);
	if (known && protocol_by_name(proto, n))
		return xprintf("ports are numbers: %.*s%s", (int)n, proto, strchr(known, '/'));
	if (protocol_by_name(port, port_n))
		return xprintf("the protocol comes first: %.*s/%.*s", (int)port_n, port, (int)n,
			       proto);
	if (n == 5 && !memcmp(proto, "proto", 5))
		return xprintf("write: proto %.*s", (int)port_n, port);
	if (port_n && (*port == '*' || (port_n == 3 && !memcmp(port, "any", 3))))
		return xprintf("every port is the protocol alone: %.*s", (int)n, proto);
	return NULL;
}

/* Protocols in capitals, "tpc". */
static char *protocol_meant(const char *s, size_t n, const char *rest, size_t rest_n)
{
	struct nearest near = { .s = s, .n = n };

	for (const struct protocol *p = words_protocols; p->name; p++)
		nearest_offer(&near, p->name);
	return near.best ? xprintf("did you mean '%s%.*s'?", near.best, (int)rest_n, rest) : NULL;
}

/* What to write instead; NULL: it is a service, or like nothing that we know. */
static char *service_meant(const struct token *t)
{
	const char *slash = t->n ? memchr(t->s, '/', t->n) : NULL;
	const char *colon = t->n ? memchr(t->s, ':', t->n) : NULL;
	size_t n = slash ? (size_t)(slash - t->s) : t->n;
	char *meant = NULL;

	if (t->kind == T_STRING)
		return xstrdup("services are written without quotes: tcp/443");
	if (t->kind == T_LBRACE)
		return xstrdup("lists are separated by commas, without braces: tcp/443, udp/443");
	if (token_is(t, "any") || token_is(t, "all") || token_is(t, "ip"))
		return xstrdup("without 'service' every one is meant: leave it out");
	if (token_is(t, "not") || token_is(t, "except"))
		return xstrdup("exceptions are blocks: except { service tcp/443 }");
	if (t->kind == T_WORD && !protocol_by_name(t->s, t->n) && service_by_name(t->s, t->n))
		return xprintf("ports are numbers: %s", service_by_name(t->s, t->n));
	if (t->kind == T_BAD && colon && protocol_by_name(t->s, (size_t)(colon - t->s)))
		return xprintf("write: %.*s/%.*s", (int)(colon - t->s), t->s,
			       (int)(t->s + t->n - colon - 1), colon + 1);
	if ((t->kind == T_BAD || (t->kind == T_PORTS && n == 5 && !memcmp(t->s, "proto", 5))) &&
	    slash)
		meant = port_meant(t->s, n, slash + 1, t->n - n - 1);
	if (!meant && (t->kind == T_PORTS || t->kind == T_WORD) && !protocol_by_name(t->s, n))
		meant = protocol_meant(t->s, n, t->s + n, t->n - n);
	return meant;
}

static int service_word(struct parser *p, struct service *s)
{
	const char *slash = p->tok.n ? memchr(p->tok.s, '/', p->tok.n) : NULL;
	size_t n = slash ? (size_t)(slash - p->tok.s) : p->tok.n;
	const struct protocol *proto = protocol_by_name(p->tok.s, n);
	_cleanup_free_ char *meant = service_meant(&p->tok);

	if (meant) {
		_cleanup_free_ char *found = parse_describe(&p->tok);

		return parse_error(p, p->tok.pos, meant, "expected a service, found %s", found);
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
			if (parse_integer(
				    p, "a protocol number",
				    p->tok.kind == T_WORD
					    ? "one with a name is written alone: gre; others by number: proto 50"
					    : "write: proto 50",
				    0, 255, &number) < 0)
				return -EINVAL;
			s.protocol = (uint8_t)number;
		} else if (service_word(p, &s) < 0) {
			return -EINVAL;
		}
		*VEC_ADD(list) = s;
	} while (parse_kind(p, T_COMMA));
	return 0;
}

/* All of the text, at most `max`; -1: it is none. */
static long whole_number(const char *text, long max)
{
	char *end;
	long n;

	if (*text < '0' || *text > '9')
		return -1;
	n = strtol(text, &end, 10);
	return *end || n > max ? -1 : n;
}

int service_parse_text(const char *text, struct service *ret)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	const struct protocol *proto = protocol_by_name(text, n);
	long protocol = proto ? proto->number : whole_number(text, UINT8_MAX), port = 0;
	struct service s = { .has_port = slash };

	if (protocol < 0 || (slash && (!proto || !proto->has_ports)))
		return -EINVAL;
	if (slash)
		port = whole_number(slash + 1, UINT16_MAX);
	if (port < 0)
		return -EINVAL;
	s.protocol = (uint8_t)protocol;
	s.port_first = s.port_last = (uint16_t)port;
	*ret = s;
	return 0;
}

int parse_interface(struct parser *p, char **ret)
{
	bool ok = p->tok.kind == T_STRING || p->tok.kind == T_WORD;

	if (p->tok.kind == T_WORD && word_reserved(p->tok.s, p->tok.n))
		ok = false;
	if (token_is(&p->tok, "xdp") && (token_is(&p->next, "never") || token_is(&p->next, "auto")))
		return parse_expected(p, "an interface",
				      "write: inside eth1 xdp never, eth2 xdp auto");
	if (!ok)
		return parse_expected(
			p, "an interface",
			p->tok.kind == T_LBRACE
				? "lists are separated by commas, without braces: eth1, eth2"
			: p->tok.kind == T_PREFIX
				? "write the name of the interface, not an address: eth1"
				: "write its name as 'ip link' shows it, each one: eth1, eth2; odd ones in quotes: \"10gbe0\"");
	if (p->tok.kind == T_STRING &&
	    (memchr(p->tok.s, ',', p->tok.n) || memchr(p->tok.s, ' ', p->tok.n) ||
	     memchr(p->tok.s, '/', p->tok.n)))
		return parse_error(p, p->tok.pos,
				   "each name is quoted alone: \"10gbe0\", \"10gbe1\"",
				   "interface names have no blanks, commas or slashes");
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
