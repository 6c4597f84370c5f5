#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends exactly so many bytes over TCP: deliver.py receive PORT, then
deliver.py send PORT ADDRESS BYTES SECONDS.

The receiver takes one connection, reads to its end and answers with what it
has got. The sender fails unless that is all. One that gives up resets the
connection, so that the kernel does not go on sending behind its back.
"""
import signal
import socket
import struct
import sys


def receive(port):
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        connection, _ = server.accept()
    got = 0
    while chunk := connection.recv(1 << 20):
        got += len(chunk)
    connection.sendall(struct.pack(">Q", got))


def give_up(*_):
    sys.exit("given up")


def send(port, address, size, seconds):
    signal.signal(signal.SIGTERM, give_up)
    connection = socket.create_connection((address, port), timeout=seconds)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # for all of it: settimeout() would begin anew with each call
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    connection.settimeout(None)
    connection.sendall(bytes(size))
    connection.shutdown(socket.SHUT_WR)
    got = struct.unpack(">Q", connection.recv(8, socket.MSG_WAITALL))[0]
    if got != size:
        sys.exit("%d bytes have arrived, not %d" % (got, size))


try:
    if sys.argv[1] == "receive":
        receive(int(sys.argv[2]))
    else:
        send(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
except OSError as e:
    sys.exit(str(e))
