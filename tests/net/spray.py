#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends UDP packets to ever new destinations, to fill tables: spray.py 4|6 COUNT SOURCE

Frames go out of eth0 to the gateway's MAC. Destinations: 198.18.0.0/15 (RFC
2544) and on; or /64s below 2001:db8:a000::/36.
"""
import socket
import struct
import sys

GATEWAY = bytes.fromhex("020000000001")


def checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def main():
    family, count, source = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    own = s.getsockname()[4]
    udp = struct.pack(">HHHH", 4444, 9, 8 + 32, 0) + bytes(32)
    if family == "4":
        src = socket.inet_pton(socket.AF_INET, source)
        ether = GATEWAY + own + b"\x08\x00"
        for i in range(count):
            dst = struct.pack(">I", (198 << 24 | 18 << 16) + i)
            head = struct.pack(">BBHHHBBH", 0x45, 0, 60, 0, 0, 64, 17, 0) + src + dst
            head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
            s.send(ether + head + udp)
    else:
        src = socket.inet_pton(socket.AF_INET6, source)
        ether = GATEWAY + own + b"\x86\xdd"
        net = socket.inet_pton(socket.AF_INET6, "2001:db8:a000::")[:4]
        for i in range(count):
            dst = net + struct.pack(">I", 0xA0000000 + i) + bytes(7) + b"\x01"
            s.send(ether + struct.pack(">IHBB", 6 << 28, 40, 17, 64) + src + dst + udp)


main()
