/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quota ledger, from what is on record of it: by programs, since packets charge it meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "admin.skel.h"
#include "core/ledger/quota_store.h"
#include "curfew/admin.h"
#include "port/datapath/priv.h"

static bool run(struct bpf_program *prog, void *arg, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arg, .ctx_size_in = (__u32)size);

	return !bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

/* Before the generation that needs it has made it. */
static void make_shared(struct datapath *dp, const struct cf_quota_spec *q)
{
	struct cf_quota_state st = { 0 };

	memcpy(st.policy, q->policy, sizeof(st.policy));
	bpf_map_update_elem(dp_map_fd(dp, "quotas_shared"), &q->id, &st, BPF_NOEXIST);
}

static int restore_cell(struct datapath *dp, const struct quota_record *r)
{
	struct admin_bpf *admin = dp->admin;
	bool all = r->key.asn == CF_CELL_ALL;
	struct cf_restore arg = {
		.key = r->key,
		.used_bytes = r->used_bytes,
		.period_minute = r->period_minute,
	};
	int e = datapath_cells_make(dp, r->key.quota, quota_cell_seed(&r->key));

	if (e < 0)
		return e;
	for (uint32_t i = 0; i < (all ? CF_CELLS : 1); i++) {
		if (all)
			arg.key.asn = i;
		if (!run(admin->progs.restore_quota, &arg, sizeof(arg)))
			return -errno;
		if (arg.done != CF_RESTORED_ADDED)
			return -ESTALE;
	}
	return 0;
}

int datapath_quota_restore(struct datapath *dp, const struct cf_quota_spec *q,
			   const struct quota_record *r)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_restore arg = {
		.key = r->key,
		.used_bytes = r->used_bytes,
		.period_minute = r->period_minute,
		.reported = r->reported,
		.latched = r->latched && q->drop_bytes != UINT64_MAX,
	};

	if (r->key.kind == CF_KEY_CELL)
		return restore_cell(dp, r);
	memcpy(arg.policy, q->policy, sizeof(arg.policy));
	/* where there is no room for its entry, that is noted in its cells */
	if (cells_make_fresh(dp, q->id) < 0)
		return -errno;
	if (r->key.kind == CF_KEY_OVERFLOW)
		make_shared(dp, q);
	if (!run(admin->progs.restore_quota, &arg, sizeof(arg)))
		return -errno;
	switch (arg.done) {
	case CF_RESTORED_ADDED:
		return 0;
	case CF_RESTORED_FULL:
		return -ENOSPC;
	default:
		return -EAGAIN;
	}
}

bool datapath_quota_keep(struct datapath *dp, const struct cf_quota_key *key,
			 uint32_t period_minute, uint64_t keep_bytes)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_keep arg = { .key = *key,
			       .keep_bytes = keep_bytes,
			       .period_minute = period_minute };

	return run(admin->progs.keep_quota, &arg, sizeof(arg)) && arg.done;
}

bool datapath_quota_restamp(struct datapath *dp, const struct cf_quota_key *key, uint32_t from,
			    uint32_t to)
{
	struct admin_bpf *admin = dp->admin;
	struct cf_restamp arg = { .key = *key, .from_minute = from, .to_minute = to };

	return run(admin->progs.restamp_quota, &arg, sizeof(arg)) && arg.done;
}
