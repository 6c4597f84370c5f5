/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spray_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = { "new", "zipf", "random" };

static void usage(const char *what)
{
	fprintf(stderr,
		"spray: %s\n"
		"usage: spray --dev NAME --to MAC --count N --source ADDRESS --dest ADDRESS\n"
		"  [--from MAC] [--mac-per-source] [--sources N] [--within] [--dests N] [--first N]\n"
		"  [--mode new|zipf|random] [--payload MIN[-MAX]|dest] [--rate PPS] [--seconds S]\n"
		"  [--cpus A,B,...] [--turn PACKETS] [--random SEED]\n"
		"  [--innocent EVERY,SOURCE,SOURCES,DEST,DESTS]\n",
		what);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (end == text || *end)
		usage("not a number");
	return n;
}

static void address(const char *text, struct options *o, struct frame_range *ret)
{
	o->kind.six = strchr(text, ':');
	if (frame_address(text, o->kind.six, ret->first) < 0)
		usage("not an address");
}

/* EVERY,SOURCE,SOURCES,DEST,DESTS */
static void innocent(char *text, struct options *o)
{
	char *part[5];

	for (int i = 0; i < 5; i++)
		part[i] = strsep(&text, ",");
	if (!part[4] || text)
		usage("--innocent wants EVERY,SOURCE,SOURCES,DEST,DESTS");
	o->every = (uint32_t)number(part[0]);
	address(part[1], o, &o->innocent.src);
	o->innocent_sources = (uint32_t)number(part[2]);
	address(part[3], o, &o->innocent.dst);
	o->innocent_dests = (uint32_t)number(part[4]);
	if (!o->every || !o->innocent_sources || !o->innocent_dests)
		usage("--innocent wants numbers above 0");
}

static void payload(char *text, struct options *o)
{
	char *to = strchr(text, '-');

	o->payload_by_dest = !strcmp(text, "dest");
	if (o->payload_by_dest)
		return;
	if (to)
		*to++ = '\0';
	o->payload_min = (uint32_t)number(text);
	o->payload_max = to ? (uint32_t)number(to) : o->payload_min;
	if (o->payload_min > o->payload_max || o->payload_max > FRAME_PAYLOAD_MAX)
		usage("--payload: out of range");
}

static void cpus(char *text, struct options *o)
{
	for (char *part; (part = strsep(&text, ","));) {
		if (o->n_cpus == CPUS_MAX)
			usage("too many CPUs");
		o->cpus[o->n_cpus++] = (unsigned int)number(part);
	}
}

static void mode(const char *text, struct options *o)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(*mode_names); i++) {
		if (!strcmp(text, mode_names[i])) {
			o->mode = (enum mode)i;
			return;
		}
	}
	usage("no such mode");
}

enum option_id {
	O_DEV = 1,
	O_TO,
	O_FROM,
	O_MACS,
	O_COUNT,
	O_SOURCE,
	O_SOURCES,
	O_WITHIN,
	O_DEST,
	O_DESTS,
	O_FIRST,
	O_MODE,
	O_PAYLOAD,
	O_RATE,
	O_SECONDS,
	O_CPUS,
	O_TURN,
	O_RANDOM,
	O_INNOCENT
};
static const struct option rows[] = {
	{ "dev", 1, NULL, O_DEV },           { "to", 1, NULL, O_TO },
	{ "from", 1, NULL, O_FROM },         { "mac-per-source", 0, NULL, O_MACS },
	{ "count", 1, NULL, O_COUNT },       { "source", 1, NULL, O_SOURCE },
	{ "sources", 1, NULL, O_SOURCES },   { "within", 0, NULL, O_WITHIN },
	{ "dest", 1, NULL, O_DEST },         { "dests", 1, NULL, O_DESTS },
	{ "first", 1, NULL, O_FIRST },       { "mode", 1, NULL, O_MODE },
	{ "payload", 1, NULL, O_PAYLOAD },   { "rate", 1, NULL, O_RATE },
	{ "seconds", 1, NULL, O_SECONDS },   { "cpus", 1, NULL, O_CPUS },
	{ "turn", 1, NULL, O_TURN },         { "random", 1, NULL, O_RANDOM },
	{ "innocent", 1, NULL, O_INNOCENT }, { 0 },
};

static void set_option(struct options *o, int id, char *text)
{
	switch (id) {
	case O_DEV:
		o->dev = text;
		return;
	case O_TO:
	case O_FROM:
		if (frame_mac(text, id == O_TO ? o->kind.to : o->kind.from) < 0)
			usage("not a MAC");
		return;
	case O_MACS:
		o->kind.mac_per_source = true;
		return;
	case O_SOURCE:
	case O_DEST:
		address(text, o, id == O_SOURCE ? &o->kind.src : &o->kind.dst);
		return;
	case O_WITHIN:
		o->kind.src.within = true;
		return;
	case O_MODE:
		mode(text, o);
		return;
	case O_PAYLOAD:
		payload(text, o);
		return;
	case O_CPUS:
		cpus(text, o);
		return;
	case O_INNOCENT:
		innocent(text, o);
		return;
	case O_COUNT:
		o->count = number(text);
		return;
	case O_SOURCES:
		o->sources = (uint32_t)number(text);
		return;
	case O_DESTS:
		o->dests = (uint32_t)number(text);
		return;
	case O_FIRST:
		o->first = (uint32_t)number(text);
		return;
	case O_RATE:
		o->rate = number(text);
		return;
	case O_SECONDS:
		o->seconds = (double)number(text);
		return;
	case O_TURN:
		o->turn = number(text);
		return;
	case O_RANDOM:
		o->random = number(text) | 1;
		return;
	default:
		usage("unknown option");
	}
}

void options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){
		.sources = 1,
		.dests = ~0U,
		.payload_min = 32,
		.payload_max = 32,
		.turn = 10000,
		.random = 88172645463325252ULL,
	};
	for (int id; (id = getopt_long(argc, argv, "", rows, NULL)) != -1;)
		set_option(o, id, optarg);
	if (optind != argc || !o->dev || !o->count || !o->sources || !o->dests || !o->turn)
		usage("--dev, --to, --count, --source and --dest are needed");
	memcpy(o->innocent.to, o->kind.to, 6);
	/* neighbours of the sprayer, each with a MAC of its own */
	memcpy(o->innocent.from, "\x02\x00\x00\xee\x00\x01", 6);
	o->innocent.mac_per_source = true;
	o->innocent.six = o->kind.six;
	o->innocent.src.within = true;
}
