/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `allow … --up-to` has let pass: counted, and ended, by the kernel. */
#include <errno.h>

#include "port/datapath/priv.h"

int datapath_allow_open(struct datapath *dp, uint32_t id, uint64_t used_bytes)
{
	const struct cf_allowed a = { .used_bytes = used_bytes };

	if (bpf_map_update_elem(dp_map_fd(dp, "allowed"), &id, &a, BPF_NOEXIST) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

int datapath_allow_read(struct datapath *dp, uint32_t id, uint64_t *ret_used, bool *ret_used_up)
{
	struct cf_allowed a;

	if (bpf_map_lookup_elem(dp_map_fd(dp, "allowed"), &id, &a) < 0)
		return -errno;
	*ret_used = a.used_bytes;
	*ret_used_up = a.used_up;
	return 0;
}

void datapath_allow_prune(struct datapath *dp, const uint32_t *ids, size_t n)
{
	int fd = dp_map_fd(dp, "allowed");
	uint32_t gone[CF_ALLOWED_MAX], id, *before = NULL;
	size_t n_gone = 0;

	while (n_gone < CF_ALLOWED_MAX && !bpf_map_get_next_key(fd, before, &id)) {
		size_t i = 0;

		while (i < n && ids[i] != id)
			i++;
		if (i == n)
			gone[n_gone++] = id;
		before = &id;
	}
	while (n_gone)
		bpf_map_delete_elem(fd, &gone[--n_gone]);
}
