#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares repeating events of calendars with python3-dateutil, which shares no code with us.

Usage: check_calendars.py DATES_DUMP [RULES [SEED]]
"""
import datetime
import os
import random
import subprocess
import sys
import tempfile

try:
    from dateutil import rrule
except ImportError:
    print("SKIP: no python3-dateutil")
    sys.exit(77)

LAST = datetime.date(2099, 12, 31)  # of rules without an end
DAY = datetime.timedelta(1)
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

# as real calendars have them; the first line of each: the first day
KNOWN = [
    ("20200101", "FREQ=YEARLY"),
    ("20200229", "FREQ=YEARLY"),
    ("20240131", "FREQ=MONTHLY"),
    ("19700101", "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1"),
    ("20201126", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
    ("20200525", "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
    ("20201103", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8"),
    ("20200904", "FREQ=WEEKLY;UNTIL=20210625"),
    ("20200904", "FREQ=WEEKLY;UNTIL=20210625T120000"),
    ("20200904", "FREQ=WEEKLY;BYDAY=FR,SA;COUNT=10"),
    ("20200901", "FREQ=WEEKLY;BYDAY=FR;COUNT=3"),
    ("20200105", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO,SA"),
    ("20200103", "FREQ=MONTHLY;BYDAY=1FR"),
    ("20200131", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ("20200113", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
    ("20200101", "FREQ=DAILY;INTERVAL=10;UNTIL=20201231"),
    ("20200101", "FREQ=DAILY;BYMONTH=1"),
    ("20200409", "FREQ=YEARLY;BYYEARDAY=100,200,-1"),
    ("20201231", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR"),
    ("20200512", "FREQ=YEARLY;BYWEEKNO=20"),
    ("20200104", "FREQ=YEARLY;WKST=SU;BYWEEKNO=1,53,-1;BYDAY=SA,SU"),
    ("20200104", "FREQ=YEARLY;WKST=WE;BYWEEKNO=10,-10;BYDAY=TU,WE"),
    ("20200512", "FREQ=YEARLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;"),
    ("20200228", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"),
]


def day(text):
    return datetime.datetime.strptime(text, "%Y%m%d").date()


def parts_of(rule):
    return dict(p.split("=") for p in rule.split(";") if p)


def independent(start, rule):
    """All days of the rule; where RFC 5545 leaves a choice, as core/time/recur.h has it."""
    parts = parts_of(rule)
    for ignored in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        parts.pop(ignored, None)
    count = int(parts.pop("COUNT", 0))
    until = day(parts.pop("UNTIL", LAST.strftime("%Y%m%d"))[:8])
    if "BYWEEKNO" in parts and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & set(parts):
        parts["BYDAY"] = WEEKDAYS[start.weekday()]
    text = ";".join("%s=%s" % p for p in parts.items())
    end = datetime.datetime.combine(min(until, LAST), datetime.time())
    found = rrule.rrulestr(text + ";UNTIL=" + end.strftime("%Y%m%dT000000"),
                           dtstart=datetime.datetime.combine(start, datetime.time()))
    # the first day is one in any case, and counts
    days = [start]
    for at in found:
        if count and len(days) == count:
            break
        if at.date() > start:
            days.append(at.date())
    return days


def some(rng, values, n=3):
    values = list(values)
    return ",".join(str(v) for v in sorted(rng.sample(values, rng.randint(1, min(n, len(values)))), key=str))


def signed(n):
    return [v for v in range(-n, n + 1) if v]


def random_rule(rng):
    start = datetime.date(2015, 1, 1) + DAY * rng.randrange(3000)
    freq = rng.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = {"FREQ": freq, "INTERVAL": rng.choice([1, 1, 2, 3, 5, 17])}
    if rng.random() < 0.3:
        parts["COUNT"] = rng.randint(1, 40)
    elif rng.random() < 0.5:
        parts["UNTIL"] = (start + DAY * rng.randrange(20000)).strftime("%Y%m%d")
    if rng.random() < 0.4:
        parts["BYMONTH"] = some(rng, range(1, 13))
    if rng.random() < 0.3 and freq != "WEEKLY":
        parts["BYMONTHDAY"] = some(rng, signed(31), 6)
    if freq == "YEARLY" and rng.random() < 0.2:
        parts["BYYEARDAY"] = some(rng, signed(366), 40)
    if freq == "YEARLY" and rng.random() < 0.2:
        parts["BYWEEKNO"] = some(rng, signed(53), 5)
    if rng.random() < 0.5:
        days = WEEKDAYS
        if freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts and rng.random() < 0.6:
            most = 5 if freq == "MONTHLY" or "BYMONTH" in parts else 53
            days = ["%d%s" % (n, d) for n in signed(most) for d in WEEKDAYS]
        parts["BYDAY"] = some(rng, days, 7 if days is WEEKDAYS else 4)
    if rng.random() < 0.3:
        parts["WKST"] = rng.choice(WEEKDAYS)
    by = [p for p in parts if p.startswith("BY")]
    if by and rng.random() < 0.3:
        parts["BYSETPOS"] = some(rng, [-1] if freq == "DAILY" else signed(4))
        if freq == "WEEKLY":
            # dateutil lets the first week begin on the first day
            start -= DAY * ((start.weekday() - WEEKDAYS.index(parts.get("WKST", "MO"))) % 7)
    text = [p + "=" + str(v) for p, v in parts.items()]
    rng.shuffle(text)
    if "UNTIL" in parts and day(parts["UNTIL"]) < start:
        return random_rule(rng)
    return start, ";".join(text)


class Event:
    """A rule, or none; lasts for some days; other days are added, left out, and replaced."""

    def __init__(self, rng, start, rule, plain):
        self.start, self.rule = start, rule
        self.length = 1 if plain else rng.randint(1, 3)
        self.days = independent(start, rule) if rule else [start]
        self.added = [] if plain and rule else [start + DAY * rng.randrange(9999) for _ in range(3)]
        some_days = rng.sample(self.days, min(len(self.days), rng.randint(0, 4)))
        self.left_out = [] if plain else some_days[:2]
        self.replaced = [] if plain else [(d, d + DAY * rng.randint(-200, 200)) for d in some_days[2:]]
        self.first = rng.random() < 0.5

    def expected(self):
        gone = set(self.left_out) | {d for d, _ in self.replaced}
        starts = [d for d in self.days + self.added if d not in gone]
        return {d + DAY * i for d in starts for i in range(self.length)} | {d for _, d in self.replaced}

    def text(self, uid):
        lines = ["BEGIN:VEVENT", "UID:%s" % uid, "DTSTART;VALUE=DATE:" + self.start.strftime("%Y%m%d")]
        if self.length > 1:
            lines.append("DURATION:P%dD" % self.length)
        if self.rule:
            lines.append("RRULE:" + self.rule)
        lines += ["RDATE;VALUE=DATE:" + d.strftime("%Y%m%d") for d in self.added[:1]]
        if self.added[1:]:
            lines.append("RDATE;VALUE=DATE:" + ",".join(d.strftime("%Y%m%d") for d in self.added[1:]))
        lines += ["EXDATE;VALUE=DATE:" + d.strftime("%Y%m%d") for d in self.left_out]
        master = lines + ["END:VEVENT"]
        others = []
        for old, new in self.replaced:
            others += ["BEGIN:VEVENT", "UID:%s" % uid, "RECURRENCE-ID;VALUE=DATE:" + old.strftime("%Y%m%d"),
                       "DTSTART;VALUE=DATE:" + new.strftime("%Y%m%d"), "END:VEVENT"]
        return master + others if self.first else others + master


def fold(line):
    """RFC 5545, 3.1."""
    return "\r\n ".join(line[i:i + 60] for i in range(0, len(line), 60)) + "\r\n"


def write(folder, events):
    with open(folder + "/policy.conf", "w", encoding="ascii") as policy:
        policy.write("inside lan0\n")
        for i, of_file in enumerate(events):
            policy.write('window w%d = dates file "%d.ics"\n' % (i, i))
            lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
            for k, event in enumerate(of_file):
                lines += event.text("%d-%d@example.org" % (i, k))
            with open("%s/%d.ics" % (folder, i), "w", encoding="ascii", newline="") as f:
                f.write("".join(fold(line) for line in lines + ["END:VCALENDAR"]))
    return folder + "/policy.conf"


def read(dump, policy):
    out = subprocess.run([dump, policy], stdout=subprocess.PIPE, text=True, check=True).stdout
    found, last = {}, {}
    for line in out.splitlines():
        window, a, z = line.split()
        a, z = datetime.date.fromisoformat(a), datetime.date.fromisoformat(z)
        if window in last and a <= last[window] + DAY:
            sys.exit("FAIL: %s: not in order, or not merged: %s" % (window, line))
        last[window] = z
        days = found.setdefault(window, set())
        while a <= z:
            days.add(a)
            a += DAY
    return found


def main():
    if len(sys.argv) not in (2, 3, 4):
        sys.exit("usage: check_calendars.py DATES_DUMP [RULES [SEED]]")
    rules = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 5545)
    events = [[Event(rng, day(start), rule, True)] for start, rule in KNOWN]
    events += [[Event(rng, *random_rule(rng), plain)] for _ in range(rules // 2) for plain in (True, False)]
    events += [[Event(rng, day("20260501"), None, False)]]
    # several in one file
    events += [[Event(rng, *random_rule(rng), False) for _ in range(4)] for _ in range(rules // 20)]
    with tempfile.TemporaryDirectory() as folder:
        found = read(sys.argv[1], write(folder, events))
    failures = days = 0
    for i, of_file in enumerate(events):
        want = set().union(*(e.expected() for e in of_file))
        got = found.get("w%d" % i, set())
        days += len(want)
        if got == want:
            continue
        failures += 1
        if failures <= 20:
            print("FAIL: %s" % " + ".join("%s %s" % (e.start, e.rule) for e in of_file))
            print("  missing: %s" % " ".join(map(str, sorted(want - got)[:6])))
            print("  too many: %s" % " ".join(map(str, sorted(got - want)[:6])))
    print("%d calendars, %d days: %d differ" % (len(events), days, failures))
    sys.exit(1 if failures else 0)


main()
