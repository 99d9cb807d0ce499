#!/bin/bash
# SPDX-License-Identifier: MIT
# The layouts [4,4,4], [8,8,1] and a ring of 64, each process one of the operating system's; then over a link that takes 20 ms for each
# message; then the small ones. Values, messages, memory and ratios against the numbers themselves, not only against formulas.c.
source "$(dirname "$0")/../common/reproduce.bash" || exit 2

# figures RUN LAYOUT PROCESSES A: what each process sends forward and backward, messages forward, values held.
figures() {
	awk -v layout="$2" -v processes="$3" -v a="$4" '$1 == layout && $2 == processes && $3 == a { print $4, $5, $6, $8 }' "$work/$1.txt"
}

# expect RUN LAYOUT PROCESSES A FORWARD BACKWARD MESSAGES HELD
expect() {
	local at=$2_$3_a$4 forward backward messages held
	read -r forward backward messages held <<< "$(figures "$1" "$2" "$3" "$4")"
	check "${at}_sent_forward" "${forward:-?}" "$5" 0
	check "${at}_sent_backward" "${backward:-?}" "$6" 0
	check "${at}_messages" "${messages:-?}" "$7" 0
	check "${at}_held" "${held:-?}" "$8" 0
}

# What the processes counted and what lpad did, edge by edge: pairs of lines that must be alike.
edges() {
	local lines unlike
	lines=$(jq -r -f edges.jq "$work/$1/result.json")
	echo "$lines" | awk 'NR % 2 { printf "%-16s %8s %12s   lpad ", $1, $2, $3; next } { print $2, $3 }'
	unlike=$(awk 'NR % 2 { odd = $0; next } odd != $0' <<< "$lines" | wc -l)
	check "$1_edges" "$(wc -l <<< "$lines")" 20 0
	check "$1_edges_that_disagree" "$unlike" 0 0
}

launch counts
edges counts
#      run    layout  p  a     forward backward messages held
expect counts cube   64 128   3840   9216  384  1536
expect counts cube   64 256   4608  10752  384  2048
expect counts cube   64 640   6912  15360  384  3584
expect counts square 64 128   3584   7168  896   768
expect counts square 64 256   5376  10752  896  1280
expect counts square 64 640  10752  21504  896  2816
expect counts line   64 256  64512      0 8064 33536
ratio=$(awk '/^CHECK square_over_cube_a640 / { print $3 }' "$work/counts.txt")
check values_8x8x1_over_4x4x4_a640 "${ratio:-?}" 1.448 0.0005

launch small --set q=2 --set d=2 --set side=2 --set line=8
edges small
expect small square  4 256  12288  24576    8 20480
expect small cube    8 256   8192  20480   16 12288
expect small line    8 256  57344      0  112 38912

# The fastest of many passes, for a machine that has other things to do; a line of 64 needs no more than a few.
launch slow --set delay=20ms --set passes=25 --set a=256 --set line=2
edges slow
launch slow_line --set delay=20ms --set passes=3 --set a=256 --set layouts=line
# forward RUN LAYOUT: milliseconds.
forward() { awk -v layout="$2" '$1 == layout { print $9 }' "$work/$1.txt"; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.3f", a / b }'; }
check latency_8x8x1_over_4x4x4 "$(over "$(forward slow square)" "$(forward slow cube)")" 1.925 0.125
check latency_line_over_4x4x4 "$(over "$(forward slow_line line)" "$(forward slow cube)")" '>=20' 0

# The measured points on the curves of the closed forms.
for layout in cube square; do
	awk -v layout=$layout '$1 == layout { print $3, $4 + $5 }' "$work/counts.txt" > "$work/$layout.points"
done
plot <<'P'
set title 'Values that each of 64 processes sends, forward and backward (b = c = 128)'
set xlabel 'a, rows of X'
set ylabel 'values'
set key left top
set grid
both(q, d, a) = 3 * (q - 1) * (a * 128 / (d * q * q) + 128.0 * 128 / (q * q)) + 2 * (d - 1) * 128.0 * 128 / (q * q) / d
plot [0:800] both(4, 4, x) title '[4,4,4], formula' lc 1, both(8, 1, x) title '[8,8,1], formula' lc 2, \
     'cube.points' title '[4,4,4], sent' pt 7 lc 1, 'square.points' title '[8,8,1], sent' pt 7 lc 2
P
finish
