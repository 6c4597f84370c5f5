/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For `why` and `would`: by which MAC, interface and VLAN a source comes in. */
#ifndef CURFEW_APP_SHOW_EXPLAIN_LINK_H
#define CURFEW_APP_SHOW_EXPLAIN_LINK_H

#include "app/show/explain_json.h"

/*
 * Reads "mac", "interface" and "vlan" out of the request; what it does not name is
 * that of the kernel's neighbour of this address, if there is one. 0, or an exit
 * code and *ret_error as request_fail() does.
 */
int link_parse(struct daemon *d, const json_t *args, struct question *q, char **ret_error);
void link_of(const struct question *q, struct image_packet *ret);
/* Takes out of *about the policies for other senders than this one, where it is known who sends. */
void link_narrow(const struct image *img, const struct question *q, struct cf_row *about);
/* Appends what some rule asks for and is not known: "mac", "interface". */
void link_undetermined(const struct image *img, const struct question *q, json_t *list);

#endif
