/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time zones of this machine: files under /usr/share/zoneinfo by name, and the
 * machine's own from /etc/localtime. Nothing else lives here; what a zone
 * means is core/time/calendar.h. The environment variable TZ is not looked at: the
 * same policy has to mean the same in a service and in a shell.
 */
#ifndef CURFEW_PORT_ZONES_H
#define CURFEW_PORT_ZONES_H

#include "core/time/calendar.h"

/*
 * A cache: each zone is read once, and stays as it was read until the cache is
 * freed. A new version of the zone data takes effect with a new cache, that
 * is, with a reload. Not for several threads at once.
 */
struct zones;

/* root: a directory that stands for "/", for tests; NULL: "/". Never NULL. */
struct zones *zones_new(const char *root);
void zones_free(struct zones *z);
static inline void zones_free_p(struct zones **z)
{
	zones_free(*z);
}
#define _cleanup_zones_ _cleanup_(zones_free_p)

/*
 * The zone of an IANA name, "Africa/Addis_Ababa"; the cache keeps it. "UTC" and
 * "Etc/UTC" need no file. -EINVAL: not a name (it has "..", a leading "/", or
 * anything but letters, digits and "+-_/."), or a file that is no zone data.
 * -ENOENT: no such zone. -EOPNOTSUPP: it counts leap seconds ("right/…").
 * -EFBIG: larger than any zone. Else -errno from reading.
 */
int zones_get(struct zones *z, const char *name, const struct zone **ret);

/*
 * The machine's own zone, and its IANA name: where the link /etc/localtime leads
 * (localtime(5)), else what /etc/timezone says if that zone has the same
 * data, else NULL. No /etc/localtime means UTC. ret_name may be NULL; the cache
 * keeps both. Errors as above.
 */
int zones_local(struct zones *z, const struct zone **ret, const char **ret_name);

/* Which zone NULL means in the source below: a name, or NULL for the machine's own (the start). */
void zones_set_site(struct zones *z, const char *name);
/* For core: get() gives NULL for whatever zones_get() or zones_local() refuse. */
struct zone_source zones_source(struct zones *z);

#endif
