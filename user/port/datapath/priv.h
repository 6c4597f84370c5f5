/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the datapath_*.c files share, and nobody else sees. */
#ifndef CURFEW_PORT_DATAPATH_PRIV_H
#define CURFEW_PORT_DATAPATH_PRIV_H

#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "curfew/config.h"
#include "port/datapath/datapath.h"

enum prog_id {
	PROG_XDP_INSIDE,
	PROG_TC_INSIDE,
	PROG_TC_OUTSIDE,
	PROG_XDP_INSIDE_FRAGS, /* for an MTU that only frames in several pieces allow */
	PROG_MAX
};

#define SEGMENT_SLOTS (CF_SEG_BUCKETS * CF_BUCKET_SLOTS)

/* A segment of the pair table, mapped. */
struct segment_view {
	const void *base;
	uint32_t index; /* its place: see segments.c */
	uint32_t cpu;
	bool six;
};

/* The programs of the generation that this process loaded. */
struct generation {
	uint32_t number;
	void *skeleton[PROG_MAX];
	int prog_fd[PROG_MAX]; /* -1: not loaded */
	uint32_t prog_id[PROG_MAX];
	struct cf_config config;
	const struct image *image; /* only while loading */
	const struct time_map *clock;
	struct image_interface *interfaces; /* those that rules name; n is of class n + 1 */
	struct bpf_object *tables_of; /* whose tables a copy shares; NULL: the first object's */
};

struct datapath {
	char *dir;
	struct datapath_options opt;
	void *admin; /* skeleton: shared maps and the loader's own programs */
	struct bpf_object *shared;
	volatile struct cf_control *control;
	struct {
		struct segment_view *v;
		size_t n, cap;
	} segments;
	struct cf_cpu_shard *cpu_shards; /* mapped; CF_CPUS_MAX of them */
	struct cf_segment_place *places; /* mapped; sizes.segments_max of them */
	uint32_t numbers;                /* of segments of one family */
	struct shard_uses uses;          /* as of the last look */
	struct ring_buffer *ring;
	event_fn event_fn;
	void *event_arg;
	struct ring_buffer *drops;
	drop_fn drop_fn;
	void *drop_arg;
	struct generation gen;
	struct load_times times;
	struct datapath_sizes sizes;
	bool ct_module; /* conntrack was there when the generation was loaded */
	bool read_only; /* attached to existing pins by a command */
};

#define _skeleton_(name) name##_bpf

int why_set(struct why *why, int error, const char *fmt, ...) _printf_(3, 4);

/* "<dir>/<name>" in a buffer of the caller. */
const char *dp_path(const struct datapath *dp, char *buf, size_t size, const char *fmt, ...)
	_printf_(4, 5);
#define PIN_MAX 320

int dp_map_fd(const struct datapath *dp, const char *name);
/* Shared maps of an object are found by their pins; true for a generation's own table. */
bool dp_is_table(const char *map);
int dp_use_shared(const struct datapath *dp, struct bpf_object *obj, bool tables, struct why *why);
/* Pins over what is there, so that there is always one. */
int dp_pin_replace(int fd, const char *path);

/* Microseconds of a clock that never steps. */
static inline uint64_t dp_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* cpus.c */
struct cpus {
	bool is[CF_CPUS_MAX];
	uint32_t n; /* of them and of those beyond */
};
int cpus_online(const struct datapath *dp, struct cpus *ret);
/* No CPU that is possible has this id or a higher one. */
uint32_t cpu_ids(void);

/* segments.c: first how many of a family there may be, when the tables are made */
uint32_t segments_max(const struct datapath *dp);
uint32_t segments_of_shard(const struct datapath *dp);
uint32_t segment_numbers(const struct datapath *dp);
int places_map(struct datapath *dp);
/* How many more there may be of a family. */
uint32_t segments_left(const struct datapath *dp, bool six);
/* -ENOSPC: there are as many as there may be. */
int segments_make(struct datapath *dp, bool six, uint32_t first, uint32_t count);
int segments_map(struct datapath *dp, uint32_t cpu, bool six, uint32_t first, uint32_t count);
void segments_unmap_last(struct datapath *dp, size_t n);
void segments_unmap(struct datapath *dp);

/* shards.c */
int shards_make(struct datapath *dp, struct why *why);
int cpu_shards_map(struct datapath *dp);
int shards_map(struct datapath *dp, struct why *why);
void shards_unmap(struct datapath *dp);
/* The CPUs of struct datapath_sizes, as they are now. */
void shards_count(const struct datapath *dp, struct datapath_sizes *ret);
/*
 * Waits until no program that ran before this runs any more: what they looked up
 * is theirs no longer, what they wrote is there. 0 or -errno: then do not count on it.
 */
int dp_grace_period(struct datapath *dp);

/*
 * device_rows.c: before a device is hooked, so that what it is offered is counted as its own from
 * the first packet on, if there is a row of `devices` for it.
 */
void device_row_have(struct datapath *dp, uint32_t ifindex);

/* tables.c */
int tables_size(struct bpf_object *obj, const struct image *img);
int tables_fill(struct bpf_object *obj, const struct image *img, const struct time_map *clock);
int tables_pin(const struct datapath *dp, struct bpf_object *obj);
void tables_config(struct cf_config *c, const struct image *img, const struct time_map *clock);

/* Whether rules ask by which device, or VLAN, a packet came in. */
static inline bool facets_of_devices(const struct cf_facets *f)
{
	return f->interface_classes > 1 || f->vlan_classes > 1;
}

/* facets.c: keeps the names that rules of its image have for interfaces */
void facets_keep(struct generation *g, const struct image *img);

/* prune.c: keys that are over; of an array of keys to its end */
struct key_list {
	struct cf_quota_key *v;
	size_t n, cap;
};
void key_list_done(struct key_list *l);
/* NULL: the image has none of that number. */
const struct cf_quota_spec *prune_quota(const struct image *img, uint32_t id);
/*
 * Deletes what was marked in the kernel as nobody's, once whoever looked it up before that has
 * finished with it; empties the list, since a key may come back any moment. How many.
 */
size_t prune_retired(struct datapath *dp, const char *map, struct key_list *gone);
/* Of maps by quota, those of no loaded program: nobody charges them. `beside` may be NULL. */
void prune_shared(struct datapath *dp, const struct image *img, const char *map,
		  const char *beside);

/* rates.c: of datapath_limits(), datapath_quota_reset(), datapath_quota_prune() */
int rates_read(struct datapath *dp, quota_fn fn, void *arg);
int rate_reset(struct datapath *dp, const struct cf_quota_key *key);
int rates_prune(struct datapath *dp, const struct image *img);

/* cells.c: with a seed of its own, unless it has one; forgets what is noted; whether there is any
 */
int cells_make_fresh(struct datapath *dp, uint32_t quota);
int cells_clear(struct datapath *dp, uint32_t quota);
bool cells_any(struct datapath *dp, uint32_t quota, uint32_t period);
/* Of datapath_quota_get(), for a cell; of datapath_quota_prune(). */
int cell_get(struct datapath *dp, const struct cf_quota_key *key, struct quota_state *ret);
void cells_restamp(struct datapath *dp, const struct image *img, struct utc now);

/* generation.c */
int generation_load(struct datapath *dp, struct generation *g, enum prog_id which, struct why *why);
void generation_close(struct generation *g);
/* An object of it whose tables are filled; NULL: nothing is loaded. */
struct bpf_object *generation_object(const struct generation *g);

/* hooks.c */
int hooks_switch(struct datapath *dp, struct generation *g, const struct hook_want *wants, size_t n,
		 struct why *why);

#endif
