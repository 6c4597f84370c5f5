#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A neighbour: small BPF programs of somebody else.

neighbour.py tcx NAME DEVICE ingress|egress before|after [RETURN]
    attaches a counting TCX program, pinned as /sys/fs/bpf/NAME_{link,map}; it
    returns -1 (the next one decides) unless told otherwise
neighbour.py load NAME [RETURN]      the same program, only pinned: NAME_prog
neighbour.py xdp NAME [IFINDEX]      an XDP program that lets pass, or that can
                                     redirect to that interface; pinned: NAME_prog
neighbour.py count NAME              packets it has seen
neighbour.py gone NAME               detaches and unpins
neighbour.py covered DEVICE ingress|egress [SECONDS]
    waits until a program is in the chain; prints the milliseconds that took
neighbour.py cycle DEVICE PEER TIMES
    deletes and re-creates a veth so often, and prints for each time the
    milliseconds until a program was in its egress chain

Needed because bpftool 7.1 does not know TCX. Numbers: include/uapi/linux/bpf.h.
"""
import ctypes
import os
import platform
import socket
import struct
import subprocess
import sys
import time

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
MAP_CREATE, MAP_LOOKUP, PROG_LOAD, OBJ_PIN, OBJ_GET, PROG_QUERY, LINK_CREATE = 0, 1, 5, 6, 7, 16, 28
ARRAY, SCHED_CLS, XDP = 2, 3, 6
BEFORE, AFTER = 1 << 3, 1 << 4
TCX = {"ingress": 46, "egress": 47}
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, max(len(attr), 128))
    r = libc.syscall(SYS_BPF, command, attr, len(attr))
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return r, attr.raw


def pin(fd, path):
    text = ctypes.create_string_buffer(path.encode())
    bpf(OBJ_PIN, struct.pack("QII", ctypes.addressof(text), fd, 0))


def get(path):
    text = ctypes.create_string_buffer(path.encode())
    return bpf(OBJ_GET, struct.pack("QII", ctypes.addressof(text), 0, 0))[0]


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def counting(map_fd, last):
    """Adds one to the map's only element, then does what `last` does."""
    return b"".join([
        insn(0x62, 10, 0, -4, 0),                       # *(u32 *)(r10 - 4) = 0
        insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -4),     # r2 = r10 - 4
        insn(0x18, 1, 1, 0, map_fd), insn(0),           # r1 = map
        insn(0x85, 0, 0, 0, 1),                         # r0 = lookup(r1, r2)
        insn(0x15, 0, 0, 2, 0),                         # if r0 == 0 skip
        insn(0xb7, 1, 0, 0, 1), insn(0xdb, 0, 1),       # atomically: *r0 += 1
    ]) + last


def load(kind, name, code):
    licence = ctypes.create_string_buffer(b"GPL")
    text = ctypes.create_string_buffer(code)
    attr = struct.pack("IIQQIIQII16s", kind, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence),
                       0, 0, 0, 0, 0, name.encode()[:15])
    return bpf(PROG_LOAD, attr)[0]


def counter(name):
    fd = bpf(MAP_CREATE, struct.pack("IIIIIII16s", ARRAY, 4, 8, 1, 0, 0, 0, name.encode()[:15]))[0]
    pin(fd, f"/sys/fs/bpf/{name}_map")
    return fd


def returning(value):
    return insn(0xb7, 0, 0, 0, value) + insn(0x95)


def tcx(name, device, direction, where, value="-1"):
    prog = load(SCHED_CLS, name, counting(counter(name), returning(int(value))))
    flags = BEFORE if where == "before" else AFTER
    link = bpf(LINK_CREATE, struct.pack("IIII", prog, socket.if_nametoindex(device), TCX[direction], flags))[0]
    pin(link, f"/sys/fs/bpf/{name}_link")


def load_only(name, value="-1"):
    pin(load(SCHED_CLS, name, counting(counter(name), returning(int(value)))), f"/sys/fs/bpf/{name}_prog")


def xdp(name, ifindex=None):
    last = returning(2)
    if ifindex:  # only if the packet's length is 0, which it never is: what counts is that it could
        last = (insn(0x61, 2, 6, 0) + insn(0x61, 3, 6, 4) + insn(0x5d, 3, 2, 4) +
                insn(0xb7, 1, 0, 0, int(ifindex)) + insn(0xb7, 2) + insn(0x85, 0, 0, 0, 23) + insn(0x95) +
                returning(2))
    code = insn(0xbf, 6, 1) + counting(counter(name), last)
    pin(load(XDP, name, code), f"/sys/fs/bpf/{name}_prog")


def count(name):
    key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(8)
    bpf(MAP_LOOKUP, struct.pack("IIQQQ", get(f"/sys/fs/bpf/{name}_map"), 0, ctypes.addressof(key),
                                ctypes.addressof(value), 0))
    print(struct.unpack("Q", value.raw)[0])


def gone(name):
    for what in "link", "prog", "map":
        try:
            os.unlink(f"/sys/fs/bpf/{name}_{what}")
        except FileNotFoundError:
            pass


def programs(device, direction):
    ids = (ctypes.c_uint32 * 64)()
    try:
        attr = struct.pack("IIIIQIIQQQQ", socket.if_nametoindex(device), TCX[direction], 0, 0, ctypes.addressof(ids),
                           64, 0, 0, 0, 0, 0)
        return struct.unpack_from("I", bpf(PROG_QUERY, attr)[1], 24)[0]
    except OSError:
        return 0


def wait(device, direction, seconds):
    began = time.monotonic()
    while not programs(device, direction):
        if time.monotonic() - began > float(seconds):
            sys.exit(f"{device}: no program within {seconds} s")
        time.sleep(0.0005)
    return round((time.monotonic() - began) * 1000)


def cycle(device, peer, times):
    for i in range(int(times)):
        subprocess.run(["ip", "link", "del", device], check=True)
        if i % 3 == 0:
            time.sleep(0.002 * (i % 10))
        subprocess.run(["ip", "link", "add", device, "type", "veth", "peer", "name", peer], check=True)
        print(wait(device, "egress", 5))


if __name__ == "__main__":
    {"tcx": tcx, "load": load_only, "xdp": xdp, "count": count, "gone": gone, "cycle": cycle,
     "covered": lambda d, w, s="5": print(wait(d, w, s))}[sys.argv[1]](*sys.argv[2:])
