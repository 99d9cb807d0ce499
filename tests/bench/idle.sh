# SPDX-License-Identifier: MIT
# tests/bench/idle.sh N...: the supervisor of N idle nodes: its CPU, its memory, and how long `lpad status` takes. In the current
# folder, where trivial.c lies; LPAD is the program. Each node is asked for a sign of life by `health`, as by default.
set -eu

cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
ms() { date +%s%3N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# latency OPTION...: of `lpad status`, milliseconds, the median of nine
latency() {
	for ((i = 0; i < 9; i++)); do
		local begin
		begin=$(ms)
		"$LPAD" status "$@" > status.out
		echo $(($(ms) - begin))
	done | median
}

printf '%6s %12s %12s %10s %10s %10s\n' N "cpu, 20 s" "memory, KiB" "status" "one node" "stop"
for n in "$@"; do
	cat > idle.yaml <<-YAML
	lpad: 1
	name: idle
	nodes:
	  node: {module: trivial.c, replicas: $n, implementation: stay}
	YAML
	"$LPAD" launch --json idle.yaml > idle.out 2> idle.err &
	launcher=$!
	for ((i = 0; i < 1200; i++)); do
		grep -q '"phase":"run"' idle.out && break
		kill -0 $launcher 2> /dev/null || { cat idle.err; exit 1; }
		read -rt 0.1 <> <(:) || :
	done
	export LPAD_RUN=$(head -n 1 idle.out | jq -r .run)
	supervisor=$("$LPAD" status --json node/0 | jq .pid)
	before=$(cpu "$supervisor")
	read -rt 20 <> <(:) || :
	after=$(cpu "$supervisor")
	used=$(awk -v a="$before" -v b="$after" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f s", (b - a) / hz }')
	memory=$(awk '/VmRSS/ { print $2 }' "/proc/$supervisor/status")
	all=$(latency --json)
	one=$(latency --json node/7)
	begin=$(ms)
	"$LPAD" stop --code 0 2> /dev/null
	took=$(($(ms) - begin))
	wait $launcher || true
	printf '%6s %12s %12s %7s ms %7s ms %7s ms\n' "$n" "$used" "$memory" "$all" "$one" "$took"
	unset LPAD_RUN
done
