#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test_geo_command.sh CURFEW LAB_MMDB: what `curfew geo` says and how it exits.
set -euo pipefail

curfew=$1
lab=$2
work=$(mktemp -d -t curfew-geo.XXXXXX)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAIL: $*" && exit 1; }
# exits CODE COMMAND...: output in $work/out and $work/err
exits() {
	local want=$1 got=0
	shift
	"$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, expected $want: $* $(cat "$work/out" "$work/err")"
}
says() { grep -qF -- "$1" "$work/out" || fail "'$1' is not in: $(cat "$work/out")"; }
complains() { grep -qF -- "$1" "$work/err" || fail "'$1' is not in: $(cat "$work/err")"; }

# ---- looking up ----
exits 0 "$curfew" geo --db "$lab" --from 9.0302,38.7612 203.0.113.5
diff - "$work/out" <<'END' || fail "the answer for 203.0.113.5 changed"
203.0.113.5
  network    203.0.113.0/25
  country    China (CN), Asia
  AS         AS4812 China Telecom
  city       Shanghai
  location   31.2222, 121.4581
  distance   8,798 km
END
exits 0 "$curfew" --json geo --db="$lab" 2001:db8:2475::1 198.51.100.127
says '"country": "ET"'
says '"city": "Nairobi"'
says '"network": "198.51.100.64/26"'
exits 0 "$curfew" geo --db "$lab" 2002:cb00:7105::1
says 'carries    203.0.113.5'
exits 1 "$curfew" geo --db "$lab" 203.0.113.5 8.8.8.8
says 'in no database'
exits 2 "$curfew" geo --db "$lab"
exits 2 "$curfew" geo --db "$lab" 203.0.113
complains "'203.0.113' is not an address"
exits 2 "$curfew" geo --db "$work/none.mmdb" 203.0.113.5
complains 'cannot be read'
exits 2 "$curfew" geo --db "$lab" --from north 203.0.113.5
exits 2 "$curfew" -c "$work/none.conf" geo 203.0.113.5
complains '--db'

# ---- by the configuration ----
cp "$lab" "$work/lab.mmdb"
cat >"$work/curfew.conf" <<'END'
site { name "Test"  location 9.0302, 38.7612  timezone "Africa/Addis_Ababa" }
inside lo
geo city "lab.mmdb"
END
exits 0 "$curfew" -c "$work/curfew.conf" geo 203.0.113.5
says 'distance   8,798 km'

# ---- building ----
printf 'network,country\n203.0.113.0/24,DE\n' >"$work/a.csv"
printf 'network,asn,as_name\n203.0.113.0/25,64500,"Example, Inc."\n' >"$work/b.csv"
exits 0 "$curfew" geo build "$work/a.csv" "$work/b.csv" -o "$work/ab.mmdb" --type Example
exits 0 "$curfew" geo --db "$work/ab.mmdb" 203.0.113.1
says 'Germany (DE), Europe'
says 'AS64500 Example, Inc.'
exits 0 "$curfew" geo verify "$work/ab.mmdb"
says 'type       Example'
before=$(cksum <"$work/ab.mmdb")
printf '10.0.0.0,10.0.0.9,DE\n10.0.0.5,10.0.0.15,CN\n' >"$work/bad.csv"
exits 2 "$curfew" geo build -o "$work/ab.mmdb" "$work/bad.csv"
complains "$work/bad.csv:2:1: "
[ "$before" = "$(cksum <"$work/ab.mmdb")" ] || fail "a failed build changed the database"
exits 0 "$curfew" geo build --narrow -o "$work/ab.mmdb" "$work/bad.csv"
exits 2 "$curfew" geo build -o "$work/x.mmdb" --columns start,colour "$work/a.csv"
exits 2 "$curfew" geo build -o "$work/x.mmdb" "$work/missing.csv"
exits 2 "$curfew" geo build -o "$work/no/such/dir.mmdb" "$work/a.csv"
exits 2 "$curfew" geo build "$work/a.csv"
[ -z "$(find "$work" -name '*.mmdb.*')" ] || fail "temporary files are left"
for out in one two; do
	SOURCE_DATE_EPOCH=1700000000 "$curfew" geo build -o "$work/$out.mmdb" "$work/a.csv" >/dev/null
done
cmp "$work/one.mmdb" "$work/two.mmdb" || fail "the same input makes different files"

# ---- verifying ----
exits 0 "$curfew" geo verify "$lab" "$work/one.mmdb"
head -c 1000 "$lab" >"$work/cut.mmdb"
exits 1 "$curfew" geo verify "$lab" "$work/cut.mmdb"
says 'good'
says 'bad: '
exits 1 "$curfew" geo --json verify "$work/cut.mmdb"
says '"good": false'
exits 2 "$curfew" geo verify
