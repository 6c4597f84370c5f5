/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What books has read, and how it is told. */
#ifndef CURFEW_TESTS_TOOLS_BOOKS_H
#define CURFEW_TESTS_TOOLS_BOOKS_H

#include <stddef.h>
#include <stdint.h>

#include "curfew/abi.h"

#define DEVICES 8

enum fate { FATE_PASS, FATE_DROP, FATE_SEEN, FATE_IGNORED, FATE_UNPARSED, FATE_MAX };

struct family {
	uint64_t used;
	uint64_t fill[CF_BUCKET_SLOTS + 1]; /* buckets with so many pairs */
};

struct shard {
	uint32_t cpu;
	struct cf_cpu_shard run;
	struct family family[2];
};

struct look {
	uint64_t offered[CF_HOOK_MAX][3]; /* as the reasons say */
	uint64_t fate[CF_HOOK_MAX][FATE_MAX][3];
	uint64_t slots[CF_HOOK_MAX][3], pairs[CF_HOOK_MAX];
	uint64_t recycled[CF_HOOK_MAX][5]; /* pairs first, dropped wire bytes last */
	uint64_t overflow[CF_HOOK_MAX][3], overflow_keys;
	uint64_t losses[CF_HOOK_MAX][3];
	uint64_t notes[CF_HOOK_MAX][CF_NOTE_MAX][2];
	uint64_t devices[DEVICES][3];
	uint64_t device_hook[CF_HOOK_MAX][3];
	struct shard shards[CF_CPUS_MAX];
	size_t n_shards;
	uint32_t epoch, acked, generation, changing;
};

/* As JSON; `names` are those of `devices`. */
void books_print(const struct look *l, char **names, int n);

#endif
