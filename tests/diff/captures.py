# SPDX-License-Identifier: GPL-2.0-or-later
"""Capture files (pcap, pcapng) to packets, and link types to the two that a hook can see.

Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, and the link type
registry that belongs to them."""
import struct

PCAP = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
ETHER, RAW = 0, 1
LONGEST = 256 * 1024 - 14

NAMES = {
    0: "NULL", 1: "EN10MB", 8: "SLIP", 9: "PPP", 11: "FDDI", 12: "RAW (12)", 19: "ATM_CLIP", 50: "PPP_SERIAL", 51: "PPP_ETHER",
    101: "RAW", 104: "C_HDLC", 105: "IEEE802_11", 107: "FRELAY", 108: "LOOP", 113: "LINUX_SLL", 117: "PFLOG",
    123: "SUNATM", 127: "IEEE802_11_RADIO", 129: "ARCNET_LINUX", 132: "JUNIPER_MLPPP", 137: "JUNIPER_ATM1",
    149: "USER2", 160: "DOCSIS31", 178: "JUNIPER_ETHER", 182: "MFR", 195: "IEEE802_15_4_WITHFCS",
    226: "IPNET", 228: "IPV4", 229: "IPV6", 231: "DBUS", 239: "NFLOG", 242: "IPOIB", 271: "VSOCK", 276: "LINUX_SLL2", 281: "DSA_TAG_BRCM",
    282: "DSA_TAG_BRCM_PREPEND", 284: "DSA_TAG_DSA", 285: "DSA_TAG_EDSA",
}


class Damaged(Exception):
    """Not a capture file, or one that ends in the middle."""


def read_pcap(data):
    end = PCAP[data[:4]]
    link = struct.unpack_from(end + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        size, wire = struct.unpack_from(end + "II", data, at + 8)
        at += 16
        if at + size > len(data):
            raise Damaged
        yield link, data[at : at + size], wire
        at += size


def read_pcapng(data):
    at, end, links = 0, "<", []
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            end = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(end + "II", data, at)
        if size < 12 or at + size > len(data):
            raise Damaged
        body = data[at + 8 : at + size - 4]
        if kind == 1:
            links.append(struct.unpack_from(end + "H", body)[0])
        elif kind in (2, 6):
            which = struct.unpack_from(end + ("I" if kind == 6 else "H"), body)[0]
            cap, wire = struct.unpack_from(end + "II", body, 12)
            yield links[which], body[20 : 20 + cap], wire
        elif kind == 3:
            wire = struct.unpack_from(end + "I", body)[0]
            yield links[0], body[4 : 4 + wire], wire
        at += size


def read(path):
    """Yields (link type, bytes, bytes on the wire) until the file ends or goes wrong."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] in PCAP:
        yield from read_pcap(data)
    elif data[:4] == b"\x0a\x0d\x0d\x0a":
        yield from read_pcapng(data)
    else:
        raise Damaged


def by_ethertype(kind, rest):
    """A packet whose link says an ethertype, as Ethernet: its addresses are not known."""
    return ETHER, bytes(6) + b"\2\0\0\0\0\1" + struct.pack(">H", kind) + rest


def by_family(family, rest):
    if family in (2, 10, 24, 28, 30):
        return RAW, rest
    return None


def convert(link, data):
    """(ETHER or RAW, bytes), or None for a link that no hook of ours is on."""
    if link == 1:
        return ETHER, data
    if link in (12, 14, 101, 228, 229):
        return RAW, data
    if link in (0, 108) and len(data) >= 4:
        return by_family(max(data[0], data[3]) if link == 0 else data[3], data[4:])
    if link == 113 and len(data) >= 16 and data[2:4] != b"\3\x38":
        return by_ethertype(struct.unpack_from(">H", data, 14)[0], data[16:])
    if link == 276 and len(data) >= 20:
        return by_ethertype(struct.unpack_from(">H", data)[0], data[20:])
    if link in (9, 50):
        if data[:2] == b"\xff\3":
            data = data[2:]
        if data[:2] in (b"\0\x21", b"\0\x57"):
            return RAW, data[2:]
    if link == 104 and len(data) >= 4:
        return by_ethertype(struct.unpack_from(">H", data, 2)[0], data[4:])
    return None


def write(path, link, packets):
    """One pcap of packets that are as long as they are."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LONGEST, link))
        for p in packets:
            f.write(struct.pack("<IIII", 0, 0, len(p), len(p)) + p)
