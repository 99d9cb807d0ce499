# SPDX-License-Identifier: MIT
# Misbehaving nodes in each output mode under each policy: a choice of twelve; all of them with MISBEHAVE=all.
source "$TESTS/lib.sh"

command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }
options=()
[ "${MISBEHAVE:-}" != all ] || options+=(--all)
if grep -qE -- '-fsanitize=[^ ]*(address|thread)' "$O/flags"; then options+=(--no-limits); fi
python3 "$TESTS/faults/misbehave.py" "${options[@]}" "$LPAD" "$TESTS/nodes" > report 2>&1 || { cat report; fail "misbehaviour"; }
cat report
