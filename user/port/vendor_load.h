/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IEEE's lists of MAC addresses, as Debian's package ieee-data installs them. */
#ifndef CURFEW_PORT_VENDOR_LOAD_H
#define CURFEW_PORT_VENDOR_LOAD_H

#include "core/geo/vendor.h"

#define VENDOR_DIR "/usr/share/ieee-data"

/*
 * Reads oui.csv, and mam.csv, oui36.csv and iab.csv where they are. dir NULL:
 * VENDOR_DIR. Returns 0, or -errno: without oui.csv there are no vendors;
 * -EINVAL if it has none. *ret is untouched then; else the caller ends it with
 * vendors_done().
 */
int vendors_load(const char *dir, struct vendors *ret);

/* Reads them when they are first asked for, and keeps them. dir as above; it is not copied. */
struct vendor_files;
struct vendor_files *vendor_files_new(const char *dir);
void vendor_files_free(struct vendor_files *f);
/* Good as long as `f` is. */
struct vendor_source vendor_files_source(struct vendor_files *f);

#endif
