/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew doctor`: everything that could be wrong here, one line each; with or without a daemon. */
#include <stdarg.h>
#include <string.h>

#include "app/cmd/doctor.h"
#include "app/cmd/options.h"
#include "app/show/json_util.h"
#include "app/show/table.h"
#include "app/status/status.h"
#include "base/buf.h"

static const char *const health_names[] = {
	[HEALTH_OK] = "ok", [HEALTH_WARN] = "warn", [HEALTH_FAIL] = "FAIL"
};
static const enum table_style health_styles[] = {
	[HEALTH_OK] = STYLE_GOOD, [HEALTH_WARN] = STYLE_WARN, [HEALTH_FAIL] = STYLE_BAD
};

void doctor_say(struct doctor *d, enum health health, const char *check, const char *advice,
		const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_array_append_new(d->rows, json_pack("{s:s, s:s, s:o, s:s?}", "health",
						 health_names[health], "check", check, "what",
						 json_text(buf_text(&b)), "do", advice));
	if (health > d->worst)
		d->worst = health;
}

static void configuration(struct doctor *d, struct running *run)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	_cleanup_buf_ struct buf said = { 0 };

	if (running_read(d->cli->config, run, &diags) < 0) {
		diags_append(&diags, &said);
		buf_text(&said);
		if (said.s)
			said.s[strcspn(said.s, "\n")] = '\0';
		doctor_say(d, HEALTH_FAIL, "configuration",
			   "curfew check; a first one: curfew init", "%s", buf_text(&said));
		return;
	}
	d->set = run->set;
	doctor_say(d, diags.n ? HEALTH_WARN : HEALTH_OK, "configuration",
		   diags.n ? "curfew check" : NULL, "%s%s", d->cli->config,
		   diags.n ? " has warnings" : "");
}

/* From the daemon, else from what is pinned, else none; silent. */
static json_t *find_status(const struct cli *cli)
{
	struct datapath *dp;
	json_t *status;

	if (client_try(cli, "status", NULL, &status) == EXIT_FINE)
		return status;
	if (datapath_attach_existing(cli->bpffs, &dp, NULL) < 0)
		return NULL;
	status = status_kernel(dp);
	datapath_close(dp);
	return status;
}

static void print(const struct doctor *d)
{
	const json_t *v;
	size_t i;

	json_array_foreach(d->rows, i, v)
	{
		_cleanup_free_ char *what = text_safe(json_get_text(v, "what"));
		const char *name = json_get_text(v, "health"), *advice = json_get_text(v, "do");
		enum health h = HEALTH_OK;

		while (strcmp(health_names[h], name))
			h++;
		printf("%s%-5s%s %-14s %s\n", style_on(health_styles[h], d->cli->colour), name,
		       style_off(health_styles[h], d->cli->colour), json_get_text(v, "check"),
		       what);
		if (advice)
			printf("%20s -> %s\n", "", advice);
	}
}

static int run(struct cli *cli, int argc, char **argv)
{
	_cleanup_running_ struct running conf = { 0 };
	struct doctor d = { .cli = cli };
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	json_t *status;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	if (geteuid()) {
		cmd_error("not permitted: only root can see all of the kernel that this looks at");
		return EXIT_NOT_PERMITTED;
	}
	d.rows = json_array();
	status = find_status(cli);
	d.status = status;
	doctor_kernel(&d);
	configuration(&d, &conf);
	doctor_machine(&d);
	r = d.worst == HEALTH_FAIL ? EXIT_DEGRADED : EXIT_FINE;
	if (cli->json)
		json_out("doctor", json_incref(d.rows));
	else
		print(&d);
	json_decref(d.rows);
	json_decref(status);
	return r;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.usage = "",
	.help = "look for everything that could be wrong here, and say what to do",
	.more = "Kernel, configuration, interfaces, hooks and their place, others who handle packets\n"
		"(flowtables, XDP programs, AF_XDP sockets, hardware, bridges, other ways out),\n"
		"databases, clock. Works without a running daemon, and changes nothing.\n"
		"\n"
		"Exit code 0: nothing that must be changed; 1: there is a FAIL.",
	.run = run,
};
