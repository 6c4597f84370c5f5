/* SPDX-License-Identifier: GPL-2.0-or-later */
/* P1, P11: back to the head of a TCX chain, under traffic, with no packet missed or counted twice.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "port/chain.h"
#include "prog_help.h"

#define HEAD       "outside wan0\ninside lan0, lan1\nmode enforce\n"
#define TCX_EGRESS 47
#define BEFORE     (1U << 3)
#define TURNS      30

static const struct hook_want wan = { "wan0", CF_IF_OUTSIDE, XDP_AUTO };

static struct hook hook_on(struct rig *r, const char *ifname)
{
	struct hook_list l = { 0 };
	struct hook found = { .kind = HOOK_NONE };

	cr_assert_eq(datapath_hooks(r->dp, &l), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].ifname, ifname))
			found = l.v[i];
	hook_list_done(&l);
	return found;
}

/* A neighbour that lets everything go on; returns its link. */
static int add_foreign(uint32_t flags)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd, link;

	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", code, ARRAY_SIZE(code), NULL);
	cr_assert_geq(fd, 0);
	link = bpf_link_create(fd, (int)if_nametoindex("wan0"), (enum bpf_attach_type)TCX_EGRESS,
			       &opts);
	cr_assert_geq(link, 0, "foreign program: %s", strerror(errno));
	close(fd);
	return link;
}

static void open_wan(void)
{
	cr_assert_eq(
		system("ip link set wan0 addrgenmode none && ip link set isp0 addrgenmode none && "
		       "ip link set isp0 up && ip link set wan0 up && "
		       "ip addr add 192.0.2.1/24 dev wan0 && "
		       "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wan0 && "
		       "ip route add default via 192.0.2.2"),
		0);
}

/* False: no TCX before 6.6, thus no chain, and that is all there is to see. */
static bool setup(struct rig *r)
{
	static const struct rig_options plain = { 0 };
	struct why why = { "" };

	rig_setup(r, HEAD, &plain);
	open_wan();
	if (rig_kernel_has_tcx())
		return true;
	cr_assert_eq(hook_on(r, "wan0").kind, HOOK_CLSACT_EGRESS);
	cr_assert_eq(datapath_retake(r->dp, &wan, &why), -EINVAL);
	return false;
}

struct sender {
	pthread_t thread;
	atomic_bool stop;
	uint32_t sent;
};

static void *send_all(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sender *s = arg;

	inet_pton(AF_INET, "198.51.100.1", &to.sin_addr);
	while (!atomic_load(&s->stop))
		s->sent += sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1;
	close(fd);
	return NULL;
}

Test(handover, nothing_is_missed_or_counted_twice)
{
	struct sender senders[2] = { 0 };
	struct why why = { "" };
	uint32_t sent = 0;
	struct rig r;
	int e;

	if (!setup(&r))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
		pthread_create(&senders[i].thread, NULL, send_all, &senders[i]);
	for (int turn = 0; turn < TURNS; turn++) {
		int foreign = add_foreign(BEFORE);
		struct hook h = hook_on(&r, "wan0");

		cr_assert_eq(h.position, 1, "turn %d: nobody noticed", turn);
		cr_assert_str_eq(h.first, "foreign");
		e = datapath_retake(r.dp, &wan, &why);
		cr_assert_eq(e, 0, "turn %d: %s", turn, why.text);
		h = hook_on(&r, "wan0");
		cr_assert_eq(h.position, 0, "turn %d: still behind", turn);
		cr_assert(h.alive);
		cr_assert_eq(h.generation, 1);
		close(foreign);
	}
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		atomic_store(&senders[i].stop, true);
		pthread_join(senders[i].thread, NULL);
		sent += senders[i].sent;
	}
	cr_assert_gt(sent, 10000, "no traffic, no test");
	cr_assert_eq(rig_pair(&r, "192.0.2.1", "198.51.100.1").packets, sent,
		     "%u packets were sent", sent);
}

Test(handover, only_one_of_ours_is_left_and_it_is_the_ordinary_one)
{
	struct why why = { "" };
	struct chain chain;
	struct hook before;
	struct rig r;
	int foreign, e;

	if (!setup(&r))
		return;
	before = hook_on(&r, "wan0");
	foreign = add_foreign(BEFORE);
	e = datapath_retake(r.dp, &wan, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(chain_read(if_nametoindex("wan0"), true, &chain), 0);
	cr_assert_eq(chain.n, 2);
	cr_assert_eq(chain.v[0].prog_id, before.prog_id);
	cr_assert_neq(chain.v[0].link_id, before.link_id);
	cr_assert_eq(chain_place(&chain, hook_on(&r, "wan0").link_id), 0);
	/* what is pinned is what is attached */
	e = datapath_cover(r.dp, &wan, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(hook_on(&r, "wan0").position, 0);
	datapath_close(r.dp);
	e = datapath_detach("/sys/fs/bpf/curfew", &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert_eq(chain_read(if_nametoindex("wan0"), true, &chain), 0);
	cr_assert_eq(chain.n, 1, "the neighbour's stays, ours goes");
	close(foreign);
}

Test(handover, a_hook_without_a_chain_is_refused)
{
	static const struct hook_want lan = { "lan0", CF_IF_INSIDE, XDP_AUTO };
	struct why why = { "" };
	struct rig r;

	if (!setup(&r))
		return;
	cr_assert_eq(hook_on(&r, "lan0").kind, HOOK_XDP);
	cr_assert_eq(datapath_retake(r.dp, &lan, &why), -EINVAL);
	cr_assert_gt(strlen(why.text), 0);
}

static void run(const char *fmt, int a, int b)
{
	char command[256];

	snprintf(command, sizeof(command), fmt, a, b);
	cr_assert_eq(system(command), 0, "%s", command);
}

/* A network namespace that lasts as long as the process; returns when it is there. */
static pid_t another_namespace(void)
{
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1 || pause());
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	return pid;
}

Test(handover, a_device_that_moved_away_is_let_go)
{
	struct why why = { "" };
	struct chain chain;
	struct rig r;
	pid_t away;
	int e;

	if (!setup(&r))
		return;
	away = another_namespace();
	run("ip link set wan0 netns %d", away, 0);
	cr_assert_not(hook_on(&r, "wan0").alive, "nobody noticed");
	e = datapath_cover(r.dp, &wan, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	run("nsenter --net=/proc/%d/ns/net ip link set wan0 netns %d", away, getpid());
	cr_assert_eq(chain_read(if_nametoindex("wan0"), true, &chain), 0);
	cr_assert_eq(chain.n, 0, "ours went with it, and stayed on it");
	e = datapath_cover(r.dp, &wan, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	cr_assert(hook_on(&r, "wan0").alive, "back, and not covered");
	kill(away, SIGKILL);
}

Test(handover, a_device_that_was_renamed_stays_covered)
{
	struct why why = { "" };
	struct hook h;
	struct rig r;
	int e;

	if (!setup(&r))
		return;
	cr_assert_eq(
		system("ip link set wan0 down && ip link set wan0 name wan9 && ip link set wan9 up"),
		0);
	e = datapath_cover(r.dp, &wan, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	h = hook_on(&r, "wan0");
	cr_assert(h.alive);
	cr_assert_str_eq(h.renamed, "wan9");
	rig_reload(&r, HEAD, NULL);
	h = hook_on(&r, "wan0");
	cr_assert_eq(h.generation, 2, "a reload forgot it");
	/* its name means another device now: that is the one that is wanted */
	cr_assert_eq(system("ip link add wan0 type veth peer name wan0p"), 0);
	cr_assert_not(hook_on(&r, "wan0").alive);
	e = datapath_cover(r.dp, &wan, 1, &why);
	cr_assert_eq(e, 0, "%s", why.text);
	h = hook_on(&r, "wan0");
	cr_assert(h.alive);
	cr_assert_eq(h.ifindex, if_nametoindex("wan0"));
}
