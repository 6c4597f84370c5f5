# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For every lint: which files there are, and how to report. A lint takes the
# tree to look at as its first argument (default: this one), so that
# tests/lint/selftest can show it a broken one.

lint_name=$(basename "$0")
lint_root=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
lint_faults=0
cd "$lint_root" || exit 2

# Files of the tree, relative, without what git ignores.
lint_files() {
	if [ -e .git ]; then
		git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu | tr '\0' '\n' |
			while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done
	else
		local all=()
		[ $# -gt 0 ] || set -- '*'
		for p in "$@"; do all+=(-o -path "./$p"); done
		find . \( -path './build*' -o -path ./.cache \) -prune -o \
			-type f \( "${all[@]:1}" \) -print | sed 's,^\./,,' | sort
	fi
}

lint_fault() {
	printf '%s: %s\n' "$lint_name" "$*"
	lint_faults=$((lint_faults + 1))
}

lint_skip() {
	echo "SKIP: $*"
	exit 77
}

lint_need() {
	command -v "$1" >/dev/null || lint_skip "$1 is not installed"
}

lint_done() {
	if [ "$lint_faults" -gt 0 ]; then
		printf '%s: %d faults\n' "$lint_name" "$lint_faults"
		exit 1
	fi
	exit 0
}
