/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mmdb_truth.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "core/image/literals.h"

#define FILES_MAX 3

static MMDB_s files[FILES_MAX];
static size_t count;

static void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, MMDB_strerror(error));
	exit(2);
}

void truth_open(const char *path)
{
	int r = count == FILES_MAX ? MMDB_OUT_OF_MEMORY_ERROR
				   : MMDB_open(path, MMDB_MODE_MMAP, &files[count]);

	if (r != MMDB_SUCCESS)
		die(path, r);
	count++;
}

static bool value(MMDB_entry_s *e, MMDB_entry_data_s *d, const char *a, const char *b,
		  const char *c)
{
	return MMDB_get_value(e, d, a, b, c, NULL) == MMDB_SUCCESS && d->has_data;
}

static void text(char *to, size_t size, const MMDB_entry_data_s *d)
{
	snprintf(to, size, "%.*s", (int)d->data_size, d->utf8_string);
}

/* One file's; only what the files before it did not know is taken. */
static void add(MMDB_entry_s *e, struct geo_record *ret, char city[128])
{
	char cc[8] = "", continent[8] = "";
	MMDB_entry_data_s d, x;

	if (value(e, &d, "country", "iso_code", NULL) || value(e, &d, "country_code", NULL, NULL))
		text(cc, sizeof(cc), &d);
	if (!strcmp(cc, "ZZ"))
		*cc = 0;
	if (value(e, &d, "continent", "code", NULL))
		text(continent, sizeof(continent), &d);
	else if (geo_continent(cc))
		snprintf(continent, sizeof(continent), "%s", geo_continent(cc));
	if (*cc && !ret->cc[0]) {
		memcpy(ret->cc, cc, 2);
		memset(ret->continent, 0, sizeof(ret->continent));
	}
	if (!ret->continent[0])
		memcpy(ret->continent, continent, 2);
	if (!ret->asn && value(e, &d, "autonomous_system_number", NULL, NULL))
		ret->asn = d.uint32;
	if (!ret->city && value(e, &d, "city", "names", "en")) {
		text(city, 128, &d);
		ret->city = city;
	}
	if (!ret->has_location && value(e, &d, "location", "latitude", NULL) &&
	    value(e, &x, "location", "longitude", NULL)) {
		ret->has_location = true;
		ret->latitude = d.double_value;
		ret->longitude = x.double_value;
	}
}

void truth_find(const struct geo *unused, const struct addr *addr, struct geo_record *ret)
{
	struct sockaddr_in6 s6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in s4 = { .sin_family = AF_INET };
	bool v4 = addr_is4(addr);
	static char city[128];
	int error;

	(void)unused;
	*ret = (struct geo_record){ 0 };
	memcpy(&s6.sin6_addr, addr->b, 16);
	memcpy(&s4.sin_addr, addr->b + 12, 4);
	/* ::/96 is IPv4's place in the tree */
	if (!v4 && !addr_hi(addr) && !(addr_lo(addr) >> 32))
		return;
	for (size_t i = 0; i < count; i++) {
		MMDB_lookup_result_s found;

		if (!v4 && files[i].metadata.ip_version == 4)
			continue;
		found = MMDB_lookup_sockaddr(
			&files[i], v4 ? (struct sockaddr *)&s4 : (struct sockaddr *)&s6, &error);
		if (error != MMDB_SUCCESS)
			die("lookup", error);
		if (found.found_entry)
			add(&found.entry, ret, city);
	}
}

/* ---- every network -------------------------------------------------------------- */

struct walk {
	MMDB_s *db;
	void (*fn)(void *arg, const struct addr *first, const struct addr *last);
	void *arg;
};

static struct addr addr_of(uint128 n)
{
	return addr_from_halves((uint64_t)(n >> 64), (uint64_t)n);
}

static void network(const struct walk *w, uint128 at, unsigned int depth)
{
	uint128 last = depth < 128 ? at | WIDE_LAST >> depth : at;
	struct addr a, z;

	/* IPv4's place */
	if (w->db->metadata.ip_version == 4 || (depth >= 96 && !(at >> 32))) {
		at = (at >> (w->db->metadata.ip_version == 4 ? 96 : 0)) | WIDE_V4_FIRST;
		last = (last >> (w->db->metadata.ip_version == 4 ? 96 : 0) & 0xffffffff) |
		       WIDE_V4_FIRST;
	}
	a = addr_of(at);
	z = addr_of(last);
	w->fn(w->arg, &a, &z);
}

static void walk_node(const struct walk *w, uint32_t number, uint128 at, unsigned int depth)
{
	MMDB_search_node_s n;
	int r = MMDB_read_node(w->db, number, &n);

	if (r != MMDB_SUCCESS)
		die("tree", r);
	for (unsigned int side = 0; side < 2; side++) {
		uint64_t record = side ? n.right_record : n.left_record;
		uint8_t type = side ? n.right_record_type : n.left_record_type;
		uint128 below = at | (uint128)side << (127 - depth);

		/* IPv4 once more, under 2002::/16 and the like */
		if (type == MMDB_RECORD_TYPE_SEARCH_NODE && depth < 96 &&
		    record == w->db->ipv4_start_node.node_value && (below || depth != 95)) {
			network(w, below, depth + 1);
			continue;
		}
		if (type == MMDB_RECORD_TYPE_SEARCH_NODE)
			walk_node(w, (uint32_t)record, below, depth + 1);
		else
			network(w, below, depth + 1);
	}
}

void truth_networks(void (*fn)(void *arg, const struct addr *first, const struct addr *last),
		    void *arg)
{
	for (size_t i = 0; i < count; i++)
		walk_node(&(struct walk){ &files[i], fn, arg }, 0, 0, 0);
}
