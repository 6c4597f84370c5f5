/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map, and nothing else. The shared ones live as long as Curfew is
 * attached; a generation's tables are made anew with it, filled by the loader
 * and then only read. Sizes of 1 are set by the loader.
 */
#ifndef CURFEW_BPF_MAPS_H
#define CURFEW_BPF_MAPS_H

#include <curfew/abi.h>
#include <curfew/config.h>

#define EVENTS_BYTES (256 * 1024)

/* ---- shared ---------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(max_entries, CF_SEG_BUCKETS);
			__uint(key_size, sizeof(__u32));
			__uint(value_size,
			       sizeof(struct cf_bucket4)); /* its BTF is pruned this deep */
		});
} shards4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(max_entries, CF_SEG_BUCKETS);
			__uint(key_size, sizeof(__u32));
			__uint(value_size,
			       sizeof(struct cf_bucket6)); /* its BTF is pruned this deep */
		});
} shards6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CF_CPUS_MAX);
	__type(key, __u32);
	__type(value, struct cf_cpu_shard);
} cpu_shards SEC(".maps");

/* Where segments are, in the order in which they were made: the loader's, and `pairs`' guide. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CF_SEGMENTS);
	__type(key, __u32);
	__type(value, struct cf_segment_place);
} segment_places SEC(".maps");

/* By CPU, for those that have a shard: what sources have begun there of late; see share_take(). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CF_CPUS_MAX);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, CF_SHARES);
			__type(key, __u32);
			__type(value, __u64);
		});
} shares SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct cf_overflow_key);
	__type(value, struct cf_traffic);
} overflow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CF_HOOK_MAX);
	__type(key, __u32);
	__type(value, struct cf_recycled);
} recycled SEC(".maps");

/* What not even `overflow` had room for, by hook; and, last, events lost. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CF_LOSS_MAX);
	__type(key, __u32);
	__type(value, struct cf_traffic);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CF_HOOK_MAX *CF_REASON_MAX);
	__type(key, __u32);
	__type(value, struct cf_reason_count);
} reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CF_HOOK_MAX *CF_NOTE_MAX);
	__type(key, __u32);
	__type(value, struct cf_note_count);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CF_TUNNELS_MAX);
	__type(key, struct cf_tunnel_key);
	__type(value, struct cf_tunnel);
} tunnels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CF_DEVICE_ROWS);
	__type(key, __u32);
	__type(value, struct cf_device_count);
} devices SEC(".maps");

/*
 * The row in `devices` of each interface, index CF_IF_INDEX(ifindex). A variable, since that takes
 * a third of the instructions of a look-up, for each packet. Pinned as `device_rows`.
 */
volatile __u16 device_rows[CF_IF_MAX] SEC(".data.device_rows");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_IF_MAX);
	__type(key, __u32);
	__type(value, struct cf_iface);
} ifaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CF_COVERAGE_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct cf_coverage_key);
	__type(value, struct cf_coverage);
} coverage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct cf_quota_key);
	__type(value, struct cf_quota_state);
} quotas SEC(".maps");

/* By rule id: allows by hand that end by what they have let pass. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CF_ALLOWED_MAX);
	__type(key, __u32);
	__type(value, struct cf_allowed);
} allowed SEC(".maps");

/* By quota id: for the keys that found `quotas` full. A map of its own, so that there is room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * CF_QUOTAS_MAX);
	__type(key, __u32);
	__type(value, struct cf_quota_state);
} quotas_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4 * CF_QUOTAS_MAX);
	__type(key, __u32);
	__type(value, struct cf_quota_spill);
} quotas_spilled SEC(".maps");

/* By the same keys: rates. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct cf_quota_key);
	__type(value, struct cf_rate_state);
} rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * CF_QUOTAS_MAX);
	__type(key, __u32);
	__type(value, struct cf_rate_state);
} rates_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_MAKERS);
	__type(key, __u32);
	__type(value, __u64);
} makers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_MAKERS);
	__type(key, __u32);
	__type(value, __u64);
} holders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_OWNERS);
	__type(key, __u32);
	__type(value, __u64);
} owners SEC(".maps");

/* Keys that are dropped for a time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CF_HELD_MAX);
	__type(key, struct cf_quota_key);
	__type(value, struct cf_hold);
} held SEC(".maps");

/* Sources in quarantine. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CF_QUARANTINES_MAX);
	__type(key, struct cf_quota_key);
	__type(value, struct cf_hold);
} quarantined SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cf_control);
} control SEC(".maps");

/* Written by the daemon for people; no program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct cf_destination_key);
	__type(value, struct cf_destination);
} destinations SEC(".maps");

/* The same. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CF_IF_MAX);
	__type(key, __u32);
	__type(value, struct cf_baseline);
} baselines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} events SEC(".maps");

#define DROPS_BYTES (128 * 1024)
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DROPS_BYTES);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CF_DROP_CELLS);
	__type(key, __u32);
	__type(value, struct cf_drop_cell);
} drop_cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cf_drop_samples);
} drop_samples SEC(".maps");

/* ---- one generation's ------------------------------------------------- */

/*
 * Frozen by the loader once filled, but not BPF_F_RDONLY_PROG: of an array that
 * is both, the verifier wants to read constants at load time, and refuses
 * (ENOTSUPP) when it has more than one entry.
 */

#define TABLE(name, T)                                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, T);                                                                  \
	} name SEC(".maps")

TABLE(root4, struct cf_root4);
TABLE(range4, struct cf_range4);
TABLE(root6, struct cf_root6);
TABLE(node6, struct cf_node6);
TABLE(leaf6, struct cf_leaf6);
TABLE(deep6, struct cf_deep6);
TABLE(low6, struct cf_low6);
TABLE(labels, struct cf_label);
TABLE(dst_rows, struct cf_row);
TABLE(sources, struct cf_source_range);
TABLE(src_rows, struct cf_row);
TABLE(macs, struct cf_mac_range);
TABLE(vlan_classes, __u64); /* an array keeps eight bytes for less, too */
TABLE(src_cells, __u64);
TABLE(if_classes, struct cf_if_class); /* the one that changes: with the devices */
TABLE(services, struct cf_service_range);
TABLE(service_rows, struct cf_row);
TABLE(service_protocols, struct cf_service_protocol);
TABLE(rules, struct cf_rule);
TABLE(quota_specs, struct cf_quota_spec);
TABLE(segments, struct cf_segment);
TABLE(time_rows, struct cf_row);
TABLE(calendars, struct cf_calendar);
TABLE(edges, struct cf_edge);

#endif
