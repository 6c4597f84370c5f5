/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mmdb_damage_kinds.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* A good database of three networks, and where things are in it. */
size_t mmdb_damage_good(struct mm *m)
{
	size_t cn = mm_country(m, "CN");

	mm_put(m, "203.0.113.0/25", cn);
	mm_put(m, "198.51.100.0/24", mm_country(m, "DE"));
	mm_put(m, "2001:db8::/32", mm_country(m, "KE"));
	return cn;
}

static uint64_t *last_record(struct mm *m, const char *address, unsigned int bits)
{
	uint64_t mark = MM_RAW(0);

	mm_insert(m, address, bits, mark);
	for (size_t i = 0; i < m->nodes.n; i++)
		for (int side = 0; side < 2; side++)
			if (m->nodes.v[i].side[side] == mark)
				return &m->nodes.v[i].side[side];
	cr_assert_fail("no such record");
	return NULL;
}

/* ---- the tree --------------------------------------------------------- */

static void self_loop(struct mm *m)
{
	uint64_t *r;

	mmdb_damage_good(m);
	r = last_record(m, "8000::", 4);
	*r = (uint64_t)(((char *)r - (char *)m->nodes.v) / (ptrdiff_t)sizeof(*m->nodes.v));
}

static void to_the_root(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = 0;
}

static void shared_node(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = 5;
}

static void alias_at_a_wrong_place(struct mm *m)
{
	uint64_t root4 = 0;

	mmdb_damage_good(m);
	for (unsigned int i = 0; i < 96; i++)
		root4 = m->nodes.v[root4].side[0];
	*last_record(m, "8000::", 32) = root4;
}

static void below_the_last_bit(struct mm *m)
{
	mmdb_damage_good(m);
	mm_insert(m, "8000::", 128, m->nodes.n);
	*VEC_ADD(&m->nodes) = (struct mm_node){ { MM_NONE, MM_NONE } };
}

static void ipv4_deeper_than_32(struct mm *m)
{
	size_t cn;

	m->ip_version = 4;
	cn = mm_country(m, "CN");
	mm_put(m, "203.0.113.0/32", cn);
	*last_record(m, "203.0.113.1", 32) = m->nodes.n;
	*VEC_ADD(&m->nodes) = (struct mm_node){ { MM_DATA(cn), MM_NONE } };
}

static void beyond_the_file(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = MM_RAW(0xfffff0);
}

static void into_the_separator(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = MM_RAW(m->nodes.n + 5);
}

static void into_the_metadata(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = MM_DATA(m->data.n + 2);
}

static void just_beyond_the_data(struct mm *m)
{
	mmdb_damage_good(m);
	*last_record(m, "8000::", 4) = MM_DATA(m->data.n);
}

static void unreached_node(struct mm *m)
{
	mmdb_damage_good(m);
	*VEC_ADD(&m->nodes) = (struct mm_node){ { MM_NONE, MM_NONE } };
}

static void no_network(struct mm *m)
{
	mm_country(m, "CN");
	mm_insert(m, "8000::", 4, MM_NONE);
}

static void dirty_separator(struct mm *m)
{
	mmdb_damage_good(m);
	m->separator = 1;
}

/* ---- the metadata ----------------------------------------------------- */

static void one_node_more(struct mm *m)
{
	mmdb_damage_good(m);
	m->node_count = (unsigned int)m->nodes.n + 1;
}

static void one_node_less(struct mm *m)
{
	mmdb_damage_good(m);
	m->node_count = (unsigned int)m->nodes.n - 1;
}

static void far_too_many_nodes(struct mm *m)
{
	mmdb_damage_good(m);
	m->node_count = 0x7fffffff;
}

static void no_nodes(struct mm *m)
{
	mmdb_damage_good(m);
	m->node_count = UINT32_MAX;
}

static void format_3(struct mm *m)
{
	mmdb_damage_good(m);
	m->major = 3;
}

static void ip_version_5(struct mm *m)
{
	mmdb_damage_good(m);
	m->ip_version = 5;
}

static void records_of_25_bits(struct mm *m)
{
	mmdb_damage_good(m);
	m->record_size = 25;
}

static void records_of_28_bits_said_to_be_24(struct mm *m)
{
	mmdb_damage_good(m);
	m->bits = 28;
	m->record_size = 24;
}

static void records_of_24_bits_said_to_be_32(struct mm *m)
{
	mmdb_damage_good(m);
	m->record_size = 32;
}

static void ipv4_tree_said_to_be_ipv6(struct mm *m)
{
	m->ip_version = 4;
	mm_put(m, "203.0.113.0/25", mm_country(m, "CN"));
	m->ip_version = 6;
	m->node_count = 0;
	/* Its 24 levels end well above IPv4's place: read as 2^104 addresses each, but valid. */
	*last_record(m, "cb00:7180::", 25) = MM_RAW(m->nodes.n + 3);
}

/* A map whose two values point back, 40 levels deep: 2^40 values. */
static void metadata_bomb(struct mm *m)
{
	static struct buf bomb;
	static const char level[] = "\xe2\x41"
				    "a\x20?\x41"
				    "b\x20?";
	size_t base = 14 - 14;

	mmdb_damage_good(m);
	buf_done(&bomb);
	/* Where the description's value stands in the metadata. */
	base = 1 + 1 + 27 + 3 + 1 + 27 + 1 + 1 + 11 + 2 + 8 + 1 + 13 + 1 + 4 + 1 + 11;
	for (unsigned int i = 0; i < 40; i++) {
		char bytes[sizeof(level)];
		unsigned int next = (unsigned int)(base + (i + 1) * (sizeof(level) - 1));

		memcpy(bytes, level, sizeof(level));
		bytes[3] = bytes[7] = (char)(0x20 | next >> 8);
		bytes[4] = bytes[8] = (char)next;
		buf_add(&bomb, bytes, sizeof(level) - 1);
	}
	buf_add(&bomb, "\xe0", 1);
	m->extra = &bomb;
}

static void metadata_that_is_no_map(struct mm *m)
{
	static struct buf text;

	mmdb_damage_good(m);
	buf_done(&text);
	buf_puts(&text, "\x41x\x41y"); /* one value too many: keys and values change places */
	m->extra = &text;
}

/* ---- the data --------------------------------------------------------- */

static void with_data(struct mm *m, size_t at)
{
	mm_put(m, "203.0.113.0/24", at);
}

static void record_is_text(struct mm *m)
{
	with_data(m, mm_text(m, "CN"));
}

static void record_is_array(struct mm *m)
{
	with_data(m, mm_array(m, 0));
}

static void record_is_number(struct mm *m)
{
	with_data(m, mm_u32(m, 7));
}

static void pointer_out_of_the_data(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "country_code");
	mm_pointer(m, 100000);
	with_data(m, at);
}

static void pointer_to_a_pointer(struct mm *m)
{
	size_t text = mm_text(m, "CN"), pointer = mm_pointer(m, (uint32_t)text), at = mm_map(m, 1);

	mm_text(m, "country_code");
	mm_pointer(m, (uint32_t)pointer);
	with_data(m, at);
}

static void pointer_to_itself(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "country_code");
	mm_pointer(m, (uint32_t)m->data.n);
	with_data(m, at);
}

static void map_within_itself(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "country");
	mm_pointer(m, (uint32_t)at);
	with_data(m, at);
}

static void exponential_maps(struct mm *m)
{
	size_t below = mm_map(m, 0), at = below;

	for (unsigned int i = 0; i < 10; i++) {
		at = mm_array(m, 20);
		for (unsigned int k = 0; k < 20; k++)
			mm_pointer(m, (uint32_t)below);
		below = at;
	}
	at = mm_map(m, 1);
	mm_text(m, "x");
	mm_pointer(m, (uint32_t)below);
	with_data(m, at);
}

static void deeply_nested(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "x");
	for (unsigned int i = 0; i < 200000; i++)
		mm_array(m, 1);
	mm_map(m, 0);
	with_data(m, at);
}

static void key_is_a_number(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_u32(m, 7);
	mm_text(m, "CN");
	with_data(m, at);
}

static void text_beyond_the_end(struct mm *m)
{
	size_t at;

	/* So much before it that the length alone is no sign. */
	mm_text(m, "a text that nobody points to");
	at = mm_map(m, 1);
	mm_text(m, "country_code");
	mm_raw(m,
	       "\x5c"
	       "CN",
	       3);
	with_data(m, at);
}

static void map_of_millions(struct mm *m)
{
	size_t at = mm_raw(m, "\xff\xff\xff\xff", 4);

	mm_text(m, "country_code");
	with_data(m, at);
}

static void extended_type_zero(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "x");
	mm_raw(m, "\x00\x00", 2);
	with_data(m, at);
}

static void container_in_the_data(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "x");
	mm_raw(m, "\x00\x05", 2);
	with_data(m, at);
}

static void double_of_four_bytes(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "latitude");
	mm_raw(m, "\x64\0\0\0\0", 5);
	with_data(m, at);
}

static void number_of_five_bytes(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "asn");
	mm_raw(m, "\xc5\1\2\3\4\5", 6);
	with_data(m, at);
}

static void truth_of_two(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "is_eu");
	mm_raw(m, "\x02\x07", 2);
	with_data(m, at);
}

/* ---- sense ------------------------------------------------------------ */

static void nothing_we_know(struct mm *m)
{
	size_t at = mm_map(m, 1);

	mm_text(m, "favourite_colour");
	mm_text(m, "blue");
	with_data(m, at);
}

static void countries_that_cannot_be(struct mm *m)
{
	mmdb_damage_good(m);
	mm_put(m, "192.0.2.0/24", mm_country(m, "C\xff"));
}

static void latitude_of_95(struct mm *m)
{
	size_t at = mm_map(m, 3);

	mm_text(m, "country_code");
	mm_text(m, "DE");
	mm_text(m, "latitude");
	mm_double(m, 95);
	mm_text(m, "longitude");
	mm_double(m, 5);
	with_data(m, at);
}

static void latitude_not_a_number(struct mm *m)
{
	size_t at = mm_map(m, 3);

	mm_text(m, "country_code");
	mm_text(m, "DE");
	mm_text(m, "latitude");
	mm_raw(m, "\x68\x7f\xf8\0\0\0\0\0\0", 9);
	mm_text(m, "longitude");
	mm_double(m, 5);
	with_data(m, at);
}

static void asn_that_is_a_word(struct mm *m)
{
	size_t at = mm_map(m, 2);

	mm_text(m, "country_code");
	mm_text(m, "DE");
	mm_text(m, "asn");
	mm_text(m, "ASX");
	with_data(m, at);
}

static void name_with_an_escape(struct mm *m)
{
	size_t at = mm_map(m, 2);

	mm_text(m, "country_code");
	mm_text(m, "DE");
	mm_text(m, "city");
	mm_text(m, "\x1b[2J");
	with_data(m, at);
}

const struct mmdb_damage mmdb_damages[] = {
	{ "self_loop", self_loop, -ELOOP, "comes back" },
	{ "to_the_root", to_the_root, -ELOOP, "comes back" },
	{ "shared_node", shared_node, -ELOOP, "comes back" },
	{ "alias_at_a_wrong_place", alias_at_a_wrong_place, -ELOOP, "8000::/32" },
	{ "below_the_last_bit", below_the_last_bit, -ELOOP, "last bit" },
	{ "ipv4_deeper_than_32", ipv4_deeper_than_32, -ELOOP, "203.0.113.1" },
	{ "beyond_the_file", beyond_the_file, -ERANGE, "at 8000::/4" },
	{ "into_the_separator", into_the_separator, -ERANGE, "outside" },
	{ "into_the_metadata", into_the_metadata, -ERANGE, "outside" },
	{ "just_beyond_the_data", just_beyond_the_data, -ERANGE, "outside" },
	{ "unreached_node", unreached_node, -EUCLEAN, "1 of the tree's" },
	{ "no_network", no_network, -ENODATA, "no network" },
	{ "dirty_separator", dirty_separator, -EUCLEAN, "not zero" },
	{ "one_node_more", one_node_more, -EUCLEAN, "" },
	{ "one_node_less", one_node_less, 0, "" },
	{ "far_too_many_nodes", far_too_many_nodes, -EPROTO, "" },
	{ "no_nodes", no_nodes, -EPROTO, "" },
	{ "format_3", format_3, -EPROTO, "" },
	{ "ip_version_5", ip_version_5, -EPROTO, "" },
	{ "records_of_25_bits", records_of_25_bits, -EPROTO, "" },
	{ "records_of_28_bits_said_to_be_24", records_of_28_bits_said_to_be_24, 0, "" },
	{ "records_of_24_bits_said_to_be_32", records_of_24_bits_said_to_be_32, 0, "" },
	{ "ipv4_tree_said_to_be_ipv6", ipv4_tree_said_to_be_ipv6, -ERANGE, "" },
	{ "metadata_bomb", metadata_bomb, -EPROTO,
	  "the metadata is damaged: a record is nested too deeply" },
	{ "metadata_that_is_no_map", metadata_that_is_no_map, -EPROTO, "" },
	{ "record_is_text", record_is_text, -EPROTOTYPE, "203.0.113.0/24" },
	{ "record_is_array", record_is_array, -EPROTOTYPE, "not a map" },
	{ "record_is_number", record_is_number, -EPROTOTYPE, "not a map" },
	{ "pointer_out_of_the_data", pointer_out_of_the_data, -EBADMSG, "pointer" },
	{ "pointer_to_a_pointer", pointer_to_a_pointer, -EBADMSG, "pointer" },
	{ "pointer_to_itself", pointer_to_itself, -EBADMSG, "pointer" },
	{ "map_within_itself", map_within_itself, -EBADMSG, "deep" },
	{ "exponential_maps", exponential_maps, -EBADMSG, "many" },
	{ "deeply_nested", deeply_nested, -EBADMSG, "deep" },
	{ "key_is_a_number", key_is_a_number, -EBADMSG, "key" },
	{ "text_beyond_the_end", text_beyond_the_end, -EBADMSG, "beyond" },
	{ "map_of_millions", map_of_millions, -EBADMSG, "beyond" },
	{ "extended_type_zero", extended_type_zero, -EBADMSG, "type" },
	{ "container_in_the_data", container_in_the_data, -EBADMSG, "type" },
	{ "double_of_four_bytes", double_of_four_bytes, -EBADMSG, "size" },
	{ "number_of_five_bytes", number_of_five_bytes, -EBADMSG, "longer" },
	{ "truth_of_two", truth_of_two, -EBADMSG, "truth" },
	{ "nothing_we_know", nothing_we_know, -ENOMSG, "favourite_colour" },
	{ "countries_that_cannot_be", countries_that_cannot_be, -EDOM, "country_code: 'C\\xff'" },
	{ "latitude_of_95", latitude_of_95, -EDOM, "latitude: 95" },
	{ "latitude_not_a_number", latitude_not_a_number, -EDOM, "latitude: nan" },
	{ "asn_that_is_a_word", asn_that_is_a_word, -EDOM, "asn: 'ASX'" },
	{ "name_with_an_escape", name_with_an_escape, -EDOM, "\\x1b" },
};
const size_t mmdb_damage_count = ARRAY_SIZE(mmdb_damages);
