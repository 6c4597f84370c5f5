#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of tools/bench as Markdown: ratios first, then medians with their spread.

usage: render.py FILE...     what tools/bench --json wrote, or one part's own result
"""

import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import goals  # noqa: E402


def number(x):
    if isinstance(x, str):
        return x
    if x == int(x) and abs(x) < 10:
        return f"{x:.0f}"
    if abs(x) < 1:
        return f"{x:.2f}"
    return f"{x:.1f}" if abs(x) < 10 else f"{x:,.0f}"


def ratio(x):
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:,.0f}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def _ratio_of(row, table, medians):
    to = row.get("ratio_to", table.get("base"))
    mine, other = medians.get(row["case"]), medians.get(to)
    if mine is None or not other:
        return "–"
    named = f" (to {to})" if to != table.get("base") else ""
    return ratio(mine / other) + named


def render_table(t):
    medians = {r["case"]: statistics.median(r["samples"]) for r in t["rows"] if r["samples"]}
    base = f"ratio to {t['base']}" if t.get("base") else "ratio"
    notes = any(r.get("note") for r in t["rows"])
    yield f"**{cell(t['title'])}**"
    yield ""
    yield f"| case | {cell(base)} | {cell(t['unit'])}: median (min to max) |" + (
        " |" if notes else "")
    yield "|---|---|---|" + ("---|" if notes else "")
    for r in t["rows"]:
        s = r["samples"]
        spread = "–"
        if s:
            spread = f"{number(medians[r['case']])} ({number(min(s))} to {number(max(s))})"
        line = f"| {cell(r['case'])} | {cell(_ratio_of(r, t, medians))} | {spread} |"
        yield line + (f" {cell(r.get('note', ''))} |" if notes else "")
    yield ""


def render_facts(facts):
    yield "| what must hold, or is told | found | must be |"
    yield "|---|---|---|"
    for f in facts:
        unit = f" {f['unit']}" if f.get("unit") else ""
        must = "–"
        if "must" in f:
            must = number(f["must"]) + unit + ("" if f["value"] == f["must"] else " **WRONG**")
        if "at_most" in f:
            must = f"at most {number(f['at_most'])}{unit}" + ("" if f["value"] <= f["at_most"] else " **WRONG**")
        yield f"| {cell(f['what'])} | {number(f['value'])}{cell(unit)} | {cell(must)} |"
    yield ""


def _found(goal):
    """Each case that was measured, the ones at fault marked where there are several."""
    unit = f" {goal['unit']}" if goal.get("unit") else ""
    for f in goal["found"]:
        text = number(f["value"]) + unit
        if f["low"] != f["high"]:
            text += f" ({number(f['low'])} to {number(f['high'])})"
        text = f"{f['case']}: {text}" if f["case"] else text
        yield text if f["met"] or len(goal["found"]) == 1 else f"**{text}**"


def render_goals(parts):
    """Mechanical: nobody decides here what counts as met."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    yield "## Goals"
    yield ""
    yield "| goal | found: median (min to max) | |"
    yield "|---|---|---|"
    for g in goals.collect(parts):
        limit = ""
        for bound, text in (("at_most", "at most"), ("at_least", "at least")):
            if bound in g:
                unit = f" {g['unit']}" if g.get("unit") else ""
                limit = f": {text} {number(g[bound])}{unit}"
        found = "; ".join(_found(g)) or "–"
        why = f": {g['why']}" if g["met"] is None and g.get("why") else ""
        yield f"| {cell(g['what'] + limit)} | {cell(found)} | {words[g['met']]}{cell(why)} |"
    yield ""
    yield "What counts is the median, of several cases the worst; see the parts below for how it was measured."
    yield ""


def render_part(p):
    yield f"## {p.get('title', p['part'])}"
    yield ""
    if "seconds" in p:
        yield f"Part `{p['part']}`, {p['seconds']:.0f} s."
        yield ""
    if p.get("state", "ok") != "ok":
        yield f"**{p['state']}**: {p.get('why', '')}"
        yield ""
    if p.get("about"):
        yield p["about"]
        yield ""
    for t in p.get("tables", []):
        yield from render_table(t)
    if p.get("facts"):
        yield from render_facts(p["facts"])
    for n in p.get("notes", []):
        yield f"- {n}"
    if p.get("notes"):
        yield ""
    for v in p.get("verbatim", []):
        yield f"{v['title']}:"
        yield ""
        yield "```"
        yield v["text"].rstrip("\n")
        yield "```"
        yield ""


def render_machine(whole):
    m = whole["machine"]
    on, open_ = m["mitigations"]["on"], m["mitigations"]["vulnerable"]
    guest = ", a virtual machine" if m["virtual"] else ""
    yield (f"{whole['started'][:10]}, kernel {m['kernel']} {m['architecture']}, {m['cpu']}, "
           f"{m['cpus']} CPUs, {m['memory_mib']:,} MiB{guest}.")
    yield (f"Mitigations in effect: {', '.join(on) or 'none'}; vulnerable: "
           f"{', '.join(open_) or 'nothing'}.")
    yield ""
    yield ("Ratios are of medians. Every case of a table ran in every round, in turn; absolute "
           "figures move with the machine.")
    if whole["quick"]:
        yield "A quick run: look at what must hold, not at times; goals are not compared."
    yield f"All parts together took {sum(p.get('seconds', 0) for p in whole['parts']):.0f} s."
    yield ""


def markdown(whole):
    if "parts" not in whole:
        return "\n".join(render_part(whole)) + "\n"
    lines = ["# Curfew, measured", ""]
    lines += render_machine(whole)
    if not whole["quick"]:
        lines += render_goals(whole["parts"])
    for p in whole["parts"]:
        lines += render_part(p)
    return "\n".join(lines).rstrip("\n") + "\n"


def main(paths):
    if not paths or paths[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 0 if paths and paths[0] in ("-h", "--help") else 2
    for path in paths:
        print(markdown(json.loads(pathlib.Path(path).read_text())), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
