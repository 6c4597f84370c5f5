/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "books.h"

static const char *const fate_names[] = { "pass", "drop", "seen", "ignored", "unparsed" };
static const char *const hook_names[] = { "inside", "outside" };
static const char *const note_names[] = {
#define X(id, slug, text) slug,
	CF_NOTES(X)
#undef X
};

static void put(const char *name, const uint64_t *v, int n)
{
	printf("\"%s\": [", name);
	for (int i = 0; i < n; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)v[i]);
	printf("]");
}

static void put_by_hook(const char *name, const uint64_t (*v)[3])
{
	printf("\"%s\": {", name);
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		fputs(hook ? ", " : "", stdout);
		put(hook_names[hook], v[hook], 3);
	}
	printf("}, ");
}

static void put_hooks(const struct look *l)
{
	printf("\"hooks\": {");
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		printf("%s\"%s\": {", hook ? ", " : "", hook_names[hook]);
		for (int f = 0; f < FATE_MAX; f++) {
			put(fate_names[f], l->fate[hook][f], 3);
			printf(", ");
		}
		put("offered", l->offered[hook], 3);
		printf("}");
	}
	printf("}, ");
}

static void put_notes(const struct look *l)
{
	printf("\"notes\": {");
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		const char *comma = "";

		printf("%s\"%s\": {", hook ? ", " : "", hook_names[hook]);
		for (int n = 0; n < CF_NOTE_MAX; n++) {
			if (!l->notes[hook][n][0])
				continue;
			printf("%s", comma);
			put(note_names[n], l->notes[hook][n], 2);
			comma = ", ";
		}
		printf("}");
	}
	printf("}, ");
}

static void put_shards(const struct look *l)
{
	printf("\"shards\": [");
	for (size_t i = 0; i < l->n_shards; i++) {
		const struct shard *s = &l->shards[i];

		printf("%s{\"cpu\": %u, \"slots4\": %u, \"slots6\": %u, \"used4\": %llu, "
		       "\"used6\": %llu, ",
		       i ? ", " : "", s->cpu, s->run.count4 * CF_SEG_BUCKETS * CF_BUCKET_SLOTS,
		       s->run.count6 * CF_SEG_BUCKETS * CF_BUCKET_SLOTS,
		       (unsigned long long)s->family[0].used,
		       (unsigned long long)s->family[1].used);
		put("fill4", s->family[0].fill, CF_BUCKET_SLOTS + 1);
		printf(", ");
		put("fill6", s->family[1].fill, CF_BUCKET_SLOTS + 1);
		printf("}");
	}
	printf("], ");
}

static void put_difference(const struct look *l)
{
	printf("\"difference\": {");
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		/* a device counts len, then wire bytes; payload is known by reason only */
		const uint64_t offered[3] = { l->device_hook[hook][0], l->device_hook[hook][2],
					      l->offered[hook][2] };

		printf("%s\"%s\": [", hook ? ", " : "", hook_names[hook]);
		for (int k = 0; k < 3; k++) {
			uint64_t booked = l->slots[hook][k] + l->recycled[hook][k + 1] +
					  l->overflow[hook][k] + l->losses[hook][k];

			for (int f = FATE_SEEN; f < FATE_MAX; f++)
				booked += l->fate[hook][f][k];
			printf("%s%lld", k ? ", " : "", (long long)(offered[k] - booked));
		}
		printf("]");
	}
	printf("}, ");
}

void books_print(const struct look *l, char **names, int n)
{
	printf("{");
	put_difference(l);
	put_hooks(l);
	put_by_hook("slots", l->slots);
	put_by_hook("overflow", l->overflow);
	put_by_hook("losses", l->losses);
	printf("\"recycled\": {");
	for (int hook = 0; hook < CF_HOOK_MAX; hook++) {
		fputs(hook ? ", " : "", stdout);
		put(hook_names[hook], l->recycled[hook] + 1, 3);
	}
	printf("}, \"recycled_pairs\": %llu, ",
	       (unsigned long long)(l->recycled[0][0] + l->recycled[1][0]));
	put("pairs_by_hook", l->pairs, CF_HOOK_MAX);
	printf(", \"pairs\": %llu, \"overflow_keys\": %llu, ",
	       (unsigned long long)(l->pairs[0] + l->pairs[1]),
	       (unsigned long long)l->overflow_keys);
	put_notes(l);
	put_shards(l);
	printf("\"epoch\": %u, \"acked\": %u, \"generation\": %u, \"changing\": %u, \"devices\": {",
	       l->epoch, l->acked, l->generation, l->changing);
	for (int d = 0; d < n; d++) {
		fputs(d ? ", " : "", stdout);
		put(names[d], l->devices[d], 3);
	}
	printf("}}\n");
}
