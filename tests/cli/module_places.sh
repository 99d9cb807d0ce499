# SPDX-License-Identifier: MIT
# Where modules are looked for, and what is said when they are not there or not what they were.
source "$TESTS/lib.sh"
mkdir beside path
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.c}\n' > beside/topo.yaml

write_node() { printf '#include <lpad/node.h>\nstatic int run(lpad_node *node) { (void)node; return 0; }\nLPAD_MODULE({ .name = "%s", .run = run });\n' "$2" > "$1"; }

run_lpad check beside
assert_exit 1
assert_contains "$out" "beside/topo.yaml:4:18: error: there is no \`node.c\` in $PWD/beside, \$LPAD_PATH or "
write_node path/node.c from_path
LPAD_PATH=nowhere:path run_lpad check beside
assert_exit 0
write_node beside/node.c node
LPAD_PATH=path run_lpad check beside
assert_exit 0
LPAD_PATH=path run_lpad describe node.c
assert_contains "$out" from_path "of this folder's \$LPAD_PATH"

# A word that says where it is, is looked for only there.
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: ./other.c}\n' > beside/topo.yaml
write_node path/other.c node
LPAD_PATH=path run_lpad check beside
assert_exit 1
assert_contains "$out" "there is no \`./other.c\` in $PWD/beside"
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: ../path/other.c}\n' > beside/topo.yaml
run_lpad check beside
assert_exit 0

# Both sources that are missing are named; the nearest file is suggested.
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: [nod.c, ../path/othr.c]}\n' > beside/topo.yaml
run_lpad check beside
assert_exit 1
assert_contains "$out" 'did you mean node.c?'
assert_contains "$out" 'did you mean ../path/other.c?'

# A shared object older than the source beside it.
"$LPAD" describe --json beside/node.c > described || fail "describe"
cp "$(jq -r .path described)" beside/node.so
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: node.so}\n' > beside/topo.yaml
touch -d '1 hour ago' beside/node.c
run_lpad check beside
assert_exit 0
touch -d '1 hour ago' beside/node.so
touch beside/node.c
run_lpad check beside
assert_exit 1
assert_contains "$out" 'beside/topo.yaml:4:18: error: node.c is newer than the node.so named here: name node.c, or build it [module-stale]'
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: [node.c, node.so]}\n' > beside/topo.yaml
run_lpad check beside
assert_exit 1
assert_contains "$out" 'the shared object `node.so` stands alone'

# An installation is a whole of its own, in a checkout too.
mkdir -p checkout/lib/include/lpad checkout/own/include/lpad checkout/own/bin
touch checkout/lib/include/lpad/node.h checkout/own/include/lpad/node.h
cp "$LPAD" checkout/own/bin/lpad
printf 'lpad: 1\nname: t\nnodes:\n  node: {module: nowhere.c}\n' > beside/topo.yaml
LPAD=$PWD/checkout/own/bin/lpad run_lpad check beside
assert_exit 1
assert_contains "$out" "\$LPAD_PATH or $PWD/checkout/own/lib/lpad/nodes"
