#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many flows from all CPUs to a few hosts, in every shape that a quota meets:

    quota_flows.py receive
    quota_flows.py send RATE ADDRESS...

The sender forks for each CPU and stays on it: to each address four TCP
connections, datagrams, trains of datagrams that the kernel cuts (UDP_SEGMENT,
unless --whole), and datagrams that leave in fragments. RATE is in bytes per
second, for each address and CPU, until /run/lab/flows-fast exists, and no more
than 2 MB until then; from then on it is twenty times that. /run/lab/flows-stop ends
it. The receiver reads TCP and leaves datagrams where they are: what arrived is
counted before it.
"""
import errno
import os
import random
import selectors
import socket
import sys
import time

UDP_SEGMENT = 103
TCP_PORT, UDP_PORT = 5000, 5001
TICK = 0.004
SLOW_BYTES = 2000000
# It need not be known whether the kernel or a program refused.
REFUSED = (errno.EAGAIN, errno.ENOBUFS, errno.EPERM, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)


def receive():
    loop = selectors.DefaultSelector()
    server = socket.create_server(("::", TCP_PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
    loop.register(server, selectors.EVENT_READ)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("::", UDP_PORT))
    while True:
        for key, _ in loop.select():
            if key.fileobj is server:
                connection, _ = server.accept()
                loop.register(connection, selectors.EVENT_READ)
                continue
            try:
                more = key.fileobj.recv(1 << 20)
            except OSError:
                more = b""
            if not more:
                loop.unregister(key.fileobj)
                key.fileobj.close()


class Target:
    """What one CPU sends to one address."""

    def __init__(self, address, whole):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.streams, self.whole = [], whole
        for _ in range(4):
            s = socket.socket(family, socket.SOCK_STREAM)
            # little is under way: what a queue loses is not what a quota refuses
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            s.setblocking(False)
            s.connect_ex((address, TCP_PORT))
            self.streams.append(s)
        self.datagrams = socket.socket(family, socket.SOCK_DGRAM)
        self.datagrams.connect((address, UDP_PORT))
        self.train = socket.socket(family, socket.SOCK_DGRAM)
        self.train.connect((address, UDP_PORT))
        if not whole:
            self.train.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1100)

    def some(self):
        """One shape by chance, and how many bytes it was."""
        kind = random.randrange(8)
        if kind < 4:
            return self.streams[kind], random.randrange(1, 40000)
        if kind == 4:
            return self.train, random.randrange(1101, 1400 if self.whole else 30000)
        if kind == 5:  # in fragments
            return self.datagrams, random.randrange(1501, 9000)
        return self.datagrams, random.randrange(0, 1400)

    def send(self, budget):
        while budget > 0:
            s, size = self.some()
            budget -= size + 50
            try:
                s.send(bytes(size))
            except OSError as e:
                if e.errno not in REFUSED:
                    raise
        return budget


def send_from(cpu, rate, addresses, whole):
    os.sched_setaffinity(0, {cpu})
    random.seed(cpu)
    targets = [Target(a, whole) for a in addresses]
    budgets, left = [0.0] * len(targets), SLOW_BYTES
    last, slow = time.monotonic(), True
    while not os.path.exists("/run/lab/flows-stop"):
        time.sleep(TICK)
        now = time.monotonic()
        if slow and os.path.exists("/run/lab/flows-fast"):
            slow, left, rate = False, float("inf"), rate * 20
        more = min(rate * (now - last), left, 200000)
        left -= more
        for i, target in enumerate(targets):
            budgets[i] = target.send(min(budgets[i] + more, 200000))
        last = now
    for target in targets:
        for s in target.streams:
            # no more of it, also not again
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()


def send(args):
    whole = args[0] == "--whole"
    rate, *addresses = args[1:] if whole else args
    children = []
    for cpu in sorted(os.sched_getaffinity(0)):
        children.append(os.fork())
        if not children[-1]:
            send_from(cpu, float(rate), addresses, whole)
            os._exit(0)
    sys.exit(any([os.waitpid(c, 0)[1] for c in children]))


if sys.argv[1] == "receive":
    receive()
else:
    send(sys.argv[2:])
