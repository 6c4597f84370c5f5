/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and closing: the shared maps, their pins, the shards. */
#include "port/datapath/datapath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include <linux/magic.h>

#include "admin.skel.h"
#include "pairs.skel.h"
#include "port/datapath/priv.h"

int why_set(struct why *why, int error, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return error;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return error;
}

const char *dp_path(const struct datapath *dp, char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(buf, size, "%s/", dp->dir);

	va_start(ap, fmt);
	vsnprintf(buf + n, size - (size_t)n, fmt, ap);
	va_end(ap);
	return buf;
}

int dp_map_fd(const struct datapath *dp, const char *name)
{
	return bpf_object__find_map_fd_by_name(dp->shared, name);
}

int dp_pin_replace(int fd, const char *path)
{
	char next[PIN_MAX + 8];

	snprintf(next, sizeof(next), "%s_new", path);
	unlink(next);
	if (bpf_obj_pin(fd, next) < 0)
		return -errno;
	if (rename(next, path) < 0) {
		int r = -errno;

		unlink(next);
		return r;
	}
	return 0;
}

/* A variable of the programs that is shared as maps are. */
#define DEVICE_ROWS ".data.device_rows"

static bool is_internal(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return (strchr(name, '.') && strcmp(name, DEVICE_ROWS) != 0) || !strcmp(name, "judging");
}

/* bpffs takes no dots. */
static const char *pin_name(const char *name)
{
	return !strcmp(name, DEVICE_ROWS) ? "device_rows"
	       : !strcmp(name, "walk")    ? "pairs_walk"
					  : name;
}

static uint32_t quota_keys(const struct datapath *dp)
{
	return dp->opt.quota_keys ? dp->opt.quota_keys : 65536;
}

/* Shared maps whose size is decided when they are made. */
static const struct {
	const char *name;
	uint32_t (*entries)(const struct datapath *dp);
} sized[] = {
	{ "quotas", quota_keys },           { "rates", quota_keys },
	{ "shards4", segment_numbers },     { "shards6", segment_numbers },
	{ "segment_places", segments_max },
};

/* What is pinned keeps its size, whatever is asked for now. */
static uint32_t pinned_entries(const char *path)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		info.max_entries = 0;
	close(fd);
	return info.max_entries;
}

static int set_size(const struct datapath *dp, struct bpf_map *map, const char *pin)
{
	for (size_t i = 0; i < ARRAY_SIZE(sized); i++) {
		uint32_t n;

		if (strcmp(bpf_map__name(map), sized[i].name))
			continue;
		n = pinned_entries(pin);
		return bpf_map__set_max_entries(map, n ? n : sized[i].entries(dp));
	}
	return 0;
}

/* Before any map is opened by its present shape: one of another layout has another. */
static int check_layout(const struct datapath *dp, struct why *why)
{
	struct cf_control c = { 0 };
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), zero = 0;
	char path[PIN_MAX];
	int r = 0, fd = bpf_obj_get(dp_path(dp, path, sizeof(path), "control"));

	if (fd < 0)
		return errno == ENOENT ? 0 : why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || info.value_size != sizeof(c) ||
	    bpf_map_lookup_elem(fd, &zero, &c) < 0 ||
	    (c.layout_version && c.layout_version != CF_LAYOUT_VERSION))
		r = why_set(
			why, -ESTALE,
			"%s was pinned by another version of Curfew: curfew detach, then start again",
			dp->dir);
	close(fd);
	return r;
}

int dp_use_shared(const struct datapath *dp, struct bpf_object *obj, bool tables, struct why *why)
{
	struct bpf_map *map;
	char path[PIN_MAX];

	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);
		int r;

		if (is_internal(map))
			continue;
		if (dp_is_table(name)) {
			bpf_map__set_autocreate(map, tables);
			continue;
		}
		r = bpf_map__set_pin_path(map,
					  dp_path(dp, path, sizeof(path), "%s", pin_name(name)));
		if (r < 0)
			return why_set(why, r, "map %s: %s", name, strerror(-r));
		r = set_size(dp, map, path);
		if (r < 0)
			return why_set(why, r, "size of %s: %s", name, strerror(-r));
	}
	return 0;
}

static int check_bpffs(const char *dir, bool make, struct why *why)
{
	struct statfs fs;

	if (make && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return why_set(why, -errno, "%s: %s", dir, strerror(errno));
	if (statfs(dir, &fs) < 0)
		return why_set(why, -errno, "%s: %s", dir, strerror(errno));
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return why_set(why, -ENOTDIR, "%s is not on a bpffs (mount -t bpf bpf /sys/fs/bpf)",
			       dir);
	return 0;
}

static int map_control(struct datapath *dp, struct why *why)
{
	int fd = dp_map_fd(dp, "control");
	void *p;

	p = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return why_set(why, -errno, "control map: %s", strerror(errno));
	dp->control = p;
	return 0;
}

static const char *const hook_names[] = {
	[CF_HOOK_INSIDE] = "inside", [CF_HOOK_OUTSIDE] = "outside"
};

/* Names of hooks and reasons, so that a dump of the map reads well. */
static int name_reasons(struct datapath *dp)
{
#define X(id, slug, group, text) [CF_REASON_##id] = slug,
	static const char *const slugs[] = { CF_REASONS(X) };
#undef X
	int fd = dp_map_fd(dp, "reasons"), cpus = libbpf_num_possible_cpus();
	struct cf_reason_count *v;

	_Static_assert(ARRAY_SIZE(slugs) == CF_REASON_MAX, "a reason has no name");
	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_REASON_MAX; i++) {
		for (int c = 0; c < cpus; c++) {
			snprintf(v[c].hook, sizeof(v[c].hook), "%s", hook_names[i / CF_REASON_MAX]);
			snprintf(v[c].reason, sizeof(v[c].reason), "%s", slugs[i % CF_REASON_MAX]);
		}
		if (bpf_map_update_elem(fd, &i, v, BPF_ANY) < 0) {
			free(v);
			return -errno;
		}
	}
	free(v);
	return 0;
}

/* `cat …/pairs`: an iterator over `walk`, pinned once. */
static int pin_pairs(struct datapath *dp, struct why *why)
{
	union bpf_iter_link_info info = { 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	char path[PIN_MAX];
	struct pairs_bpf *skel;
	struct bpf_link *link;
	int r;

	dp_path(dp, path, sizeof(path), "pairs");
	if (!access(path, F_OK))
		return 0;
	skel = pairs_bpf__open();
	if (!skel)
		return why_set(why, -errno, "pairs iterator: %s", strerror(errno));
	r = dp_use_shared(dp, skel->obj, false, why);
	if (!r)
		r = bpf_object__load(skel->obj);
	if (!r) {
		info.map.map_fd = (uint32_t)bpf_map__fd(skel->maps.walk);
		link = bpf_program__attach_iter(skel->progs.pairs, &opts);
		r = link ? bpf_link__pin(link, path) : -errno;
		bpf_link__destroy(link);
	}
	pairs_bpf__destroy(skel);
	return r < 0 ? why_set(why, r, "pairs iterator: %s", strerror(-r)) : 0;
}

static uint32_t clock_hz(void)
{
	struct timespec ts;

	clock_getres(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_nsec ? (uint32_t)(1000000000L / ts.tv_nsec) : 250;
}

static int name_notes(struct datapath *dp)
{
#define X(id, slug, text) [CF_NOTE_##id] = slug,
	static const char *const slugs[] = { CF_NOTES(X) };
#undef X
	int fd = dp_map_fd(dp, "notes"), cpus = libbpf_num_possible_cpus(), r = 0;
	struct cf_note_count *v;

	_Static_assert(ARRAY_SIZE(slugs) == CF_NOTE_MAX, "a note has no name");
	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	for (uint32_t i = 0; i < CF_HOOK_MAX * CF_NOTE_MAX && !r; i++) {
		for (int c = 0; c < cpus; c++) {
			snprintf(v[c].hook, sizeof(v[c].hook), "%s", hook_names[i / CF_NOTE_MAX]);
			snprintf(v[c].note, sizeof(v[c].note), "%s", slugs[i % CF_NOTE_MAX]);
		}
		if (bpf_map_update_elem(fd, &i, v, BPF_ANY) < 0)
			r = -errno;
	}
	free(v);
	return r;
}

static int first_time(struct datapath *dp, struct why *why)
{
	uint64_t seed[3];
	int r;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return why_set(why, -EIO, "no random numbers for the pair table's seed");
	r = name_reasons(dp);
	if (!r)
		r = name_notes(dp);
	if (r < 0)
		return why_set(why, r, "reasons and notes: %s", strerror(-r));
	r = shards_make(dp, why);
	if (r < 0)
		return r;
	dp->control->seed[0] = seed[0];
	dp->control->seed[1] = seed[1];
	dp->control->tables_id = seed[2];
	dp->control->hz = clock_hz();
	dp->control->epoch = 1;
	/* last: what lacks it is not adopted */
	__atomic_store_n(&dp->control->layout_version, CF_LAYOUT_VERSION, __ATOMIC_RELEASE);
	return 0;
}

static int open_shared(struct datapath *dp, bool create, struct why *why)
{
	struct admin_bpf *skel = admin_bpf__open();
	char path[PIN_MAX];
	int r;

	if (!skel)
		return why_set(why, -errno, "BPF object: %s", strerror(errno));
	dp->admin = skel;
	dp->shared = skel->obj;
	if (!create && access(dp_path(dp, path, sizeof(path), "control"), F_OK) < 0)
		return why_set(why, -ENOENT, "nothing is pinned in %s: Curfew is not attached",
			       dp->dir);
	r = check_layout(dp, why);
	if (!r)
		r = dp_use_shared(dp, dp->shared, false, why);
	if (r < 0)
		return r;
	/* by its skeleton, so that variables are the maps' memory */
	r = admin_bpf__load(skel);
	if (r < 0)
		return why_set(why, r, "BPF maps in %s: %s", dp->dir, strerror(-r));
	r = map_control(dp, why);
	if (r < 0)
		return r;
	r = places_map(dp);
	if (r < 0)
		return why_set(why, r, "segments of the pair table: %s", strerror(-r));
	r = cpu_shards_map(dp);
	if (r < 0)
		return why_set(why, r, "shards of the pair table: %s", strerror(-r));
	if (!dp->control->layout_version && create)
		r = first_time(dp, why);
	else if (!dp->control->layout_version)
		r = why_set(why, -EAGAIN, "Curfew is just being attached: try again");
	else
		r = shards_map(dp, why);
	if (!r && create)
		r = pin_pairs(dp, why);
	return r;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (!getenv("CURFEW_LIBBPF") || (level == LIBBPF_DEBUG && *getenv("CURFEW_LIBBPF") != 'd'))
		return 0;
	return vfprintf(stderr, fmt, ap);
}

static int open_any(const struct datapath_options *opt, bool create, struct datapath **ret,
		    struct why *why)
{
	struct datapath *dp = xcalloc(1, sizeof(*dp));
	int r;

	libbpf_set_print(quiet);
	dp->opt = *opt;
	dp->dir = xstrdup(opt->dir ? opt->dir : DATAPATH_DIR);
	dp->read_only = !create;
	for (int i = 0; i < PROG_MAX; i++)
		dp->gen.prog_fd[i] = -1;
	r = check_bpffs(dp->dir, create, why);
	if (!r)
		r = open_shared(dp, create, why);
	if (r < 0) {
		datapath_close(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

int datapath_open(const struct datapath_options *opt, struct datapath **ret, struct why *why)
{
	return open_any(opt, true, ret, why);
}

int datapath_attach_existing(const char *dir, struct datapath **ret, struct why *why)
{
	struct datapath_options opt = { .dir = dir };

	return open_any(&opt, false, ret, why);
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	ring_buffer__free(dp->ring);
	ring_buffer__free(dp->drops);
	shards_unmap(dp);
	if (dp->control)
		munmap((void *)dp->control, (size_t)sysconf(_SC_PAGESIZE));
	generation_close(&dp->gen);
	admin_bpf__destroy(dp->admin);
	free(dp->dir);
	free(dp);
}

volatile struct cf_control *datapath_control(struct datapath *dp)
{
	return dp->control;
}

uint32_t datapath_generation(const struct datapath *dp)
{
	return dp->control->generation;
}

void datapath_sizes(const struct datapath *dp, struct datapath_sizes *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	*ret = dp->sizes;
	shards_count(dp, ret);
	if (!bpf_obj_get_info_by_fd(dp_map_fd(dp, "quotas"), &info, &len))
		ret->quota_keys = info.max_entries;
	ret->table_bytes =
		(ret->slots4 + ret->slots6) * 64 +
		ret->quota_keys * (sizeof(struct cf_quota_key) + sizeof(struct cf_quota_state));
}
