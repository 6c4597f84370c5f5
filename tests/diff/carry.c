/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff_carry PACKETS FACTS: each packet of a file through the host's parser
 * and the BPF programs. PACKETS: per packet two 32-bit words, length and 1 for
 * raw IP, then its bytes. FACTS: per packet five records: host, XDP, TC, TC as
 * injected if tagged, XDP in fragments if long. Exits 77 where BPF is not to be had.
 */
#include "carry.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST, XDP, TC, TC_INJECTED, XDP_FRAGS, RECORDS };

#define ETHERTYPE_AT 12

struct tally {
	unsigned long packets, not_carried, injected;
};

static uint32_t ethertype(const struct packet *p)
{
	return p->raw || p->len < 14 ? 0 : p->data[ETHERTYPE_AT] << 8 | p->data[ETHERTYPE_AT + 1];
}

static bool is_tagged(const struct packet *p)
{
	return ethertype(p) == 0x8100 || ethertype(p) == 0x88a8;
}

/* The kernel strips tags before TC sees a frame, which test-run does not. */
static void carry(struct kernel *k, const struct packet *p, struct facts f[RECORDS],
		  struct tally *t)
{
	struct facts xdp = { 0 }, tc = { 0 };

	memset(f, 0, RECORDS * sizeof(*f));
	host_parse(p, &f[HOST]);
	t->packets++;
	bool by_xdp = kernel_run_xdp(k, p, &f[XDP]), by_tc = kernel_run_tc(k, p, &f[TC]);

	kernel_run_frags(k, p, &f[XDP_FRAGS]);
	if (by_xdp && by_tc && !is_tagged(p))
		return;
	if (kernel_inject(k, p, &xdp, &tc) < 0) {
		t->not_carried += !by_xdp || !by_tc;
		return;
	}
	t->injected++;
	if (!by_xdp)
		f[XDP] = xdp;
	if (!by_tc)
		f[TC] = tc;
	else
		f[TC_INJECTED] = tc;
}

static bool read_packet(FILE *in, uint8_t *room, struct packet *ret)
{
	uint32_t head[2];

	if (fread(head, sizeof(head), 1, in) != 1)
		return false;
	if (head[0] > PACKET_MAX - 14) {
		fprintf(stderr, "diff_carry: a packet of %u bytes\n", head[0]);
		exit(1);
	}
	*ret = (struct packet){ room + 14, head[0], head[1] };
	if (head[0] && fread(ret->data, head[0], 1, in) != 1) {
		fprintf(stderr, "diff_carry: the file is cut short\n");
		exit(1);
	}
	return true;
}

static void carry_all(struct kernel *k, FILE *in, FILE *out)
{
	struct facts f[RECORDS];
	struct tally t = { 0 };
	struct packet p;
	uint8_t *room = malloc(PACKET_MAX);

	if (!room)
		abort();
	while (read_packet(in, room, &p)) {
		carry(k, &p, f, &t);
		if (fwrite(f, sizeof(f), 1, out) != 1)
			break;
	}
	free(room);
	if (fclose(out)) {
		perror("diff_carry: writing");
		exit(1);
	}
	printf("%lu %lu %lu\n", t.packets, t.injected, t.not_carried);
}

int main(int argc, char **argv)
{
	struct kernel *k;
	FILE *in, *out;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: diff_carry PACKETS FACTS\n");
		return 2;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		printf("SKIP: needs root: no network namespace of its own\n");
		return 77;
	}
	r = kernel_open(&k);
	if (r == -EPERM || r == -ENOSYS) {
		printf("SKIP: no BPF here: %s\n", strerror(-r));
		return 77;
	}
	in = fopen(argv[1], "rb");
	out = fopen(argv[2], "wb");
	if (r < 0 || !in || !out) {
		fprintf(stderr, "diff_carry: %s\n", strerror(r < 0 ? -r : errno));
		return 1;
	}
	carry_all(k, in, out);
	return 0;
}
