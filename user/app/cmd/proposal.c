/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/proposal.h"

#include <errno.h>
#include <string.h>

#include "core/coverage/coverage.h"

struct index_list {
	uint32_t *v;
	size_t n, cap;
};

static bool has(const struct index_list *l, uint32_t ifindex)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == ifindex)
			return true;
	return false;
}

static bool in_range(const char *range, const struct addr *a)
{
	struct prefix p;

	return prefix_parse(range, &p) == 0 && prefix_contains(&p, a);
}

/* RFC 6598: behind a provider's NAT it is the provider's, and other customers' too. */
static bool is_shared(const struct addr *a)
{
	return in_range("100.64.0.0/10", a);
}

/* RFC 1918, RFC 4193. */
static bool is_private(const struct addr *a)
{
	static const char *const ranges[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					      "fc00::/7" };

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (in_range(ranges[i], a))
			return true;
	return false;
}

/* The best default route of each family says where outside is; other ones with the same metric too.
 */
static void find_outside(const struct net_state *net, struct index_list *out)
{
	uint32_t least[2] = { UINT32_MAX, UINT32_MAX };

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < net->routes.n; i++) {
			const struct net_route *r = &net->routes.v[i];
			uint32_t *best = &least[addr_is4(&r->dst.addr)];

			if (!r->is_default || r->local || !r->main_table || !r->ifindex)
				continue;
			if (!pass && r->metric < *best)
				*best = r->metric;
			if (pass && r->metric == *best && !has(out, r->ifindex))
				*VEC_ADD(out) = r->ifindex;
		}
}

static void find_inside(const struct net_state *net, const struct index_list *outside,
			struct index_list *out)
{
	for (size_t i = 0; i < net->links.n; i++) {
		const struct net_link *link = &net->links.v[i];

		/* A VLAN on a device that is covered itself would be counted twice. */
		if (!link->up || link->loopback || link->master || has(outside, link->ifindex) ||
		    has(outside, link->lower) || has(out, link->lower))
			continue;
		for (size_t k = 0; k < net->addresses.n; k++)
			if (net->addresses.v[k].ifindex == link->ifindex &&
			    (is_private(&net->addresses.v[k].addr) ||
			     is_shared(&net->addresses.v[k].addr))) {
				*VEC_ADD(out) = link->ifindex;
				break;
			}
	}
}

/* Of a veth, native XDP has TCP cut into packets and copied: three times the CPU of TC. */
static bool dear_with_xdp(const struct proposal_facts *f, uint32_t ifindex)
{
	return f->devices && device_is(device_find(f->devices, ifindex), "veth");
}

static void put_interfaces(struct buf *out, const char *word, const struct proposal_facts *f,
			   const struct index_list *l, bool inside)
{
	const char *before = word;

	for (size_t i = 0; i < f->net->links.n; i++) {
		const struct net_link *link = &f->net->links.v[i];

		if (!has(l, link->ifindex))
			continue;
		buf_printf(out, "%s%s%s", before, link->name,
			   inside && dear_with_xdp(f, link->ifindex) ? " xdp never" : "");
		before = ", ";
	}
	buf_puts(out, "\n");
}

/* Where each would be hooked, as comments: it is known only when all are named. */
static void put_coverage(struct buf *out, const struct proposal_facts *f,
			 const struct index_list *inside, const struct index_list *outside)
{
	size_t n = inside->n + outside->n;
	_cleanup_free_ struct coverage_want *wants = xcalloc(n + 1, sizeof(*wants));
	_cleanup_free_ struct coverage *coverage = xcalloc(n + 1, sizeof(*coverage));

	if (!f->devices)
		return;
	for (size_t i = 0; i < n; i++) {
		bool in = i < inside->n;

		wants[i].role = in ? CF_IF_INSIDE : CF_IF_OUTSIDE;
		wants[i].ifindex = in ? inside->v[i] : outside->v[i - inside->n];
		wants[i].xdp_never = in && dear_with_xdp(f, wants[i].ifindex);
	}
	coverage_decide(wants, n, f->devices, coverage);
	for (size_t i = 0; i < n; i++) {
		const struct device *d = device_find(f->devices, wants[i].ifindex);
		char text[2 * COVERAGE_TEXT];

		if (!d)
			continue;
		buf_printf(out, "# %s: %s\n", d->name,
			   coverage_text(&coverage[i], text, sizeof(text)));
		if (*coverage[i].warning)
			buf_printf(out, "# %s: warning: %s\n", d->name, coverage[i].warning);
	}
}

struct prefixes {
	struct prefix *v;
	size_t n, cap;
};

static bool covered(const struct prefixes *l, const struct prefix *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].bits <= p->bits && prefix_contains(&l->v[i], &p->addr))
			return true;
	return false;
}

static void put_networks(struct buf *out, const struct net_state *net,
			 const struct index_list *inside)
{
	struct prefixes l = { 0 };
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < net->addresses.n; i++) {
		const struct net_address *a = &net->addresses.v[i];

		if (!is_private(&a->addr) && !has(inside, a->ifindex))
			continue;
		/* fe80::/10 is never judged anyway; loopback is no network. */
		if ((a->addr.b[0] == 0xfe && (a->addr.b[1] & 0xc0) == 0x80) ||
		    covered(&l, &a->on_link))
			continue;
		*VEC_ADD(&l) = a->on_link;
	}
	if (!l.n)
		return;
	buf_puts(out, "networks ");
	for (size_t i = 0; i < l.n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", prefix_format(&l.v[i], text));
	buf_puts(out, "   # ours, wherever: never a destination\n");
	free(l.v);
}

/* What a quoted string cannot hold is left out. */
static void put_quoted(struct buf *out, const char *text)
{
	buf_puts(out, "\"");
	for (; *text; text++)
		if (*text != '"' && *text != '\\' && (unsigned char)*text >= 0x20)
			buf_add(out, text, 1);
	buf_puts(out, "\"");
}

static void put_site(struct buf *out, const struct proposal_facts *f)
{
	buf_puts(out, "site {\n    name      ");
	put_quoted(out, f->host && *f->host ? f->host : "gateway");
	buf_puts(out, "\n");
	if (f->zone)
		buf_printf(out, "    timezone  \"%s\"\n", f->zone);
	buf_puts(out,
		 "    # location  9.0302, 38.7612   # degrees north, east: for 'beyond 8000 km'\n"
		 "}\n\n");
}

static void put_geo(struct buf *out, const struct proposal_facts *f)
{
	const struct {
		const char *kind, *path;
	} all[] = { { "country", f->country }, { "asn", f->asn }, { "city", f->city } };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i].path)
			continue;
		buf_printf(out, "geo %s ", all[i].kind);
		put_quoted(out, all[i].path);
		buf_puts(out, "\n");
		any = true;
	}
	if (!any)
		buf_puts(
			out,
			"# Without a database, countries and networks of destinations are not known:\n"
			"# geo country \"/var/lib/curfew/country.mmdb\"\n");
	buf_puts(out, "\n");
}

static void put_policies(struct buf *out, bool has_inside)
{
	buf_printf(out,
		   "window night = daily 22:00-06:00\n"
		   "\n"
		   "# Bulk that leaves at night. Nothing is dropped while the mode is observe.\n"
		   "policy \"night bulk\" {\n"
		   "    from      %s\n"
		   "    to        any\n"
		   "    during    night\n"
		   "    quota     50 MB per destination each window\n"
		   "    quota     2 GB per source each window\n"
		   "    at 80%%    alert warning\n"
		   "    at 100%%   drop, alert critical\n"
		   "}\n\n",
		   has_inside ? "inside" : "any");
}

static void put_protect(struct buf *out, const struct caller *c)
{
	char text[ADDR_TEXT_MAX];

	if (!c)
		return;
	buf_printf(out,
		   "# The connection over which this was written: no policy may cut it.\n"
		   "protect { from gateway  to %s }\n\n",
		   addr_format(&c->client, text));
}

int proposal_write(const struct proposal_facts *f, struct buf *out)
{
	struct index_list outside = { 0 }, inside = { 0 };

	find_outside(f->net, &outside);
	if (!outside.n)
		return -ENODEV;
	find_inside(f->net, &outside, &inside);
	buf_puts(
		out,
		"# A first configuration, proposed by 'curfew init' from what this machine looks like.\n"
		"# Read it, change it, then: curfew check, and curfew run.\n\n");
	put_site(out, f);
	if (inside.n)
		put_interfaces(out, "inside   ", f, &inside, true);
	else
		buf_puts(out, "# No interface with private addresses besides the one outside:\n"
			      "# inside eth1\n");
	put_interfaces(out, "outside  ", f, &outside, false);
	put_coverage(out, f, &inside, &outside);
	put_networks(out, f->net, &inside);
	buf_puts(out, "\n");
	put_geo(out, f);
	put_policies(out, inside.n > 0);
	put_protect(out, f->caller);
	buf_puts(out, "alert to journal\n"
		      "mode observe   # counts and reports; 'mode enforce' drops\n");
	free(outside.v);
	free(inside.v);
	return 0;
}
