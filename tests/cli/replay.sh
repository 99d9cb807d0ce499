# SPDX-License-Identifier: MIT
# The node replay: alone, with callers and a clock that the test moves.
source "$TESTS/lib.sh"
top=$(dirname "$TESTS")

flags=$(grep -oE -- '-f(sanitize|no-sanitize)[^ ]*' "$O/flags" | tr '\n' ' ')
compiler=$(cut -d' ' -f1 "$O/flags")
# shellcheck disable=SC2086 # several flags
"$compiler" -std=gnu11 -Wall -Wextra -Werror -g $flags -I"$top/lib/include" "$TESTS/nodes/replay_test.c" "$top"/lib/modules/replay/*.c \
	-o alone -L"$O" -llpad-test -lyaml -ljansson -lz -lm -pthread || fail "replay_test.c does not compile"
assert_equal passed "$(./alone 2>&1)"
