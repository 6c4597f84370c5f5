/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spray: UDP frames from many addresses to many, counted exactly. Made for
 * filling tables inside a test's namespace; it says on standard output what
 * the kernel took, and what it refused (at egress a hook has seen those too).
 *
 *   new     every packet is a new pair, until the ranges are used up
 *   zipf    pairs come back, a few of them most of the time
 *   random  any source to any destination
 *
 * With --innocent, every Kth packet is of other hosts, whose pairs are few.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "frame.h"
#include "spray_options.h"

#define BATCH 64

struct count {
	uint64_t packets, wire, payload;
};

struct batch {
	uint8_t frame[BATCH][FRAME_MAX];
	size_t len[BATCH];
	uint32_t payload[BATCH];
	bool innocent[BATCH];
};

struct sprayer {
	struct options o;
	int fd;
	uint64_t made, innocent_made;
	struct count sent, refused, innocent_sent, innocent_refused;
	struct batch b;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "spray: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* xorshift64* (Vigna 2014): the same each time, so that a failure comes back. */
static uint64_t draw(struct options *o)
{
	o->random ^= o->random >> 12;
	o->random ^= o->random << 25;
	o->random ^= o->random >> 27;
	return o->random * 0x2545f4914f6cdd1dULL;
}

static uint32_t draw_below(struct options *o, uint32_t n)
{
	return (uint32_t)((draw(o) >> 32) * n >> 32);
}

/* About 1 / rank: as likely in [1, 2) as in [2, 4), [4, 8) ... */
static uint32_t draw_zipf(struct options *o, uint32_t n)
{
	uint32_t octaves = 1, octave, low, size;

	while (octaves < 32 && 1U << octaves <= n)
		octaves++;
	octave = draw_below(o, octaves);
	low = 1U << octave;
	size = low <= n / 2 ? low : n + 1 - low;
	return low - 1 + draw_below(o, size);
}

static uint32_t payload_of(const struct options *o, uint64_t n)
{
	return o->payload_min + (uint32_t)(n * 7919 % (o->payload_max - o->payload_min + 1));
}

/* The next frame, at place i of the batch. */
static void make(struct sprayer *s, size_t i)
{
	struct options *o = &s->o;
	uint64_t n = s->made++;
	uint32_t payload = payload_of(o, n), source, dest;
	const struct frame_kind *k = &o->kind;

	s->b.innocent[i] = o->every && n % o->every == 0;
	if (s->b.innocent[i]) {
		uint64_t at = s->innocent_made++;

		k = &o->innocent;
		source = (uint32_t)(at % o->innocent_sources);
		dest = (uint32_t)(at / o->innocent_sources % o->innocent_dests);
	} else if (o->mode == MODE_NEW) {
		uint64_t at = o->first + n - s->innocent_made;

		source = (uint32_t)(at % o->sources);
		dest = (uint32_t)(at % o->dests);
	} else {
		source = draw_below(o, o->sources);
		dest = o->mode == MODE_ZIPF ? draw_zipf(o, o->dests) : draw_below(o, o->dests);
	}
	if (o->payload_by_dest)
		payload = dest & 255;
	s->b.payload[i] = payload;
	s->b.len[i] = frame_build(k, source, dest, payload, s->b.frame[i]);
}

static void count_one(struct sprayer *s, size_t i, bool sent)
{
	struct count *c = s->b.innocent[i] ? sent ? &s->innocent_sent : &s->innocent_refused
			  : sent           ? &s->sent
					   : &s->refused;

	c->packets++;
	c->wire += s->b.len[i];
	c->payload += s->b.payload[i];
}

/* One by one: of several, sendmmsg() does not say which the kernel refused. */
static void send_batch(struct sprayer *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		ssize_t r = send(s->fd, s->b.frame[i], s->b.len[i], 0);

		if (r < 0 && errno == EINTR)
			continue;
		/* the device or a queue dropped this one, or a program did */
		if (r < 0 && errno != ENOBUFS)
			die("send");
		count_one(s, i++, r >= 0);
	}
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pace(const struct sprayer *s, double began)
{
	double wait;

	if (!s->o.rate)
		return;
	wait = began + (double)s->made / (double)s->o.rate - now();
	if (wait > 0)
		usleep((useconds_t)(wait * 1e6));
}

static void run(struct sprayer *s, double began)
{
	const struct options *o = &s->o;
	uint64_t turns = 0;
	size_t most = BATCH;

	/* a slow sender sends steadily, not by the batch */
	if (o->rate && o->rate < 10000)
		most = o->rate < 1000 ? 1 : 8;
	while (!stopped && s->made < o->count) {
		size_t n = 0;

		if (o->n_cpus && s->made >= turns * o->turn)
			pin(o->cpus[turns++ % o->n_cpus]);
		while (n < most && s->made < o->count)
			make(s, n++);
		send_batch(s, n);
		pace(s, began);
		if (o->seconds > 0 && now() - began >= o->seconds)
			return;
	}
}

static void open_socket(struct sprayer *s)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	struct ifreq req = { 0 };
	int room = 8 << 20;

	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket");
	at.sll_ifindex = (int)if_nametoindex(s->o.dev);
	if (!at.sll_ifindex || bind(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(s->o.dev);
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		die("SO_SNDBUFFORCE");
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", s->o.dev);
	if (ioctl(s->fd, SIOCGIFHWADDR, &req) < 0)
		die(s->o.dev);
	if (!memcmp(s->o.kind.from, "\0\0\0\0\0\0", 6))
		memcpy(s->o.kind.from, req.ifr_hwaddr.sa_data, 6);
}

static void print_count(const char *name, const struct count *c)
{
	printf("\"%s\": [%llu, %llu, %llu], ", name, (unsigned long long)c->packets,
	       (unsigned long long)c->wire, (unsigned long long)c->payload);
}

int main(int argc, char **argv)
{
	static struct sprayer s;
	double began, took;

	options_parse(&s.o, argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	open_socket(&s);
	began = now();
	run(&s, began);
	took = now() - began;
	printf("{");
	print_count("sent", &s.sent);
	print_count("refused", &s.refused);
	print_count("innocent", &s.innocent_sent);
	print_count("innocent_refused", &s.innocent_refused);
	printf("\"seconds\": %.3f, \"pps\": %.0f}\n", took, took > 0 ? (double)s.made / took : 0);
	return 0;
}
