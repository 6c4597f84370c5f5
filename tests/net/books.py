#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Curfew's books, read from the pinned maps by bpftool and cat alone: books.py [DEVICE...]

Prints one JSON object. `hooks` has, for each hook, what it was offered by
fate, in [packets, wire bytes, payload bytes]; `slots` the pair table,
`recycled` what its slots had counted for pairs that are gone from it,
`overflow` and `losses` what found no slot there; `notes` what else was said of
packets, by hook, in [packets, wire bytes]; `devices` what each device's hook
was offered in [packets, len bytes, wire bytes].

tests/tools/books reads the same without bpftool, and faster.
"""
import collections
import json
import socket
import struct
import subprocess
import sys

PINS = "/sys/fs/bpf/curfew/"
HOOKS = ("inside", "outside")


def raw(name):
    out = subprocess.run(
        ["bpftool", "-j", "map", "dump", "pinned", PINS + name], stdout=subprocess.PIPE, check=True
    ).stdout
    return json.loads(out)


def dump(name):
    for entry in raw(name):
        formatted = entry["formatted"]
        yield formatted["key"], [v["value"] for v in formatted.get("values", [])] or [formatted["value"]]


def add(total, *numbers):
    for i, n in enumerate(numbers):
        total[i] += n


def triple():
    return [0, 0, 0]


def three(value):
    return value["packets"], value["wire_bytes"], value["payload_bytes"]


def main():
    hooks = {h: collections.defaultdict(triple) for h in HOOKS}
    for _, cpus in dump("reasons"):
        for value in cpus:
            if value["packets"]:
                fate = value["reason"].split("-")[0]
                if value["reason"] == "drop-unparsed":
                    fate = "unparsed"
                add(hooks[value["hook"]][fate], *three(value))
                add(hooks[value["hook"]]["offered"], *three(value))
    slots = {h: triple() for h in HOOKS}
    pairs = 0
    with open(PINS + "pairs") as f:
        for line in f:
            field = line.split()
            if line.startswith("#"):
                continue
            pairs += 1
            add(slots[field[6]], int(field[2]), int(field[4]), int(field[3]))
    overflow = {h: triple() for h in HOOKS}
    for key, cpus in dump("overflow"):
        for value in cpus:
            add(overflow[HOOKS[key["hook"]]], *three(value))
    losses = {h: triple() for h in HOOKS}
    for key, cpus in dump("losses"):
        if key < len(HOOKS):
            for value in cpus:
                add(losses[HOOKS[key]], *three(value))
    recycled = {h: triple() for h in HOOKS}
    for key, cpus in dump("recycled"):
        for value in cpus:
            add(recycled[HOOKS[key]], *three(value))
    notes = {h: collections.defaultdict(lambda: [0, 0]) for h in HOOKS}
    for _, cpus in dump("notes"):
        for value in cpus:
            if value["packets"]:
                add(notes[value["hook"]][value["note"]], value["packets"], value["wire_bytes"])
    devices = {}
    if sys.argv[1:]:
        rows = struct.unpack("=4096H", bytes(int(b, 16) for b in raw("device_rows")[0]["value"]))
        want = {rows[socket.if_nametoindex(d) & 4095]: d for d in sys.argv[1:]}
        for key, cpus in dump("devices"):
            if key in want:
                total = triple()
                for value in cpus:
                    add(total, value["packets"], value["len_bytes"], value["wire_bytes"])
                devices[want[key]] = total
    json.dump({"hooks": hooks, "slots": slots, "pairs": pairs, "recycled": recycled, "overflow": overflow,
               "losses": losses, "notes": notes, "devices": devices}, sys.stdout)
    print()


main()
