#!/bin/bash
# SPDX-License-Identifier: MIT
# Five sizes of the cache, and what lpad counted on the edges beside what the nodes did.
source "$(dirname "$0")/../common/reproduce.bash" || exit 2

value() { jq "$2" "$work/$1/result.json"; }
figure() { awk -v name="$2" '$1 == "CHECK" && $2 == name { print $3, $4 }' "$work/$1.txt"; }

: > "$work/ratios"
for p in 0 10 25 50 75; do
	run=p$p
	launch $run --set cache=$((10000 + 300 * p))
	check $run.edge_published "$(value $run '.edges[0].bytes')" "$(value $run '.nodes.master.metrics.coded_bytes.last')" 0
	check $run.edge_delivered "$(value $run '.edges[0].to.delivered_bytes')" \
		"$(value $run '[.nodes | to_entries[] | select(.key | startswith("worker")) | .value.metrics.coded_bytes.last] | add')" 0
	check $run.edge_delivered_over_published "$(value $run '.edges[0].to.delivered_bytes / .edges[0].bytes')" 4 0
	check $run.edge_uncoded "$(value $run '.edges[1].bytes')" "$(value $run '.nodes.master.metrics.uncoded_bytes.last')" 0
	check $run.edge_uncoded_come "$(value $run '.edges[1].bytes')" \
		"$(value $run '[.nodes | to_entries[] | select(.key | startswith("worker")) | .value.metrics.uncoded_bytes.last] | add')" 0
	[ $p -gt 25 ] || check $run.shared_rows_closer "$(figure $run shared_rows | cut -d' ' -f1)" "$(figure $run shared_rows | cut -d' ' -f2)" 2%
	echo "$p $(figure $run ratio_of_multicasts) $(figure $run ratio_of_copies)" >> "$work/ratios"
done
launch threads --threads
check threads.lines_that_differ "$(diff "$work/p25.txt" "$work/threads.txt" | grep -c '^[<>]')" 0 0
check threads.lines "$(wc -l < "$work/threads.txt")" 33 0

plot <<'PLOT'
set title "Rows sent uncoded over XORs sent: 4 workers, 40 000 rows, 20 shuffles"
set xlabel "percent of the other workers' rows that a worker keeps"; set ylabel "ratio"
set xrange [-5:80]; set yrange [0:4]; set key left top
plot 'ratios' using 1:3 with lines lc 1 title "exact, a multicast costs one unicast", '' using 1:2 with points pt 7 lc 1 title "measured at the publisher", \
	'' using 1:4 with linespoints pt 4 lc 2 title "measured, a copy for each member of a set", 1 with lines dt 2 lc 0 title "no gain"
PLOT
finish
