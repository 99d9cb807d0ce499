/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "fake_lookup.h"
#include "topology/value.h"

/* ---- reading a text ---- */

struct read {
	struct problems problems;
	struct settings settings;
	struct source *source;
	struct topology *topology;
};

static void read_file(struct read *read, const char *path)
{
	bool unreadable = false;
	*read = (struct read){ .settings = { .folder = "/elsewhere" } };
	read->source = source_read(path, &read->settings, &read->problems, &unreadable);
	read->topology = read->source ? topology_resolve(read->source, NULL, &read->problems) : NULL;
	problems_print(&read->problems, stderr, false);
	ck_assert_uint_eq(read->problems.errors, 0);
	ck_assert_ptr_nonnull(read->topology);
}

static void read_text(struct read *read, const char *path, const char *text)
{
	struct error error = { 0 };
	ck_assert(!files_replace(path, text, strlen(text), 0644, &error));
	read_file(read, path);
}

static void read_release(struct read *read)
{
	topology_free(read->topology);
	source_free(read->source);
	problems_release(&read->problems);
}

static char *printed(const struct topology *topology, void (*print)(const struct topology *topology, FILE *out))
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	print(topology, out);
	fclose(out);
	return text;
}

/* ---- YAML that is read again ---- */

static const char everything[] =
	"lpad: 1\n"
	"name: every-thing.1\n"
	"vars:\n"
	"  seed: 7\n"
	"  n: 3\n"
	"  quoted: \"5\"\n"
	"  list: [1, \"2\", three]\n"
	"  mode: {default: a, one_of: [a, b]}\n"
	"time_limit: 90s\n"
	"stop_within: 1500ms\n"
	"on_failure: ignore\n"
	"defaults: {module: [m.c, ../other.c], params: {lr: 1e-3, rows: $n}, build: {libs: -lm -lz}, env: {A: 1}}\n"
	"nodes:\n"
	"  replay:\n"
	"    replicas: 1\n"
	"    params: {lr: 2, text: $list, quoted: $quoted, word: \"yes\", plain: yes, nothing: ~, empty: \"\", tilde: \"~\"}\n"
	"    on_failure: {restart: 5, within: 90s, backoff: 250ms..1m, then: ignore}\n"
	"    resources: {cpus: 0.5, memory: 64MiB, gpus: 1, nofile: 4096, nice: -3}\n"
	"  actor:\n"
	"    implementation: replay\n"
	"    replicas: $n\n"
	"    params:\n"
	"      a: $index of $replicas costs $$5\n"
	"      b: \"$folder/x y: z # w\"\n"
	"      c: $here/data\n"
	"      d: \"tab\\t, newline\\n, quote \\\", back \\\\, bell \\a, umlaut \\u00fc\"\n"
	"      e: {deep: [[1, {x: -1}], {}], list: []}\n"
	"      f: $$folder\n"
	"      g: ${n}00\n"
	"      h: [-, --, -1, .5, '.', \"a: b\", 'null', 12:30, \"@x\", \"%y\", '!z', '&a', '*b', \"[\", 'true', 0x1F]\n"
	"    env: {LD_PRELOAD: x.so, PRICE: $$5, FOLDER: $folder/$$x}\n"
	"    build: {flags: [-O3, -DX=$n], compiler: clang}\n"
	"    start_within: 5m\n"
	"    background: true\n"
	"    when: {mode: a}\n"
	"  grid: {replicas: {depth: 2, row: 2, column: 3}, process: together, on_failure: stop}\n"
	"  other: {when: {mode: b}, replicas: 4, per_process: 2}\n"
	"  shell: {command: \"cat > $$HOME/$folder/x\", background: true}\n"
	"  tuner:\n"
	"    command: [python3, $here/tuner.py, \"--n=${n}\", $index]\n"
	"    handles: {sensor: [set_rate, get], one: get}\n"
	"    subscriptions: {value: 100, all-of-it: all}\n"
	"    topics: [advice]\n"
	"    methods: {ask: {}}\n"
	"edges:\n"
	"  - actor.replay -> replay: {deadline: 1500us, max_message: 1MiB}\n"
	"  - grid.row -> grid: {map: {along: column}}\n"
	"  - grid.next -> grid: {map: {next: depth}}\n"
	"  - grid.left -> grid: {map: previous}\n"
	"  - actor.peer -> actor: {map: one-to-one}\n"
	"  - actor.some -> grid: {map: round-robin}\n"
	"  - other.x -> replay\n"
	"  - replay.t -> actor.a: {keep: latest, fetch: eager}\n"
	"  - replay.t -> actor.b: {keep: 7}\n"
	"  - replay.t -> actor.c: {keep: all}\n"
	"  - replay.t -> actor.d: {keep: {all: 300}, when: {mode: [a, b]}}\n"
	"  - replay.t -> shell.stdin\n";

/* Trees say more than JSON: what is quoted, and what is filled in later. */
static void same_tree(const struct tree *a, const struct tree *b, const char *what)
{
	ck_assert_msg(!a == !b, "%s", what);
	if (!a)
		return;
	ck_assert_msg(a->kind == b->kind && a->count == b->count, "%s", what);
	if (a->kind == TREE_SCALAR) {
		ck_assert_str_eq(a->text, b->text);
		ck_assert_msg(a->template == b->template, "%s: %s", what, a->text);
		ck_assert_msg(tree_is_null(a) == tree_is_null(b), "%s: %s", what, a->text);
		/* Quotes that were not there may be added to what is no number or word of YAML anyway. */
		ck_assert_msg(!a->quoted || b->quoted || a->template, "%s: %s", what, a->text);
	}
	for (size_t i = 0; i < a->count; i++)
		same_tree(a->items[i], b->items[i], a->keys ? a->keys[i] : what);
}

START_TEST(yaml_gives_the_same_topology)
{
	struct read first, again;
	ck_assert(!files_make_folders("here", 0755, NULL));
	read_text(&first, "here/topo.yaml", everything);
	char *yaml = printed(first.topology, topology_print_yaml);
	ck_assert_ptr_null(strstr(yaml, "when"));
	ck_assert_ptr_null(strstr(yaml, "defaults"));
	read_text(&again, "again.yaml", yaml);
	json_t *expected = topology_to_json(first.topology), *actual = topology_to_json(again.topology);
	json_object_del(expected, "file");
	json_object_del(actual, "file");
	char *cleanup_free left = json_dumps(expected, JSON_INDENT(1) | JSON_SORT_KEYS);
	char *cleanup_free right = json_dumps(actual, JSON_INDENT(1) | JSON_SORT_KEYS);
	ck_assert_str_eq(left, right);
	for (size_t i = 0; i < first.topology->groups.count; i++) {
		const struct group *a = &first.topology->groups.at[i], *b = &again.topology->groups.at[i];
		char *cleanup_free a_name = group_replica_name(a, 0), *cleanup_free b_name = group_replica_name(b, 0);
		ck_assert_str_eq(a_name, b_name);
		same_tree(a->command, b->command, "command");
		for (size_t j = 0; a->params && j < a->params->count; j++)
			same_tree(a->params->items[j], tree_get(b->params, a->params->keys[j]), a->params->keys[j]);
		ck_assert_uint_eq(a->env.count, b->env.count);
		for (size_t j = 0; j < a->env.count; j++)
			ck_assert_msg(a->env.at[j].template == b->env.at[j].template, "%s", a->env.at[j].text);
	}
	/* What is printed once is printed the same again. */
	char *twice = printed(again.topology, topology_print_yaml);
	ck_assert_str_eq(yaml, twice);
	free(yaml), free(twice);
	json_decref(expected), json_decref(actual);
	read_release(&first), read_release(&again);
}
END_TEST

/* Bound, values that are paths do not depend on where the printed file lies. */
START_TEST(paths_are_absolute)
{
	struct read read;
	struct fake_lookup fake;
	ck_assert(!files_make_folders("here", 0755, NULL));
	ck_assert(!files_replace("here/m.c", "", 0, 0644, NULL));
	read_text(&read, "here/topo.yaml", "lpad: 1\nname: paths\nnodes:\n  a: {module: m.c, params: {text: [x, /y], out: z}}\n");
	struct module_lookup lookup = fake_open(&fake, json_loads("{\"m.c\": {\"implementations\": [{\"name\": \"a\","
		"\"has_run\": true, \"params\": [{\"name\": \"text\", \"type\": \"list\", \"element\": \"path\"},"
		"{\"name\": \"out\", \"type\": \"path\"}, {\"name\": \"n\", \"type\": \"int\", \"value\": \"4\"}]}]}}", 0, NULL));
	ck_assert_uint_eq(topology_bind(read.topology, &lookup, &read.problems), 0);
	char *cleanup_free yaml = printed(read.topology, topology_print_yaml);
	char *cleanup_free here = realpath("here", NULL);
	char *cleanup_free expected = memory_format("lpad: 1\nname: paths\nnodes:\n  a:\n    module: [%s/m.c]\n    params:\n"
		"      text: [%s/x, /y]\n      out: %s/z\n", here, here, here);
	ck_assert_str_eq(yaml, expected);
	json_t *json = topology_to_json(read.topology);
	json_t *node = json_array_get(json_object_get(json, "nodes"), 0);
	json_t *params = json_object_get(node, "params");
	ck_assert_int_eq(json_integer_value(json_object_get(json, "schema")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(params, "n")), 4);
	ck_assert(text_starts(json_string_value(json_object_get(params, "out")), here));
	ck_assert_str_eq(json_string_value(json_object_get(node, "implementation")), "a");
	ck_assert(text_starts(json_string_value(json_array_get(json_object_get(node, "module"), 0)), here));
	json_decref(json);
	read_release(&read);
	fake_close(&fake);
}
END_TEST

/* What is put in for each replica as well: as YAML, as JSON, and read again from elsewhere. */
START_TEST(paths_that_are_templates_are_absolute)
{
	struct read read, again;
	struct fake_lookup fake;
	ck_assert(!files_make_folders("a$b", 0755, NULL));
	ck_assert(!files_make_folders("apart", 0755, NULL));
	read_text(&read, "a$b/topo.yaml", "lpad: 1\nname: paths\nvars: {dir: sub}\nnodes:\n  a:\n    module: /m.c\n    replicas: 3\n"
		"    params: {out: ./out-$index.txt, in: ['$index/$dir/x$$', $folder/y, /z/$index, ../$folder/.., '$folder'], word: w-$index}\n");
	struct module_lookup lookup = fake_open(&fake, json_loads("{\"/m.c\": {\"implementations\": [{\"name\": \"a\","
		"\"has_run\": true, \"params\": [{\"name\": \"in\", \"type\": \"list\", \"element\": \"path\"},"
		"{\"name\": \"out\", \"type\": \"path\"}, {\"name\": \"word\", \"type\": \"text\"}]}]}}", 0, NULL));
	ck_assert_uint_eq(topology_bind(read.topology, &lookup, &read.problems), 0);
	char *cleanup_free yaml = printed(read.topology, topology_print_yaml);
	char *cleanup_free here = realpath(".", NULL);
	char *cleanup_free expected = memory_format("    params:\n      out: %s/a$$b/out-$index.txt\n"
		"      in: [%s/a$$b/$index/sub/x$$, \"$folder/y\", /z/$index, %s/a$$b/../$folder/.., \"$folder\"]\n      word: w-$index\n",
		here, here, here);
	ck_assert_msg(strstr(yaml, expected), "%s\n--- lacks\n%s", yaml, expected);
	json_t *json = topology_to_json(read.topology);
	json_t *params = json_object_get(json_array_get(json_object_get(json, "nodes"), 0), "params");
	char *cleanup_free out = memory_format("%s/a$$b/out-$index.txt", here);
	ck_assert_str_eq(json_string_value(json_object_get(params, "out")), out);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(params, "in"), 1)), "$folder/y");
	ck_assert_str_eq(json_string_value(json_object_get(params, "word")), "w-$index");
	read_text(&again, "apart/topo.yaml", yaml);
	ck_assert_uint_eq(topology_bind(again.topology, &lookup, &again.problems), 0);
	for (int i = 0; i < 3; i++) {
		const struct group *a = &read.topology->groups.at[0], *b = &again.topology->groups.at[0];
		json_t *left = values_filled(a->spec, a->values, i, "/of/the/replica");
		json_t *right = values_filled(b->spec, b->values, i, "/of/the/replica");
		ck_assert(json_equal(left, right));
		json_decref(left), json_decref(right);
	}
	json_decref(json);
	read_release(&read), read_release(&again);
	fake_close(&fake);
}
END_TEST

/* The edge's, else what the subscription declares. */
START_TEST(keep_is_what_holds)
{
	struct read read;
	struct fake_lookup fake;
	read_text(&read, "topo.yaml", "lpad: 1\nname: keep\nnodes:\n  a: {module: m.c}\n  b: {module: m.c}\nedges:\n"
		"  - a.t -> b.every\n  - a.t -> b.last\n  - a.t -> b.some\n  - a.u -> b.every: {keep: 3}\n");
	struct module_lookup lookup = fake_open(&fake, json_loads("{\"m.c\": {\"implementations\": ["
		"{\"name\": \"a\", \"has_run\": true, \"topics\": [{\"name\": \"t\"}, {\"name\": \"u\"}]},"
		"{\"name\": \"b\", \"has_run\": true, \"subscriptions\": [{\"name\": \"every\", \"keep\": -2},"
		"{\"name\": \"last\", \"keep\": -1}, {\"name\": \"some\", \"keep\": 9}]}]}}", 0, NULL));
	json_t *unbound = topology_to_json(read.topology);
	ck_assert(json_is_null(json_object_get(json_array_get(json_object_get(unbound, "edges"), 0), "keep")));
	ck_assert_uint_eq(topology_bind(read.topology, &lookup, &read.problems), 0);
	json_t *json = topology_to_json(read.topology), *edges = json_object_get(json, "edges");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(edges, 0), "keep")), "all");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(edges, 1), "keep")), "latest");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(edges, 2), "keep")), 9);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(edges, 3), "keep")), 3);
	json_decref(json), json_decref(unbound);
	read_release(&read);
	fake_close(&fake);
}
END_TEST

/* ---- graphs ---- */

static const char graph[] =
	"lpad: 1\nname: tensor-parallel\nnodes:\n"
	"  proc: {module: tesseract.c, replicas: {row: 2, column: 3}}\n"
	"  check: {module: [a.c, b.c], implementation: checker, background: true}\n"
	"  plot: {command: [python3, plot.py]}\n"
	"edges:\n"
	"  - proc.row -> proc: {map: {along: column}, deadline: 2s}\n"
	"  - proc.check -> check\n"
	"  - check.loss -> plot.stdin: {keep: all}\n"
	"  - check.loss -> proc.loss: {keep: 5}\n";

START_TEST(a_graph_for_people)
{
	struct read read;
	read_text(&read, "topo.yaml", graph);
	char *cleanup_free text = printed(read.topology, topology_print_text);
	ck_assert_str_eq(text,
		"tensor-parallel, seed 1\n\n"
		"nodes\n"
		"  proc   6 (row 2, column 3)  tesseract.c\n"
		"  check                    1  a.c b.c: checker  (background)\n"
		"  plot                     1  python3 plot.py\n\n"
		"edges\n"
		"  proc.row -> proc          calls  18 pairs, along column, deadline 2 s\n"
		"  proc.check -> check       calls  6 pairs\n"
		"  check.loss -> plot.stdin  topic  1 pair, keep all\n"
		"  check.loss -> proc.loss   topic  6 pairs, keep 5\n");
	read_release(&read);
}
END_TEST

START_TEST(a_graph_for_mermaid)
{
	struct read read;
	read_text(&read, "topo.yaml", graph);
	char *cleanup_free text = printed(read.topology, topology_print_mermaid);
	ck_assert_str_eq(text,
		"flowchart LR\n"
		"    n0[\"proc x 6 (row 2, column 3): tesseract.c\"]\n"
		"    n1[\"check: a.c, ...: checker\"]\n"
		"    n2[[\"plot: python3 plot.py\"]]\n"
		"    n0 -->|\"row, along column\"| n0\n"
		"    n0 -->|\"check\"| n1\n"
		"    n1 -.->|\"loss to stdin, keep all\"| n2\n"
		"    n1 -.->|\"loss, keep 5\"| n0\n");
	read_release(&read);
}
END_TEST

START_TEST(mermaid_texts_cannot_break_out)
{
	struct read read;
	read_text(&read, "topo.yaml", "lpad: 1\nname: x\nnodes:\n"
		"  a: {command: \"sh -c 'echo \\\"]; click\\\" | <b>&amp;`x`\\n'\"}\n");
	char *cleanup_free text = printed(read.topology, topology_print_mermaid);
	ck_assert_str_eq(text, "flowchart LR\n"
		"    n0[[\"a: sh -c 'echo #34;]#59; click#34; #124; #60;b#62;#38;amp#59;#96;x#96;#10;'\"]]\n");
	read_release(&read);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("print");
	TCase *cases = tcase_create("print");
	tcase_add_test(cases, yaml_gives_the_same_topology);
	tcase_add_test(cases, paths_are_absolute);
	tcase_add_test(cases, paths_that_are_templates_are_absolute);
	tcase_add_test(cases, keep_is_what_holds);
	tcase_add_test(cases, a_graph_for_people);
	tcase_add_test(cases, a_graph_for_mermaid);
	tcase_add_test(cases, mermaid_texts_cannot_break_out);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
