/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the MMDB port: from an open database to ranges. */
#ifndef CURFEW_PORT_MMDB_WALK_H
#define CURFEW_PORT_MMDB_WALK_H

#include <maxminddb.h>

#include "port/mmdb.h"

/* As mmdb_load(), for a database that is open; `data` is its data section without the metadata. */
int mmdb_walk(const MMDB_s *db, const struct mmdb_data *data, struct geo_builder *b,
	      const struct geo_progress *progress, struct mmdb_report *report, char **ret_why);

#endif
