/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy files from the file system: what core/policy/policy.h asks for as struct policy_io. */
#ifndef CURFEW_PORT_FILES_H
#define CURFEW_PORT_FILES_H

#include <stddef.h>

#include "core/policy/policy.h"

/* Larger files are refused: no list of networks is that long. */
#define FILES_SIZE_MAX (64U << 20)

/*
 * Reads regular files of at most FILES_SIZE_MAX bytes. Patterns are those of
 * glob(7); hidden files do not match a leading '*'. A pattern that matches
 * nothing gives an empty list.
 */
extern const struct policy_io policy_io_files;

/*
 * The whole file, NUL-terminated behind its size; the caller frees it. -errno
 * of open(2) and read(2); -EISDIR for a directory, -EINVAL for what is no
 * regular file, -EFBIG if it is larger than max bytes.
 */
int files_read(const char *path, size_t max, char **ret_text, size_t *ret_size);

#endif
