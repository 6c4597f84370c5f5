/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/geo/mmdb_data.h"

#include <errno.h>
#include <string.h>

struct reader {
	const struct mmdb_data *d;
	const struct mmdb_visitor *visitor;
	const char *why;
	size_t at; /* the next byte */
	unsigned int items;
	unsigned int depth;
	size_t path_length; /* may be beyond what `path` holds */
	char path[MMDB_DATA_PATH];
};

static int bad(struct reader *r, const char *why)
{
	r->why = why;
	return -EBADMSG;
}

static int take_number(struct reader *r, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (n > r->d->n - r->at)
		return bad(r, "a value reaches beyond the data section");
	for (size_t i = 0; i < n; i++)
		v = v << 8 | r->d->p[r->at + i];
	r->at += n;
	*ret = v;
	return 0;
}

static int take_pointer(struct reader *r, unsigned int control, uint64_t *ret_target)
{
	static const uint32_t base[] = { 0, 2048, 526336, 0 };
	unsigned int size = control >> 3 & 3;
	uint64_t low;
	int e;

	e = take_number(r, size + 1, &low);
	if (e < 0)
		return e;
	if (size < 3)
		low |= (uint64_t)(control & 7) << 8 * (size + 1);
	low += base[size];
	if (low >= r->d->n)
		return bad(r, "a pointer leads out of the data section");
	*ret_target = low;
	return 0;
}

static int take_size(struct reader *r, unsigned int control, uint32_t *ret)
{
	static const uint32_t base[] = { 29, 285, 65821 };
	unsigned int size = control & 31;
	uint64_t more;
	int e;

	if (size >= 29) {
		e = take_number(r, size - 28, &more);
		if (e < 0)
			return e;
		*ret = base[size - 29] + (uint32_t)more;
	} else {
		*ret = size;
	}
	return 0;
}

static int take_payload(struct reader *r, struct mmdb_value *v)
{
	static const uint8_t max[] = { [MMDB_TYPE_UINT16] = 2,
				       [MMDB_TYPE_UINT32] = 4,
				       [MMDB_TYPE_INT32] = 4,
				       [MMDB_TYPE_UINT64] = 8,
				       [MMDB_TYPE_UINT128] = 16 };
	float f;
	uint32_t bits;
	int e;

	switch (v->type) {
	case MMDB_TYPE_MAP:
	case MMDB_TYPE_ARRAY:
		return 0;
	case MMDB_TYPE_TEXT:
	case MMDB_TYPE_BYTES:
		if (v->size > r->d->n - r->at)
			return bad(r, "a text reaches beyond the data section");
		v->text = (const char *)r->d->p + r->at;
		r->at += v->size;
		return 0;
	case MMDB_TYPE_BOOLEAN:
		v->number = v->size;
		return v->size > 1 ? bad(r, "a truth value is neither") : 0;
	case MMDB_TYPE_DOUBLE:
	case MMDB_TYPE_FLOAT:
		if (v->size != (v->type == MMDB_TYPE_DOUBLE ? 8 : 4))
			return bad(r, "a floating-point number has a wrong size");
		e = take_number(r, v->size, &v->number);
		if (e < 0)
			return e;
		bits = (uint32_t)v->number;
		memcpy(&f, &bits, sizeof(f));
		if (v->type == MMDB_TYPE_FLOAT)
			v->real = f;
		else
			memcpy(&v->real, &v->number, sizeof(v->real));
		return 0;
	case MMDB_TYPE_UINT16:
	case MMDB_TYPE_UINT32:
	case MMDB_TYPE_INT32:
	case MMDB_TYPE_UINT64:
	case MMDB_TYPE_UINT128:
		if (v->size > max[v->type])
			return bad(r, "an integer is longer than its type");
		e = take_number(r, v->size, &v->number);
		if (!e && v->type == MMDB_TYPE_INT32)
			v->number = (uint64_t)(int64_t)(int32_t)v->number;
		return e;
	default:
		return bad(r, "a value of a type that data cannot have");
	}
}

/* Reads the value at r->at; ret_after is where the next one begins, wherever a pointer led. */
static int take_value(struct reader *r, struct mmdb_value *ret, size_t *ret_after)
{
	struct mmdb_value v = { 0 };
	uint64_t control, extended;
	size_t after = 0;
	int e;

	if (++r->items > MMDB_DATA_ITEMS)
		return bad(r, "a record has too many values");
	e = take_number(r, 1, &control);
	if (e < 0)
		return e;
	if (control >> 5 == MMDB_TYPE_POINTER) {
		uint64_t target;

		e = take_pointer(r, (unsigned int)control, &target);
		if (e < 0)
			return e;
		after = r->at;
		r->at = target;
		take_number(r, 1, &control);
		if (control >> 5 == MMDB_TYPE_POINTER)
			return bad(r, "a pointer leads to a pointer");
	}
	v.type = (enum mmdb_type)(control >> 5);
	if (!v.type) {
		e = take_number(r, 1, &extended);
		if (e < 0)
			return e;
		if (!extended || extended > 8)
			return bad(r, "a value of an unknown type");
		v.type = (enum mmdb_type)(extended + 7);
	}
	e = take_size(r, (unsigned int)control, &v.size);
	if (e < 0)
		return e;
	e = take_payload(r, &v);
	if (e < 0)
		return e;
	*ret = v;
	*ret_after = after ? after : r->at;
	return 0;
}

static void path_push(struct reader *r, const char *key, size_t n)
{
	size_t at = r->path_length;

	if (at)
		at++;
	if (at + n < sizeof(r->path)) {
		if (at)
			r->path[at - 1] = '/';
		memcpy(r->path + at, key, n);
		r->path[at + n] = 0;
	}
	r->path_length = at + n;
}

static void path_pop(struct reader *r, size_t length)
{
	r->path_length = length;
	if (length < sizeof(r->path))
		r->path[length] = 0;
}

static int visit(struct reader *r);

static int visit_members(struct reader *r, const struct mmdb_value *v)
{
	size_t length = r->path_length, after;
	struct mmdb_value key = { .text = "#", .size = 1 };
	int e;

	if (++r->depth > MMDB_DATA_DEPTH)
		return bad(r, "a record is nested too deeply");
	for (uint32_t i = 0; i < v->size; i++) {
		if (v->type == MMDB_TYPE_MAP) {
			e = take_value(r, &key, &after);
			if (e < 0)
				return e;
			if (key.type != MMDB_TYPE_TEXT)
				return bad(r, "a map's key is not a text");
			r->at = after;
		}
		path_push(r, key.text, key.size);
		e = visit(r);
		if (e < 0)
			return e;
		path_pop(r, length);
	}
	r->depth--;
	return 0;
}

static int visit(struct reader *r)
{
	struct mmdb_value v;
	size_t after;
	bool leaf, led;
	int e;

	e = take_value(r, &v, &after);
	if (e < 0)
		return e;
	led = after != r->at;
	leaf = v.type != MMDB_TYPE_MAP && v.type != MMDB_TYPE_ARRAY;
	if (leaf)
		e = r->visitor->value(r->visitor->arg,
				      r->path_length < sizeof(r->path) ? r->path : "", &v);
	else
		e = visit_members(r, &v);
	/* A map or array that stands here ends where its last member does. */
	if (leaf || led)
		r->at = after;
	return e;
}

int mmdb_data_type(const struct mmdb_data *d, size_t offset, enum mmdb_type *ret,
		   const char **ret_why)
{
	struct reader r = { .d = d, .at = offset };
	struct mmdb_value v;
	size_t after;
	int e;

	e = offset < d->n ? take_value(&r, &v, &after) : bad(&r, "outside the data section");
	if (e < 0)
		*ret_why = r.why;
	else
		*ret = v.type;
	return e;
}

int mmdb_data_visit(const struct mmdb_data *d, size_t offset, const struct mmdb_visitor *visitor,
		    const char **ret_why)
{
	struct reader r = { .d = d, .at = offset, .visitor = visitor };
	int e;

	e = offset < d->n ? visit(&r) : bad(&r, "outside the data section");
	if (e == -EBADMSG && r.why)
		*ret_why = r.why;
	return e;
}
