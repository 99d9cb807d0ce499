# SPDX-License-Identifier: MIT
# --output tmux: a window per process that shows its log, in a server that ends with the run.
source "$TESTS/lib.sh"

cat > topo.yaml <<YAML
lpad: 1
name: windows
vars: {staying: 2}
defaults: {module: $TESTS/nodes/life.c}
nodes:
  stay: {replicas: \$staying}
  chat: {params: {lines: 3}}
  pair: {implementation: stay, replicas: 2, per_process: 2}
  escape: {on_failure: {restart: 3, within: 1m, backoff: 10ms..10ms}}
YAML
latest=$XDG_STATE_HOME/lpad/runs/latest

# Refused, with the reason, before anything is started.
mkdir bin
for tool in sh env cc "$CC"; do            # whose own helpers are found as ever
	printf '#!/bin/sh\nPATH=%s exec %s "$@"\n' "$PATH" "$(command -v "$tool")" > "bin/$tool"
	chmod +x "bin/$tool"
done
code=0
PATH=$PWD/bin "$LPAD" launch --output tmux > out 2> err || code=$?
assert_equal 125 "$code"
err=$(cat err)
assert_contains "$err" "--output tmux: there is no program \`tmux\` in PATH"
printf '#!/bin/sh\necho "no server today"\nexit 1\n' > bin/tmux
chmod +x bin/tmux
rm bin/sh bin/env
PATH=$PWD/bin:$PATH run_lpad launch --output tmux --time-limit 5s
assert_exit 125
assert_contains "$err" "--output tmux: tmux cannot start a session: no server today"
assert_contains "$err" "nothing was started"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")"
# A run that would go on is what it was.
run_lpad launch --quiet --time-limit 10ms --record before
assert_exit 124
before=$PWD/before/windows-1
said() { ls "$before"; cat "$before/manifest.json" "$before/result.json"; }
said > was
PATH=$PWD/bin:$PATH run_lpad launch --continue "$before" --output tmux
assert_exit 125
assert_contains "$err" "the record is as it was"
said > is
assert cmp was is
rm bin/tmux
command -v tmux > found || { echo "skipped: there is no tmux"; exit 0; }

export TERM=xterm
on_server() { tmux -S "$(jq -r .sockets "$latest/manifest.json")/tmux" "$@"; }
window_has() { on_server capture-pane -p -t "$1" 2> said | grep -qx "$2"; }
servers() { for pid in $(processes_with "SCRATCH=$SCRATCH"); do tr '\0' ' ' < "/proc/$pid/cmdline" 2> said | grep -E '^tmux|lpad logs'; done; }

# Also with tmux around it. A node that is restarted is shown on, and its start is not delayed by what tmux has below it.
TMUX=/nonexistent,1,0 start_lpad launch --output tmux
wait_until file_has err 'attach'
assert_contains "$(cat err)" "lpad: the nodes' output: TMUX= tmux -S $(jq -r .sockets "$latest/manifest.json")/tmux attach"
wait_until window_has :0 'stay/0 is ready'
assert_equal "stay/0 stay/1 chat pair/0-1 escape" "$(on_server list-windows -F '#W' | paste -sd' ')"
wait_until window_has :1 'stay/1 is ready'
wait_until window_has :2 'chat says line 2'
wait_until window_has :3 'pair/1 is ready'
wait_until window_has :4 'escape is ready'
run_id=$(basename "$(readlink "$latest")")
kill -KILL "$(for pid in $(processes_with "LPAD_NODE=$run_id/escape/0/1"); do
	[ "$(tr '\0' ' ' < "/proc/$pid/cmdline")" = "lpad node escape " ] && echo "$pid"; done)"
twice() { [ "$(on_server capture-pane -p -t :4 | grep -cx 'escape is ready')" = 2 ]; }
wait_until twice
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130
assert_equal "" "$out"
assert_contains "$err" "escape: signal 9 (killed); starting it again"
assert_equal "" "$(servers)" "left of tmux"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"

# Both guards by themselves, and more processes than windows.
start_lpad launch --output tmux --set staying=40
wait_until file_has err "the output of the first 32 of 43 processes: tmux -S .* attach; of the others: lpad logs -r windows-[0-9]* -f NODE"
wait_until window_has :31 'stay/31 is ready'
assert_equal 32 "$(on_server list-windows | wc -l)"
kill -KILL "$lpad_pid"
finish_lpad
assert_exit 137
nothing() { [ -z "$(servers)" ]; }
wait_until nothing

# The run does not depend on it.
start_lpad launch --output tmux --time-limit 60s
wait_until window_has :0 'stay/0 is ready'
on_server kill-server
wait_until nothing
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
