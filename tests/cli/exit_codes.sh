# SPDX-License-Identifier: MIT
# Every row of the table of lpad launch's exit codes, with the status that the record gives beside it.
source "$TESTS/lib.sh"

cat > ends.c <<'C'
#include <lpad/node.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int well(lpad_node *node) { (void)node; return 0; }
static int seven(lpad_node *node) { (void)node; return 7; }
static int fails(lpad_node *node) { return lpad_fail(node, "no more data"); }
static int exits(lpad_node *node) { (void)node; exit(9); }
static int crashes(lpad_node *node) { (void)node; raise(SIGABRT); return 0; }
static int stops(lpad_node *node) { lpad_stop(node, 0, "enough"); return lpad_wait_stop(node, lpad_never()); }
static int stops_with(lpad_node *node) { lpad_stop(node, 5, "enough"); return lpad_wait_stop(node, lpad_never()); }
static int stays(lpad_node *node) { return lpad_wait_stop(node, lpad_never()); }
static int talks(lpad_node *node) { while (!lpad_stopping(node)) puts("still here"); return 0; }
static int deaf(lpad_node *node) { (void)node; signal(SIGTERM, SIG_IGN); for (;;) pause(); }
static int bad_init(lpad_node *node) { (void)node; return 3; }
static int slow_init(lpad_node *node) { (void)node; for (;;) pause(); }

LPAD_MODULE({ .name = "well", .run = well }, { .name = "seven", .run = seven }, { .name = "fails", .run = fails },
	{ .name = "exits", .run = exits }, { .name = "crashes", .run = crashes }, { .name = "stops", .run = stops },
	{ .name = "stops_with", .run = stops_with }, { .name = "stays", .run = stays }, { .name = "talks", .run = talks },
	{ .name = "deaf", .run = deaf }, { .name = "bad_init", .init = bad_init, .run = well },
	{ .name = "slow_init", .init = slow_init, .run = well });
C
topology() {
	printf 'lpad: 1\nname: ends\ndefaults: {module: ends.c}\nnodes: {%s}\n' "$1" > topo.yaml
}
recorded() { jq -r .status "$XDG_STATE_HOME/lpad/runs/latest/result.json"; }
# by_itself CODE STATUS NODES [OPTION...]
by_itself() {
	topology "$3"
	run_lpad launch "${@:4}"
	assert_exit "$1"
	assert_equal "$2" "$(recorded)" "status of $3"
}

by_itself 0 completed 'well: {}, more: {implementation: well, replicas: 2}'
by_itself 0 stopped 'stops: {}, stays: {}'
by_itself 5 stopped 'stops_with: {}, stays: {}'
by_itself 7 failed 'seven: {}, stays: {}'
by_itself 9 failed 'exits: {}, stays: {}'
by_itself 1 failed 'fails: {}'
by_itself 134 failed 'crashes: {}, stays: {}'
by_itself 0 completed 'crashes: {on_failure: ignore}, well: {}'
by_itself 124 'time limit' 'stays: {}' --time-limit 300ms
by_itself 125 'not started' 'slow_init: {start_within: 100ms}'
by_itself 137 failed 'well: {}, deaf: {background: true, stop_within: 100ms}'
topology 'bad_init: {}'
run_lpad launch
assert_exit 3
run_lpad launch --no-such-option
assert_exit 2
run_lpad launch nothing-there.yaml
assert_exit 125
topology 'a: {implementation: none_such}'
run_lpad launch
assert_exit 125

# Stopped from outside: by a signal, by lpad stop, by a reader that has gone.
topology 'stays: {}'
begin() {
	: > events                               # not those of the launch before
	"$LPAD" launch --json topo.yaml > events 2> messages &
	pid=$!
	wait_until file_has events '"phase":"run"'
}
ends() {
	local code=0
	wait $pid || code=$?
	assert_equal "$1" $code "exit of the launch"
	assert_equal "$2" "$(recorded)"
}
for row in INT:130 TERM:143 HUP:129; do
	begin
	kill -"${row%:*}" $pid
	ends "${row#*:}" stopped
done
for row in :143 --code=0:0 --code=42:42 --code=125:125; do
	begin
	run_lpad stop ${row%%:*}
	assert_exit 0
	ends "${row#*:}" stopped
done
begin
run_lpad kill
assert_exit 0
ends 137 stopped
topology 'talks: {}'
"$LPAD" launch topo.yaml 2> messages | head -n 1 > /dev/null
assert_equal 141 "${PIPESTATUS[0]}"
assert_equal 'output closed' "$(recorded)"
