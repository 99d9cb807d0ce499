#!/bin/bash
# SPDX-License-Identifier: MIT
# Every claim of README.md at full size.
# shellcheck source=../common/reproduce.bash
source "$(dirname "$0")/../common/reproduce.bash"

digest() { awk '$1 == "weights" { print $2 }' "$work/$1.txt"; }
# Values that one process has sent, as it counts them.
sent() { awk -v name="$2_sent" '$2 == name { print $3 }' "$work/$1.txt"; }
# Median of a metric of the driver.
median() { jq -s --arg name "$2" '[.[] | select(.name == $name) | .value] | sort | .[length / 2 | floor]' "$work/$1/metrics.jsonl"; }
# What went over the workers' edge, less 16 bytes of block number per message: numbers of four bytes.
numbers_on_edge() {
	jq '[.edges[] | select(.edge == "worker.owners -> worker")][0] | (.bytes + .delivered_bytes - 16 * .messages) / 4' "$work/$1/result.json"
}

# Equal to serial SGD, whatever the number of workers and the precision; 2K(N-1)/N numbers each.
for workers in 2 4 5 10; do
	launch "n$workers" --set workers=$workers --set steps=500
	check "edge_numbers_n$workers" "$(numbers_on_edge n$workers)" $((500 * 2 * 3340 * (workers - 1))) 0
done
launch double --set precision=double --set steps=500
launch server --set servers=server --set steps=500
check server_over_sliced_worker "$(jq -n "$(sent server server_0) / $(sent n4 worker_0)")" 2.6667 0.0001
check server_sent_per_iteration "$(awk '$2 == "server_0_sent" { print $3 / 500 }' "$work/server.txt")" 13360 0
launch long --set steps=2000

# Killed: the same bits, one task again, or two.
launch killed_forward --set steps=500 --set die=forward
launch killed_synchronise --set steps=500 --set die=synchronise
launch threads --set steps=500 --threads
for run in killed_forward killed_synchronise server threads; do
	check "bits_of_$run" "$([ "$(digest $run)" = "$(digest n4)" ] && echo 1)" 1 0
done

# The slowest worker sets the pace.
launch slow --set steps=100 --set slow=50ms
check slow_iteration_ms "$(median slow iteration_ms)" '>=50' 0
check slow_iteration_ms "$(median slow iteration_ms)" '<=65' 0

# 4 ms for each task message and 400 ms of computing: 2N messages an iteration, or N for ten of them. (With 1 and 100 ms the few
# milliseconds of synchronising, which go on while tasks are launched, hide a quarter of the cost.)
ten() { launch "$1" --set workers=10 --set compute=400ms --set steps=20 --set launch_cost="$2" --set group="$3"; }
ten plain 0ms 1
ten plain_cost 4ms 1
ten group 0ms 10
ten group_cost 4ms 10
# The fastest iterations: what else the machine does makes others slower.
fastest() { jq -s --arg name "$2" '[.[] | select(.name == $name) | .value] | min' "$work/$1/metrics.jsonl"; }
overhead() { jq -n --argjson with "$(fastest "$1_cost" iteration_ms)" --argjson without "$(fastest "$1" iteration_ms)" '($with - $without) / 4'; }
check launch_percent_plain "$(overhead plain)" 20 3
check launch_percent_in_groups_of_10 "$(overhead group)" 1 3

for workers in 2 4 5 10; do
	echo "$workers $(awk '$2 == "worker_0_sent" { print $3 / 500 }' "$work/n$workers.txt") $((3340 * workers))"
done > "$work/values.dat"
plot <<- 'END'
	set title 'Values that one process sends per iteration, K = 3340'
	set xlabel 'workers'; set ylabel 'values'; set key top left; set yrange [0:*]
	plot 'values.dat' using 1:2 with linespoints title 'each worker, sliced', 2*3340*(x-1)/x title '2K(N-1)/N', \
		'values.dat' using 1:3 with linespoints title 'one server for all, NK'
	END
finish
