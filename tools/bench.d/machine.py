# SPDX-License-Identifier: GPL-2.0-or-later
"""What figures depend on: the machine they were measured on."""

import os
import pathlib


def _value(path, key):
    for line in pathlib.Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def _mitigations():
    """Those in effect, and what the CPU is vulnerable to, by the kernel's own names."""
    on, open_ = [], []
    for path in sorted(pathlib.Path("/sys/devices/system/cpu/vulnerabilities").glob("*")):
        text = path.read_text().strip()
        if text.startswith("Mitigation"):
            on.append(path.name)
        elif text.startswith("Vulnerable"):
            open_.append(path.name)
    return {"on": on, "vulnerable": open_}


def facts():
    u = os.uname()
    # arm64 has no model name there
    cpu = _value("/proc/cpuinfo", "model name") or _value("/proc/cpuinfo", "CPU implementer")
    flags = (_value("/proc/cpuinfo", "flags") or "").split()
    return {
        "kernel": u.release,
        "architecture": u.machine,
        "cpu": cpu or "unknown",
        "virtual": "hypervisor" in flags,
        "cpus": os.sysconf("SC_NPROCESSORS_ONLN"),
        "memory_mib": int(_value("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "mitigations": _mitigations(),
    }
