/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can an XDP program send packets elsewhere? Its maps tell, and its calls: the
 * kernel shows a call of a helper as the distance of the helper from
 * __bpf_call_base. Programs that replace functions of it (libxdp's dispatcher
 * is made of those) are looked at too.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "port/neighbours.h"

#define MAPS_MAX  64
#define INSNS_MAX 65536

static bool map_redirects(uint32_t id)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return false;
	/* to another CPU is not past us: what arrives there meets TC ingress */
	return info.type == BPF_MAP_TYPE_DEVMAP || info.type == BPF_MAP_TYPE_DEVMAP_HASH ||
	       info.type == BPF_MAP_TYPE_XSKMAP;
}

/* Distances of the redirecting helpers from __bpf_call_base; false: the kernel hides addresses. */
static bool helper_distances(int32_t ret[2])
{
	static const char *const names[] = { "__bpf_call_base", "bpf_xdp_redirect",
					     "bpf_xdp_redirect_map" };
	unsigned long long at[3] = { 0 }, address;
	char line[512], name[256];
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (!strcmp(name, names[i]))
				at[i] = address;
	}
	fclose(f);
	for (size_t i = 0; i < 2; i++)
		ret[i] = (int32_t)(at[i + 1] - at[0]);
	return at[0] && at[1] && at[2];
}

/* The kernel calls a map's own redirect function directly, but such a map was seen already. */
static enum xdp_redirects calls_redirect(int fd, uint32_t bytes)
{
	_cleanup_free_ struct bpf_insn *code = NULL;
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int32_t distance[2];

	if (!bytes || bytes > INSNS_MAX * sizeof(*code) || !helper_distances(distance))
		return XDP_REDIRECTS_UNKNOWN;
	code = xcalloc(1, bytes);
	info.xlated_prog_insns = (uintptr_t)code;
	info.xlated_prog_len = bytes;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || !info.xlated_prog_insns)
		return XDP_REDIRECTS_UNKNOWN;
	for (size_t i = 0; i < bytes / sizeof(*code); i++) {
		if (code[i].code != (BPF_JMP | BPF_CALL) || code[i].src_reg)
			continue;
		if (code[i].imm && (code[i].imm == distance[0] || code[i].imm == distance[1]))
			return XDP_REDIRECTS_YES;
	}
	return XDP_REDIRECTS_NO;
}

static enum xdp_redirects program_redirects(uint32_t prog_id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	uint32_t maps[MAPS_MAX], len, bytes;
	struct bpf_prog_info info = { 0 };

	if (fd < 0)
		return XDP_REDIRECTS_UNKNOWN;
	info.nr_map_ids = MAPS_MAX;
	info.map_ids = (uintptr_t)maps;
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return XDP_REDIRECTS_UNKNOWN;
	bytes = info.xlated_prog_len;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		if (map_redirects(maps[i]))
			return XDP_REDIRECTS_YES;
	return calls_redirect(fd, bytes);
}

enum xdp_redirects xdp_redirects(uint32_t prog_id)
{
	uint32_t link = 0;
	enum xdp_redirects worst = program_redirects(prog_id);

	while (worst != XDP_REDIRECTS_YES && !bpf_link_get_next_id(link, &link)) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(link);
		struct bpf_link_info info = { 0 };
		uint32_t len = sizeof(info);
		enum xdp_redirects r;

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ||
		    info.type != BPF_LINK_TYPE_TRACING || info.tracing.target_obj_id != prog_id)
			continue;
		r = program_redirects(info.prog_id);
		if (r != XDP_REDIRECTS_NO)
			worst = r;
	}
	return worst;
}
