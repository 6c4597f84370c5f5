/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * off, on, detach: the emergency handles. They write to the kernel's maps
 * themselves, so that they work with the daemon dead, hung, or never started.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "app/cmd/connection.h"
#include "app/cmd/options.h"
#include "app/pinned.h"
#include "base/buf.h"
#include "base/units.h"

/* How long a daemon may take to leave. */
#define LEAVE_MS 10000

struct off_options {
	uint64_t seconds;
};
static const struct option_row off_rows[] = {
	OPTION(struct off_options, seconds, "for", 0, OPTION_DURATION),
	{ 0 },
};

static int run_off(struct cli *cli, int argc, char **argv)
{
	struct off_options o = { 0 };
	int r = options_parse(cli, off_rows, &o, &argc, &argv);
	volatile struct cf_control *control;
	char text[UNITS_TEXT_MAX];
	struct datapath *dp;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = pinned_open(cli, &dp);
	if (r)
		return r;
	control = datapath_control(dp);
	control->off_until = o.seconds ? datapath_jiffies(dp) + o.seconds * control->hz : ~0ULL;
	datapath_close(dp);
	if (cli->json)
		return json_out("off", json_pack("{s:b, s:o}", "off", true, "seconds",
						 o.seconds ? json_integer((json_int_t)o.seconds)
							   : json_null()));
	printf("enforcement is off %s%s; nothing is dropped, all is counted\n",
	       o.seconds ? "for " : "until 'curfew on'",
	       o.seconds ? duration_format(o.seconds, text) : "");
	return EXIT_FINE;
}

/* A daemon that does not answer by then is not waited for. */
#define GUARD_MS 2000

struct on_options {
	bool force;
};
static const struct option_row on_rows[] = {
	OPTION(struct on_options, force, "force", 0, OPTION_FLAG),
	{ 0 },
};

/* 0 if that cuts nobody, or no daemon is there that could tell. */
static int ask_guard(struct cli *cli, bool force)
{
	json_t *args = json_object(), *reply = NULL;
	int r;

	connection_add(args, force);
	r = client_ask(cli, "guard", args, GUARD_MS, &reply);
	json_decref(reply);
	return r > 0 ? r : 0;
}

static int run_on(struct cli *cli, int argc, char **argv)
{
	struct on_options o = { 0 };
	int r = options_parse(cli, on_rows, &o, &argc, &argv);
	volatile struct cf_control *control;
	struct datapath *dp;
	bool was_off;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	r = ask_guard(cli, o.force);
	if (r)
		return r;
	r = pinned_open(cli, &dp);
	if (r)
		return r;
	control = datapath_control(dp);
	was_off = control->off_until > datapath_jiffies(dp);
	control->off_until = 0;
	datapath_close(dp);
	if (cli->json)
		return json_out("on", json_pack("{s:b, s:b}", "off", false, "was_off", was_off));
	puts(was_off ? "enforcement is on" : "enforcement was on already");
	return EXIT_FINE;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits until nobody holds the daemon's lock, and holds it: none may start while we detach. */
static int wait_gone(const struct cli *cli, int *ret_fd)
{
	_cleanup_free_ char *path = xprintf("%s/lock", cli->run_dir);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	const struct timespec pause = { 0, 50000000 };
	uint64_t deadline = now_ms() + LEAVE_MS;

	if (fd < 0)
		return 0; /* never ran here */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (now_ms() > deadline)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int run_detach(struct cli *cli, int argc, char **argv)
{
	int r = options_parse(cli, NULL, NULL, &argc, &argv);
	_cleanup_close_ int lock_fd = -1;
	struct why why = { "" };
	json_t *reply;

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	/* A daemon that goes on would attach again. */
	r = client_try(cli, "stop", json_pack("{s:b}", "release", true), &reply);
	if (r > 0)
		return r;
	if (r == 0)
		json_decref(reply);
	if (wait_gone(cli, &lock_fd) < 0) {
		cmd_error("the daemon does not leave: kill it, then run 'curfew detach' again");
		return EXIT_DEGRADED;
	}
	r = datapath_detach(cli->bpffs, &why);
	if (r < 0 && r != -ENOENT) {
		cmd_error("cannot detach: %s", *why.text ? why.text : strerror(-r));
		return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_DEGRADED;
	}
	if (cli->json)
		return json_out("detach", json_pack("{s:b}", "detached", true));
	puts("detached: nothing is counted or stopped, and nothing is pinned any more");
	return EXIT_FINE;
}

const struct cmd cmd_off = {
	.name = "off",
	.usage = "[--for 30m]",
	.help = "emergency: drop nothing, go on counting",
	.more = "Works with the daemon dead too. What would have been dropped is counted as\n"
		"pass-switched-off. Locked out from boot on? With curfew.off on the kernel's command\n"
		"line enforcement begins switched off, as with 'curfew off'.\n"
		"\n"
		"  --for 30m  switches itself on again, in the kernel; without: until 'curfew on'",
	.run = run_off,
};
const struct cmd cmd_on = {
	.name = "on",
	.usage = "[--force]",
	.help = "enforce again after 'off'",
	.more = "Refused if it would cut the connection you work over, unless --force.\n",
	.run = run_on,
};
const struct cmd cmd_detach = {
	.name = "detach",
	.usage = "",
	.help = "stop the daemon and remove everything from the kernel",
	.more = "Programs, links, maps and what they have counted are gone afterwards. Works with the\n"
		"daemon dead too. Configuration and state files stay.",
	.run = run_detach,
};
