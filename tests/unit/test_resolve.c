/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/topology.h"

/* ---- a file in a folder of its own, resolved ---- */

static char folder[512];
static struct problems problems;
static struct source *source;
static struct topology *topology;

static void make_folder(void)
{
	const char *temporary = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/resolve-XXXXXX", temporary ? temporary : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void clean(void)
{
	topology_free(topology);
	source_free(source);
	problems_release(&problems);
	topology = NULL;
	source = NULL;
	files_remove_tree(folder);
}

static void read_source(const char *text, const struct settings *settings)
{
	char *cleanup_free path = memory_format("%s/topo.yaml", folder);
	ck_assert_int_eq(files_replace(path, text, strlen(text), 0600, NULL), 0);
	source = source_read(path, settings, &problems, NULL);
}

static void resolve(const char *text)
{
	read_source(text, NULL);
	ck_assert_ptr_nonnull(source);
	topology = topology_resolve(source, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 0);
}

static void resolve_with(const char *text, const struct settings *settings)
{
	read_source(text, settings);
	topology = topology_resolve(source, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 0);
}

/* ---- joining replicas ---- */

static const char grids[] =
	"lpad: 1\nname: x\ndefaults: {module: a.c}\nnodes:\n"
	"  grid: {replicas: {depth: 2, row: 3, column: 4}}\n  five: {replicas: 5}\n  two: {replicas: 2}\n  one: {}\n"
	"edges:\n";

/* The partners of one replica through the only edge. */
static void ck_partners(const char *edge, bool forward, int index, const char *wanted)
{
	char *cleanup_free text = memory_format("%s  - %s\n", grids, edge);
	struct text got = { 0 };
	size_t count;
	resolve(text);
	const struct edge *only = &topology->edges.at[0];
	int *cleanup_free partners = forward ? edge_servers(topology, only, index, &count)
		: edge_callers(topology, only, index, &count);
	for (size_t i = 0; i < count; i++)
		text_format(&got, "%s%d", i ? " " : "", partners[i]);
	ck_assert_str_eq(text_string(&got), wanted);
	text_release(&got);
	topology_free(topology);
	source_free(source);
}

static const struct { const char *edge; bool forward; int index; const char *wanted; } partners[] = {
	{ "five.h -> two", true, 3, "0 1" },
	{ "five.h -> two", false, 1, "0 1 2 3 4" },
	{ "five.h -> five", true, 2, "0 1 2 3 4" },
	{ "five.t -> five.s", true, 2, "0 1 3 4" },
	{ "five.t -> five.s", false, 2, "0 1 3 4" },
	{ "five.h -> five: {map: one-to-one}", true, 2, "2" },
	{ "five.t -> five.s: {map: one-to-one}", true, 2, "" },
	{ "five.h -> two: {map: round-robin}", true, 3, "1" },
	{ "five.h -> two: {map: round-robin}", false, 0, "0 2 4" },
	{ "two.h -> five: {map: round-robin}", true, 1, "1 3" },
	{ "two.h -> five: {map: round-robin}", false, 4, "0" },
	{ "five.h -> five: {map: next}", true, 4, "0" },
	{ "five.h -> five: {map: next}", false, 0, "4" },
	{ "five.h -> five: {map: previous}", true, 0, "4" },
	{ "five.h -> five: {map: previous}", false, 4, "0" },
	{ "one.h -> one: {map: next}", true, 0, "0" },
	{ "one.t -> one.s: {map: next}", true, 0, "" },
	{ "grid.h -> grid: {map: {along: column}}", true, 17, "16 17 18 19" },
	{ "grid.h -> grid: {map: {along: row}}", true, 17, "13 17 21" },
	{ "grid.h -> grid: {map: {along: depth}}", true, 17, "5 17" },
	{ "grid.h -> grid: {map: {along: row}}", false, 17, "13 17 21" },
	{ "grid.t -> grid.s: {map: {along: row}}", true, 17, "13 21" },
	{ "grid.h -> grid: {map: {next: column}}", true, 19, "16" },
	{ "grid.h -> grid: {map: {next: row}}", true, 21, "13" },
	{ "grid.h -> grid: {map: {next: row}}", false, 13, "21" },
	{ "grid.h -> grid: {map: {previous: depth}}", true, 5, "17" },
	{ "grid.h -> grid: {map: next}", true, 23, "0" },
};

START_TEST(partners_are_those_of_the_map)
{
	make_folder();
	ck_partners(partners[_i].edge, partners[_i].forward, partners[_i].index, partners[_i].wanted);
	files_remove_tree(folder);
}
END_TEST

/* Whatever the map: both sides agree, and the pairs are as many as edge_pairs says. */
START_TEST(both_sides_of_an_edge_agree)
{
	char *cleanup_free text = memory_format("%s  - %s\n", grids, partners[_i].edge);
	make_folder();
	resolve(text);
	const struct edge *edge = &topology->edges.at[0];
	int from = topology->groups.at[edge->from].replicas, to = topology->groups.at[edge->to].replicas;
	char *cleanup_free seen = memory_array((size_t)from * (size_t)to, 1);
	int64_t pairs = 0;
	for (int i = 0; i < from; i++) {
		size_t count;
		int *cleanup_free servers = edge_servers(topology, edge, i, &count);
		for (size_t j = 0; j < count; j++, pairs++) {
			ck_assert(!j || servers[j] > servers[j - 1]);
			seen[i * to + servers[j]] = 1;
		}
	}
	ck_assert_int_eq(pairs, edge_pairs(topology, edge));
	for (int j = 0; j < to; j++) {
		size_t count;
		int *cleanup_free callers = edge_callers(topology, edge, j, &count);
		for (size_t i = 0; i < count; i++, pairs--)
			ck_assert_int_eq(seen[callers[i] * to + j], 1);
	}
	ck_assert_int_eq(pairs, 0);
	clean();
}
END_TEST

START_TEST(replicas_have_names_and_coordinates)
{
	int places[3];
	make_folder();
	resolve(grids);
	group_coordinates(topology_group(topology, "grid"), 17, places);
	ck_assert(places[0] == 1 && places[1] == 1 && places[2] == 1);
	static const struct { const char *label; int index; const char *name; } names[] = {
		{ "grid", 0, "grid/0/0/0" }, { "grid", 23, "grid/1/2/3" }, { "five", 4, "five/4" }, { "one", 0, "one" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *cleanup_free name = group_replica_name(topology_group(topology, names[i].label),
			names[i].index);
		ck_assert_str_eq(name, names[i].name);
	}
	ck_assert_ptr_null(topology_group(topology, "three"));
	clean();
}
END_TEST

START_TEST(one_replica_that_was_asked_for_has_a_number)
{
	make_folder();
	resolve("lpad: 1\nname: x\nvars: {n: 1}\nnodes: {a: {module: a.c, replicas: $n}}\n");
	char *cleanup_free name = group_replica_name(&topology->groups.at[0], 0);
	ck_assert_str_eq(name, "a/0");
	clean();
}
END_TEST

/* ---- where values come from ---- */

START_TEST(values_know_their_places)
{
	const struct setting set[] = { { .name = "lr", .value = "0.5" }, { .name = "data", .value = "here.txt" } };
	const struct settings settings = { .at = set, .count = 2, .folder = "/current" };
	make_folder();
	resolve_with("lpad: 1\nname: x\nvars:\n  lr: 1\n  data: there.txt\n  own: mine.txt\nnodes:\n  a:\n    module: a.c\n"
		"    params: {lr: $lr, data: $data, own: $own, mixed: $data-2, sub: sub/$data, plain: p}\n", &settings);
	const struct tree *params = topology->groups.at[0].params, *lr = tree_get(params, "lr");
	ck_assert_str_eq(lr->text, "0.5");
	ck_assert_str_eq(lr->mark.file, source->file);
	ck_assert(lr->mark.line == 10 && lr->mark.column == 18 && lr->mark.end_column == 21);
	ck_assert_str_eq(lr->from.file, "--set lr");
	ck_assert(lr->from.line == 1 && lr->from.column == 4 && lr->from.end_column == 7);
	ck_assert_int_eq(tree_get(params, "own")->from.line, 6);
	ck_assert_int_eq(tree_get(params, "plain")->from.line, 0);
	static const struct { const char *name; bool current; } bases[] = {
		{ "data", true }, { "own", false }, { "mixed", true }, { "sub", false }, { "plain", false },
	};
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		ck_assert_str_eq(tree_get(params, bases[i].name)->base, bases[i].current ? "/current" : folder);
	clean();
}
END_TEST

START_TEST(ends_of_an_arrow_have_marks)
{
	make_folder();
	resolve("lpad: 1\nname: x\nvars: {to: b}\ndefaults: {module: a.c}\nnodes: {a: , b: }\nedges:\n  - 'a.port  ->  $to' : {map: all}\n");
	const struct edge *edge = &topology->edges.at[0];
	ck_assert(edge->mark.line == 7 && edge->mark.column == 5 && edge->mark.end_column == 22);
	ck_assert(edge->from_mark.column == 6 && edge->from_mark.end_column == 12);
	ck_assert(edge->to_mark.column == 18 && edge->to_mark.end_column == 21);
	ck_assert_int_eq(edge->map_mark.column, 31);
	ck_assert_str_eq(edge->from_port, "port");
	ck_assert_ptr_null(edge->to_port);
	clean();
}
END_TEST

START_TEST(an_arrow_may_lack_its_port)
{
	make_folder();
	resolve("lpad: 1\nname: x\ndefaults: {module: a.c}\nnodes: {a: , b: }\nedges:\n  - a -> b.x\n");
	ck_assert_ptr_null(topology->edges.at[0].from_port);
	ck_assert_str_eq(topology->edges.at[0].to_port, "x");
	clean();
}
END_TEST

/* ---- settings ---- */

START_TEST(name_and_run_are_given)
{
	const struct settings settings = { .folder = "/", .run = "given-3", .name = "given" };
	make_folder();
	resolve_with("lpad: 1\nname: x\nnodes: {a: {module: a.c, params: {r: $run, n: $name}}}\n", &settings);
	ck_assert_str_eq(topology->name, "given");
	ck_assert_str_eq(tree_get(topology->groups.at[0].params, "r")->text, "given-3");
	ck_assert_str_eq(tree_get(topology->groups.at[0].params, "n")->text, "given");
	clean();
}
END_TEST

START_TEST(a_name_from_the_command_line_is_checked)
{
	const struct settings settings = { .folder = "/", .name = "../x" };
	make_folder();
	read_source("lpad: 1\nnodes: {a: {module: a.c}}\n", &settings);
	topology = topology_resolve(source, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list.at[0].mark.file, "--name");
	clean();
}
END_TEST

START_TEST(the_last_setting_counts)
{
	const struct setting set[] = { { .name = "seed", .value = "5" }, { .name = "seed", .value = "6" } };
	const struct settings settings = { .at = set, .count = 2, .folder = "/" };
	make_folder();
	resolve_with("lpad: 1\nname: x\nnodes: {a: {module: a.c}}\n", &settings);
	ck_assert_int_eq(topology->seed, 6);
	clean();
}
END_TEST

START_TEST(what_is_missing_is_unreadable)
{
	bool unreadable = false;
	make_folder();
	source = source_read("/nowhere/at/all", NULL, &problems, &unreadable);
	ck_assert(!source && unreadable);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list.at[0].mark.file, "/nowhere/at/all");
	problems_release(&problems);
	source = source_read(folder, NULL, &problems, &unreadable);
	ck_assert(!source && unreadable);
	ck_assert_uint_eq(problems.errors, 1);
	problems_release(&problems);
	read_source("[", NULL);
	ck_assert_ptr_null(source);
	char *cleanup_free wanted = memory_format("%s/topo.yaml", folder);
	ck_assert_str_eq(problems.list.at[0].mark.file, wanted);
	ck_assert_str_eq(problems.source, "[");
	clean();
}
END_TEST

START_TEST(a_folder_means_its_topology)
{
	make_folder();
	resolve("lpad: 1\nname: x\nnodes: {a: {module: a.c}}\n");
	topology_free(topology);
	source_free(source);
	source = source_read(folder, NULL, &problems, NULL);
	ck_assert_str_eq(source->folder, folder);
	topology = topology_resolve(source, NULL, &problems);
	clean();
}
END_TEST

/* ---- combinations ---- */

static void ck_combinations(const char *vars, size_t wanted, size_t warnings, const struct settings *settings)
{
	char *cleanup_free text = memory_format("lpad: 1\nname: x\nvars: {%s}\nnodes: {a: {module: a.c}}\n", vars);
	struct combinations combinations = { 0 };
	make_folder();
	read_source(text, settings);
	source_combinations(source, &combinations, &problems);
	ck_assert_uint_eq(combinations.list.count, wanted);
	ck_assert_uint_eq(problems.warnings, warnings);
	combinations_release(&combinations);
	clean();
}

START_TEST(combinations_multiply_up_to_64)
{
	static const char two[] = "%c: {default: x, one_of: [x, y]}, ";
	const struct setting set[] = { { .name = "a", .value = "y" }, { .name = "b", .value = "x" } };
	const struct settings settings = { .at = set, .count = 2, .folder = "/" };
	struct text vars = { 0 };
	ck_combinations("n: 3", 1, 0, NULL);
	ck_combinations("m: {default: b, one_of: [a, b, c]}", 3, 0, NULL);
	for (char c = 'a'; c <= 'f'; c++)
		text_format(&vars, "%c%s", c, two + 2);
	ck_combinations(vars.data, 64, 0, NULL);
	text_format(&vars, "g%s", two + 2);
	ck_combinations(vars.data, 8, 1, NULL);
	ck_combinations(vars.data, 32, 0, &settings);
	text_release(&vars);
}
END_TEST

START_TEST(the_first_combination_is_the_default_one)
{
	struct combinations combinations = { 0 };
	make_folder();
	read_source("lpad: 1\nname: x\nvars: {m: {default: b, one_of: [a, b, c]}}\nnodes: {a: {module: $m.c}}\n", NULL);
	source_combinations(source, &combinations, &problems);
	static const char *const values[] = { "b", "a", "c" };
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(combinations.list.at[i].values[0], values[i]);
		struct topology *each = topology_resolve(source, &combinations.list.at[i], &problems);
		char *cleanup_free module = memory_format("%s.c", values[i]);
		ck_assert_str_eq(each->groups.at[0].module.at[0].text, module);
		topology_free(each);
	}
	combinations_release(&combinations);
	clean();
}
END_TEST

/* ---- large files ---- */

START_TEST(ten_thousand_nodes)
{
	enum { NODES = 10000 };
	struct text text = { 0 };
	text_add(&text,
		"lpad: 1\nname: large\nvars: {n: 1, lr: 0.1}\ndefaults: {module: a.c, params: {x: $lr}}\nnodes:\n");
	for (int i = 0; i < NODES; i++)
		text_format(&text,
			"  node-%d: {replicas: $n, params: {lr: $lr, place: %d}, on_failure: ignore}\n", i, i);
	text_add(&text, "edges:\n");
	for (int i = 0; i < NODES; i++)
		text_format(&text, "  - node-%d.t -> node-%d.s: {keep: all}\n", i, (i + 1) % NODES);
	make_folder();
	resolve(text.data);
	ck_assert_uint_eq(topology->groups.count, NODES);
	ck_assert_int_eq(topology->groups.at[NODES - 1].first, NODES - 1);
	ck_assert(topology->edges.at[NODES - 1].to == 0 && topology->edges.at[0].cycle);
	clean();
	text_release(&text);
}
END_TEST

/* A chain of topics as long as the file: no recursion may follow it. */
START_TEST(a_long_chain_is_no_circle)
{
	enum { NODES = 20000 };
	struct text text = { 0 };
	text_add(&text, "lpad: 1\nname: chain\ndefaults: {module: a.c}\nnodes:\n");
	for (int i = 0; i < NODES; i++)
		text_format(&text, "  n%d:\n", i);
	text_add(&text, "edges:\n");
	for (int i = 1; i < NODES; i++)
		text_format(&text, "  - n%d.t -> n%d.s\n", i - 1, i);
	make_folder();
	resolve(text.data);
	for (size_t i = 0; i < topology->edges.count; i++)
		ck_assert(!topology->edges.at[i].cycle);
	clean();
	text_release(&text);
}
END_TEST

/* ---- unused ---- */

START_TEST(a_variable_of_another_combination_is_used)
{
	make_folder();
	read_source("lpad: 1\nname: x\nvars: {m: {default: a, one_of: [a, b]}, n: 3, unused: 1}\n"
		"nodes: {a: {module: a.c}, b: {module: b.c, replicas: $n, when: {m: b}}}\n", NULL);
	topology = topology_resolve(source, NULL, &problems);
	ck_assert_uint_eq(problems.errors, 0);
	source_report_unused(source, &problems);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list.at[0].message, "nothing uses the variable `unused`");
	clean();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *cases = tcase_create("resolve");
	int edges = (int)(sizeof partners / sizeof *partners);
	tcase_set_timeout(cases, 120);
	tcase_add_loop_test(cases, partners_are_those_of_the_map, 0, edges);
	tcase_add_loop_test(cases, both_sides_of_an_edge_agree, 0, edges);
	tcase_add_test(cases, replicas_have_names_and_coordinates);
	tcase_add_test(cases, one_replica_that_was_asked_for_has_a_number);
	tcase_add_test(cases, values_know_their_places);
	tcase_add_test(cases, ends_of_an_arrow_have_marks);
	tcase_add_test(cases, an_arrow_may_lack_its_port);
	tcase_add_test(cases, name_and_run_are_given);
	tcase_add_test(cases, a_name_from_the_command_line_is_checked);
	tcase_add_test(cases, the_last_setting_counts);
	tcase_add_test(cases, what_is_missing_is_unreadable);
	tcase_add_test(cases, a_folder_means_its_topology);
	tcase_add_test(cases, combinations_multiply_up_to_64);
	tcase_add_test(cases, the_first_combination_is_the_default_one);
	tcase_add_test(cases, ten_thousand_nodes);
	tcase_add_test(cases, a_long_chain_is_no_circle);
	tcase_add_test(cases, a_variable_of_another_combination_is_used);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
