/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/chain.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/def.h"

#define TCX_INGRESS 46
#define TCX_EGRESS  47

/* The kernel's union bpf_attr, its part for BPF_PROG_QUERY. */
struct query {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t prog_ids;
	uint32_t count;
	uint32_t pad;
	uint64_t prog_attach_flags;
	uint64_t link_ids;
	uint64_t link_attach_flags;
	uint64_t revision;
};
_Static_assert(sizeof(struct query) == 64, "kernel ABI");

int chain_read(uint32_t ifindex, bool egress, struct chain *ret)
{
	uint32_t progs[CHAIN_MAX] = { 0 }, links[CHAIN_MAX] = { 0 };
	struct query q = {
		.ifindex = ifindex,
		.attach_type = egress ? TCX_EGRESS : TCX_INGRESS,
		.prog_ids = (uintptr_t)progs,
		.link_ids = (uintptr_t)links,
		.count = CHAIN_MAX,
	};
	struct chain c = { 0 };

	if (syscall(__NR_bpf, BPF_PROG_QUERY, &q, sizeof(q)) < 0) {
		/* no program has ever been in it */
		if (errno != ENOENT)
			return -errno;
		*ret = c;
		return 0;
	}
	c.revision = q.revision;
	c.n = q.count < CHAIN_MAX ? q.count : CHAIN_MAX;
	for (uint32_t i = 0; i < c.n; i++)
		c.v[i] = (struct chain_entry){ progs[i], links[i] };
	*ret = c;
	return 0;
}

int chain_place(const struct chain *c, uint32_t link_id)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (link_id && c->v[i].link_id == link_id)
			return (int)i;
	return -ENOENT;
}

const char *chain_prog_name(uint32_t prog_id, char buf[16])
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		snprintf(buf, 16, "?");
	else
		snprintf(buf, 16, "%s", *info.name ? info.name : "?");
	return buf;
}
