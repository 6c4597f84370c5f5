# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of `on EVENT CHOICE`: a policy with one thing that is forbidden by
# country, one by address, and one that is protected; and what status makes of it.

# shellcheck source=tests/net/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# policy ON...: nobody may send to China, nor to an address in Singapore; Nairobi is protected
policy() {
	{
		cat <<-'END'
			policy "far" {
				from  inside
				to    country CN
				then  drop
			}
			policy "one" {
				from  inside
				to    203.0.113.130
				then  drop
			}
			protect {
				from  any
				to    198.51.100.70
			}
		END
		printf 'on %s\n' "$@"
	} | write_policy enforce
}
status() { curfew status --json || true; }
lasts() { status | jq -e --arg e "$1" '.status.failing[] | select(.event == $e) | .lasts' >/dev/null; }
over() { ! lasts "$1"; }
says() { status | jq -r '.status.problems[].what' | grep -q "$1"; }
says_no() { ! says "$1"; }
closed_to_all() {
	assert "Frankfurt is blocked" blocked srv1 frankfurt
	assert "Shanghai is blocked" blocked srv1 shanghai
	assert "Nairobi is protected" reach srv1 nairobi
}
open_to_all() {
	assert "Frankfurt can be reached" reach srv1 frankfurt
	assert "Shanghai can be reached" reach srv1 shanghai
	assert "Singapore can be reached" reach srv1 singapore
}
as_ever() {
	assert "Frankfurt can be reached" reach srv1 frankfurt
	assert "Shanghai is blocked" blocked srv1 shanghai
}
failing_up() {
	net_up
	lab_geo
	set_clock "2026-11-24 12:00:00"
}
