# SPDX-License-Identifier: MIT
# launch --env-file: who wins, what is recorded, what is said of a line that is wrong.  What git says of the topology's folder.
source "$TESTS/lib.sh"

runs=$XDG_STATE_HOME/lpad/runs
cat > topo.yaml <<-'YAML'
lpad: 1
name: env
defaults: {env: {B: defaults, C: defaults}}
nodes: {a: {command: 'echo "$$A,$$B,$$C,$$D,$$TWO,$$LPAD_NODE"', env: {C: node}}}
YAML
printf '# first\nA=file\nB=file\nC=file\nLPAD_NODE=x\nTWO="two\nlines"\nSECRET='\''sesame'\''\n' > one.env
printf 'D = x\n' > bad.env
printf 'D= second # no comment\nA=later\n' > two.env

export A=caller D=caller
run_lpad launch -q topo.yaml
assert_exit 0
assert_equal 'caller,defaults,node,caller,,env-1/a/0/1' "$out"
run_lpad launch -q --env-file one.env --env-file two.env
assert_exit 0
assert_equal $'later,defaults,node,second # no comment,two\nlines,env-2/a/0/1' "$out"
assert_equal '["A","B","C","LPAD_NODE","TWO","SECRET","D"]' "$(jq -c .launch.environment "$runs/env-2/manifest.json")"
assert_equal "$runs/env-2/environment" "$(grep -rl sesame "$runs/env-2")" "where the values are"
assert_equal 600 "$(stat -c %a "$runs/env-2/environment")"
assert test ! -e "$runs/env-1/environment"

# Again and on with the same variables, and with others on top.
rm one.env
run_lpad launch -q --again env-2
assert_exit 0
assert_equal $'later,defaults,node,second # no comment,two\nlines,env-3/a/0/1' "$out"
echo D=third > two.env
run_lpad launch -q --continue env-3 --env-file two.env
assert_exit 0
assert_equal $'later,defaults,node,third,two\nlines,env-3/a/0/2' "$out"

run_lpad launch --env-file bad.env
assert_exit 125
assert_contains "$err" 'lpad: --env-file: bad.env:1: NAME=VALUE is wanted, a name of letters, digits and _, not `D = x`'
assert_contains "$err" 'nothing was started'
run_lpad launch --env-file none.env --dry-run
assert_exit 125
assert_contains "$err" 'none.env'
assert_lacks "$err" 'second'

# ---- git ----
git_of() { jq -c ".git${2:-}" "$runs/$1/manifest.json"; }
assert_equal null "$(git_of env-1)" "not in a repository"
if ! command -v git > /dev/null; then
	echo "skipped: git"
	exit 0
fi
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
mkdir -p repository/exp repository/other
cp topo.yaml repository/exp
cd repository || exit 1
git init -q -b trunk .
run_lpad launch -q exp
assert_equal 'null "trunk" true false' "$(git_of env-4 '| "\(.commit) \"\(.branch)\" \(.dirty) \(.diff)"' | jq -r .)" "no commit yet"
git add exp && git commit -qm first
echo elsewhere > other/file
run_lpad launch -q exp
assert_exit 0
assert_equal "\"$(git rev-parse HEAD)\"" "$(git_of env-5 .commit)"
assert_equal '["trunk",false,[],false]' "$(git_of env-5 ' | [.branch, .dirty, .untracked, .diff]')"
assert_equal "\"$PWD\"" "$(git_of env-5 .root)"
assert test ! -e "$runs/env-5/git.diff"
echo '# changed' >> exp/topo.yaml
echo new > 'exp/a "new" one.c'
(cd / && GIT_PAGER=false exec "$LPAD" launch -q "$OLDPWD/exp" > /dev/null)
assert_equal '["trunk",true,["exp/a \"new\" one.c"],true]' "$(git_of env-6 ' | [.branch, .dirty, .untracked, .diff]')"
git checkout -q exp/topo.yaml
git apply "$runs/env-6/git.diff"
assert_equal '# changed' "$(tail -1 exp/topo.yaml)" "the diff applies"
# A repeated run is of the same state; one of a huge change keeps a part of it; a program that hangs is not waited for.
git checkout -q --detach
run_lpad launch -q --again env-6
assert_exit 0
assert_equal "$(git_of env-6)" "$(git_of env-7)"
assert cmp "$runs/env-6/git.diff" "$runs/env-7/git.diff"
seq 300000 | sed 's/^/# /' >> exp/topo.yaml
run_lpad launch -q exp
assert_exit 0
assert_equal '[null,true,true]' "$(git_of env-8 ' | [.branch, .diff, .diff_cut]')"
assert test "$(stat -c %s "$runs/env-8/git.diff")" -le 1048576
mkdir bin
printf '#!/bin/sh\nexec sleep 1000\n' > bin/git
chmod +x bin/git
PATH=$PWD/bin:$PATH run_lpad launch -q exp
assert_exit 0
assert_equal '{"error":"git did not answer within 3 s"}' "$(git_of env-9)"
