# SPDX-License-Identifier: MIT
# What grows when lpad is used for long: a little of it; SOAK=all: 200 launches of 50 nodes, then 3000 restarts.
source "$TESTS/lib.sh"

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
options=(--launches 3 --nodes 20 --restarts 60)
[ "${SOAK:-}" != all ] || options=(--launches 200 --nodes 50 --restarts 3000)
python3 "$TESTS/faults/soak.py" "${options[@]}" "$LPAD" "$TESTS/nodes" > report 2>&1 || { cat report; fail "the soak"; }
cat report
