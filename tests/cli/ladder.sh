# SPDX-License-Identifier: MIT
# SIGKILL of whom, at random moments: each once in the start, the run and the stop; LADDER=200: so many of each.
source "$TESTS/lib.sh"

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
! grep -q sanitize= "$O/flags" || { echo "skipped: kills at random moments, under a sanitizer"; exit 0; }
python3 "$TESTS/faults/ladder.py" --rounds "${LADDER:-1}" --seed "${SEED:-$((RANDOM + 1))}" "$LPAD" "$TESTS/nodes" > report 2>&1 ||
	{ cat report; fail "the ladder"; }
cat report
