# SPDX-License-Identifier: GPL-2.0-or-later
"""Own packets: the disagreements that were found, and those that explained.py explains."""
import captures
import explained

E, R = captures.ETHER, captures.RAW

# name, kind, packet
FOUND = [
    ("spanning tree per VLAN (PVST+), in SNAP", E,
     "01000ccccccd001f6d96ec040032aaaa0300000c010b000002020e8005001f6d96ec0000000000"
     "8005001f6d96ec0080040000140002000f0000000000020005"),
    ("the same, tagged", E,
     "01000ccccccd001f6d96ec048100e0010032aaaa0300000c010b000002020e8001001f6d96ec0000000000"
     "8001001f6d96ec0080040000140002000f0000000000020001"),
    ("a TCP header of 15 bytes", E,
     "00508b93937c080020b25d7b080045000023c4d94000400617bcac14030dac140305"
     "cf900050cae42ea8e553a07a5010832c7f310000"),
    ("UDP ports behind the IP length", E,
     "020000000001020000000009080045000016000700004011000" "00a000005cb007105" "13880035001000000001020304050607"),
    ("reverse ARP, which is not ARP", E,
     "ffffffffffff0200000000098035" "00010800060400030200000000090000000002000000000900000000"),
    ("ARP behind one service tag", E,
     "ffffffffffff00085d230c3f88a800c80806000108000604000100085d230c3fac110014000000000000ac110002"),
    ("spanning tree cut short", E, "3030303030303030303030300030424203"),
    ("IPv6 of version 0", E,
     "33330000000124843feb3cee86dd0000000000203afffe80000000000000020c29fffe766c14"
     "ff0200000000000000000000000000018800ab1300000000fe80000000000000020c29fffe766c14020124843feb3cee"),
    ("WireGuard, as long as its MTU of 1330 lets it be, and so not padded", R,
     "4500056e000000004011" "0000" "0a000005cb007105" "ca6cca6c055a0000" + explained.WG + "2a" * 1346),
    ("a fragment header with its reserved bits set", R,
     "60000000" "0018" "2c40" + explained.HOSTS + "1103000700000005" + explained.UDP),
    ("a fragment, so far behind that only the highest bit of its offset is set", R,
     "4500001c000010004011" "0000" "0a000005cb007105" "1388003500080000"),
    ("SNAP, with an organisation whose middle byte is set", E,
     "0200000000010200000000090030aaaa030001000800" "4500002800000000400600000a000005cb007105" + explained.TCP),
    ("IP in LLC without SNAP", E,
     "020000000001020000000009002b060603" "4500002800000000400600000a000005cb007105" + explained.TCP),
]


def load():
    return [(name, (kind, bytes.fromhex(data))) for name, kind, data in FOUND] + explained.load()
