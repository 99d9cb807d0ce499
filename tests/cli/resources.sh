# SPDX-License-Identifier: MIT
# What a process may use: set for it alone, the same again after a restart, refused if it is not there.
source "$TESTS/lib.sh"
unset CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES ZE_AFFINITY_MASK LPAD_GPUS
export LPAD_CGROUP=

cat > node.c <<'END'
#include <lpad/node.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
struct node { int64_t eat; bool fail; };
static const lpad_param params[] = { LPAD_INT(struct node, eat, "0", "0..", "so many MiB are filled"),
	LPAD_BOOL(struct node, fail, "false", "the first incarnation fails"), LPAD_END };
static const char *or_unset(const char *name) { return getenv(name) ? getenv(name) : "unset"; }
static int run(lpad_node *node)
{
	struct node *state = lpad_state(node);
	const char *incarnation = strrchr(getenv("LPAD_NODE"), '/') + 1;
	char line[1000];
	struct rlimit files, data;
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_DATA, &data);
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status))
		if (!strncmp(line, "Cpus_allowed_list:\t", 19))
			printf("cpus %s", line + 19);
	fclose(status);
	printf("nofile %ld %ld\nnice %d\ncuda %s\nrocr %s\ndata %s\nincarnation %s\n", (long)files.rlim_cur,
		(long)files.rlim_max, getpriority(PRIO_PROCESS, 0), or_unset("CUDA_VISIBLE_DEVICES"),
		or_unset("ROCR_VISIBLE_DEVICES"), data.rlim_max == RLIM_INFINITY ? "unlimited" : "limited", incarnation);
	fflush(stdout);
	for (int64_t i = 0; i < state->eat; i++) {
		char *piece = malloc(1 << 20);
		if (!piece)
			abort();
		memset(piece, 1, 1 << 20);
	}
	return state->fail && !strcmp(incarnation, "1") ? 9 : 0;
}
LPAD_MODULE({ .name = "node", .state = sizeof(struct node), .params = params, .run = run });
END
cat > topo.yaml <<'END'
lpad: 1
name: shares
vars: {cpus: 0.25, gpus: 1, nofile: 512, nice: 7}
nodes:
  a:
    module: node.c
    replicas: 2
    params: {fail: true}
    on_failure: restart
    resources: {cpus: $cpus, gpus: $gpus, nofile: $nofile, nice: $nice}
  rest: {module: node.c}
  own: {module: node.c, env: {CUDA_VISIBLE_DEVICES: mine}}
END
logs=$XDG_STATE_HOME/lpad/runs/latest/logs
said() { grep "^$2 " "$logs/$1.log" | cut -d' ' -f2- | paste -sd' '; }
first=$(sed -n 's/^Cpus_allowed_list:\t\([0-9]*\).*/\1/p' /proc/self/status)

# Everything at once; the restarted ones have the same again.
LPAD_GPUS=3 run_lpad launch
assert_exit 0
for i in 0 1; do
	assert_equal '1 2' "$(said "a/$i" incarnation)"
	assert_equal "$first $first" "$(said "a/$i" cpus)"
	assert_equal '512 512 512 512' "$(said "a/$i" nofile)"
	assert_equal '7 7' "$(said "a/$i" nice)"
	assert_equal "$i $i" "$(said "a/$i" cuda)"
done
assert_equal 2 "$(said rest cuda)"
assert_equal mine "$(said own cuda)"
assert_equal "$(nice)" "$(said rest nice)"
assert_equal "$(ulimit -Hn)" "$(said rest nofile | cut -d' ' -f2)"
[ "$(nproc)" = 1 ] || assert [ "$(said rest cpus | grep -oE '^[0-9]+')" != "$first" ]

# The plan says the same.
LPAD_GPUS=3 run_lpad launch --dry-run
assert_exit 0
assert_contains "$out" "  a/1: cpus $first, gpus 1, nofile 512, nice 7"
assert_equal "{\"cpus\":\"$first\",\"gpus\":\"1\"}" "$(LPAD_GPUS=3 "$LPAD" launch --dry-run --json | jq -c '.processes["a/1"]')"

# And so does the run itself.
LPAD_GPUS=3 start_lpad launch --hold a,rest,own
shown() { "$LPAD" status --json 2> /dev/null | jq -ce '[.nodes[] | select(.node == "a/1")][0] // empty | {cpus, gpus} | select(.cpus)' > shown; }
wait_until shown
assert_equal "{\"cpus\":\"$first\",\"gpus\":\"1\"}" "$(cat shown)"
kill -INT "$lpad_pid"
finish_lpad
assert_exit 130

# Of the GPUs that the launcher may use, under their names; of another vendor by another variable.
LPAD_GPUS=8 CUDA_VISIBLE_DEVICES=6,5 run_lpad launch
assert_exit 0
assert_equal '5 5' "$(said a/1 cuda)"
assert_equal '' "$(said rest cuda)"
LPAD_GPUS=amd:2 run_lpad launch
assert_exit 0
assert_equal '1 1' "$(said a/1 rocr)"
assert_equal 'unset unset' "$(said a/1 cuda)"

# ---- what is not there: check warns, launch refuses and starts nothing ----

refused() {
	local text=$1
	shift
	LPAD_GPUS=${GPUS:-2} run_lpad check "$@"
	assert_exit 0
	assert_contains "$out" "topo.yaml:10:16: warning: on this machine $text"
	LPAD_GPUS=${GPUS:-2} run_lpad launch "$@"
	assert_exit 125
	assert_contains "$err" "topo.yaml:10:16: error: $text"
	assert_contains "$err" 'nothing was started'
}
GPUS=1 refused 'a/1 cannot have 1 GPU: all processes together want 2, and there is 1 (by LPAD_GPUS)'
refused "a/0 cannot have 5000 processors of its own: all processes together need 10000, and lpad may use $(nproc) here" --set cpus=5000
refused "a/0 cannot have 2000000000 open files: the hard limit is $(ulimit -Hn) (RLIMIT_NOFILE)" --set nofile=2000000000
capabilities=$(sed -n 's/^CapEff:\t//p' /proc/self/status)
if [ $((0x$capabilities >> 23 & 1)) = 0 ] && [ "$(ulimit -e)" = 0 ]; then
	refused "a/0 cannot have nice -5: the least that lpad may set is $(nice)" --set nice=-5
fi
run_lpad check --set nofile=3
assert_exit 1

# ---- memory ----

cat > topo.yaml <<'END'
lpad: 1
name: eater
vars: {eat: 300, then: stop}
nodes:
  eater: {module: node.c, params: {eat: $eat}, on_failure: $then, resources: {memory: 128MiB}}
END
if grep -qE -- '-fsanitize=[^ ]*(address|thread)' "$O/flags"; then
	run_lpad launch
	assert_exit 125
	assert_contains "$err" 'cannot be limited: this lpad is built with a sanitizer'
else
	run_lpad launch
	assert_exit 134
	assert_contains "$err" 'eater failed: signal 6 (aborted), perhaps by its memory limit of 128MiB (it used 1'
	assert_equal limited "$(said eater data)"
	assert_contains "$(jq -r .nodes.eater.failure.limit "$XDG_STATE_HOME/lpad/runs/latest/result.json")" 'memory limit of 128MiB'
	run_lpad launch --set then=ignore
	assert_exit 0
	assert_contains "$err" 'perhaps by its memory limit of 128MiB'
	run_lpad status
	assert_contains "$out" 'eater failed in run: signal 6, perhaps by its memory limit of 128MiB'
	run_lpad launch --set eat=20
	assert_exit 0
	LPAD_CGROUP=/nonexistent run_lpad launch --dry-run
	assert_exit 0
	assert_contains "$out" 'eater: memory 128MiB by rlimit'
fi

# By a cgroup, if there is a place for one.
unset LPAD_CGROUP
run_lpad launch --dry-run
if [ "$code" = 0 ] && [[ $out == *'128MiB by cgroup'* ]]; then
	run_lpad launch
	assert_exit 137
	assert_contains "$err" 'eater failed: memory limit of 128MiB: signal 9 (killed)'
	assert_equal unlimited "$(said eater data)"
fi
