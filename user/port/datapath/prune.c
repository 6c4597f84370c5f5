/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of quotas, rates and holds have in common when those that are over go. */
#include "port/datapath/priv.h"

const struct cf_quota_spec *prune_quota(const struct image *img, uint32_t id)
{
	for (size_t i = 0; i < img->quotas.n; i++)
		if (img->quotas.v[i].id == id)
			return &img->quotas.v[i];
	return NULL;
}

size_t prune_retired(struct datapath *dp, const char *map, struct key_list *gone)
{
	int fd = dp_map_fd(dp, map);
	size_t n = gone->n;

	if (n)
		dp_grace_period(dp);
	for (size_t i = 0; i < n; i++)
		bpf_map_delete_elem(fd, &gone->v[i]);
	key_list_done(gone);
	return n;
}

void prune_shared(struct datapath *dp, const struct image *img, const char *map, const char *beside)
{
	uint32_t ids[4 * CF_QUOTAS_MAX], n = 0, id;
	int fd = dp_map_fd(dp, map);
	const void *last = NULL;

	while (n < ARRAY_SIZE(ids) && !bpf_map_get_next_key(fd, last, &id)) {
		last = &id;
		if (!prune_quota(img, id))
			ids[n++] = id;
	}
	while (n) {
		n--;
		if (beside)
			bpf_map_delete_elem(dp_map_fd(dp, beside), &ids[n]);
		bpf_map_delete_elem(fd, &ids[n]);
	}
}

void key_list_done(struct key_list *l)
{
	free(l->v);
	*l = (struct key_list){ 0 };
}
