#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets whose verdicts tell which of two policy sets judged them.

reload_probe.py send 4|6 CPU FILE       UDP to A, B, C, A, ... until SIGTERM; FILE: what was sent
reload_probe.py receive DEV FILE        what passed DEV's inside hook, until SIGTERM
reload_probe.py check SENT RECEIVED FIRST
    One set drops what goes to A, the other what goes to B, so each packet to one of them
    names the set that judged it. From one CPU they are judged in their order: the set
    changes as often as it was swapped. FIRST (A or B) was dropped in the beginning.
"""
import json
import os
import signal
import socket
import struct
import sys
import time

PORT = 40009
PAYLOAD = 40
RATE = 4000
WORDS = struct.Struct(">II")
SOURCE = {"4": "10.0.0.9", "6": "2001:db8:aaaa::9"}
TO = {"4": "198.20.0.{}", "6": "2001:db8:b000:{}::1"}
stopped = False


def stop(*_):
    global stopped
    stopped = True


def checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def head(family, own, to):
    """All before the payload, the same for each packet to there."""
    ether = bytes.fromhex("020000000001") + own
    udp = struct.pack(">HHHH", 4444, PORT, 8 + PAYLOAD, 0)
    if family == "6":
        addresses = b"".join(socket.inet_pton(socket.AF_INET6, a) for a in (SOURCE["6"], to))
        return ether + struct.pack(">HIHBB", 0x86DD, 6 << 28, 8 + PAYLOAD, 17, 64) + addresses + udp
    addresses = socket.inet_aton(SOURCE["4"]) + socket.inet_aton(to)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 28 + PAYLOAD, 0, 0, 64, 17, 0) + addresses
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return ether + b"\x08\x00" + ip + udp


def send(family, cpu, file):
    os.sched_setaffinity(0, {int(cpu)})
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("gw", 0))
    heads = [head(family, s.getsockname()[4], TO[family].format(i + 1)) for i in range(3)]
    n, began = 0, time.monotonic()
    while not stopped:
        frame = heads[n % 3] + WORDS.pack(int(family), n) + bytes(PAYLOAD - WORDS.size)
        try:
            s.send(frame)
            n += 1
        except OSError:  # the device had no room: it was offered to nobody
            time.sleep(0.001)
        wait = began + n / RATE - time.monotonic()
        if wait > 0.002:
            time.sleep(wait)
    out = {"family": family, "sent": [n, n * len(heads[0] + bytes(PAYLOAD)), n * PAYLOAD],
           "innocent": [0, 0, 0]}
    with open(file, "w", encoding="ascii") as f:
        json.dump(out, f)


def receive(dev, file):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.bind((dev, 3))
    s.settimeout(0.2)
    with open(file + ".ready", "w", encoding="ascii"):
        pass
    seen = {4: [], 6: []}
    at = {0x0800: 14 + 20, 0x86DD: 14 + 40}
    while True:
        try:
            frame, where = s.recvfrom(2048)
        except socket.timeout:
            if stopped:
                break
            continue
        udp = at.get(where[1])
        if where[2] != 4 and udp and frame[udp + 2:udp + 4] == struct.pack(">H", PORT):
            family, n = WORDS.unpack_from(frame, udp + 8)
            seen[family].append(n)
    _, missed = struct.unpack("II", s.getsockopt(263, 6, 8))  # PACKET_STATISTICS
    with open(file, "w", encoding="ascii") as f:
        json.dump({"4": seen[4], "6": seen[6], "missed": missed}, f)


def check(sent, received, first):
    with open(sent, encoding="ascii") as f:
        sent = json.load(f)
    with open(received, encoding="ascii") as f:
        received = json.load(f)
    passed = received[sent["family"]]
    at = set(passed)
    changes, told, quota = [], 0, 0
    now = "AB".index(first)
    for n in range(sent["sent"][0]):
        to = n % 3
        if to == 2:
            quota += n in at
            continue
        told += 1
        dropped_by = 1 - to if n in at else to
        if dropped_by != now:
            changes.append(n)
            now = dropped_by
    print(json.dumps({"packets": sent["sent"][0], "told": told, "changes": len(changes),
                      "at": changes[:20], "twice": len(passed) - len(at),
                      "missed": received["missed"], "quota_bytes": quota * PAYLOAD,
                      "quota_offered": sent["sent"][0] // 3 * PAYLOAD}))


for sig in (signal.SIGTERM, signal.SIGINT):
    signal.signal(sig, stop)
{"send": send, "receive": receive, "check": check}[sys.argv[1]](*sys.argv[2:])
