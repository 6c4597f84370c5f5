#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the Prometheus text format 0.0.4 as strictly as it is written down, and prints it as JSON.

prometheus.py [FILE]: standard input or a file; exit 1 with the line that is
wrong. {"name{label=\\"value\\",...}": value}, labels sorted.
"""
import json
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
VALUE = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Wrong(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Wrong(why)


def read_labels(line, at):
    """Labels behind '{'; returns them and where the rest begins."""
    labels = {}
    while line[at] != "}":
        if labels:
            need(line[at] == ",", "',' or '}' expected")
            at += 1
        m = LABEL.match(line, at)
        need(m and not m.group().startswith("__"), "no label name")
        at = m.end()
        need(line[at:at + 2] == '="', '\'="\' expected')
        at += 2
        value = ""
        while line[at] != '"':
            if line[at] == "\\":
                need(line[at + 1] in '\\"n', "unknown escape")
                value += {"n": "\n"}.get(line[at + 1], line[at + 1])
                at += 2
            else:
                value += line[at]
                at += 1
        need(m.group() not in labels, "a label twice")
        labels[m.group()] = value
        at += 1
    return labels, at + 1


def read_sample(line, kinds, done, last):
    m = NAME.match(line)
    need(m, "no metric name")
    name, at, labels = m.group(), m.end(), {}
    need(name in kinds, "a sample without TYPE before it")
    need(name == last or name not in done, "a family in two places")
    if line[at] == "{":
        labels, at = read_labels(line, at + 1)
    need(line[at] == " " and VALUE.fullmatch(line, at + 1), "no value")
    value = float(line[at + 1:])
    if kinds[name] == "counter":
        need(name.endswith("_total"), "a counter whose name does not end in _total")
        need(value >= 0, "a counter below 0")
    return name, labels, value


def main():
    with open(sys.argv[1], "rb") if len(sys.argv) > 1 else sys.stdin.buffer as f:
        raw = f.read()
    kinds, helps, done, samples, last, n = {}, set(), set(), {}, None, 0
    try:
        text = raw.decode("utf-8")
        need(text.endswith("\n"), "the last line does not end")
        for n, line in enumerate(text[:-1].split("\n"), 1):
            need(line == line.strip(" \t\r") and line, "an empty line, or blanks at its ends")
            if line.startswith("#"):
                _, what, name, rest = line.split(" ", 3)
                need(what in ("HELP", "TYPE") and NAME.fullmatch(name) and rest, "neither HELP nor TYPE")
                if what == "HELP":
                    need(name not in helps, "HELP twice")
                    helps.add(name)
                else:
                    need(rest in TYPES and name not in kinds, "TYPE twice, or unknown")
                    need(name in helps, "TYPE without HELP")
                    kinds[name] = rest
                continue
            name, labels, value = read_sample(line, kinds, done, last)
            done.add(name)
            last = name
            key = name + "{%s}" % ",".join('%s="%s"' % kv for kv in sorted(labels.items())) if labels else name
            need(key not in samples, "the same sample twice")
            samples[key] = value
        need(set(kinds) == done, "a family without samples: %s" % (set(kinds) - done))
    except (Wrong, IndexError, ValueError, UnicodeDecodeError) as e:
        print("line %d: %s" % (n, e or "it ends too early"), file=sys.stderr)
        return 1
    json.dump(samples, sys.stdout)
    print()
    return 0


sys.exit(main())
