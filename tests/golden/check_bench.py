#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/bench: its table of goals to the byte, and what it does with parts that hand back
goals, fail, skip or hand back nothing. The parts are made up; measuring is not what is tested."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools" / "bench.d"))
sys.dont_write_bytecode = True
import render  # noqa: E402


def goal(what, bound, limit, *found, **more):
    return {"what": what, "unit": "ns", bound: limit,
            "found": [{"case": case, "samples": samples} for case, samples in found], **more}


PARTS = [
    {"part": "stages", "goals": [
        # by the median, whatever single rounds were
        goal("met", "at_most", 20, ("", [18, 30, 19])),
        goal("missed", "at_most", 20, ("", [21, 20, 22])),
        goal("exact", "at_most", 0, ("", [0])),
        goal("the other way", "at_least", 3, ("", [2.5, 2.9, 4])),
        goal("worst of two", "at_least", 8, ("uniform", [14, 16]), ("deep", [5, 4.5])),
        goal("one case is lacking", "at_most", 5, ("here", [1]), ("there", [])),
        goal("lacking, and missed", "at_most", 5, ("here", [6]), ("there", [])),
        goal("none", "at_most", 5, why="no database"),
    ]},
    {"part": "pairs", "state": "skipped", "why": "needs what is not there"},
    {"part": "poll", "state": "failed", "why": "it fell"},
    {"part": "quota"},
]
TABLE = """\
## Goals

| goal | found: median (min to max) | |
|---|---|---|
| met: at most 20 ns | 19 ns (18 to 30) | met |
| missed: at most 20 ns | 21 ns (20 to 22) | **missed** |
| exact: at most 0 ns | 0 ns | met |
| the other way: at least 3 ns | 2.9 ns (2.5 to 4) | **missed** |
| worst of two: at least 8 ns | uniform: 15 ns (14 to 16); **deep: 4.8 ns (4.5 to 5)** | **missed** |
| one case is lacking: at most 5 ns | here: 1 ns | not measured |
| lacking, and missed: at most 5 ns | here: 6 ns | **missed** |
| none: at most 5 ns | – | not measured: no database |
| the goals of part pairs | – | not measured: skipped: needs what is not there |
| the goals of part poll | – | not measured: failed: it fell |
| the goals of part quota | – | not measured: it names none |
"""


def differs(what, have, want):
    if have == want:
        return False
    print(f"FAILED: {what}\n--- wanted\n{want}\n--- found\n{have}")
    return True


def bench(work, *args):
    return subprocess.run([TOP / "tools" / "bench", "--build", work, *args], capture_output=True, text=True,
                          check=False)


def run_parts(work):
    """Through the command: part stages has goals, pairs skips, poll says nothing and fails."""
    room = work / "tools" / "bench.d"
    room.mkdir(parents=True)
    result = work / "stages.json"
    result.write_text(json.dumps({"part": "stages", "title": "Made up", **PARTS[0]}))
    # PART --build DIR --json OUT
    for name, script in (("bench_prog", f'cp {result} "$4"'), ("bench_pairs", 'echo "SKIP: no device" >&2; exit 77'),
                         ("bench_poll", 'echo "it fell" >&2; exit 3'),
                         ("bench_quota", f"echo $$ >{work}/pid; exec sleep 300")):
        (room / name).write_text(f"#!/bin/sh\n{script}\n")
        (room / name).chmod(0o755)
    wrong = 0
    full = bench(work, "--only", "stages")
    wrong += differs("a missed goal fails no run", full.returncode, 0)
    out = work / "bench.stages.json"
    wrong += differs("it says where the samples are", str(out) in full.stderr, True)
    whole = json.loads(out.read_text())
    wrong += differs("goals in the result", [(g["what"], g["met"]) for g in whole["goals"]][:3],
                     [("met", True), ("missed", False), ("exact", True)])
    wrong += differs("the Markdown has the table", "| missed: at most 20 ns |" in full.stdout, True)
    quick = bench(work, "--only", "stages", "--quick")
    wrong += differs("a quick run compares no goals", "## Goals" in quick.stdout, False)
    skip = bench(work, "--only", "pairs")
    wrong += differs("exit code where nothing could run", skip.returncode, 77)
    said = [line for line in skip.stderr.splitlines() if "SKIP" in line]
    wrong += differs("who skips says so once, with its name", said, ["SKIP: pairs: no device"])
    fell = bench(work, "--only", "stages,poll")
    wrong += differs("exit code of a part that failed", fell.returncode, 1)
    wrong += differs("and its goals are told as not measured",
                     "| the goals of part poll | – | not measured: failed: it fell |" in fell.stdout, True)
    return wrong + ends_with_us(work)


def ends_with_us(work):
    """A part does not outlive the command."""
    with subprocess.Popen([TOP / "tools" / "bench", "--build", work, "--only", "quota"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        pid = work / "pid"
        while p.poll() is None and not (pid.exists() and pid.read_text().endswith("\n")):
            time.sleep(0.02)
        p.terminate()
    # it is the child of nobody now, and may be a zombie until somebody asks
    status = pathlib.Path(f"/proc/{pid.read_text().strip()}/stat")
    for _ in range(500):
        try:
            gone = status.read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            gone = True
        if gone:
            break
        time.sleep(0.02)
    else:
        os.kill(int(pid.read_text()), 9)
    return differs("told to end, it ends its part", gone, True)


def main():
    wrong = differs("the table of goals", "\n".join(render.render_goals(PARTS)).split("\n\nWhat counts")[0] + "\n",
                    TABLE)
    if os.geteuid() != 0:
        print("SKIP: the command itself needs root")
        return 1 if wrong else 77
    with tempfile.TemporaryDirectory(prefix="curfew-bench.") as work:
        wrong += run_parts(pathlib.Path(work).resolve())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
