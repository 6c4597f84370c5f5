# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark, made to look at no more than the headers that are compared, without memory
of other packets (no reassembly): one row of fields per packet."""
import os
import subprocess
import tempfile

import captures

PROTOCOLS = """eth ethertype vlan ieee8021ad llc pppoes ppp raw ip ipv6 ipv6.hopopts ipv6.routing
ipv6.routing.type.srh ipv6.routing.type.rt0 ipv6.fraghdr ipv6.dstopts ah mipv6 hip shim6 tcp udp
arp slow lldp eapol pppoed stp gre vxlan geneve teredo esp udpencap wg sctp dccp udplite""".split()

FIELDS = """frame.number frame.protocols eth.src eth.type eth.len vlan.id vlan.etype vlan.len
ieee8021ad.id ieee8021ad.svid ieee8021ad.cvid
llc.dsap llc.ssap llc.control llc.oui llc.type
pppoe.version pppoe.type pppoe.code pppoe.payload_length ppp.protocol
ip.version ip.hdr_len ip.len ip.flags.mf ip.frag_offset ip.proto ip.src ip.dst
ipv6.version ipv6.plen ipv6.nxt ipv6.src ipv6.dst
ipv6.hopopts.nxt ipv6.hopopts.len_oct ipv6.opt.jumbo
ipv6.routing.nxt ipv6.routing.len_oct ipv6.dstopts.nxt ipv6.dstopts.len_oct
ipv6.fraghdr.nxt ipv6.fraghdr.offset ipv6.fraghdr.more
ah.next_header ah.length mip6.proto mip6.hlen hip.proto hip.hdr_len shim6.nxt shim6.len_oct
sctp.srcport sctp.dstport dccp.srcport dccp.dstport
tcp.srcport tcp.dstport tcp.hdr_len udp.srcport udp.dstport udp.length vxlan.flag_i vxlan.reserved8 geneve.version geneve.reserved wg.type gre.flags.version""".split()

PREFERENCES = """ip.defragment:FALSE ipv6.defragment:FALSE ip.tso_support:TRUE tcp.desegment_tcp_streams:FALSE
ipv6.tso_support:TRUE tcp.analyze_sequence_numbers:FALSE tcp.track_bytes_in_flight:FALSE
ip.use_geoip:FALSE ipv6.use_geoip:FALSE eth.check_fcs:FALSE""".split()


def command(path):
    c = ["tshark", "-n", "-r", path]
    for p in PREFERENCES:
        c += ["-o", p]
    c += ["-d", "udp.port==8472,vxlan"]
    c += ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"]
    for f in FIELDS:
        c += ["-e", f]
    return c


def configure(home):
    """A configuration of its own, in which all other protocols are disabled: 4.0 has no option for that."""
    run = subprocess.run(["tshark", "-G", "protocols"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    names = [line.split("\t")[2] for line in run.stdout.decode().splitlines()]
    missing = set(PROTOCOLS) - set(names)
    if missing:
        raise RuntimeError(f"this tshark has no {' '.join(sorted(missing))}")
    with open(os.path.join(home, "disabled_protos"), "w", encoding="ascii") as f:
        f.writelines(f"{n}\n" for n in names if n not in PROTOCOLS + ["frame"])


class Row:
    """A packet's fields: row["ip.src"] is the list of all occurrences, outermost first."""

    at = {name: i for i, name in enumerate(FIELDS)}

    def __init__(self, line):
        self.cells = line.split("\t")

    def __getitem__(self, name):
        cell = self.cells[Row.at[name]]
        return cell.split(",") if cell else []

    def first(self, name):
        cell = self.cells[Row.at[name]]
        return cell.partition(",")[0] if cell else None

    def number(self, name):
        cell = self.first(name)
        return None if cell is None else int(cell, 0)


def dissect(packets):
    """Rows in the order of `packets`, a list of (kind, bytes)."""
    rows = [None] * len(packets)
    with tempfile.TemporaryDirectory(prefix="curfew-diff.") as home:
        configure(home)
        dissect_into(packets, home, rows)
    return rows


def dissect_into(packets, home, rows):
    for kind, link in ((captures.ETHER, 1), (captures.RAW, 101)):
        which = [i for i, p in enumerate(packets) if p[0] == kind]
        if not which:
            continue
        path = os.path.join(home, "packets.pcap")
        captures.write(path, link, (packets[i][1] for i in which))
        env = dict(os.environ, WIRESHARK_CONFIG_DIR=home, HOME=home, LC_ALL="C.UTF-8")
        run = subprocess.run(command(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, check=False)
        lines = run.stdout.decode().split("\n")[:-1]
        if run.returncode or len(lines) != len(which):
            raise RuntimeError(f"tshark: {len(lines)} rows of {len(which)}: {run.stderr.decode()[-500:]}")
        for i, line in zip(which, lines):
            rows[i] = Row(line)
