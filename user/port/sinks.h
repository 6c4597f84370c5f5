/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that lines are appended to, such as eve.json. Survives rotation: when
 * the path names another file than the open one, or none, it is opened again.
 * Writing never waits: descriptors are non-blocking, and a line that cannot be
 * written whole is counted as lost and reported to the caller.
 */
#ifndef CURFEW_PORT_SINKS_H
#define CURFEW_PORT_SINKS_H

#include <stddef.h>
#include <stdint.h>

struct sink;

/*
 * Remembers the path and tries to open it (created with mode 0640). Never
 * NULL: a sink that cannot be opened now is tried again with each line.
 */
struct sink *sink_open(const char *path);
void sink_close(struct sink *s);

/*
 * Appends the text and a newline. 0 or -errno, then the line is lost:
 * -EAGAIN: a FIFO is full; -ENXIO: nobody reads it; -ENOSPC, -EACCES, ...
 */
int sink_write(struct sink *s, const char *line, size_t n);

const char *sink_path(const struct sink *s);
uint64_t sink_lost(const struct sink *s); /* lines */
int sink_error(
	const struct sink *s); /* of the last line: 0 or -errno; of opening, before the first */

/*
 * The last lines of a file that together fit into max_bytes, cut at line
 * ends; an unfinished last line is left out. The caller frees *ret_text. 0 or
 * -errno.
 */
int file_tail(const char *path, size_t max_bytes, char **ret_text, size_t *ret_size);

#endif
