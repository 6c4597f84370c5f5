/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data section of a MaxMind DB, written: each text and map once, pointers to it after that. */
#ifndef CURFEW_CORE_GEO_MMDB_ENCODE_H
#define CURFEW_CORE_GEO_MMDB_ENCODE_H

#include "base/buf.h"
#include "core/geo/geo.h"

/* What has been written, by its bytes: where it stands in the data section. */
struct mmdb_seen {
	struct {
		char *key;
		size_t n;
		uint32_t offset;
	} * v;
	size_t n, size;
};

struct mmdb_encoder {
	struct buf out;
	struct mmdb_seen seen;
};

void mmdb_encoder_done(struct mmdb_encoder *e);
/* Where the record's map begins in e->out. */
size_t mmdb_encode_record(struct mmdb_encoder *e, const struct geo_record *r);

#define MMDB_BUILT_UNKNOWN 1 /* build_epoch when it is not known */

/* The metadata section, its marker first; pointers are not used there. */
struct mmdb_metadata {
	const char *type;
	const char *description;
	uint64_t built_at; /* 0: unknown */
	uint32_t node_count;
	uint16_t record_bits;
};
void mmdb_encode_metadata(struct buf *out, const struct mmdb_metadata *m);

#endif
