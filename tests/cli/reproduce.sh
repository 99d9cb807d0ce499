# SPDX-License-Identifier: MIT
# topologies/reproduce gathers the CHECK lines of all systems, and is content only if there are some everywhere and all pass.
source "$TESTS/lib.sh"
mkdir -p topologies/{fine,poor}
cp "$TESTS/../topologies/reproduce" topologies/
cp -R "$TESTS/../topologies/common" topologies/
system() {
	{ echo 'source "$(dirname "$0")/../common/reproduce.bash" || exit 2'; cat; echo finish; } > "topologies/$1/reproduce.sh"
	sed -i '1i #!/bin/bash' "topologies/$1/reproduce.sh"
	chmod +x "topologies/$1/reproduce.sh"
}
reproduce() {
	code=0
	topologies/reproduce results "$@" > out 2> err || code=$?
	out=$(cat out) err=$(cat err)
}

# What a topology prints, and what its script finds.
cat > topologies/fine/topo.yaml <<'YAML'
lpad: 1
name: fine
nodes: {one: {command: [echo, "CHECK printed 1 1 0 PASS"]}, two: {command: [echo, "nothing to see"]}}
YAML
system fine <<'SH'
launch short
check same 9007199254740993 9007199254740993 0
check near 1.02 1 3%
check below 2 '<=2' 0
check above -1e3 '>=-1001' 0
SH
reproduce fine
assert_exit 0
assert_equal "system check measured expected tolerance verdict
fine short.printed 1 1 0 PASS
fine same 9007199254740993 9007199254740993 0 PASS
fine near 1.02 1 3% PASS
fine below 2 <=2 0 PASS
fine above -1e3 >=-1001 0 PASS" "$(tr -s ' ' < results/checks.txt)"
assert_contains "$(cat results/fine.txt)" 'nothing to see'
assert_equal completed "$(jq -r .status results/fine/short/result.json)" "the record is kept"

# Each of these alone is a failure.
while IFS='|' read -r what line; do
	system poor <<< "$line"
	reproduce
	[ $code -eq 1 ] || fail "$what: exit $code"
	grep -q '^fine *near' results/checks.txt || fail "$what: the others are left out"
done <<'CASES'
long numbers|check far 9007199254740992 9007199254740993 0
too far|check far 1.04 1 3%
above|check far 2.1 '<=2' 0
no number|check far "" 1 5
not there|check far null 0 0
no check|true
a failing run|check near 1 1 0; launch missing --set nothing=there
CASES
reproduce poor
assert_lacks "$(cat results/checks.txt)" fine
