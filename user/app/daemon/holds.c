/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is dropped for a time, and sources in quarantine: kept in STATE/holds.json by
 * the wall clock, so that a reboot does not end them; moved on when jiffies have stood
 * still; listed and lifted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/daemon/books.h"
#include "app/daemon/holds.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/report/alert_story.h"
#include "core/report/explain.h"

/* Events may be lost, so the table itself is looked at every so many polls. */
#define LOOK_POLLS 15
/* The file is written whole: of so many, once in a poll; of twice as many, in two. */
#define SAVED_PER_POLL 1024
/* Owners of addresses grow old; 128 hours are the most that this may take. */
#define OWNERS_AGE_MS (3600 * 1000)
/* Jiffies that are this far off have stood still. */
#define SLACK_SECONDS 2

static char *book_path(const struct daemon *d)
{
	return xprintf("%s/holds.json", d->cli->state_dir);
}

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct held *)a)->key, &((const struct held *)b)->key,
		      sizeof(struct cf_quota_key));
}

struct look {
	struct held_list *list;
	uint64_t now; /* jiffies */
};

static void look_one(void *arg, const struct cf_quota_key *key, const struct cf_hold *h)
{
	struct look *l = arg;

	if (h->until_jiffies > l->now)
		*VEC_ADD(l->list) = (struct held){ .key = *key, .hold = *h };
}

static const struct held *find(const struct held_list *l, const struct cf_quota_key *key)
{
	const struct held want = { .key = *key };

	return l->n ? bsearch(&want, l->v, l->n, sizeof(*l->v), compare) : NULL;
}

/* Both at one moment. */
static int clocks(struct daemon *d, struct time_map *ret)
{
	return datapath_time_map(d->dp, d->clock_offset, ret);
}

static uint64_t boot_ns_of(const struct time_map *m, uint64_t jiffies)
{
	return m->boot_ns + (jiffies - m->jiffies) * 1000000000 / m->hz;
}

static uint64_t jiffies_of(const struct time_map *m, uint64_t boot_ns)
{
	return boot_ns <= m->boot_ns ? m->jiffies
				     : m->jiffies + (boot_ns - m->boot_ns) / 1000 * m->hz / 1000000;
}

/* Since an earlier look the machine has slept: what ends then ends no later. */
static void keep_time(struct daemon *d, struct held *h, const struct held *before,
		      const struct time_map *m)
{
	uint64_t due;

	h->until_boot_ns = boot_ns_of(m, h->hold.until_jiffies);
	if (!before || before->hold.until_jiffies != h->hold.until_jiffies)
		return;
	due = jiffies_of(m, before->until_boot_ns);
	h->until_boot_ns = before->until_boot_ns;
	if (due + SLACK_SECONDS * m->hz >= h->hold.until_jiffies)
		return;
	h->hold.until_jiffies = due;
	datapath_hold_put(d->dp, &h->key, &h->hold);
}

/* True if there are others than before, or until another time. */
static bool look(struct daemon *d)
{
	struct held_list next = { 0 };
	struct time_map m;
	struct look l = { .list = &next };
	bool changed;

	if (clocks(d, &m) < 0)
		return false;
	l.now = m.jiffies;
	if (datapath_holds(d->dp, look_one, &l) < 0) {
		free(next.v);
		return false;
	}
	if (next.n)
		qsort(next.v, next.n, sizeof(*next.v), compare);
	changed = next.n != d->holds.list.n;
	for (size_t i = 0; i < next.n; i++) {
		const struct held *before = find(&d->holds.list, &next.v[i].key);

		keep_time(d, &next.v[i], before, &m);
		changed |= !before || before->hold.until_jiffies != next.v[i].hold.until_jiffies;
	}
	free(d->holds.list.v);
	d->holds.list = next;
	return changed;
}

/* ---- the file ----------------------------------------------------------- */

static void hex(const void *bytes, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", ((const uint8_t *)bytes)[i]);
}

static bool unhex(const char *text, void *bytes, size_t n)
{
	unsigned int b;

	if (!text || strlen(text) != 2 * n || strspn(text, "0123456789abcdef") != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		sscanf(text + 2 * i, "%2x", &b);
		((uint8_t *)bytes)[i] = (uint8_t)b;
	}
	return true;
}

static json_t *held_to_json(const struct held *h, const struct time_map *m)
{
	char key[2 * sizeof(h->key) + 1], name[CF_NAME_LEN + 1] = "";
	int64_t left = (int64_t)(h->until_boot_ns - m->boot_ns) / 1000000000;
	json_int_t until = m->utc_ns / 1000000000 + left;

	hex(&h->key, sizeof(h->key), key);
	memcpy(name, h->hold.policy, CF_NAME_LEN);
	return json_pack("{s:s, s:I, s:I, s:I, s:o, s:I, s:I}", "key", key, "until", until,
			 "seconds", (json_int_t)h->hold.seconds, "rule",
			 (json_int_t)h->hold.rule_id, "policy", json_text(name), "dropped_packets",
			 (json_int_t)h->hold.dropped_packets, "dropped_bytes",
			 (json_int_t)h->hold.dropped_bytes);
}

static int write_file(const char *path, const json_t *top)
{
	_cleanup_free_ char *part = xprintf("%s.new", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && json_dumpfd(top, fd, JSON_INDENT(1)) < 0)
		r = -EIO;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close_p(&fd);
	if (r == 0 && rename(part, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(part);
	return r;
}

static void save(struct daemon *d)
{
	_cleanup_free_ char *path = book_path(d);
	json_t *list = json_array(), *top;
	struct time_map m;
	int r = clocks(d, &m);

	for (size_t i = 0; r == 0 && i < d->holds.list.n; i++)
		json_array_append_new(list, held_to_json(&d->holds.list.v[i], &m));
	top = json_pack("{s:i, s:I, s:o}", "version", 1, "tables",
			(json_int_t)datapath_tables_id(d->dp), "holds", list);
	if (r == 0)
		r = write_file(path, top);
	json_decref(top);
	if (r < 0 && !d->holds.save_errors++)
		log_err(r, "%s: what is dropped for a time will not survive a reboot", path);
	if (r == 0)
		d->holds.save_errors = 0;
	d->holds.dirty = r < 0;
	d->holds.save_after = d->polls + 1 + d->holds.list.n / SAVED_PER_POLL;
}

static bool held_from_json(const json_t *v, struct cf_quota_key *key, struct cf_hold *h,
			   int64_t *ret_until)
{
	const char *name = json_get_text(v, "policy");

	*h = (struct cf_hold){
		.seconds = (uint32_t)json_get_count(v, "seconds"),
		.rule_id = (uint32_t)json_get_count(v, "rule"),
		.dropped_packets = json_get_count(v, "dropped_packets"),
		.dropped_bytes = json_get_count(v, "dropped_bytes"),
	};
	snprintf(h->policy, sizeof(h->policy), "%s", name ? name : "");
	*ret_until = (int64_t)json_get_count(v, "until");
	return *ret_until && unhex(json_get_text(v, "key"), key, sizeof(*key));
}

static void restore(struct daemon *d, const json_t *list)
{
	struct time_map m;
	const json_t *v;
	size_t i, n = 0;

	if (clocks(d, &m) < 0)
		return;
	json_array_foreach(list, i, v)
	{
		struct cf_quota_key key;
		struct cf_hold h;
		int64_t until, left;

		if (!held_from_json(v, &key, &h, &until))
			continue;
		left = until - m.utc_ns / 1000000000;
		/* a clock that was set back meanwhile makes nothing last longer than it was to */
		if (left > (int64_t)h.seconds)
			left = h.seconds;
		if (left <= 0)
			continue;
		h.until_jiffies = m.jiffies + (uint64_t)left * m.hz;
		n += datapath_hold_put(d->dp, &key, &h) == 0;
	}
	if (n)
		log_notice("%zu that were dropped for a time, or in quarantine, are so again", n);
}

void daemon_holds_open(struct daemon *d)
{
	_cleanup_free_ char *path = book_path(d);
	json_error_t error;
	json_t *top;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return;
	top = json_load_file(path, 0, &error);
	if (!json_is_array(json_object_get(top, "holds")))
		log_warning("%s is damaged: what was dropped for a time, and sources in "
			    "quarantine, are not after a reboot",
			    path);
	/* else the kernel still has them, and without those that were lifted or are over */
	else if ((uint64_t)json_integer_value(json_object_get(top, "tables")) !=
		 datapath_tables_id(d->dp))
		restore(d, json_object_get(top, "holds"));
	json_decref(top);
	look(d);
	save(d);
}

void daemon_holds_event(struct daemon *d)
{
	d->holds.dirty = true;
}

void daemon_holds_poll(struct daemon *d)
{
	const volatile struct cf_control *c = datapath_control(d->dp);
	bool due = d->polls % LOOK_POLLS == 0;

	if (due)
		datapath_holds_prune(d->dp);
	if (!d->holds.aged_ms || daemon_monotonic_ms() - d->holds.aged_ms >= OWNERS_AGE_MS) {
		d->holds.aged_ms = daemon_monotonic_ms();
		datapath_owners_age(d->dp);
	}
	if (d->polls < d->holds.save_after ||
	    (!d->holds.dirty && (!due || (!c->holds && !c->quarantines && !d->holds.list.n))))
		return;
	if (look(d))
		d->holds.dirty = true;
	if (d->holds.dirty)
		save(d);
}

void daemon_holds_keep(struct daemon *d)
{
	if (!d->holds.dirty)
		return;
	look(d);
	save(d);
}

void daemon_holds_done(struct daemon *d)
{
	free(d->holds.list.v);
	d->holds.list = (struct held_list){ 0 };
}

/* ---- listing and lifting ------------------------------------------------ */

static const struct addr *host_of(struct daemon *d, const struct cf_quota_key *key)
{
	const struct neigh *n =
		mac_is_zero(key->mac) ? NULL : neigh_by_mac(books_neighbours(d), key->mac);

	return n ? &n->addr : NULL;
}

static struct utc until_of(const struct held *h, const struct time_map *m)
{
	return time_map_utc(m, h->hold.until_jiffies);
}

json_t *daemon_hold_json(struct daemon *d, const struct held *h)
{
	_cleanup_buf_ struct buf words = { 0 };
	char id[12], name[CF_NAME_LEN + 1] = "";
	struct time_map m;

	if (clocks(d, &m) < 0)
		m = d->clock;
	snprintf(id, sizeof(id), "%08x", quota_key_id(&h->key));
	memcpy(name, h->hold.policy, CF_NAME_LEN);
	quota_key_print(&h->key, d->now.image, host_of(d, &h->key), NULL, &words);
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "key", id, "quarantine",
			 !h->key.quota, "of", json_text(buf_text(&words)), "policy",
			 json_text(name), "until", json_time(d, until_of(h, &m)), "seconds",
			 (json_int_t)h->hold.seconds, "dropped_packets",
			 json_count(h->hold.dropped_packets), "dropped_bytes",
			 json_count(h->hold.dropped_bytes));
}

json_t *daemon_holds_json(struct daemon *d)
{
	json_t *list = json_array();

	look(d);
	for (size_t i = 0; i < d->holds.list.n; i++)
		json_array_append_new(list, daemon_hold_json(d, &d->holds.list.v[i]));
	return list;
}

const struct held *daemon_hold_find(struct daemon *d, const struct cf_quota_key *key)
{
	return find(&d->holds.list, key);
}

void daemon_holds_look(struct daemon *d)
{
	if (look(d))
		d->holds.dirty = true;
}

bool daemon_hold_lift(struct daemon *d, const struct cf_quota_key *key)
{
	if (datapath_hold_lift(d->dp, key) < 0)
		return false;
	look(d);
	save(d);
	return true;
}

int daemon_hold_unblock(struct daemon *d, const struct peer *peer, const char *asked,
			json_t **ret_reply, char **ret_error)
{
	const struct held *found = NULL;
	struct held h;
	json_t *row;

	look(d);
	for (size_t i = 0; i < d->holds.list.n; i++) {
		char id[12];

		snprintf(id, sizeof(id), "%08x", quota_key_id(&d->holds.list.v[i].key));
		if (strcasecmp(id, asked) != 0)
			continue;
		if (found)
			return request_fail(ret_error, EXIT_DEGRADED,
					    "two keys are called %s; wait until one is over",
					    asked);
		found = &d->holds.list.v[i];
	}
	if (!found)
		return request_fail(ret_error, EXIT_USAGE,
				    "nothing that is dropped for a time is called %s; see 'curfew "
				    "blocks'",
				    asked);
	h = *found;
	row = daemon_hold_json(d, &h);
	if (!daemon_hold_lift(d, &h.key)) {
		json_decref(row);
		return request_fail(ret_error, EXIT_DEGRADED, "it is over already");
	}
	log_notice("uid %u: lifted the %s of %s", peer->uid, h.key.quota ? "hold" : "quarantine",
		   json_get_text(row, "of"));
	*ret_reply = json_pack("{s:o}", "hold", row);
	return 0;
}
