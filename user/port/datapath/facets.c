/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table `if_classes`: which class a device's packets are of. Rules name
 * interfaces; the programs see numbers, and devices come and go. Unlike a
 * generation's other tables it is written again whenever they do, before a hook
 * is attached to one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "port/datapath/plan.h"

void facets_keep(struct generation *g, const struct image *img)
{
	size_t size = img->interfaces.n * sizeof(*img->interfaces.v);

	g->interfaces = xcalloc(1, size + 1);
	if (size)
		memcpy(g->interfaces, img->interfaces.v, size);
}

static uint16_t class_named(const struct generation *g, const char *name)
{
	for (uint32_t i = 0; i + 1 < g->config.facets.interface_classes; i++)
		if (!strcmp(g->interfaces[i].name, name))
			return (uint16_t)(i + 1);
	return 0;
}

/* A port may be hooked in its bridge's place. */
static uint16_t class_of(const struct generation *g, const struct plan *p, const struct device *d)
{
	uint16_t class = 0;

	for (int depth = 0; d && !class && depth < DEVICE_DEPTH_MAX; depth++) {
		class = class_named(g, d->name);
		d = device_find(&p->devices, d->master);
	}
	return class;
}

/* The tag that a packet had on the wire: the outer one, where VLANs are stacked. */
static uint16_t vlan_of(const struct plan *p, const struct device *d)
{
	uint16_t vlan = 0;

	for (int depth = 0; d && device_is(d, "vlan") && depth < DEVICE_DEPTH_MAX; depth++) {
		vlan = d->vlan;
		d = device_find(&p->devices, d->lower);
	}
	return vlan;
}

int facets_devices(const struct generation *g, const struct plan *p, struct why *why)
{
	struct bpf_object *obj = generation_object(g);
	size_t size = CF_IF_MAX * sizeof(struct cf_if_class);
	_cleanup_free_ struct cf_if_class *next = NULL;
	volatile uint64_t *table;
	int fd;

	if (!facets_of_devices(&g->config.facets))
		return 0;
	fd = obj ? bpf_object__find_map_fd_by_name(obj, "if_classes") : -1;
	table = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		return why_set(why, fd < 0 ? -ENOENT : -errno, "the classes of interfaces: %s",
			       strerror(fd < 0 ? ENOENT : errno));
	next = xcalloc(1, size);
	for (size_t i = 0; i < p->devices.n; i++) {
		const struct device *d = &p->devices.v[i];
		struct cf_if_class c = {
			.ifindex = d->ifindex,
			.interface_class = class_of(g, p, d),
			.vlan = vlan_of(p, d),
		};

		/* `ifaces` refuses two hooked devices at one place; the others need none */
		if (c.interface_class || c.vlan)
			next[CF_IF_INDEX(d->ifindex)] = c;
	}
	/* each at once: the programs read them meanwhile */
	for (size_t i = 0; i < CF_IF_MAX; i++) {
		uint64_t word;

		memcpy(&word, &next[i], sizeof(word));
		if (table[i] != word)
			table[i] = word;
	}
	munmap((void *)table, size);
	return 0;
}
