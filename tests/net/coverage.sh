# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of coverage: one host behind each of several inside devices,
# whatever these are, and one uplink. What is sent is booked once and charged
# once, told by the pinned ledger and by a quota that counts all of it.

# shellcheck source=tests/vm/scenario.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/scenario.sh"

# coverage_up: wan0 to the world
coverage_up() {
	scenario_up
	link_pair wan0 world cust
	world_address wan0 cust
}

# host_on DEVICE NUMBER [PEER]: a host behind a veth, 10.10.0.NUMBER, without its gateway yet
host_on() {
	net_add "h$2"
	link_pair "$1" "h$2" "${3:-eth0}"
}
# host_speaks NUMBER DEVICE NET: its address there, 10.NET.0.NUMBER, and default route
host_speaks() {
	ip -n "h$1" addr add "10.$3.0.$1/24" dev "$2"
	ip -n "h$1" addr add "2001:db8:aa$3::$1/64" dev "$2" nodad
	ip -n "h$1" route replace default via "10.$3.0.1"
	ip -n "h$1" route replace default via "2001:db8:aa$3::1"
}
# gateway_speaks DEVICE NET
gateway_speaks() {
	ip addr add "10.$2.0.1/24" dev "$1"
	ip addr add "2001:db8:aa$2::1/64" dev "$1" nodad
}

# cover INSIDE OUTSIDE: in force, however many of them are covered
cover() {
	scenario_policy "$@" <<-'END'
		policy "all of it" {
			from     any
			to       any
			quota    1 GB per policy each day
			at 100%  drop
		}
	END
	if [ -n "${daemon_pid:-}" ]; then
		curfew reload >/run/lab/reload 2>&1 || fail "$(</run/lab/reload)"
	else
		set_clock "2026-11-24 12:00:00"
		start_daemon
	fi
}

# hook DEVICE FIELD: of status
hook() { told "[.hooks[] | select(.interface == \"$1\") | .$2][0]" | tr -d '"'; }
# says TEXT DEVICE FIELD PATTERN
says() {
	local text
	text=$(hook "$2" "$3")
	case $text in
	*$4*) pass "$1: $text" ;;
	*) fault "$1: '$text', not '$4'" ;;
	esac
}

# Bytes of payload that were charged so far.
charged() { { curfew --json quotas 2>/dev/null || true; } | jq '[.quotas.rows[].used_bytes] | add // 0'; }

# once TEXT NUMBER SOURCE HOOK HEADERS [HEADERS6]: what host NUMBER sends is booked at that hook
# alone, and charged once
once() {
	local text=$1 host=$2 src=$3 hook=$4 before other=outside
	[ "$hook" = inside ] || other=inside
	before=$(charged)
	send "h$host" $world4 5000 30 400
	send "h$host" $world6 5000 20 400
	booked "$text: IPv4" "$hook" "10.$src.0.$host" $world4 30 400 "$5"
	booked "$text: IPv6" "$hook" "2001:db8:aa$src::$host" $world6_net 20 400 "${6:-$(($5 + 20))}"
	never "$text: nothing at the other hook" "$other" "10.$src.0.$host" $world4
	never "$text: nor of IPv6" "$other" "2001:db8:aa$src::$host" $world6_net
	assert_eq "$text: charged, in bytes" "$(($(charged) - before))" $((50 * 400))
}

balanced() {
	assert "the books balance" sh -c "{ '$CURFEW' --json status || true; } | jq -e '
		.status.books | .difference_bytes == 0 and .inside.difference_bytes == 0 and
		.outside.difference_bytes == 0' >/dev/null"
}

# The devices that the outside hook takes for seen below: their names, sorted.
uppers() {
	bpftool -j map dump pinned /sys/fs/bpf/curfew/ifaces | jq -r '
		.[].formatted.value | select(.flags | tostring | test("UPPER") or . == "4") | .ifindex' |
		while read -r i; do ip -j link show | jq -r --argjson i "$i" '.[] | select(.ifindex == $i) | .ifname'; done |
		sort | tr '\n' ' '
}
