#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames that no honest host sends, out of eth0 to the gateway.

forge.py addresses COUNT DST    COUNT sources of no network inside, each its own
forge.py macs COUNT SRC DST     SRC, each time from another MAC
forge.py asked SRC DST          three packets to SRC as if from DST, then 100 as SRC to DST
forge.py spray COUNT SRC        a byte to each of COUNT addresses of 45.0.0.0/8

All are UDP, with a kilobyte in each unless it says otherwise.
"""
import ipaddress
import socket
import struct
import sys
import time

GATEWAY = bytes.fromhex("020000000001")
DATA = bytes(1000)

out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
own = out.getsockname()[4][:6]


def checksum(b):
    if len(b) % 2:
        b += b"\0"
    t = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while t >> 16:
        t = (t & 0xFFFF) + (t >> 16)
    return ~t & 0xFFFF or 0xFFFF


def packet(src, dst, sport, dport, data):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    udp = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    if dst.version == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0)
        ip = ip[:10] + struct.pack("!H", checksum(ip + src.packed + dst.packed)) + src.packed + dst.packed
        return b"\x08\x00" + ip + udp + data
    pseudo = src.packed + dst.packed + struct.pack("!II", len(udp) + len(data), 17)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp + data))
    return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp) + len(data), 17, 64) + src.packed + dst.packed + udp + data


def send(mac, *what):
    out.send(GATEWAY + mac + packet(*what))
    time.sleep(0.0003)


def addresses(count, dst):
    for i in range(int(count)):
        src = "2001:db8:bbbb:%x::1" % i if ":" in dst else "10.%d.%d.7" % (5 + i // 250, i % 250)
        send(own, src, dst, 4000, 53, DATA)


def macs(count, src, dst):
    for i in range(int(count)):
        send(b"\x02\x77" + struct.pack("!I", i), src, dst, 4000, 53, DATA)


def asked(src, dst):
    for _ in range(3):
        send(own, dst, src, 53, 8080, b"hello")
        time.sleep(0.1)
    for _ in range(100):
        send(own, src, dst, 8080, 53, DATA)


def spray(count, src):
    for i in range(int(count)):
        dst = "45.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255)
        out.send(GATEWAY + own + packet(src, dst, 1, 2, b"x"))


{"addresses": addresses, "macs": macs, "asked": asked, "spray": spray}[sys.argv[1]](*sys.argv[2:])
