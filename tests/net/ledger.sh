# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the ledger's tests: a world with as little between a sender and a hook as
# can be, so that what the sender's kernel took is what the hook was offered.
#
#   lan: gw ── lan0 [gateway] wan0 ── cust :isp
#
# A bridge on lan0 takes its place when inside_dev is another name: it has no
# native XDP, so that its hook is TC ingress.
#
# What is sprayed is dropped behind the inside hook, unless it is to be
# forwarded: 198.18.0.0/15 (RFC 2544) and on, and 2001:db8:a000::/36.

# shellcheck source=tests/net/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
BOOKS=$net_build/tests/tools/books
SPRAY=$net_build/tests/tools/spray
inside_dev=lan0
# of lan0, as `ip link add` takes them
lan_queues=
LAN_MAC=02:00:00:00:00:01
ISP_MAC=02:00:00:00:00:03
# shellcheck disable=SC2034
all_cpus=$(seq -s, 0 $(($(nproc) - 1)))

ledger_need() {
	net_need_curfew
	[ -x "$SPRAY" ] && [ -x "$BOOKS" ] || skip "no tests/tools: build first (tools/build)"
}

ledger_world() {
	ip link set lo up
	net_forwarding
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	net_add lan
	# shellcheck disable=SC2086
	ip link add lan0 $lan_queues address $LAN_MAC type veth \
		peer name gw $lan_queues address 02:00:00:00:01:01 netns lan
	if [ $inside_dev != lan0 ]; then
		# else the rules below see what the hook does not
		echo 0 2>/dev/null >/proc/sys/net/bridge/bridge-nf-call-iptables || true
		echo 0 2>/dev/null >/proc/sys/net/bridge/bridge-nf-call-ip6tables || true
		ip link add $inside_dev address $LAN_MAC type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		ip link set lan0 master $inside_dev
		ip link set $inside_dev up
	fi
	ip addr add 10.0.0.1/24 dev $inside_dev
	ip addr add 2001:db8:aaaa::1/64 dev $inside_dev nodad
	ip link set lan0 up
	# sources that are sprayed live behind a router; without a route they would be nobody's
	ip route add 10.64.0.0/12 via 10.0.0.2 dev $inside_dev onlink
	ip -n lan link set gw up
	net_add isp
	ip link add wan0 address 02:00:00:00:00:02 type veth peer name cust address $ISP_MAC netns isp
	ip addr add 100.64.0.2/24 dev wan0
	ip addr add 2001:db8:ffff::2/64 dev wan0 nodad
	ip link set wan0 up
	ip -n isp addr add 100.64.0.1/24 dev cust
	ip -n isp addr add 2001:db8:ffff::1/64 dev cust nodad
	ip -n isp link set cust up
	ip route add default via 100.64.0.1
	ip route add default via 2001:db8:ffff::1
	ip neigh replace 100.64.0.1 lladdr $ISP_MAC dev wan0 nud permanent
	ip neigh replace 2001:db8:ffff::1 lladdr $ISP_MAC dev wan0 nud permanent
	# the provider forwards nothing and answers nothing
	in_net isp nft -f - <<-'END'
		table netdev sink {
			chain in {
				type filter hook ingress device cust priority 0
				ip daddr 198.16.0.0/12 drop
				ip6 daddr 2001:db8:a000::/36 drop
				ip6 daddr 2001:db8:b000::/36 drop
			}
		}
	END
	nft -f - <<-END
		table inet behind {
			chain pre {
				type filter hook prerouting priority raw
				iifname "$inside_dev" ip daddr 198.18.0.0/15 drop
				iifname "$inside_dev" ip6 daddr 2001:db8:a000::/36 drop
			}
		}
	END
}

# ledger_policy [RULES]: in the file that the daemon reads
ledger_policy() {
	cat >/etc/curfew/curfew.conf <<-END
		site {
			name     "Ledger"
			location 9.0302, 38.7612
			timezone "Africa/Addis_Ababa"
		}
		inside   $inside_dev
		outside  wan0
		networks 10.0.0.0/8, 2001:db8:aaaa::/48
		${1:-}
		mode enforce
	END
}

# ledger_start [RUN-ARG...]: the smallest shards that there are, for each CPU
# one segment of 4,096 pairs, unless the arguments say otherwise
ledger_start() {
	[ -s /etc/curfew/curfew.conf ] || ledger_policy
	[ -s $clock_file ] || set_clock "2026-11-24 12:00:00"
	case " $* " in *" --pairs "*) ;; *) set -- --pairs 4096 "$@" ;; esac
	ledger_run_args=("$@")
	start_daemon "$@"
	sleep 0.3
}
ledger_restart() { start_daemon "${ledger_run_args[@]}"; }

# spray_in NAME ARG...: from the LAN; its report goes to /run/lab/NAME
spray_in() {
	local name=$1
	shift
	in_net lan "$SPRAY" --dev gw --to $LAN_MAC "$@" >"/run/lab/$name" || fail "spray $name"
}
# spray_out NAME ARG...: the gateway's own
spray_out() {
	local name=$1
	shift
	"$SPRAY" --dev wan0 --to $ISP_MAC "$@" >"/run/lab/$name" || fail "spray $name"
}

# books NAME: when nothing moves; to /run/lab/NAME
books() { "$BOOKS" --rest $inside_dev wan0 >"/run/lab/$1" || fail "books"; }
# of NAME EXPRESSION
of() { jq -c "def n(a): a // [0, 0, 0]; $2" "/run/lab/$1"; }

# Nothing is missing, nothing is twice: to the packet and the byte.
balanced() {
	assert_eq "$1: offered - booked, inside, in packets, wire and payload bytes" \
		"$(of "$1" .difference.inside)" "[0,0,0]"
	assert_eq "$1: offered - booked, outside" "$(of "$1" .difference.outside)" "[0,0,0]"
	assert_eq "$1: slots that change hands while nothing moves" "$(of "$1" .changing)" 0
}

# grown HOOK FROM TO: what the hook was offered between two books
grown() {
	jq -cs --arg h "$1" '[.[1].hooks[$h].offered, .[0].hooks[$h].offered] | transpose | map(.[0] - .[1])' \
		"/run/lab/$2" "/run/lab/$3"
}
# sent REPORT...: what the kernel took of all that these have sent
sent() {
	(cd /run/lab && jq -cs '[.[] | .sent, .innocent] | transpose | map(add)' "$@")
}
# At egress a hook has seen what a queue behind it refused.
tried() {
	(cd /run/lab && jq -cs '[.[] | .sent, .innocent, .refused, .innocent_refused] | transpose | map(add)' "$@")
}
# judged FROM TO HOOK: what a hook passed and dropped between two books, without what it ignored
judged() {
	(cd /run/lab && jq -cs --arg h "$3" 'map(.hooks[$h] | [.pass, .drop] | transpose | map(add)) |
		[.[1], .[0]] | transpose | map(.[0] - .[1])' "$1" "$2")
}

# flows_exact NAME: what the daemon says of pairs and overflow is what the hooks have judged
flows_exact() {
	sleep 0.4
	curfew flows --json -n 1 >/run/lab/flows || fail "curfew flows"
	assert_eq "$1: pairs and overflow as 'flows' has them, in packets, wire and payload bytes" \
		"$(jq -c '.flows | [.total, .overflow] | map([.packets, .wire_bytes, .payload_bytes]) |
			transpose | map(add)' /run/lab/flows)" \
		"$(of "$1" '[.hooks[] | .pass, .drop] | transpose | map(add)')"
}

# Traffic until traffic_stop, old pairs and new ones from many hosts, at both hooks and on all CPUs.
traffic_start() {
	local rate=${1:-60000}
	traffic=()
	spray_in in4 --mode zipf --source 10.64.0.0 --sources 97 --dest 198.18.0.0 --dests 130000 \
		--mac-per-source --payload 0-700 --cpus "$all_cpus" --turn 7000 --rate "$rate" \
		--count 1000000000 --seconds 60 &
	traffic+=($!)
	spray_in in6 --mode zipf --source 2001:db8:b000:: --sources 97 --dest 2001:db8:a000:: \
		--dests 130000 --mac-per-source --payload 0-700 --cpus "$all_cpus" --turn 9000 \
		--rate $((rate / 2)) --count 1000000000 --seconds 60 &
	traffic+=($!)
	spray_out out4 --mode zipf --source 100.64.0.2 --dest 198.18.0.0 --dests 130000 \
		--payload 0-700 --cpus "$all_cpus" --turn 5000 --rate $((rate / 2)) \
		--count 1000000000 --seconds 60 &
	traffic+=($!)
}
traffic_stop() {
	pkill -TERM --parent "$(IFS=,; echo "${traffic[*]}")" spray 2>/dev/null || true
	local pid
	for pid in "${traffic[@]}"; do wait "$pid" || fail "the traffic ended in an error"; done
}
# traffic_exact BEFORE AFTER: both hooks were offered what was sent
traffic_exact() {
	assert_eq "inside: what was sent, in packets, wire and payload bytes" "$(judged "$1" "$2" inside)" \
		"$(sent in4 in6)"
	assert_eq "outside" "$(judged "$1" "$2" outside)" "$(tried out4)"
}
slots_of() { of "$1" '[.shards[] | .slots4 + .slots6] | add'; }
