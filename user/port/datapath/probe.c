/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "port/datapath/probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include "base/buf.h"
#include "base/def.h"
#include "curfew/config.h"
#include "port/datapath/datapath.h"

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

/*
 * The smallest program that reads memory that a packet points at, as bpf/own_ct.h does. The
 * functions that it calls become no calls.
 */
static bool may_read(const struct btf *kernel)
{
	int cast = btf__find_by_name_kind(kernel, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC);
	int take = btf__find_by_name_kind(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC);
	int words = btf__find_by_name_kind(kernel, "in6_addr", BTF_KIND_STRUCT);
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = cast },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = words },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = take },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	if (cast <= 0 || take <= 0 || words <= 0)
		return false;
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "probe", "GPL", code, ARRAY_SIZE(code), NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct ct_facts probe_conntrack(void)
{
	struct kfuncs k = { .btf_fd = -1 };
	struct ct_facts f = { false, false };
	struct btf *kernel, *module = NULL;

	if (!probe_conntrack_loaded())
		return f;
	kernel = btf__load_vmlinux_btf();
	f.look_up = find(kernel, &k);
	if (!f.look_up && kernel) {
		k.btf_fd = module_btf();
		module = k.btf_fd < 0 ? NULL : btf__load_module_btf(MODULE, kernel);
		f.look_up = find(module, &k);
	}
	f.look_up = f.look_up && may_call(&k);
	f.own = f.look_up && may_read(kernel);
	close_p(&k.btf_fd);
	btf__free(module);
	btf__free(kernel);
	return f;
}

/* ---- what is loaded ------------------------------------------------------ */

/* Where a program's constants have its `cfg`, by the map's type information; -1: not found. */
static int64_t config_at(const struct bpf_map_info *map)
{
	struct btf *btf = btf__load_from_kernel_by_id(map->btf_id);
	const struct btf_type *t = btf ? btf__type_by_id(btf, map->btf_value_type_id) : NULL;
	int64_t at = -1;

	for (uint32_t i = 0; t && btf_is_datasec(t) && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *var = btf_var_secinfos(t) + i;
		const struct btf_type *v = btf__type_by_id(btf, var->type);

		if (v && !strcmp(btf__name_by_offset(btf, v->name_off), "cfg") &&
		    var->size == sizeof(struct cf_config))
			at = var->offset;
	}
	btf__free(btf);
	return at;
}

static bool constants_say(int fd)
{
	struct bpf_map_info map = { 0 };
	uint32_t len = sizeof(map), zero = 0;
	_cleanup_free_ uint8_t *value = NULL;
	struct cf_config config;
	int64_t at;

	if (bpf_obj_get_info_by_fd(fd, &map, &len) || !map.btf_id || !strstr(map.name, ".rodata"))
		return false;
	at = config_at(&map);
	value = xcalloc(1, map.value_size);
	if (at < 0 || bpf_map_lookup_elem(fd, &zero, value))
		return false;
	memcpy(&config, value + at, sizeof(config));
	return config.have_ct;
}

bool datapath_hook_conntrack(const struct hook *h)
{
	uint32_t ids[64], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (uintptr_t)ids, .nr_map_ids = ARRAY_SIZE(ids) };
	_cleanup_close_ int prog = h->prog_id ? bpf_prog_get_fd_by_id(h->prog_id) : -1;
	bool says = false;

	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &len))
		return false;
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids) && !says; i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(ids[i]);

		says = fd >= 0 && constants_say(fd);
	}
	return says;
}
