# SPDX-License-Identifier: GPL-2.0-or-later
"""What Curfew means by the addresses, protocol, ports, fragment state and payload of
a packet, told from tshark's fields. Written from the definitions, not from parse.h:

- An IP length that is smaller than its header, larger than the frame, or 0 is not
  believed: then the frame's own length counts. What is behind a credible length is
  Ethernet's padding, and no payload.
- Payload is what is above TCP and UDP headers, for other protocols above the IP
  header. A TCP header that does not fit, or is shorter than 20 bytes, is payload itself.
- The extension headers of IPv6 are payload too. Eight of them, 2048 bytes, are walked;
  what cannot be walked to its end is protocol 255, and all behind the IPv6 header is
  payload.
- A jumbo option in more than 64 KiB is BIG TCP's own, never on a wire, and nobody's payload.
- A later fragment has no ports. Its protocol is what its header says in IPv4; in IPv6 it is not
  known (RFC 8200, 4.5: the next header of the first fragment alone counts).
- A tunnel's kind is told from its protocol, or from its UDP ports: VXLAN 4789 and 8472
  and Geneve 6081 as the destination, Teredo 3544 and ESP in UDP 4500 as either.
- At most two VLAN tags; PPPoE sessions; IP in 802.3 only behind a SNAP header.
"""
import ipaddress
import re
import struct
from collections import namedtuple

import captures

EXTENSIONS_MAX, EXTENSIONS_BYTES = 8, 2048
# Where tshark shows a layer if there is so much of it.
LEAST = {4: 20, 6: 4, 17: 4, 41: 40, 47: 4}
TCP, UDP, FRAGMENT, NONE = 6, 17, 44, 255
# Of each protocol whose header begins with two ports: tshark's layer, and what its fields begin with.
PORTS = {TCP: ("tcp", "tcp"), UDP: ("udp", "udp"), 33: ("dccp", "dccp"), 132: ("sctp", "sctp"),
         136: ("udplite", "udp")}

# Of each extension header: tshark's layer, its two fields, and bytes of a length field's value.
EXTENSIONS = {
    0: ("ipv6.hopopts", "ipv6.hopopts.nxt", "ipv6.hopopts.len_oct", lambda n: n),
    43: ("ipv6.routing", "ipv6.routing.nxt", "ipv6.routing.len_oct", lambda n: n),
    44: ("ipv6.fraghdr", "ipv6.fraghdr.nxt", "ipv6.fraghdr.nxt", lambda n: 8),
    51: ("ah", "ah.next_header", "ah.length", lambda n: 4 * n + 8),
    60: ("ipv6.dstopts", "ipv6.dstopts.nxt", "ipv6.dstopts.len_oct", lambda n: n),
    135: ("mipv6", "mip6.proto", "mip6.hlen", lambda n: 8 * n + 8),
    139: ("hip", "hip.proto", "hip.hdr_len", lambda n: 8 * n + 8),
    140: ("shim6", "shim6.nxt", "shim6.len_oct", lambda n: n),
}
CONTROL = {"slow", "lldp", "eapol", "pppoed", "stp"}

# `exact` is as in facts.h, without the MAC's flag; only `reason` counts when there is one.
# `end`: where the IP packet ends in the frame.
Want = namedtuple("Want", "reason exact headers vlan mac tunnel inner end")


class Again(Exception):
    """tshark stopped where we go on: compare with a packet that differs only there."""

    def __init__(self, why, data):
        super().__init__(why)
        self.why, self.data = why, bytes(data)


def read_reasons(path):
    with open(path, encoding="ascii") as f:
        text = f.read()
    text = text[text.index("#define CF_REASONS(X)") : text.index("#define CF_NOTES(X)")]
    names = re.findall(r"\bX\((\w+), \"", text)
    return {name: i for i, name in enumerate(names + ["UNDECIDED"])}


class Unparsed(Exception):
    """Why a packet is not judged."""


def walk_tags(row, layers, length):
    """(tags, bytes of them); raises if one is cut short or there are more than two."""
    tags = 0
    for layer in layers:
        if layer == "ethertype":
            continue
        if layer == "vlan":
            tags += 1
        elif layer == "ieee8021ad":
            tags += 2 if row.first("ieee8021ad.svid") else 1
        else:
            break
    for tag in range(min(tags, 2)):
        if length < 14 + 4 * (tag + 1):
            raise Unparsed("UNPARSED_ETHER")
    if tags > 2:
        raise Unparsed("UNPARSED_TAGS")
    return tags


def pppoe(row, data, at):
    if len(data) < at + 8 or row.number("pppoe.payload_length") is None:
        raise Unparsed("UNPARSED_PPPOE")
    kind = [row.number("pppoe." + f) for f in ("version", "type", "code")]
    size = row.number("pppoe.payload_length")
    if kind != [1, 1, 0] or size < 2 or size > len(data) - at - 6:
        raise Unparsed("UNPARSED_PPPOE")
    protocol = row.number("ppp.protocol")
    if protocol is None:
        raise Unparsed("UNPARSED_PPPOE")
    if protocol >= 0x8000:
        raise Unparsed("IGNORED_CONTROL")
    if protocol not in (0x21, 0x57):
        raise Unparsed("UNPARSED_NON_IP")
    # the high byte of the protocol may be left out; it is even if it is there
    return at + (7 if data[at + 6] & 1 else 8)


def is_snap(row):
    # the last three are hexadecimal in any release, the OUI not
    head = [row.number("llc." + f) for f in ("dsap", "ssap", "control", "oui")]
    return head == [0xAA, 0xAA, 3, 0]


def link(row, kind, data):
    """(offset of the IP header, is it IPv4, outer VLAN, MAC)."""
    layers = row["frame.protocols"][0].split(":")
    if kind == captures.RAW:
        if not data:
            raise Unparsed("UNPARSED_SHORT_IP")
        return 0, data[0] >> 4 == 4, 0, None
    if len(data) < 14:
        raise Unparsed("UNPARSED_ETHER")
    tags = walk_tags(row, layers[1:], len(data))
    at = 14 + 4 * tags
    vlan = 0
    if tags:
        vlan = row.number("vlan.id") if layers[2] == "vlan" else (
            row.number("ieee8021ad.svid") if row.first("ieee8021ad.svid") else row.number("ieee8021ad.id"))
    rest = [n for n in layers[1:] if n not in ("ethertype", "vlan", "ieee8021ad")]
    top = rest[0] if rest else None
    types = row["eth.type"][:1] + row["vlan.etype"][:tags]
    if top in (None, "data", "arp") and len(types) == tags + 1:
        # a version that lies leaves no layer; RARP and its like are "arp" too
        top = {0x0800: "ip", 0x86DD: "ipv6", 0x0806: "arp"}.get(int(types[tags], 0))
    if top == "pppoes":
        at = pppoe(row, data, at)
        top = "ip" if row.number("ppp.protocol") == 0x21 else "ipv6"
    elif top == "llc":
        if [row.number("llc.dsap"), row.number("llc.ssap")] == [0x42, 0x42]:
            raise Unparsed("IGNORED_CONTROL")
        top = rest[1] if len(rest) > 1 else None
        if top in ("ip", "ipv6") and not is_snap(row):
            top = None
        at += 8
    if top == "arp":
        raise Unparsed("IGNORED_ARP")
    if top == "stp" and row["llc.dsap"] == ["0x42"] != row["llc.ssap"]:
        raise Unparsed("UNPARSED_NON_IP")
    if top in CONTROL:
        raise Unparsed("IGNORED_CONTROL")
    if top not in ("ip", "ipv6"):
        raise Unparsed("UNPARSED_NON_IP")
    return at, top == "ip", vlan, row.first("eth.src")


def transport(row, layers, data, at, avail, proto, later):
    """(source port, destination port, bytes of the header)."""
    if later or proto not in PORTS or avail < 4:
        return 0, 0, 0
    name, fields = PORTS[proto]
    if not layers or layers[0] != name:
        raise LookupError(name)
    ports = row.number(fields + ".srcport"), row.number(fields + ".dstport")
    if proto not in (TCP, UDP):
        return *ports, 0  # what is theirs is payload
    if proto == UDP:
        return *ports, 8 if avail >= 8 else 0
    header = row.number("tcp.hdr_len") if avail >= 20 else 0
    return *ports, header if 20 <= header <= avail else 0


def pack(l3, proto, fragment, later, src, dst, sport, dport, payload):
    return struct.pack("<BBB16s16sHHI", 1 if l3 == 4 else 2, proto, fragment | later << 1,
                       src.ljust(16, b"\0"), dst.ljust(16, b"\0"), sport, dport, payload)


def address(text):
    return ipaddress.ip_address(text).packed


def after(row, name):
    layers = row["frame.protocols"][0].split(":")
    return layers[layers.index(name) + 1 :]


def ipv4(row, data, at):
    left = len(data) - at
    if left < 20:
        raise Unparsed("UNPARSED_SHORT_IP")
    ihl = row.number("ip.hdr_len")
    if row.number("ip.version") != 4 or ihl is None or ihl < 20:
        raise Unparsed("UNPARSED_BAD_IP")
    if ihl > left:
        raise Unparsed("UNPARSED_SHORT_IP")
    total = row.number("ip.len")
    if row.number("ip.proto") is None or total < ihl:
        # it gives up at a length below the header's; say the length that we use
        if total is None or total >= ihl:
            raise LookupError("ip")
        raise Again("length-below-header", data[: at + 2] + struct.pack(">H", min(left, 65535)) + data[at + 4 :])
    if total > left:
        total = left
    proto, offset = row.number("ip.proto"), row.number("ip.frag_offset")
    later = offset > 0
    sport, dport, header = transport(row, after(row, "ip"), data, at + ihl, total - ihl, proto, later)
    exact = pack(4, proto, later or row.first("ip.flags.mf") in ("1", "True"), later, address(row.first("ip.src")),
                 address(row.first("ip.dst")), sport, dport, total - ihl - header)
    return exact, at + ihl + header


def renumbered(data, named_at, header_at, size):
    """The packet with one extension header made into destination options of the same length."""
    out = bytearray(data)
    out[named_at] = 60
    out[header_at + 1] = size // 8 - 1
    out[header_at + 2 : header_at + size] = bytes(size - 2)
    return out


def ipv6(row, data, at):
    left = len(data) - at - 40
    if left < 0:
        raise Unparsed("UNPARSED_SHORT_IP")
    if row.number("ipv6.version") != 6 or (row.first("ip.version") or "6") != "6":
        raise Unparsed("UNPARSED_BAD_IP")
    total = row.number("ipv6.plen")
    if total == 0 or total > left:
        total = left
    src, dst = address(row.first("ipv6.src")), address(row.first("ipv6.dst"))
    layers = after(row, "ipv6")
    proto, skipped, fragment, later, seen = row.number("ipv6.nxt"), 0, False, False, {}
    named_at = at + 6
    while proto in EXTENSIONS and not later:
        layer, next_field, size_field, size_of = EXTENSIONS[proto]
        header_at = at + 40 + skipped
        if len(data) - header_at >= 8:
            fragment = fragment or (proto == FRAGMENT and sum(seen.values()) < EXTENSIONS_MAX)
        nth = seen.get(proto, 0)
        seen[proto] = nth + 1
        if sum(seen.values()) > EXTENSIONS_MAX or total - skipped < 8:
            return pack(6, NONE, fragment, 0, src, dst, 0, 0, total), at + 40
        if not layers or layers[0] != layer or len(row[next_field]) <= nth or len(row[size_field]) <= nth:
            raise LookupError(layer)
        size = size_of(int(row[size_field][nth], 0))
        skipped += size
        if skipped > min(total, EXTENSIONS_BYTES):
            return pack(6, NONE, fragment, 0, src, dst, 0, 0, total), at + 40
        this = proto
        proto = int(row[next_field][nth], 0)
        layers = layers[1:]
        if this == FRAGMENT:
            later = int(row["ipv6.fraghdr.offset"][nth], 0) > 0
        more = total - skipped >= (8 if proto in EXTENSIONS else LEAST.get(proto, 1 << 32))
        if this != FRAGMENT and more and not (layers and layers[0] not in ("data",)):
            if size % 8:
                raise LookupError(layer)
            raise Again(f"stops-after-{layer}", renumbered(data, named_at, header_at, size))
        named_at = header_at
    sport, dport, header = transport(row, layers, data, at + 40 + skipped, total - skipped, proto, later)
    own = 8 if is_big_tcp(row, left) else 0
    # of a later fragment only the place is known: what its next header says counts for nothing
    proto = NONE if later else proto
    exact = pack(6, proto, fragment, later, src, dst, sport, dport, total - header - own)
    return exact, at + 40 + skipped + header - own


def is_big_tcp(row, left):
    return (left > 0xFFFF and row.number("ipv6.plen") == 0 and row.number("ipv6.nxt") == 0
            and row.number("ipv6.hopopts.len_oct") == 8 and row.first("ipv6.opt.jumbo") is not None)


def tunnel(row, exact, outer):
    """(the note's name or None, (l3, source, destination) of the inner header or None)."""
    four, proto, later = outer == "ip", exact[1], exact[2] & 2
    sport, dport = struct.unpack_from("<HH", exact, 35)
    layers = after(row, outer)
    kind = {4: "IPIP" if four else "FOURINSIX", 41: "SIXINFOUR" if four else "SIXINSIX", 47: "GRE", 50: "ESP"}.get(proto)
    if proto == UDP and "udp" in layers:
        layer = (layers[layers.index("udp") + 1 :] + [None])[0]
        if layer == "udpencap":
            layer = "esp" if "esp" in layers and 4500 in (sport, dport) else None
        kind = {"esp": "ESP", "wg": "WIREGUARD",
                "vxlan": "VXLAN" if dport in (4789, 8472) and row.first("vxlan.reserved8") else None,
                "geneve": "GENEVE" if dport == 6081 and row.first("geneve.reserved") else None,
                "teredo": "TEREDO" if 3544 in (sport, dport) and "ipv6" in layers else None}.get(layer)
    if later or not kind:
        return None, None
    which = next((n for n in layers if n in ("ip", "ipv6")), None)
    if kind in ("ESP", "WIREGUARD") or "ppp" in layers or not which:
        return kind, None
    nth = 1 if which == outer else 0
    src, dst = row[which + ".src"], row[which + ".dst"]
    if len(src) <= nth or len(dst) <= nth:
        return kind, None
    return kind, (1 if which == "ip" else 2, address(src[nth]), address(dst[nth]))


def read_notes(path):
    with open(path, encoding="ascii") as f:
        text = f.read()
    return re.findall(r"\bX\((\w+), \"", text[text.index("#define CF_NOTES(X)") :])


def expect(row, kind, data):
    """A Want; raises Again, or LookupError where tshark did not say what it had to."""
    try:
        at, four, vlan, mac = link(row, kind, data)
        if not four and len(data) - at >= 40 and (data[at] >> 4) != 6:
            raise Unparsed("UNPARSED_BAD_IP")
        exact, headers = (ipv4 if four else ipv6)(row, data, at)
        kind, inner = tunnel(row, exact, "ip" if four else "ipv6")
        end = headers + struct.unpack_from("<I", exact, 39)[0]
        return Want("UNDECIDED", exact, headers, vlan, mac, kind, inner, end)
    except Unparsed as why:
        return Want(why.args[0], None, None, None, None, None, None, None)
