/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `drops`: the samples of dropped packets that the kernel gave us lately. In memory only. */
#include <net/if.h>
#include <string.h>

#include "app/daemon/books.h"
#include "base/log.h"
#include "core/policy/print.h"
#include "core/report/reason.h"

#define DROPS_KEPT   1024
#define ROWS_DEFAULT 20

/* With what its generation knew, which may be gone when somebody asks. */
struct drop_seen {
	struct cf_drop drop;
	uint64_t id;
	struct utc at;
	char *policy, *limit;
	char device[IF_NAMESIZE];
};
struct drop_book {
	struct drop_seen ring[DROPS_KEPT];
	uint64_t newest; /* the first is 1 */
	uint64_t errors;
};

struct drop_book *drop_book_new(void)
{
	return xcalloc(1, sizeof(struct drop_book));
}

static void forget(struct drop_seen *s)
{
	free(s->policy);
	free(s->limit);
	*s = (struct drop_seen){ 0 };
}

void drop_book_free(struct drop_book *b)
{
	for (size_t i = 0; b && i < DROPS_KEPT; i++)
		forget(&b->ring[i]);
	free(b);
}

/* The rule's name; and its quota or rate, of the generation in force only. */
static void name(const struct daemon *d, struct drop_seen *s)
{
	const struct image *img = d->now.image;
	const struct cf_rule *r;
	const struct policy *p;
	struct buf text = { 0 };
	uint32_t now;

	if (!img)
		return;
	r = past_rules_find(&d->books->past, img, d->now.generation, s->drop.generation,
			    s->drop.rule, &now);
	if (!r)
		return;
	p = rule_policy(img, d->now.set, now);
	s->policy = p ? xstrdup(p->name) : xstrndup(r->name, sizeof(r->name));
	if (s->drop.generation == d->now.generation && s->drop.quota < img->quotas.n &&
	    limit_print(img, d->now.set, s->drop.quota, &text))
		s->limit = text.s;
}

static void add(void *arg, const struct cf_drop *drop)
{
	struct daemon *d = arg;
	struct drop_book *b = d->books->drops;
	struct drop_seen *s = &b->ring[++b->newest % DROPS_KEPT];

	forget(s);
	s->drop = *drop;
	s->id = b->newest;
	s->at = books_event_time(d, drop->boot_ns);
	if (!if_indextoname(drop->ifindex, s->device))
		s->device[0] = 0;
	name(d, s);
}

void books_drops(struct daemon *d)
{
	struct drop_book *b = d->books->drops;
	int r = datapath_drops(d->dp, add, d);

	if (r < 0 && !b->errors++)
		log_err(r, "cannot read the samples of dropped packets");
}

/* ---- telling ---------------------------------------------------------------- */

static json_t *service(const struct cf_drop *p)
{
	struct service s = { .protocol = p->protocol,
			     .has_port = p->destination_port,
			     .port_first = p->destination_port,
			     .port_last = p->destination_port };
	struct service_list l = { .v = &s, .n = 1 };
	_cleanup_buf_ struct buf text = { 0 };

	print_services(&text, &l);
	return json_text(buf_text(&text));
}

static void add_packet(const struct daemon *d, const struct cf_drop *p, json_t *o)
{
	struct addr src, dst;
	struct place place;

	memcpy(src.b, p->src, sizeof(src.b));
	memcpy(dst.b, p->dst, sizeof(dst.b));
	place = books_place(d, &dst);
	json_object_set_new(o, "source", json_addr(&src));
	json_object_set_new(o, "destination", json_addr(&dst));
	json_place(o, &place);
	json_object_set_new(o, "protocol", json_integer(p->protocol));
	json_object_set_new(o, "service", service(p));
	json_object_set_new(o, "source_port", json_integer(p->source_port));
	json_object_set_new(o, "destination_port", json_integer(p->destination_port));
}

static json_t *drop_json(const struct daemon *d, const struct drop_seen *s)
{
	const struct cf_drop *p = &s->drop;
	enum cf_reason reason = p->reason < CF_REASON_MAX ? p->reason : CF_REASON_DROP_POLICY;
	char mac[MAC_TEXT_MAX];
	json_t *o = json_object();

	json_object_set_new(o, "id", json_count(s->id));
	json_object_set_new(o, "at", json_time(d, s->at));
	json_object_set_new(o, "hook", json_string(hook_name(p->hook)));
	json_object_set_new(o, "interface", json_text(s->device));
	json_object_set_new(o, "reason", json_string(reason_infos[reason].slug));
	json_object_set_new(o, "text", json_string(reason_infos[reason].text));
	json_object_set_new(o, "policy", json_text(s->policy));
	json_object_set_new(o, "limit", json_text(s->limit));
	json_object_set_new(o, "source_mac",
			    mac_is_zero(p->mac) ? json_null()
						: json_string(mac_format(p->mac, mac)));
	/* what could not be understood has none */
	if (p->ip)
		add_packet(d, p, o);
	json_object_set_new(o, "packet_bytes", json_integer(p->packet_bytes));
	json_object_set_new(o, "payload_bytes", json_integer(p->payload_bytes));
	json_object_set_new(o, "packets", json_count(p->packets));
	json_object_set_new(o, "wire_bytes", json_count(p->wire_bytes));
	return o;
}

/* Newest first; stops at those that are gone. */
static const struct drop_seen *seen(const struct drop_book *b, uint64_t id)
{
	const struct drop_seen *s = &b->ring[id % DROPS_KEPT];

	return id && s->id == id ? s : NULL;
}

json_t *books_last_drop(struct daemon *d, const struct addr *src, const struct addr *dst)
{
	const struct drop_book *b = d->books->drops;
	const struct drop_seen *s;
	json_t *o;

	books_drops(d);
	for (uint64_t id = b->newest; (s = seen(b, id)); id--)
		if (s->drop.ip && !memcmp(s->drop.src, src->b, sizeof(src->b)) &&
		    !memcmp(s->drop.dst, dst->b, sizeof(dst->b))) {
			int64_t ago = daemon_now(d).s - s->at.s;

			o = drop_json(d, s);
			json_object_set_new(o, "seconds_ago", json_integer(ago > 0 ? ago : 0));
			return o;
		}
	return json_null();
}

int request_drops(struct daemon *d, const struct peer *peer _unused_, const json_t *args,
		  json_t **ret_reply, char **ret_error)
{
	const struct drop_book *b = d->books->drops;
	uint64_t n = json_get_count(args, "n"), after = json_get_count(args, "after");
	struct cf_drop_samples count;
	const struct drop_seen *s;
	json_t *list;
	int r;

	books_drops(d);
	r = datapath_drop_samples(d->dp, &count);
	if (r < 0)
		return request_fail(ret_error, EXIT_DEGRADED, "cannot read the counters: %s",
				    strerror(-r));
	list = json_array();
	n = n ? n : ROWS_DEFAULT;
	for (uint64_t id = b->newest; id > after && json_array_size(list) < n && (s = seen(b, id));
	     id--)
		json_array_append_new(list, drop_json(d, s));
	*ret_reply =
		json_pack("{s:o, s:o, s:o, s:o, s:o}", "rows", list, "newest",
			  json_count(b->newest), "sampled", json_count(count.sampled), "limited",
			  json_count(count.limited), "lost", json_count(count.lost));
	return 0;
}
