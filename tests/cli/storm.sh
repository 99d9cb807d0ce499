# SPDX-License-Identifier: MIT
# Everything at once: calls of every kind and topics of every policy while nodes are killed, stopped and resumed, connections are cut
# and forked children keep sockets. A short one of tests/faults/storm.py, which can run for hours.
source "$TESTS/lib.sh"

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
# The seed is another one each time, and is shown when it fails.
python3 "$TESTS/faults/storm.py" --seed $((RANDOM + 1)) --faults 30 --calls 100 --messages 100 -- "$LPAD" > report 2>&1 ||
	{ cat report; tail -n 30 storm.err; fail "the storm"; }
cat report
