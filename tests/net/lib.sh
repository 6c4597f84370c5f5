# shellcheck shell=bash
# shellcheck disable=SC2034 # read by those who source this
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A small world for net tests and the lab: an office LAN, its gateway, and an
# internet with hosts in several countries. All of it lives in namespaces of
# its own (mount, network, processes): when the script ends, however it ends,
# the kernel takes everything down, and nothing outside was ever touched.
#
#   srv1 srv2 srv3 desk updates ── sw (a bridge) ── lan0 [gateway] wan0 ── isp ── shanghai …
#
# The gateway is the script's own namespace, so that Curfew finds bpffs, /sys,
# /etc/curfew, /var/lib/curfew and /run/curfew where it looks for them.

net_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
net_build=${CURFEW_BINARY_DIR:-$net_top/build}
CURFEW=${CURFEW:-$net_build/user/app/curfew}

# name, last IPv4 byte, last IPv6 group
net_lan_hosts=(
	"srv1 11" "srv2 12" "srv3 13" "desk 20" "updates 30"
)
# name, IPv4, IPv6; as tests/fixtures/lab-geo.csv places them
net_world_hosts=(
	"shanghai 203.0.113.10 2001:db8:4812::10"
	"singapore 203.0.113.130 2001:db8:4510::10"
	"frankfurt 198.51.100.10 2001:db8:3320::10"
	"nairobi 198.51.100.70 2001:db8:3691::10"
	"windows-update 198.51.100.130 2001:db8:8075::10"
	"addis 192.0.2.10 2001:db8:2475::10"
)

# ---- telling -----------------------------------------------------------------

net_colour() {
	if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi
}
heading() { printf '\n%s\n' "$(net_colour '1;36' "== $*")"; }
say() { printf '%s\n' "$*"; }
note() { printf '   %s\n' "$*"; }

# Shows a command as an administrator would type it, and what it prints.
show() {
	printf '\n%s\n' "$(net_colour 1 "# ${SHOW_AS:-$*}")"
	"$@" 2>&1 | head -n "${SHOW_LINES:-40}" || true
}

# Ends a test: what is said goes before what is tidied up.
fail() {
	net_failed=1
	printf '%s\n' "$(net_colour '1;31' "FAIL: $*")" >&2
	net_post_mortem >&2 || true
	exit 1
}
skip() {
	echo "SKIP: $*"
	exit 77
}
pass() { printf '   %s %s\n' "$(net_colour 32 ok)" "$*"; }

net_post_mortem() {
	if [ -s /run/lab/daemon.log ]; then
		echo "--- the daemon's last words"
		tail -n 25 /run/lab/daemon.log
	fi
}

# A command that nobody asked for its exit code may have ended it.
net_ended() {
	local rc=$1 command=$2
	case $rc in 0 | 77) return ;; esac
	[ -z "${net_failed:-}" ] || return 0
	fail "exit code $rc of: $command"
}

# A long log is cut: of a test that failed, the reason and the last lines go
# before all that it has said, and the reason once more behind it.
net_report() {
	local log rc=0 why
	log=$(mktemp -t curfew-net.XXXXXX)
	# shellcheck disable=SC2064 # now, not then
	trap "rm -f '$log'" EXIT
	timeout --kill-after=5 "$CURFEW_NET_TIMEOUT" "$@" >"$log" 2>&1 || rc=$?
	case $rc in
	0 | 77) cat "$log" && exit $rc ;;
	124 | 137) why="no end after $CURFEW_NET_TIMEOUT seconds" ;;
	*) why=$(sed -n 's/^FAIL: //p' "$log" | head -n 1) ;;
	esac
	echo "FAILED: ${why:-exit code $rc}"
	tail -n 40 "$log" | sed 's/^/| /'
	echo "--- all of it"
	cat "$log"
	echo "FAILED: ${why:-exit code $rc}"
	exit $rc
}

# ---- asserting ---------------------------------------------------------------

# assert TEXT COMMAND...
assert() {
	local text=$1
	shift
	"$@" || fail "$text"
	pass "$text"
}
assert_eq() { [ "$2" = "$3" ] || fail "$1: $2, not $3" && pass "$1: $2"; }
assert_le() { [ "$2" -le "$3" ] || fail "$1: $2, more than $3" && pass "$1: $2 <= $3"; }
assert_ge() { [ "$2" -ge "$3" ] || fail "$1: $2, less than $3" && pass "$1: $2 >= $3"; }

# wait_for SECONDS COMMAND...: until it succeeds; 1 if it never does
wait_for() {
	local deadline=$((${EPOCHREALTIME/./} + $1 * ${CURFEW_NET_PATIENCE:-1} * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# ---- the world -----------------------------------------------------------------

# net_enter SCRIPT ARG...: once more, in namespaces of our own
net_enter() {
	if [ -z "${CURFEW_NET_INSIDE:-}" ]; then
		[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
		local tool
		for tool in ip nft iperf3 jq ethtool python3 nsenter; do
			command -v $tool >/dev/null || skip "$tool is not installed (tools/packages --install lab)"
		done
		export CURFEW_NET_INSIDE=1
		# Those who keep time go before those who compute.
		renice -n -10 -p $$ >/dev/null 2>&1 || true
		set -- unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private -- "$@"
		[ -n "${CURFEW_NET_TIMEOUT:-}" ] || exec "$@"
		net_report "$@"
	fi
	trap 'net_ended $? "$BASH_COMMAND"' EXIT
	trap 'net_failed=1 && net_post_mortem >&2 && exit 130' INT TERM
	net_mounts
}

net_mounts() {
	mount -t sysfs sysfs /sys
	mount -t bpf bpf /sys/fs/bpf
	mount -t tmpfs -o mode=755 tmpfs /run
	mkdir -p /run/netns /run/lab /run/curfew
	local dir over
	for dir in /etc /var/lib; do
		[ -d $dir/curfew ] || {
			over=/run/lab/over${dir//\//-}
			mkdir -p "$over/upper" "$over/work"
			mount -t overlay overlay -o "lowerdir=$dir,upperdir=$over/upper,workdir=$over/work" $dir ||
				skip "cannot lay a file system over $dir"
			mkdir $dir/curfew
		}
		mount -t tmpfs tmpfs $dir/curfew
	done
}

# in_net NAME COMMAND...
in_net() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

# A namespace with its loopback up, and no surprises from IPv6 autoconfiguration.
net_add() {
	ip netns add "$1"
	in_net "$1" ip link set lo up
	# shellcheck disable=SC2016
	in_net "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
		echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitations'
}

net_forwarding() {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
}

net_up() {
	local host name rest v4 v6 n=0
	ip link set lo up
	net_forwarding
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad

	net_add sw
	in_net sw ip link add br0 type bridge stp_state 0 forward_delay 0
	in_net sw ip link set br0 up
	ip link add lan0 address 02:00:00:00:00:01 type veth peer name gw netns sw
	ip addr add 10.0.0.1/24 dev lan0
	ip addr add 2001:db8:aaaa::1/64 dev lan0 nodad
	ip link set lan0 up
	in_net sw ip link set gw master br0 up
	for host in "${net_lan_hosts[@]}"; do
		read -r name rest <<<"$host"
		net_add "$name"
		ip -n "$name" link add eth0 address "02:00:00:00:01:$rest" type veth peer name "$name" netns sw
		ip -n sw link set "$name" master br0 up
		ip -n "$name" addr add "10.0.0.$rest/24" dev eth0
		ip -n "$name" addr add "2001:db8:aaaa::$rest/64" dev eth0 nodad
		ip -n "$name" link set eth0 up
		ip -n "$name" route add default via 10.0.0.1
		ip -n "$name" route add default via 2001:db8:aaaa::1
	done

	net_add isp
	ip link add wan0 address 02:00:00:00:00:02 type veth peer name cust netns isp
	ip addr add 100.64.0.2/24 dev wan0
	ip addr add 2001:db8:ffff::2/64 dev wan0 nodad
	ip link set wan0 up
	ip -n isp addr add 100.64.0.1/24 dev cust
	ip -n isp addr add 2001:db8:ffff::1/64 dev cust nodad
	ip -n isp link set cust up
	ip route add default via 100.64.0.1
	ip route add default via 2001:db8:ffff::1
	in_net isp sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n isp route add 2001:db8:aaaa::/64 via 2001:db8:ffff::2
	for host in "${net_world_hosts[@]}"; do
		read -r name v4 v6 <<<"$host"
		n=$((n + 1))
		net_add "$name"
		ip -n "$name" link add eth0 type veth peer name "h$n" netns isp
		ip -n isp addr add "100.65.$n.1/24" dev "h$n"
		ip -n isp addr add "2001:db8:fffe:$n::1/64" dev "h$n" nodad
		ip -n isp link set "h$n" up
		ip -n "$name" addr add "100.65.$n.2/24" dev eth0
		ip -n "$name" addr add "$v4/32" dev eth0
		ip -n "$name" addr add "2001:db8:fffe:$n::2/64" dev eth0 nodad
		ip -n "$name" addr add "$v6/128" dev eth0 nodad
		ip -n "$name" link set eth0 up
		ip -n "$name" route add default via "100.65.$n.1" src "$v4"
		ip -n "$name" route add default via "2001:db8:fffe:$n::1" src "$v6"
		ip -n isp route add "$v4/32" via "100.65.$n.2"
		ip -n isp route add "$v6/128" via "2001:db8:fffe:$n::2"
	done

	nft -f - <<-'END'
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat
				oifname "wan0" masquerade
			}
		}
	END
}

net_address() {
	local want=$1 family=${2:-4} host name v4 v6
	for host in "${net_world_hosts[@]}"; do
		read -r name v4 v6 <<<"$host"
		if [ "$name" = "$want" ]; then
			if [ "$family" = 6 ]; then echo "$v6"; else echo "$v4"; fi
			return
		fi
	done
	fail "no host called $want"
}

# ---- traffic ---------------------------------------------------------------------

# listen HOST PORT: an iperf3 server that takes one client after the other
listen() {
	in_net "$1" iperf3 -s -p "$2" >"/run/lab/server-$1-$2.log" 2>&1 &
	wait_for 20 net_listening "$1" "$2" || fail "no server on $1 port $2"
}
net_listening() { [ -n "$(in_net "$1" ss -Hltn "sport = :$2")" ]; }

# upload FROM TO PORT [IPERF3-ARG...]: in the foreground; iperf3's report goes
# to /run/lab/FROM-TO-PORT.json. Paced, unless told otherwise: iperf3 stops
# when all is written, and what is under way in deep queues then is lost.
upload() {
	local from=$1 to=$2 port=$3 family=4
	shift 3
	case " $* " in *" -6 "*) family=6 ;; esac
	case " $* " in *" -b "*) ;; *) set -- "$@" -b 300M ;; esac
	in_net "$from" timeout "${UPLOAD_SECONDS:-60}" iperf3 -c "$(net_address "$to" $family)" -p "$port" --json "$@" \
		>"/run/lab/$from-$to-$port.json" 2>&1
}

# deliver FROM TO PORT BYTES [SECONDS [4|6|ADDRESS]]: exactly so many, until the
# receiver says that it has them all; 1 if it does not in SECONDS. Then the
# connection is reset: nothing of it is sent later. ADDRESS: where that is not TO's own.
deliver() {
	local from=$1 to=$2 port=$3 bytes=$4 seconds=${5:-60} address=${6:-4}
	case $address in 4 | 6) address=$(net_address "$to" "$address") ;; esac
	in_net "$to" "$net_top/tests/net/deliver.py" receive "$port" &
	wait_for 20 net_listening "$to" "$port" || fail "no receiver on $to port $port"
	in_net "$from" "$net_top/tests/net/deliver.py" send "$port" "$address" "$bytes" "$seconds"
}

# meter HOST: counts the payload that arrives there, packet by packet
meter() {
	in_net "$1" "$net_top/tests/net/payload_meter.py" eth0 "/run/lab/meter-$1" 2>"/run/lab/meter-$1.log" &
	wait_for 20 test -s "/run/lab/meter-$1" || fail "the meter on $1 does not start"
}
net_meter_after() { jq -e --argjson t "$2" '.seen_until > $t' "/run/lab/meter-$1" >/dev/null; }
# received_bytes HOST [ADDRESS]: all that has arrived by now
received_bytes() {
	wait_for 20 net_meter_after "$1" "$EPOCHREALTIME" || fail "the meter on $1 is stuck"
	[ "$(jq .missed "/run/lab/meter-$1")" = 0 ] || fail "the meter on $1 missed packets"
	jq --arg a "${2:-}" '[del(.missed, .seen_until) | to_entries[] | select($a == "" or .key == $a).value] | add // 0' \
		"/run/lab/meter-$1"
}

# device_bytes NS|. DEVICE rx|tx
device_bytes() {
	local ip=(ip)
	[ "$1" = . ] || ip=(ip -n "$1")
	"${ip[@]}" -j -s link show dev "$2" | jq ".[0].stats64.$3.bytes"
}

# A resolver that answers each query with one address, and a client that asks
# until it is told to stop, and counts.
dns_server() {
	in_net "$1" python3 -u - >/run/lab/dns-server.log 2>&1 <<-'END' &
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 53))
		while True:
		    q, who = s.recvfrom(512)
		    answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc6\x33\x64\x46"
		    s.sendto(q[:2] + b"\x81\x80" + q[4:6] + b"\x00\x01\x00\x00\x00\x00" + q[12:] + answer, who)
	END
	wait_for 20 net_udp_bound "$1" 53 || fail "no resolver on $1"
}
net_udp_bound() { [ -n "$(in_net "$1" ss -Hlun "sport = :$2")" ]; }

# dns_client HOST RESOLVER: in the background; dns_count prints "asked answered"
dns_client() {
	in_net "$1" python3 -u - "$2" >/run/lab/dns-client.log 2>&1 <<-'END' &
		import os, socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		asked = answered = 0
		while not os.path.exists("/run/lab/dns-stop"):
		    q = os.urandom(2) + b"\x01\x00\x00\x01" + bytes(6) + b"\x07example\x03net\x00\x00\x01\x00\x01"
		    s.sendto(q, (sys.argv[1], 53))
		    asked += 1
		    try:
		        answered += s.recv(512)[:2] == q[:2]
		    except socket.timeout:
		        pass
		    with open("/run/lab/dns-count.new", "w") as f:
		        f.write("%d %d\n" % (asked, answered))
		    os.rename("/run/lab/dns-count.new", "/run/lab/dns-count")
		    time.sleep(0.25)
	END
	dns_pid=$!
}
dns_count() { cat /run/lab/dns-count; }

# ---- Curfew ------------------------------------------------------------------------

curfew() { "$CURFEW" "$@"; }

net_need_curfew() { [ -x "$CURFEW" ] || skip "no ${CURFEW#"$net_top"/}: build first (tools/build)"; }

# The lab's databases, made from the fixture by Curfew itself.
lab_geo() {
	curfew geo build "$net_top/tests/fixtures/lab-geo.csv" -o /var/lib/curfew/lab-geo.mmdb ||
		fail "curfew geo build"
}

# The shifted clock: what to add to the wall clock, in seconds.
clock_file=/run/lab/clock-offset
lab_zone=Africa/Addis_Ababa

# set_clock "2026-11-24 21:59:55": the file only; jump also tells the daemon
set_clock() {
	local want now
	want=$(TZ=$lab_zone date -d "$1" +%s)
	now=$(date +%s)
	echo $((want - now)) >$clock_file.new
	mv $clock_file.new $clock_file
}
lab_time() { TZ=$lab_zone date -d "@$(($(date +%s) + $(<$clock_file)))" +%H:%M:%S; }
jump() {
	set_clock "$1"
	curfew reload >/dev/null || fail "curfew reload after moving the clock to $1"
}
# wait_until "2026-11-24 22:00:00", on the shifted clock, and not a moment longer
wait_until() {
	local want left
	want=$(TZ=$lab_zone date -d "$1" +%s)
	left=$(awk -v w="$want" -v o="$(<$clock_file)" -v n="$EPOCHREALTIME" 'BEGIN { d = w - o - n; printf "%.3f", (d > 0 ? d : 0) }')
	sleep "$left"
}

# start_daemon [ARG...]: with the policy in /etc/curfew/curfew.conf
start_daemon() {
	"$CURFEW" run --clock-offset $clock_file "$@" >>/run/lab/daemon.log 2>&1 &
	daemon_pid=$!
	wait_for 20 daemon_ready || fail "the daemon does not come up"
}
daemon_ready() {
	kill -0 "$daemon_pid" 2>/dev/null || fail "the daemon ended"
	# Before it listens, status would speak of what is pinned.
	curfew quotas >/dev/null 2>&1
}
# TERM, and wait until it is gone
stop_daemon() {
	kill -TERM "$daemon_pid" 2>/dev/null || true
	wait "$daemon_pid" || true
}
kill_daemon() {
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null || true
}

# Neither a pin nor a program is left on either interface.
net_all_detached() {
	local left
	# The last two are the kernel's own.
	left=$(find /sys/fs/bpf -mindepth 1 ! -name maps.debug ! -name progs.debug | head -n 5)
	[ -z "$left" ] || { echo "left: $left" >&2 && return 1; }
	[ "$(ip -j link show | jq '[.[] | select(.xdp)] | length')" = 0 ] || { echo "XDP is left" >&2 && return 1; }
	[ "$(net_our_programs)" = 0 ] || { echo "a program is left" >&2 && return 1; }
}

# How many of Curfew's packet programs the kernel runs on our two interfaces,
# counted by what they do to traffic: `status` may not be believed here.
net_our_programs() {
	python3 "$net_top/tests/net/attached.py" lan0 wan0 | wc -l
}

# The lab's site with the rules that come on standard input, in the file that
# the daemon reads. write_policy [MODE]
write_policy() {
	{
		sed -n '/^site/,/^geo/p' "$net_top/tools/lab.d/first-night.conf"
		cat
		echo "mode ${1:-enforce}"
	} >/etc/curfew/curfew.conf
}

# The world, Curfew's databases, and a daemon with the policy on standard input.
net_start() {
	net_up
	lab_geo
	write_policy "$@"
	set_clock "2026-11-24 12:00:00"
	start_daemon
}

# reach FROM TO [4|6]: whether a TCP connection can be made and carries a byte
reach() {
	local port=$((20000 + RANDOM % 20000))
	listen "$2" "$port"
	in_net "$1" timeout 4 iperf3 -c "$(net_address "$2" "${3:-4}")" -p "$port" -n 64K --connect-timeout 1500 >/dev/null 2>&1
}
blocked() { ! reach "$@"; }

# What the kernel has counted, read from the pinned maps by bpftool alone:
# reason HOOK SLUG packets|wire_bytes|payload_bytes
reason() {
	bpftool -j map dump pinned /sys/fs/bpf/curfew/reasons | jq --arg hook "$1" --arg slug "$2" "
		[.[].formatted.values[].value | select(.hook == \$hook and .reason == \$slug) | .$3] | add // 0"
}
# Packets offered to all hooks so far.
net_offered() { "$net_top/tests/net/books.py" | jq '[.hooks[].offered[0]?] | add // 0'; }
