/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MaxMind DB files: opened with libmaxminddb, walked whole, judged, and turned
 * into a struct geo_table. A file is trusted only after every node of its tree
 * and every record were read: many damaged files open without complaint.
 */
#ifndef CURFEW_PORT_MMDB_H
#define CURFEW_PORT_MMDB_H

#include "core/geo/geo.h"
#include "core/geo/mmdb_record.h"

#define MMDB_SIZE_MAX (2ULL << 30) /* bytes */

/* What was found, as far as the work came. */
struct mmdb_report {
	uint64_t file_bytes;
	char type[64];     /* what it calls itself, as printable ASCII */
	uint64_t built_at; /* seconds since 1970; 0: unknown */
	uint32_t node_count;
	uint16_t record_bits;
	uint16_t ip_version;
	uint32_t networks4; /* prefixes with a record */
	uint32_t networks6;
	uint32_t aliases; /* places that repeat the IPv4 tree: ::ffff:0:0/96, 2001::/32, 2002::/16,
			     64:ff9b::/96 */
	uint64_t ranges;  /* after merging neighbours that say the same */
	struct mmdb_facts facts;
};

/*
 * Reads the file. The file may be replaced or cut while this runs: a sealed
 * copy in memory is what is read. On success the caller owns *ret. On failure
 * *ret_why is a sentence without the path, which the caller frees; *report
 * holds what was found until then. `progress` may be NULL.
 *
 * -ENOENT, -EACCES …  it cannot be read
 * -EBUSY        it changed while it was read
 * -EFBIG        larger than MMDB_SIZE_MAX, or empty
 * -EMEDIUMTYPE  not a MaxMind DB
 * -EPROTO       the metadata is damaged, or of a version we don't know
 * -ELOOP        the tree comes back to a node, or is deeper than an address
 * -ERANGE       the tree points outside the file
 * -EUCLEAN      parts of the tree are never reached, or bytes that must be zero are not
 * -EBADMSG      a record cannot be decoded
 * -EPROTOTYPE   a record is not a map
 * -ENODATA      no network at all
 * -ENOMSG       fewer than half of the records say anything we know
 * -EDOM         more than one record in a hundred has a value that can't be
 *
 * IPv4 is taken from the tree's ::/96 and given as mapped addresses; repeats
 * of it elsewhere in the tree are left out, and other data at ::ffff:0:0/96 is
 * used only if ::/96 is empty.
 */
int mmdb_load(const char *path, const struct geo_progress *progress, struct geo_table **ret,
	      struct mmdb_report *report, char **ret_why);

#endif
