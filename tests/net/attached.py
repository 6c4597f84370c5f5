#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks the kernel itself what is attached: attached.py DEVICE...

One line for each program: device, hook, program id. Needed because bpftool 7.1
does not know TCX. BPF_PROG_QUERY: include/uapi/linux/bpf.h.
"""
import ctypes
import json
import os
import platform
import socket
import struct
import subprocess
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_QUERY = 16
TCX = {"tcx-ingress": 46, "tcx-egress": 47}
libc = ctypes.CDLL(None, use_errno=True)


def query_tcx(ifindex, attach_type):
    ids = (ctypes.c_uint32 * 64)()
    attr = struct.pack("IIIIQIIQQQQ", ifindex, attach_type, 0, 0, ctypes.addressof(ids), 64, 0, 0, 0, 0, 0)
    buf = ctypes.create_string_buffer(attr, len(attr))
    if libc.syscall(SYS_BPF, BPF_PROG_QUERY, buf, len(attr)) < 0:
        return []  # no TCX before 6.6
    count = struct.unpack_from("I", buf.raw, 24)[0]
    return list(ids[:count])


def ask(*command):
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    try:
        return json.loads(out or "[]")
    except ValueError:
        return []


def main():
    for device in sys.argv[1:]:
        for hook, number in TCX.items():
            for prog in query_tcx(socket.if_nametoindex(device), number):
                print(device, hook, prog)
        for link in ask("ip", "-j", "-d", "link", "show", "dev", device):
            if "xdp" in link:
                print(device, "xdp", link["xdp"].get("prog", {}).get("id"))
        for direction in "ingress", "egress":
            for f in ask("tc", "-j", "filter", "show", "dev", device, direction):
                prog = f.get("options", {}).get("prog")
                if prog:
                    print(device, "clsact-" + direction, prog.get("id"))


main()
