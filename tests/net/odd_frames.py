#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends frames that a watchdog sees only in part, each kind a known number of times: odd_frames.py SOURCE DESTINATION SOURCE6 DESTINATION6

Frames go out of eth0 to the gateway's MAC. Prints one JSON object: by kind,
[packets, bytes] as they were sent, without the check sequence.
"""
import json
import socket
import struct
import sys

GATEWAY = bytes.fromhex("020000000001")
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"


def checksum(header):
    total = sum(struct.unpack(">%dH" % (len(header) // 2), header))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ipv4(src, dst, protocol, payload, ident=0, fragment=0, version_length=0x45):
    head = struct.pack(
        ">BBHHHBBH4s4s", version_length, 0, 20 + len(payload), ident, fragment, 64, protocol, 0,
        socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, header, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), header, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def udp(port, data, sport=40000):
    return struct.pack(">HHHH", sport, port, 8 + len(data), 0) + data


def kinds(src, dst, src6, dst6, own):
    to_gateway = GATEWAY + own
    inner4 = ipv4("10.77.0.1", "192.0.2.77", 17, udp(53, bytes(20)))
    inner6 = ipv6("fd77::1", "2001:db8:77::1", 17, udp(53, bytes(20)))
    ether = bytes(12)
    # destination options with nothing but padding (RFC 8200 4.2), one behind the other; then UDP
    options = b"".join(bytes([60 if i < 9 else 17, 0, 1, 4, 0, 0, 0, 0]) for i in range(10))
    whole = udp(9, bytes(3000))
    sent = [
        # what is neither IPv4 nor IPv6, and what is broken
        ("unparsed-non-ip", 7, to_gateway + b"\x88\xb5" + bytes(50)),
        ("unparsed-bad-ip", 5, to_gateway + IPV4 + ipv4(src, dst, 17, udp(9, bytes(20)), version_length=0x42)),
        ("unparsed-short-ip", 3, to_gateway + IPV4 + ipv4(src, dst, 17, b"")[:16]),
        # never judged
        ("ignored-multicast", 4, bytes.fromhex("01005e010203") + own + IPV4 +
            ipv4(src, "239.1.2.3", 17, udp(9, bytes(60)))),
        ("ignored-control", 2, bytes.fromhex("0180c200000e") + own + b"\x88\xcc" + bytes(46)),
        ("ignored-destination", 6, to_gateway + IPV4 + ipv4(src, "198.51.100.130", 17, udp(9, bytes(200)))),
        # tunnels
        ("tunnel-ipip", 8, to_gateway + IPV4 + ipv4(src, dst, 4, inner4)),
        ("tunnel-6in4", 9, to_gateway + IPV4 + ipv4(src, dst, 41, inner6)),
        ("tunnel-gre", 10, to_gateway + IPV4 + ipv4(src, dst, 47, b"\0\0" + IPV4 + inner4)),
        ("tunnel-vxlan", 11, to_gateway + IPV4 +
            ipv4(src, dst, 17, udp(4789, b"\x08" + bytes(7) + ether + IPV4 + inner4))),
        ("tunnel-geneve", 6, to_gateway + IPV4 +
            ipv4(src, dst, 17, udp(6081, b"\0\0\x65\x58" + bytes(4) + ether + IPV4 + inner4))),
        ("tunnel-esp", 12, to_gateway + IPV4 + ipv4(src, dst, 50, bytes(range(96)))),
        ("tunnel-teredo", 7, to_gateway + IPV4 + ipv4(src, dst, 17, udp(3544, inner6))),
        ("tunnel-wireguard", 3, to_gateway + IPV4 + ipv4(src, dst, 17, udp(51820, b"\x01" + bytes(147)))),
        ("tunnel-4in6", 4, to_gateway + IPV6 + ipv6(src6, dst6, 4, inner4)),
        ("tunnel-6in6", 5, to_gateway + IPV6 + ipv6(src6, dst6, 41, inner6)),
        ("extensions-unwalked", 4, to_gateway + IPV6 + ipv6(src6, dst6, 60, options + udp(9, bytes(30)))),
        # and what is plain
        ("plain", 13, to_gateway + IPV4 + ipv4(src, dst, 17, udp(9, bytes(400)))),
    ]
    # datagrams in three parts
    for ident in range(7, 12):
        for kind, first, last, field in (
                ("first-fragment", 0, 1200, 0x2000), ("later-fragment", 1200, 2400, 0x2000 | 150),
                ("later-fragment", 2400, len(whole), 300)):
            sent.append((kind, 1, to_gateway + IPV4 + ipv4(src, dst, 17, whole[first:last], ident, field)))
    return sent


def main():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    total = {}
    for kind, times, frame in kinds(*sys.argv[1:5], s.getsockname()[4]):
        for _ in range(times):
            s.send(frame)
        count = total.setdefault(kind, [0, 0])
        count[0] += times
        count[1] += times * len(frame)
    print(json.dumps(total))


main()
