#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks every example of documents with the real `curfew check`.

usage: check_snippets.py CURFEW GEO.CSV DOCUMENT...

In Markdown an example is fenced and marked `curfew`, in a manual page it is a
display after the comment "example".

An example that names no interface gets a site, interfaces and databases before
it. It must be accepted, and without a warning but of interfaces and dates: they are the reader's.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

PREAMBLE = """site { name "Headquarters"  location 9.0302, 38.7612  timezone "Africa/Addis_Ababa" }
inside lan0
outside wan0
networks 10.0.0.0/8
geo city "geo.mmdb"
mode enforce
"""


READERS = re.compile("know no network of AS64500$|^there is no interface '|none of the interfaces that are named"
                     r"|(are|is) over$|has run out$|ends in \d+ days$")
EXAMPLE = re.compile(r"^(?:```curfew|\.\\\" example\n\.Bd .*)\n(.*?)^(?:```|\.Ed)$", re.M | re.S)


def examples(documents):
    for document in documents:
        text = pathlib.Path(document).read_text(encoding="utf-8")
        found = list(EXAMPLE.finditer(text))
        if not found:
            sys.exit(f"{document}: no example found")
        for one in found:
            yield document, text.count("\n", 0, one.start(1)) + 1, one.group(1)


def main():
    curfew, csv, *documents = sys.argv[1:]
    checked = wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        subprocess.run([curfew, "geo", "build", csv, "-o", str(path / "geo.mmdb")],
                       check=True, stdout=subprocess.DEVNULL)
        for document, line, example in examples(documents):
            whole = re.search(r"^outside\b", example, re.M)
            if whole:
                example = re.sub(r'"/var/lib/curfew/\w+\.mmdb"', '"geo.mmdb"', example)
            file = path / f"line-{line}.conf"
            file.write_text(example if whole else PREAMBLE + example, encoding="utf-8")
            run = subprocess.run([curfew, "--json", "check", file.name], cwd=path, check=False,
                                 capture_output=True, text=True)
            checked += 1
            said = [d for d in json.loads(run.stdout)["check"]["diagnostics"]
                    if not READERS.search(d["message"])]
            if run.returncode or said or run.stderr:
                wrong += 1
                print(f"{document}:{line}: curfew check says {run.returncode}")
                for d in said:
                    print(f"{d['line']}:{d['column']}: {d['level']}: {d['message']}")
                print(run.stderr)
    print(f"{checked} examples, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
