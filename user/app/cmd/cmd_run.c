/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew run`: start, loop, stop. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "app/cmd/options.h"
#include "app/daemon/holds.h"
#include "app/daemon/loop.h"
#include "app/daemon/parts.h"
#include "base/buf.h"
#include "base/log.h"
#include "port/files.h"
#include "port/kernel_facts.h"
#include "port/notify.h"

#define POLL_MS_DEFAULT 1000
#define POLL_MS_MIN     10
#define POLL_MS_MAX     60000
#define STALL_DEFAULT   30
#define STALL_MAX       86400

struct run_options {
	const char *clock_offset;
	uint64_t poll_ms;
	uint64_t pairs;
	uint64_t quota_keys;
	uint64_t stall;
	bool clsact;
	bool debug;
};

static const struct option_row run_rows[] = {
	OPTION(struct run_options, clock_offset, "clock-offset", 0, OPTION_TEXT),
	OPTION(struct run_options, poll_ms, "poll", 0, OPTION_NUMBER),
	OPTION(struct run_options, pairs, "pairs", 0, OPTION_NUMBER),
	OPTION(struct run_options, quota_keys, "quota-keys", 0, OPTION_NUMBER),
	OPTION(struct run_options, stall, "stall", 0, OPTION_NUMBER),
	OPTION(struct run_options, clsact, "clsact", 0, OPTION_FLAG),
	OPTION(struct run_options, debug, "debug", 0, OPTION_FLAG),
	{ 0 },
};

void daemon_set_error(struct daemon *d, char *text)
{
	free(d->last_error);
	d->last_error = text;
	/* Diagnostics have more lines; whoever asked has seen them. */
	if (text)
		text[strcspn(text, "\n")] = '\0';
}

/* Like mkdir -p for the last part only: /run and /var/lib exist. */
static int make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	cmd_error("%s: %s", path, strerror(errno));
	return errno == EACCES || errno == EPERM ? EXIT_NOT_PERMITTED : EXIT_USAGE;
}

static int lock(const struct cli *cli, int *ret_fd)
{
	_cleanup_free_ char *path = xprintf("%s/lock", cli->run_dir);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		cmd_error("%s: %s", path, strerror(errno));
		return errno == EACCES ? EXIT_NOT_PERMITTED : EXIT_USAGE;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		cmd_error("another 'curfew run' works with %s already", cli->run_dir);
		return EXIT_USAGE;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Three polls may be late without alarm. */
static uint32_t stall_seconds(const struct run_options *o)
{
	uint64_t least = 3 * o->poll_ms / 1000;

	return (uint32_t)(o->stall > least ? o->stall : least);
}

static int open_datapath(struct daemon *d, const struct run_options *o)
{
	struct datapath_options opt = {
		.dir = d->cli->bpffs,
		.pairs_per_cpu = (uint32_t)o->pairs,
		.quota_keys = (uint32_t)o->quota_keys,
		.stall_seconds = stall_seconds(o),
		.force_clsact = o->clsact,
	};
	struct why why = { "" };
	int r = datapath_open(&opt, &d->dp, &why);

	if (r == 0)
		return 0;
	log_error("%s: %s", d->cli->bpffs, *why.text ? why.text : strerror(-r));
	return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_DEGRADED;
}

static int listen_control(struct daemon *d)
{
	_cleanup_free_ char *path = xprintf("%s/control.sock", d->cli->run_dir);
	const struct group *group = getgrnam("curfew");
	int r = control_listen(path, group ? group->gr_gid : (gid_t)-1, &d->control);

	/* The group has to get through the directory. */
	if (r == 0 && group && chown(d->cli->run_dir, (uid_t)-1, group->gr_gid) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	log_err(r, "%s", path);
	return EXIT_DEGRADED;
}

static void start_keeping(struct daemon *d)
{
	daemon_failing_start(d);
	daemon_quotas_open(d);
	daemon_holds_open(d);
}

#define BOOT_ID     "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX 64

/* Whether this is the first time since the boot; from now on it is not. Unknown is yes. */
static bool first_since_boot(const char *path)
{
	_cleanup_free_ char *boot = NULL, *seen = NULL;
	size_t n;
	FILE *f;

	if (files_read(BOOT_ID, BOOT_ID_MAX, &boot, &n) < 0)
		return true;
	if (files_read(path, BOOT_ID_MAX, &seen, &n) == 0 && !strcmp(boot, seen))
		return false;
	f = fopen(path, "we");
	if (!f || fputs(boot, f) < 0)
		log_err(-errno, "%s", path);
	if (f)
		fclose(f);
	return true;
}

/* For who is locked out from boot on. Later 'on' and 'off' have the say, also after a detach. */
static void heed_kernel(struct daemon *d)
{
	_cleanup_free_ char *path = xprintf("%s/off-at-boot", d->cli->state_dir);

	if (datapath_generation(d->dp) || !kernel_told("curfew.off") || !first_since_boot(path))
		return;
	datapath_control(d->dp)->off_until = ~0ULL;
	log_warning("curfew.off is on the kernel's command line");
}

static int start(struct daemon *d, const struct run_options *o)
{
	_cleanup_free_ char *error = NULL;
	int r;

	if (!daemon_read_offset(d))
		return EXIT_USAGE;
	r = daemon_loop_open(d);
	if (r < 0) {
		log_err(r, "cannot set up the event loop");
		return EXIT_DEGRADED;
	}
	daemon_manual_open(d);
	d->started_at = daemon_now(d);
	r = open_datapath(d, o);
	if (r == 0) {
		heed_kernel(d);
		r = daemon_ledger_start(d, &error);
	}
	if (error)
		log_error("%s", error);
	if (r == 0)
		start_keeping(d);
	if (r == 0)
		r = daemon_first(d);
	if (r == 0)
		r = listen_control(d);
	if (r)
		return r;
	r = daemon_loop_watch(d);
	if (r < 0) {
		log_err(r, "cannot set up the event loop");
		return EXIT_DEGRADED;
	}
	return 0;
}

static int detach(const struct daemon *d)
{
	struct why why = { "" };
	int r = datapath_detach(d->cli->bpffs, &why);

	if (r == 0) {
		log_notice("detached: nothing is counted or stopped any more");
		return EXIT_FINE;
	}
	log_error("cannot detach: %s", *why.text ? why.text : strerror(-r));
	return EXIT_DEGRADED;
}

static int stop(struct daemon *d)
{
	bool release =
		d->release || (d->now.set && d->now.set->on[ON_STOP].choice == CHOICE_RELEASE);
	int r = EXIT_FINE;

	notify_send("STOPPING=1");
	control_close(d->control);
	daemon_excuse(d);
	daemon_holds_keep(d);
	/* what quotas have used is kept as it stands when nothing is charged any more */
	if (release)
		r = detach(d);
	daemon_quotas_stop(d, release && r == EXIT_FINE);
	daemon_ledger_stop(d);
	datapath_close(d->dp);
	d->dp = NULL;
	if (!release)
		log_notice("stopped; the kernel goes on counting and enforcing ('curfew detach' "
			   "ends that)");
	return r;
}

static void done(struct daemon *d)
{
	daemon_loop_close(d);
	running_done(&d->unconfirmed.before);
	running_done(&d->now);
	machine_done(&d->machine);
	manual_book_done(&d->book);
	daemon_holds_done(d);
	daemon_cover_done(d);
	free(d->coverage);
	free(d->last_error);
}

static int run_daemon(struct cli *cli, const struct run_options *o)
{
	struct daemon d = {
		.cli = cli,
		.clock_offset_file = o->clock_offset,
		.poll_ms = o->poll_ms,
		.pairs = o->pairs,
		.epoll = -1,
		.timer = -1,
		.wall = -1,
		.signals = -1,
		.net = -1,
	};
	int r = start(&d, o);

	if (r == 0) {
		daemon_cover(&d);
		log_info("running: %s mode, generation %u",
			 d.now.image->observe ? "observe" : "enforce", d.now.generation);
		notify_send("READY=1");
		daemon_loop_run(&d);
		r = stop(&d);
	} else {
		/* What an earlier run has loaded stays in force; maps that nothing uses don't stay.
		 */
		bool unused = d.dp && datapath_generation(d.dp) == 0;

		control_close(d.control);
		daemon_quotas_stop(&d, false);
		daemon_ledger_stop(&d);
		datapath_close(d.dp);
		if (unused)
			datapath_detach(cli->bpffs, NULL);
	}
	done(&d);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct run_options o = { .poll_ms = POLL_MS_DEFAULT, .stall = STALL_DEFAULT };
	_cleanup_close_ int lock_fd = -1;
	int r = options_parse(cli, run_rows, &o, &argc, &argv);

	if (r != OPTIONS_GO)
		return r;
	if (argc)
		return cmd_usage(cli, "unexpected argument '%s'", argv[0]);
	if (o.poll_ms < POLL_MS_MIN || o.poll_ms > POLL_MS_MAX)
		return cmd_usage(cli, "--poll wants %d to %d milliseconds", POLL_MS_MIN,
				 POLL_MS_MAX);
	if (o.pairs > UINT32_MAX || o.quota_keys > UINT32_MAX)
		return cmd_usage(cli, "--pairs and --quota-keys want less than 4294967296");
	if (!o.stall || o.stall > STALL_MAX)
		return cmd_usage(cli, "--stall wants 1 to %d seconds", STALL_MAX);
	if (o.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	r = make_directory(cli->run_dir, 0750);
	if (r == 0)
		r = make_directory(cli->state_dir, 0700);
	if (r == 0)
		r = lock(cli, &lock_fd);
	return r ? r : run_daemon(cli, &o);
}

const struct cmd cmd_run = {
	.name = "run",
	.usage =
		"[--clock-offset FILE] [--poll MS] [--pairs N] [--quota-keys N] [--stall SECONDS] [--clsact] [--debug]",
	.help = "the daemon, in the foreground",
	.more = "Reads the configuration, loads it into the kernel, then watches and answers the other\n"
		"commands until SIGTERM or SIGINT. SIGHUP reloads. Under systemd: Type=notify.\n"
		"\n"
		"A bad configuration at the start does not stop it: the last good one, kept in\n"
		"STATE/last-good, is put in force and 'curfew status' says so. What the kernel enforces\n"
		"stays in force when the daemon stops or dies, unless the configuration says\n"
		"'on stop release'.\n"
		"\n"
		"  --clock-offset FILE  seconds to add to the wall clock, such as 3600 or -86400; for\n"
		"                       rehearsals and labs. The file is read again at every reload\n"
		"  --poll MS            how often the kernel's tables are read [1000]\n"
		"  --pairs N            (source, destination) pairs each CPU has room for at first [4096,\n"
		"                       at once more where they come]\n"
		"  --quota-keys N       quota keys there is room for [65536]\n"
		"  --stall SECONDS      a daemon that is silent for longer has stalled: 'on\n"
		"                       daemon-stall' is then in effect [30; at least three polls]\n"
		"  --clsact             attach to the clsact qdisc also where TCX exists\n"
		"  --debug              say more",
	.run = run,
};
