/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_journal;

void log_set_level(enum log_level max)
{
	log_max = max;
}

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	/* The variable is inherited by children whose stderr may be something else. */
	log_journal = stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
		      fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void log_write(enum log_level level, const char *text)
{
	_cleanup_buf_ struct buf out = { 0 };

	while (*text) {
		size_t n = strcspn(text, "\n");

		if (log_journal)
			buf_printf(&out, "<%d>", level);
		else
			buf_puts(&out, "curfew: ");
		buf_add(&out, text, n);
		buf_add(&out, "\n", 1);
		text += n;
		if (*text == '\n')
			text++;
	}
	/* One write, so that lines of several processes don't mix. */
	if (out.n && write(STDERR_FILENO, out.s, out.n) < 0)
		return;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 };
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	log_write(level, buf_text(&b));
}

int log_err(int r, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	buf_printf(&b, ": %s", strerror(r < 0 ? -r : r));
	log_write(LOG_LEVEL_ERROR, buf_text(&b));
	return r;
}
