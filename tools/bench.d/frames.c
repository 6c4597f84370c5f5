/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frames DESTINATIONS SEED: sends UDP frames of 60 bytes and says what they cost, until
 * its input ends. One line of input, one of output:
 *
 *	WAY MIX DEVICE MAC NET FIRST COUNT  ->  sent ns
 *
 *	WAY   live: XDP frames by test-run; skb: an AF_PACKET socket without a qdisc
 *	MIX   zipf or uniform, over the destinations; each: one after the other;
 *	      flows: zipf over the first 32,768 of them
 *	MAC   where to; NET: a.b.c of the hosts a.b.c.100 to .163 that send
 *
 * All of a frame's way through veths and namespaces takes place on the CPU that sends,
 * within the sender's own time or its ksoftirqd's. So what counts is how long the
 * sender was not kept waiting for that CPU; KSOFTIRQD_FD, if there is one, is that
 * thread's schedstat.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#include "live.h"
#include "live.skel.h"

#define BATCH      64
#define HOSTS      64
#define FIRST_HOST 100
#define FLOWS      32768

enum mix { ZIPF, UNIFORM, EACH, FEW, MIXES };
static const char *const mix_names[] = { "zipf", "uniform", "each", "flows" };

struct order {
	bool live;
	enum mix mix;
	struct live_setup setup;
	uint32_t count;
};

static struct live_step *steps[MIXES];
static uint64_t random_state;

static void die(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- destinations -------------------------------------------------------- */

/* xorshift64* (Vigna 2014): the same each time. */
static uint64_t draw(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static double draw_unit(void)
{
	return (double)(draw() >> 11) / 9007199254740992.0;
}

/* Addresses that are on nobody's list of special ones. */
static uint32_t draw_public(void)
{
	for (;;) {
		uint32_t a = (uint32_t)(draw() >> 32), top = a >> 24;

		if (top == 0 || top == 10 || top == 127 || top >= 224 ||
		    (top == 100 && (a >> 22 & 3) == 1) || a >> 16 == 0xa9fe || a >> 20 == 0xac1 ||
		    top == 192 || top == 198 || top == 203)
			continue;
		return a;
	}
}

static struct live_step step_to(uint32_t a)
{
	uint32_t be = htonl(a), sum = (be & 0xffff) + (be >> 16);
	/* a destination has one host that speaks to it: as many pairs as destinations */
	struct live_step s = { .host = (uint8_t)(FIRST_HOST + a * 2654435761U % HOSTS) };

	memcpy(s.daddr, &be, 4);
	s.sum = (uint16_t)((sum & 0xffff) + (sum >> 16));
	return s;
}

static void draw_traces(uint32_t dests)
{
	struct live_step *all = calloc(dests, sizeof(*all));

	if (!all)
		die("memory");
	for (uint32_t i = 0; i < dests; i++)
		all[i] = step_to(draw_public());
	for (int m = 0; m < MIXES; m++) {
		steps[m] = calloc(LIVE_TRACE, sizeof(**steps));
		if (!steps[m])
			die("memory");
		for (uint32_t i = 0; i < LIVE_TRACE; i++) {
			double u = draw_unit();
			/* Zipf with exponent 1: as likely in [1, 2) as in [2, 4) */
			double at = m == ZIPF      ? exp(u * log(dests)) - 1
				    : m == UNIFORM ? u * dests
				    : m == FEW     ? exp(u * log(dests < FLOWS ? dests : FLOWS)) - 1
						   : i % dests;

			steps[m][i] = all[(uint32_t)at < dests ? (uint32_t)at : dests - 1];
		}
	}
	free(all);
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Two numbers of a schedstat: time on a CPU, time of waiting for one. */
static void schedstat(int fd, unsigned long long ret[2])
{
	char text[96];
	ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	if (sscanf(text, "%llu %llu", &ret[0], &ret[1]) != 2)
		ret[0] = ret[1] = 0;
}

static int own_schedstat = -1, ksoftirqd = -1;

static uint64_t spent(void)
{
	unsigned long long own[2], soft[2];
	uint64_t now;

	schedstat(own_schedstat, own);
	schedstat(ksoftirqd, soft);
	now = wall();
	return now - own[1] + soft[0];
}

/* ---- sending ------------------------------------------------------------- */

static struct live_bpf *skeleton;
static struct live_step *mapped;

static void open_live(void)
{
	skeleton = live_bpf__open_and_load();
	if (!skeleton)
		die("live.bpf.c");
	mapped = mmap(NULL, LIVE_TRACE * sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(skeleton->maps.trace), 0);
	if (mapped == MAP_FAILED)
		die("trace");
}

static uint64_t send_live(const struct order *o)
{
	struct live_head frame = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = sizeof(frame),
		    .repeat = (int)o->count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BATCH);

	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.live_frame), &opts) < 0)
		die("live frames");
	return skeleton->bss->sent;
}

static void fill(const struct order *o, uint32_t n, struct live_head *h)
{
	const struct live_step *s = &steps[o->mix][(o->setup.first + n) & (LIVE_TRACE - 1)];
	uint32_t sum = o->setup.head.check + s->sum + htons(s->host);

	*h = o->setup.head;
	h->mac_from[5] = h->saddr[3] = s->host;
	memcpy(h->daddr, s->daddr, 4);
	sum = (sum & 0xffff) + (sum >> 16);
	h->check = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static int open_packet(const struct order *o)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)o->setup.ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1, room = 8 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		die("AF_PACKET");
	return fd;
}

static uint64_t send_skb(const struct order *o, int fd)
{
	struct live_head frame[BATCH];
	struct iovec part[BATCH];
	struct mmsghdr message[BATCH] = { 0 };
	uint64_t sent = 0;

	for (uint32_t i = 0; i < BATCH; i++) {
		part[i] = (struct iovec){ &frame[i], sizeof(frame[i]) };
		message[i].msg_hdr = (struct msghdr){ .msg_iov = &part[i], .msg_iovlen = 1 };
	}
	while (sent < o->count) {
		uint32_t n = o->count - sent < BATCH ? (uint32_t)(o->count - sent) : BATCH;

		for (uint32_t i = 0; i < n; i++)
			fill(o, (uint32_t)sent + i, &frame[i]);
		/* what was not taken is sent once more */
		for (uint32_t done = 0; done < n;) {
			int r = sendmmsg(fd, message + done, n - done, 0);

			if (r < 0 && errno != EINTR && errno != ENOBUFS)
				die("sendmmsg");
			done += r > 0 ? (uint32_t)r : 0;
		}
		sent += n;
	}
	return sent;
}

/*
 * A busy machine is to keep us waiting little: it would empty the caches meanwhile. Where
 * the scheduler groups by session, niceness counts for the group.
 */
static void go_first(void)
{
	int fd;

	setsid();
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "-20", 3) != 3)
		fprintf(stderr, "frames: others may go first\n");
	close(fd);
}

/* ---- orders -------------------------------------------------------------- */

static void template(struct live_head *h, const uint8_t mac[6], const uint8_t net[3])
{
	uint16_t words[10];
	uint32_t sum = 0;

	*h = (struct live_head){ .mac_from = { 2, 0, 0, 1, 0 },
				 .ethertype = htons(ETHERTYPE_IP),
				 .version_ihl = 0x45,
				 .length = htons(46),
				 .fragment = htons(0x4000),
				 .ttl = 64,
				 .protocol = IPPROTO_UDP,
				 .saddr = { net[0], net[1], net[2] },
				 .sport = htons(40000),
				 .dport = htons(443),
				 .udp_length = htons(26) };
	memcpy(h->mac_to, mac, 6);
	h->mac_from[4] = net[2];
	memcpy(words, &h->version_ihl, sizeof(words));
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	h->check = (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static bool parse(const char *line, struct order *o)
{
	unsigned int m[6], a[3], first, count;
	char way[8], mix[8], dev[IF_NAMESIZE];
	uint8_t mac[6], net[3];

	if (sscanf(line, "%7s %7s %15s %x:%x:%x:%x:%x:%x %u.%u.%u %u %u", way, mix, dev, &m[0],
		   &m[1], &m[2], &m[3], &m[4], &m[5], &a[0], &a[1], &a[2], &first, &count) != 14)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)m[i];
	for (int i = 0; i < 3; i++)
		net[i] = (uint8_t)a[i];
	o->live = !strcmp(way, "live");
	for (o->mix = ZIPF; o->mix < MIXES && strcmp(mix, mix_names[o->mix]);)
		o->mix++;
	o->count = count;
	o->setup.first = first;
	o->setup.ifindex = if_nametoindex(dev);
	template(&o->setup.head, mac, net);
	return o->setup.ifindex && o->mix < MIXES;
}

static void obey(const struct order *o)
{
	static enum mix last = MIXES;
	uint64_t began, sent;
	int fd = -1;

	if (o->live) {
		if (last != o->mix)
			memcpy(mapped, steps[o->mix], LIVE_TRACE * sizeof(*mapped));
		last = o->mix;
		skeleton->bss->setup = o->setup;
		skeleton->bss->sent = 0;
	} else {
		fd = open_packet(o);
	}
	began = spent();
	sent = o->live ? send_live(o) : send_skb(o, fd);
	printf("%llu %llu\n", (unsigned long long)sent, (unsigned long long)(spent() - began));
	fflush(stdout);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *fd = getenv("KSOFTIRQD_FD");
	struct order o;
	char line[256];

	if (argc != 3) {
		fprintf(stderr, "usage: frames DESTINATIONS SEED\n");
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ULL | 1;
	draw_traces((uint32_t)strtoul(argv[1], NULL, 10));
	go_first();
	own_schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	ksoftirqd = fd ? atoi(fd) : -1;
	open_live();
	while (fgets(line, sizeof(line), stdin)) {
		if (!parse(line, &o)) {
			fprintf(stderr, "frames: not an order: %s", line);
			return 2;
		}
		obey(&o);
	}
	return 0;
}
