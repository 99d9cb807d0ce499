# SPDX-License-Identifier: MIT
# The command line itself: help, version, what is not there, a closed standard output.
source "$TESTS/lib.sh"

run_lpad --help
assert_exit 0
for command in launch check describe graph expand; do
	assert_contains "$out" "  $command "
	"$LPAD" "$command" --help > help || fail "$command --help"
	assert_contains "$(head -1 help)" "usage: lpad $command"
	"$LPAD" "$command" -h | cmp -s - help || fail "$command -h is not --help"
done
assert_lacks "$out" "  node"
run_lpad --version
assert_exit 0
[[ $out =~ ^lpad\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "version: $out"

run_lpad
assert_exit 2
assert_contains "$err" 'usage: lpad COMMAND'
run_lpad lanch
assert_exit 2
assert_contains "$err" 'lpad: there is no command `lanch`: did you mean launch?'
run_lpad something-else
assert_exit 2
assert_lacks "$err" 'did you mean'
run_lpad --frobnicate
assert_exit 2
assert_contains "$err" 'there is no option `--frobnicate`'

# Nobody reads what is printed: 141, whatever was to be said. A descriptor that is closed from the start is not taken
# for a file's.
(set +o pipefail; "$LPAD" --help; echo $? > code) | true
wait_until file_has code .
[ "$(cat code)" = 141 ] || [ "$(cat code)" = 0 ] || fail "help into a closed pipe: exit $(cat code)"
code=0
"$LPAD" --help >&- 2> err || code=$?
assert_equal 141 "$code" "standard output closed"
code=0
"$LPAD" --help > /dev/full 2> err || code=$?
assert_equal 1 "$code" "standard output full"
assert_contains "$(cat err)" 'cannot write standard output'

# What is no topology.
for command in check launch graph expand; do
	run_lpad $command nosuch
	[ $command = launch ] && assert_exit 125 || assert_exit 3
	assert_contains "$out$err" 'cannot open nosuch: No such file or directory, and no example has that name; there are '
	assert_contains "$out$err" ' hello, '
	run_lpad $command nosuch.yaml
	assert_lacks "$out$err" example
	for module in nosuch.c ./nosuch.so folder/nosuch.cpp; do
		run_lpad $command $module
		assert_exit 2
		assert_contains "$err" "$module is a module, not a topology: try lpad describe"
	done
done

# A process of a run, started by hand.
for words in node "node worker/1" "node --probe x.so"; do
	for three in '<&-' '</dev/null'; do
		code=0
		eval "$LPAD $words 3$three" > out 2> err || code=$?
		assert_equal 2 "$code" "$words 3$three"
		assert_contains "$(cat err)" "started by lpad itself, not by hand: descriptor 3 is no socket"
	done
done

# `lpad help COMMAND` is `lpad COMMAND --help`.
run_lpad launch --help
wanted=$out
run_lpad help launch
assert_exit 0
assert_equal "$wanted" "$out"
run_lpad help nothing
assert_exit 2
