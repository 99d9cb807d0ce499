# SPDX-License-Identifier: MIT
# What a program uses is its node's, not what its host uses.
source "$TESTS/lib.sh"
cat > topo.yaml <<'YAML'
lpad: 1
name: uses
nodes:
  big: {command: [sh, -c, 'x=$$(head -c 32000000 /dev/zero | tr "\0" x); read y < fifo; echo "$$x" > /dev/null']}
YAML
mkfifo fifo
start_lpad launch topo.yaml
is_seen() { "$LPAD" status --json 2> /dev/null | jq -e '.nodes[0] | .memory > 32000000 and .cpu > 0' > /dev/null; }
wait_until is_seen
echo > fifo
finish_lpad
assert_exit 0
