# SPDX-License-Identifier: GPL-2.0-or-later
"""What tshark and we tell differently. Each class has its reason, and a packet that shows it.

STOPS: where tshark stops and we go on. Such a packet is not let through: tshark is asked
again about one that differs only in what made it stop, and must then agree with what we
said of the first.

TUNNELS: what a packet carries. Nothing is judged by that, and all else must be the same."""
import struct

import captures

E, R = captures.ETHER, captures.RAW
LINK4, LINK6 = "020000000001020000000009" "0800", "020000000001020000000009" "86dd"
HOSTS = "20010db8000000000000000000000005" "20010db8000f00000000000000000009"
TCP = "9c4001bb00000000000000005018200000000000"
UDP = "1388003500100000" "0001020304050607"

# name: (why, kind, packet)
STOPS = {
    "length-below-header": (
        "An IPv4 total length below the header's is bogus to tshark, which looks no further. "
        "A router forwards by what the frame has, so the frame's length is used.",
        E, LINK4 + "45000013000700004006" "0000" "0a000005cb007105" + TCP + "2a" * 30),
    "stops-after-mipv6": (
        "RFC 6275 says that nothing follows a mobility header yet, so tshark shows none. "
        "Whoever sends data there anyway must not gain a protocol that no policy names.",
        R, "60000000" "001c" "8740" + HOSTS + "0600000000000000" + TCP),
    "stops-after-hip": (
        "The same with the host identity protocol (RFC 7401 5.1): its next header is 59 today.",
        R, "60000000" "0018" "8b40" + HOSTS + "1100000000000000" + UDP),
    "stops-after-shim6": (
        "And with shim6 (RFC 5533), whose control messages tshark takes for the last header.",
        R, "60000000" "001c" "8c40" + HOSTS + "0601000000000000" + "00" * 8 + TCP[:24]),
    "stops-after-ipv6.routing": (
        "A routing header whose inside is malformed ends tshark's walk. Its length is sound, and a "
        "receiver that has no segments left does not look inside.",
        E, LINK6 + "60000000" "002c" "2b40" + HOSTS + "0602040001000000" + "00" * 16 + TCP),
    "stops-after-ipv6.hopopts": (
        "An option that is longer than its header ends tshark's walk. The header's own length is "
        "sound, and what is behind it may still be delivered.",
        E, LINK6 + "60000000" "001c" "0040" + HOSTS + "06007da100000000" + TCP),
}

WG = "04000000" + "00" * 12


def wireguard_size(row):
    size = row.number("udp.length")
    return size - 8 if size else 0


def is_padded(size):
    """As WireGuard pads: to 16 bytes, but not beyond the tunnel's MTU, which is 1280 or more."""
    return size >= 32 and (size % 16 == 0 or size >= 32 + 1280)


def wireguard_by_length(want, kinds, inner, data, row):
    return want.tunnel == "WIREGUARD" and not kinds and row.number("wg.type") == 4 and not is_padded(wireguard_size(row))


def wireguard_cut_short(want, kinds, inner, data, row):
    missing = wireguard_size(row) > len(data) - want.headers
    return want.tunnel is None and kinds == ["WIREGUARD"] and missing and is_padded(wireguard_size(row))


def gre_version(want, kinds, inner, data, row):
    return want.tunnel == "GRE" and kinds == ["GRE"] and inner is None and (row.number("gre.flags.version") or 0) > 1


def inner_behind_length(want, kinds, inner, data, row):
    size = 20 if inner and inner[0] == 1 else 40
    at = data.find(inner[1] + inner[2]) - (12 if size == 20 else 8) if inner else 0
    return kinds == ([want.tunnel] if want.tunnel else []) and not want.inner and at + size > want.end


# name: (why, kind, packet, predicate)
TUNNELS = {
    "wireguard-by-length": (
        "tshark takes for WireGuard data what begins like it, Zoom for instance; we want the length to be "
        "one that WireGuard's padding makes.",
        R, "45000045000000004011" "0000" "0a000005cb007105" "2261eced00310000" + WG + "2a" * 25, wireguard_by_length),
    "wireguard-cut-short": (
        "A frame that was cut off by the capture: we go by the length that UDP says.",
        R, "45000078000000004011" "0000" "0a000005cb007105" "ca6cca6c00580000" + WG, wireguard_cut_short),
    "gre-version": (
        "Versions above 1 of GRE do not exist. tshark reads them like version 0, we take them as opaque.",
        R, "4500002c00000000402f" "0000" "0a000005cb007105" "00020800"
        "4500001400000000400600000a0909096433070100", gre_version),
    "inner-behind-length": (
        "An inner header in what is behind the IP packet's own length: it is shown, but nothing else is told by it.",
        R, "4500001800000000402f" "0000" "0a000005cb007105" "00000800"
        "45000014000000004006" "0000" "c0a80909c6336407", inner_behind_length),
}
EXPLAINED = STOPS | TUNNELS


def tunnel_class(*told):
    """The class that explains a difference in what is carried, or None."""
    return next((name for name, (_, _, _, fits) in TUNNELS.items() if fits(*told)), None)


def load():
    return [(f"explained: {name}", (kind, bytes.fromhex(data))) for name, (_, kind, data, *_) in EXPLAINED.items()]
