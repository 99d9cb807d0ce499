# SPDX-License-Identifier: MIT
# lpad call: methods of a running program from the shell.
source "$TESTS/lib.sh"

cat > served.c <<'C'
#include <lpad/node.h>
#include <string.h>

struct served { lpad_inbox *never; };

static int echo(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, lpad_share(lpad_request(call)));
}

static int sum(lpad_node *node, lpad_call *call)
{
	int64_t shape[] = { -1 };
	const float *x = lpad_view(lpad_request(call), "x", LPAD_F32, 1, shape);
	lpad_tensor tensor;
	double total = 0;
	(void)node;
	if (!x || lpad_tensor_at(lpad_request(call), 0, &tensor))
		return LPAD_EINVALID;
	for (int64_t i = 0; i < tensor.shape[0]; i++)
		total += (double)x[i];
	lpad_message *reply = lpad_tensors(1, (const lpad_tensor[]){ { "sum", LPAD_F64, 0, { 0 } } });
	memcpy(lpad_data(reply, "sum"), &total, sizeof total);
	return lpad_answer(call, reply);
}

static int who(lpad_node *node, lpad_call *call)
{
	(void)node;
	return lpad_answer(call, lpad_bytes(lpad_caller(call), strlen(lpad_caller(call))));
}

static int fails(lpad_node *node, lpad_call *call)
{
	(void)call;
	return lpad_fail(node, "it is Sunday");
}

static int crash(lpad_node *node, lpad_call *call)
{
	(void)node, (void)call;
	__builtin_trap();
}

static int run(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

static const lpad_method methods[] = {
	LPAD_METHOD(echo, "its argument", .idempotent = true),
	LPAD_METHOD(sum, "adds", .request = "x f32[*]", .reply = "sum f64"),
	LPAD_METHOD(who, "who calls"),
	LPAD_METHOD(fails, "always"),
	LPAD_METHOD(crash, "ends the process"),
	LPAD_INBOX(struct served, never, "nobody takes it"),
	LPAD_END
};
LPAD_MODULE({ .name = "served", .state = sizeof(struct served), .methods = methods, .run = run },
	{ .name = "mute", .run = run });
C
cat > topo.yaml <<'YAML'
lpad: 1
name: served
nodes:
  one: {module: served.c, implementation: served}
  more: {module: served.c, implementation: served, replicas: 2, on_failure: ignore}
  mute: {module: served.c, implementation: mute}
YAML

runs=$XDG_STATE_HOME/lpad/runs
run_lpad call one.echo
assert_exit 3
assert_contains "$err" "lpad call: no run is under way, and there is no record of one (looked in $runs)"

# begin FILE: launches it, and waits until it runs; sets $pid and $id.
begin() {
	: > events
	"$LPAD" launch --json "$1" > events 2> messages &
	pid=$!
	wait_until file_has events '"phase":"run"'
	id=$(head -n 1 events | jq -r .run)
}
# calls EXIT ARGUMENT...
calls() {
	local expected=$1
	shift
	run_lpad call "$@"
	assert_exit "$expected"
}
ends() {
	local code=0
	kill -TERM "$1"
	wait "$1" || code=$?
	assert_equal 143 $code "exit of the launch"
}

begin topo.yaml
calls 0 one.echo '{"a": [1, 2.5, null]}'
assert_equal '{"a": [1, 2.5, null]}' "$out"
calls 0 more/1.echo
assert_equal "" "$out"
calls 0 one.sum '{"x": [1, 2, 3.5]}'
assert_equal 6.5 "$(jq .sum <<< "$out")"
calls 2 one.sum '{"x": [1, "two"]}'
assert_contains "$err" "x[1]"
calls 2 one.sum '{"y": [1]}'
calls 0 one.who
assert_equal "lpad call" "$(jq -r .bytes <<< "$out" | base64 -d)"
echo '[1, 2]' > list.json
calls 0 one.echo @list.json
assert_equal '[1, 2]' "$(tr -d '\n' <<< "$out")"
out=$("$LPAD" call one.echo - < list.json)
assert_equal '[1, 2]' "$(tr -d '\n' <<< "$out")"

# A reply is kept as a file, and sent again as it is.
calls 0 --save sum.safetensors one.sum '{"x": [4]}'
assert_equal "" "$out"
calls 0 one.echo @sum.safetensors
assert_equal 4 "$(jq .sum <<< "$out")"

calls 0 --save wrong.safetensors one.echo @sum.safetensors

# What goes wrong.
calls 1 one.fails
assert_contains "$err" "it is Sunday"
calls 1 one.ecko
assert_contains "$err" "one has no method ecko; it has: echo, sum, who, fails, crash, never"
calls 1 mute.echo
assert_contains "$err" "mute has no method echo; it serves no methods"
calls 3 on.echo
assert_contains "$err" 'there is no node `on`: did you mean one?'
calls 3 more.echo
assert_contains "$err" "more has 2 replicas: say which, more/0 to more/1"
calls 3 more/2.echo
assert_contains "$err" "there is no replica more/2: more has 2"
calls 2 one
calls 2 one.echo 1 2
calls 2 one.echo '{'
calls 1 one.sum @wrong.safetensors
assert_contains "$err" "sent no tensor \`x\`"
calls 2 one.echo @nothing.json
cp sum.safetensors sum.bin
calls 2 one.echo @sum.bin
assert_contains "$err" "sum.bin: no JSON but safetensors: a file of tensors is sent as it is if its name ends in .safetensors"
calls 124 --timeout 50ms one.never
assert_contains "$err" "one.never: no answer within 0.0"                # what was left of it when the call began
calls 3 -r nobody-7 one.echo
assert_contains "$err" "there is no run nobody-7"
calls 0 -r "$runs/$id" one.echo
LPAD_RUN=$id calls 0 one.echo
calls 1 more/0.crash
assert_contains "$err" "lost with the call in flight"
wait_until file_has events '"event":"end","node":"more/0"'
calls 3 more/0.echo
assert_contains "$err" "more/0 is not running now"

# Two runs: which?
first=$pid
first_id=$id
begin topo.yaml
calls 3 one.echo
assert_contains "$err" "2 runs are under way: say which with -r: "
calls 0 -r "$first_id" one.echo
ends "$pid"
calls 0 one.echo

# A run that ends under a call says so.
"$LPAD" call one.never 2> waits &
waiter=$!
is_connected() { [ "$(grep -c socket < <(ls -l "/proc/$waiter/fd" 2>/dev/null))" -ge 2 ]; }
wait_until is_connected
ends "$first"
code=0
wait "$waiter" || code=$?
assert_equal 1 $code "exit of a call whose run ended"
assert [ -s waits ]
calls 3 -r "$first_id" one.echo
assert_contains "$err" "run $first_id is not under way: it has ended"
assert_equal "" "$(ls "$XDG_RUNTIME_DIR/lpad")" "socket folders"
