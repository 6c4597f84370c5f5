/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources and destinations: each address once. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/ledger/priv.h"

struct addr ledger_host_addr(const struct ledger_hosts *h, uint32_t place)
{
	const struct ledger_host *host = &h->v[place];
	uint8_t four[4];

	if (host->six)
		return h->six.v[host->addr];
	memcpy(four, &host->addr, sizeof(four));
	return addr_from4(four);
}

static bool same(const void *arg, uint32_t place, const void *key)
{
	struct addr a = ledger_host_addr(arg, place);

	return !addr_compare(&a, key);
}

static uint64_t hash(const struct hash_seed *seed, const struct addr *a)
{
	return hash_bytes(seed, a, sizeof(*a));
}

uint32_t ledger_host_find(const struct ledger_hosts *h, const struct hash_seed *seed,
			  const struct addr *a)
{
	return hash_find(&h->index, hash(seed, a), same, h, a);
}

uint32_t ledger_host_place(struct ledger_hosts *h, const struct hash_seed *seed,
			   const struct addr *a)
{
	struct ledger_host host = { .six = !addr_is4(a) };
	uint64_t key = hash(seed, a);
	uint32_t place = hash_find(&h->index, key, same, h, a);

	if (place != HASH_NONE)
		return place;
	if (host.six) {
		host.addr = (uint32_t)h->six.n;
		*VEC_ADD(&h->six) = *a;
	} else {
		memcpy(&host.addr, a->b + 12, sizeof(host.addr));
	}
	place = (uint32_t)h->n;
	*VEC_ADD(h) = host;
	hash_add(&h->index, key, place);
	return place;
}

void ledger_hosts_index(struct ledger_hosts *h, const struct hash_seed *seed)
{
	hash_done(&h->index);
	for (uint32_t i = 0; i < h->n; i++) {
		struct addr a = ledger_host_addr(h, i);

		hash_add(&h->index, hash(seed, &a), i);
	}
}

uint32_t *ledger_hosts_keep(struct ledger_hosts *h, const bool *used)
{
	uint32_t *place = xcalloc(h->n, sizeof(*place)), n = 0, six = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct ledger_host host = h->v[i];

		place[i] = HASH_NONE;
		if (!used[i])
			continue;
		/* both arrays are in the order in which hosts came */
		if (host.six) {
			h->six.v[six] = h->six.v[host.addr];
			host.addr = six++;
		}
		host.peers = 0;
		h->v[n] = host;
		place[i] = n++;
	}
	h->n = n;
	h->six.n = six;
	return place;
}

void ledger_hosts_done(struct ledger_hosts *h)
{
	free(h->v);
	free(h->six.v);
	hash_done(&h->index);
}
