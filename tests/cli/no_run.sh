# SPDX-License-Identifier: MIT
# What is named as a run and is none: every command says so, and ends with 3.
source "$TESTS/lib.sh"
mkdir empty

# none COMMAND...: with each name that is no run.
none() {
	local name
	for name in ./empty /tmp .. '' nothing-9 ./missing; do
		run_lpad "$@" -r "$name"
		assert_exit 3
		assert_equal 1 "$(grep -c '' err)" "$* -r '$name': $err"
	done
	run_lpad "$@" -r ./empty
	assert_contains "$err" "$PWD/empty is no record of a run: it has no manifest.json"
	LPAD_RUN=$PWD/empty run_lpad "$@"
	assert_exit 3
}
for command in status wait logs stop kill 'restart x' 'watch x' 'call x.y'; do
	none $command
done
run_lpad diff ./empty /tmp
assert_exit 3
run_lpad rm ./empty
assert_exit 3
for option in --again --continue; do
	run_lpad launch $option ./empty
	assert_exit 125
	assert_contains "$err" "no record of a run"
done

# An id where a node is wanted; numbers at the end are not guessed.
for i in 1 2; do
	mkdir -p "$XDG_STATE_HOME/lpad/runs/duo-$i"
	echo '{"schema": 1, "processes": {"one": "one"}}' > "$XDG_STATE_HOME/lpad/runs/duo-$i/manifest.json"
done
for command in status logs; do
	run_lpad $command -r duo-2 duo-1
	assert_exit 3
	assert_contains "$err" 'there is no node `duo-1` in run duo-2: duo-1 is a run: -r duo-1'
done
run_lpad status -r duo-3
assert_exit 3
assert_lacks "$err" "did you mean"
run_lpad status -r dou-1
assert_contains "$err" "did you mean duo-1?"
