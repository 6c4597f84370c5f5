# shellcheck shell=bash
# shellcheck disable=SC2034 # read by those who source this
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scenarios: net tests of devices that not every kernel has. A host, the
# gateway (the script's own namespace) and a world that takes all and says
# nothing, so that what is sent can be counted to the packet. The scenario makes
# the devices in between.

# shellcheck source=tests/net/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../net/lib.sh"

# Where nobody answers: the world drops what is sent there.
world4=203.0.113.10
world6=2001:db8:4812::10
world6_net=2001:db8:4812:: # as the books have it: by /64

# A boot is dear: what is not as it should be is told, and the scenario goes on
# to its end, where conclude() fails.
faults=0
fault() {
	printf '   NOT %s\n' "$*"
	faults=$((faults + 1))
}
assert() {
	local text=$1
	shift
	if "$@"; then pass "$text"; else fault "$text"; fi
}
assert_eq() { if [ "$2" = "$3" ]; then pass "$1: $2"; else fault "$1: $2, but $3"; fi; }
assert_le() { if [ "$2" -le "$3" ]; then pass "$1: $2 <= $3"; else fault "$1: $2, more than $3"; fi; }
assert_ge() { if [ "$2" -ge "$3" ]; then pass "$1: $2 >= $3"; else fault "$1: $2, less than $3"; fi; }
conclude() {
	balanced
	[ "$faults" -eq 0 ] || fail "$faults claims do not hold"
}

# Also what is on the books, when a scenario fails.
scenario_post_mortem() {
	if [ -r /sys/fs/bpf/curfew/pairs ]; then
		echo "--- pairs"
		head -n 40 /sys/fs/bpf/curfew/pairs
		echo "--- reasons"
		told '[.blind_spots // {} | .. | objects | select(.reason? and .packets? != 0)] | .[]' | head -n 30
	fi
	ip -6 route show 2>/dev/null | head -n 20
}
eval "net_words() $(declare -f net_post_mortem | tail -n +2)"
net_post_mortem() {
	net_words
	scenario_post_mortem
}

# need_link TYPE [ARG...]: skips, unless this kernel makes such devices
need_link() {
	local type=$1
	shift
	[ -z "${LINK_OF:-}" ] || ip link add probe0 type dummy || skip "this kernel makes no dummy devices"
	ip link add ${LINK_OF:+link probe0} name probe1 type "$type" "$@" 2>/run/lab/probe ||
		skip "this kernel makes no $type devices: $(tail -n 1 /run/lab/probe)"
	ip link del probe1
	[ -z "${LINK_OF:-}" ] || ip link del probe0
}

# scenario_up: namespaces and forwarding, without a device between them
scenario_up() {
	net_need_curfew
	ip link set lo up
	net_forwarding
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitations
	net_add host
	net_add world
	in_net world sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n world route add blackhole 203.0.113.0/24
	ip -n world route add blackhole 2001:db8:4812::/48
	# Neither a device's counter nor a socket's: those count ARP too, or nothing that is encapsulated.
	in_net world nft -f - 2>/run/lab/nft <<-'END' || skip "the world cannot count: $(head -n 1 /run/lab/nft)"
		table inet arrivals {
			set to4 { type ipv4_addr; flags dynamic; counter; size 1024; }
			set to6 { type ipv6_addr; flags dynamic; counter; size 1024; }
			chain in {
				type filter hook prerouting priority raw;
				update @to4 { ip daddr }
				update @to6 { ip6 daddr }
			}
		}
	END
}

# link_pair DEVICE NAMESPACE PEER: a veth from here to there, both up
link_pair() {
	ip link add "$1" type veth peer name "$3" netns "$2"
	ip link set "$1" up
	ip -n "$2" link set "$3" up
}

# host_address DEVICE GATEWAY_DEVICE NET: 10.NET.0.1 and .2, and the same in IPv6
host_address() {
	ip addr add "10.$3.0.1/24" dev "$2"
	ip addr add "2001:db8:aa$3::1/64" dev "$2" nodad
	ip -n host addr add "10.$3.0.2/24" dev "$1"
	ip -n host addr add "2001:db8:aa$3::2/64" dev "$1" nodad
}
# host_default NET: through that link
host_default() {
	ip -n host route replace default via "10.$1.0.1"
	ip -n host route replace default via "2001:db8:aa$1::1"
}
# world_address DEVICE PEER: the gateway's uplink and its default routes
world_address() {
	ip addr add 100.64.0.2/24 dev "$1"
	ip addr add 2001:db8:ffff::2/64 dev "$1" nodad
	ip -n world addr add 100.64.0.1/24 dev "$2"
	ip -n world addr add 2001:db8:ffff::1/64 dev "$2" nodad
	ip route replace default via 100.64.0.1
	ip route replace default via 2001:db8:ffff::1
	ip -n world route replace 10.0.0.0/8 via 100.64.0.2
	ip -n world route replace 2001:db8:aa00::/40 via 2001:db8:ffff::2
}

# scenario_policy INSIDE OUTSIDE: with the rules on standard input
scenario_policy() {
	{
		cat <<-END
			site {
			    name      "Scenario"
			    location  9.0302, 38.7612
			    timezone  "Africa/Addis_Ababa"
			}
			inside   $1
			outside  $2
			networks 10.0.0.0/8, 2001:db8:aa00::/40
		END
		cat
		echo "mode enforce"
	} >/etc/curfew/curfew.conf
	curfew check || fail "the scenario's policy"
}
# ready INSIDE OUTSIDE: the policy, and a daemon that has it
ready() {
	# what quotas have used outlives a detach; each part begins with its own
	rm -f /var/lib/curfew/quotas
	scenario_policy "$@"
	set_clock "2026-11-24 12:00:00"
	start_daemon
	covers_all || fail "$(curfew status || true)"
}
covers_all() { { curfew --json status || true; } | jq -e '[.status.hooks[].covered] | all' >/dev/null; }
# told JQ: of `status`, which may be degraded
told() { { curfew --json status || true; } | jq -c ".status | $1"; }
# how_covered DEVICE: as status says it
how_covered() { told "[.hooks[] | select(.interface == \"$1\") | .hook] | join(\" and \")" | tr -d '"'; }

# send NAMESPACE|. ADDRESS PORT COUNT BYTES: so many datagrams of so many bytes
send() {
	local where=(nsenter --net="/run/netns/$1" --)
	[ "$1" != . ] || where=()
	# shellcheck disable=SC2016
	"${where[@]}" bash -c 'exec 3>"/dev/udp/$1/$2"; for ((i = 0; i < $3; i++)); do printf "%0$4d" 0 >&3; done' \
		- "${@:2}" || fail "cannot send from $1 to $2"
}

# written ADDRESS: as the pinned ledger has it, IPv6 without any abbreviation
written() {
	case $1 in
	*:*)
		local head=${1%%::*} tail=${1#*::} i words=()
		[ "$head" != "$1" ] || tail=
		IFS=: read -ra words <<<"$head"
		IFS=: read -ra tail <<<"$tail"
		for ((i = ${#words[@]}; i < 8 - ${#tail[@]}; i++)); do words+=(0); done
		printf -v head ':%4s' "${words[@]}" ${tail[@]+"${tail[@]}"}
		head=${head#:}
		echo "${head// /0}"
		;;
	*) echo "$1" ;;
	esac
}
# pair HOOK SOURCE DESTINATION: "PACKETS PAYLOAD WIRE" of the pair, over all its slots
pair() {
	awk -v hook="$1" -v src="$(written "$2")" -v dst="$(written "$3")" '
		$1 == src && $2 == dst && $7 == hook { n += $3; payload += $4; wire += $5 }
		END { print n + 0, payload + 0, wire + 0 }
	' /sys/fs/bpf/curfew/pairs
}
# grown NAME HOOK SOURCE DESTINATION: sets growth, what the pair has grown by since the last look
declare -A seen_before=()
grown() {
	local now before=${seen_before[$1]:-0 0 0} a b c d e f
	now=$(pair "${@:2}")
	seen_before[$1]=$now
	read -r a b c <<<"$now"
	read -r d e f <<<"$before"
	growth="$((a - d)) $((b - e)) $((c - f))"
}

# booked TEXT HOOK SOURCE DESTINATION COUNT BYTES HEADERS: since the last look at this pair, so
# many packets of so many bytes, each with so many bytes of headers
booked() {
	local i n was
	# what is on its way arrives
	for ((i = 0; i < 20; i++)); do
		read -r n _ <<<"$(pair "$2" "$3" "$4")"
		read -r was _ <<<"${seen_before[$2 $3 $4]:-0}"
		[ $((n - was)) -lt "$5" ] || break
		sleep 0.1
	done
	grown "$2 $3 $4" "$2" "$3" "$4"
	assert_eq "$1: packets, payload, wire bytes" "$growth" "$5 $(($5 * $6)) $(($5 * ($6 + $7)))"
}
# never TEXT HOOK SOURCE DESTINATION: nothing since the last look
never() {
	grown "$2 $3 $4" "$2" "$3" "$4"
	assert_eq "$1" "$growth" "0 0 0"
}

balanced() {
	assert "the books balance" test "$(told '[.books | .. | .difference_bytes? // empty] | unique | tostring')" = '"[0]"'
}

# noted HOOK NOTE: packets with it so far
noted() { told "[.notes[] | select(.hook == \"$1\" and .note == \"$2\") | .packets] | add // 0"; }

# arrived ADDRESS [bytes]: packets for it that have come to the world, in tunnels of its own also
# those within; or the bytes of their IP packets
arrived() {
	local set=to4
	case $1 in *:*) set=to6 ;; esac
	in_net world nft -j list set inet arrivals $set | jq --arg to "$1" --arg what "${2:-packets}" \
		'[.nftables[].set? | .elem? | .[]?.elem | select(.val == $to).counter[$what]] | add // 0'
}
# arrives TEXT ADDRESS COUNT: since the last look at this address, so many and no more
declare -A arrived_before=()
arrives() {
	local i now before=${arrived_before[$2]:-0}
	for ((i = 0; i < 10; i++)); do
		# longer than anything is on its way
		sleep 0.3
		now=$(arrived "$2")
		[ $((now - before)) -lt "$3" ] || break
	done
	arrived_before[$2]=$now
	assert_eq "$1: arrived" $((now - before)) "$3"
}
