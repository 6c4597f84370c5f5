/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's books: polls into the ledger, events into alerts, destinations for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "app/daemon/alerts.h"
#include "app/daemon/books.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/ledger/query.h"
#include "port/datapath/names.h"

#define PUBLISH_MAX 65536
/* The map of destinations is written whole: a small one at each poll, a large one so seldom that
 * it takes a 400th of the time; but not less often than this. */
#define PUBLISH_RATIO  400
#define PUBLISH_MAX_MS 60000
#define NEIGHBOURS_MS  5000
#define EVENT_FRESH_MS 1000
/* The same for one that says that there is no room. */
#define ROOM_FRESH_MS 20
/* Then the books are written at once, unless that takes longer. */
#define ROOM_COMMIT_MS 100

uint64_t books_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int request_fail(char **ret_error, int code, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	*ret_error = b.s;
	return code;
}

json_t *json_time(const struct daemon *d, struct utc at)
{
	return json_when(at, d->zone);
}

struct place books_place(const struct daemon *d, const struct addr *a)
{
	return place_find(&d->now.geo, &d->now.set->site, a);
}

const struct neigh_list *books_neighbours(struct daemon *d)
{
	struct books *b = d->books;
	uint64_t now = books_ms();

	if (b->neighbours_ms && now - b->neighbours_ms < NEIGHBOURS_MS)
		return &b->neighbours;
	/* an old list is better than none */
	neigh_read(&b->neighbours);
	b->neighbours_ms = now;
	return &b->neighbours;
}

/* ---- polling ------------------------------------------------------------- */

static void add_sample(void *arg, const struct pair_sample *p)
{
	struct ledger_sample s = {
		.src = p->src,
		.dst = p->dst,
		.hook = PAIR_SAMPLE(p, hook),
		.slot = PAIR_SAMPLE(p, slot),
		.wire_bytes = PAIR_SAMPLE(p, wire_bytes),
		.payload_bytes = PAIR_SAMPLE(p, payload_bytes),
		.dropped_wire_bytes = PAIR_SAMPLE(p, dropped_wire_bytes),
		.packets = PAIR_SAMPLE(p, packets),
		.life = PAIR_SAMPLE(p, life),
		.dropped = p->flags & CF_SLOT_DROPPED,
		.began = p->flags & (CF_SLOT_BEGAN_INSIDE | CF_SLOT_BEGAN_OUTSIDE),
	};

	ledger_poll_add(arg, &s);
}

static int look(struct daemon *d)
{
	struct books *b = d->books;
	bool first = !d->ledger->poll;
	int r;

	b->polled_ms = books_ms();
	ledger_poll_begin(d->ledger, daemon_now(d), b->polled_ms);
	/* what is acknowledged is in the ledger, or in the snapshot that it goes on from */
	r = first ? datapath_pairs(d->dp, add_sample, d->ledger)
		  : datapath_pairs_held(d->dp, add_sample, d->ledger);
	ledger_poll_end(d->ledger);
	if (r < 0 && !b->poll_errors++)
		log_err(r, "cannot read the pair table");
	return r;
}

void books_refresh(struct daemon *d, uint64_t ms)
{
	if (books_ms() - d->books->polled_ms >= ms)
		look(d);
}

/* ---- publishing destinations ---------------------------------------------- */

/* Cut where a character ends. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = from ? strlen(from) : 0;

	if (n >= size)
		for (n = size - 1; n && ((unsigned char)from[n] & 0xc0) == 0x80; n--)
			;
	if (n)
		memcpy(to, from, n);
	to[n] = 0;
}

struct publication {
	const struct daemon *d;
	struct ledger_rows rows;
};

static void destination_of(void *arg, size_t i, struct cf_destination_key *key,
			   struct cf_destination *value)
{
	const struct publication *p = arg;
	const struct daemon *d = p->d;
	const struct ledger_row *row = &p->rows.v[i];
	struct place place = books_place(d, &row->dst);
	char text[DESTINATION_TEXT_MAX];

	*key = (struct cf_destination_key){ 0 };
	copy_text(key->address, sizeof(key->address), destination_format(&row->dst, text));
	*value = (struct cf_destination){
		.asn = place.rec.asn,
		.distance_km = place.km,
		.sources = row->sources,
		.packets = row->sums.packets,
		.wire_bytes = row->sums.wire_bytes,
		.payload_bytes = row->sums.payload_bytes,
		.dropped_wire_bytes = row->sums.dropped_wire_bytes,
	};
	memcpy(value->cc, place.rec.cc, sizeof(value->cc));
	copy_text(value->as_name, sizeof(value->as_name), place.rec.as_name);
	copy_text(value->city, sizeof(value->city), place.rec.city);
	copy_text(value->verdict, sizeof(value->verdict), row->dropped ? "drop" : "pass");
}

static void publish(struct daemon *d)
{
	struct ledger_query q = { .by = LEDGER_BY_DESTINATION, .top = PUBLISH_MAX };
	struct publication p = { .d = d };
	int r;

	ledger_query(d->ledger, &q, &p.rows);
	r = datapath_publish(d->dp, p.rows.n, destination_of, &p);
	ledger_rows_done(&p.rows);
	if (r < 0 && !d->books->publish_errors++)
		log_err(r, "cannot publish the destinations");
}

static bool publish_due(const struct daemon *d)
{
	const struct books *b = d->books;
	uint64_t rest = PUBLISH_RATIO * b->publish_took_ms;

	if (!b->published_poll)
		return true;
	if (d->ledger->total.wire_bytes == b->published_wire)
		return false;
	return books_ms() - b->published_ms >= (rest < PUBLISH_MAX_MS ? rest : PUBLISH_MAX_MS);
}

void daemon_ledger_poll(struct daemon *d)
{
	struct books *b = d->books;
	const struct ledger *l = d->ledger;

	books_drops(d);
	b->no_room = false;
	books_cpus(d);
	if (books_commit_due(d)) {
		books_commit(d, look);
	} else {
		look(d);
		if (!d->pairs)
			books_grow(d);
	}
	if (!publish_due(d))
		return;
	b->published_poll = l->poll;
	b->published_wire = l->total.wire_bytes;
	b->published_ms = books_ms();
	publish(d);
	b->publish_took_ms = books_ms() - b->published_ms;
}

/* Between two polls a shard that begins small may be overrun. */
void daemon_ledger_room(struct daemon *d)
{
	struct books *b = d->books;
	uint32_t grown;

	if (books_cpus(d))
		return;
	/* who was told how much room there is to be waits for commits; so does who found none */
	if (d->pairs || b->no_room || books_ms() - b->polled_ms < ROOM_FRESH_MS)
		return;
	look(d);
	grown = books_grow(d);
	b->no_room = !grown;
	if (b->no_room || b->commit_took_ms > ROOM_COMMIT_MS)
		return;
	/* the slots of pairs that have moved are held until two epochs are acknowledged */
	for (int i = 0; i < 2 && !b->commit_errors; i++)
		books_commit(d, look);
	datapath_outgrown(d->dp, grown);
}

/* ---- events ----------------------------------------------------------------- */

static struct alert_context context_of(const struct daemon *d)
{
	return (struct alert_context){
		.set = d->now.set,
		.image = d->now.image,
		.generation = d->now.generation,
		.past = &d->books->past,
		.geo = &d->now.geo,
		.zone = d->zone,
	};
}

struct utc books_event_time(const struct daemon *d, uint64_t boot_ns)
{
	int64_t ns = d->clock.utc_ns + (int64_t)(boot_ns - d->clock.boot_ns);

	if (!boot_ns || !d->clock.utc_ns || ns < 0)
		return daemon_now(d);
	return (struct utc){ ns / 1000000000 };
}

static bool alone(struct daemon *d, const struct cf_event *ev)
{
	const struct ledger_host *h;
	struct addr dst;

	/* who else sends there may have begun since the last poll */
	books_refresh(d, EVENT_FRESH_MS);
	memcpy(dst.b, ev->dst, sizeof(dst.b));
	h = ledger_destination(d->ledger, &dst);
	return h && h->peers == 1;
}

void daemon_ledger_event(struct daemon *d, const struct cf_event *ev)
{
	struct alert_context cx = context_of(d);
	_cleanup_alert_ struct alert a = { 0 };
	struct utc at = books_event_time(d, ev->boot_ns);
	enum alert_news news = alert_seen_check(d->books->seen, &cx, ev, at);

	if (news == ALERT_KNOWN)
		return;
	cx.last = news == ALERT_NEW_LAST;
	cx.alone = alone(d, ev);
	if (alert_make(&cx, ev, at, &a) < 0) {
		if (!d->books->events_unknown++)
			log_warning("the kernel reported an event of a kind we do not know: %u",
				    ev->kind);
		return;
	}
	alert_log_add(d->alerts, &a, d->zone);
}

/* ---- start and stop --------------------------------------------------------- */

/*
 * When the tables were made: bpffs stamps a pin when it is created, and these
 * are never replaced. The daemon's clock may be shifted, the file system's not.
 */
static struct utc tables_made(const struct daemon *d)
{
	_cleanup_free_ char *path = xprintf("%s/quotas", d->cli->bpffs);
	struct stat st;

	if (stat(path, &st) < 0)
		return daemon_now(d);
	return (struct utc){ st.st_mtim.tv_sec + d->clock_offset };
}

int daemon_ledger_start(struct daemon *d, char **ret_error)
{
	struct books *b = xcalloc(1, sizeof(*b));

	if (getrandom(&b->seed, sizeof(b->seed), 0) != sizeof(b->seed)) {
		request_fail(ret_error, 0, "cannot draw random numbers: %s", strerror(errno));
		free(b);
		return EXIT_DEGRADED;
	}
	d->books = b;
	b->seen = alert_seen_new(b->seed);
	b->drops = drop_book_new();
	books_open(d, tables_made(d), look);
	d->alerts = alert_log_open(d->cli->state_dir);
	if (d->now.set)
		alert_log_configure(d->alerts, d->now.set);
	return 0;
}

void daemon_ledger_stop(struct daemon *d)
{
	if (!d->books)
		return;
	if (d->books->committed_ms)
		books_commit(d, look);
	alert_log_close(d->alerts);
	ledger_free(d->ledger);
	alert_seen_free(d->books->seen);
	drop_book_free(d->books->drops);
	past_rules_done(&d->books->past);
	neigh_list_done(&d->books->neighbours);
	free(d->books);
	d->alerts = NULL;
	d->ledger = NULL;
	d->books = NULL;
}

void daemon_ledger_reload(struct daemon *d)
{
	const struct image *img = d->now.image;
	_cleanup_free_ struct cf_rule *v = NULL;
	size_t n;

	if (img)
		past_rules_keep(&d->books->past, d->now.generation, img->rules.v, img->rules.n);
	else if (datapath_rules(d->dp, &v, &n) == 0)
		past_rules_keep(&d->books->past, datapath_generation(d->dp), v, n);
}

void daemon_ledger_reloaded(struct daemon *d)
{
	alert_log_configure(d->alerts, d->now.set);
	/* places and labels may have changed: show them without waiting for traffic */
	d->books->published_poll = 0;
}

const struct request requests_ledger[] = {
	{ .verb = "flows", .fn = request_flows },
	{ .verb = "quotas", .fn = request_quotas },
	{ .verb = "quota-reset", .changes = true, .fn = request_quota_reset },
	{ .verb = "alerts", .fn = request_alerts },
	{ .verb = "drops", .fn = request_drops },
	{ .verb = "why", .fn = request_why },
	{ .verb = "would", .fn = request_would },
	{ 0 },
};
