#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares our calendar with Python's zoneinfo, which shares no code with it.

Windows and periods are not computed here but watched: a clock on the wall is
read at every step of the range, and what it shows is sorted into occurrences.
Usage: check_zones.py CALENDAR_DUMP [PROBES]
       check_zones.py --probes    prints what tests/prog/zones.inc holds: what prog.zones asks the kernel
"""
import datetime
import os
import random
import re
import subprocess
import sys
import tempfile

try:
    import zoneinfo
except ImportError:
    print("SKIP: this python3 has no zoneinfo")
    sys.exit(77)

# the same data for both sides: not a package of Python's own
zoneinfo.reset_tzpath(to=["/usr/share/zoneinfo"])

ZONES = """Africa/Addis_Ababa Europe/Berlin America/New_York America/Sao_Paulo
    Australia/Lord_Howe Asia/Kathmandu Africa/Casablanca Asia/Tehran Pacific/Apia
    Pacific/Chatham America/St_Johns Europe/Dublin Antarctica/Troll Asia/Shanghai
    America/Godthab Asia/Gaza Africa/Cairo""".split()
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = datetime.date(1970, 1, 1)
DAY = 86400
WEEKDAYS, DAILY = 0b0011111, 0b1111111


def seconds(*civil):
    return int((datetime.datetime(*civil, tzinfo=UTC) - EPOCH).total_seconds())


# the present; Apia's lost day and DST at midnight in several zones; a leap day; footers only
RANGES = [
    (seconds(2026, 2, 1), seconds(2026, 2, 1) + 400 * DAY),
    (seconds(2011, 6, 1), seconds(2011, 6, 1) + 400 * DAY),
    (seconds(2017, 9, 1), seconds(2017, 9, 1) + 220 * DAY),
    (seconds(2027, 12, 1), seconds(2027, 12, 1) + 120 * DAY),
    (seconds(2060, 2, 1), seconds(2060, 2, 1) + 300 * DAY),
]


def hm(hours, minutes=0):
    return hours * 60 + minutes


SPANS = [
    ("daily 22:00-06:00", DAILY, hm(22), hm(6)),
    ("mon-fri 08:00-17:30", WEEKDAYS, hm(8), hm(17, 30)),
    ("daily 02:00-03:00", DAILY, hm(2), hm(3)),
    ("daily 01:30-02:30", DAILY, hm(1, 30), hm(2, 30)),
    ("sun 02:30-02:45", 0b1000000, hm(2, 30), hm(2, 45)),
    ("daily 00:00-00:15", DAILY, hm(0), hm(0, 15)),
    ("sat 23:30-00:30", 0b0100000, hm(23, 30), hm(0, 30)),
    ("tue, sun whole days", 0b1000010, hm(0), hm(24)),
    ("wed 08:00-08:00", 0b0000100, hm(8), hm(8)),
]
# Not on a quarter of an hour: watched minute by minute, in fewer zones
ODD_SPANS = [
    ("daily 22:07-05:53", DAILY, hm(22, 7), hm(5, 53)),
    ("daily 01:59-02:01", DAILY, hm(1, 59), hm(2, 1)),
    ("mon 23:59-00:01", 0b0000001, hm(23, 59), hm(0, 1)),
]
PERIOD_HOUR, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_HOURS = 1, 2, 3, 4, 5
PERIODS = [
    ("each hour", PERIOD_HOUR, 0),
    ("each day", PERIOD_DAY, 0),
    ("each week", PERIOD_WEEK, 0),
    ("each month", PERIOD_MONTH, 1),
    ("each month from 15", PERIOD_MONTH, 15),
    ("each month from 31", PERIOD_MONTH, 31),
    ("each 6 h", PERIOD_HOURS, 6),
    ("each 5 h", PERIOD_HOURS, 5),
]


class Dump:
    """Asks the program; answers are lists of lines."""

    def __init__(self, *command):
        self.command = command
        self.questions = []

    def ask(self, question, check):
        self.questions.append((question, check))

    def run(self):
        text = "".join(q + "\n" for q, _ in self.questions)
        out = subprocess.run(self.command, input=text, stdout=subprocess.PIPE, text=True,
                             check=True).stdout
        answers = out.split(".\n")
        if len(answers) != len(self.questions) + 1:
            fail("%d questions, %d answers" % (len(self.questions), len(answers) - 1))
        for (question, check), answer in zip(self.questions, answers):
            check(question, answer.splitlines())
        done = len(self.questions)
        self.questions = []
        return done


failures = 0


def fail(text):
    global failures
    failures += 1
    if failures <= 20:
        print("FAIL: " + text)


def local(zone, t):
    return datetime.datetime.fromtimestamp(t, zone)


def offset(zone, t):
    return int(local(zone, t).utcoffset().total_seconds())


# ---- offsets ------------------------------------------------------------------


def expect_offset(dump, name, zone, t):
    here = local(zone, t)
    want = "%d %s" % (here.utcoffset().total_seconds(), here.tzname())

    def check(question, answer):
        if answer != [want]:
            fail("%s: %s, expected %s" % (question, answer, want))

    dump.ask("offset %s %d" % (name, t), check)


def changes(zone, begin, end, step):
    """The first second of each new offset, found by halving."""
    before = offset(zone, begin)
    for t in range(begin + step, end + step, step):
        after = offset(zone, t)
        if after == before:
            continue
        low, high = t - step, t
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        yield high
        before = after


def check_offsets(dump, name, count):
    zone = zoneinfo.ZoneInfo(name)
    begin, end = 0, seconds(2100, 1, 1)
    rng = random.Random(name)
    for _ in range(count):
        expect_offset(dump, name, zone, rng.randrange(begin, end))
    if count < 1000:
        return
    for t in changes(zone, begin, end, 5 * DAY):
        for around in (t - 1, t, t + 1):
            expect_offset(dump, name, zone, around)


def expect_instant(dump, name, zone, civil):
    """In a gap the first instant after it, in an overlap the earlier one (fold=0)."""
    t = int((civil.replace(tzinfo=zone).astimezone(UTC) - EPOCH).total_seconds())
    if local(zone, t).replace(tzinfo=None) != civil:
        # Python goes on with the old offset: the gap ends between that and the new one
        t = next(changes(zone, t - 30 * 3600, t, 60))
    want = [str(t)]

    def check(question, answer):
        if answer != want:
            fail("%s: %s, expected %s" % (question, answer, want))

    dump.ask("instant %s %d %d %d %d" % (name, civil.year, civil.month, civil.day,
                                         civil.hour * 60 + civil.minute), check)


def check_instants(dump, name):
    zone = zoneinfo.ZoneInfo(name)
    rng = random.Random(name)
    for begin, end in RANGES:
        near = list(changes(zone, begin, end, DAY))
        for _ in range(300):
            t = rng.randrange(begin, end)
            expect_instant(dump, name, zone, datetime.datetime(1970, 1, 1)
                           + datetime.timedelta(minutes=t // 60))
        for t in near:
            for k in range(-150, 150, 7):
                wall = local(zone, t).replace(tzinfo=None, second=0, fold=0)
                expect_instant(dump, name, zone, wall + datetime.timedelta(minutes=k))


# ---- intervals ------------------------------------------------------------------


NEVER = float("inf")


class Wall:
    """What the clock shows, read at every step: minutes since its own 1970.

    `first` and `last` have for each minute, in steps from that of `base` on, the instants at which
    it was shown first and last; `hours` and `days` have each instant at which
    another hour or day was shown than before, with its number.
    """

    def __init__(self, name, begin, end, odd):
        zone = zoneinfo.ZoneInfo(name)
        # a month before, more for the start of the first one
        self.begin, self.end = begin - 70 * DAY, end + 70 * DAY
        moves = list(changes(zone, self.begin, self.end, DAY // 4))
        self.step = 60 if odd or any(t % 900 for t in moves) else 900
        if any(t % self.step for t in moves):
            raise AssertionError("%s: the clock moves between steps" % name)
        # a day more on both sides than any clock differs from UTC
        self.base = self.begin // 60 - 2 * 1440
        size = (self.end - self.begin + 4 * DAY) // self.step
        self.first, self.last = [NEVER] * size, [0] * size
        self.hours, self.days = [], []
        self.watch(zone)

    def watch(self, zone):
        shown_hour = shown_day = None
        minutes, offsets = self.step // 60, {}
        for t in range(self.begin, self.end, self.step):
            differs = local(zone, t).utcoffset()
            off = offsets.get(differs)
            if off is None:
                off = offsets[differs] = int(differs.total_seconds())
                assert (t + off) % 60 == 0 and (off % 900 == 0 or self.step == 60)
            minute = (t + off) // 60
            at = (minute - self.base) // minutes
            if self.first[at] == NEVER:
                self.first[at] = t
            self.last[at] = t
            if minute // 60 != shown_hour:
                shown_hour = minute // 60
                self.hours.append((t, shown_hour))
                if minute // 1440 != shown_day:
                    shown_day = minute // 1440
                    self.days.append((t, shown_day))

    def between(self, minute, until):
        """From the first time that the clock shows one of these minutes to the last, or None."""
        low, high = ((m - self.base) * 60 for m in (minute, until))
        assert low % self.step == 0 and high % self.step == 0
        low, high = max(low // self.step, 0), max(high // self.step, 0)
        first = min(self.first[low:high], default=NEVER)
        if first == NEVER:
            return None
        return first, max(self.last[low:high]) + self.step

    def dates(self):
        """Every day that it may show, and the one before: its span may reach into the first."""
        return range(self.base // 1440, self.end // DAY + 3)


def merge(spans):
    out = []
    for begin, end in sorted(spans):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def occurrences(wall, days, start, stop):
    """Each date's span: from the first time the clock shows it to the last."""
    length = stop - start if stop > start else stop - start + 1440
    shown = (wall.between(date * 1440 + start, date * 1440 + start + length)
             for date in wall.dates() if days >> (date + 3) % 7 & 1)
    return merge(span for span in shown if span)


def date_of(day):
    return EPOCH_DAY + datetime.timedelta(days=day)


def month_key(date, from_day):
    """The month whose period a date is in, as a number."""
    months = date.year * 12 + date.month
    following = datetime.date(date.year + date.month // 12, date.month % 12 + 1, 1)
    length = (following - date.replace(day=1)).days
    return months if date.day >= min(from_day, length) else months - 1


def hour_key(kind, n, hour):
    return hour if kind == PERIOD_HOUR else hour // 24 * 24 + hour % 24 // n


def day_key(kind, n, day):
    if kind == PERIOD_DAY:
        return day
    if kind == PERIOD_WEEK:
        return (day + 3) // 7
    return month_key(date_of(day), n)


def watched_periods(wall, kind, n):
    """A new one begins whenever the clock shows what it never showed before."""
    edges, newest = [], None
    by_hours = kind in (PERIOD_HOUR, PERIOD_HOURS)
    key_of = hour_key if by_hours else day_key
    for t, number in wall.hours if by_hours else wall.days:
        key = key_of(kind, n, number)
        if newest is None or key > newest:
            newest = key
            edges.append(t)
    return list(zip(edges[1:], edges[2:]))


def expect_list(dump, question, spans, begin, end):
    want = ["%d %d" % s for s in spans if s[1] > begin and s[0] < end]
    assert want, question

    def check(_, answer):
        if answer == want:
            return
        odd = [line for line in answer if line not in want][:3]
        missing = [line for line in want if line not in answer][:3]
        fail("%s: unexpected %s, missing %s" % (question, odd, missing))

    dump.ask("%s %d %d" % (question, begin, end), check)
    return 2 * len(want)


def check_range(dump, name, begin, end, odd):
    wall = Wall(name, begin, end, odd)
    edges = 0
    for _, days, start, stop in ODD_SPANS if odd else SPANS:
        edges += expect_list(dump, "span %s %d %d %d" % (name, days, start, stop),
                             occurrences(wall, days, start, stop), begin, end)
    if odd:
        return edges
    edges += expect_list(dump, "weekends %s" % name,
                         occurrences_of_days(wall, lambda day: (day + 3) % 7 >= 5), begin, end)
    year = date_of(begin // DAY).year
    for first, last in (((year, 12, 31), (year + 1, 1, 1)), ((year + 1, 2, 28), (year + 1, 2, 28)),
                        ((2028, 2, 29), (2028, 2, 29)), ((2011, 12, 29), (2011, 12, 30))):
        a, b = ((datetime.date(*d) - EPOCH_DAY).days for d in (first, last))
        if begin < a * DAY - DAY and b * DAY + 2 * DAY < end:
            edges += expect_list(dump, "dates %s %d %d" % (name, a, b),
                                 occurrences_of_days(wall, lambda day: a <= day <= b), begin, end)
    for _, kind, n in PERIODS:
        edges += expect_list(dump, "period %s %d %d" % (name, kind, n),
                             watched_periods(wall, kind, n), begin, end)
    # never closed: the opening time that the header promises
    back = (begin - 400 * DAY) // (400 * DAY) * 400 * DAY
    edges += expect_list(dump, "span %s %d 0 1440" % (name, DAILY), [(back, end + 8 * DAY)], begin,
                         end)
    return edges


def occurrences_of_days(wall, wanted):
    shown = (wall.between(day * 1440, day * 1440 + 1440) for day in wall.dates() if wanted(day))
    return merge(span for span in shown if span)


# ---- windows made of others -----------------------------------------------------

POLICY = """inside lan0
outside wan0
window night  = daily 22:00-06:00
window work   = mon-fri 08:00-17:30
window early  = daily 01:30-02:30
window hour   = daily 02:00-03:00
window closed = dates file "closed.txt"
window feasts = dates file "feasts.ics"
window union   = night, work, hour
window both    = night and closed
window but     = closed except early
window without = (work, feasts) except (hour, night)
window nested  = (closed, feasts) and (night except hour)
mode observe
"""
CLOSED = [((2026, 3, 29), (2026, 3, 29)), ((2026, 10, 24), (2026, 10, 26)), ((2026, 4, 4), (2026, 4, 5)),
          ((2026, 10, 4), (2026, 10, 4)), ((2026, 12, 31), (2027, 1, 1))]
FEASTS = [((2026, 3, 8), (2026, 3, 8)), ((2026, 3, 22), (2026, 3, 23)), ((2026, 11, 1), (2026, 11, 1))]


def both(a, b):
    """Of two sorted lists; what is over before x begins is over before the next one too."""
    out, over = [], 0
    for x in a:
        while over < len(b) and b[over][1] <= x[0]:
            over += 1
        for y in b[over:]:
            if y[0] >= x[1]:
                break
            out.append((max(x[0], y[0]), min(x[1], y[1])))
    return merge(out)


def less(a, b, begin, end):
    edges = [begin] + [t for span in merge(b) for t in span] + [end]
    return both(a, [(x, y) for x, y in zip(edges[::2], edges[1::2]) if x < y])


def write_windows(folder):
    with open(folder + "/closed.txt", "w", encoding="ascii") as f:
        for first, last in CLOSED:
            f.write("%d-%02d-%02d..%d-%02d-%02d\n" % (first + last))
    with open(folder + "/feasts.ics", "w", encoding="ascii", newline="\r\n") as f:
        f.write("BEGIN:VCALENDAR\nVERSION:2.0\n")
        for first, last in FEASTS:
            # the end is the day after
            following = datetime.date(*last) + datetime.timedelta(days=1)
            f.write("BEGIN:VEVENT\nDTSTART;VALUE=DATE:%d%02d%02d\n" % first)
            f.write("DTEND;VALUE=DATE:%s\nEND:VEVENT\n" % following.strftime("%Y%m%d"))
        f.write("END:VCALENDAR\n")
    with open(folder + "/windows.conf", "w", encoding="ascii") as f:
        f.write(POLICY)
    return folder + "/windows.conf"


def check_windows(dump, name):
    begin, end = RANGES[0]
    wall = Wall(name, begin, end, False)
    night, work, hour, early = (occurrences(wall, *SPANS[i][1:]) for i in (0, 1, 2, 3))

    def listed(dates):
        days = [[(datetime.date(*d) - EPOCH_DAY).days for d in pair] for pair in dates]
        return occurrences_of_days(wall, lambda day: any(a <= day <= b for a, b in days))

    closed, feasts = listed(CLOSED), listed(FEASTS)
    edges = 0
    for window, want in (
            ("union", merge(night + work + hour)), ("both", both(night, closed)),
            ("but", less(closed, early, wall.begin, wall.end)),
            ("without", less(merge(work + feasts), hour + night, wall.begin, wall.end)),
            ("nested", both(merge(closed + feasts), less(night, hour, wall.begin, wall.end)))):
        edges += expect_list(dump, "window %s %s" % (name, window), want, begin, end)
    return edges


# ---- the kernel's table -------------------------------------------------------

# a clock set forth and one set back: as it was, so that no law can change it
PROBED = [
    ("Europe/Berlin", seconds(2025, 3, 30)), ("Europe/Berlin", seconds(2025, 10, 26)),
    ("Australia/Lord_Howe", seconds(2025, 4, 5, 12)), ("Australia/Lord_Howe", seconds(2025, 10, 4, 12)),
    ("Asia/Kathmandu", seconds(2025, 3, 30)), ("Africa/Casablanca", seconds(2025, 2, 23)),
    ("Africa/Casablanca", seconds(2025, 4, 6)),
]
PROBED_SPANS = [SPANS[i] for i in (0, 2, 3, 4)]


def probes():
    """Around each edge of a day: which of the windows are open."""
    out = []
    for name, begin in PROBED:
        wall = Wall(name, begin, begin, False)
        open_in = [occurrences(wall, days, start, stop) for _, days, start, stop in PROBED_SPANS]
        edges = {t for spans in open_in for span in spans for t in span if begin <= t < begin + DAY}
        moves = changes(zoneinfo.ZoneInfo(name), begin, begin + DAY, 3600)
        for t in sorted(edges.union(moves)):
            # a minute before: a slow test may be late by so much
            for at in (t - 60, t + 1):
                mask = sum(1 << i for i, spans in enumerate(open_in)
                           if any(b <= at < e for b, e in spans))
                out.append('PROBE("%s", %d, 0x%x)' % (name, at, mask))
    return out


def check_probes(path):
    with open(path, encoding="ascii") as f:
        written = re.findall(r"^PROBE\(.*\)$", f.read(), re.M)
    want = probes()
    for line in set(want).symmetric_difference(written):
        fail("%s: %s %s" % (path, "missing" if line in want else "unexpected", line))
    print("the kernel is asked about %d instants" % len(written))


def main():
    if sys.argv[1:] == ["--probes"]:
        print("\n".join(probes()))
        return
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: check_zones.py CALENDAR_DUMP [PROBES]")
    missing = [z for z in ZONES if not os.path.exists("/usr/share/zoneinfo/" + z)]
    if len(ZONES) - len(missing) < 12:
        print("SKIP: no zone data (tzdata): %s" % " ".join(missing))
        sys.exit(77)
    zones = [z for z in ZONES if z not in missing]
    dump = Dump(sys.argv[1])

    for name in zones:
        check_offsets(dump, name, 4000)
        check_instants(dump, name)
    print("instants and offsets of %d zones, 1970-2100: %d" % (len(zones), dump.run()))
    every = sorted(zoneinfo.available_timezones())
    for name in every:
        check_offsets(dump, name, 100)
    print("offsets of all %d zones here: %d" % (len(every), dump.run()))
    edges = 0
    for name in zones:
        for begin, end in RANGES:
            edges += check_range(dump, name, begin, end, False)
    for name in ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"):
        edges += check_range(dump, name, seconds(2011, 9, 1), seconds(2011, 9, 1) + 230 * DAY, True)
    print("windows and periods: %d questions, %d edges" % (dump.run(), edges))
    with tempfile.TemporaryDirectory() as folder:
        made = Dump(sys.argv[1], write_windows(folder))
        edges = sum(check_windows(made, name) for name in zones)
        print("windows made of others: %d questions, %d edges" % (made.run(), edges))
    if len(sys.argv) == 3:
        check_probes(sys.argv[2])
    if failures:
        print("%d answers differ" % failures)
        sys.exit(1)


main()
