#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/bench/replay.sh: items a second into and out of replay by 1, 8 and 64 clients, beside raw calls of the same payload in the same
# run; bytes in memory for each byte stored; seconds of a checkpoint of 1 GB, and of coming back from it. Runs in the current folder,
# with $LPAD; PARTS="rates memory checkpoint" chooses.
set -eu
launched=
trap '[ -z "$launched" ] || kill -TERM $launched' EXIT
here=$(cd "$(dirname "$0")" && pwd)
rounds=${ROUNDS:-3}
parts=${PARTS:-rates memory checkpoint}

# rates CLIENTS DEPTH PREFETCH
rates() {
	cat > replay.yaml <<-YAML
	lpad: 1
	name: replay-rates
	defaults: {module: $here/nodes/replay_clients.c}
	nodes:
	  replay: {module: replay.so, params: {tables: {images: {max_size: 200}, transitions: {max_size: 100000}}}}
	  sink: {implementation: sink}
	  client: {implementation: client, replicas: $1, params: {depth: $2, prefetch: $3, rounds: $rounds}}
	edges:
	  - client.replay -> replay
	  - client.sink -> sink
	  - client.peers -> client
	YAML
	"$LPAD" launch --quiet replay.yaml
}

status() { "$LPAD" call replay.status | jq -r "$1"; }
resident() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$1/status"; }
pid_of_replay() { "$LPAD" status --json | jq -r '.nodes[] | select(.node == "replay") | .pid'; }
filled() { grep -q "filled with" log; }

# start PAYLOAD ITEMS: replay with so many items, in the background.
start() {
	cat > fill.yaml <<-YAML
	lpad: 1
	name: replay-fill
	defaults: {module: $here/nodes/replay_clients.c}
	nodes:
	  replay: {module: replay.so, on_failure: restart, params: {tables: {images: {max_size: 10000000}, transitions: {max_size: 10000000}}}}
	  filler: {implementation: filler, params: {payload: $1, items: $2}}
	edges:
	  - filler.replay -> replay
	YAML
	: > log
	"$LPAD" launch fill.yaml > log 2>&1 &
	launched=$!
	until filled; do
		kill -0 $launched 2>/dev/null || { cat log; return 1; }
		sleep 0.1
	done
}

stop() {
	kill -TERM $launched
	wait $launched || :
	launched=
}

for part in $parts; do
	echo "== replay: $part"
	case $part in
	rates)
		rates 1 1 1
		for clients in 1 8 64; do rates $clients 4 2; done ;;
	memory)
		for fill in "0 1 2000" "1 1 1000000"; do
			read -r payload few many <<< "$fill"
			start $payload "$few"
			before=$(resident "$(pid_of_replay)")
			stop
			start $payload "$many"
			after=$(resident "$(pid_of_replay)")
			bytes=$(sed -n 's/.*filled with [0-9]* items, \([0-9]*\) bytes.*/\1/p' log)
			awk -v a="$after" -v b="$before" -v n="$bytes" -v i="$many" 'BEGIN {
				printf "%d items of %d bytes: %.0f bytes of memory each, %.3f of the payload\n", i, n / i, (a - b) / i, (a - b) / n }'
			stop
		done ;;
	checkpoint)
		start 0 1786            # of 560 KB
		"$LPAD" call replay.checkpoint
		old=$(pid_of_replay)
		"$LPAD" kill replay -9
		begin=$(date +%s.%N)
		until new=$(pid_of_replay) && [ "$new" != null ] && [ "$new" != "$old" ] && [ "$(status .tables.images.size 2>/dev/null)" = 1786 ]; do sleep 0.05; done
		awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "back after kill -9 with all of it: %.2f s\n", b - a }'
		stop ;;
	esac
done
