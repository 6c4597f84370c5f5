# SPDX-License-Identifier: GPL-2.0-or-later
"""What the project wants of itself, and whether it was so: from what the parts themselves found.

A part's result has `goals`, each with `what`, `unit`, `at_most` or `at_least`, and `found`: one or
more of {`case`, `samples`}. The median counts, and of several cases the worst. A goal without
samples was not measured, `why` may say why. No goal fails a run: that is for facts that `must` be.
"""

import statistics


def judge(goal):
    """A goal with figures in the place of samples; `met` is None if it was not measured."""
    most = "at_most" in goal
    limit = goal["at_most" if most else "at_least"]
    out = {**goal, "found": []}
    for f in goal["found"]:
        if f["samples"]:
            value = statistics.median(f["samples"])
            out["found"].append({"case": f["case"], "value": value, "low": min(f["samples"]),
                                 "high": max(f["samples"]), "met": value <= limit if most else value >= limit})
    # a case that was not measured leaves the goal open, unless another misses it
    whole = out["found"] and len(out["found"]) == len(goal["found"])
    out["met"] = False if not all(f["met"] for f in out["found"]) else True if whole else None
    return out


def collect(parts):
    """All goals of these parts; a part that has handed back none is one that was not measured."""
    for p in parts:
        for g in p.get("goals", []):
            yield {"part": p["part"], **judge(g)}
        if not p.get("goals"):
            yield {"part": p["part"], "what": f"the goals of part {p['part']}", "found": [], "met": None,
                   "why": f"{p['state']}: {p.get('why', '')}" if p.get("state", "ok") != "ok" else "it names none"}
