/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map `devices`: who has which row (`device_rows`), and what is in it. */
#include <errno.h>
#include <string.h>

#include "admin.skel.h"
#include "port/datapath/priv.h"

static void add(struct cf_device_count *sum, const struct cf_device_count *c)
{
	sum->packets += c->packets;
	sum->len_bytes += c->len_bytes;
	sum->wire_bytes += c->wire_bytes;
	sum->dropped_packets += c->dropped_packets;
	sum->dropped_len_bytes += c->dropped_len_bytes;
	sum->dropped_wire_bytes += c->dropped_wire_bytes;
}

static int row_read(const struct datapath *dp, uint32_t row, struct cf_device_count *ret)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	struct cf_device_count sum = { 0 }, *v;

	if (cpus < 0)
		return cpus;
	v = xcalloc((size_t)cpus, sizeof(*v));
	if (bpf_map_lookup_elem(dp_map_fd(dp, "devices"), &row, v) < 0)
		r = -errno;
	for (int c = 0; c < cpus && !r; c++)
		add(&sum, &v[c]);
	free(v);
	if (!r)
		*ret = sum;
	return r;
}

/* Adds a row that nobody counts in any more to what is of devices that are gone. */
static int row_empty(struct datapath *dp, uint32_t row)
{
	int cpus = libbpf_num_possible_cpus(), fd = dp_map_fd(dp, "devices"), r;
	uint32_t gone = CF_DEVICE_GONE;
	struct cf_device_count *v;

	if (cpus < 0)
		return cpus;
	/* those that found its number here before it was taken away */
	r = dp_grace_period(dp);
	v = xcalloc(2 * (size_t)cpus, sizeof(*v));
	if (!r &&
	    (bpf_map_lookup_elem(fd, &row, v) < 0 || bpf_map_lookup_elem(fd, &gone, v + cpus) < 0))
		r = -errno;
	for (int c = 0; c < cpus; c++)
		add(&v[cpus + c], &v[c]);
	memset(v, 0, (size_t)cpus * sizeof(*v));
	if (!r && (bpf_map_update_elem(fd, &gone, v + cpus, BPF_ANY) < 0 ||
		   bpf_map_update_elem(fd, &row, v, BPF_ANY) < 0))
		r = -errno;
	free(v);
	return r;
}

static volatile uint16_t *rows(const struct datapath *dp)
{
	return ((struct admin_bpf *)dp->admin)->data_device_rows->device_rows;
}

/* One of a device that is ours no longer; OTHERS: there is none. */
static uint16_t row_take_back(struct datapath *dp)
{
	int fd = dp_map_fd(dp, "ifaces");

	for (uint32_t i = 0; i < CF_IF_MAX; i++) {
		uint16_t row = rows(dp)[i];
		struct cf_iface v;

		if (row < CF_DEVICE_FIRST || bpf_map_lookup_elem(fd, &i, &v) < 0 ||
		    (v.ifindex && !(v.flags & CF_IF_UPPER)))
			continue;
		rows(dp)[i] = CF_DEVICE_OTHERS;
		if (!row_empty(dp, row))
			return row;
	}
	return CF_DEVICE_OTHERS;
}

/* One that nobody ever had, if there is one. */
void device_row_have(struct datapath *dp, uint32_t ifindex)
{
	volatile uint16_t *own = &rows(dp)[CF_IF_INDEX(ifindex)];
	bool taken[CF_DEVICE_ROWS] = { false };
	uint16_t row = CF_DEVICE_FIRST;

	if (*own)
		return;
	for (uint32_t i = 0; i < CF_IF_MAX; i++)
		taken[rows(dp)[i] % CF_DEVICE_ROWS] = true;
	while (row < CF_DEVICE_ROWS && taken[row])
		row++;
	*own = row < CF_DEVICE_ROWS ? row : row_take_back(dp);
}

int datapath_device(struct datapath *dp, uint32_t ifindex, struct cf_device_count *ret)
{
	uint16_t row = rows(dp)[CF_IF_INDEX(ifindex)];

	return row < CF_DEVICE_FIRST ? -ENOENT : row_read(dp, row, ret);
}

int datapath_devices(struct datapath *dp, struct cf_device_count *ret)
{
	struct cf_device_count sum = { 0 }, row;
	int r = 0;

	for (uint32_t i = 0; i < CF_DEVICE_ROWS && !r; i++) {
		r = row_read(dp, i, &row);
		if (!r)
			add(&sum, &row);
	}
	if (!r)
		*ret = sum;
	return r;
}
