/* SPDX-License-Identifier: MIT */
/* Every folder in tests/topology/bind: topo.yaml with interfaces.json gives exactly `error`. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "fake_lookup.h"
#include "topology/joins.h"

static char *cases[200];
static int case_count;

/* ---- one case, in all its combinations, as `lpad check` goes through them ---- */

static char *prefix_of(const struct combination *first, const struct combination *one)
{
	struct text text = { 0 };
	for (size_t i = 0; i < one->count; i++)
		if (strcmp(first->values[i], one->values[i]))
			text_format(&text, "%s%s=%s", text.length ? ", " : "with ", one->names[i], one->values[i]);
	if (text.length)
		text_add(&text, ", ");
	return text_take(&text);
}

static void bind_combination(struct source *source, const struct combination *combination,
	const struct module_lookup *lookup, struct problems *problems)
{
	struct topology *topology = topology_resolve(source, combination, problems);
	if (!topology)
		return;
	size_t before = problems->errors, found = topology_bind(topology, lookup, problems);
	ck_assert_uint_eq(found, problems->errors - before);
	topology_free(topology);
}

static void bind_all(struct source *source, const struct module_lookup *lookup, struct problems *problems)
{
	struct combinations combinations = { 0 };
	source_combinations(source, &combinations, problems);
	for (size_t i = 0; i < combinations.list.count; i++) {
		char *cleanup_free prefix = prefix_of(&combinations.list.at[0], &combinations.list.at[i]);
		problems->prefix = *prefix ? prefix : NULL;
		bind_combination(source, &combinations.list.at[i], lookup, problems);
		problems->prefix = NULL;
	}
	source_report_unused(source, problems);
	combinations_release(&combinations);
}

static char *printed(const struct problems *problems)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	problems_print(problems, out, false);
	fclose(out);
	return text;
}

/* In the folder of the case: what is said of it. */
static char *outcome(void)
{
	struct problems problems = { 0 };
	struct settings settings = { .folder = "/" };
	struct fake_lookup fake;
	bool unreadable = false;
	json_error_t where;
	json_t *modules = json_load_file("interfaces.json", 0, &where);
	ck_assert_msg(modules, "interfaces.json:%d: %s", where.line, where.text);
	struct module_lookup lookup = fake_open(&fake, modules);
	struct source *source = source_read("topo.yaml", &settings, &problems, &unreadable);
	ck_assert(!unreadable);
	if (source)
		bind_all(source, &lookup, &problems);
	char *text = printed(&problems);
	problems_release(&problems);
	source_free(source);
	fake_close(&fake);
	return text;
}

START_TEST(says_exactly_this)
{
	struct text cleanup_text expected = { 0 };
	struct error error = { 0 };
	ck_assert_int_eq(chdir(cases[_i]), 0);
	ck_assert_msg(!files_read("error", &expected, 0, &error), "%s: %s", cases[_i], error.text);
	char *cleanup_free actual = outcome();
	if (getenv("BLESS") && strcmp(actual, text_string(&expected)))
		ck_assert(!files_replace("error", actual, strlen(actual), 0644, &error));
	ck_assert_msg(!strcmp(actual, text_string(&expected)), "%s\n--- expected\n%s--- actual\n%s", cases[_i],
		text_string(&expected), actual);
}
END_TEST

static void find_cases(const char *kind)
{
	char *cleanup_free folder = memory_format("%s/topology/%s", getenv("TESTS") ? getenv("TESTS") : "tests", kind);
	char *cleanup_free absolute = realpath(folder, NULL);
	DIR *list = absolute ? opendir(absolute) : NULL;
	for (struct dirent *entry; list && (entry = readdir(list)); )
		if (entry->d_name[0] != '.' && case_count < (int)(sizeof cases / sizeof cases[0]))
			cases[case_count++] = memory_format("%s/%s", absolute, entry->d_name);
	if (list)
		closedir(list);
}

int main(void)
{
	Suite *suite = suite_create("bind");
	TCase *tests = tcase_create("bind");
	find_cases("bind");
	if (!case_count) {
		fputs("no cases: TESTS must name the folder of the tests\n", stderr);
		return 1;
	}
	tcase_add_loop_test(tests, says_exactly_this, 0, case_count);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	for (int i = 0; i < case_count; i++)
		free(cases[i]);
	return failed != 0;
}
