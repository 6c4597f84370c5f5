/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the keeper share: STATE/quotas and what is on it. See quotas.c. */
#ifndef CURFEW_APP_DAEMON_QUOTA_KEEPER_H
#define CURFEW_APP_DAEMON_QUOTA_KEEPER_H

#include "app/daemon/parts.h"
#include "core/ledger/quota_store.h"

/* What a key is to be told once its record is on disk. */
struct keep {
	struct cf_quota_key key;
	uint32_t period_minute;
	uint64_t bytes;
};

/* When a record was made, and what had been used by then. */
struct written {
	uint64_t ms;
	uint64_t used_bytes;
};

struct quota_keeper {
	struct quota_records kept;    /* on file, of the kernel's keys */
	struct quota_records pending; /* of other boots and other times, not given back yet */
	struct {
		struct written *v;
		size_t n, cap;
	} written; /* of each of `kept` */
	struct {
		struct cf_quota_key *v;
		size_t n, cap;
	} dirty; /* have reached their mark */
	struct {
		struct keep *v;
		size_t n, cap;
	} keeps;
	struct buf out; /* records to be appended */
	int fd;         /* -1: the file is to be written anew */
	uint64_t size;  /* of the file */
	uint64_t walked_ms, synced_ms, took_ms;
	uint64_t link_bytes_per_ms; /* of all interfaces of one side together */
	uint64_t errors;            /* in a row */
	int error;
	uint64_t restored;
	bool exact; /* nothing is charged any more: no reserve */
};

/* STATE/quotas; the caller frees it. */
char *keeper_path(const struct daemon *d);
/* The quota of that id; NULL: the image has none. */
const struct cf_quota_spec *keeper_spec(const struct image *img, uint32_t id);
/* Its period at that moment, as words have it; 0: closed. */
uint32_t keeper_period(const struct image *img, const struct cf_quota_spec *q, struct utc at);
/* This record is on file, made when so much had been used. */
void keeper_set_kept(struct quota_keeper *k, const struct quota_record *r, uint64_t used_bytes);
/* Nothing that a record of a period that old says will be asked for again. */
bool keeper_is_over(const struct daemon *d, const struct quota_record *r);
/* Puts a record of the key into k->out, unless there is one that will do. */
void keeper_key(struct daemon *d, const struct cf_quota_key *key, const struct quota_state *st);
/* Writes and syncs k->out, or the file anew where it must be; then the keys are told. */
void keeper_flush(struct daemon *d);
/* Nothing is known to be on file any more: it will be written anew. */
void keeper_forget(struct quota_keeper *k);

/* ---- quota_cells.c ------------------------------------------------------------- */

/*
 * Puts into k->out what is new of the quota's cells, its shared entry being of that period
 * and about to be kept with so much ahead. Read after that entry: what a cell has gained since,
 * the entry has not been charged yet.
 */
void keeper_cells(struct daemon *d, uint32_t quota, uint32_t period, uint64_t ahead);
/* All that are kept, for a file that is written anew. */
void keeper_cells_again(struct quota_keeper *k);
/* The shared entry was given back by hand. */
void keeper_cells_reset(struct quota_keeper *k, uint32_t quota);
/* The shared entry is set aside: so are the cells of that period. */
void keeper_cells_aside(struct daemon *d, uint32_t quota, uint32_t period);
/* Records of keys of this machine's, for people. */
size_t keeper_keys(const struct quota_records *l);

#endif
