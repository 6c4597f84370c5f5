/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"

/* Numbers for long options; letters stay below. */
enum { GLOBAL_FIRST = 256, GLOBAL_BPFFS, GLOBAL_RUN, GLOBAL_STATE, GLOBAL_JSON, ROW_FIRST = 512 };

static const struct option global_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "bpffs", required_argument, NULL, GLOBAL_BPFFS },
	{ "run", required_argument, NULL, GLOBAL_RUN },
	{ "state", required_argument, NULL, GLOBAL_STATE },
	{ "json", no_argument, NULL, GLOBAL_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
};

static int take_global(struct cli *cli, int c)
{
	switch (c) {
	case 'c':
		cli->config = optarg;
		return OPTIONS_GO;
	case GLOBAL_BPFFS:
		cli->bpffs = optarg;
		return OPTIONS_GO;
	case GLOBAL_RUN:
		cli->run_dir = optarg;
		return OPTIONS_GO;
	case GLOBAL_STATE:
		cli->state_dir = optarg;
		return OPTIONS_GO;
	case GLOBAL_JSON:
		cli->json = true;
		return OPTIONS_GO;
	case 'V':
		printf("curfew %s\n", CURFEW_VERSION);
		return EXIT_FINE;
	}
	if (cli->cmd)
		help_command(cli->cmd, stdout);
	else
		help_all(stdout);
	return EXIT_FINE;
}

static int number_parse(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	*ret = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

static int take_row(const struct cli *cli, const struct option_row *row, void *fields)
{
	void *field = (char *)fields + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return OPTIONS_GO;
	case OPTION_TEXT:
		*(const char **)field = optarg;
		return OPTIONS_GO;
	case OPTION_NUMBER:
		if (number_parse(optarg, field) == 0)
			return OPTIONS_GO;
		return cmd_usage(cli, "--%s wants a number, not '%s'", row->name, optarg);
	case OPTION_SIZE:
		if (size_parse(optarg, field) == 0)
			return OPTIONS_GO;
		return cmd_usage(cli, "--%s wants a size such as '5GB', not '%s'", row->name,
				 optarg);
	case OPTION_DURATION:
		if (duration_parse(optarg, field) == 0)
			return OPTIONS_GO;
		return cmd_usage(cli, "--%s wants a duration such as '2h', not '%s'", row->name,
				 optarg);
	case OPTION_END:
		break;
	}
	abort();
}

/* A command may own -c or -h for itself only by not being in this program. */
static const struct option_row *find_row(const struct option_row *rows, int c)
{
	for (size_t i = 0; rows && rows[i].kind != OPTION_END; i++)
		if (c == (int)(ROW_FIRST + i) || (rows[i].letter && c == rows[i].letter))
			return &rows[i];
	return NULL;
}

static int wrong(const struct cli *cli, int c, char **argv, const char *shorts)
{
	const char *arg = optind > 0 ? argv[optind - 1] : "";

	if (c == ':')
		return cmd_usage(cli, "%s needs a value", arg);
	if (optopt && optopt < GLOBAL_FIRST && !strchr(shorts, optopt))
		return cmd_usage(cli, "unknown option '-%c'", optopt);
	return cmd_usage(cli, "unknown or ambiguous option '%s'", arg);
}

static int parse(struct cli *cli, const struct option_row *rows, void *fields, bool stop, int *argc,
		 char ***argv)
{
	_cleanup_free_ struct option *longs = NULL;
	_cleanup_buf_ struct buf shorts = { 0 };
	size_t n_rows = 0, n;

	while (rows && rows[n_rows].kind != OPTION_END)
		n_rows++;
	n = ARRAY_SIZE(global_options);
	longs = xcalloc(n + n_rows + 1, sizeof(*longs));
	memcpy(longs, global_options, sizeof(global_options));
	buf_puts(&shorts, stop ? "+:c:hV" : ":c:h");
	for (size_t i = 0; i < n_rows; i++) {
		bool value = rows[i].kind != OPTION_FLAG;

		longs[n + i] = (struct option){ rows[i].name, value, NULL, (int)(ROW_FIRST + i) };
		if (rows[i].letter)
			buf_printf(&shorts, "%c%s", rows[i].letter, value ? ":" : "");
	}

	opterr = 0;
	optind = 0; /* glibc: begin anew */
	for (;;) {
		int c = getopt_long(*argc, *argv, buf_text(&shorts), longs, NULL);
		const struct option_row *row;
		int r;

		if (c == -1)
			break;
		if (c == '?' || c == ':')
			return wrong(cli, c, *argv, buf_text(&shorts));
		row = find_row(rows, c);
		r = row ? take_row(cli, row, fields) : take_global(cli, c);
		if (r != OPTIONS_GO)
			return r;
	}
	*argc -= optind;
	*argv += optind;
	return OPTIONS_GO;
}

int options_parse(struct cli *cli, const struct option_row *rows, void *fields, int *argc,
		  char ***argv)
{
	return parse(cli, rows, fields, false, argc, argv);
}

int options_parse_global(struct cli *cli, int *argc, char ***argv)
{
	return parse(cli, NULL, NULL, true, argc, argv);
}
