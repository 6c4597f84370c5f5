/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The epoch protocol of curfew/abi.h, every interleaving of it. One slot, two
 * pairs that want it, its owner (a CPU) with a few packets, a reader with a
 * few looks and commits that may die at any step and comes back with what it
 * had kept. In every state in which no packet is under way, whoever starts
 * from what was kept and looks once must find what was offered: to the packet,
 * and for the right pair.
 *
 * Stores and loads between two barriers are tried in either order. Epochs and
 * incarnations are counted modulo 8 and 4, so that they wrap.
 *
 * A protocol that lacks a step must fail, or this checks nothing.
 */
#include <criterion/criterion.h>
#include <string.h>

#define PACKETS 5
#define ROUNDS  4
#define CRASHES 1

#define EPOCHS  8 /* of 2^16 */
#define INC_MAX 4 /* of 2^8 */

/* What is left out. */
enum fault {
	NO_FAULT,
	NO_GRACE,
	NO_GRACE_AFTER_CRASH, /* "its epoch is published already" */
	ACK_BEFORE_SCAN,
	ACK_BEFORE_KEEP,
	NO_INCARNATION,  /* the reader trusts what it copied */
	PUBLISH_AGAIN,   /* although one epoch was begun and not acknowledged */
	ONE_EPOCH_TAKEN, /* the owner spares acked + 1 only */
	STAMP_FORGOTTEN, /* a touched slot keeps its old epoch */
};

enum owner_at { OWNER_IDLE, READ_EPOCH, READ_ACKED, FIND, CLOSE, REFILL, OPEN, BOOK };
enum reader_at { READER_IDLE, PUBLISH, GRACE, ACK_EARLY, LOAD_META, LOAD, RECHECK, KEEP, ACK };

/* What a reader knows: books by pair, and what the slot showed last. */
struct books {
	unsigned char booked[2];
	unsigned char seen_inc, seen_bytes, seen_any;
};

struct state {
	/* shared */
	unsigned char epoch, acked;
	unsigned char used, key, bytes, stamp, inc;
	/* owner */
	unsigned char owner, pair, e, a, half, packets;
	unsigned char offered[2], overflow[2];
	/* reader */
	unsigned char reader, commit, waits, got, meta_inc, copy_key, copy_bytes, rounds, crashes;
	struct books now, kept;
};

struct model {
	enum fault fault;
	struct state *v;
	size_t n, cap;
	unsigned int *table; /* index + 1 */
	size_t table_size;
	size_t next; /* not looked at yet */
	bool violated;
};

/* ---- the set of states --------------------------------------------------- */

static size_t hash(const struct state *s)
{
	const unsigned char *b = (const unsigned char *)s;
	unsigned long long h = 14695981039346656037ULL;

	for (size_t i = 0; i < sizeof(*s); i++)
		h = (h ^ b[i]) * 1099511628211ULL;
	return (size_t)(h ^ h >> 29);
}

static unsigned int *find(struct model *m, const struct state *s)
{
	size_t i = hash(s) & (m->table_size - 1);

	while (m->table[i] && memcmp(&m->v[m->table[i] - 1], s, sizeof(*s)))
		i = (i + 1) & (m->table_size - 1);
	return &m->table[i];
}

static void grow(struct model *m)
{
	m->table_size = m->table_size ? 2 * m->table_size : 1 << 16;
	free(m->table);
	m->table = calloc(m->table_size, sizeof(*m->table));
	cr_assert(m->table);
	for (size_t i = 0; i < m->n; i++)
		*find(m, &m->v[i]) = (unsigned int)i + 1;
}

static void reach(struct model *m, const struct state *s)
{
	unsigned int *at;

	if (2 * m->n >= m->table_size)
		grow(m);
	at = find(m, s);
	if (*at)
		return;
	if (m->n == m->cap) {
		m->cap = m->cap ? 2 * m->cap : 1 << 15;
		m->v = realloc(m->v, m->cap * sizeof(*m->v));
		cr_assert(m->v);
	}
	m->v[m->n++] = *s;
	*at = (unsigned int)m->n;
}

/* ---- the owner: bpf/account.h -------------------------------------------- */

static bool taken(const struct model *m, const struct state *s)
{
	unsigned int ahead = (s->stamp + 2U * EPOCHS - s->a - 1) % EPOCHS;

	return s->used && ahead < (m->fault == ONE_EPOCH_TAKEN ? 1 : 2);
}

static void packet_done(struct state *s)
{
	s->owner = OWNER_IDLE;
	s->pair = s->e = s->a = s->half = 0;
	s->waits = 0; /* a grace period ends here */
}

/* Two stores in either order: `half` says which has been done. */
static bool both_done(struct state *s, unsigned char which)
{
	s->half |= which;
	if (s->half != 3)
		return false;
	s->half = 0;
	return true;
}

static void owner_begins(struct model *m, const struct state *s, unsigned char pair)
{
	struct state t = *s;

	t.owner = READ_EPOCH;
	t.pair = pair;
	t.packets--;
	t.offered[pair]++;
	reach(m, &t);
}

static void owner_finds(struct model *m, struct state *t)
{
	if (t->used && t->key == t->pair) {
		t->owner = BOOK;
	} else if (taken(m, t)) {
		t->overflow[t->pair]++;
		packet_done(t);
	} else {
		t->owner = CLOSE;
	}
	reach(m, t);
}

static void owner_refills(struct model *m, const struct state *s)
{
	for (unsigned char which = 1; which <= 2; which++) {
		struct state t = *s;

		if (t.half & which)
			continue;
		if (which == 1)
			t.key = t.pair;
		else
			t.bytes = 0;
		if (both_done(&t, which))
			t.owner = OPEN;
		reach(m, &t);
	}
}

static void owner_books(struct model *m, const struct state *s)
{
	for (unsigned char which = 1; which <= 2; which++) {
		struct state t = *s;

		if (t.half & which)
			continue;
		if (which == 1)
			t.bytes++;
		else if (m->fault != STAMP_FORGOTTEN)
			t.stamp = t.e;
		if (both_done(&t, which))
			packet_done(&t);
		reach(m, &t);
	}
}

static void owner_steps(struct model *m, const struct state *s)
{
	struct state t = *s;

	switch ((enum owner_at)s->owner) {
	case OWNER_IDLE:
		if (!s->packets)
			return;
		owner_begins(m, s, 0);
		owner_begins(m, s, 1);
		return;
	case READ_EPOCH:
		t.e = t.epoch;
		t.owner = READ_ACKED;
		break;
	case READ_ACKED:
		t.a = t.acked;
		t.owner = FIND;
		break;
	case FIND:
		owner_finds(m, &t);
		return;
	case CLOSE:
		t.used = 0;
		t.stamp = 0;
		t.inc |= 1;
		t.owner = REFILL;
		break;
	case REFILL:
		owner_refills(m, s);
		return;
	case OPEN:
		t.used = 1;
		t.stamp = t.e;
		t.inc = (unsigned char)((t.inc + 1) % INC_MAX);
		t.owner = BOOK;
		break;
	case BOOK:
		owner_books(m, s);
		return;
	}
	reach(m, &t);
}

/* ---- the reader: port/datapath/look.c, the ledger --------------------------- */

static void book(struct books *b, unsigned int key, unsigned int inc, unsigned int bytes)
{
	bool known = b->seen_any && b->seen_inc == inc;

	b->booked[key] = (unsigned char)(b->booked[key] + bytes - (known ? b->seen_bytes : 0));
	b->seen_any = 1;
	b->seen_inc = (unsigned char)inc;
	b->seen_bytes = (unsigned char)bytes;
}

static void reader_idles(struct state *t)
{
	t->reader = READER_IDLE;
	t->commit = t->waits = 0;
	t->got = t->meta_inc = t->copy_key = t->copy_bytes = 0;
}

static void scanned(struct state *t)
{
	if (t->commit)
		t->reader = KEEP;
	else
		reader_idles(t);
}

static void reader_begins(struct model *m, const struct state *s)
{
	for (unsigned char commit = 0; commit < 2; commit++) {
		struct state t = *s;

		t.rounds--;
		t.commit = commit;
		t.reader = commit ? PUBLISH : LOAD_META;
		reach(m, &t);
	}
}

static void reader_publishes(const struct model *m, struct state *t)
{
	bool begun = (t->epoch + EPOCHS - t->acked) % EPOCHS >= 2;
	bool wait = m->fault != NO_GRACE && !(begun && m->fault == NO_GRACE_AFTER_CRASH);

	if (!begun || m->fault == PUBLISH_AGAIN)
		t->epoch = (unsigned char)((t->epoch + 1) % EPOCHS);
	t->waits = wait && t->owner != OWNER_IDLE;
	t->reader = GRACE;
}

static void reader_acks(struct state *t)
{
	t->acked = (unsigned char)((t->epoch + EPOCHS - 1) % EPOCHS);
}

static void reader_loads(struct model *m, const struct state *s)
{
	for (unsigned char which = 1; which <= 2; which++) {
		struct state t = *s;

		if (t.got & which)
			continue;
		if (which == 1)
			t.copy_key = t.key;
		else
			t.copy_bytes = t.bytes;
		t.got |= which;
		if (t.got == 3)
			t.reader = RECHECK;
		reach(m, &t);
	}
}

static void reader_rechecks(const struct model *m, struct state *t)
{
	bool same = t->inc == t->meta_inc || m->fault == NO_INCARNATION;

	if (same)
		book(&t->now, t->copy_key, t->meta_inc, t->copy_bytes);
	t->got = t->meta_inc = t->copy_key = t->copy_bytes = 0;
	if (same)
		scanned(t);
	else
		t->reader = LOAD_META;
}

static void reader_steps(struct model *m, const struct state *s)
{
	struct state t = *s;

	switch ((enum reader_at)s->reader) {
	case READER_IDLE:
		if (s->rounds)
			reader_begins(m, s);
		return;
	case PUBLISH:
		reader_publishes(m, &t);
		break;
	case GRACE:
		if (s->waits)
			return;
		t.reader = m->fault == ACK_BEFORE_SCAN ? ACK_EARLY : LOAD_META;
		break;
	case ACK_EARLY:
		reader_acks(&t);
		t.reader = LOAD_META;
		break;
	case LOAD_META:
		if (s->used) {
			t.meta_inc = s->inc;
			t.reader = LOAD;
		} else {
			scanned(&t);
		}
		break;
	case LOAD:
		reader_loads(m, s);
		return;
	case RECHECK:
		reader_rechecks(m, &t);
		break;
	case KEEP:
		if (m->fault == ACK_BEFORE_KEEP)
			reader_acks(&t);
		else
			t.kept = t.now;
		t.reader = ACK;
		break;
	case ACK:
		if (m->fault == ACK_BEFORE_KEEP)
			t.kept = t.now;
		else if (m->fault != ACK_BEFORE_SCAN)
			reader_acks(&t);
		reader_idles(&t);
		break;
	}
	reach(m, &t);
}

static void reader_dies(struct model *m, const struct state *s)
{
	struct state t = *s;

	if (!s->crashes)
		return;
	t.crashes--;
	t.now = t.kept;
	reader_idles(&t);
	reach(m, &t);
}

/* ---- the promise --------------------------------------------------------- */

/* What these books come to after one more look, when nothing moves. */
static bool exact(const struct state *s, struct books b)
{
	if (s->used)
		book(&b, s->key, s->inc, s->bytes);
	for (int k = 0; k < 2; k++)
		if (b.booked[k] + s->overflow[k] != s->offered[k])
			return false;
	return true;
}

static bool holds(const struct state *s)
{
	/* never more than was offered, also in the midst of a packet */
	for (int k = 0; k < 2; k++)
		if (s->now.booked[k] + s->overflow[k] > s->offered[k])
			return false;
	if (s->owner != OWNER_IDLE)
		return true;
	return exact(s, s->kept) && (s->reader != READER_IDLE || exact(s, s->now));
}

/* Every state that can be reached, or until one breaks the promise. */
static void search(struct model *m, enum fault fault)
{
	struct state first;

	memset(&first, 0, sizeof(first));
	first.epoch = EPOCHS - 2;
	first.acked = EPOCHS - 3;
	first.packets = PACKETS;
	first.rounds = ROUNDS;
	first.crashes = CRASHES;
	*m = (struct model){ .fault = fault };
	reach(m, &first);
	while (m->next < m->n) {
		struct state s = m->v[m->next++];

		m->violated = !holds(&s);
		if (m->violated)
			return;
		owner_steps(m, &s);
		reader_steps(m, &s);
		reader_dies(m, &s);
	}
}

static void done(struct model *m)
{
	free(m->v);
	free(m->table);
}

Test(epochs_model, no_byte_is_lost_doubled_or_mixed)
{
	bool recycled = false, overflowed = false, crashed = false, wrapped = false;
	struct model m;

	search(&m, NO_FAULT);
	for (size_t i = 0; i < m.n; i++) {
		recycled |= m.v[i].inc == 0 && m.v[i].used;
		overflowed |= m.v[i].overflow[0] && m.v[i].overflow[1];
		crashed |= !m.v[i].crashes;
		wrapped |= m.v[i].acked == 0;
	}
	cr_log_info("%zu states", m.n);
	cr_expect(!m.violated, "broken in state %zu of %zu", m.next, m.n);
	cr_expect(recycled && overflowed && crashed && wrapped,
		  "states that matter are not reached");
	done(&m);
}

static void must_fail(enum fault fault)
{
	struct model m;

	search(&m, fault);
	cr_expect(m.violated, "%zu states, and nothing is wrong", m.n);
	done(&m);
}

Test(epochs_model, without_a_grace_period_it_breaks)
{
	must_fail(NO_GRACE);
}

Test(epochs_model, without_a_grace_period_after_a_crash_it_breaks)
{
	must_fail(NO_GRACE_AFTER_CRASH);
}

Test(epochs_model, acknowledged_before_the_scan_it_breaks)
{
	must_fail(ACK_BEFORE_SCAN);
}

Test(epochs_model, acknowledged_before_it_is_kept_it_breaks)
{
	must_fail(ACK_BEFORE_KEEP);
}

Test(epochs_model, without_incarnations_it_breaks)
{
	must_fail(NO_INCARNATION);
}

Test(epochs_model, with_three_open_epochs_it_breaks)
{
	must_fail(PUBLISH_AGAIN);
}

Test(epochs_model, with_one_epoch_spared_it_breaks)
{
	must_fail(ONE_EPOCH_TAKEN);
}

Test(epochs_model, without_the_stamp_of_a_touch_it_breaks)
{
	must_fail(STAMP_FORGOTTEN);
}
