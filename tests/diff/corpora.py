# SPDX-License-Identifier: GPL-2.0-or-later
"""The capture files in Debian's source packages: fetched once by apt with lists and
settings of their own, so that the machine's are not touched, and kept in a cache."""
import fcntl
import glob
import os
import shutil
import subprocess
import tarfile
from collections import Counter

import captures
from compare import Skip

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Of each source package: where its captures are, and how many files and packets are the least.
PACKAGES = {
    "tcpdump": ("tests/", 600, 7000),
    "ndpi": ("tests/pcap/", 200, 100000),
}
SUFFIXES = (".pcap", ".pcapng", ".cap")


def run(command, cwd, what):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    r = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if r.returncode:
        text = r.stdout.decode(errors="replace").strip().splitlines()
        raise Skip(f"{what}: {text[-1] if text else 'failed'}")
    return r.stdout.decode()


def source_lines(cwd):
    """The machine's own Debian archives, for sources."""
    listing = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)",
                   "Created-By: Packages"], cwd, "asking apt for its archives")
    signed = f" [signed-by={KEYRING}]" if os.path.exists(KEYRING) else ""
    lines = {line.rsplit(" ", 1)[0] for line in listing.splitlines() if line.endswith(" main Debian")}
    if not lines:
        raise Skip("apt knows no Debian archive here")
    return "".join(f"deb-src{signed} {line}\n" for line in sorted(lines))


def fetch(package, into):
    """The upstream tar file. A retried download picks up what an earlier one left."""
    for tool in ("apt-get", "tar"):
        if not shutil.which(tool):
            raise Skip(f"no {tool} here")
    apt = os.path.join(into, "apt")
    for d in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(apt, d), exist_ok=True)
    with open(os.path.join(apt, "sources.list"), "w", encoding="ascii") as f:
        f.write(source_lines(into))
    options = ["-q"]
    for o in (f"Dir::Etc::sourcelist={apt}/sources.list", "Dir::Etc::sourceparts=/dev/null",
              f"Dir::State::lists={apt}/lists", f"Dir::Cache={apt}/cache", "APT::Sandbox::User=root",
              "Acquire::Retries=2", "Acquire::http::Timeout=20"):
        options += ["-o", o]
    run(["apt-get", *options, "--error-on=any", "update"], into, "apt-get update")
    run(["apt-get", *options, "source", "--download-only", "--tar-only", package], into, f"apt-get source {package}")


def unpack(package, into, to):
    tars = glob.glob(os.path.join(into, f"{package}_*.orig.tar.*"))
    tars = [t for t in tars if not t.endswith(".asc")]
    if len(tars) != 1:
        raise Skip(f"{len(tars)} tar files of {package}")
    below = PACKAGES[package][0]
    fresh = to + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    with tarfile.open(tars[0]) as t:
        for member in t:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(below) and inside.endswith(SUFFIXES):
                name = inside[len(below) :].replace("/", "_")
                with open(os.path.join(fresh, name), "wb") as f:
                    shutil.copyfileobj(t.extractfile(member), f)
    os.rename(fresh, to)
    os.unlink(tars[0])


def directory(package, cache):
    """Where the package's captures are; fetches them if they are not there yet."""
    to = os.path.join(cache, package)
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, package + ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(to):
            into = to + ".download"
            os.makedirs(into, exist_ok=True)
            fetch(package, into)
            unpack(package, into, to)
            shutil.rmtree(into)
    return to


def load(package, cache, excluded):
    """A list of (name, (kind, bytes)); what no hook of ours can meet is counted in `excluded`."""
    where = directory(package, cache)
    _, least_files, least_packets = PACKAGES[package]
    files, packets, links = sorted(os.listdir(where)), [], Counter()
    for name in files:
        try:
            for n, (link, data, _) in enumerate(captures.read(os.path.join(where, name)), 1):
                packet = captures.convert(link, data)
                links[link] += 1
                if packet is None:
                    excluded[f"link type {captures.NAMES.get(link, link)}"] += 1
                elif len(packet[1]) > captures.LONGEST:
                    excluded["longer than any device takes"] += 1
                else:
                    packets.append((f"{package}/{name} {n}", packet))
        except captures.Damaged:
            excluded["files damaged, from there on"] += 1
    if len(files) < least_files or len(packets) < least_packets:
        raise RuntimeError(f"{package}: only {len(packets)} packets in {len(files)} files")
    print(f"  {len(files)} files; link types: " + ", ".join(
        f"{captures.NAMES.get(k, k)} {n}" for k, n in links.most_common()))
    return packets
