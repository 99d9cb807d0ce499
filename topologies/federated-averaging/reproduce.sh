#!/bin/bash
# SPDX-License-Identifier: MIT
# Every claim of README.md, over ten seeds.
# shellcheck source=../common/reproduce.bash
source "$(dirname "$0")/../common/reproduce.bash"

rounds_of() { awk -v run="$2" '$1 == run { print $3 }' "$work/$1.txt"; }
bits_of() { awk '$1 ~ /^fed.*_(non)?iid$/ { print $1, $NF }' "$work/$1.txt" | sort; }
# Statistics of a column of numbers.
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
most() { sort -g | tail -1; }
average() { awk '{ s += $1 } END { print s / NR }'; }

for seed in 1 2 3 4 5 6 7 8 9 10; do
	launch "seed$seed" --set seed=$seed
	for run in fedavg_iid fedsgd_iid fedavg_noniid fedsgd_noniid; do
		rounds_of "seed$seed" $run >> "$work/$run"
	done
done
check fedavg_iid_rounds_most "$(most < "$work/fedavg_iid")" '<=6' 0
check fedavg_noniid_rounds_median "$(median < "$work/fedavg_noniid")" '<=32' 0
check fewer_rounds_iid_average "$(paste "$work/fedsgd_iid" "$work/fedavg_iid" | awk '{ print $1 / $2 }' | average)" '>=6' 0
check fewer_rounds_noniid_average "$(paste "$work/fedsgd_noniid" "$work/fedavg_noniid" | awk '{ print $1 / $2 }' | average)" '>=2' 0
for run in fedavg_iid fedsgd_iid fedavg_noniid fedsgd_noniid; do
	echo "rounds of ten seeds, $run: $(sort -g "$work/$run" | tr '\n' ' ')"
done

# However it is arranged: the same bits, less for the server to receive.
launch hierarchical --set mode=hierarchical
launch threads --threads
for run in hierarchical threads; do
	check "bits_$run" "$(bits_of $run | comm -12 - <(bits_of seed1) | wc -l)" 4 0
done
# What went over the edge: an update is 8 bytes and K numbers of 4; the first of each client is empty, as long as the others.
check edge_bytes "$(jq '[.edges[] | select(.edge == "client.parent -> server")][0].bytes' "$work/seed1/result.json")" \
	$(((400 * 10 + 10) * (8 + 4 * 3562))) 0
launch ring --set mode=ring --set clients=8

# More work between two rounds, fewer rounds; the gain falls off.
sed -E -e "s#([ \[])((\.\./common/)?[a-z]+\.c)#\1$here/\2#g" -e '/^        fed/d' \
	-e 's/^      runs:.*/&\n        e1: {split: iid, epochs: 1, batch: 10, lr: 0.3}\n        e5: {split: iid, epochs: 5, batch: 10, lr: 0.3}\n        e20: {split: iid, epochs: 20, batch: 10, lr: 0.3}/' \
	topo.yaml > "$work/epochs.yaml"
"$LPAD" launch "$work/epochs.yaml" --quiet --record "$work/epochs.records" --set rounds=40 |
	sed -E 's/^[a-z][^ |]* *\| //' > "$work/epochs.txt"
cat "$work/epochs.txt"
e1=$(rounds_of epochs e1) e5=$(rounds_of epochs e5) e20=$(rounds_of epochs e20)
check rounds_1_over_5_epochs "$(jq -n "$e1 / $e5")" '>=1.5' 0
check rounds_5_over_20_epochs "$(jq -n "$e5 / $e20")" '>=1' 0

# Sums that the server cannot look into: clients killed in each step, and as many rounds as in the open.
for drop in 0 1 3; do
	for step in share mask unmask; do
		file=secure.yaml launch "secure_${drop}_$step" --set drop=$drop --set drop_in=$step
	done
done
"$LPAD" launch secure.yaml --quiet --record "$work/given.up" --set drop=4 > /dev/null 2>&1
check four_of_ten_gone_is_given_up "$(grep -c '6 clients answered mask, 7 are needed' "$work"/given.up/latest/result.json)" '>=1' 0
for seed in 1 2 3 4 5; do
	for split in iid noniid; do
		file=secure.yaml launch "secure_$split$seed" --set drop=0 --set seed=$seed --set split=$split --set rounds=45
		check "secure_rounds_$split$seed" "$(rounds_of "secure_$split$seed" fedavg)" "$(rounds_of "seed$seed" "fedavg_$split")" 1
	done
done

# Other features of the same samples; and noise for privacy.
file=vertical.yaml launch vertical
check vertical_bytes "$(jq '[.edges[] | select(.edge == "a.partner -> b")][0] | .bytes + .delivered_bytes' "$work/vertical/result.json")" \
	$((8 * 2 * 6000 * 300)) 0
file=private.yaml launch private

for run in fedavg_iid fedsgd_iid fedavg_noniid fedsgd_noniid; do
	jq -r --arg run $run 'select(.node == "eval" and .name == $run) | "\(.step) \(100 * .value)"' "$work/seed1/metrics.jsonl" > "$work/$run.dat"
done
plot <<- 'END'
	set title 'Accuracy on 2000 test glyphs, 10 of 100 clients a round'
	set xlabel 'rounds'; set ylabel 'per cent'; set key bottom right; set yrange [0:100]
	plot for [run in 'fedavg_iid fedsgd_iid fedavg_noniid fedsgd_noniid'] run.'.dat' with lines lw 2 title run, 95 with lines dt 2 title ''
	END
finish
