/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A geo table as a MaxMind DB (file format specification 2.0), with MaxMind's
 * field names, for our own reader and for any other. Makes bytes, not files.
 */
#ifndef CURFEW_CORE_GEO_MMDB_WRITE_H
#define CURFEW_CORE_GEO_MMDB_WRITE_H

#include "base/buf.h"
#include "core/geo/geo.h"

/*
 * Appends the database to `out`: an IPv6 tree, IPv4 at ::/96 and again at
 * ::ffff:0:0/96 for readers that look there. Record size is 24, 28 or 32 bits,
 * the smallest that will do. Type and build time are the table's; a type of
 * NULL is named after the fields. IPv6 ranges within ::/96 are left out: that
 * part of the tree is IPv4's. The same table always gives the same bytes.
 *
 * -ENODATA: the table has no range that can be written; -EFBIG: too large for
 * the format. `out` is untouched then. `progress` may be NULL.
 */
int mmdb_write(const struct geo_table *t, const struct geo_progress *progress, struct buf *out);

#endif
