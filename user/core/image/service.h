/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet's service, and who began its flow, leave of the rules about it:
 * bpf/service.h, in plain C. For the look-ups only.
 */
#ifndef CURFEW_CORE_IMAGE_SERVICE_H
#define CURFEW_CORE_IMAGE_SERVICE_H

#include "core/image/image.h"

/* Takes out of *both what holds for neither side's port; adds to *open. */
void image_narrow_service(const struct image *img, const struct image_packet *p,
			  struct cf_row *both, uint32_t *open);
/* After it: takes out of *match, and of *both as far as is asked, what holds for a flow that the
 * other side began. */
void image_narrow_began(const struct image *img, const struct image_packet *p, struct cf_row *both,
			struct cf_row *match, uint32_t *open);
/* A protocol that the fewest rules name, none if that is possible: for "every other service". */
uint8_t image_other_protocol(const struct image *img);

#endif
