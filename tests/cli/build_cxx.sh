# SPDX-License-Identifier: MIT
# Modules in C++, alone and mixed with C: each source by the compiler of its language.
source "$TESTS/lib.sh"
unset CXX
command -v c++ > /dev/null || { echo "skipped: there is no c++"; exit 0; }

# An exception needs what only the C++ compiler links with; `concept` is C++20; gnu11 lets a pointer go to another type.
cat > node.cc <<'END'
#include <lpad/node.h>
#include <stdexcept>
#include <string>
#include <vector>

template <typename T> concept counts = requires(T value) { value.size(); };
template <counts T> static long count(const T &all) { return (long)all.size(); }

extern "C" int helper(void) __attribute__((weak));
extern "C" int helper(void) { return 0; }
struct node { int64_t steps; };

static int run(lpad_node *node)
{
	std::vector<std::string> words(3, "word");
	try {
		throw std::runtime_error("thrown and caught");
	} catch (const std::exception &error) {
		lpad_log(node, "%s, %ld words, helper %d", error.what(), count(words), helper());
	}
	return 0;
}

static const lpad_param params[] = { LPAD_INT(struct node, steps, "1", "1..", "how many"), LPAD_END };
LPAD_MODULE({ .name = "node", .state = sizeof(struct node), .params = params, .run = run });
END
for ending in cpp cxx; do cp node.cc "copy.$ending"; done
cat > helper.c <<'END'
int helper(void);
int helper(void)
{
	int class = 7;          /* no C++ */
	return class;
}
END
topology() { printf 'lpad: 1\nname: t\nnodes:\n  node: {module: %s}\n' "$1" > topo.yaml; }

for module in node.cc copy.cpp copy.cxx; do
	topology $module
	run_lpad check
	assert_exit 0
	assert_equal "topo.yaml: 1 node, 1 replica, 1 process, 4 threads, 0 connections" "$out"
	run_lpad launch
	assert_exit 0
	assert_contains "$out$err" 'thrown and caught, 3 words, helper 0'
done
run_lpad describe node.cc
assert_exit 0
assert_contains "$out" 'steps  int  = 1'
assert_lacks "$out" 'DW.ref'
assert_lacks "$out" 'writable globals'

# Mixed: also where the file names one compiler for both.
sed -i 's/^extern "C" int helper(void) {.*//' node.cc
for module in '[node.cc, helper.c]' '[helper.c, ./node.cc], build: {compiler: c++}'; do
	topology "$module"
	run_lpad launch
	assert_exit 0
	assert_contains "$out$err" 'thrown and caught, 3 words, helper 7'
done
run_lpad describe node.cc helper.c node
assert_exit 0
assert_equal 0 "$(find "$XDG_CACHE_HOME" -name '*.o' | wc -l)" "objects left behind"

# Errors of both stand at their places.
echo 'int broken = nowhere;' >> helper.c
echo 'int broken = "text";' >> node.cc
topology '[node.cc, helper.c]'
run_lpad check
assert_exit 1
assert_contains "$out" 'helper.c:7:14: error: '
assert_contains "$out" 'node.cc:26:14: error: '
assert_contains "$out" 'node.cc does not compile [module-compile]'
assert_equal 0 "$(find "$XDG_CACHE_HOME" -name '*.o' | wc -l)" "objects left behind"

# $CXX is for C++ alone, $CC for C.
topology copy.cpp
CC=no-such-compiler run_lpad check
assert_exit 0
CXX=no-such-compiler run_lpad check
assert_exit 1
assert_contains "$out" 'there is no compiler `no-such-compiler` to compile copy.cpp with [no-compiler]'
assert_contains "$out" '$CXX'
topology copi.cpp
run_lpad check
assert_exit 1
assert_contains "$out" 'did you mean copy.cpp?'
