# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways side by side, each in namespaces of its own, for parts that are scripts.

    lan: gw1 ── lan0 [gateway 1] wan0 ── cust1 :isp
         gw2 ── lan0 [gateway 2] wan0 ── cust2

Each gateway has its own bpffs, /run, /etc/curfew and /var/lib/curfew, so that several
Curfews run at the same time and cases can take turns from one moment to the next.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
SKIP = 77
SINK = """table netdev sink {
	counter arrived { }
	chain in {
		type filter hook ingress device %s priority 0
		%s
	}
}"""


def skip(why):
    print(f"SKIP: {why}", file=sys.stderr)
    sys.exit(SKIP)


def say(text):
    print(text, file=sys.stderr, flush=True)


def options(rulesets=False):
    p = argparse.ArgumentParser()
    p.add_argument("--build", required=True, type=lambda d: pathlib.Path(d).resolve())
    out = p.add_mutually_exclusive_group(required=True)
    out.add_argument("--json", type=lambda f: pathlib.Path(f).resolve())
    if rulesets:
        out.add_argument("--rulesets", type=lambda d: pathlib.Path(d).resolve(), metavar="DIRECTORY",
                         help="only write what nftables is given, all of it")
    p.add_argument("--quick", action="store_true")
    return p.parse_args()


def ksoftirqd(cpu):
    """An open schedstat of that CPU's thread, or -1; inside, /proc is another one."""
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == f"ksoftirqd/{cpu}":
                fd = os.open(comm.with_name("schedstat"), os.O_RDONLY)
                os.set_inheritable(fd, True)
                return fd
        except OSError:
            continue
    return -1


def enter(*tools):
    """Once more, in namespaces of our own, which end with us. Returns a directory to work in."""
    if os.environ.get("CURFEW_BENCH_INSIDE"):
        return work_dir()
    if os.geteuid() != 0:
        skip("needs root for network namespaces")
    for tool in ("ip", "nft", "ethtool", "nsenter", "unshare", *tools):
        if not shutil.which(tool):
            skip(f"{tool} is not installed (tools/packages --install lab)")
    cpus = sorted(os.sched_getaffinity(0))
    os.environ["CURFEW_BENCH_INSIDE"] = "1"
    os.environ["KSOFTIRQD"] = " ".join(f"{c}:{ksoftirqd(c)}" for c in cpus)
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
                          "--mount-proc", "--propagation", "private", sys.executable, *sys.argv])


def work_dir():
    """Seen by all rooms, since they are made after it; and gone with the namespace."""
    path = pathlib.Path("/srv")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
    return path


def ksoftirqds():
    """What enter() has opened: {cpu: fd}."""
    pairs = (p.split(":") for p in os.environ.get("KSOFTIRQD", "").split())
    return {int(cpu): int(fd) for cpu, fd in pairs}


def run(*command, text=None, check=True):
    p = subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True,
                       check=False, timeout=600)
    if check and p.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]}: {p.stderr.strip()[-400:]}")
    return p.stdout


class Room:
    """Namespaces of its own, held by a process that sleeps."""

    def __init__(self, name):
        self.name = name
        script = (f". {TOP}/tests/net/lib.sh && net_mounts && net_forwarding && ip link set lo up && "
                  # nobody is to send but us: no neighbours, no groups
                  "for i in all default; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; "
                  "echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done && "
                  "echo here && exec sleep infinity")
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "bash", "-ec", script],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if self.holder.stdout.readline().strip() != "here":
            skip("cannot make a mount and network namespace")
        self.children = []

    def command(self, *command):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n", "--", *map(str, command)]

    def run(self, *command, **more):
        return run(*self.command(*command), **more)

    def start(self, *command, **more):
        p = subprocess.Popen(self.command(*command), stdin=more.pop("stdin", subprocess.DEVNULL),
                             **more)
        self.children.append(p)
        return p

    def nft(self, text):
        self.run("nft", "-f", "-", text=text)

    def put(self, path, text):
        self.run("tee", path, text=text)

    def end(self):
        for p in reversed(self.children):
            if p.poll() is None:
                p.terminate()
        for p in self.children:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
        self.holder.kill()
        self.holder.wait()


class Gateway(Room):
    """Number n, between `lan` and `isp`; what arrives behind it is counted and, told so, dropped."""

    def __init__(self, n, name, lan, isp):
        super().__init__(name)
        self.n, self.isp, self.curfew = n, isp, None
        self.mac = f"02:00:00:00:01:{n:02x}"
        isp_mac = f"02:00:00:00:03:{n:02x}"
        run(*lan.command("ip", "link", "add", f"gw{n}", "type", "veth", "peer", "name", "lan0",
                         "address", self.mac, "netns", self.holder.pid))
        run(*isp.command("ip", "link", "add", f"cust{n}", "address", isp_mac, "type", "veth",
                         "peer", "name", "wan0", "netns", self.holder.pid))
        for where, dev, address in ((lan, f"gw{n}", f"10.0.{n}.2/24"), (self, "lan0", f"10.0.{n}.1/24"),
                                    (self, "wan0", f"100.64.{n}.2/24"), (isp, f"cust{n}", f"100.64.{n}.1/24")):
            where.run("ip", "addr", "add", address, "dev", dev)
            where.run("ip", "link", "set", dev, "up")
        self.run("ip", "route", "add", "default", "via", f"100.64.{n}.1")
        self.run("ip", "neigh", "replace", f"100.64.{n}.1", "lladdr", isp_mac, "dev", "wan0",
                 "nud", "permanent")

    def sink(self, drop):
        """At the receiver: all IPv4 is counted, UDP by itself."""
        dev = f"cust{self.n}"
        self.isp.run("nft", "delete", "table", "netdev", f"sink{self.n}", check=False)
        rule = "ip protocol udp counter name arrived" + (" drop" if drop else "")
        self.isp.nft((SINK % (dev, rule)).replace("table netdev sink", f"table netdev sink{self.n}"))

    def arrived(self):
        out = json.loads(self.isp.run("nft", "-j", "list", "table", "netdev", f"sink{self.n}"))
        c = [o["counter"] for o in out["nftables"] if "counter" in o][0]
        return c["packets"], c["bytes"]

    def gro(self, on):
        self.run("ethtool", "-K", "lan0", "gro", "on" if on else "off")

    def start_curfew(self, build, policy, *args):
        """With policy as /etc/curfew/curfew.conf; returns when it is in force."""
        self.curfew = build / "user" / "app" / "curfew"
        self.books = build / "tests" / "tools" / "books"
        self.put("/etc/curfew/curfew.conf", policy)
        self.log = open(f"/srv/curfew-{self.n}.log", "w+")
        # not where packets are measured
        others = sorted(os.sched_getaffinity(0))[:-1] or [0]
        self.daemon = self.start("taskset", "-c", ",".join(map(str, others)), self.curfew, "run", *args,
                                 stdout=self.log, stderr=self.log)
        for _ in range(600):
            if self.daemon.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(f"{self.name}: the daemon ended: {self.log.read()[-800:]}")
            # before it listens, status would speak of what is pinned
            if subprocess.run(self.command(self.curfew, "quotas"), capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name}: the daemon does not come up")

    def look(self):
        """The books when nothing moves."""
        return json.loads(self.run(self.books, "--rest", "lan0", "wan0"))


class Frames:
    """frames.c, pinned to one CPU, in the room that sends."""

    def __init__(self, build, lan, cpu, dests):
        fd = ksoftirqds().get(cpu, -1)
        self.p = subprocess.Popen(
            lan.command("taskset", "-c", cpu, "nice", "-n", "-20",
                        build / "tools" / "bench.d" / "bench_frames", dests, 5),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=[fd] if fd >= 0 else [],
            env={**os.environ, "KSOFTIRQD_FD": str(fd)})
        self.first = {}

    def send(self, gw, way, mix, count):
        """(sent, ns per packet)"""
        first = self.first.get((gw.n, mix), 0)
        self.first[gw.n, mix] = (first + count) % (1 << 20)
        print(way, mix, f"gw{gw.n}", gw.mac, f"10.0.{gw.n}", first, count, file=self.p.stdin, flush=True)
        sent, ns = map(int, self.p.stdout.readline().split())
        return sent, ns / max(sent, 1)

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def fetch(package):
    """A public package, from the cache that the tests use; None without network."""
    work = "/srv/fetch"
    os.makedirs(work, exist_ok=True)
    out = run("bash", "-c", f". {TOP}/tests/data/databases.sh && work={work} && fetch {package}",
              check=False).strip()
    return pathlib.Path(out) if out else None


def databases(build, want_full):
    """(country database, ASN database or None, what they are): full ones where there are."""
    curfew = build / "user" / "app" / "curfew"
    if want_full:
        country = fetch("@ip-location-db/geo-whois-asn-country-mmdb")
        asn = fetch("@ip-location-db/asn")
        if country and asn:
            made = pathlib.Path("/srv/asn.mmdb")
            run(curfew, "geo", "build", "--narrow", "-o", made, asn / "asn-ipv4-num.csv",
                asn / "asn-ipv6-num.csv")
            return country / "geo-whois-asn-country.mmdb", made, "full databases of countries and networks"
    made = pathlib.Path("/srv/lab-geo.mmdb")
    run(curfew, "geo", "build", TOP / "tests/fixtures/lab-geo.csv", "-o", made)
    why = "" if not want_full else ": the full ones could not be fetched"
    return made, made, f"the databases of the lab, a few networks{why}"


def country_ranges(build, path):
    """[(first-last, CC)], IPv4."""
    lines = run(build / "tools" / "bench.d" / "bench_countries", path).splitlines()
    return [tuple(line.split()) for line in lines]


def asn_ranges():
    """[(first-last, AS number)], IPv4, of the full database."""
    out = []
    for line in (fetch("@ip-location-db/asn") / "asn-ipv4.csv").read_text().splitlines():
        first, last, number = line.split(",")[:3]
        span = tuple(int.from_bytes(socket.inet_aton(a), "big") for a in (first, last))
        if out and out[-1][1] == number and out[-1][0][1] + 1 == span[0]:
            out[-1] = ((out[-1][0][0], span[1]), number)
        # one in a million overlaps another
        elif not out or out[-1][0][1] < span[0]:
            out.append((span, number))
    return [("-".join(map(_dotted, span)), number) for span, number in out]


def _dotted(n):
    return ".".join(str(n >> s & 255) for s in (24, 16, 8, 0))


def goal(what, unit, bound, limit, found, why=None):
    """For a result's `goals` (goals.py): found is {case: samples}."""
    out = {"what": what, "unit": unit, bound: limit,
           "found": [{"case": case, "samples": samples} for case, samples in found.items()]}
    return {**out, "why": why} if why else out


def write_result(opt, result):
    """To the file; the exit code."""
    opt.json.write_text(json.dumps(result) + "\n")
    wrong = [f for f in result["facts"] if "must" in f and f["value"] != f["must"]]
    for f in wrong:
        say(f"{f['what']}: {f['value']}, must be {f['must']}")
    return 1 if wrong else 0
