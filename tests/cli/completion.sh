# SPDX-License-Identifier: MIT
# Completion: lpad knows what may stand where, and the shells hand it on.
source "$TESTS/lib.sh"
export PATH=$SCRATCH/bin:$PATH
mkdir bin
ln -s "$LPAD" bin/lpad
cat > topo.yaml <<'END'
lpad: 1
name: shells
vars: {count: 2, mode: {default: fast, one_of: [fast, slow], help: how it goes}}
nodes:
  actor: {module: actor.c, replicas: $count, when: {mode: fast}}
  learner: {module: actor.c, implementation: actor}
END
cat > actor.c <<'END'
#include <lpad/node.h>
static int ask(lpad_node *node, lpad_call *call) { (void)node; return lpad_answer(call, NULL); }
static int run(lpad_node *node)
{
	lpad_report(node, "loss", 0.5, 1);
	lpad_wait_stop(node, lpad_never());
	return 0;
}
static const lpad_method methods[] = { { .name = "ask", .call = ask, .help = "asks" }, { 0 } };
LPAD_MODULE({ .name = "actor", .methods = methods, .run = run });
END

# ---- lpad itself ----

# offered WORD...: the candidates for the last word, one line.
offered() { "$LPAD" complete $(($# - 1)) "$@" | cut -f1 | sort | paste -sd' '; }
assert_contains " $(offered lpad '') " " launch "
assert_lacks " $(offered lpad '') " " node "
assert_equal "launch" "$(offered lpad lau)"
assert_equal "--hold= --help" "$(offered lpad launch --h | tr ' ' '\n' | sort -r | paste -sd' ')"
assert_equal "count= mode=fast mode=slow seed=" "$(offered lpad launch --set '' | tr ' ' '\n' | grep . | sort | paste -sd' ')"
assert_equal "--set=mode=slow" "$(offered lpad launch --set=mode=s)"
assert_equal "mode=slow" "$(offered lpad check topo.yaml -s mode=s)" "the topology of the line"
assert_equal "actor learner" "$(offered lpad launch --hold '')"
assert_equal "dot" "$(offered lpad graph -f d)"
assert_contains " $(offered lpad launch w) " " wordcount "
assert_equal "" "$(offered lpad nothing '')$(offered lpad launch --name '')"
assert_equal "" "$("$LPAD" complete 9 lpad 2>&1; "$LPAD" complete 2>&1)"
assert_equal "" "$(cd / && "$LPAD" complete 3 lpad launch --set '' 2>&1)" "where there is no topology"

start_lpad launch
id=shells-1
runs() { "$LPAD" call actor/1.ask > /dev/null 2>&1; }
wait_until runs
reported() { [ "$(grep -c loss "$XDG_STATE_HOME/lpad/runs/$id/metrics.jsonl" 2>/dev/null)" = 3 ]; }
wait_until reported
assert_equal "latest shells-1" "$(offered lpad status -r '')"
assert_equal "actor actor/0 actor/1" "$(offered lpad status a)"
assert_equal "actor/1" "$(offered lpad kill -r $id actor/1)"
assert_equal "learner.ask" "$(offered lpad call learner.)"
assert_equal "actor. actor/0. actor/1." "$(offered lpad call a)"
assert_equal "actor.loss actor/0.loss actor/1.loss" "$(offered lpad wait --until act)"
assert_equal "run,vars.count run,vars.mode" "$(offered lpad ps --columns run,vars. | tr ' ' '\n' | grep -v seed | paste -sd' ')"
assert_equal "-1" "$("$LPAD" complete 2 lpad kill -1 | grep -c . | sed 's/^0$/-1/')" "a signal is no option"

# ---- bash ----

# in_bash WORD...: what it would put there for the last one. COMP_WORDS as readline makes it.
in_bash() {
	bash -c 'source "$1"; shift; COMP_WORDS=(); for word; do
			while [[ ${#COMP_WORDS[@]} -gt 1 && $word == *=* ]]; do COMP_WORDS+=("${word%%=*}" =); word=${word#*=}; done
			COMP_WORDS+=("$word")
		done
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		compopt() { :; }
		_lpad; printf "%s\n" "${COMPREPLY[@]}"' - "$TESTS/../cmd/completions/lpad.bash" "$@" | sort | paste -sd' '
}
assert_equal "launch" "$(in_bash lpad lau)"
assert_equal "fast slow" "$(in_bash lpad launch --set mode=)"
assert_equal "slow" "$(in_bash lpad launch --set=mode=s)"
assert_equal "actor actor/0 actor/1" "$(in_bash lpad status a)"
assert_equal "actor.c" "$(in_bash lpad check act)"

# ---- zsh and fish ----

if command -v fish > /dev/null; then
	in_fish() { fish --no-config -c "source $TESTS/../cmd/completions/lpad.fish; complete -C '$1'" | cut -f1 | sort | paste -sd' '; }
	assert_equal "launch" "$(in_fish 'lpad lau')"
	assert_equal "actor actor/0 actor/1" "$(in_fish 'lpad status a')"
	assert_equal "mode=fast mode=slow" "$(in_fish 'lpad launch --set mode=')"
	assert_contains " $(in_fish 'lpad check ac') " " actor.c "
else
	echo "skipped: fish"
fi
if command -v zsh > /dev/null; then
	zsh -n "$TESTS/../cmd/completions/_lpad" || fail "zsh"
	# The function, with what it calls of zsh's completion put down.
	in_zsh() {
		zsh -fc '
		_call_program() { shift; eval "$@" }
		_describe() { local name=$3; print -rl -- "${(@P)name%%:*}" }
		_files() { print FILES }
		words=("$@[2,-1]"); CURRENT=$#words
		source $1' zsh "$TESTS/../cmd/completions/_lpad" "$@" | sort | paste -sd' '
	}
	assert_equal "launch" "$(in_zsh lpad lau)"
	assert_equal "actor actor/0 actor/1" "$(in_zsh lpad status a)"
	assert_equal "FILES" "$(in_zsh lpad check act)"
else
	echo "skipped: zsh"
fi
kill -TERM "$lpad_pid"
finish_lpad
assert_exit 143
