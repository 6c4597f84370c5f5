#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts what arrives at a host, apart from Curfew: payload_meter.py DEVICE FILE.

Every 50 ms FILE holds one JSON object: bytes above the TCP or UDP header, for
other protocols above the IP header, by the host's own address; what IPv6 has in a
fragment header is payload; repeated segments count each time they arrive.
`seen_until` is when all that had arrived was counted (seconds since 1970).
`missed` counts packets that this meter was too slow for: unless it is 0, the
figures prove nothing.
"""
import collections
import json
import os
import select
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_STATISTICS = 263, 6
IPPROTO_FRAGMENT = 44


def payload(packet):
    """(own address, payload bytes), or None if the packet is not IP."""
    version = packet[0] >> 4
    if version == 4:
        fragment, header = 0, (packet[0] & 15) * 4
        total, protocol = struct.unpack_from(">H", packet, 2)[0], packet[9]
        if struct.unpack_from(">H", packet, 6)[0] & 0x1FFF:
            protocol = None  # a later fragment has no ports
        own = socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif version == 6:
        header = 40
        total, protocol = struct.unpack_from(">H", packet, 4)[0] + 40, packet[6]
        own = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        fragment = 8 if protocol == IPPROTO_FRAGMENT else 0
        if fragment and not struct.unpack_from(">H", packet, 42)[0] & 0xFFF8:
            protocol = packet[40]
        if protocol == socket.IPPROTO_ICMPV6 and 133 <= packet[40] <= 137:
            return None  # neighbour discovery stays on the link
    else:
        return None
    if protocol == socket.IPPROTO_TCP:
        header += (packet[header + fragment + 12] >> 4) * 4
    elif protocol == socket.IPPROTO_UDP:
        header += 8
    return own, total - header


def main():
    device, path = sys.argv[1:3]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE") else 33, 64 << 20)
    s.bind((device, 3))
    s.setblocking(False)
    totals = collections.Counter()
    missed, written, seen_until = 0, 0.0, 0.0
    view = bytearray(256)
    while True:
        select.select([s], [], [], 0.05)
        while True:
            began = time.time()
            try:
                _, (_, ethertype, kind, _, _) = s.recvfrom_into(view)
            except BlockingIOError:
                seen_until = began
                break
            if kind == 0 and ethertype in (0x0800, 0x86DD):
                got = payload(view)
                if got:
                    totals[got[0]] += got[1]
            if time.monotonic() - written > 0.1:
                break
        now = time.monotonic()
        if now - written >= 0.05:
            missed += struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            with open(path + ".new", "w") as f:
                json.dump({"missed": missed, "seen_until": seen_until, **totals}, f)
            os.rename(path + ".new", path)
            written = now


main()
