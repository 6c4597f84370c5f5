/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xlated.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/def.h"

/* ---- what the kernel tells ------------------------------------------------------ */

static void name_functions(struct xlated *x, const struct bpf_func_info *info)
{
	x->function = xcalloc(x->functions, sizeof(*x->function));
	for (uint32_t i = 0; i < x->functions; i++) {
		const struct btf_type *t = btf__type_by_id(x->btf, info[i].type_id);

		cr_assert(t);
		x->function[i] = (struct xlated_function){
			.name = btf__name_by_offset(x->btf, t->name_off),
			.from = info[i].insn_off,
			.to = i + 1 < x->functions ? info[i + 1].insn_off : x->n,
		};
	}
}

void xlated_load(int fd, struct xlated *ret)
{
	struct bpf_prog_info size = { 0 }, info = { 0 };
	struct bpf_func_info *functions;
	struct xlated x = { 0 };
	uint32_t len = sizeof(size);

	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &size, &len), 0);
	cr_assert(size.xlated_prog_len && size.nr_func_info && size.nr_line_info && size.btf_id,
		  "the kernel does not tell this program");
	info.xlated_prog_len = size.xlated_prog_len;
	info.nr_func_info = size.nr_func_info;
	info.nr_line_info = size.nr_line_info;
	info.func_info_rec_size = sizeof(*functions);
	info.line_info_rec_size = sizeof(*x.line);
	x.insn = xcalloc(1, size.xlated_prog_len);
	x.line = xcalloc(size.nr_line_info, sizeof(*x.line));
	functions = xcalloc(size.nr_func_info, sizeof(*functions));
	info.xlated_prog_insns = (uintptr_t)x.insn;
	info.line_info = (uintptr_t)x.line;
	info.func_info = (uintptr_t)functions;
	len = sizeof(info);
	cr_assert_eq(bpf_obj_get_info_by_fd(fd, &info, &len), 0, "%s", strerror(errno));
	cr_assert(info.xlated_prog_insns, "instructions are shown to the administrator only");
	x.n = info.xlated_prog_len / sizeof(*x.insn);
	x.lines = info.nr_line_info;
	x.functions = info.nr_func_info;
	x.btf = btf__load_from_kernel_by_id(size.btf_id);
	cr_assert(x.btf);
	name_functions(&x, functions);
	free(functions);
	*ret = x;
}

void xlated_free(struct xlated *x)
{
	btf__free(x->btf);
	free(x->function);
	free(x->line);
	free(x->insn);
}

const struct xlated_function *xlated_function(const struct xlated *x, const char *name)
{
	for (uint32_t i = 0; i < x->functions; i++)
		if (!strcmp(x->function[i].name, name))
			return &x->function[i];
	cr_assert_fail("the program has no function %s", name);
	return NULL;
}

const char *xlated_line(const struct xlated *x, uint32_t i)
{
	const char *text = "";

	for (uint32_t n = 0; n < x->lines && x->line[n].insn_off <= i; n++)
		text = btf__name_by_offset(x->btf, x->line[n].line_off);
	return text;
}

/* ---- names ------------------------------------------------------------------------ */

/* By name, or if `want` is NULL by address; the other one is returned. */
static bool kernel_symbol(const char *want, uint64_t *addr, char *ret, size_t size)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256], type;
	bool found = false;
	uint64_t at;

	cr_assert(f);
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &at, &type, name) != 3)
			continue;
		found = want ? !strcmp(name, want) : at == *addr;
		if (found && want)
			*addr = at;
		else if (found)
			snprintf(ret, size, "%s", name);
	}
	fclose(f);
	return found;
}

/* A helper's place is told by how far it is from the first. */
static void helper_name(int32_t imm, char *ret, size_t size)
{
	static struct {
		int32_t imm;
		char name[64];
	} known[64];
	static uint64_t base;
	static size_t n;
	uint64_t at;

	for (size_t i = 0; i < n; i++)
		if (known[i].imm == imm) {
			snprintf(ret, size, "%s", known[i].name);
			return;
		}
	if (!base)
		cr_assert(kernel_symbol("__bpf_call_base", &base, NULL, 0) && base,
			  "the kernel does not show its symbols");
	at = base + (uint64_t)(int64_t)imm;
	if (!kernel_symbol(NULL, &at, ret, size))
		snprintf(ret, size, "kernel function at %" PRIx64, at);
	if (n == ARRAY_SIZE(known))
		return;
	known[n].imm = imm;
	snprintf(known[n++].name, sizeof(known[0].name), "%s", ret);
}

static bool is_ld64(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

bool xlated_calls(const struct xlated *x, uint32_t i, char *ret, size_t size)
{
	const struct bpf_insn *insn = &x->insn[i];

	if (is_ld64(insn) && insn->src_reg == BPF_PSEUDO_FUNC) {
		snprintf(ret, size, "a function to be called back");
		return true;
	}
	if (!is_call(insn))
		return false;
	switch (insn->src_reg) {
	case BPF_PSEUDO_CALL: /* imm: which one; off: how far it is, if that fits */
		cr_assert_lt((uint32_t)insn->imm, x->functions);
		snprintf(ret, size, "%s", x->function[insn->imm].name);
		return true;
	case BPF_PSEUDO_KFUNC_CALL:
		snprintf(ret, size, "kernel function %d", insn->imm);
		return true;
	default:
		helper_name(insn->imm, ret, size);
		return true;
	}
}

int xlated_map(const struct xlated *x, uint32_t i)
{
	const struct bpf_insn *insn = &x->insn[i];
	int fd;

	if (!is_ld64(insn) ||
	    (insn->src_reg != BPF_PSEUDO_MAP_FD && insn->src_reg != BPF_PSEUDO_MAP_VALUE))
		return -1;
	fd = bpf_map_get_fd_by_id((uint32_t)insn->imm);
	cr_assert_geq(fd, 0);
	return fd;
}

/* ---- ways ---------------------------------------------------------------------------- */

/* How many instructions may follow this one. */
static unsigned int followers(const struct xlated *x, uint32_t i, uint32_t ret[2])
{
	const struct bpf_insn *insn = &x->insn[i];
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	ret[0] = i + 1;
	if (is_ld64(insn))
		ret[0] = i + 2;
	if ((class != BPF_JMP && class != BPF_JMP32) || op == BPF_CALL)
		return 1;
	if (op == BPF_EXIT)
		return 0;
	ret[1] = i + 1 + (uint32_t)(int32_t)insn->off;
	if (op != BPF_JA)
		return 2;
	ret[0] = class == BPF_JMP32 ? i + 1 + (uint32_t)insn->imm : ret[1];
	return 1;
}

bool *xlated_set(const struct xlated *x)
{
	return xcalloc(x->n, sizeof(bool));
}

void xlated_onward(const struct xlated *x, const struct xlated_function *f, const bool *stop,
		   bool *set)
{
	bool more = true;
	uint32_t to[2];

	while (more) {
		more = false;
		for (uint32_t i = f->from; i < f->to; i++)
			for (unsigned int k = set[i] && !(stop && stop[i]) ? followers(x, i, to)
									   : 0;
			     k; k--) {
				cr_assert(to[k - 1] >= f->from && to[k - 1] < f->to);
				more |= !set[to[k - 1]];
				set[to[k - 1]] = true;
			}
	}
}

void xlated_back(const struct xlated *x, const struct xlated_function *f, bool *set)
{
	bool more = true;
	uint32_t to[2];

	while (more) {
		more = false;
		for (uint32_t i = f->to; i-- > f->from;)
			for (unsigned int k = set[i] ? 0 : followers(x, i, to); k && !set[i]; k--)
				more |= set[i] = set[to[k - 1]];
	}
}
