/* SPDX-License-Identifier: MIT */
#include "topology/processes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/text.h"

/* ---- topologies from texts, not bound: who shares a process does not depend on modules ---- */

static struct problems problems;
static struct settings settings = { .folder = "/here" };
static struct source *source;
static struct topology *topology;
static struct processes *processes;

static void place(const char *nodes, bool threads)
{
	struct error error = { 0 };
	bool unreadable = false;
	char *cleanup_free text = memory_format("lpad: 1\nname: placed\ndefaults: {module: m.c}\n%s", nodes);
	ck_assert(!files_replace("topo.yaml", text, strlen(text), 0644, &error));
	source = source_read("topo.yaml", &settings, &problems, &unreadable);
	topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	problems_print(&problems, stderr, false);
	ck_assert_uint_eq(problems.errors, 0);
	processes = processes_new(topology, threads);
}

static void teardown(void)
{
	processes_free(processes);
	topology_free(topology);
	source_free(source);
	problems_release(&problems);
}

/* "w/0-1: 0 1; w/2: 2" */
static char *shown(void)
{
	struct text out = { 0 };
	for (int i = 0; i < processes->count; i++) {
		text_format(&out, "%s%s:", i ? "; " : "", processes->at[i].name);
		for (int k = 0; k < processes->at[i].count; k++)
			text_format(&out, " %d", processes->at[i].members[k]);
	}
	return text_take(&out);
}

/* ---- tests ---- */

static const struct { const char *nodes; bool threads; const char *expected; } rows[] = {
	{ "nodes: {a: {}, w: {replicas: 2}}", false, "a: 0; w/0: 1; w/1: 2" },
	{ "nodes: {w: {replicas: 5, per_process: 2}}", false, "w/0-1: 0 1; w/2-3: 2 3; w/4: 4" },
	{ "nodes: {w: {replicas: 2, per_process: 2}, a: {per_process: 9}}", false, "w/0-1: 0 1; a: 2" },
	{ "nodes: {g: {replicas: {row: 2, column: 3}, per_process: 4}}", false, "g/0-3: 0 1 2 3; g/4-5: 4 5" },
	{ "nodes: {g: {replicas: {row: 2, column: 3}, per_process: 5}}", false, "g/0-4: 0 1 2 3 4; g/1/2: 5" },
	{ "nodes: {a: {process: p}, b: {}, c: {replicas: 2, process: p}, d: {process: q}}", false,
		"p: 0 2 3; b: 1; q: 4" },
	{ "nodes: {a: {process: p}, b: {replicas: 3, per_process: 2}, c: {}}", true, "placed: 0 1 2 3 4" },
	/* A command is no thread of anybody. */
	{ "nodes: {a: {}, c: {replicas: 2, command: [true]}, b: {}}", true, "placed: 0 3; c/0: 1; c/1: 2" },
};

START_TEST(who_shares)
{
	place(rows[_i].nodes, rows[_i].threads);
	char *cleanup_free actual = shown();
	ck_assert_str_eq(actual, rows[_i].expected);
	ck_assert_int_eq(processes->total, topology->total);
	for (int i = 0; i < processes->count; i++) {
		ck_assert_int_eq(processes->at[i].shared, processes->at[i].count > 1);
		for (int k = 0; k < processes->at[i].count; k++)
			ck_assert_int_eq(processes->of[processes->at[i].members[k]], i);
	}
}
END_TEST

static const struct { const char *nodes; bool threads; enum policy_kind kind; int64_t start_s, stop_s; } words[] = {
	{ "nodes: {a: {process: p}, b: {process: p}}", false, POLICY_STOP, -1, 10 },
	{ "nodes: {a: {process: p}, b: {process: p, on_failure: restart}}", false, POLICY_RESTART, -1, 10 },
	{ "nodes: {a: {process: p, on_failure: ignore}, b: {process: p}}", false, POLICY_IGNORE, -1, 10 },
	{ "on_failure: restart\nnodes: {a: {process: p}, b: {process: p, on_failure: ignore}}", false, POLICY_IGNORE, -1, 10 },
	{ "on_failure: restart\nnodes: {a: {process: p}, b: {process: p}}", false, POLICY_RESTART, -1, 10 },
	{ "on_failure: restart\nnodes: {a: {}, b: {on_failure: ignore}}", true, POLICY_STOP, -1, 10 },
	{ "nodes: {a: {process: p, start_within: 2s, stop_within: 30s}, b: {process: p, start_within: 4s, stop_within: 3s}}",
		false, POLICY_STOP, 4, 30 },
	{ "nodes: {a: {process: p, start_within: 2s}, b: {process: p}}", false, POLICY_STOP, -1, 10 },
};

START_TEST(what_they_say_of_it)
{
	place(words[_i].nodes, words[_i].threads);
	ck_assert_int_eq(processes->count, 1);
	const struct process *process = &processes->at[0];
	ck_assert_int_eq(process->policy.kind, words[_i].kind);
	ck_assert_int_eq(process->start_within_ns, words[_i].start_s < 0 ? -1 : words[_i].start_s * 1000000000);
	ck_assert_int_eq(process->stop_within_ns, words[_i].stop_s * 1000000000);
}
END_TEST

START_TEST(a_million)
{
	place("nodes: {a: {replicas: 400000, per_process: 3}, b: {replicas: 600000, process: p}}", false);
	ck_assert_int_eq(processes->count, 133334 + 1);
	ck_assert_int_eq(processes->at[133334].count, 600000);
	ck_assert_int_eq(processes->at[133334].members[599999], 999999);
	ck_assert_str_eq(processes->at[133333].name, "a/399999");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("processes");
	TCase *cases = tcase_create("processes");
	tcase_add_checked_fixture(cases, NULL, teardown);
	tcase_add_loop_test(cases, who_shares, 0, sizeof rows / sizeof rows[0]);
	tcase_add_loop_test(cases, what_they_say_of_it, 0, sizeof words / sizeof words[0]);
	tcase_add_test(cases, a_million);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
