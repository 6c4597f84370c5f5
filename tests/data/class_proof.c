/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * class_proof [--random N] [--jobs N] [--every N] [--seed N] CONFIG DATABASE...: the compiled
 * classes against the policy's text, read anew for each address, and
 * libmaxminddb: at both ends of every network of every database, around every
 * prefix of the text, and at N random addresses of each family. The databases
 * are those that CONFIG names, in the order city, country, asn. Prints what
 * compiling took. Exits 1 if one address differs.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "app/running.h"
#include "base/buf.h"
#include "core/image/row.h"
#include "image_reference.h"
#include "mmdb_truth.h"

#define SHOWN 10

struct count {
	unsigned long networks, prefixes, random, sources, failures;
};

struct proof {
	struct image_input in;
	const struct image *img;
	unsigned int job, jobs; /* this one does every jobs-th */
	unsigned int every;
	unsigned long turn;
	uint64_t random;
	struct count n;
};

static uint64_t next_random(struct proof *p)
{
	uint64_t z = (p->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool mine(struct proof *p)
{
	return p->turn++ % (p->jobs * p->every) == p->job;
}

static void differs(struct proof *p, const struct addr *a, const char *what)
{
	char text[ADDR_TEXT_MAX];

	if (p->n.failures++ < SHOWN)
		printf("%s: %s differs\n", addr_format(a, text), what);
}

static void check_destination(struct proof *p, const struct addr *a)
{
	const struct reference_label want = reference_label(&p->in, a);
	const struct cf_label *l = &p->img->labels.v[image_label(p->img, a)];

	if (!!(l->flags & CF_LABEL_IGNORED) != want.ignored || l->reason != want.reason)
		differs(p, a, "why it is ignored");
	else if (memcmp(&p->img->dst_rows.v[l->row], &want.row, sizeof(want.row)))
		differs(p, a, "its rules");
	else if (l->asn != want.asn)
		differs(p, a, "its AS");
	else if (memcmp(l->cc, want.cc, 2))
		differs(p, a, "its country");
}

static void check_source(struct proof *p, const struct addr *a)
{
	struct image_packet packet = { .src = *a };

	p->n.sources++;
	for (uint32_t from = 0; from < CF_FROM_MAX; from++) {
		uint32_t class = image_source_class(p->img, a, NULL);
		struct cf_row want;

		packet.from = (enum cf_from)from;
		want = reference_packet(&p->in, &packet);
		/* what rules ask of the MAC and the like is not asked here */
		if (p->img->facets.used && from == CF_FROM_INSIDE)
			continue;
		if (memcmp(&p->img->src_rows.v[from * p->img->source_classes + class], &want,
			   sizeof(want)))
			differs(p, a, "its rules as a source");
	}
}

static void check_network(void *arg, const struct addr *first, const struct addr *last)
{
	struct proof *p = arg;

	if (!mine(p))
		return;
	check_destination(p, first);
	check_destination(p, last);
	p->n.networks++;
}

static struct addr before(struct addr a)
{
	for (int k = 15; k >= 0 && !a.b[k]--; k--)
		;
	return a;
}

static void check_prefix(struct proof *p, const struct prefix *prefix)
{
	struct addr around[4] = { prefix_first(prefix), prefix_last(prefix) };

	if (p->turn++ % p->jobs != p->job)
		return;
	around[2] = before(around[0]);
	around[3] = around[1];
	addr_next(&around[3]);
	for (size_t i = 0; i < ARRAY_SIZE(around); i++) {
		check_destination(p, &around[i]);
		check_source(p, &around[i]);
	}
	p->n.prefixes++;
}

static void check_list(struct proof *p, const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		check_prefix(p, &l->v[i]);
}

static void check_expr(struct proof *p, const struct expr *e)
{
	for (size_t i = 0; e && i < e->n; i++)
		check_expr(p, e->v[i]);
	if (!e || e->op != EXPR_ATOM)
		return;
	if (e->atom.kind == ATOM_PREFIX)
		check_prefix(p, &e->atom.prefix);
	check_list(p, &e->atom.prefixes);
}

static void check_text(struct proof *p)
{
	const struct policy_set *set = p->in.set;

	for (size_t i = 0; i < set->sets.n; i++)
		check_expr(p, set->sets.v[i].expr);
	for (size_t i = 0; i < set->policies.n; i++) {
		const struct policy *policy = &set->policies.v[i];

		check_expr(p, policy->from);
		check_expr(p, policy->to);
		for (size_t k = 0; k < policy->excepts.n; k++) {
			check_expr(p, policy->excepts.v[k].from);
			check_expr(p, policy->excepts.v[k].to);
		}
	}
	check_list(p, &set->networks);
	check_list(p, &p->in.machine->local);
	check_list(p, &p->in.machine->inside);
	check_list(p, &p->in.machine->inside_links);
}

/* Half of IPv6 is drawn near what the databases have: else hardly one hits. */
static void check_random(struct proof *p, unsigned long n)
{
	const struct geo_table *t = p->in.geo.asn ? p->in.geo.asn : p->in.geo.country;

	for (unsigned long i = p->job; i < n; i += p->jobs) {
		uint64_t hi = next_random(p), lo = next_random(p);
		struct addr a = addr_from_halves(0, 0xffff00000000ULL | (hi & 0xffffffff));

		check_destination(p, &a);
		hi = i % 2 ? hi : (hi >> 3) | 1ULL << 61; /* 2000::/3 */
		if (i % 4 == 0 && t && t->ranges.n) {
			const struct addr *near = &t->ranges.v[lo % t->ranges.n].first;

			hi = addr_is4(near) ? 0x2002000000000000ULL | hi >> 16
					    : addr_hi(near) + (hi & 0xff);
		}
		a = addr_from_halves(hi, lo);
		check_destination(p, &a);
		if (i % 16 == 0)
			check_source(p, &a);
		p->n.random++;
	}
}

/* ---- compiling ------------------------------------------------------------------- */

static long peak_kb(void)
{
	char line[128];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

static void forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");

	if (!f)
		return;
	fputs("5", f);
	fclose(f);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say_diags(const struct diag_list *diags)
{
	_cleanup_buf_ struct buf text = { 0 };

	diags_append(diags, &text);
	fputs(buf_text(&text), stderr);
}

static void load(const char *path, const struct machine *machine, struct running *run,
		 struct image **ret)
{
	_cleanup_diag_list_ struct diag_list diags = { 0 };
	struct manual_rules manual = { 0 };
	struct image_stats s;
	char *error = NULL;
	double began;
	long before;

	if (running_read(path, run, &diags) < 0 || running_load_geo(run, &diags) < 0) {
		say_diags(&diags);
		exit(2);
	}
	forget_peak();
	before = peak_kb();
	began = cpu_seconds();
	if (running_compile(run, machine, NULL, (struct utc){ time(NULL) }, ret, &manual, &diags,
			    &error) < 0) {
		say_diags(&diags);
		exit(2);
	}
	image_stats(*ret, &s);
	printf("compiled in %.0f ms of CPU, %.0f MB of memory beside the databases' %.0f MB: "
	       "%zu rules, %zu labels, %zu rows, %zu source classes, %zu IPv4 ranges, "
	       "%zu IPv6 keys, %.1f MB of tables\n",
	       (cpu_seconds() - began) * 1000, (double)(peak_kb() - before) / 1000,
	       (double)before / 1000, s.rules, s.labels, s.dst_rows, s.source_classes, s.ranges4,
	       s.keys6, (double)s.bytes / 1e6);
}

static void prove(struct proof *p, unsigned long n)
{
	p->random += p->job * 0x123456789abcdefULL;
	check_text(p);
	truth_networks(check_network, p);
	check_random(p, n);
}

/* Each job in a process of its own; what they counted comes back through pipes. */
static struct count prove_all(struct proof *p, unsigned long n)
{
	struct count all = { 0 }, *parts;
	int *fds = xcalloc(p->jobs, sizeof(*fds));

	fflush(stdout);
	for (p->job = 0; p->job < p->jobs; p->job++) {
		int pipes[2];

		if (pipe(pipes) < 0)
			exit(2);
		if (fork() == 0) {
			prove(p, n);
			fflush(stdout);
			_exit(write(pipes[1], &p->n, sizeof(p->n)) != sizeof(p->n));
		}
		close(pipes[1]);
		fds[p->job] = pipes[0];
	}
	parts = xcalloc(p->jobs, sizeof(*parts));
	for (unsigned int i = 0; i < p->jobs; i++) {
		if (read(fds[i], &parts[i], sizeof(parts[i])) != sizeof(parts[i]))
			parts[i].failures = 1; /* it died */
		close(fds[i]);
		all.networks += parts[i].networks;
		all.prefixes += parts[i].prefixes;
		all.random += parts[i].random;
		all.sources += parts[i].sources;
		all.failures += parts[i].failures;
	}
	while (wait(NULL) > 0)
		;
	free(parts);
	free(fds);
	return all;
}

static void add_prefix(struct prefix_list *l, const char *text)
{
	if (prefix_parse(text, VEC_ADD(l)) < 0)
		exit(2);
}

int main(int argc, char **argv)
{
	struct proof p = { .jobs = 1, .every = 1, .random = 1 };
	struct machine machine = { 0 };
	struct running run = { 0 };
	unsigned long n = 100000;
	struct image *img = NULL;
	struct count all;
	int i = 1;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--random"))
			n = strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--jobs"))
			p.jobs = (unsigned int)strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--every"))
			p.every = (unsigned int)strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--seed"))
			p.random = strtoul(argv[i + 1], NULL, 10);
	}
	if (i >= argc || !p.jobs || !p.every)
		return 2;
	add_prefix(&machine.local, "10.0.0.1/32");
	add_prefix(&machine.local, "198.51.100.7/32");
	add_prefix(&machine.inside, "10.0.0.0/16");
	add_prefix(&machine.inside_links, "10.0.0.0/24");
	add_prefix(&machine.inside_links, "fd12:3456:0:1::/64");
	load(argv[i], &machine, &run, &img);
	while (++i < argc)
		truth_open(argv[i]);
	reference_find = truth_find;
	p.in = (struct image_input){ .set = run.set, .geo = run.geo, .machine = &machine };
	p.img = img;
	all = prove_all(&p, n);
	printf("%lu networks, %lu prefixes, %lu random addresses of each family and %lu sources "
	       "compared: %lu differ\n",
	       all.networks, all.prefixes, all.random, all.sources, all.failures);
	image_free(img);
	running_done(&run);
	free(machine.local.v);
	free(machine.inside.v);
	free(machine.inside_links.v);
	return all.failures || all.random < n;
}
