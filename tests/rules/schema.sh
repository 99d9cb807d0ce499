# SPDX-License-Identifier: MIT
# lpad schema takes every topology that is right, and refuses what a schema can refuse.
source "$TESTS/lib.sh"
share_modules
"$LPAD" schema > schema.json || fail "lpad schema"
(ulimit -v 4000000; exec python3 "$TESTS/rules/schema.py" schema.json "$TESTS/rules/schema.beyond" "$(realpath "$TESTS/../topologies")" \
	"$TESTS/topology/valid" "$TESTS/topology/invalid") || fail "the schema and lpad do not agree"

# Each key is explained, and none is missing.
for key in $(sed -nE 's/^\t\{ "([a-z_]+)", KIND_.*/\1/p' "$TESTS/../lib/topology/schema.c" | sort -u); do
	jq -e --arg key "$key" '[.. | objects | .properties? // empty | .[$key]? // empty | .description] | length > 0' schema.json > /dev/null ||
		fail "the key $key is not in the schema"
done
run_lpad schema something
assert_exit 2
