# SPDX-License-Identifier: MIT
# What nodes say does nothing to the terminal where lpad tells of it; and who looks on ends when nobody reads any more.
source "$TESTS/lib.sh"

cat > bad.c <<'END'
#include <lpad/node.h>

static int run(lpad_node *node)
{
	return lpad_fail(node, "bad \033[2J\033]0;title\007 words\nand more");
}

LPAD_MODULE({ .name = "bad", .run = run });
END
cat > talker.py <<'END'
import os, lpad
node = lpad.node()
while not os.path.exists("enough"):
    node.report("x", 1)
    node.topic("out").publish("one")
    node.wait_stop(0.01)
node.wait_stop()
END
cat > topo.yaml <<'END'
lpad: 1
name: shown
nodes:
  bad: {module: bad.c, on_failure: ignore}
  talker: {command: [python3, talker.py], topics: [out]}
END

escapes() { grep -c $'[\033\007]' "$1"; }

start_lpad launch
wait_until file_has err 'bad failed: bad  \[2J'
assert_contains "$(cat err)" ' words and more; the run goes on'
"$LPAD" status > status
assert_contains "$(cat status)" 'bad failed in run: bad '
assert_equal 0 "$(escapes status)"
assert_equal 0 "$(escapes err)"

# One line is read, and at some time nothing comes any more.
"$LPAD" watch talker.x > >(head -1 > metric) 2> watch_err &
metric_pid=$!
"$LPAD" watch talker.out > >(head -1 > topic) 2>> watch_err &
topic_pid=$!
"$LPAD" watch --interval 1h > >(head -1 > table) 2>> watch_err &
table_pid=$!
for file in metric topic table; do
	wait_until test -s $file
done
touch enough
for pid in $metric_pid $topic_pid $table_pid; do
	wait_until process_gone $pid
	code=0
	wait $pid || code=$?
	assert_equal 141 $code
done
assert_contains "$(cat metric)" '"name":"x"'
assert_contains "$(cat topic)" '"message":"one"'
assert_contains "$(cat table)" '"phase":"run"'
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
