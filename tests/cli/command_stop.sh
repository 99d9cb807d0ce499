# SPDX-License-Identifier: MIT
# A program and its stop: alone while its publishers go on, of all with a publisher that is held, and what it may ask for.
source "$TESTS/lib.sh"

result=$XDG_STATE_HOME/lpad/runs/latest/result.json

# ---- only its node: the loop over a subscription ends, and what stands behind it is done ----

cat > sensor.py <<'END2'
import lpad
node = lpad.node()
reading = node.topic("reading")
count = 0
while not node.wait_stop(0.001):
    reading.publish(count)
    count += 1
END2
cat > monitor.py <<'END2'
import time, lpad
node = lpad.node()
for value in node.subscription("reading"):
    if value % 100 == 0:
        print("sees", node.incarnation, flush=True)
    time.sleep(0.002)               # slower than what comes: something is always queued
print("saved", node.incarnation, "stopping", node.stopping, flush=True)
END2
cat > numbers.py <<'END2'
import lpad
node = lpad.node()
node.report("loss", 1)
node.report("loss", float("inf"), 1)
node.report("loss", float("-inf"), 2)
node.report("loss", float("nan"), 3)
for wrong in ["x", None, "1e"]:
    try:
        node.report("loss", wrong)
    except lpad.Invalid as error:
        print("report:", error)
for wrong in [300, -1, 1.5, "0", None]:
    try:
        node.stop(wrong)
    except lpad.Invalid as error:
        print("stop:", error)
END2
cat > topo.yaml <<'END2'
lpad: 1
name: stopping
stop_within: 60s
nodes:
  sensor: {command: [python3, sensor.py], topics: [reading]}
  monitor: {command: [python3, monitor.py], subscriptions: {reading: all}}
  filter: {command: "cat > /dev/null; echo filtered", subscriptions: {}}
  numbers: {command: [python3, numbers.py]}
edges:
  - sensor.reading -> monitor.reading
  - sensor.reading -> filter.stdin
END2
sed -i 's/, subscriptions: {}}/}/' topo.yaml
start_lpad launch
wait_until file_has out 'sees 1'
wait_until file_has out 'stop: .*None'
"$LPAD" restart monitor 2> messages || fail "restart: $(cat messages)"
assert file_has out 'saved 1 stopping True'
wait_until file_has out 'sees 2'
"$LPAD" stop monitor filter 2> messages || fail "stop: $(cat messages)"
assert file_has out 'saved 2 stopping True'
wait_until file_has out 'filtered'
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_equal 3 "$(grep -c 'report: report of loss' out)" "reports refused"
assert_equal 5 "$(grep -c 'stop: the code of a stop is 0 to 125' out)" "stops refused"
assert_equal 'NaN 3 4' "$(jq -r '.nodes.numbers.metrics.loss | "\(.last) \(.step) \(.count)"' "$result")"
assert_equal '1 "Infinity" "-Infinity" "NaN"' "$(jq -c 'select(.name == "loss").value' "${result%/*}/metrics.jsonl" | paste -sd' ')"

# ---- all of it, with a publisher whose run never began: its topic ends with the stop, and nobody waits for it ----

cat > echo.py <<'END2'
import lpad
node = lpad.node()
print("listens", flush=True)
try:
    node.subscription("value").take()
except lpad.Error as error:
    print("heard", error.code, flush=True)
END2
cat > topo.yaml <<END2
lpad: 1
name: held
stop_within: 60s
nodes:
  sensor: {module: $TESTS/nodes/streams.c, implementation: feed}
  echo: {command: [python3, echo.py], subscriptions: {value: all}}
edges:
  - sensor.number -> echo.value
END2
start_lpad launch --hold sensor
wait_until file_has out listens
kill -TERM $lpad_pid
finish_lpad
assert_exit 143
assert_contains "$out" "heard EENDED"

# ---- one that only serves: whom the run still waits for is said ----

cat > serve.py <<'END2'
import lpad
node = lpad.node()
node.wait_stop()
END2
cat > topo.yaml <<'END2'
lpad: 1
name: serves
nodes:
  srv: {command: [python3, serve.py]}
  quick: {command: ["true"]}
END2
start_lpad launch
wait_until file_has err '^lpad: all others have ended; waiting for srv$'
kill -TERM $lpad_pid
finish_lpad
assert_exit 143

# ---- its traceback stands there once, though it wrote to standard output too ----

printf 'print("out", flush=True)\nraise ValueError("seven")\n' > bad.py
printf 'lpad: 1\nname: bad\nnodes:\n  bad: {command: [python3, bad.py]}\n' > topo.yaml
run_lpad launch
assert_exit 1
assert_equal 1 "$(grep -c 'ValueError: seven' err)"

# ---- what a subscription keeps ----

printf 'lpad: 1\nname: keeps\nnodes:\n  a: {command: [cat], subscriptions: {reading: lots}}\n' > topo.yaml
run_lpad check
assert_exit 1
assert_contains "$out" 'what `reading` keeps: latest, a number or all is needed, not lots'
