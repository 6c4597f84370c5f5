/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping the books: now and then what the ledger has seen is written down, and
 * only then are the kernel's slots told that they may be given to other pairs.
 * A daemon that is killed goes on from what is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/daemon/books.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/ledger/snapshot.h"
#include "port/files.h"

/*
 * Between commits, unless shards fill sooner. Longer where one is much work, a fiftieth of the
 * time; what it only waits for, the disk or a grace period of a busy machine, may be a fifth.
 */
#define COMMIT_MS         10000
#define COMMIT_CPU_RATIO  50
#define COMMIT_WAIT_RATIO 5
#define SNAPSHOT_MAX      (1ULL << 30)
/* A shard whose slots are held beyond these parts of it: commit early; grow. */
#define PRESSED(use) ((use)->held > (use)->slots / 2)
#define CROWDED(use) ((use)->held > (use)->slots / 8 * 5)
/*
 * A CPU that sees nothing is to cost little, so shards begin small. One that is in use has
 * room for so many times its pairs, as far as SHARD_ROOMY_SLOTS: all pairs of another CPU come
 * at once where an interrupt is moved to this one.
 */
#define ROOMY 16
/* Where there is no room for the books, not fewer pairs than these are kept. */
#define PAIRS_MIN 4096
/* Of the machine's memory the pair table may have this part at most. */
#define MEMORY_PART 16

static char *snapshot_path(const struct daemon *d)
{
	return xprintf("%s/ledger", d->cli->run_dir);
}

static int write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(fd, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		s += w;
		n -= (size_t)w;
	}
	return 0;
}

struct sink {
	int fd;
	struct buf waiting; /* small pieces go out together */
};
#define SINK_BYTES (64 << 10)

static int sink_flush(struct sink *k)
{
	int r = write_all(k->fd, k->waiting.s, k->waiting.n);

	k->waiting.n = 0;
	return r;
}

static int sink_put(void *arg, const void *data, size_t n)
{
	struct sink *k = arg;
	int r = 0;

	if (k->waiting.n + n > SINK_BYTES)
		r = sink_flush(k);
	if (!r && n > SINK_BYTES)
		return write_all(k->fd, data, n);
	if (!r)
		buf_add(&k->waiting, data, n);
	return r;
}

/* Whole or not at all. Not synced: the tables do not outlive the machine either. */
static int write_snapshot(struct daemon *d)
{
	const struct snapshot_id id = {
		.tables_id = datapath_tables_id(d->dp),
		.epoch = datapath_commit_epoch(d->dp),
	};
	_cleanup_free_ char *path = snapshot_path(d);
	_cleanup_free_ char *next = xprintf("%s.new", path);
	struct sink sink = { 0 };
	int r, fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	sink.fd = fd;
	r = ledger_snapshot_write(d->ledger, &id, sink_put, &sink);
	if (!r)
		r = sink_flush(&sink);
	buf_done(&sink.waiting);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(next, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(next);
	return r;
}

/* ---- start ------------------------------------------------------------------ */

/*
 * What slots show, and what those had counted that were given away before: on the
 * books, but of no pair we know. One that is given away between the two looks would be
 * missing from both, or be in both.
 */
static void take_over(struct daemon *d, int (*look)(struct daemon *d))
{
	struct cf_recycled gone[CF_HOOK_MAX] = { 0 };
	int r = datapath_freeze(d->dp);

	if (!r)
		r = datapath_recycled(d->dp, gone);
	if (!r)
		r = look(d);
	datapath_thaw(d->dp);
	if (r < 0)
		log_err(r, "the pair table cannot be taken over: totals may fall short");
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		const struct ledger_sums sums = {
			.wire_bytes = gone[hook].wire_bytes,
			.payload_bytes = gone[hook].payload_bytes,
			.dropped_wire_bytes = gone[hook].dropped_wire_bytes,
			.packets = gone[hook].packets,
		};

		if (gone[hook].pairs)
			ledger_add_folded(d->ledger, (enum cf_hook)hook, &sums, gone[hook].pairs);
	}
}

void books_open(struct daemon *d, struct utc tables_made, int (*look)(struct daemon *d))
{
	_cleanup_free_ char *path = snapshot_path(d);
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	int r = files_read(path, SNAPSHOT_MAX, &text, &n);

	/* by one who died while he took them over */
	datapath_thaw(d->dp);
	if (!r)
		r = ledger_snapshot_read(text, n, datapath_tables_id(d->dp),
					 datapath_control(d->dp)->acked, d->books->seed,
					 &d->ledger);
	if (!r) {
		log_info("the books go on: %zu pairs", d->ledger->pairs.n);
		return;
	}
	/* other tables: nothing of it is theirs */
	if (r != -ENOENT && r != -ESTALE)
		log_err(r, "%s: cannot go on from it; totals begin with what the kernel shows",
			path);
	d->ledger = ledger_new(d->books->seed, tables_made);
	take_over(d, look);
}

/* ---- commits ---------------------------------------------------------------- */

static uint64_t memory_for_pairs(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / MEMORY_PART;
}

static uint64_t slots_wanted(const struct daemon *d, const struct shard_use *use)
{
	uint64_t slots = use->slots;

	/* who was told how large they are to be keeps to that until they are crowded */
	if (!d->pairs)
		while (slots < ROOMY * (uint64_t)use->held && slots < SHARD_ROOMY_SLOTS)
			slots *= 2;
	return CROWDED(use) && slots == use->slots ? 2 * slots : slots;
}

static bool may_grow(struct daemon *d, const struct shard_use *use, uint64_t slots)
{
	struct datapath_sizes sizes;

	datapath_sizes(d->dp, &sizes);
	return (sizes.slots4 + sizes.slots6 + slots - use->slots) * sizeof(struct cf_slot4) <=
	       memory_for_pairs();
}

static bool grow_one(struct daemon *d, const struct shard_use *use)
{
	uint64_t slots = slots_wanted(d, use);
	int r;

	while (slots > use->slots && !may_grow(d, use, slots))
		slots /= 2;
	if (slots <= use->slots)
		return false;
	/* what is left for all shards may be less than one wants */
	do
		r = datapath_shard_grow(d->dp, use->cpu, use->six, slots);
	while (r == -ENOSPC && (slots /= 2) > use->slots);
	if (r == 0)
		log_info("CPU %u: room for %llu %s pairs", use->cpu, (unsigned long long)slots,
			 use->six ? "IPv6" : "IPv4");
	else if (r != -ENOSPC && !d->books->grow_errors++)
		log_err(r, "CPU %u: the pair table cannot grow", use->cpu);
	return r == 0;
}

uint32_t books_grow(struct daemon *d)
{
	struct shard_uses uses = { 0 };
	uint32_t grown = 0;

	datapath_shard_uses(d->dp, &uses);
	for (size_t i = 0; i < uses.n; i++)
		if (grow_one(d, &uses.v[i]))
			grown |= OVERFLOW_LANE(uses.v[i].cpu);
	shard_uses_done(&uses);
	if (grown)
		datapath_outgrown(d->dp, grown);
	return grown;
}

bool books_cpus(struct daemon *d)
{
	struct books *b = d->books;
	struct datapath_sizes sizes;
	uint32_t cpu = 0, made = 0;
	int r;

	datapath_sizes(d->dp, &sizes);
	if (sizes.cpus_online && !sizes.cpus_without) {
		b->cpu_errors = 0;
		return false;
	}
	/* before 6.8 each segment waits for a grace period: many of them for longer than a stall */
	daemon_promise(d);
	while ((r = datapath_shard_missing(d->dp, &cpu)) > 0) {
		log_info("CPU %u is online: it has its part of the pair table", cpu);
		made |= OVERFLOW_LANE(cpu);
	}
	daemon_beat(d);
	if (r < 0 && !b->cpu_errors++)
		log_err(r, "a CPU that is online has no part of the pair table");
	if (!r)
		b->cpu_errors = 0;
	if (made)
		datapath_outgrown(d->dp, made);
	return made;
}

static bool pressed(const struct daemon *d)
{
	struct shard_uses uses = { 0 };
	bool any = false;

	datapath_shard_uses(d->dp, &uses);
	for (size_t i = 0; i < uses.n; i++)
		any |= PRESSED(&uses.v[i]);
	shard_uses_done(&uses);
	return any;
}

bool books_commit_due(const struct daemon *d)
{
	const struct books *b = d->books;
	uint64_t since = books_ms() - b->committed_ms;

	if (!b->committed_ms)
		return true;
	if (since < COMMIT_CPU_RATIO * b->commit_cpu_ms ||
	    since < COMMIT_WAIT_RATIO * b->commit_took_ms)
		return false;
	return since >= COMMIT_MS || (!b->commit_errors && pressed(d));
}

/*
 * Who sprays addresses must not fill the file's disk, or nothing would be given away any
 * more. Fewer pairs: of others, sums.
 */
static void keep_fewer(struct daemon *d)
{
	uint32_t n = (uint32_t)d->ledger->pairs.n / 2;

	if (n < PAIRS_MIN)
		return;
	ledger_limit(d->ledger, n);
	log_warning(
		"%s has no room for the books: %u pairs are kept, sums of what was idle longest",
		d->cli->run_dir, n);
}

static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int books_commit(struct daemon *d, int (*look)(struct daemon *d))
{
	struct books *b = d->books;
	uint64_t began = books_ms(), cpu = cpu_ms();
	int r = datapath_commit_begin(d->dp);

	/* without the grace period it would be a look like any other: nothing is given away */
	if (!r)
		r = look(d);
	if (!r)
		r = write_snapshot(d);
	if (r == -ENOSPC)
		keep_fewer(d);
	if (!r)
		datapath_commit_end(d->dp);
	b->committed_ms = books_ms();
	b->commit_took_ms = b->committed_ms - began;
	b->commit_cpu_ms = cpu_ms() - cpu;
	if (r < 0 && !b->commit_errors++)
		log_err(r,
			"%s/ledger: the books cannot be kept; slots of the pair table are not "
			"given away until they can",
			d->cli->run_dir);
	if (!r && b->commit_errors) {
		log_notice("the books are kept again");
		b->commit_errors = 0;
	}
	books_grow(d);
	return r;
}
