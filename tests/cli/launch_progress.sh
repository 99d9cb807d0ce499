# SPDX-License-Identifier: MIT
# On a terminal: who is awaited while a program starts and stops, in a line that is rewritten and gone afterwards.
source "$TESTS/lib.sh"
command -v python3 > found || { echo "skipped: there is no python3"; exit 0; }

cat > topo.yaml <<YAML
lpad: 1
name: progress
defaults: {module: $TESTS/nodes/life.c}
nodes:
  stay: {replicas: 10}
  gate: {replicas: 2, params: {file: open}}
  deaf: {module: $TESTS/nodes/misbehave.c, stop_within: 1500ms}
YAML
code=0
python3 "$TESTS/tools/terminal.py" '
	wait lpad: starting \([0-9]+ s\): 11 of 13 ready; gate/0, gate/1 in init
	touch open
	wait (is ready.*){12}
	type \x03
	wait lpad: stopping \([0-9]+ s\): 12 of 13 stopped; deaf in run
	wait lpad: deaf has not ended in time \(run\): sent TERM
	wait lpad: [a-z]+ \([0-9]+ s\): .*; deaf sent TERM' "$LPAD" launch > screen || code=$?
cat screen
assert_equal 130 "$code"
sed 's/^^C//' screen > lines
assert_equal "" "$(grep -vE '^(stay|gate|deaf)/?[0-9]* *\| [a-z/0-9]+ is (ready|there)|^lpad: (run|deaf has not|stopping \(once|stopped after)' lines)" \
	"of the line that is rewritten, left on the screen"
assert grep -q 'starting (' terminal.raw
rm terminal.raw
assert_equal 12 "$(grep -c 'is ready$' screen)"

# Nothing of it where lines are not rewritten.
code=0
python3 "$TESTS/tools/terminal.py" '
	wait is ready
	type \x03
	wait deaf has not ended after TERM' env TERM=dumb "$LPAD" launch > screen || code=$?
assert_equal 130 "$code"
assert_lacks "$(cat terminal.raw)" " of 13 "
