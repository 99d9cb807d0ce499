# SPDX-License-Identifier: MIT
# The pictures in topologies/README.md and in those of its folders are what `lpad graph` draws now, and every topology has one.
source "$TESTS/lib.sh"
share_modules
pictures=$TESTS/../topologies/pictures
"$pictures" --check || fail "see above"

# It does find what is wrong.
cp -R "$TESTS/../topologies" topologies
sed -i 's/"producers"/"workers"/' topologies/README.md
mkdir topologies/another
cp topologies/hello/topo.yaml topologies/another/
out=$(topologies/pictures --check) && fail "a wrong picture was not found"
assert_equal "topologies/README.md: a picture is not what lpad graph draws now: make pictures
topologies/README.md: has nothing of another/topo.yaml" "$out"
rm -r topologies/another
assert topologies/pictures
assert cmp topologies/README.md "$TESTS/../topologies/README.md"
