/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From an image to a generation's tables: array maps sized for it, filled through memory, frozen.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "core/policy/failing.h"
#include "port/datapath/priv.h"

/* One row per table that is copied as it is. */
struct table {
	const char *name;
	size_t array; /* of the IMAGE_ARRAY in struct image */
	size_t size;
};
#define TABLE(map, member, T)                                                                      \
	{                                                                                          \
		map, offsetof(struct image, member), sizeof(T)                                     \
	}
static const struct table tables[] = {
	TABLE("root4", root4, struct cf_root4),
	TABLE("range4", range4, struct cf_range4),
	TABLE("root6", root6, struct cf_root6),
	TABLE("node6", node6, struct cf_node6),
	TABLE("leaf6", leaf6, struct cf_leaf6),
	TABLE("deep6", deep6, struct cf_deep6),
	TABLE("low6", low6, struct cf_low6),
	TABLE("labels", labels, struct cf_label),
	TABLE("dst_rows", dst_rows, struct cf_row),
	TABLE("sources", sources, struct cf_source_range),
	TABLE("src_rows", src_rows, struct cf_row),
	TABLE("macs", macs, struct cf_mac_range),
	TABLE("vlan_classes", vlan_classes, uint64_t),
	TABLE("src_cells", src_cells, uint64_t),
	TABLE("services", services, struct cf_service_range),
	TABLE("service_rows", service_rows, struct cf_row),
	TABLE("service_protocols", service_protocols, struct cf_service_protocol),
	TABLE("rules", rules, struct cf_rule),
	TABLE("quota_specs", quotas, struct cf_quota_spec),
	TABLE("time_rows", time_rows, struct cf_row),
	TABLE("calendars", calendars, struct cf_calendar),
};
#undef TABLE

/* The same layout for every IMAGE_ARRAY. */
struct any_array {
	const void *v;
	size_t n, cap;
};

static const struct any_array *array_of(const struct image *img, const struct table *t)
{
	return (const struct any_array *)((const char *)img + t->array);
}

bool dp_is_table(const char *map)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (!strcmp(tables[i].name, map))
			return true;
	return !strcmp(map, "segments") || !strcmp(map, "edges") || !strcmp(map, "if_classes");
}

static int table_size(struct bpf_object *obj, const char *name, size_t n)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		return -ENOENT;
	return bpf_map__set_max_entries(map, n ? (uint32_t)n : 1);
}

int tables_size(struct bpf_object *obj, const struct image *img)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !r; i++)
		r = table_size(obj, tables[i].name, array_of(img, &tables[i])->n);
	if (!r)
		r = table_size(obj, "segments", img->segments.n);
	if (!r)
		r = table_size(obj, "edges", img->edges.n);
	if (!r)
		r = table_size(obj, "if_classes", facets_of_devices(&img->facets) ? CF_IF_MAX : 1);
	return r;
}

static int table_write(struct bpf_object *obj, const char *name, const void *data, size_t n,
		       size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	int fd = map ? bpf_map__fd(map) : -1;
	void *p;

	if (fd < 0)
		return -ENOENT;
	/* the kernel rounds an element up to eight bytes */
	if (bpf_map__value_size(map) != size || size % 8)
		return -EPROTO;
	if (n) {
		p = mmap(NULL, n * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			return -errno;
		memcpy(p, data, n * size);
		munmap(p, n * size);
	}
	return bpf_map_freeze(fd) < 0 ? -errno : 0;
}

uint64_t time_map_jiffies(const struct time_map *m, struct utc at)
{
	__int128 ns = (__int128)at.s * 1000000000 - m->utc_ns;
	__int128 j = (__int128)m->jiffies + ns * m->hz / 1000000000;

	return j < 0 ? 0 : (uint64_t)j;
}

struct utc time_map_utc(const struct time_map *m, uint64_t jiffies)
{
	__int128 ns = ((__int128)jiffies - m->jiffies) * 1000000000 / m->hz + m->utc_ns;

	return (struct utc){ (int64_t)(ns / 1000000000) };
}

static int write_segments(struct bpf_object *obj, const struct image *img,
			  const struct time_map *clock)
{
	struct cf_segment *v = xcalloc(img->segments.n, sizeof(*v));
	int r;

	for (size_t i = 0; i < img->segments.n; i++)
		v[i] = (struct cf_segment){
			.at_jiffies = i ? time_map_jiffies(clock, img->segments.v[i].at) : 0,
			.row = img->segments.v[i].row,
		};
	r = table_write(obj, "segments", v, img->segments.n, sizeof(*v));
	free(v);
	return r;
}

static int write_edges(struct bpf_object *obj, const struct image *img,
		       const struct time_map *clock)
{
	struct cf_edge *v = xcalloc(img->edges.n, sizeof(*v));
	int r;

	for (size_t i = 0; i < img->edges.n; i++)
		v[i] = (struct cf_edge){
			.at_jiffies = time_map_jiffies(clock, img->edges.v[i].at),
			.period = img->edges.v[i].period,
		};
	for (size_t i = 0; i < img->calendars.n; i++)
		if (img->calendars.v[i].count)
			v[img->calendars.v[i].first].at_jiffies = 0;
	r = table_write(obj, "edges", v, img->edges.n, sizeof(*v));
	free(v);
	return r;
}

int tables_fill(struct bpf_object *obj, const struct image *img, const struct time_map *clock)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !r; i++) {
		const struct any_array *a = array_of(img, &tables[i]);

		r = table_write(obj, tables[i].name, a->v, a->n, tables[i].size);
	}
	if (!r)
		r = write_segments(obj, img, clock);
	if (!r)
		r = write_edges(obj, img, clock);
	return r;
}

/* For people: what the generation in force was compiled to. */
int tables_pin(const struct datapath *dp, struct bpf_object *obj)
{
	static const char *const shown[] = {
		"rules",    "quota_specs", "segments", "labels",       "dst_rows",
		"src_rows", "sources",     "services", "service_rows", "service_protocols"
	};
	char path[PIN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		int r = dp_pin_replace(bpf_object__find_map_fd_by_name(obj, shown[i]),
				       dp_path(dp, path, sizeof(path), "tables/%s", shown[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

static __u32 fail_of(const struct image *img, enum on_event event)
{
	return failing_find(event, img->on[event])->fail;
}

static void failing_config(struct cf_failing *c, const struct image *img)
{
	c->stall = fail_of(img, ON_DAEMON_STALL);
	c->schedule_end = fail_of(img, ON_SCHEDULE_END);
	c->time_unknown = fail_of(img, ON_TIME_UNKNOWN);
	c->geo_missing = img->geo_missing ? fail_of(img, ON_GEO_MISSING) : CF_FAIL_KEEP;
	c->table_full = fail_of(img, ON_TABLE_FULL);
	c->parse_failure = fail_of(img, ON_PARSE_FAILURE);
	c->any = c->stall || c->schedule_end || c->time_unknown || c->geo_missing || c->table_full;
}

/* Which of the rarer actions there are: the rest is left out of the programs. */
static void config_actions(struct cf_config *c, const struct image *img)
{
	for (uint32_t i = 0; i < img->rules.n; i++) {
		const struct cf_rule *r = &img->rules.v[i];

		if (r->flags & CF_RULE_HOLDS)
			c->hold_rules.word[i / 64] |= 1ULL << (i % 64);
		c->holds |= !!(r->flags & CF_RULE_HOLDS);
		c->marks |= !!(r->flags & CF_RULE_MARK);
	}
	for (size_t i = 0; i < img->quotas.n; i++) {
		const struct cf_quota_spec *q = &img->quotas.v[i];

		c->rates |= !!q->bits_per_second;
		for (unsigned int k = 0; k < q->at_count; k++) {
			c->marks |= q->at[k].has_mark;
			c->quarantines |= !!q->at[k].quarantine_seconds;
		}
	}
}

static bool has_rule(const struct cf_row *r)
{
	for (size_t w = 0; w < CF_ROW_WORDS; w++)
		if (r->word[w])
			return true;
	return false;
}

void tables_config(struct cf_config *c, const struct image *img, const struct time_map *clock)
{
	c->end_jiffies = time_map_jiffies(clock, img->end);
	c->week_jiffies = 7ULL * 86400 * clock->hz;
	c->sources = (uint32_t)img->sources.n;
	c->source_classes = img->source_classes;
	c->segments = (uint32_t)img->segments.n;
	memcpy(c->tree6, img->tree6, sizeof(c->tree6));
	c->facets = img->facets;
	c->observe = img->observe;
	c->policy_rules = img->policy_rules;
	c->clearing_rules = img->clearing_rules;
	c->protect_rules = img->protect_rules;
	c->block_rules = img->block_rules;
	c->kinds = (has_rule(&c->protect_rules) ? CF_HAS_PROTECT : 0) |
		   (has_rule(&c->block_rules) ? CF_HAS_BLOCK : 0) |
		   (has_rule(&c->clearing_rules) ? CF_HAS_CLEARING : 0);
	c->row_words = ((uint32_t)img->rules.n + 63) / 64;
	config_actions(c, img);
	c->services = (uint32_t)img->services.n;
	c->inside_rules = img->inside_rules;
	c->outside_rules = img->outside_rules;
	for (size_t w = 0; w < CF_ROW_WORDS; w++)
		c->narrow_rules.word[w] = img->service_rules.word[w] | img->facet_rules.word[w];
	failing_config(&c->failing, img);
}
