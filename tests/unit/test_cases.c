/* SPDX-License-Identifier: MIT */
/*
 * Every folder of tests/topology/valid and tests/topology/invalid: a topo.yaml, read and resolved in all its
 * combinations. `expected` holds what a valid one becomes, `error` what is printed of an invalid one. A file `set`
 * beside it holds lines NAME=VALUE, `arguments` what stands behind `--`. UPDATE_CASES=1 writes expected and error anew.
 */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/topology.h"

/* ---- a topology as text ---- */

static const char *folder;      /* of the case: shown as HERE */

static void add_text(struct text *out, const char *text)
{
	size_t length = strlen(folder);
	if (!strncmp(text, folder, length))
		text_add(out, "HERE"), text += length;
	text_add(out, text);
}

static void add_tree(struct text *out, const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR) {
		text_add(out, tree_is_null(tree) ? "null" : tree->quoted ? "\""
			: tree->template ? "template " : "");
		add_text(out, tree_is_null(tree) ? "" : tree->text);
		text_add(out, tree->quoted ? "\"" : "");
		return;
	}
	text_add(out, tree->kind == TREE_LIST ? "[" : "{");
	for (size_t i = 0; i < tree->count; i++) {
		text_add(out, i ? ", " : "");
		if (tree->kind == TREE_MAP)
			text_format(out, "%s: ", tree->keys[i]);
		add_tree(out, tree->items[i]);
	}
	text_add(out, tree->kind == TREE_LIST ? "]" : "}");
}

static void add_named_tree(struct text *out, const char *name, const struct tree *tree)
{
	if (!tree)
		return;
	text_format(out, "    %s: ", name);
	add_tree(out, tree);
	text_add_char(out, '\n');
}

static void add_policy(struct text *out, const char *indent, const struct policy *policy)
{
	static const char *const names[] = { "stop", "ignore", "restart" };
	if (!policy->mark.line)
		return;
	text_format(out, "%son_failure: %s", indent, names[policy->kind]);
	if (policy->kind == POLICY_RESTART)
		text_format(out, " %d within %lld ms, backoff %lld..%lld ms, then %s", policy->restarts,
			(long long)policy->within_ns / 1000000, (long long)policy->backoff_low_ns / 1000000,
			(long long)policy->backoff_high_ns / 1000000, names[policy->then]);
	text_add_char(out, '\n');
}

static void add_build(struct text *out, const struct group *group)
{
	if (!group->build.mark.line)
		return;
	text_add(out, "    build:");
	for (size_t i = 0; i < group->build.flags.count; i++)
		text_format(out, " flag %s", group->build.flags.at[i]);
	for (size_t i = 0; i < group->build.libs.count; i++)
		text_format(out, " lib %s", group->build.libs.at[i]);
	text_format(out, " compiler %s\n", group->build.compiler ? group->build.compiler : "-");
}

static void add_life(struct text *out, const struct group *group)
{
	if (group->process || group->per_process != 1)
		text_format(out, "    process %s, %d each\n", group->process ? group->process : "-",
			group->per_process);
	if (group->start_within_ns != -1 || group->stop_within_ns != 10000000000)
		text_format(out, "    start within %lld ns, stop within %lld ns\n",
			(long long)group->start_within_ns,
			(long long)group->stop_within_ns);
	if (group->resources.mark.line)
		text_format(out, "    resources: cpus %g memory %lld gpus %d nofile %d nice %d %s\n",
			group->resources.cpus,
			(long long)group->resources.memory, group->resources.gpus,
			group->resources.nofile, group->resources.nice,
			group->resources.has_nice ? "given" : "-");
	if (group->background)
		text_add(out, "    background\n");
}

static void add_group(struct text *out, const struct group *group)
{
	char *cleanup_free first = group_replica_name(group, 0);
	char *cleanup_free last = group_replica_name(group, group->replicas - 1);
	text_format(out, "  %s .. %s, %d from %d\n", first, last, group->replicas, group->first);
	for (size_t i = 0; i < group->module.count; i++) {
		text_format(out, "    module: %s in ", group->module.at[i].text);
		add_text(out, group->module.at[i].base);
		text_add_char(out, '\n');
	}
	if (group->implementation.text)
		text_format(out, "    implementation: %s\n", group->implementation.text);
	add_build(out, group);
	add_named_tree(out, "command", group->command);
	add_named_tree(out, "params", group->params);
	add_named_tree(out, "defaults", group->defaults);
	add_named_tree(out, "handles", group->handles);
	add_named_tree(out, "methods", group->methods);
	add_named_tree(out, "subscriptions", group->subscriptions);
	add_named_tree(out, "topics", group->topics);
	for (size_t i = 0; i < group->env.count; i++)
		text_format(out, "    env: %s%s\n", group->env.at[i].template ? "template " : "",
			group->env.at[i].text);
	add_policy(out, "    ", &group->policy);
	add_life(out, group);
}

static void add_edge(struct text *out, const struct topology *topology, const struct edge *edge)
{
	static const char *const maps[] = { "all", "one-to-one", "round-robin", "next", "previous", "along" };
	text_format(out, "  %s.%s -> %s%s%s: %s", topology->groups.at[edge->from].label,
		edge->from_port ? edge->from_port : "-", topology->groups.at[edge->to].label,
		edge->to_port ? "." : "",
		edge->to_port ? edge->to_port : "", maps[edge->map]);
	if (edge->axis)
		text_format(out, " %s", edge->axis);
	text_format(out, ", %lld pairs", (long long)edge_pairs(topology, edge));
	if (edge->has_keep)
		text_format(out, ", keep %d window %lld", edge->keep, (long long)edge->keep_window);
	if (edge->has_fetch)
		text_format(out, ", %s", edge->eager ? "eager" : "lazy");
	if (edge->deadline_ns != -1)
		text_format(out, ", deadline %lld ns", (long long)edge->deadline_ns);
	if (edge->max_message != 1 << 30)
		text_format(out, ", max_message %lld", (long long)edge->max_message);
	text_add(out, edge->cycle ? ", on a circle\n" : "\n");
}

static void add_topology(struct text *out, const struct topology *topology)
{
	text_format(out, "%s, seed %lld, %d replicas", topology->name, (long long)topology->seed,
		topology->total);
	if (topology->time_limit_ns != -1)
		text_format(out, ", at most %lld ns", (long long)topology->time_limit_ns);
	text_add_char(out, '\n');
	add_policy(out, "  ", &topology->policy);
	for (size_t i = 0; i < topology->groups.count; i++)
		add_group(out, &topology->groups.at[i]);
	for (size_t i = 0; i < topology->edges.count; i++)
		add_edge(out, topology, &topology->edges.at[i]);
}

/* ---- one case, in the current folder ---- */

/* Lines of a file, cut at their ends; the text owns them. */
static size_t read_lines(const char *path, struct text *text, const char **out, size_t most)
{
	size_t count = 0;
	if (!files_is_file(path) || files_read(path, text, 0, NULL))
		return 0;
	for (char *at = text->data; at && *at && count < most; ) {
		char *end = strchr(at, '\n');
		out[count++] = at;
		if (!end)
			break;
		*end = '\0';
		at = end + 1;
	}
	return count;
}

struct input {
	struct text set_text, argument_text;
	struct setting set[16];
	const char *arguments[17];
	struct settings settings;
};

static void read_input(struct input *input)
{
	const char *lines[16];
	*input = (struct input){ .settings = { .at = input->set, .folder = "/elsewhere" } };
	input->settings.count = read_lines("set", &input->set_text, lines, 16);
	for (size_t i = 0; i < input->settings.count; i++) {
		char *equals = strchr(lines[i], '=');
		ck_assert_ptr_nonnull(equals);
		*equals = '\0';
		input->set[i] = (struct setting){ .name = lines[i], .value = equals + 1 };
	}
	if (read_lines("arguments", &input->argument_text, input->arguments, 16))
		input->settings.arguments = input->arguments;
}

static char *prefix_of(const struct combination *combination)
{
	struct text prefix = { 0 };
	for (size_t i = 0; i < combination->count; i++)
		text_format(&prefix, "%s%s=%s", i ? ", " : "with ", combination->names[i],
			combination->values[i]);
	text_add(&prefix, ", ");
	return text_take(&prefix);
}

/* What the topology becomes in all combinations, and all that is said about it. */
static void run(struct text *resolved, struct text *complaints)
{
	struct input input;
	struct problems problems = { 0 };
	struct combinations combinations = { 0 };
	read_input(&input);
	struct source *source = source_read("topo.yaml", &input.settings, &problems, NULL);
	if (source)
		source_combinations(source, &combinations, &problems);
	folder = source ? source->folder : "";
	for (size_t i = 0; i < combinations.list.count; i++) {
		char *cleanup_free prefix = prefix_of(&combinations.list.at[i]);
		problems.prefix = i ? prefix : NULL;
		struct topology *topology = topology_resolve(source, i ? &combinations.list.at[i] : NULL,
			&problems);
		text_add(resolved, i ? prefix : "");
		if (topology)
			add_topology(resolved, topology);
		topology_free(topology);
	}
	problems.prefix = NULL;
	if (source)
		source_report_unused(source, &problems);
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);
	problems_print(&problems, out, false);
	fclose(out);
	text_add(complaints, printed);
	free(printed);
	combinations_release(&combinations);
	source_free(source);
	problems_release(&problems);
	text_release(&input.set_text);
	text_release(&input.argument_text);
}

/* ---- all of them ---- */

static bool same(const char *name, const char *path, const struct text *got)
{
	struct text cleanup_text wanted = { 0 };
	if (getenv("UPDATE_CASES"))
		ck_assert_int_eq(files_replace(path, text_string(got), got->length, 0644, NULL), 0);
	files_read(path, &wanted, 0, NULL);
	if (!strcmp(text_string(&wanted), text_string(got)))
		return true;
	fprintf(stderr, "%s: wanted:\n%s\n%s: got:\n%s\n", name, text_string(&wanted), name, text_string(got));
	return false;
}

static bool check_case(const char *name, bool valid)
{
	struct text cleanup_text resolved = { 0 };
	struct text cleanup_text complaints = { 0 };
	run(&resolved, &complaints);
	if (!valid)
		return same(name, "error", &complaints);
	if (complaints.length)
		fprintf(stderr, "%s: nothing is wrong with it, but:\n%s\n", name, complaints.data);
	return !complaints.length & same(name, "expected", &resolved);
}

static void check_folder(const char *kind, bool valid, int at_least)
{
	const char *tests = getenv("TESTS");
	char *cleanup_free current = files_current_folder();
	char *cleanup_free above = memory_format("%s/topology/%s", tests ? tests : "tests", kind);
	int count = 0, failed = 0;
	ck_assert_int_eq(chdir(above), 0);
	DIR *cases = opendir(".");
	ck_assert_ptr_nonnull(cases);
	for (struct dirent *entry; (entry = readdir(cases)); ) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_int_eq(chdir(entry->d_name), 0);
		failed += !check_case(entry->d_name, valid);
		ck_assert_int_eq(chdir(".."), 0);
		count++;
	}
	closedir(cases);
	ck_assert_int_eq(chdir(current), 0);
	ck_assert_int_eq(failed, 0);
	ck_assert_int_ge(count, at_least);
}

START_TEST(valid_topologies_become_what_is_expected)
{
	check_folder("valid", true, 20);
}
END_TEST

START_TEST(invalid_topologies_are_explained)
{
	check_folder("invalid", false, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cases");
	TCase *cases = tcase_create("cases");
	tcase_set_timeout(cases, 120);
	tcase_add_test(cases, valid_topologies_become_what_is_expected);
	tcase_add_test(cases, invalid_topologies_are_explained);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
