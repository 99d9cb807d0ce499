/* SPDX-License-Identifier: MIT */
/* Objects and maps of objects as parameters, from the file to the document of a replica and back into a file. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "fake_lookup.h"
#include "topology/document.h"

static const char interfaces[] =
	"{\"replay.so\": {\"implementations\": [{\"name\": \"replay\", \"has_run\": true, \"has_check\": true, \"params\": ["
	" {\"name\": \"tables\", \"type\": \"map\", \"fields\": ["
	"  {\"name\": \"sampler\", \"type\": \"choice\", \"value\": \"uniform\", \"range\": \"uniform fifo\"},"
	"  {\"name\": \"max_size\", \"type\": \"int\", \"value\": \"1000\", \"range\": \"1..\"},"
	"  {\"name\": \"limiter\", \"type\": \"object\", \"fields\": ["
	"   {\"name\": \"min_size\", \"type\": \"int\", \"range\": \"1..\"},"
	"   {\"name\": \"error_buffer\", \"type\": \"real\", \"value\": \".inf\"}]}]},"
	" {\"name\": \"checkpoint\", \"type\": \"object\", \"fields\": ["
	"  {\"name\": \"every\", \"type\": \"duration\", \"value\": \"1m\"},"
	"  {\"name\": \"to\", \"type\": \"path\", \"value\": \"$folder/saved\"},"
	"  {\"name\": \"copies\", \"type\": \"list\", \"element\": \"path\", \"value\": \"[]\"},"
	"  {\"name\": \"at\", \"type\": \"list\", \"element\": \"int\", \"value\": \"1, 2\"}]},"
	" {\"name\": \"extra\", \"type\": \"map\", \"value\": \"{one: {k: $index}, two: {}}\", \"fields\": ["
	"  {\"name\": \"k\", \"type\": \"int\", \"value\": \"3\"}]}]}]}}";

static const char topology_text[] =
	"lpad: 1\n"
	"name: nested\n"
	"vars:\n"
	"  per: 2.5\n"
	"  tables:\n"
	"    default:\n"
	"      transitions: {sampler: fifo, limiter: {min_size: 10, error_buffer: $per}}\n"
	"defaults: {module: replay.so, params: {checkpoint: {every: 5s, copies: [a, $folder/b]}}}\n"
	"nodes:\n"
	"  replay:\n"
	"    replicas: 3\n"
	"    implementation: replay\n"
	"    params:\n"
	"      tables: $tables\n"
	"      checkpoint: {to: saves/$index, at: [$index, 7]}\n"
	"  other: {implementation: replay, params: {tables: {b: {limiter: {min_size: 1}}, a: {max_size: 5, limiter: {min_size: 2}}}}}\n";

/* ---- what every test needs ---- */

static char *folder;
static struct fake_lookup fake;
static struct problems problems;
static struct source *source;
static struct topology *topology;
static struct setting setting;
static struct settings settings;

static size_t bind_file(const char *path, const char *set)
{
	struct module_lookup lookup = fake_open(&fake, json_loads(interfaces, 0, NULL));
	settings = (struct settings){ .folder = "/elsewhere", .at = &setting, .count = set ? 1 : 0 };
	setting = (struct setting){ .name = "tables", .value = set };
	problems = (struct problems){ 0 };
	source = source_read(path, &settings, &problems, NULL);
	topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	if (topology)
		topology_bind(topology, &lookup, &problems);
	return problems.errors;
}

static void release(void)
{
	topology_free(topology);
	source_free(source);
	problems_release(&problems);
	fake_close(&fake);
}

static void setup(void)
{
	struct error error = { 0 };
	folder = memory_copy_text("/tmp/lpad-nested-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(!files_replace("topo.yaml", topology_text, strlen(topology_text), 0644, &error));
}

static void teardown(void)
{
	unlink("topo.yaml");
	unlink("again.yaml");
	rmdir(folder);
	free(folder);
}

/* HERE stands for the topology's folder. */
static void expect_json(json_t *actual, const char *expected)
{
	struct text cleanup_text text = { 0 };
	for (const char *at = expected; *at; at++) {
		bool here = text_starts(at, "HERE");
		text_add(&text, here ? folder : (char[]){ *at == '\'' ? '"' : *at, '\0' });
		at += here ? 3 : 0;
	}
	json_error_t wrong;
	json_t *wanted = json_loads(text.data, 0, &wrong);
	ck_assert_msg(wanted, "%s: %s", text.data, wrong.text);
	char *cleanup_free shown = json_dumps(actual, JSON_COMPACT);
	ck_assert_msg(json_equal(actual, wanted), "%s\n  and not %s", shown, text.data);
	json_decref(wanted);
}

static json_t *params_of(json_t *node)
{
	return json_object_get(node, "params");
}

/* ---- tests ---- */

START_TEST(a_replica_gets_every_value_filled_in)
{
	ck_assert_uint_eq(bind_file("topo.yaml", NULL), 0);
	json_t *node = document_check(topology, topology_group(topology, "replay"), 2);
	expect_json(params_of(node),
		"{'tables': {'transitions': {'sampler': 'fifo', 'max_size': 1000, 'limiter': {'min_size': 10, 'error_buffer': 2.5}}},"
		" 'checkpoint': {'every': 60.0, 'to': 'HERE/saves/2', 'copies': [], 'at': [2, 7]},"
		" 'extra': {'one': {'k': 2}, 'two': {'k': 3}}}");
	json_decref(node);
	node = document_check(topology, topology_group(topology, "other"), 0);
	expect_json(params_of(node),
		"{'tables': {'a': {'sampler': 'uniform', 'max_size': 5, 'limiter': {'min_size': 2, 'error_buffer': '.inf'}},"
		"            'b': {'sampler': 'uniform', 'max_size': 1000, 'limiter': {'min_size': 1, 'error_buffer': '.inf'}}},"
		" 'checkpoint': {'every': 5.0, 'to': '/folder-of-the-replica/saved', 'copies': ['HERE/a', '/folder-of-the-replica/b'],"
		"  'at': [1, 2]},"
		" 'extra': {'one': {'k': 0}, 'two': {'k': 3}}}");
	/* A map is in the file's order. */
	ck_assert_str_eq(json_object_iter_key(json_object_iter(json_object_get(params_of(node), "tables"))), "b");
	json_decref(node);
	ck_assert_int_eq(fake.checks, 4);       /* $index stands inside: each replica of the one, and the other */
	release();
}
END_TEST

START_TEST(expanded_with_templates_as_texts)
{
	ck_assert_uint_eq(bind_file("topo.yaml", NULL), 0);
	json_t *json = topology_to_json(topology);
	expect_json(params_of(json_array_get(json_object_get(json, "nodes"), 0)),
		"{'tables': {'transitions': {'sampler': 'fifo', 'max_size': 1000, 'limiter': {'min_size': 10, 'error_buffer': 2.5}}},"
		" 'checkpoint': {'every': 60.0, 'to': 'HERE/saves/$index', 'copies': [], 'at': ['$index', 7]},"
		" 'extra': {'one': {'k': '$index'}, 'two': {'k': 3}}}");
	json_decref(json);
	release();
}
END_TEST

static void write_again(void)
{
	FILE *out = fopen("again.yaml", "w");
	ck_assert_ptr_nonnull(out);
	topology_print_yaml(topology, out);
	fclose(out);
}

START_TEST(printed_as_yaml_it_means_the_same)
{
	ck_assert_uint_eq(bind_file("topo.yaml", NULL), 0);
	json_t *first = topology_to_json(topology);
	write_again();
	release();
	ck_assert_uint_eq(bind_file("again.yaml", NULL), 0);
	json_t *second = topology_to_json(topology);
	ck_assert(json_equal(json_object_get(first, "nodes"), json_object_get(second, "nodes")));
	json_decref(first);
	json_decref(second);
	release();
}
END_TEST

START_TEST(a_whole_map_is_set)
{
	ck_assert_uint_eq(bind_file("topo.yaml", "{a: {max_size: 5, limiter: {min_size: $per}}}"), 1);
	ck_assert_str_eq(problems.list.at[0].message, "a whole number is needed, not \"2.5\" (set by --set tables)");
	release();
	ck_assert_uint_eq(bind_file("topo.yaml", "{a: {max_size: 5, limiter: {min_size: 9}}}"), 0);
	json_t *node = document_check(topology, topology_group(topology, "replay"), 0);
	expect_json(json_object_get(params_of(node), "tables"),
		"{'a': {'sampler': 'uniform', 'max_size': 5, 'limiter': {'min_size': 9, 'error_buffer': '.inf'}}}");
	json_decref(node);
	release();
}
END_TEST

static const struct { const char *set, *file, *message; } bad_sets[] = {
	{ "5", "--set tables", "tables is a map: it is written {a: 1, b: 2}" },
	{ "[a, b]", "--set tables", "tables is a map: it is written {a: 1, b: 2}" },
	{ "{a: {max_size: 5}}", "--set tables",
		"replay (replay.so) needs the parameter `tables.a.limiter.min_size` (a whole number)" },
	{ "{a: {max_size: 0, limiter: {min_size: 1}}}", "topo.yaml",
		"tables.a.max_size is 0, but must be at least 1 (set by --set tables)" },
	{ "{a: {maxsize: 1, limiter: {min_size: 1}}}", "--set tables",
		"tables.a has no field `maxsize`: did you mean `max_size`?" },
};

START_TEST(what_is_wrong_in_a_set_map_is_told_there)
{
	ck_assert_uint_eq(bind_file("topo.yaml", bad_sets[_i].set), 1);
	ck_assert_str_eq(problems.list.at[0].message, bad_sets[_i].message);
	ck_assert_str_eq(problems.list.at[0].mark.file, bad_sets[_i].file);
	release();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nested");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_replica_gets_every_value_filled_in);
	tcase_add_test(all, expanded_with_templates_as_texts);
	tcase_add_test(all, printed_as_yaml_it_means_the_same);
	tcase_add_test(all, a_whole_map_is_set);
	tcase_add_loop_test(all, what_is_wrong_in_a_set_map_is_told_there, 0, (int)(sizeof bad_sets / sizeof bad_sets[0]));
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
