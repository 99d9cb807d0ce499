# SPDX-License-Identifier: MIT
# `make install` into a scratch prefix; then only what was installed is used: a node is built out of the tree through
# pkg-config, checked and launched by the installed program.
source "$TESTS/lib.sh"
root=$(realpath "$TESTS/..")

# The program that was tested is the program that is installed, so that nothing is built here.
build=$(dirname "$LPAD")
mkdir stage
make -s -C "$root" O="$build" PREFIX=/opt/lpad DESTDIR="$SCRATCH/stage" --old-file="$build/lpad" install > log 2>&1 ||
	{ cat log; fail "make install"; }
prefix=$SCRATCH/stage/opt/lpad
for file in bin/lpad include/lpad/node.h include/lpad/collective.h include/lpad/limiter.h include/lpad/nstep.h include/lpad/replay.h include/lpad/replay_test.h include/lpad/writer.h lib/pkgconfig/lpad.pc lib/pkgconfig/lpad-test.pc lib/liblpad-test.a lib/lpad/nodes/cache.so share/lpad/topologies \
	share/man/man1/lpad.1 share/man/man3/lpad-node.3 share/man/man3/lpad-test.3 share/man/man7/lpad-cache.7 share/man/man3/lpad-collective.3 share/man/man3/lpad-replay.3 share/man/man5/lpad-topology.5 share/man/man5/lpad-record.5 \
	share/man/man7/lpad.7 share/man/man7/lpad-wire.7 share/man/man1/lpad-sweep.1 share/bash-completion/completions/lpad share/zsh/site-functions/_lpad \
	share/fish/vendor_completions.d/lpad.fish; do
	assert test -e "$prefix/$file"
done
assert cmp -s "$LPAD" "$prefix/bin/lpad"
for header in "$root"/lib/include/lpad/*.h; do
	assert cmp -s "$header" "$prefix/include/lpad/${header##*/}"
done
assert_equal "" "$(find stage -type f \( -name '*.[ao]' ! -name liblpad-test.a -o -name '*.d' \))" "left from the build"
assert_equal "" "$(find stage -type f -perm /022)" "writable by others"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
assert_equal "-I/opt/lpad/include" "$(pkg-config --cflags lpad | xargs)" "pkg-config --cflags"
assert_equal "" "$(pkg-config --libs lpad | xargs)" "pkg-config --libs: a module links with nothing"
assert_equal "/opt/lpad/lib/lpad/nodes" "$(pkg-config --variable=nodedir lpad)" "pkg-config --variable=nodedir"
assert_equal "lpad $(pkg-config --modversion lpad)" "$("$prefix/bin/lpad" --version)" "versions"
# pkg-config can put a prefix of staging in front.
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags lpad)

mkdir node
cd node || exit 2
cat > greeting.c <<'END'
#include <lpad/node.h>

struct greeting { const char *text; };

static int run(lpad_node *node)
{
	struct greeting *me = lpad_state(node);
	lpad_log(node, "%s from %s", me->text, lpad_name(node));
	return 0;
}

static const lpad_param params[] = { LPAD_TEXT(struct greeting, text, "hello", "what to say"), LPAD_END };

LPAD_MODULE({ .name = "greeting", .state = sizeof(struct greeting), .params = params, .run = run });
END
# shellcheck disable=SC2086 # words on purpose
${CC:-cc} -std=c11 -Wall -Wextra -Werror -fPIC -shared -Wl,-z,defs $flags -o greeting.so greeting.c || fail "out of tree"
cat > topo.yaml <<'END'
lpad: 1
name: greeting
nodes:
  built: {module: greeting.so, params: {text: good day}}
  source: {module: greeting.c}            # compiled with the installed header
END

# Nothing of the checkout is in the way: the installed program alone.
installed() {
	code=0
	env -u LPAD_PATH "$prefix/bin/lpad" "$@" > out 2> err || code=$?
	out=$(cat out) err=$(cat err)
}
installed check
assert_exit 0
installed launch
assert_exit 0
assert_contains "$out$err" "good day from built"
assert_contains "$out$err" "hello from source"
installed describe greeting.so
assert_exit 0
assert_contains "$out" "what to say"

# A module in the installed folder is found by its name, an example by its own.
cp greeting.so "$prefix/lib/lpad/nodes/installed.so"
printf 'lpad: 1\nname: installed\nnodes: {greeting: {module: installed.so}}\n' > installed.yaml
installed check installed.yaml
assert_exit 0
for example in "$prefix"/share/lpad/topologies/*/; do
	[ -f "$example/topo.yaml" ] || continue
	name=$(basename "$example")
	installed check "$name"
	[ "$code" -le 1 ] || fail "lpad check $name: exit $code: $err"
	assert_equal 0 "$code" "lpad check of the installed example $name: $err"
done
