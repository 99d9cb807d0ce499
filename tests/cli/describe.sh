# SPDX-License-Identifier: MIT
source "$TESTS/lib.sh"
cp "$TESTS/nodes/check_callback.c" "$TESTS/nodes/globals.c" .

run_lpad describe check_callback.c
assert_exit 0
assert_equal "node
  runs; the program is complete when all runs have ended; checks its parameters
  parameters
    rows   int     = 12        1..                             rows
    parts  int     = 3         1..                             parts
    mode   choice  = complain  complain crash hang call plain  what check does
  handles
    server  many  calls work  a server

server
  serves until the program stops
  methods
    work  callback  does nothing" "$out"
assert_equal "" "$err"

run_lpad describe check_callback.c server
assert_exit 0
assert_lacks "$out" parameters
run_lpad describe check_callback.c nobody
assert_exit 1
assert_contains "$err" 'check_callback.c has no implementation `nobody`; it has: node, server'

run_lpad describe --json check_callback.c node
assert_exit 0
assert_equal '1 check_callback.c node true true' \
	"$(jq -r '"\(.schema) \(.module) \(.implementations[0].name) \(.implementations[0].has_check) \(.implementations[0].has_run)"' out)"
assert_equal 'mode choice complain' "$(jq -r '.implementations[0].params[2] | "\(.name) \(.type) \(.value)"' out)"

# A shared object by its path, and by its name when it lies where lpad looks for modules.
object=$(jq -r .path out)
cp "$object" ready.so
run_lpad describe ./ready.so
assert_exit 0
assert_contains "$out" 'what check does'
mkdir modules
mv ready.so modules
LPAD_PATH=$PWD/nowhere:$PWD/modules run_lpad describe ready
assert_exit 0
assert_contains "$out" 'what check does'

run_lpad describe globals.c
assert_contains "$out" 'writable globals, shared by replicas in one process: '
for name in cache n_calls rounds; do
	assert_contains "$(tail -1 out)" "$name"
done
assert_lacks "$(tail -1 out)" own
assert_lacks "$(tail -1 out)" constant

# A module of several sources.
run_lpad describe "$TESTS/../topologies/wordcount/wordcount.c" "$TESTS/../topologies/wordcount/words.c" driver
assert_exit 0
assert_contains "$out" 'maps, reduces, prints'
assert_lacks "$out" partition

# One source of several does not link alone.
run_lpad describe "$TESTS/../topologies/wordcount/wordcount.c"
assert_exit 1
assert_contains "$err" 'hint: name all sources of the module: `module: [wordcount.c, OTHER.c]`'

# The modules of a topology, each once; what one node of it runs.
run_lpad describe wordcount
assert_exit 0
assert_equal 'wordcount.c, of mapper, reducer, driver' "$(head -1 out)"
assert_equal 1 "$(grep -c '^mapper: ' out)"
assert_equal 1 "$(grep -c '^driver: ' out)"
assert_equal "" "$err"
run_lpad describe "$TESTS/../topologies/wordcount" driver
assert_exit 0
assert_contains "$out" 'maps, reduces, prints'
assert_lacks "$out" partition
run_lpad describe wordcount drivr
assert_exit 1
assert_contains "$err" 'has no node `drivr`; it has: mapper, reducer, driver'
run_lpad describe wordcount driver mapper
assert_exit 2
cat > two.yaml <<'END'
lpad: 1
name: two
nodes:
  node: {module: check_callback.c}
  again: {module: check_callback.c, implementation: server}
  other: {module: globals.c}
  missing: {module: nowhere.c}
  shell: {command: [cat]}
END
run_lpad describe two.yaml
assert_exit 1
assert_contains "$out" 'check_callback.c, of node, again'
assert_contains "$out" 'globals.c, of other'
assert_contains "$err" 'two.yaml:7:21: error: there is no `nowhere.c` in'
run_lpad describe two.yaml again
assert_exit 0
assert_contains "$out" 'does nothing'
assert_lacks "$out" parameters
run_lpad describe --json two.yaml
assert_equal '1 two.yaml check_callback.c 2 node again globals.c' \
	"$(jq -r '"\(.schema) \(.topology) " + (.modules[0] | "\(.module) \(.implementations | length) \(.nodes | join(" "))") + " \(.modules[1].module)"' out)"
run_lpad describe nowhere.yaml
assert_exit 1
assert_contains "$err" 'cannot open nowhere.yaml'

run_lpad describe globls.c
assert_exit 1
assert_contains "$err" 'there is no `globls.c` in'
assert_contains "$err" 'did you mean globals.c?'
run_lpad describe
assert_exit 2
run_lpad describe a b c
assert_exit 2
