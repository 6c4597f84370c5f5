/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew metrics`: what `status` knows, for a collector. */
#include <errno.h>
#include <string.h>

#include "app/cmd/options.h"
#include "app/status/metrics.h"
#include "app/status/status.h"

struct metrics_options {
	const char *output;
};
static const struct option_row rows[] = {
	OPTION(struct metrics_options, output, "output", 'o', OPTION_TEXT),
	{ 0 },
};

static int write_to(FILE *f, const struct buf *text)
{
	size_t n = fwrite(buf_text(text), 1, text->n, f);

	return fflush(f) || n != text->n ? -EIO : 0;
}

/* A collector must not read half of it: the file appears whole, by rename. */
static int write_file(const char *path, const struct buf *text)
{
	_cleanup_free_ char *next = xprintf("%s.new", path);
	FILE *f = fopen(next, "we");
	int r;

	if (!f)
		return -errno;
	r = write_to(f, text);
	if (fclose(f) && !r)
		r = -errno;
	if (!r && rename(next, path) < 0)
		r = -errno;
	if (r < 0)
		remove(next);
	return r;
}

static int print(const struct metrics_options *o, const json_t *families)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r;

	metrics_print(families, &text);
	r = o->output ? write_file(o->output, &text) : write_to(stdout, &text);
	if (r < 0)
		cmd_error("%s: %s", o->output ? o->output : "standard output", strerror(-r));
	return r < 0 ? EXIT_DEGRADED : EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct metrics_options o = { 0 };
	int got, r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *status = NULL, *families;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	got = status_get(cli, true, &status);
	/* that nothing is attached is a fact to collect; that we may not look is not */
	if (got && got != EXIT_NOT_RUNNING)
		return got;
	families = metrics_of_status(status);
	json_decref(status);
	if (cli->json)
		return json_out("metrics", families) ? EXIT_DEGRADED : got;
	r = print(&o, families);
	json_decref(families);
	return r ? r : got;
}

const struct cmd cmd_metrics = {
	.name = "metrics",
	.usage = "[-o FILE]",
	.help = "all counters in the Prometheus text format",
	.more = "  -o, --output FILE  writes the file whole, then puts it in place: for a collector that\n"
		"                     reads text files, from a timer or cron\n"
		"\n"
		"Works with the daemon dead too: what only the daemon knows (databases, mode, uncovered\n"
		"time) is missing then. With nothing in the kernel, curfew_attached is 0 (exit code 3).\n"
		"\n"
		"  curfew metrics -o /var/lib/prometheus/node-exporter/curfew.prom",
	.run = run,
};
