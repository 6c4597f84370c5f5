/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int bench_options_parse(int argc, char **argv, struct bench_options *ret)
{
	static const struct option options[] = { { "build", required_argument, NULL, 'b' },
						 { "json", required_argument, NULL, 'j' },
						 { "quick", no_argument, NULL, 'q' },
						 { 0 } };
	struct bench_options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'b')
			o.build = optarg;
		else if (c == 'j')
			o.json = optarg;
		else if (c == 'q')
			o.quick = true;
		else
			return 2;
	}
	if (!o.build || !o.json || optind < argc) {
		fprintf(stderr, "usage: %s --build DIR --json OUT [--quick]\n", argv[0]);
		return 2;
	}
	*ret = o;
	return 0;
}

json_t *bench_report_new(const char *part, const char *title, const char *about)
{
	return json_pack("{s:s,s:s,s:s,s:[],s:[],s:[],s:[],s:[]}", "part", part, "title", title,
			 "about", about, "goals", "tables", "facts", "notes", "verbatim");
}

json_t *bench_table(json_t *report, const char *title, const char *unit, const char *base)
{
	json_t *t = json_pack("{s:s,s:s,s:[]}", "title", title, "unit", unit, "rows");

	if (base)
		json_object_set_new(t, "base", json_string(base));
	json_array_append_new(json_object_get(report, "tables"), t);
	return t;
}

json_t *bench_row(json_t *table, const char *name, const char *ratio_to, const char *note)
{
	json_t *r = json_pack("{s:s,s:[]}", "case", name, "samples");

	if (ratio_to)
		json_object_set_new(r, "ratio_to", json_string(ratio_to));
	if (note)
		json_object_set_new(r, "note", json_string(note));
	json_array_append_new(json_object_get(table, "rows"), r);
	return r;
}

void bench_sample(json_t *row, double value)
{
	json_array_append_new(json_object_get(row, "samples"), json_real(value));
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const json_t *row)
{
	const json_t *samples = json_object_get(row, "samples");
	size_t n = json_array_size(samples);
	double *v = calloc(n, sizeof(*v)), median = 0;

	if (!v || !n) {
		free(v);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = json_real_value(json_array_get(samples, i));
	qsort(v, n, sizeof(*v), by_value);
	median = (v[(n - 1) / 2] + v[n / 2]) / 2;
	free(v);
	return median;
}

static json_t *add_fact(json_t *report, const char *what, int64_t value, const char *unit)
{
	json_t *f = json_pack("{s:s,s:I,s:s}", "what", what, "value", (json_int_t)value, "unit",
			      unit ? unit : "");

	json_array_append_new(json_object_get(report, "facts"), f);
	return f;
}

void bench_fact(json_t *report, const char *what, int64_t value, const char *unit)
{
	add_fact(report, what, value, unit);
}

void bench_must(json_t *report, const char *what, int64_t value, const char *unit, int64_t must)
{
	json_object_set_new(add_fact(report, what, value, unit), "must", json_integer(must));
}

void bench_at_most(json_t *report, const char *what, int64_t value, const char *unit, int64_t most)
{
	json_object_set_new(add_fact(report, what, value, unit), "at_most", json_integer(most));
}

json_t *bench_goal(json_t *report, const char *what, const char *unit, enum bench_bound bound,
		   double limit)
{
	json_t *g = json_pack("{s:s,s:s,s:f,s:[]}", "what", what, "unit", unit,
			      bound == BENCH_AT_MOST ? "at_most" : "at_least", limit, "found");

	json_array_append_new(json_object_get(report, "goals"), g);
	return g;
}

json_t *bench_found(json_t *goal, const char *of)
{
	json_t *f = json_pack("{s:s,s:[]}", "case", of, "samples");

	json_array_append_new(json_object_get(goal, "found"), f);
	return f;
}

static double sample(const json_t *row, size_t i)
{
	return json_real_value(json_array_get(json_object_get(row, "samples"), i));
}

static size_t samples(const json_t *row)
{
	return json_array_size(json_object_get(row, "samples"));
}

void bench_found_beyond(json_t *goal, const char *of, const json_t *row, const json_t *base)
{
	json_t *f = bench_found(goal, of);

	for (size_t i = 0; i < samples(row) && i < samples(base); i++)
		bench_sample(f, sample(row, i) - sample(base, i));
}

void bench_found_ratio(json_t *goal, const char *of, const json_t *row, const json_t *base)
{
	json_t *f = bench_found(goal, of);

	for (size_t i = 0; i < samples(row) && i < samples(base); i++)
		if (sample(base, i) > 0)
			bench_sample(f, sample(row, i) / sample(base, i));
}

void bench_found_row(json_t *goal, const char *of, const json_t *row)
{
	json_t *f = bench_found(goal, of);

	for (size_t i = 0; i < samples(row); i++)
		bench_sample(f, sample(row, i));
}

void bench_unmeasured(json_t *goal, const char *why)
{
	json_object_set_new(goal, "why", json_string(why));
}

void bench_note(json_t *report, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(report, "notes"), json_string(text));
}

void bench_verbatim(json_t *report, const char *title, const char *text)
{
	json_array_append_new(json_object_get(report, "verbatim"),
			      json_pack("{s:s,s:s}", "title", title, "text", text));
}

/* How many facts are not what they must be, said on stderr. */
static int wrong_facts(const json_t *report)
{
	const json_t *f;
	int wrong = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "facts"), i, f)
	{
		const json_t *must = json_object_get(f, "must"),
			     *most = json_object_get(f, "at_most");
		json_int_t value = json_integer_value(json_object_get(f, "value"));

		if ((!must || value == json_integer_value(must)) &&
		    (!most || value <= json_integer_value(most)))
			continue;
		bench_fail("%s: %lld, must be %s%lld",
			   json_string_value(json_object_get(f, "what")), (long long)value,
			   must ? "" : "at most ",
			   (long long)json_integer_value(must ? must : most));
		wrong++;
	}
	return wrong;
}

int bench_report_write(json_t *report, const struct bench_options *opt)
{
	int r = wrong_facts(report) ? 1 : 0;

	if (json_dump_file(report, opt->json, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0)
		r = bench_fail("cannot write %s", opt->json);
	json_decref(report);
	return r;
}

int bench_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "bench: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int bench_skip(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "SKIP: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return BENCH_SKIP;
}

void bench_progress(int round, int rounds)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\rround %d of %d ", round, rounds);
	if (round >= rounds)
		fputc('\n', stderr);
}
