# SPDX-License-Identifier: GPL-2.0-or-later
"""Header stacks built by scapy, each whole and cut short in eleven places: what no
capture file has, has little of, or has only well formed. The same every time."""
import random
import struct
import zlib

import captures

CUTS = 12


def table():
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.contrib.geneve import GENEVE, GeneveOptions
    from scapy.contrib.mpls import MPLS
    from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_RR, IPOption_Timestamp
    from scapy.layers.inet6 import (
        HAO, ICMPv6EchoRequest, ICMPv6ND_NS, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting, IPv6ExtHdrSegmentRouting, Jumbo, MIP6MH_BRR, PadN, RouterAlert)
    from scapy.layers.ipsec import AH, ESP
    from scapy.layers.l2 import ARP, GRE, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
    from scapy.layers.ppp import PPP, PPPoE, PPPoED
    from scapy.layers.sctp import SCTP
    from scapy.layers.vxlan import VXLAN
    from scapy.packet import Raw

    e = Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:01")
    four = IP(src="10.0.0.5", dst="203.0.113.5", id=7)
    six = IPv6(src="2001:db8::5", dst="2001:db8:f::9")
    tcp = TCP(sport=40000, dport=443, flags="PA", options=[("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)])
    udp, body = UDP(sport=5000, dport=53), Raw(bytes(range(100)))
    inner4 = IP(src="192.168.9.9", dst="198.51.100.7") / TCP(sport=1, dport=2) / Raw(b"x" * 30)
    inner6 = IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=3, dport=4) / Raw(b"y" * 30)
    hop = IPv6ExtHdrHopByHop(options=[RouterAlert(), PadN(optdata=b"\0\0")])
    dst = IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8::1")])
    srh = IPv6ExtHdrSegmentRouting(addresses=["2001:db8::a", "2001:db8::b"], segleft=1, lastentry=1)
    ah = AH(nh=6, payloadlen=4, spi=1, seq=2, icv=b"0123456789ab")
    first, later = IPv6ExtHdrFragment(m=1, id=5), IPv6ExtHdrFragment(offset=185, id=5)
    wireguard = Raw(b"\4\0\0\0" + bytes(12) + bytes(64))
    teredo = UDP(sport=3544, dport=3544)

    def other(nxt, size):
        """An extension header that scapy has no class for (HIP, shim6)."""
        return Raw(bytes([nxt, size // 8 - 1]) + bytes(size - 2))

    v4 = {
        "tcp": four / tcp / body, "udp": four / udp / body, "icmp": four / ICMP() / body,
        "sctp": four / SCTP(sport=9, dport=10) / body, "no payload": four / TCP(sport=1, dport=2),
        "options": IP(src="10.0.0.5", dst="203.0.113.5", options=[IPOption_NOP(), IPOption_RR(routers=["1.2.3.4"] * 3)])
        / tcp / body,
        "full options": IP(src="10.0.0.5", dst="203.0.113.5", options=[IPOption_Timestamp()] + [IPOption_NOP()] * 28)
        / udp / body,
        "first fragment": IP(src="10.0.0.5", dst="203.0.113.5", flags="MF") / udp / body,
        "later fragment": IP(src="10.0.0.5", dst="203.0.113.5", frag=185, proto=17) / body,
        "middle fragment": IP(src="10.0.0.5", dst="203.0.113.5", flags="MF", frag=1, proto=6) / body,
        "far fragment": IP(src="10.0.0.5", dst="203.0.113.5", frag=4096, proto=17) / body,
        "ipip": four / inner4, "6in4": four / inner6, "gre": four / GRE() / inner4,
        "gre key": four / GRE(key_present=1, key=5, seqnum_present=1, chksum_present=1) / inner6,
        "gre ethernet": four / GRE(proto=0x6558) / e / Dot1Q(vlan=3) / inner4,
        "vxlan": four / UDP(sport=1234, dport=4789) / VXLAN(vni=7) / e / inner4,
        "vxlan, old port": four / UDP(sport=1234, dport=8472) / VXLAN(vni=7, flags=8) / e / inner6,
        "ike in udp": four / UDP(sport=4500, dport=4500) / Raw(bytes(4) + bytes(range(1, 90))),
        "geneve": four / UDP(sport=1234, dport=6081) / GENEVE(proto=0x6558, vni=7) / e / inner6,
        "geneve options": four / UDP(sport=1234, dport=6081)
        / GENEVE(proto=0x0800, vni=7, options=[GeneveOptions(classid=1, type=1, data=b"abcd")]) / inner4,
        "esp": four / ESP(spi=9, seq=1, data=bytes(60)), "esp in udp": four / UDP(sport=4500, dport=4500)
        / ESP(spi=9, seq=1, data=bytes(60)),
        "wireguard": four / UDP(sport=51820, dport=51820) / wireguard, "teredo": four / teredo / inner6,
        "ah": four / ah / tcp / body, "ah nxt": IP(src="10.0.0.5", dst="203.0.113.5", proto=51) / body,
        "length 0": IP(src="10.0.0.5", dst="203.0.113.5", len=0) / tcp / body,
        "length too long": IP(src="10.0.0.5", dst="203.0.113.5", len=1400) / tcp / body,
        "length below header": IP(src="10.0.0.5", dst="203.0.113.5", len=19) / tcp / body,
        "tcp header too long": four / TCP(dataofs=15) / Raw(b"1234"), "tcp header too short": four / TCP(dataofs=3) / body,
        "ihl too short": IP(src="10.0.0.5", dst="203.0.113.5", ihl=4) / tcp / body,
        "ihl 15": IP(src="10.0.0.5", dst="203.0.113.5", ihl=15) / udp / body,
        "version 7": IP(src="10.0.0.5", dst="203.0.113.5", version=7) / tcp / body,
        "udp length lies": four / UDP(sport=5, dport=6, len=4000) / body,
        "protocol 0": IP(src="10.0.0.5", dst="203.0.113.5", proto=0) / hop / body,
        "protocol 255": IP(src="10.0.0.5", dst="203.0.113.5", proto=255) / body,
        "long": four / udp / Raw(bytes(8900)), "longest": four / udp / Raw(bytes(65000)),
    }
    v6 = {
        "6 tcp": six / tcp / body, "6 udp": six / udp / body, "6 echo": six / ICMPv6EchoRequest(data=b"z" * 40),
        "6 discovery": IPv6(src="fe80::1", dst="ff02::1:ff00:2", hlim=255) / ICMPv6ND_NS(tgt="fe80::2"),
        "hop": six / hop / tcp / body, "destination": six / dst / udp / body,
        "routing": six / IPv6ExtHdrRouting(addresses=["2001:db8::a"], segleft=1) / tcp / body,
        "srv6": six / srh / tcp / body, "srv6 carrying 6": six / srh / inner6, "srv6 carrying 4": six / srh / inner4,
        "6 ah": six / ah / tcp / body, "hop, routing, destination": six / hop / srh / dst / tcp / body,
        "6 first fragment": six / first / udp / body, "6 later fragment": six / later / Raw(bytes(90)),
        "fragment, reserved bits": six / IPv6ExtHdrFragment(m=1, id=5, res1=3, res2=3) / udp / body,
        "hop, first fragment": six / hop / first / tcp / body, "fragment, destination": six / first / dst / udp / body,
        "later, named destination": six / IPv6ExtHdrFragment(offset=9, id=5, nh=60) / Raw(bytes(64)),
        "atomic fragment": six / IPv6ExtHdrFragment(id=5) / tcp / body,
        "mobility": six / MIP6MH_BRR(), "mobility carries on": six / MIP6MH_BRR(nh=6) / tcp / body,
        "hip": IPv6(src="2001:db8::5", dst="2001:db8:f::9", nh=139) / other(59, 40),
        "hip carries on": IPv6(src="2001:db8::5", dst="2001:db8:f::9", nh=139) / other(17, 40) / udp / body,
        "shim6 carries on": IPv6(src="2001:db8::5", dst="2001:db8:f::9", nh=140) / other(6, 8) / tcp / body,
        "eight": six / hop / dst / dst / srh / dst / dst / dst / dst / tcp / body,
        "nine": six / hop / dst / dst / srh / dst / dst / dst / dst / dst / tcp / body,
        "2040 bytes": six / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(250))] * 8) / tcp / body,
        "more than 2048": six / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(250))] * 8) / dst / tcp / body,
        "an end": six / IPv6ExtHdrDestOpt(nh=59, options=[PadN(optdata=b"\0\0")]) / body,
        "6 length 0": IPv6(src="2001:db8::5", dst="2001:db8:f::9", plen=0) / tcp / body,
        "6 length too long": IPv6(src="2001:db8::5", dst="2001:db8:f::9", plen=1400) / tcp / body,
        "6 length too short": IPv6(src="2001:db8::5", dst="2001:db8:f::9", plen=10) / dst / tcp / body,
        "jumbo in a small frame": IPv6(src="2001:db8::5", dst="2001:db8:f::9", plen=0)
        / IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]) / tcp / body,
        "4in6": six / inner4, "6in6": six / inner6, "6 gre": six / GRE() / inner4,
        "6 vxlan": six / UDP(sport=1, dport=4789) / VXLAN(vni=7) / e / inner6,
        "6 esp": six / ESP(spi=9, seq=1, data=bytes(60)),
        "6 wireguard": six / UDP(sport=51820, dport=1) / wireguard,
        "6 version 4": IPv6(src="2001:db8::5", dst="2001:db8:f::9", version=4) / tcp / body,
        "6 long, headers behind the linear part": six / hop / srh / dst / tcp / Raw(bytes(8900)),
        "6 longest": six / udp / Raw(bytes(65000)),
    }
    short = four / TCP(sport=1, dport=2, flags="A")
    ether = {
        "padding": e / short / Raw(b"") / Raw(bytes(6)), "vlan": e / Dot1Q(vlan=5) / four / tcp / body,
        "vlan priority": e / Dot1Q(vlan=0, prio=5) / six / tcp / body,
        "qinq": e / Dot1AD(vlan=5) / Dot1Q(vlan=6) / four / udp / body,
        "two 8100": e / Dot1Q(vlan=5) / Dot1Q(vlan=6) / six / hop / udp / body,
        "three tags": e / Dot1Q(vlan=5) / Dot1Q(vlan=6) / Dot1Q(vlan=7) / four / tcp / body,
        "vlan arp": e / Dot1Q(vlan=5) / ARP(pdst="10.0.0.1"), "arp": e / ARP(pdst="10.0.0.1"),
        "pppoe 4": e / PPPoE(sessionid=9) / PPP(proto=0x21) / four / tcp / body,
        "pppoe 6": e / PPPoE(sessionid=9) / PPP(proto=0x57) / six / dst / tcp / body,
        "pppoe lcp": e / PPPoE(sessionid=9) / PPP(proto=0xC021) / Raw(b"\1\1\0\4"),
        "pppoe length lies": e / PPPoE(sessionid=9, len=900) / PPP(proto=0x21) / four / tcp / body,
        "pppoe short": e / PPPoE(sessionid=9, len=1) / PPP(proto=0x21) / four / tcp / body,
        "pppoe discovery": e / PPPoED() / Raw(bytes(20)),
        "vlan pppoe": e / Dot1Q(vlan=5) / PPPoE(sessionid=9) / PPP(proto=0x21) / four / udp / body,
        "qinq pppoe": e / Dot1AD(vlan=5) / Dot1Q(vlan=6) / PPPoE(sessionid=9) / PPP(proto=0x57) / six / udp / body,
        "pppoe other": e / PPPoE(sessionid=9) / PPP(proto=0x2B) / body,
        "snap 4": Dot3(src=e.src, dst=e.dst) / LLC() / SNAP(code=0x0800) / four / tcp / body,
        "snap 6": Dot3(src=e.src, dst=e.dst) / LLC() / SNAP(code=0x86DD) / six / tcp / body,
        "snap, other organisation": Dot3(src=e.src, dst=e.dst) / LLC() / SNAP(OUI=0x000100, code=0x0800) / four / tcp,
        "snap, yet another": Dot3(src=e.src, dst=e.dst) / LLC() / SNAP(OUI=0x000001, code=0x0800) / four / tcp,
        "spanning tree": Dot3(src=e.src, dst=e.dst) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / Raw(bytes(35)),
        "half a spanning tree": Dot3(src=e.src, dst=e.dst) / LLC(dsap=0x42, ssap=0, ctrl=3) / Raw(bytes(35)),
        "lacp": Ether(src=e.src, dst=e.dst, type=0x8809) / Raw(b"\1\1" + bytes(108)),
        "eapol": Ether(src=e.src, dst=e.dst, type=0x888E) / Raw(b"\1\1" + bytes(44)),
        "lldp": Ether(src=e.src, dst=e.dst, type=0x88CC) / Raw(bytes(46)),
        "vlan lacp": e / Dot1Q(vlan=5, type=0x8809) / Raw(b"\1\1" + bytes(108)),
        "llc": Dot3(src=e.src, dst=e.dst) / LLC(dsap=0xE0, ssap=0xE0, ctrl=3) / body,
        "mpls": Ether(src=e.src, dst=e.dst, type=0x8847) / MPLS(label=5, s=1) / four / tcp / body,
    }
    return v4, v6, ether, e


def cuts(data, rng):
    """Whole, and eleven shorter: mostly within the headers."""
    yield data
    edges = set()
    while len(edges) < CUTS - 1 and len(edges) < len(data) - 1:
        near = min(len(data), 150 if rng.random() < 0.9 else len(data))
        edges.add(rng.randrange(1, near) if near > 1 else 0)
    for n in sorted(edges):
        yield data[:n]


def generate():
    """Yields (name, (kind, bytes))."""
    v4, v6, ether, e = table()
    stacks = []
    for name, p in list(v4.items()) + list(v6.items()):
        stacks.append((name, captures.ETHER, bytes(e / p)))
        stacks.append((name + ", raw", captures.RAW, bytes(p)))
    stacks += [(name, captures.ETHER, bytes(p)) for name, p in ether.items()]
    stacks += jumbo(e)
    for name, kind, data in stacks:
        rng = random.Random(zlib.crc32(name.encode()))
        for cut in cuts(data, rng):
            yield f"{name} [{len(cut)}]", (kind, cut)
    yield from damaged(stacks)


def jumbo(e):
    """BIG TCP as older and as newer kernels make it: longer than any length field says."""
    addresses = bytes(15) + b"\1" + bytes(15) + b"\2"
    tcp = struct.pack(">HHIIBBHHH", 7, 8, 0, 0, 5 << 4, 0x10, 0, 0, 0)
    body = bytes(66000)
    option = bytes([6, 0, 0xC2, 4]) + struct.pack(">I", 8 + len(tcp) + len(body))
    head = b"\x60\0\0\0\0\0"
    link = bytes(e)[:12] + b"\x86\xdd"
    return [
        ("jumbo", captures.ETHER, link + head + b"\0\x40" + addresses + option + tcp + body),
        ("jumbo without option", captures.ETHER, link + head + b"\6\x40" + addresses + tcp + body),
    ]


def damaged(stacks):
    """Each stack again with one of its first bytes changed, eight times."""
    for name, kind, data in stacks:
        rng = random.Random(zlib.crc32(b"damaged" + name.encode()))
        for i in range(8):
            out = bytearray(data[:2000])
            at = rng.randrange(12 if kind == captures.ETHER else 0, min(len(out), 110))
            out[at] = rng.choice([0, 1, 4, 6, 17, 41, 43, 44, 51, 60, 0x45, 0x60, 0x81, 0xFF, rng.randrange(256)])
            yield f"{name}, damaged {i} at {at}", (kind, bytes(out))
