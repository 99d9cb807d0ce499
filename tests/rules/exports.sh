# SPDX-License-Identifier: MIT
# The public header: as C and as C++, by gcc and by clang; what a module exports; what the compiler must refuse.
source "$TESTS/lib.sh"
include=$TESTS/../lib/include

c_compilers=(gcc)
cxx_compilers=(g++)
command -v clang > clang.path && c_compilers+=(clang)
command -v clang++ > clang.path && cxx_compilers+=(clang++)
[ ${#c_compilers[@]} -eq 2 ] && [ ${#cxx_compilers[@]} -eq 2 ] || echo "without clang: only gcc looks at the header"

cat > every.c <<'END'
/* Every macro, every kind of declaration. */
#include <lpad/node.h>

struct limits {
	int64_t least;
	struct { double most; } inner;
};
struct state {
	int64_t count, room;
	double rate, wait;
	bool fast;
	const char *label, *file;
	int32_t mode;
	lpad_ints sizes;
	lpad_reals rates;
	lpad_texts names, files;
	struct limits limits;
	lpad_map tables, more_tables;
	lpad_handle *server, *peers;
	lpad_inbox *tasks, *others;
	lpad_topic *news, *more;
	lpad_subscription *reading, *values;
};

static int get(lpad_node *node, lpad_call *call)
{
	struct state *state = (struct state *)lpad_state(node);
	return lpad_answer(call, lpad_bytes(&state->count, sizeof state->count));
}

static int on_value(lpad_node *node, const lpad_message *message)
{
	lpad_log(node, "%zu bytes of %s", lpad_size(message), lpad_sender(message));
	return 0;
}

static int run(lpad_node *node)
{
	struct state *state = (struct state *)lpad_state(node);
	lpad_rng rng = lpad_random(node, "test");
	lpad_call *call;
	while (!lpad_next(state->tasks, &call, lpad_in(1.5)))
		lpad_refuse(call, LPAD_EBUSY, "not now: %f", lpad_random_real(&rng));
	return lpad_stopping(node) ? LPAD_ESTOPPED : lpad_fail(node, "no task in time");
}

static const lpad_param limits[] = { LPAD_INT(struct limits, least, "1", "1..", "at least"), LPAD_END };
static const lpad_param params[] = {
	LPAD_INT(struct state, count, "1", "1..", "a number"),
	LPAD_SIZE(struct state, room, "64MiB", NULL, "bytes"),
	LPAD_REAL(struct state, rate, "0.5", "0..1", "a rate"),
	LPAD_DURATION(struct state, wait, "500ms", NULL, "seconds"),
	LPAD_BOOL(struct state, fast, "false", "or not"),
	LPAD_TEXT(struct state, label, "", "a text"),
	LPAD_PATH(struct state, file, NULL, "a file"),
	LPAD_CHOICE(struct state, mode, "call", "call topic", "one of two"),
	LPAD_INTS(struct state, sizes, "1, 2", "1..", "numbers"),
	LPAD_REALS(struct state, rates, "", NULL, "rates"),
	LPAD_TEXTS(struct state, names, "", "names"),
	LPAD_PATHS(struct state, files, "", "files"),
	LPAD_OBJECT(struct state, limits, limits, "limits"),
	LPAD_MAP(struct state, tables, struct limits, limits, "limits by name"),
	LPAD_MAP_OR(struct state, more_tables, struct limits, "{}", limits, "none or more"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct state, server, LPAD_ONE, "get", "one"),
	LPAD_HANDLE_AS("others", struct state, peers, LPAD_MANY, "get task", "many"),
	LPAD_END
};
static const lpad_method methods[] = {
	LPAD_METHOD(get, "the number", .idempotent = true, .threads = 2),
	LPAD_METHOD_AS("read", get, "the same"),
	LPAD_INBOX(struct state, tasks, "work", .queue = 8, .full = LPAD_REFUSE),
	LPAD_INBOX_AS("more-tasks", struct state, others, "more work"),
	LPAD_END
};
static const lpad_topic_decl topics[] = {
	LPAD_TOPIC(struct state, news, "what is new"),
	LPAD_TOPIC_AS("more-news", struct state, more, "more", .signature = "obs f32[*,4]"),
	LPAD_END
};
static const lpad_subscription_decl subscriptions[] = {
	LPAD_SUBSCRIPTION(struct state, reading, LPAD_ALL, "all of them"),
	LPAD_SUBSCRIPTION_AS("numbers", struct state, values, 5, "some", .optional = true),
	LPAD_ON(on_value, LPAD_ALL, "each"),
	LPAD_ON_AS("value", on_value, 10, "some"),
	LPAD_END
};
LPAD_MODULE({ .name = "every", .help = "everything", .state = sizeof(struct state), .params = params, .handles = handles,
	.methods = methods, .topics = topics, .subscriptions = subscriptions, .run = run });
END
cp every.c every.cc

# The symbols that a shared object defines for others.
exported() { nm -D --defined-only "$1" | awk '{ print $3 }' | grep -vxE '_init|_fini|__bss_start|_edata|_end|__asan.*|__odr_asan.*'; }

for cc in "${c_compilers[@]}"; do
	$cc -std=c11 -pedantic -Wall -Wextra -Werror -O2 -fPIC -shared -Wl,-z,defs -I "$include" -o "every-$cc.so" every.c ||
		fail "$cc, C11, -pedantic"
	assert_equal lpad_module "$(exported "every-$cc.so")" "exported by a module of $cc"
	for header in node collective members limiter nstep replay writer; do
		echo "#include <lpad/$header.h>" > only.c
		$cc -std=c11 -pedantic -Wall -Wextra -Wshadow -Werror -fsyntax-only -I "$include" only.c || fail "$cc: $header.h alone"
	done
done
for cxx in "${cxx_compilers[@]}"; do
	for header in collective limiter nstep replay; do
		echo "#include <lpad/$header.h>" > only.cc
		$cxx -std=c++20 -Wall -Wextra -Wshadow -Werror -fsyntax-only -I "$include" only.cc || fail "$cxx: $header.h alone"
	done
	$cxx -std=c++20 -Wall -Wextra -Werror -O2 -fPIC -shared -Wl,-z,defs -I "$include" -o "every-$cxx.so" every.cc ||
		fail "$cxx, C++20"
	assert_equal lpad_module "$(exported "every-$cxx.so")" "exported by a module of $cxx"
done

for module in "$O"/nodes/*.so; do
	assert_equal lpad_module "$(exported "$module")" "exported by ${module##*/}"
done

# A module of two sources: both find the host, nothing more is exported.
cat > one.c <<'END'
#include <lpad/node.h>
int other(lpad_node *node);
LPAD_MODULE({ .name = "two", .run = other });
END
cat > two.c <<'END'
#include <lpad/node.h>
int other(lpad_node *node);
int other(lpad_node *node)
{
	lpad_log(node, "from the second source of %s", lpad_name(node));
	return 0;
}
END
for cc in "${c_compilers[@]}"; do
	$cc -std=c11 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -Wl,-z,defs -I "$include" -o two.so one.c two.c ||
		fail "$cc: two sources"
	assert_equal lpad_module "$(exported two.so)" "exported by two sources, $cc"
	# One slot for the host in all sources: two would leave one of them empty.
	assert_equal 1 "$(nm two.so | grep -c ' lpad_host_$')" "slots for the host, $cc"
done
cat > two.yaml <<'END'
lpad: 1
name: two
nodes:
  two: {module: [one.c, two.c]}
END
run_lpad launch two.yaml
assert_exit 0
assert_contains "$out$err" "from the second source of two"

# What the wrong type of a member, an unknown member, a number as a deadline must lead to.
# refuse WHAT [PARAM [EXPRESSION [HANDLE [TOPIC]]]]; what is empty or missing is right.
refuse() {
	local param=${2:-} expression=${3:-} handle=${4:-} topic=${5:-}
	[ -n "$param" ] || param='LPAD_INT(struct state, count, NULL, NULL, "")'
	[ -n "$expression" ] || expression='lpad_await_server(handle, 0, lpad_never())'
	[ -n "$handle" ] || handle='LPAD_HANDLE(struct state, handle, LPAD_ONE, "get", "")'
	[ -n "$topic" ] || topic='LPAD_TOPIC(struct state, topic, "")'
	cat > wrong.c <<-END
	#include <lpad/node.h>
	struct state { int64_t count; int number; float rate; char *text; lpad_topic *topic; lpad_handle *handle; lpad_map map; };
	int use(lpad_handle *handle);
	int use(lpad_handle *handle) { return $expression; }
	extern const lpad_param params[];
	extern const lpad_handle_decl handles[];
	extern const lpad_topic_decl topics[];
	const lpad_param params[] = { $param, LPAD_END };
	const lpad_handle_decl handles[] = { $handle, LPAD_END };
	const lpad_topic_decl topics[] = { $topic, LPAD_END };
	END
	cp wrong.c wrong.cc
	local compiler refused
	for compiler in "${c_compilers[@]}" "${cxx_compilers[@]}"; do
		refused=no
		case $compiler in
		*++) $compiler -std=c++20 -fsyntax-only -I "$include" wrong.cc 2> messages || refused=yes ;;
		*) $compiler -std=c11 -fsyntax-only -Werror=incompatible-pointer-types -I "$include" wrong.c 2> messages || refused=yes ;;
		esac
		[ "$refused" = "$expected" ] || { cat messages; fail "$compiler, $1: refused: $refused, expected: $expected"; }
	done
}
expected=no
refuse "nothing wrong"
refuse "LPAD_MAP of a map" 'LPAD_MAP(struct state, map, struct state, params, "")'
refuse "LPAD_OBJECT of a struct" 'LPAD_OBJECT(struct state, map, params, "")'
expected=yes
refuse "LPAD_INT of an int" 'LPAD_INT(struct state, number, NULL, NULL, "")'
refuse "LPAD_INT of a float" 'LPAD_INT(struct state, rate, NULL, NULL, "")'
refuse "LPAD_INT of a member that is not there" 'LPAD_INT(struct state, cuont, NULL, NULL, "")'
refuse "LPAD_REAL of a float" 'LPAD_REAL(struct state, rate, NULL, NULL, "")'
refuse "LPAD_TEXT of a char *" 'LPAD_TEXT(struct state, text, NULL, "")'
refuse "LPAD_CHOICE of an int64_t" 'LPAD_CHOICE(struct state, count, NULL, "a b", "")'
refuse "LPAD_OBJECT of an int64_t" 'LPAD_OBJECT(struct state, count, params, "")'
refuse "LPAD_OBJECT of a pointer" 'LPAD_OBJECT(struct state, topic, params, "")'
refuse "LPAD_MAP of a pointer" 'LPAD_MAP(struct state, topic, struct state, params, "")'
refuse "LPAD_MAP of nothing that is known" 'LPAD_MAP(struct state, map, struct sttae, params, "")'
refuse "a handle in a topic's member" '' '' 'LPAD_HANDLE(struct state, topic, LPAD_ONE, "get", "")'
refuse "a topic in a handle's member" '' '' '' 'LPAD_TOPIC(struct state, handle, "")'
refuse "a number as a deadline" '' 'lpad_await_server(handle, 0, 5)'
