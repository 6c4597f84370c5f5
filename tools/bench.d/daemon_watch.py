#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a process costs: daemon_watch.py PID SECONDS

Prints, as JSON, the CPU it took in that time in percent of one core, and the most
that it had resident meanwhile: mapped BPF maps (`tables`) and all else (`rest`, of
it `heap`: anonymous memory), in MiB.
"""
import json
import pathlib
import re
import sys
import time

MAP = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (\d+)\s*(.*)$")


def cpu_ns(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def resident(pid):
    """KiB by kind. A page of a BPF map is the kernel's whether we look at it or not."""
    kib = {"tables": 0, "rest": 0, "heap": 0}
    name = ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        found = MAP.match(line)
        if found:
            name = found[2]
        elif line.startswith("Rss:"):
            rss = int(line.split()[1])
            kib["tables" if "bpf-map" in name or "bpf_map" in name else "rest"] += rss
        elif line.startswith("Anonymous:") and "bpf" not in name:
            kib["heap"] += int(line.split()[1])
    return kib


def main(pid, seconds):
    most = resident(pid)
    began, at = cpu_ns(pid), time.monotonic()
    while time.monotonic() - at < seconds:
        time.sleep(0.25)
        now = resident(pid)
        most = {k: max(most[k], now[k]) for k in most}
    took = time.monotonic() - at
    out = {k: round(v / 1024, 2) for k, v in most.items()}
    out["cpu"] = round((cpu_ns(pid) - began) / took / 1e7, 3)
    print(json.dumps(out))


main(sys.argv[1], float(sys.argv[2]))
