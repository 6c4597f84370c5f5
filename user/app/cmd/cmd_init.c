/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew init`: looks at the machine, proposes a configuration. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cmd/options.h"
#include "app/cmd/proposal.h"
#include "port/devices.h"
#include "port/zones.h"

struct init_options {
	const char *output;
	bool force;
};
static const struct option_row init_rows[] = {
	OPTION(struct init_options, output, "output", 'o', OPTION_TEXT),
	OPTION(struct init_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};

/* The path, if there is a database of that kind where the state is kept. */
static char *database(const struct cli *cli, const char *kind)
{
	char *path = xprintf("%s/%s.mmdb", cli->state_dir, kind);

	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int propose(const struct cli *cli, struct buf *out)
{
	_cleanup_free_ char *country = database(cli, "country"), *asn = database(cli, "asn");
	_cleanup_free_ char *city = database(cli, "city");
	_cleanup_zones_ struct zones *zones = zones_new(NULL);
	_cleanup_device_list_ struct device_list devices = { 0 };
	_cleanup_net_state_ struct net_state net = { 0 };
	char host[HOST_NAME_MAX + 1] = "";
	const struct zone *zone;
	const char *zone_name = NULL;
	struct caller caller;
	struct proposal_facts facts = {
		.net = &net, .host = host, .country = country, .asn = asn, .city = city
	};
	int r = net_state_read(&net);

	if (r < 0) {
		cmd_error("cannot read interfaces and routes: %s", strerror(-r));
		return EXIT_DEGRADED;
	}
	if (devices_read(&devices) == 0) {
		for (size_t i = 0; i < devices.n; i++)
			device_features(&devices.v[i]);
		facts.devices = &devices;
	}
	gethostname(host, sizeof(host) - 1);
	if (zones_local(zones, &zone, &zone_name) == 0)
		facts.zone = zone_name;
	if (caller_find(&caller))
		facts.caller = &caller;
	if (proposal_write(&facts, out) < 0) {
		cmd_error(
			"there is no default route: name the interfaces yourself, with 'inside' and 'outside'");
		return EXIT_DEGRADED;
	}
	return EXIT_FINE;
}

/* The directory of the file, one level: /etc/curfew. */
static void make_parent(const char *path)
{
	_cleanup_free_ char *parent = xstrdup(path);
	char *slash = strrchr(parent, '/');

	if (!slash || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0755); /* if it fails, so does open() */
}

static int write_to(const char *path, bool force, const struct buf *text)
{
	_cleanup_close_ int fd = -1;

	make_parent(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0644);
	if (fd < 0 && errno == EEXIST) {
		cmd_error("%s exists already; --force replaces it", path);
		return EXIT_USAGE;
	}
	if (fd < 0 || write(fd, buf_text(text), text->n) != (ssize_t)text->n || fsync(fd) < 0) {
		cmd_error("%s: %s", path, strerror(errno));
		return errno == EACCES || errno == EPERM ? EXIT_NOT_PERMITTED : EXIT_USAGE;
	}
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct init_options o = { 0 };
	int r = options_parse(cli, init_rows, &o, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'; to write a file: -o FILE",
				 argv[0]);
	r = propose(cli, &text);
	if (r)
		return r;
	if (o.output) {
		r = write_to(o.output, o.force, &text);
		if (r == EXIT_FINE && !cli->json)
			printf("wrote %s; next: curfew -c %s check\n", o.output, o.output);
	}
	if (r == EXIT_FINE && cli->json)
		return json_out("init", json_pack("{s:s, s:s?}", "text", buf_text(&text), "file",
						  o.output));
	if (r == EXIT_FINE && !o.output)
		fputs(buf_text(&text), stdout);
	return r;
}

const struct cmd cmd_init = {
	.name = "init",
	.usage = "[-o FILE] [--force]",
	.help = "look at this machine and propose a first configuration",
	.more = "The interface of the default route is outside; others that are up and have private\n"
		"addresses are inside. Your own connection over SSH is protected. The mode is observe:\n"
		"nothing is dropped before you say so. Databases are looked for in the state directory:\n"
		"country.mmdb, asn.mmdb, city.mmdb.\n"
		"\n"
		"  -o FILE  write it there, with --force also over a file that exists",
	.run = run,
};
