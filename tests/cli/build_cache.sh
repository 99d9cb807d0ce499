# SPDX-License-Identifier: MIT
# Sources are compiled once for what they are made of; the cache is found, replaced, done without.
source "$TESTS/lib.sh"
cache=$XDG_CACHE_HOME/lpad/modules
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.c}\n' > topo.yaml
cat > node.c <<'END'
#include <lpad/node.h>
#include "helper.h"
static int run(lpad_node *node) { (void)node; return HELPER; }
LPAD_MODULE({ .name = "node", .run = run });
END
echo '#define HELPER 0' > helper.h
objects() { ls "$cache" | grep -c '\.so$'; }

run_lpad check
assert_exit 0
assert_equal 1 "$(objects)" "after the first"
first=$(stat -c %i "$cache"/*.so)
[[ $(ls "$cache") =~ ^[0-9a-f]{64}\.so$ ]] || fail "name: $(ls "$cache")"
assert_equal 700 "$(stat -c %a "$cache")"
run_lpad check
assert_equal "1 $first" "$(objects) $(stat -c %i "$cache"/*.so)" "nothing is compiled twice"
touch node.c
run_lpad check
assert_equal 1 "$(objects)" "a new time is no new content"

# Another header, another flag: another object.
echo '#define HELPER 1' > helper.h
run_lpad check
assert_equal 2 "$(objects)" "a changed header"
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.c, build: {flags: -DSOMETHING}}\n' > topo.yaml
run_lpad check
assert_equal 3 "$(objects)" "a changed flag"
assert_equal "" "$(ls "$cache" | grep -v '\.so$')" "nothing half-done is left"

# Flags and libraries arrive; a relative folder is the file's.
mkdir -p project/include elsewhere
echo '#define FROM_PROJECT 1' > project/include/project.h
cat > project/node.c <<'END'
#include <lpad/node.h>
#include <math.h>
#include <project.h>
#if !FROM_PROJECT || !defined SOMETHING
#error the flags did not arrive
#endif
static int run(lpad_node *node) { return lpad_index(node) > sqrt(FROM_PROJECT) ? 1 : 0; }
LPAD_MODULE({ .name = "node", .run = run });
END
cat > project/topo.yaml <<'END'
lpad: 1
name: t
nodes:
  node: {module: node.c, build: {flags: [-Iinclude, -DSOMETHING], libs: -lm}}
END
(cd elsewhere && "$LPAD" check ../project) > out || fail "$(cat out)"

# Two sources make one module.
cat > one.c <<'END'
#include <lpad/node.h>
int two(lpad_node *node);
static int run(lpad_node *node) { return two(node); }
LPAD_MODULE({ .name = "node", .run = run });
END
cat > two.c <<'END'
#include <lpad/node.h>
int two(lpad_node *node);
int two(lpad_node *node) { return lpad_replicas(node); }
END
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: [one.c, two.c]}\n' > topo.yaml
run_lpad check
assert_exit 0

# No folder can be made there: a private one is used, and gone afterwards.
echo in the way > file
before=$(ls "$TMPDIR")
XDG_CACHE_HOME=$PWD/file run_lpad check
assert_exit 0
assert_equal "$before" "$(ls "$TMPDIR")" "a temporary cache is left"
# A relative $XDG_CACHE_HOME is no folder at all: ~/.cache is meant.
XDG_CACHE_HOME=relative run_lpad check
assert_exit 0
[ ! -e relative ] || fail "a relative cache was used"
[ -n "$(ls "$HOME/.cache/lpad/modules")" ] || fail "~/.cache was not used"
