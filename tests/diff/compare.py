# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets through our parsers and through tshark, and what they do not agree on."""
import os
import struct
import subprocess
import tempfile
from collections import Counter

import captures
import dissector
import expected
from explained import STOPS, tunnel_class

RECORD = 72  # facts.h: struct facts
HOST, XDP, TC, INJECTED, FRAGS, RECORDS = range(6)
NAMES = ("host", "xdp", "tc", "tc injected", "xdp frags")
UNSEEN, BY_DEVICE = 0, 3
MOST_OF_DEVICE = 65000
ETHER_OF_RAW = 14  # a raw packet gets an Ethernet header for XDP


class Skip(Exception):
    """Why this cannot run here."""


def is_tagged(packet):
    """The kernel takes such a tag off before TC sees the frame."""
    return packet[0] == captures.ETHER and packet[1][12:14] in (b"\x81\0", b"\x88\xa8")


class Facts:
    """One record of facts.h."""

    def __init__(self, data, which, packet):
        self.data = data
        (self.seen, self.reason) = struct.unpack_from("<IB", data)
        self.exact = data[5:7] + bytes([data[7] & 3]) + data[8:48]
        (self.headers, self.notes, self.vlan, self.inner_at, self.inner_l3, self.how) = struct.unpack_from(
            "<IIHHBB", data, 48)
        self.mac = data[62:68].hex(":") if data[7] & 4 else None
        (self.wire,) = struct.unpack_from("<I", data, 68)
        self.normalise(which, packet)

    def normalise(self, which, packet):
        """Takes back what the way through the kernel adds or takes away."""
        shift = 0
        if which in (XDP, FRAGS) and packet[0] == captures.RAW:
            shift, self.mac = ETHER_OF_RAW, None
            self.wire -= shift
        if self.how == BY_DEVICE and which in (TC, INJECTED) and is_tagged(packet):
            shift = -4
        if self.reason == expect_undecided():
            self.headers -= shift
        if self.inner_l3:
            self.inner_at -= shift
        else:
            self.inner_at = 0

    def all(self):
        return (self.reason, self.exact, self.headers, self.notes, self.vlan, self.inner_at, self.inner_l3, self.mac)


REASONS = {}
TUNNELS = {}  # bit of struct pkt's notes: name
TUNNEL_NAMES = {"IPIP", "SIXINFOUR", "FOURINSIX", "SIXINSIX", "GRE", "VXLAN", "GENEVE", "TEREDO", "ESP", "WIREGUARD"}


def expect_undecided():
    return REASONS["UNDECIDED"]


def setup(source_dir):
    REASONS.update(expected.read_reasons(os.path.join(source_dir, "include/curfew/reasons.def")))
    notes = expected.read_notes(os.path.join(source_dir, "include/curfew/reasons.def"))
    TUNNELS.update((1 << i, n) for i, n in enumerate(notes) if n in TUNNEL_NAMES)
    if len(TUNNELS) != len(TUNNEL_NAMES):
        raise RuntimeError("reasons.def has other names for tunnels")


def write_packets(f, packets):
    """As diff_carry reads them."""
    for kind, data in packets:
        f.write(struct.pack("<II", len(data), kind) + data)


def carry(packets, program):
    """The records of all packets, as bytes."""
    with tempfile.TemporaryDirectory(prefix="curfew-diff.") as d:
        ours, theirs = os.path.join(d, "packets"), os.path.join(d, "facts")
        with open(ours, "wb") as f:
            write_packets(f, packets)
        run = subprocess.run([program, ours, theirs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        text = run.stdout.decode().strip()
        if run.returncode == 77:
            raise Skip(text.removeprefix("SKIP: "))
        if run.returncode:
            raise RuntimeError(f"diff_carry: exit {run.returncode}: {run.stderr.decode()[-2000:]}")
        with open(theirs, "rb") as f:
            data = f.read()
        if len(data) != RECORD * RECORDS * len(packets):
            raise RuntimeError("diff_carry: not a record per packet")
        return data


class Outcome:
    """What became of a run."""

    def __init__(self):
        self.packets = self.compared = 0
        self.by_way = Counter()
        self.explained = Counter()
        self.excluded = Counter()
        self.reasons = Counter()
        self.tunnels = Counter()
        self.wrong = []

    def fault(self, name, packet, what):
        self.wrong.append((name, packet, what))


def differences(want, got):
    """The names of what differs between tshark's view and the host parser's."""
    if got.reason != REASONS[want.reason]:
        names = {v: k for k, v in REASONS.items()}
        return [f"reason: {names[got.reason]}, not {want.reason}"]
    if want.exact is None:
        return []
    out = []
    fields = (("l3", 0, 1), ("protocol", 1, 2), ("fragment", 2, 3), ("source", 3, 19), ("destination", 19, 35),
              ("source port", 35, 37), ("destination port", 37, 39), ("payload", 39, 43))
    if want.exact != got.exact:
        for name, a, b in fields:
            if want.exact[a:b] != got.exact[a:b]:
                out.append(f"{name}: {got.exact[a:b].hex()}, not {want.exact[a:b].hex()}")
    if want.headers != got.headers:
        out.append(f"headers: {got.headers}, not {want.headers}")
    if want.vlan != got.vlan:
        out.append(f"VLAN: {got.vlan}, not {want.vlan}")
    if want.mac != got.mac:
        out.append(f"MAC: {got.mac}, not {want.mac}")
    return out


def tunnels(want, got, data, row):
    """(the class that explains what is told differently, or None; the difference, or None)."""
    kinds, inner = [n for bit, n in TUNNELS.items() if got.notes & bit], inner_of(got, data)
    if want.exact is None or (kinds == ([want.tunnel] if want.tunnel else []) and inner == want.inner):
        return None, None
    why = tunnel_class(want, kinds, inner, data, row)
    return why, None if why else f"tunnel: {kinds} {inner}, not {want.tunnel} {want.inner}"


def inner_of(got, data):
    """(l3, source, destination) at where the parser says an inner header is."""
    at, size = got.inner_at, 4 if got.inner_l3 == 1 else 16
    first = at + (12 if got.inner_l3 == 1 else 8)
    return (got.inner_l3, data[first : first + size], data[first + size : first + 2 * size]) if got.inner_l3 else None


def uncarried(out, way, name, packet):
    """Neither test-run nor a device takes what is no frame, or longer than a device's write."""
    size = len(packet[1])
    why = "less than Ethernet's header" if size < 14 else f"more than {MOST_OF_DEVICE} bytes"
    out.by_way[f"not {way}: {why}"] += 1
    if 14 <= size <= MOST_OF_DEVICE:
        out.fault(name, packet, [f"{way} did not see it"])


def compare_ways(out, name, packet, records):
    """The kernel's programs against the host's build of the same parser."""
    host = Facts(records[:RECORD], HOST, packet)
    big = len(packet[1]) > 0xFFFF + 40
    for which in range(XDP, RECORDS):
        raw = records[which * RECORD : (which + 1) * RECORD]
        way = Facts(raw, which, packet)
        if way.how == UNSEEN:
            if which in (XDP, TC):
                uncarried(out, NAMES[which], name, packet)
            continue
        out.by_way[f"{NAMES[which]}{', injected' if way.how == BY_DEVICE and which != INJECTED else ''}"] += 1
        # a jumbo option is the stack's own: the host's build is told the bytes, not the wire's
        if way.all() != host.all() or way.wire not in (host.wire, host.wire - (8 if big else 0)):
            out.fault(name, packet, [f"{NAMES[which]} {way.all()} is not the host's {host.all()}"])
    return host


def compare(packets, program, out=None):
    """`packets`: a list of (name, (kind, bytes))."""
    out = out or Outcome()
    out.packets += len(packets)
    bare = [p for _, p in packets]
    rows, records = dissector.dissect(bare), carry(bare, program)
    again = []
    for i, (name, packet) in enumerate(packets):
        at = i * RECORD * RECORDS
        host = compare_ways(out, name, packet, records[at : at + RECORD * RECORDS])
        out.reasons[host.reason] += 1
        again.append((name, packet, packet[1], host, set(), rows[i]))
    while again:
        again = settle(again, out)
    return out


def settle(work, out):
    """Compares what tshark says; returns what it has to be asked again in other words."""
    again = []
    for name, packet, data, host, classes, row in work:
        try:
            want = expected.expect(row, packet[0], data)
        except expected.Again as a:
            if a.why not in STOPS or len(classes) > 16:
                out.fault(name, packet, [f"not in the table: {a.why}"])
                continue
            again.append((name, packet, a.data, host, classes | {a.why}))
            continue
        except (LookupError, TypeError, ValueError) as e:
            out.fault(name, packet, [f"tshark does not say: {e!r} {row.cells}"])
            continue
        out.compared += 1
        if want.tunnel:
            out.tunnels[want.tunnel.lower() + (", inner header" if want.inner else "")] += 1
        what = differences(want, host)
        told, difference = tunnels(want, host, packet[1], row)
        what += [difference] if difference else []
        if what:
            out.fault(name, packet, what)
        else:
            out.explained.update(classes | ({told} if told else set()))
    if not again:
        return []
    rows = dissector.dissect([(p[0], d) for _, p, d, _, _ in again])
    return [(*a, r) for a, r in zip(again, rows)]
