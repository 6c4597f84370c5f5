#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes curfew.8 from its template and from what `curfew help` says.

usage: make_man.py CURFEW TEMPLATE PAGE

So that the page and the program cannot differ: the list of options, and a
subsection for each command with its whole help text.
"""

import pathlib
import re
import subprocess
import sys


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def escape(line):
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line[:1] in (".", "'") else line


def options(text):
    block = text.split("Options, before or after the command:\n")[1].split("\n\n")[0]
    for line in block.splitlines():
        name, what = re.match(r"\s+(\S.*?)  +(.*)", line).groups()
        yield f".It {escape(name).replace(' ', chr(92) + ' ')}\n{escape(what)}"


def commands(text):
    block = text.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in block.splitlines()]


def command(curfew, name):
    usage, summary, *rest = said(curfew, "help", name).split("\n\n")
    rest = [part for part in rest if "see 'curfew help'" not in part]
    lines = [f".Ss {name}", escape(summary.strip()) + "."]
    lines += [".Bd -literal", escape(usage.removeprefix("usage: ").rstrip()), ".Ed"]
    for part in rest:
        literal = part.startswith("  ") or "\n  " in part
        lines.append(".Bd -literal" if literal else ".Pp")
        lines += [escape(line) for line in part.rstrip("\n").splitlines()]
        if literal:
            lines.append(".Ed")
    return "\n".join(lines)


def main():
    curfew, template, out = sys.argv[1:]
    overview = said(curfew, "help")
    page = pathlib.Path(template).read_text(encoding="utf-8")
    page = page.replace("@OPTIONS@", "\n".join(options(overview)))
    names = [name for name in commands(overview) if name != "help"]
    page = page.replace("@COMMANDS@", "\n".join(command(curfew, name) for name in names))
    pathlib.Path(out).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
