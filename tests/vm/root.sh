# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the guest finds on its disk, which is memory: programs of this machine
# with their libraries, at the same paths, and modules of the guest's kernel.
# For tests/vm/run, which sets `root` and `work`.
# shellcheck disable=SC2154,SC2034

# root_make: an empty tree, laid out as Debian's
root_make() {
	local dir
	mkdir -p "$root"/{etc,dev,proc,sys,tmp,run,root,mnt,var/lib,var/tmp,tests}
	for dir in bin sbin lib lib64; do
		mkdir -p "$root/usr/$dir"
		ln -s "usr/$dir" "$root/$dir"
	done
}

# root_libraries PROGRAM...: every library that they need, by the loader's own account
root_libraries() {
	{ ldd "$@" 2>/dev/null || true; } | sed -n 's/^\t\(.*=> \)\?\(\/[^ ]*\) (.*/\2/p' | sort -u | while read -r lib; do
		[ ! -e "$root$lib" ] || continue
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done
}

# root_tool NAME...: from PATH, with libraries; false if one is not there
root_tool() {
	local name path
	for name in "$@"; do
		path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$name") || return 1
		mkdir -p "$root${path%/*}"
		cp -L "$path" "$root$path"
		root_libraries "$path"
	done
}

# root_module DIR RELEASE NAME...: and what they depend on; those that the
# kernel package does not have are passed over
root_module() {
	local dir=$1 release=$2 name file to depends
	shift 2
	for name in "$@"; do
		file=$(find "$dir/lib/modules/$release" -name "${name//[-_]/[_-]}.ko*" -print -quit)
		[ -n "$file" ] || continue
		to=$root/lib/modules/$release/${file##*/}
		to=${to%.xz} to=${to%.zst}
		[ ! -e "$to" ] || continue
		mkdir -p "${to%/*}"
		case $file in
		*.xz) xz -dc "$file" >"$to" ;;
		*.zst) zstd -dqc "$file" >"$to" ;;
		*) cp "$file" "$to" ;;
		esac
		depends=$(grep -azo '^depends=.*' "$to" | tr -d '\0')
		depends=${depends#depends=}
		# shellcheck disable=SC2086 # a list
		root_module "$dir" "$release" ${depends//,/ }
	done
}

# What the net tests call, by the package that has it. One that is not installed
# here is not in the guest either: the test that wants it says so.
net_packages=(
	bash coreutils dash diffutils findutils grep mawk gawk sed hostname procps mount util-linux
	util-linux-extra iproute2 nftables iperf3 jq ethtool bpftool kmod conntrack wireguard-tools
	iputils-ping tcpdump tzdata libc-bin
)
# What they make: devices, tunnels, connection tracking, offload, queues.
net_modules=(
	8021q bonding bridge dummy ifb macvlan tun veth vrf
	gre ip_gre ip6_gre ipip sit ip6_tunnel tunnel4 tunnel6 vxlan geneve wireguard
	ppp_generic pppoe ppp_async
	nf_conntrack nf_conntrack_netlink nf_nat nf_tables nft_ct nft_nat nft_masq nft_redir
	nft_chain_nat nft_limit nft_fib_inet nft_objref nft_hash nft_numgen nft_log nft_reject_inet
	nf_flow_table nf_flow_table_inet nft_flow_offload nf_reject_ipv4 nf_reject_ipv6
	sch_ingress sch_tbf sch_prio sch_netem sch_fq sch_fq_codel sch_htb cls_bpf cls_u32 cls_flower
	cls_matchall act_bpf act_mirred act_gact act_skbedit
	inet_diag tcp_diag udp_diag raw_diag af_packet_diag netlink_diag overlay
	libcurve25519 curve25519-x86_64 libchacha20poly1305 chacha-x86_64 poly1305-x86_64
	blake2s-x86_64 libblake2s crc32c_generic crc32c-intel
)

# root_net TOP BUILD: a userland in which the net tests run as they are
root_net() {
	local top=$1 build=$2 package python file
	for package in "${net_packages[@]}"; do
		dpkg-query -L "$package" 2>/dev/null || true
	done | grep -E '^(/usr)?/s?bin/|^/usr/share/zoneinfo/|^/usr/share/iproute2/|^/etc/(iproute2/|ethertypes)' |
		# the kernel's modules are ours to find, and its programs busybox's to load
		grep -vE '/(modprobe|insmod|rmmod|lsmod|depmod)$|/zoneinfo/(posix|right)/' |
		while read -r file; do
			# (a directory would come with all that is in it)
			if [ -f "$file" ] || [ -L "$file" ]; then printf '%s\n' "${file#/}"; fi
		done | tar -C / -c -T - | tar -C "$root" -x
	# an alternative
	cp -L "$(command -v awk)" "$root/usr/bin/awk"
	# Debian's own, whatever stands before it in PATH
	file=$(readlink -f /usr/bin/python3)
	python=${file##*/python}
	cp "$file" "$root/usr/bin/python3"
	tar -C /usr/lib --exclude=test --exclude=tests --exclude=idlelib --exclude=lib2to3 --exclude=pydoc_data \
		--exclude=ensurepip --exclude=tkinter --exclude=config-'*' --exclude=distutils --exclude=unittest \
		-c "python$python" | tar -C "$root/usr/lib" -x

	# the sources that the tests read, and what was built, where they look for it
	mkdir -p "$root/curfew/build/user/app"
	tar -C "$top" -c tests/net tests/vm tests/fixtures tools policies | tar -C "$root/curfew" -x
	cp "$build/user/app/curfew" "$root/curfew/build/user/app/"
	for file in "$build"/tests/tools/* "$build"/tests/net/*; do
		[ -f "$file" ] && [ -x "$file" ] || continue
		package=$root/curfew/build/${file#"$build"/}
		mkdir -p "${package%/*}"
		cp "$file" "$package"
	done
	mkdir -p "$root/etc/curfew" "$root/var/lib/curfew"
	cp -L /etc/protocols /etc/services "$root/etc/" 2>/dev/null || true
	printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
	printf 'root:x:0:\n' >"$root/etc/group"
	printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
	printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
	ln -sf /usr/share/zoneinfo/UTC "$root/etc/localtime"

	find "$root/usr/bin" "$root/usr/sbin" "$root/curfew/build" "$root/usr/lib/python$python/lib-dynload" \
		-type f \( -perm /111 -o -name '*.so' \) -print >"$work/elf"
	# shellcheck disable=SC2046 # names without blanks
	root_libraries $(<"$work/elf")
	# opened by name, at run time
	for file in /lib/*-linux-gnu/libgcc_s.so.1 /lib/*-linux-gnu/libnss_files.so.2; do
		[ ! -e "$file" ] || [ -e "$root$file" ] || { mkdir -p "$root${file%/*}" && cp -L "$file" "$root$file"; }
	done
}
