/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: UDP packets whose verdicts tell which of two policy sets has judged them.
 *
 *	probe send 4|6 CPU RATE FILE        to A, B, C, A, ... until SIGTERM; FILE: what was sent
 *	probe receive DEV FILE              what passed DEV's inside hook, until SIGTERM
 *	probe check SENT RECEIVED FIRST     as JSON
 *
 * One set drops what goes to A, the other what goes to B, so each packet to one of them
 * names the set that judged it. From one CPU they are judged in their order: the set
 * changes as often as it was swapped. FIRST (A or B) was dropped in the beginning.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "frame.h"

#define PAYLOAD  40
#define DESTS    3
#define MOST     (1U << 26) /* packets of a family */
#define AT_ONCE  16
#define SNAP     128 /* more than one of ours is long */
#define SLOT     256
#define BLOCK    (1U << 20)
#define BLOCKS   64
#define SLOTS    (BLOCKS * (BLOCK / SLOT))
#define TOLD_MAX 20

/* What has passed, a bit for each packet: [0] IPv4, [1] IPv6. */
struct seen {
	uint64_t missed, twice[2];
	uint8_t bits[2][MOST / 8];
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		die(path);
	return f;
}

static void close_file(FILE *f, const char *path)
{
	if (ferror(f) || fclose(f))
		die(path);
}

static int open_packets(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("AF_PACKET");
	return fd;
}

static void bind_packets(int fd, const char *dev, uint16_t protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(protocol),
				  .sll_ifindex = (int)if_nametoindex(dev) };

	if (!at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(dev);
}

/* ---- sending ------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void set_up_sender(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
	/* sleeps of less than 50 us end in time */
	if (prctl(PR_SET_TIMERSLACK, 1000) < 0)
		die("timer slack");
}

static size_t make_frames(bool six, int fd, uint8_t frames[DESTS][FRAME_MAX])
{
	struct frame_kind k = { .six = six };
	struct ifreq req = { 0 };
	size_t len = 0;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "gw");
	if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		die("gw");
	memcpy(k.from, req.ifr_hwaddr.sa_data, 6);
	if (frame_mac("02:00:00:00:00:01", k.to) < 0 ||
	    frame_address(six ? "2001:db8:aaaa::9" : "10.0.0.9", six, k.src.first) < 0 ||
	    frame_address(six ? "2001:db8:b000:1::1" : "198.20.0.1", six, k.dst.first) < 0)
		die("addresses");
	for (uint32_t i = 0; i < DESTS; i++)
		len = frame_build(&k, 0, i, PAYLOAD, frames[i]);
	return len;
}

/* Which one it is, for the receiver: in network order, so that a dump can be read. */
static void put_number(uint8_t *payload, bool six, uint32_t n)
{
	payload[0] = six ? 6 : 4;
	for (int i = 0; i < 4; i++)
		payload[1 + i] = (uint8_t)(n >> (24 - 8 * i));
}

static int send_until_stopped(bool six, unsigned int cpu, double rate, const char *path)
{
	static uint8_t frames[DESTS][FRAME_MAX];
	int fd = open_packets();
	size_t len = make_frames(six, fd, frames), head = len - PAYLOAD;
	double began = now();
	uint32_t n = 0;
	FILE *f;

	bind_packets(fd, "gw", 0);
	set_up_sender(cpu);
	while (!stopped && n < MOST) {
		double wait = n % AT_ONCE ? 0 : began + n / rate - now();

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));
		put_number(frames[n % DESTS] + head, six, n);
		if (send(fd, frames[n % DESTS], len, 0) >= 0)
			n++;
		else if (errno == ENOBUFS) /* no room in the device: it was offered to nobody */
			usleep(50);
		else if (errno != EINTR)
			die("send");
	}
	f = open_file(path, "w");
	fprintf(f,
		"{\"family\": %d, \"sent\": [%u, %llu, %llu], \"innocent\": [0, 0, 0], "
		"\"seconds\": %.3f}\n",
		six ? 6 : 4, n, (unsigned long long)n * len, (unsigned long long)n * PAYLOAD,
		now() - began);
	close_file(f, path);
	return 0;
}

/* ---- receiving ----------------------------------------------------------- */

/* A ring of a second of packets and more: a socket's queue holds less. */
static uint8_t *open_ring(int fd)
{
	struct sock_filter keep = { .code = BPF_RET | BPF_K, .k = SNAP };
	struct sock_fprog filter = { .len = 1, .filter = &keep };
	struct tpacket_req ring = { .tp_block_size = BLOCK,
				    .tp_block_nr = BLOCKS,
				    .tp_frame_size = SLOT,
				    .tp_frame_nr = SLOTS };
	int version = TPACKET_V2;
	uint8_t *slots;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) < 0)
		die("a ring");
	slots = mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slots == MAP_FAILED)
		die("a ring");
	return slots;
}

/* False: there is none, and we are to stop. */
static bool wait_for_frame(int fd, const struct tpacket2_hdr *h)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (!(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
		if (stopped)
			return false;
		poll(&p, 1, 100);
	}
	return true;
}

static void note(struct seen *s, const uint8_t *frame, uint32_t len)
{
	bool six = frame[12] == 0x86 && frame[13] == 0xdd;
	size_t head = six ? FRAME_HEADERS6 : FRAME_HEADERS4;
	const uint8_t *payload = frame + head;
	uint32_t n;

	if ((!six && (frame[12] != 8 || frame[13])) || len < head + PAYLOAD ||
	    payload[0] != (six ? 6 : 4) || frame[six ? 20 : 23] != 17)
		return;
	n = (uint32_t)payload[1] << 24 | (uint32_t)payload[2] << 16 | (uint32_t)payload[3] << 8 |
	    payload[4];
	if (n >= MOST)
		return;
	s->twice[six] += s->bits[six][n / 8] >> n % 8 & 1;
	s->bits[six][n / 8] |= (uint8_t)(1 << n % 8);
}

static int receive_until_stopped(const char *dev, const char *path)
{
	struct seen *s = calloc(1, sizeof(*s));
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);
	int fd = open_packets();
	uint8_t *slots = open_ring(fd);
	struct tpacket2_hdr *h = (void *)slots;
	char ready[256];
	FILE *f;

	if (!s)
		die("memory");
	bind_packets(fd, dev, ETH_P_ALL);
	snprintf(ready, sizeof(ready), "%s.ready", path);
	close_file(open_file(ready, "w"), ready);
	for (size_t at = 0; wait_for_frame(fd, h); h = (void *)(slots + at * SLOT)) {
		const struct sockaddr_ll *from = (void *)((uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));

		if (from->sll_pkttype != PACKET_OUTGOING)
			note(s, (uint8_t *)h + h->tp_mac, h->tp_snaplen);
		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		at = (at + 1) % SLOTS;
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		die("statistics");
	s->missed = stats.tp_drops;
	f = open_file(path, "w");
	fwrite(s, sizeof(*s), 1, f);
	close_file(f, path);
	return 0;
}

/* ---- checking ------------------------------------------------------------ */

static struct seen *read_seen(const char *path)
{
	struct seen *s = malloc(sizeof(*s));
	FILE *f = open_file(path, "r");

	if (!s || fread(s, sizeof(*s), 1, f) != 1)
		die(path);
	fclose(f);
	return s;
}

static int check(const char *sent_path, const char *seen_path, const char *first)
{
	unsigned int family, sent, told = 0, changes = 0, quota = 0, set = *first == 'B';
	struct seen *s = read_seen(seen_path);
	FILE *f = open_file(sent_path, "r");
	double seconds;

	if (fscanf(f,
		   "{\"family\": %u, \"sent\": [%u, %*u, %*u], \"innocent\": [0, 0, 0], \"seconds\": %lf",
		   &family, &sent, &seconds) != 3)
		die(sent_path);
	fclose(f);
	printf("{\"at\": [");
	for (unsigned int n = 0; n < sent; n++) {
		bool passed = s->bits[family == 6][n / 8] >> n % 8 & 1;
		unsigned int to = n % DESTS, dropped_by = passed ? 1 - to : to;

		if (to == 2) {
			quota += passed;
			continue;
		}
		told++;
		if (dropped_by == set)
			continue;
		if (changes++ < TOLD_MAX)
			printf("%s%u", changes > 1 ? ", " : "", n);
		set = dropped_by;
	}
	printf("], \"packets\": %u, \"seconds\": %.3f, \"told\": %u, \"changes\": %u, "
	       "\"twice\": %llu, \"missed\": %llu, \"quota_bytes\": %u, \"quota_offered\": %u}\n",
	       sent, seconds, told, changes, (unsigned long long)s->twice[family == 6],
	       (unsigned long long)s->missed, quota * PAYLOAD, sent / DESTS * PAYLOAD);
	free(s);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = on_signal };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	if (argc == 6 && !strcmp(argv[1], "send"))
		return send_until_stopped(*argv[2] == '6', (unsigned int)atoi(argv[3]),
					  atof(argv[4]), argv[5]);
	if (argc == 4 && !strcmp(argv[1], "receive"))
		return receive_until_stopped(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "check"))
		return check(argv[2], argv[3], argv[4]);
	fprintf(stderr, "usage: probe send 4|6 CPU RATE FILE | receive DEV FILE | "
			"check SENT RECEIVED FIRST\n");
	return 2;
}
