#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""many_policies.py N SEED DIRECTORY ASN-CSV: a configuration with N policies, each
with an except block, that ask about all that databases know; on standard output.
Its lists of networks go to DIRECTORY. The same seed gives the same text."""
import ipaddress
import random
import sys

COUNTRIES = """AE AF AL AO AR AT AU AZ BD BE BG BO BR BY CA CH CI CL CM CN CO CR CU CZ DE DK DO DZ EC
EE EG ES ET FI FR GB GE GH GR GT HK HN HR HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KR KW KZ LA LB LK
LT LU LV LY MA MD MG MK MM MN MT MU MX MY MZ NA NG NL NO NP NZ OM PA PE PH PK PL PT PY QA RO RS RU RW SA
SD SE SG SI SK SN SV SY TH TJ TN TR TW TZ UA UG US UY UZ VE VN YE ZA ZM ZW""".split()
KEYS = ("source", "destination", "pair", "asn", "country", "prefix 24/48", "policy")

n, seed, directory, asns = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
rng = random.Random(seed)
with open(asns) as lines:
    numbers = sorted({int(line.split(",")[2]) for line in lines if line.count(",") > 1} - {0})


def network():
    if rng.random() < 0.6:
        return str(ipaddress.ip_network((rng.randrange(1 << 24, 223 << 24), rng.randrange(8, 33)),
                                        strict=False))
    high = 0x2400 + rng.randrange(0x700)
    address = high << 112 | rng.randrange(1 << 112)
    return str(ipaddress.ip_network((address, rng.randrange(20, 129)), strict=False))


def write_list(i, count):
    with open(f"{directory}/list{i}.txt", "w") as out:
        out.write("".join(network() + "\n" for _ in range(count)))


def place():
    return rng.choice((
        lambda: "country " + rng.choice(COUNTRIES),
        lambda: "country " + rng.choice(COUNTRIES),
        lambda: "continent " + rng.choice(("AF", "AS", "EU", "NA", "OC", "SA")),
        lambda: f"AS{rng.choice(numbers)}",
        lambda: f"AS{rng.choice(numbers)}",
        lambda: f"beyond {rng.randrange(1, 12) * 1000} km",
        lambda: "unknown",
        network,
        lambda: f"list{rng.randrange(4)}",
    ))()


def places():
    text = ", ".join(place() for _ in range(rng.randrange(1, 6)))
    if rng.random() < 0.3:
        text = "any"
    if rng.random() < 0.2:
        text += f", (continent {rng.choice(('AS', 'EU'))} and {place()})"
    if rng.random() < 0.5:
        text += " except " + ", ".join(place() for _ in range(rng.randrange(1, 4)))
    return text


def hosts():
    return rng.choice(("any", "inside", "gateway", f"10.{rng.randrange(8)}.0.0/16",
                       f"10.0.{rng.randrange(64)}.0/24, fd12:3456:{rng.randrange(16):x}::/48",
                       f"10.{rng.randrange(4)}.{rng.randrange(64)}.{rng.randrange(256)}",
                       "inside except 10.1.0.0/16"))


for i in range(4):
    write_list(i, 500)
print('site { name "proof"  location 9.03, 38.76  timezone "UTC" }')
print("inside lan0\noutside wan0\nnetworks 10.0.0.0/8, fd12:3456::/32")
print(f'geo country "{directory}/country.mmdb"\ngeo asn "{directory}/asn.mmdb"')
for i in range(4):
    print(f'set list{i} = file "list{i}.txt"')
for i in range(n):
    print(f'policy "p{i}" {{ from {hosts()}  to {places()}  '
          f"quota {i + 1} MB per {rng.choice(KEYS)} each day  at 100% drop")
    print(f"    except {{ from {hosts()}  to {places()} }} }}")
print("mode enforce")
