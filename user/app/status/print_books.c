/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books for people: whether they balance, and what went from hook to hook to device. */
#include <inttypes.h>

#include "app/show/show.h"
#include "app/status/status.h"
#include "base/units.h"

static json_int_t number(const json_t *v, const char *name)
{
	return json_integer_value(json_object_get(v, name));
}

/* ---- they balance ---------------------------------------------------------- */

static bool off(const json_t *books)
{
	return number(books, "difference_bytes") ||
	       number(json_object_get(books, "inside"), "difference_bytes") ||
	       number(json_object_get(books, "outside"), "difference_bytes");
}

static const char *exact(const json_t *v, const char *name, char buf[COUNT_TEXT_MAX])
{
	return count_format(json_get_count(v, name), buf);
}

static const char *const hooks[] = { "inside", "outside" };

static void print_off(const json_t *books)
{
	char a[COUNT_TEXT_MAX], b[COUNT_TEXT_MAX], c[COUNT_TEXT_MAX], d[COUNT_TEXT_MAX];

	printf("\nbooks       offered %s bytes, by reason %s, off by %lld\n",
	       exact(books, "offered_bytes", a), exact(books, "by_reason_bytes", b),
	       (long long)number(books, "difference_bytes"));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		const json_t *h = json_object_get(books, hooks[i]);

		printf("            %-8s judged %s = slots %s + given away %s + overflow %s, off by %lld\n",
		       hooks[i], exact(h, "judged_bytes", a), exact(h, "slots_bytes", b),
		       exact(h, "recycled_bytes", c), exact(h, "overflow_bytes", d),
		       (long long)number(h, "difference_bytes"));
	}
}

static uint64_t offered(const json_t *crossing, const char *hook)
{
	return json_get_count(json_object_get(json_object_get(crossing, hook), "offered"),
			      "wire_bytes");
}

static void print_books(const json_t *status)
{
	const json_t *books = json_object_get(status, "books");
	const json_t *recycled =
		json_object_get(json_object_get(status, "blind_spots"), "recycled");
	const json_t *crossing = json_object_get(status, "reconciliation");
	uint64_t pairs = 0;
	char in[UNITS_TEXT_MAX], out[UNITS_TEXT_MAX], used[COUNT_TEXT_MAX];

	if (!books)
		return;
	if (off(books)) {
		print_off(books);
		return;
	}
	printf("\nbooks       they balance: all is booked of %s inside and %s outside; %s slots in use\n",
	       size_format(offered(crossing, "inside"), in),
	       size_format(offered(crossing, "outside"), out), exact(books, "slots_used", used));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		pairs += json_get_count(json_object_get(recycled, hooks[i]), "pairs");
	if (pairs)
		printf("            %s slots were given to another pair, once booked\n",
		       count_format(pairs, used));
}

/* ---- from hook to hook ------------------------------------------------------- */

static void add_row(struct table *t, const char *what, const json_t *traffic, const char *means)
{
	table_add(t, "%s", what);
	show_count(t, json_get_count(traffic, "packets"));
	show_size(t, json_object_get(traffic, "wire_bytes"));
	show_size(t, json_object_get(traffic, "payload_bytes"));
	table_add_styled(t, STYLE_DIM, "%s", means);
}

static void add_part(struct table *t, const char *what, const json_t *traffic, const char *means)
{
	if (json_get_count(traffic, "packets"))
		add_row(t, what, traffic, means);
}

static const char *minus(json_int_t n)
{
	return n < 0 ? "-" : "";
}

static void add_missing(struct table *t, const json_t *missing)
{
	json_int_t packets = number(missing, "packets"), bytes = number(missing, "payload_bytes");
	char count[COUNT_TEXT_MAX], size[UNITS_TEXT_MAX];

	table_add(t, "  not seen there");
	table_add(t, "%s%s", minus(packets),
		  count_format((uint64_t)(packets < 0 ? -packets : packets), count));
	table_add(t, "-");
	table_add(t, "%s%s", minus(bytes),
		  size_format((uint64_t)(bytes < 0 ? -bytes : bytes), size));
	table_add_styled(t, STYLE_DIM, "%s",
			 bytes > 0 ? "dropped by firewall or routing, or left by another way"
			 : packets > 0 && !bytes
				 ? "without payload, or joined on the way and counted once"
			 : packets || bytes ? "fragmented here, or not seen inside"
					    : "nothing is missing");
}

static void print_crossing(const struct cli *cli, const json_t *status)
{
	static const struct table_column columns[] = { { "FROM HOOK TO HOOK", false },
						       { "PACKETS", true },
						       { "WIRE", true },
						       { "PAYLOAD", true },
						       { "", false } };
	const json_t *r = json_object_get(status, "reconciliation");
	const json_t *in = json_object_get(r, "inside"), *out = json_object_get(r, "outside");
	_cleanup_table_ struct table t;

	table_init(&t, columns, ARRAY_SIZE(columns));
	if (json_get_count(json_object_get(in, "offered"), "packets")) {
		add_row(&t, "came in from hosts", json_object_get(in, "offered"), "");
		add_part(&t, "  ignored", json_object_get(in, "ignored"),
			 "not for the world outside, or listed");
		add_part(&t, "  not understood", json_object_get(in, "unparsed"), "");
		add_part(&t, "  dropped by policy", json_object_get(in, "dropped"), "");
		add_row(&t, "to be seen outside", json_object_get(r, "expected_outside"), "");
		add_row(&t, "  seen there", json_object_get(out, "seen_forwarded"), "");
		add_missing(&t, json_object_get(r, "not_seen_outside"));
	}
	if (json_get_count(json_object_get(out, "offered"), "packets")) {
		add_row(&t, "left outside", json_object_get(out, "left"), "");
		add_part(&t, "  from hosts", json_object_get(out, "seen_forwarded"), "");
		add_part(&t, "  judged there", json_object_get(out, "passed"),
			 "the gateway's own, and what came by no inside hook");
		add_part(&t, "    in its tunnels", json_object_get(out, "carriers"), "");
		add_part(&t, "  ignored", json_object_get(out, "ignored"), "");
		add_part(&t, "  not understood", json_object_get(out, "unparsed"), "");
		add_part(&t, "dropped outside", json_object_get(out, "dropped"), "by policy");
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
}

/* ---- from hook to device ------------------------------------------------------- */

static void print_devices(const struct cli *cli, const json_t *status)
{
	static const struct table_column columns[] = {
		{ "DEVICE", false }, { "HANDED TO IT", true }, { "SENT", true },
		{ "WAITING", true }, { "DIFFERS", true },      { "", false }
	};
	const json_t *list = json_object_get(json_object_get(status, "reconciliation"), "devices");
	_cleanup_table_ struct table t;
	json_t *v;
	size_t i;

	table_init(&t, columns, ARRAY_SIZE(columns));
	json_array_foreach(list, i, v)
	{
		json_int_t d = number(v, "difference_bytes");
		uint64_t drops =
			json_get_count(v, "queue_drops") + json_get_count(v, "device_drops");
		char count[COUNT_TEXT_MAX], packets[COUNT_TEXT_MAX];

		show_text(&t, json_get_text(v, "interface"));
		show_size(&t, json_object_get(v, "handed_bytes"));
		show_size(&t, json_object_get(v, "sent_bytes"));
		show_size(&t, json_object_get(v, "queued_bytes"));
		table_add(&t, "%s%s B", minus(d), count_format((uint64_t)(d < 0 ? -d : d), count));
		if (drops)
			table_add(&t, "%s (%s packets)", json_get_text(v, "cause"),
				  count_format(drops, packets));
		else
			table_add(&t, "%s", json_get_text(v, "cause"));
	}
	if (!table_rows(&t))
		return;
	putchar('\n');
	table_print(&t, stdout, cli->colour);
}

void status_print_books(const struct cli *cli, const json_t *status)
{
	print_books(status);
	print_crossing(cli, status);
	print_devices(cli, status);
}
