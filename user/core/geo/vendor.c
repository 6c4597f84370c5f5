/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/vendor.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "core/policy/words.h"

#define NEAR_MAX   3  /* names that are shown */
#define WORD_MAX   40 /* longer ones nobody misspells */
#define WORD_LEAST 4

void vendors_done(struct vendors *v)
{
	for (size_t i = 0; i < v->names.n; i++)
		free(v->names.v[i]);
	free(v->names.v);
	free(v->blocks.v);
	*v = (struct vendors){ 0 };
}

/* ---- reading -------------------------------------------------------------- */

struct line {
	const char *at, *end;
};

static bool take(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(l->end - l->at) < n || memcmp(l->at, text, n))
		return false;
	l->at += n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "002272,": as many digits as the block has bits. */
static bool take_block(struct line *l, struct vendor_block *b)
{
	for (; l->at < l->end && hex_digit(*l->at) >= 0 && b->bits < 48; l->at++, b->bits += 4)
		b->first = b->first << 4 | (uint64_t)hex_digit(*l->at);
	b->first <<= 48 - b->bits;
	return (b->bits == 24 || b->bits == 28 || b->bits == 36) && take(l, ",");
}

/* A field, quoted or not (RFC 4180). */
static char *take_name(struct line *l)
{
	struct buf name = { 0 };
	bool quoted = take(l, "\"");

	for (; l->at < l->end; l->at++) {
		if (*l->at == (quoted ? '"' : ',')) {
			if (!quoted || l->at + 1 == l->end || l->at[1] != '"')
				break;
			l->at++;
		}
		buf_add(&name, l->at, 1);
	}
	while (name.n && isspace((unsigned char)name.s[name.n - 1]))
		name.s[--name.n] = 0;
	return name.s;
}

static bool add_line(struct vendors *v, struct line l)
{
	struct vendor_block b = { .name = (uint32_t)v->names.n };
	char *name;

	if (!take(&l, "MA-L,") && !take(&l, "MA-M,") && !take(&l, "MA-S,") && !take(&l, "IAB,"))
		return false;
	if (!take_block(&l, &b))
		return false;
	name = take_name(&l);
	if (!name)
		return false;
	*VEC_ADD(&v->names) = name;
	*VEC_ADD(&v->blocks) = b;
	return true;
}

size_t vendors_add(struct vendors *v, const char *text, size_t size)
{
	size_t added = 0;

	for (const char *at = text, *end = text + size; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		added += add_line(v, (struct line){ at, stop });
		at = stop + 1;
	}
	return added;
}

static int compare(const void *a, const void *b)
{
	const struct vendor_block *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (int)x->bits - (int)y->bits;
}

void vendors_ready(struct vendors *v)
{
	if (v->blocks.n)
		qsort(v->blocks.v, v->blocks.n, sizeof(*v->blocks.v), compare);
}

/* ---- finding -------------------------------------------------------------- */

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Where `words` stands in the name; `whole`: and no word goes on before or behind it. */
static bool has(const char *name, const char *words, bool whole)
{
	size_t n = strlen(words);

	for (const char *at = name; *at; at++) {
		if (strncasecmp(at, words, n))
			continue;
		if (!whole || ((at == name || !in_word(at[-1]) || !in_word(at[0])) &&
			       (!in_word(at[n]) || !in_word(at[n - 1]))))
			return true;
	}
	return false;
}

static uint64_t last_of(const struct vendor_block *b)
{
	return b->first | MAC_LAST >> b->bits;
}

static void add_range(struct mac_range_list *l, uint64_t first, uint64_t end)
{
	if (first < end)
		*VEC_ADD(l) = (struct mac_range){ first, end - 1 };
}

size_t vendors_find(const struct vendors *v, const char *words, struct mac_range_list *ret)
{
	size_t found = 0;

	if (!*words)
		return 0;
	for (size_t i = 0; i < v->blocks.n; i++) {
		const struct vendor_block *b = &v->blocks.v[i];
		uint64_t at = b->first, end = last_of(b) + 1;

		if (!has(v->names.v[b->name], words, true))
			continue;
		found++;
		for (size_t k = i + 1; k < v->blocks.n && v->blocks.v[k].first < end; k++) {
			const struct vendor_block *part = &v->blocks.v[k];

			if (part->bits <= b->bits || has(v->names.v[part->name], words, true))
				continue;
			add_range(ret, at, part->first);
			if (at < last_of(part) + 1)
				at = last_of(part) + 1;
		}
		add_range(ret, at, end);
	}
	return found;
}

/* ---- what is nearly so ------------------------------------------------------ */

/* Offers each word of a name; the best one stays in `best`. */
static void offer_words(struct nearest *near, const char *name, char best[WORD_MAX])
{
	for (const char *at = name; *at;) {
		char word[WORD_MAX];
		size_t n = 0;

		while (in_word(at[n]))
			n++;
		if (n >= WORD_LEAST && n < sizeof(word)) {
			const char *was = near->best;

			memcpy(word, at, n);
			word[n] = 0;
			nearest_offer(near, word);
			if (near->best != was) {
				memcpy(best, word, n + 1);
				near->best = best;
			}
		}
		at += n ? n : 1;
	}
}

static bool is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

void vendors_near(const struct vendors *v, const char *words, struct buf *out)
{
	struct nearest near = { .s = words, .n = strlen(words) };
	const char *names[NEAR_MAX];
	char best[WORD_MAX];
	size_t n = 0;

	for (size_t i = 0; i < v->names.n; i++)
		offer_words(&near, v->names.v[i], best);
	if (near.best) {
		buf_printf(out, "did you mean '%s'?", near.best);
		words = near.best;
	}
	for (size_t i = 0; i < v->names.n && n < NEAR_MAX && *words; i++)
		if (has(v->names.v[i], words, !!near.best) && !is_among(names, n, v->names.v[i]))
			names[n++] = v->names.v[i];
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s'%s'",
			   i           ? ", "
			   : near.best ? " There is "
				       : "there is ",
			   names[i]);
}
