# SPDX-License-Identifier: MIT
# Sourced by each topologies/NAME/reproduce.sh, in its folder. $REPRODUCE is where plots and tables go (build/reproduce), $LPAD the
# program. End with `finish`: it exits 0 only if all passed.
set -u
cd "$(dirname "${BASH_SOURCE[1]}")" || exit 2
here=$PWD name=${PWD##*/}
LPAD=${LPAD:-$(realpath ../../build/lpad)}
REPRODUCE=${REPRODUCE:-$(realpath ../..)/build/reproduce}
work=$REPRODUCE/$name         # what the runs left: for a closer look, until the next time
rm -rf "$work"
mkdir -p "$work" || exit 2
failures=0 made=0

# launch RUN ARGUMENT...: one run of this topology; kept as $work/RUN.txt without the nodes' names in front, its record as $work/RUN.
# Shown with RUN in front of its checks' names. A run that fails is remembered. Of another file than topo.yaml:
# file=other.yaml launch RUN ...
launch() {
	local run=$1 code
	shift
	echo "-- $run: lpad launch $name${file:+/$file} $*"
	"$LPAD" launch "$here${file:+/$file}" --quiet --record "$work/$run.records" "$@" > "$work/$run.raw"
	code=$?
	sed -E 's/^[a-z][^ |]* *\| //' "$work/$run.raw" > "$work/$run.txt"
	sed "s/^CHECK /&$run./" "$work/$run.txt"
	ln -sfn "$(realpath "$work/$run.records/latest")" "$work/$run"
	made=$((made + $(grep -c '^CHECK ' "$work/$run.txt")))
	[ $code -eq 0 ] || { echo "$run: exit $code"; failures=$((failures + 1)); }
}

# check NAME MEASURED EXPECTED TOLERANCE: numbers; the tolerance may be a percentage of what is expected: 4%. Or EXPECTED is a bound:
# '<=2', '>=2', and TOLERANCE 0.
check() {
	local verdict=FAIL
	if [[ $4 == 0 && $2 =~ ^-?[0-9]+$ && $3 =~ ^-?[0-9]+$ ]]; then          # longer than a double is exact
		[ "$2" = "$3" ] && verdict=PASS
	else
		is_near "$2" "$3" "$4" && verdict=PASS
	fi
	echo "CHECK $1 ${2:-?} ${3:-?} $4 $verdict"
	made=$((made + 1))
	[ $verdict = PASS ] || failures=$((failures + 1))
}

is_near() {
	awk -v m="$1" -v e="$2" -v t="$3" 'BEGIN {
		if (m !~ /^[-+.0-9eE]+$/) exit 1
		if (e ~ /^<=/) exit !(m + 0 <= substr(e, 3) + 0)
		if (e ~ /^>=/) exit !(m + 0 >= substr(e, 3) + 0)
		room = t ~ /%$/ ? t / 100 * (e < 0 ? -e : e) : t
		exit !(e ~ /^[-+.0-9eE]+$/ && m - e <= room && e - m <= room)
	}'
}

# plot: gnuplot commands on stdin, after which the picture is $REPRODUCE/NAME.svg. Files of $work are plotted by their names alone.
plot() {
	command -v gnuplot > /dev/null || { echo "no plot: gnuplot is not there (apt-get install gnuplot-nox)"; return; }
	(cd "$work" && { echo "set terminal svg size 800,500 background 'white'; set output '$REPRODUCE/$name.svg'"; cat; } | gnuplot) ||
		{ echo "the plot failed"; failures=$((failures + 1)); }
}

finish() {
	echo "$name: $made checks, $failures failures"
	[ $failures -eq 0 ] && [ $made -gt 0 ]
	exit
}
