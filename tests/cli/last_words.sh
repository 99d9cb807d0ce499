# SPDX-License-Identifier: MIT
# What a node says last reaches the user: texts that are no UTF-8, numbers reported just before a failure and in fini.
source "$TESTS/lib.sh"
cat > words.c <<'END'
#include <lpad/node.h>
#include <string.h>

struct words { const char *how; };

static const lpad_param params[] = { LPAD_TEXT(struct words, how, "", "what it does"), LPAD_END };

static int check(lpad_node *node)
{
	struct words *me = lpad_state(node);
	return strcmp(me->how, "check") ? 0 : lpad_fail(node, "params.how: no r\xe9sum\xe9");
}

static int run(lpad_node *node)
{
	struct words *me = lpad_state(node);
	lpad_report(node, "last", 1, 2);
	if (!strcmp(me->how, "fail"))
		return lpad_fail(node, "cannot open r\xe9sum\xe9.txt");
	if (!strcmp(me->how, "stop"))
		lpad_stop(node, 3, "r\xe9sum\xe9 done");
	return 0;
}

static void fini(lpad_node *node)
{
	lpad_report(node, "r\xe9sum\xe9", 3, 4);
}

LPAD_MODULE({ .name = "words", .state = sizeof(struct words), .params = params, .check = check, .run = run, .fini = fini });
END

# words HOW COMMAND ARGUMENT...
words() {
	printf 'lpad: 1\nname: words\nnodes:\n  words: {module: words.c, params: {how: %s}}\n' "$1" > topo.yaml
	run_lpad "${@:2}"
}
metrics() { cat "$1"/*/metrics.jsonl; }

words fail launch --record failed
assert_exit 1
assert_contains "$err" 'words failed: cannot open r�sum�.txt'
assert_contains "$(metrics failed)" '"last"'

words stop launch --record stopped
assert_exit 3
assert_contains "$(jq -r .cause.why stopped/*/result.json)" 'r�sum� done'

words well launch --record well
assert_exit 0
assert_contains "$(metrics well)" '"last"'
assert_contains "$(metrics well)" '"r�sum�"'

words check check
assert_exit 1
assert_contains "$out" 'no r�sum� [node-check]'
