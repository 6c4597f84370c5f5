# SPDX-License-Identifier: GPL-2.0-or-later
"""nftables rulesets that do what Curfew's policies of bench_forward do, as far as they can."""

SIZE = 1 << 21
PAIRS = f"""	set pairs {{
		type ipv4_addr . ipv4_addr
		flags dynamic
		size {SIZE}
		counter
	}}
"""
CLOUDS = ("16509, 14618, 8075, 15169, 396982, 13335, 31898, 45102, 37963, 132203, 136907, 14061, 24940, "
          "16276, 20473, 63949")

LACKS = ("What the nftables rulesets lack beside Curfew's policies, so that they do less: alerts; periods (`quota over "
         "N mbytes` never begins anew by itself); what is `unknown` to a database; distances (far is all that is not "
         "near, by country); IPv6.")


def _map(name, kind, ranges):
    lines = ",\n".join(f"\t\t\t{r} : {value}" for r, value in ranges)
    return f"\tmap {name} {{\n\t\ttype ipv4_addr : {kind}\n\t\tflags interval\n\t\telements = {{\n{lines} }}\n\t}}\n"


def _set(name, kind):
    return f"\tset {name} {{\n\t\ttype {kind}\n\t\tflags dynamic\n\t\tsize {SIZE}\n\t}}\n"


def _number(cc):
    return ord(cc[0]) << 8 | ord(cc[1])


def per_country(countries):
    """[(range, CC)]: each pair is counted, each country has a quota."""
    quotas = "".join(f"\tquota q{cc} {{ over 1000000 mbytes }}\n" for cc in sorted({cc for _, cc in countries}))
    return ("table ip curfew {\n" + PAIRS + quotas +
            _map("country", "quota", [(r, f"q{cc}") for r, cc in countries]) +
            "\tchain forward {\n\t\ttype filter hook forward priority 0\n"
            '\t\tiifname != "lan0" accept\n'
            "\t\tadd @pairs { ip saddr . ip daddr }\n"
            "\t\tquota name ip daddr map @country drop\n\t}\n}\n")


def pack(countries, networks):
    """
    And [(range, AS number)]: the policy pack as it is at night. It lacks alerts, periods that end,
    `unknown` and distances, for which it takes all that is far from being near.
    """
    near = ", ".join(str(_number(cc)) for cc in ("ET", "KE", "DJ"))
    sets = "".join(_set(n, k) for n, k in (
        ("by_destination", "ipv4_addr"), ("by_network", "mark"), ("by_source", "ipv4_addr"),
        ("far_by_network", "mark"), ("clouds_by_source", "ipv4_addr"), ("names", "ipv4_addr"),
        ("pings", "ipv4_addr"), ("servers", "ipv4_addr . ipv4_addr")))
    return ("table ip curfew {\n" + PAIRS + sets +
            _map("country", "mark", [(r, _number(cc)) for r, cc in countries]) +
            _map("network", "mark", networks) + f"""	chain closed {{
		ip saddr 10.0.0.40 return
		meta mark set ip daddr map @country
		meta mark {{ {near} }} return
		meta mark set ip daddr map @network
		add @by_destination {{ ip daddr quota over 50 mbytes }} drop
		add @by_network {{ meta mark quota over 200 mbytes }} drop
		add @by_source {{ ip saddr quota over 500 mbytes }} drop
		add @far_by_network {{ meta mark quota over 1000 mbytes }} counter
		meta mark {{ {CLOUDS} }} add @clouds_by_source {{ ip saddr quota over 2000 mbytes }} drop
	}}
	chain forward {{
		type filter hook forward priority 0
		iifname != "lan0" accept
		add @pairs {{ ip saddr . ip daddr }}
		ip saddr 10.20.0.0/24 drop
		ip saddr {{ 10.0.0.50, 10.0.0.51 }} ip daddr != 192.0.2.0/25 drop
		ip protocol {{ gre, ipencap, ipv6, esp }} ip daddr != 192.0.2.20 drop
		udp dport {{ 51820, 500, 4500, 1194, 4789, 6081, 3544 }} ip daddr != 192.0.2.20 drop
		meta l4proto {{ tcp, udp }} th dport {{ 53, 853 }} add @names {{ ip saddr quota over 5 mbytes }} drop
		ip protocol icmp add @pings {{ ip saddr quota over 1 mbytes }} drop
		ip saddr 10.0.0.0/28 add @servers {{ ip saddr . ip daddr quota over 20 mbytes }} drop
		jump closed
	}}
}}
""")


def shown(ruleset):
    """The first of what repeats, and all else."""
    out, last = [], None
    for line in ruleset.splitlines():
        text = line.strip()
        kind = ("quota" if text.startswith("quota q") else "range" if text[:1].isdigit() else None)
        same = out and kind and kind == last[0]
        last = (kind, last[1] + 1 if same else 0)
        if kind and last[1] == 3:
            out.append("\t…")
        elif not kind or last[1] < 3:
            out.append(line)
    return "\n".join(out)
