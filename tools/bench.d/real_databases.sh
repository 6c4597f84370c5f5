# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A configuration with databases of real size, for the parts that source this: they set
# `top`, `build` and `work`. Leaves it in $work/bench.conf, and says what it is in
# CURFEW_BENCH_DATA; CURFEW_BENCH_FULL is set if goals may be compared with it.
# shellcheck disable=SC2154
# shellcheck source=tests/data/databases.sh
. "$top/tests/data/databases.sh"

# asn_mmdb DIRECTORY: from its tables, once
asn_mmdb() {
	local to=$1/asn.mmdb
	if [ ! "$to" -nt "$1/asn-ipv4.csv" ]; then
		"$build/user/app/curfew" geo build --narrow -o "$to.new" "$1/asn-ipv4.csv" "$1/asn-ipv6.csv" >&2
		mv "$to.new" "$to"
	fi
	ln -s "$to" "$work/asn.mmdb"
}

# full: country and ASN databases, and as many policies as there may be, about all that they know
full() {
	local country asn
	country=$(fetch @ip-location-db/geo-whois-asn-country-mmdb) || return 1
	asn=$(fetch @ip-location-db/asn) || return 1
	ln -s "$country/geo-whois-asn-country.mmdb" "$work/country.mmdb"
	asn_mmdb "$asn"
	"$top/tests/data/many_policies.py" 255 1 "$work" "$asn/asn-ipv4.csv" >"$work/bench.conf"
	# so that labels tell every country and AS apart, as an LPM trie with both would
	cat >>"$work/bench.conf" <<-'END'
		policy "each country and AS" {
		    from any
		    to any
		    quota 1 TB per country each day
		    quota 1 TB per asn each day
		    at 100% drop
		}
	END
	CURFEW_BENCH_DATA="geo-whois-asn-country ($(stat -L -c %s "$work/country.mmdb") bytes) and asn ($(stat -L -c %s "$work/asn.mmdb") bytes) of ip-location-db"
	export CURFEW_BENCH_DATA CURFEW_BENCH_FULL=1
}

# countries: what a Debian package has, where nothing can be fetched
countries() {
	[ -r /usr/share/tor/geoip ] && [ -r /usr/share/tor/geoip6 ] || return 1
	CURFEW=$build/user/app/curfew "$top/tools/geo-default" "$work/country.mmdb" >&2 || return 1
	cat >"$work/bench.conf" <<-END
		site { name "bench" timezone "UTC" }
		inside lan0
		outside wan0
		geo country "$work/country.mmdb"
		policy "each country" { from any to any quota 1 TB per country each day at 100% drop }
		mode enforce
	END
	export CURFEW_BENCH_DATA="countries of the package tor-geoipdb ALONE, since the full ones could not be fetched: no figure here is about the goals"
}
