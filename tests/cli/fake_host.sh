# SPDX-License-Identifier: MIT
# Nodes under test without a launch: test programs linked with the library that lpad installs.
source "$TESTS/lib.sh"
top=$(dirname "$TESTS")

# With what the library was built with, that is the sanitizers.
flags=$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" | tr '\n' ' ')
compiler=$(cut -d' ' -f1 "$O/flags")
build() {
	local out=$1
	shift
	# shellcheck disable=SC2086 # several flags
	"$compiler" -std=c11 -Wall -Wextra -Werror -g $flags -I"$top/lib/include" "$@" -o "$out" -L"$O" -llpad-test \
		-lyaml -ljansson -lm -pthread || fail "$out does not compile"
}

build studied "$TESTS"/nodes/studied.c "$TESTS"/nodes/studied_test.c
assert_equal passed "$(./studied 2>&1 | tail -n 1)"
build shipped "$top"/topologies/consumer-producers/{test,consumer_producers}.c
assert_equal "4 tests passed" "$(./shipped | tail -n 1)"
build replay_client "$TESTS"/nodes/replay_client{,_test}.c
assert_equal passed "$(./replay_client 2>&1 | tail -n 1)"
build batching "$top"/topologies/batching/{test,batching}.c
assert_equal "2 tests passed" "$(./batching | tail -n 1)"
assert_equal "" "$(ls "$TMPDIR")" "folders left behind"

# A test that is wrong says how, and fails.
mistake() {
	cat > wrong.c <<-C
	#include <lpad/test.h>
	int main(void)
	{
		lpad_test *test = lpad_test_new($1);
		$2;
		(void)test;
		return 0;
	}
	C
	build wrong wrong.c "$TESTS/nodes/studied.c"
	local code=0
	./wrong 2> err || code=$?
	assert_equal 99 $code "exit of: $2"
	assert_contains "$(cat err)" "lpad test: $3"
}
export ASAN_OPTIONS=detect_leaks=0      # they end in the middle
mistake NULL "" "the module offers several implementations: name one of them"
mistake '"nobody"' "" 'the module offers no implementation "nobody"'
mistake '"studied"' 'lpad_test_connect(test, "stor", 1)' 'studied has no port "stor"'
mistake '"other"' 'lpad_test_step(test)' "lpad_test_step comes after lpad_test_start"
mistake '"other"' 'lpad_test_start(test), lpad_test_send(test, "x", NULL)' 'other has no method "x"'
mistake '"other"' 'lpad_test_start(test), lpad_test_answer(test, 0, NULL)' 'node has no call number 0 under way: it has 0'
