/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the daemon. */
#include <errno.h>
#include <string.h>

#include "app/cmd/cmd.h"
#include "base/buf.h"
#include "port/control.h"

/* Compiling a policy over a full city database takes seconds, not minutes. */
#define CLIENT_TIMEOUT_MS 60000

/* The kernel may go on without it: then some questions have an answer all the same. */
static void say_not_running(const struct cli *cli, const char *path)
{
	_cleanup_free_ char *pin = xprintf("%s/control", cli->bpffs);

	cmd_error("the daemon is not running (nobody listens at %s)", path);
	if (access(pin, F_OK) < 0)
		fputs("  help: curfew run, or: systemctl start curfew\n", stderr);
	else
		fprintf(stderr,
			"  help: the kernel goes on as it was told; without the daemon there are: "
			"curfew status,\n"
			"  quotas, doctor, metrics, off, on, detach, and: cat %s/pairs\n",
			cli->bpffs);
}

static int cannot(int r, const struct cli *cli, const char *path)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		say_not_running(cli, path);
		return EXIT_NOT_RUNNING;
	case -EACCES:
	case -EPERM:
		cmd_error("not permitted: %s is for root and the group 'curfew'", path);
		return EXIT_NOT_PERMITTED;
	case -ETIMEDOUT:
		cmd_error("the daemon does not answer at %s", path);
		return EXIT_NOT_RUNNING;
	case -ECONNRESET:
	case -EPIPE:
		cmd_error(
			"the daemon closed the connection: it is stopping, or too busy; try again");
		return EXIT_NOT_RUNNING;
	}
	cmd_error("%s: %s", path, strerror(-r));
	return EXIT_NOT_RUNNING;
}

/* What has several lines (diagnostics) speaks for itself. */
static int refused(const json_t *reply, const char *error)
{
	int code = (int)json_integer_value(json_object_get(reply, "code"));

	if (strchr(error, '\n'))
		fputs(error, stderr);
	else
		cmd_error("%s", error);
	return code > EXIT_FINE && code <= EXIT_NOT_PERMITTED ? code : EXIT_DEGRADED;
}

int client_ask(const struct cli *cli, const char *verb, json_t *args, unsigned int timeout_ms,
	       json_t **ret_reply)
{
	_cleanup_free_ char *path = xprintf("%s/control.sock", cli->run_dir);
	json_t *request =
		json_pack("{s:s, s:o}", "verb", verb, "args", args ? args : json_object());
	const char *error;
	json_t *reply, *ok;
	int r;

	r = control_call(path, request, timeout_ms, &reply);
	json_decref(request);
	if (r < 0)
		return r;
	error = json_string_value(json_object_get(reply, "error"));
	if (error) {
		r = refused(reply, error);
		json_decref(reply);
		return r;
	}
	ok = json_incref(json_object_get(reply, "ok"));
	json_decref(reply);
	if (!ok)
		return -EPROTO;
	*ret_reply = ok;
	return EXIT_FINE;
}

int client_try(const struct cli *cli, const char *verb, json_t *args, json_t **ret_reply)
{
	return client_ask(cli, verb, args, CLIENT_TIMEOUT_MS, ret_reply);
}

int client_call(const struct cli *cli, const char *verb, json_t *args, json_t **ret_reply)
{
	_cleanup_free_ char *path = xprintf("%s/control.sock", cli->run_dir);
	int r = client_try(cli, verb, args, ret_reply);

	return r < 0 ? cannot(r, cli, path) : r;
}
