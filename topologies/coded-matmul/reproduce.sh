#!/bin/bash
# SPDX-License-Identifier: MIT
# Every figure of README.md, on 2 idle cores in 7 minutes. The units are long, so that the millisecond that a trial costs beyond them is little.
source "$(dirname "$0")/../common/reproduce.bash"

launch slow --set mu=0.2 --set unit=60ms --set k=10,4,5,6,7,8,9 --set replication=2,5 --set trials=400
launch fast --set mu=1 --set unit=120ms --set k=10,5,6,7,8,9 --set replication=2,5 --set trials=400

# Any n - k workers die, in the middle of a trial, one after the other: every trial completes, with the product as it was.
for seed in 1 2 3; do
	launch five-die-$seed --set k=5 --set kills=5 --set trials=60 --set unit=5ms --set seed=$seed
	launch three-die-$seed --set k=7 --set kills=3 --set trials=60 --set unit=5ms --set seed=$seed
	launch none-dies-$seed --set k=7,5 --set trials=60 --set unit=5ms --set seed=$seed --set timing=false
	product() { awk '$2 ~ /^product_/ { print $3 }' "$work/$1.txt" | sort -u; }
	check same_product_five_die_$seed "$(product five-die-$seed)" "$(product none-dies-$seed)" 0
	check same_product_three_die_$seed "$(product three-die-$seed)" "$(product none-dies-$seed)" 0
done

# The program's own counts and those that lpad makes of the edge. Uncoded, since then no answer is left out.
launch counted --set k=10 --set trials=100 --set unit=2ms --set timing=false
count() { jq "$1" "$work/counted/result.json"; }
check requests "$(count '.nodes.master.metrics.requests.last')" "$(count '.edges[0].messages')" 0
check request_bytes "$(count '.nodes.master.metrics.request_bytes.last')" "$(count '.edges[0].bytes')" 0
check answers "$(count '.nodes.master.metrics.answers.last')" "$(count '.edges[0].received')" 0
check answer_bytes "$(count '.nodes.master.metrics.answer_bytes.last')" "$(count '.edges[0].delivered_bytes')" 0

for run in slow fast; do
	awk '/^(uncoded|mds)/ { print $2, $4, $6 }' "$work/$run.txt" | sort -n > "$work/$run.mds"
	awk '/^replicated/ { print $2, $4, $6 }' "$work/$run.txt" | sort -n > "$work/$run.copies"
done
plot <<'PLOT'
set title "A x on 10 workers, each late by (1 + Exp(mu)) / k: mean time of 400 trials"
set xlabel "k: answers that are enough (k = 10 is uncoded)"; set ylabel "units of time"
set xrange [1.5:10.5]; set yrange [0:1.8]; set key outside bottom center horizontal
plot 'slow.mds' using 1:2 with lines lc 1 title "MDS, mu = 0.2, formula", '' using 1:3 with points pt 7 lc 1 title "measured", \
	'slow.copies' using 1:3 with points pt 4 lc 1 title "replication", \
	'fast.mds' using 1:2 with lines lc 2 title "MDS, mu = 1, formula", '' using 1:3 with points pt 7 lc 2 title "measured", \
	'fast.copies' using 1:3 with points pt 4 lc 2 title "replication"
PLOT
finish
