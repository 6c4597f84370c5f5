/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `curfew would`: what would happen to a packet. */
#include "app/cmd/options.h"
#include "app/show/explain_print.h"
#include "app/show/json_util.h"

struct would_options {
	const char *at, *from, *service, *initiated, *mac, *interface, *vlan;
};
static const struct option_row rows[] = {
	OPTION(struct would_options, at, "at", 0, OPTION_TEXT),
	OPTION(struct would_options, from, "from", 0, OPTION_TEXT),
	OPTION(struct would_options, service, "service", 0, OPTION_TEXT),
	OPTION(struct would_options, initiated, "initiated", 0, OPTION_TEXT),
	OPTION(struct would_options, mac, "mac", 0, OPTION_TEXT),
	OPTION(struct would_options, interface, "interface", 0, OPTION_TEXT),
	OPTION(struct would_options, vlan, "vlan", 0, OPTION_TEXT),
	{ 0 },
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct would_options o = { 0 };
	int r = options_parse(cli, rows, &o, &argc, &argv);
	json_t *reply;
	bool drop;

	if (r != OPTIONS_GO)
		return r;
	if (argc != 2)
		return cmd_usage(cli, "wants a source and a destination");
	r = client_call(cli, "would",
			json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "source",
				  argv[0], "destination", argv[1], "at", o.at, "from", o.from,
				  "service", o.service, "initiated", o.initiated, "mac", o.mac,
				  "interface", o.interface, "vlan", o.vlan),
			&reply);
	if (r)
		return r;
	drop = json_is_true(json_object_get(json_object_get(reply, "verdict"), "drop"));
	if (cli->json) {
		r = json_out("would", reply);
	} else {
		explain_print(cli, reply);
		json_decref(reply);
	}
	return r ? r : drop ? EXIT_DEGRADED : EXIT_FINE;
}

const struct cmd cmd_would = {
	.name = "would",
	.usage = "SOURCE DESTINATION [--service tcp/443] [--initiated inside|outside] [--at TIME] "
		 "[--from inside|gateway]",
	.help = "what would happen to a packet; exits 1 if it would be dropped",
	.more = "      --at TIME   \"Tue 00:30\", \"2026-11-24 22:00\", \"+2h\"; now if not given\n"
		"      --from F    inside or gateway; found out from the address if not given\n"
		"      --service S tcp/443, udp/53, icmp, 50: of the side that did not begin\n"
		"      --initiated inside: SOURCE began, and DESTINATION has the service; outside: SOURCE\n"
		"                  answers, and has it. With --service: inside if not given\n"
		"      --mac M, --interface NAME, --vlan N: where the source comes in, if a rule asks; MAC\n"
		"                  and interface are those of the neighbour with that address if not given\n"
		"\n"
		"Looks in the same tables that the kernel has, with the quotas as they are. Their schedule\n"
		"reaches 36 days ahead; what is said of a later TIME is marked. Where only quotas could stop\n"
		"it, the answer is for the next packet. What is not said is taken as the kernel takes what it\n"
		"cannot know: it holds for policies, and fails for exceptions.\n"
		"\n"
		"Example:\n"
		"  curfew would 10.0.0.11 203.0.113.10 --service tcp/443 --at \"Tue 00:30\"",
	.run = run,
};
