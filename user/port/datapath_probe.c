/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath_probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include "base/def.h"

#define MODULE "nf_conntrack"

bool probe_conntrack_loaded(void)
{
	return !access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) ||
	       !access("/sys/module/" MODULE, F_OK);
}

/* The module's type information, as the kernel wants it for a call into it; -ENOENT: it has none.
 */
static int module_btf(void)
{
	uint32_t id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		uint32_t len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, MODULE))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

struct kfuncs {
	int look_up, release; /* their ids */
	int btf_fd;           /* of the module they are in; -1: the kernel itself */
};

/*
 * Type information tells that the functions are there, only the verifier that
 * programs may call them: the smallest program that does.
 */
static bool may_call(const struct kfuncs *k)
{
	int fds[] = { 0, k->btf_fd };
	int16_t in = k->btf_fd < 0 ? 0 : 1;
	const struct bpf_insn code[] = {
		/* a tuple of 12 bytes and options of 12 */
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -8 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -16 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -24 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -32 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -16 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 12 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = -32 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 5, .imm = 12 },
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .off = in,
		  .imm = k->look_up },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 0 },
		{ .code = BPF_JMP | BPF_CALL,
		  .src_reg = BPF_PSEUDO_KFUNC_CALL,
		  .off = in,
		  .imm = k->release },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .fd_array = fds);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe", "GPL", code, ARRAY_SIZE(code),
			       &opts);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool find(const struct btf *btf, struct kfuncs *k)
{
	if (!btf)
		return false;
	k->look_up = btf__find_by_name_kind(btf, "bpf_skb_ct_lookup", BTF_KIND_FUNC);
	k->release = btf__find_by_name_kind(btf, "bpf_ct_release", BTF_KIND_FUNC);
	return k->look_up > 0 && k->release > 0;
}

bool probe_conntrack(void)
{
	struct kfuncs k = { .btf_fd = -1 };
	struct btf *kernel, *module = NULL;
	bool can;

	if (!probe_conntrack_loaded())
		return false;
	kernel = btf__load_vmlinux_btf();
	can = find(kernel, &k);
	if (!can && kernel) {
		k.btf_fd = module_btf();
		module = k.btf_fd < 0 ? NULL : btf__load_module_btf(MODULE, kernel);
		can = find(module, &k);
	}
	can = can && may_call(&k);
	close_p(&k.btf_fd);
	btf__free(module);
	btf__free(kernel);
	return can;
}
