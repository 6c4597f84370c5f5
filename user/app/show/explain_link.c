/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "app/show/explain_link.h"

#include <stdio.h>
#include <string.h>

static bool mac_parse(const char *text, uint8_t ret[6])
{
	unsigned int b[6];
	char more;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &more) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return true;
}

static bool vlan_parse(const char *text, uint16_t *ret)
{
	unsigned int n;
	char more;

	if (sscanf(text, "%4u%c", &n, &more) != 1 || n >= CF_VLANS)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static void ask_neighbours(struct daemon *d, struct question *q)
{
	const struct neigh *n = neigh_by_addr(books_neighbours(d), &q->src.addr);
	char name[IFNAMSIZ] = "";

	if (!n)
		return;
	if (!q->src.has_mac)
		memcpy(q->src.mac, n->mac, sizeof(q->src.mac));
	q->src.has_mac = true;
	if (!q->interface[0] && if_indextoname(n->ifindex, name))
		memcpy(q->interface, name, sizeof(q->interface));
}

int link_parse(struct daemon *d, const json_t *args, struct question *q, char **ret_error)
{
	const char *mac = json_get_text(args, "mac"), *vlan = json_get_text(args, "vlan");
	const char *interface = json_get_text(args, "interface");

	if (mac && !mac_parse(mac, q->src.mac))
		return request_fail(ret_error, EXIT_USAGE,
				    "'%s' is not a MAC address; 00:11:22:33:44:55 is", mac);
	q->src.has_mac = mac;
	if (vlan && !vlan_parse(vlan, &q->vlan))
		return request_fail(ret_error, EXIT_USAGE, "'%s' is not a VLAN number", vlan);
	if (interface)
		snprintf(q->interface, sizeof(q->interface), "%s", interface);
	ask_neighbours(d, q);
	return 0;
}

void link_of(const struct question *q, struct image_packet *ret)
{
	ret->has_mac = q->src.has_mac;
	memcpy(ret->mac, q->src.mac, sizeof(ret->mac));
	ret->interface = q->interface[0] ? q->interface : NULL;
	ret->vlan = q->vlan;
}

void link_narrow(const struct image *img, const struct question *q, struct cf_row *about)
{
	struct image_packet p = { .from = q->src.from, .src = q->src.addr };

	if (!q->src.has_mac || !q->interface[0] || (img->facets.vlan_classes > 1 && !q->vlan))
		return;
	link_of(q, &p);
	*about = image_without_others(img, &p, about);
}

void link_undetermined(const struct image *img, const struct question *q, json_t *list)
{
	if (q->src.from != CF_FROM_INSIDE)
		return;
	if (img->facets.mac_classes > 1 && !q->src.has_mac)
		json_array_append_new(list, json_string("mac"));
	if (img->facets.interface_classes > 1 && !q->interface[0])
		json_array_append_new(list, json_string("interface"));
}
