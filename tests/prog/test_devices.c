/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of `devices`: what a hook was offered is counted, whoever has a row of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <net/if.h>

#include "prog_help.h"

#define OBSERVE  "outside wan0\ninside lan0, lan1, lan2\nmode observe\n"
#define PINS     "/sys/fs/bpf/curfew/"
#define LOOPBACK 1 /* what test-run says a packet of TC has come in by */
#define ABSENT   1000

static const struct hook_want wants[] = {
	{ "lan0", CF_IF_INSIDE, XDP_AUTO },
	{ "lan1", CF_IF_INSIDE, XDP_NEVER },
	{ "lan2", CF_IF_INSIDE, XDP_NEVER },
	{ "wan0", CF_IF_OUTSIDE, XDP_AUTO },
};

struct rows {
	uint16_t of[CF_IF_MAX];
};

static void rows_read(struct rows *ret)
{
	uint32_t zero = 0;
	int fd = bpf_obj_get(PINS "device_rows");

	cr_assert_eq(bpf_map_lookup_elem(fd, &zero, ret), 0);
	close(fd);
}

static void rows_write(const struct rows *rows)
{
	uint32_t zero = 0;
	int fd = bpf_obj_get(PINS "device_rows");

	cr_assert_eq(bpf_map_update_elem(fd, &zero, rows, BPF_ANY), 0);
	close(fd);
}

/* All rows that are left go to devices that are not there; `ours`: they pass for hooked ones. */
static void take_all_rows(struct rows *rows, bool ours)
{
	bool taken[CF_DEVICE_ROWS] = { false };
	int fd = bpf_obj_get(PINS "ifaces");
	uint32_t i = ABSENT;

	for (uint32_t k = 0; k < CF_IF_MAX; k++)
		taken[rows->of[k]] = true;
	for (uint16_t row = CF_DEVICE_FIRST; row < CF_DEVICE_ROWS; row++) {
		struct cf_iface face = { .ifindex = i, .role = CF_IF_INSIDE };

		if (taken[row])
			continue;
		if (ours)
			cr_assert_eq(bpf_map_update_elem(fd, &i, &face, BPF_ANY), 0);
		rows->of[i++] = row;
	}
	rows_write(rows);
	close(fd);
}

static void packets(struct rig *r, int n)
{
	struct frame_spec spec = { "10.0.0.5", "203.0.113.1", 6, 1, 443, 1000 };

	rig_repeat(r, RIG_INSIDE_TC, &spec, n);
}

static uint64_t all_packets(struct rig *r)
{
	struct cf_device_count all;

	cr_assert_eq(datapath_devices(r->dp, &all), 0);
	return all.packets;
}

static uint64_t packets_of(struct rig *r, uint32_t ifindex)
{
	struct cf_device_count c;

	cr_assert_eq(datapath_device(r->dp, ifindex, &c), 0);
	return c.packets;
}

static uint32_t cover_one_more(struct rig *r)
{
	struct why why = { "" };

	cr_assert_eq(system("ip link add lan2 type veth peer name host2"), 0);
	cr_assert_eq(datapath_cover(r->dp, wants, ARRAY_SIZE(wants), &why), 0, "%s", why.text);
	return if_nametoindex("lan2");
}

Test(devices, each_that_is_hooked_has_a_row)
{
	static struct rows rows;
	uint16_t inside, outside;
	struct rig r;

	rig_setup(&r, OBSERVE, NULL);
	rows_read(&rows);
	inside = rows.of[CF_IF_INDEX(r.inside_ifindex)];
	outside = rows.of[CF_IF_INDEX(r.outside_ifindex)];
	cr_assert_geq(inside, CF_DEVICE_FIRST);
	cr_assert_geq(outside, CF_DEVICE_FIRST);
	cr_assert_neq(inside, outside);
}

/* Where all rows are taken, one of a device that is gone is given away; its packets stay counted.
 */
Test(devices, a_row_changes_hands_and_nothing_is_lost)
{
	static struct rows rows;
	struct cf_device_count none;
	struct rig r;
	uint32_t more;

	rig_setup(&r, OBSERVE, NULL);
	rows_read(&rows);
	rows.of[LOOPBACK] = 200;
	take_all_rows(&rows, false);
	packets(&r, 10);
	cr_assert_eq(packets_of(&r, LOOPBACK), 10);
	cr_assert_eq(all_packets(&r), 10);
	more = cover_one_more(&r);
	rows_read(&rows);
	cr_assert_eq(rows.of[CF_IF_INDEX(more)], 200);
	cr_assert_eq(packets_of(&r, more), 0);
	cr_assert_eq(datapath_device(r.dp, LOOPBACK, &none), -ENOENT);
	cr_assert_eq(all_packets(&r), 10);
	packets(&r, 5);
	cr_assert_eq(packets_of(&r, more), 0);
	cr_assert_eq(all_packets(&r), 15);
}

/* Where there is none, it is counted with others. */
Test(devices, one_without_a_row_is_counted_all_the_same)
{
	static struct rows rows;
	struct cf_device_count none;
	struct rig r;
	uint32_t more;

	rig_setup(&r, OBSERVE, NULL);
	rows_read(&rows);
	take_all_rows(&rows, true);
	more = cover_one_more(&r);
	cr_assert_eq(datapath_device(r.dp, more, &none), -ENOENT);
	packets(&r, 5);
	cr_assert_eq(all_packets(&r), 5);
}
