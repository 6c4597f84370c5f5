/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways in which a database can be damaged, one a row, and what the reader must say of each. */
#ifndef TESTS_UNIT_MMDB_DAMAGE_KINDS_H
#define TESTS_UNIT_MMDB_DAMAGE_KINDS_H

#include "mmdb_help.h"

struct mmdb_damage {
	const char *name;
	void (*make)(struct mm *m);
	int error;        /* 0: any */
	const char *part; /* of the reason */
};
extern const struct mmdb_damage mmdb_damages[];
extern const size_t mmdb_damage_count;

/* A good database of three networks; where the record of the first one begins. */
size_t mmdb_damage_good(struct mm *m);

#endif
