/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a configuration file to something that can be put in force: read, check, load databases,
 * compile. */
#ifndef CURFEW_APP_RUNNING_H
#define CURFEW_APP_RUNNING_H

#include "app/daemon/manual.h"
#include "app/machine.h"
#include "core/image/image.h"
#include "port/geo_load.h"
#include "port/vendor_load.h"

struct zones; /* port/zones.h */

/* The kernel follows the schedule without us for 35 days (docs: promise P4); a day more, since we
 * compile once a day. */
#define RUNNING_DAYS 36

/* What one configuration became; replaced whole by a reload. */
struct running {
	struct policy_set *set;
	struct geo_tables tables;
	struct geo geo;   /* the tables' view */
	bool geo_missing; /* they could not be loaded, and `on geo-missing` goes on without */
	struct image *image;
	struct vendor_files *vendors;   /* read when a rule names one */
	struct zones *zones_cache;      /* zones and what they give belong to it */
	struct zone_source zone_source; /* a NULL name is the site's zone */
	const struct zone *zone;        /* the site's */
	struct manual_rules manual;     /* `block` and `allow`, read against this set */
	bool warn;                      /* running_compile() also says what is likely a mistake */
	uint32_t generation;
	struct utc loaded_at;
	bool mode_by_hand;      /* set->mode is not what the file says */
	enum mode mode_of_file; /* then that is */
};
/* Takes what is half made. */
void running_done(struct running *run);
#define _cleanup_running_ _cleanup_(running_done)

/*
 * Reads and checks the file, finds its zones. -EINVAL with errors in diags;
 * *ret is untouched then. Warnings go to diags too.
 */
int running_read(const char *path, struct running *ret, struct diag_list *diags);
/* Loads the databases that the set names. -EINVAL with errors in diags. */
int running_load_geo(struct running *run, struct diag_list *diags);
/* Adds warnings of what this machine does not have, and of dates that are over by then. */
void running_check_here(const struct running *run, const struct net_state *net, struct utc now,
			struct diag_list *diags);
/*
 * Compiles what was read for that moment. book may be NULL. On success the
 * caller owns both results (running_adopt() takes them); else -EINVAL with errors
 * in diags, or *ret_error set to a sentence that the caller frees.
 */
int running_compile(const struct running *run, const struct machine *machine,
		    const struct manual_book *book, struct utc now, struct image **ret_image,
		    struct manual_rules *ret_manual, struct diag_list *diags, char **ret_error);
/* The same for this machine as it is, and adopts it; with run->warn as running_check_here() does.
 */
int running_compile_here(struct running *run, struct utc now, struct diag_list *diags);
/* Puts new results in the place of the old ones. */
void running_adopt(struct running *run, struct image *image, struct manual_rules *manual);

/* `diags` as text that ends with a newline, appended; nothing if there are none. */
void diags_append(const struct diag_list *diags, struct buf *out);

#endif
