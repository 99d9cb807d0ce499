/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/build.h"
#include "supervise/probe.h"

enum { JSON, COLOR };
static const struct option_row rows[] = {
	[JSON] = { "json", 0, NULL, "one JSON document" },
	[COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	{ .name = NULL },
};

struct describe {
	bool json;
	int colour;
	char **modules;         /* C sources, or one of anything else; borrowed */
	int module_count;
	const char *implementation;
	const char *node;       /* of a topology; NULL: all */
};

/* ---- tables: every column as wide as its widest cell ---- */

enum { COLUMNS = 5 };
struct table {
	const char *title;
	LIST(char *) cells;     /* COLUMNS to a row; owned */
};

static void table_add(struct table *table, char *const cells[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++)
		*list_add(&table->cells) = cells[i];
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;
	for (size_t i = column; i < table->cells.count; i += COLUMNS)
		if (strlen(table->cells.at[i]) > width)
			width = strlen(table->cells.at[i]);
	return width;
}

static void print_row(const struct table *table, size_t row, const size_t widths[COLUMNS])
{
	struct text cleanup_text line = { 0 };
	for (size_t i = 0; i < COLUMNS; i++)
		if (widths[i])
			text_format(&line, "  %-*s", (int)widths[i], table->cells.at[row + i]);
	while (line.length && line.data[line.length - 1] == ' ')
		line.data[--line.length] = '\0';
	printf("  %s\n", text_string(&line));
}

/* Prints what has rows, and empties it. */
static void table_print(struct table *table)
{
	size_t widths[COLUMNS];
	for (size_t i = 0; i < COLUMNS; i++)
		widths[i] = column_width(table, i);
	if (table->cells.count)
		printf("  %s\n", table->title);
	for (size_t row = 0; row < table->cells.count; row += COLUMNS)
		print_row(table, row, widths);
	for (size_t i = 0; i < table->cells.count; i++)
		free(table->cells.at[i]);
	list_release(&table->cells);
}

static char *cell(const char *text)
{
	return memory_copy_text(text ? text : "");
}

/* ---- the declarations ---- */

static char *param_type(const struct param_spec *param)
{
	if (param->element)
		return memory_format("%s of %s", param->type, param->element);
	return cell(!strcmp(param->type, "map") ? "map of objects" : param->type);
}

/* An object need not be given unless something in it must. */
static bool is_required(const struct param_spec *param)
{
	if (param->value || strcmp(param->type, "object"))
		return !param->value;
	for (size_t i = 0; i < param->fields.count; i++)
		if (is_required(&param->fields.at[i]))
			return true;
	return false;
}

/* Fields stand indented below their object, those of a map's objects below the map. */
static void add_param(struct table *table, const struct param_spec *param, int depth)
{
	char *name = memory_format("%*s%s", 2 * depth, "", param->name);
	char *value = param->value ? memory_format("= %s", *param->value ? param->value : "\"\"")
		: cell(is_required(param) ? "required" : NULL);
	table_add(table, (char *[]){ name, param_type(param), value, cell(param->range), cell(param->help) });
	for (size_t i = 0; i < param->fields.count; i++)
		add_param(table, &param->fields.at[i], depth + 1);
}

static void print_params(const struct implementation_spec *spec)
{
	struct table table = { .title = "parameters" };
	for (size_t i = 0; i < spec->params.count; i++)
		add_param(&table, &spec->params.at[i], 0);
	table_print(&table);
}

static void print_handles(const struct implementation_spec *spec)
{
	static const char *const many[] = { "", "one", "optional", "many" };
	struct table table = { .title = "handles" };
	for (size_t i = 0; i < spec->handles.count; i++) {
		const struct handle_spec *handle = &spec->handles.at[i];
		struct text calls = { 0 };
		for (size_t k = 0; k < handle->calls.count; k++)
			text_format(&calls, "%s%s", k ? ", " : "calls ", handle->calls.at[k]);
		table_add(&table, (char *[]){ cell(handle->name), cell(many[handle->many & 3]), text_take(&calls),
			cell(""), cell(handle->help) });
	}
	table_print(&table);
}

static void add_word(struct text *text, const char *word)
{
	text_format(text, "%s%s", text->length ? ", " : "", word);
}

static char *method_nature(const struct method_spec *method)
{
	struct text text = { 0 };
	add_word(&text, method->inbox ? "inbox" : "callback");
	if (method->idempotent)
		add_word(&text, "idempotent");
	if (method->threads)
		text_format(&text, ", %d thread%s", method->threads, method->threads == 1 ? "" : "s");
	if (method->queue)
		text_format(&text, ", queue of %d", method->queue);
	if (method->batch)
		text_format(&text, ", batches of %d", method->batch);
	return text_take(&text);
}

static void print_methods(const struct implementation_spec *spec)
{
	struct table table = { .title = "methods" };
	for (size_t i = 0; i < spec->methods.count; i++) {
		const struct method_spec *method = &spec->methods.at[i];
		char *shapes = method->request || method->reply ? memory_format("(%s) -> (%s)",
			method->request ? method->request : "anything", method->reply ? method->reply : "anything") : cell("");
		table_add(&table, (char *[]){ cell(method->name), method_nature(method), shapes, cell(""),
			cell(method->help) });
	}
	table_print(&table);
}

static void print_topics(const struct implementation_spec *spec)
{
	struct table table = { .title = "topics" };
	for (size_t i = 0; i < spec->topics.count; i++)
		table_add(&table, (char *[]){ cell(spec->topics.at[i].name), cell(spec->topics.at[i].signature), cell(""),
			cell(""), cell(spec->topics.at[i].help) });
	table_print(&table);
}

static void print_subscriptions(const struct implementation_spec *spec)
{
	struct table table = { .title = "subscriptions" };
	for (size_t i = 0; i < spec->subscriptions.count; i++) {
		const struct subscription_spec *one = &spec->subscriptions.at[i];
		char *keep = one->keep == -1 ? cell("keeps the latest") : one->keep == -2 ? cell("keeps all")
			: memory_format("keeps %d", one->keep);
		char *nature = memory_format("%s%s", one->optional ? "optional" : "required",
			one->callback ? ", callback" : "");
		table_add(&table, (char *[]){ cell(one->name), keep, nature, cell(one->signature), cell(one->help) });
	}
	table_print(&table);
}

static const char *life(const struct implementation_spec *spec)
{
	if (!spec->has_run)
		return "serves until the program stops";
	return spec->service ? "runs until the program stops" : "runs; the program is complete when all runs have ended";
}

static void print_implementation(const struct describe *describe, const struct implementation_spec *spec)
{
	bool help = spec->help && *spec->help;
	printf("%s%s%s%s%s\n", describe->colour ? "\033[1m" : "", spec->name, describe->colour ? "\033[0m" : "",
		help ? ": " : "", help ? spec->help : "");
	printf("  %s%s\n", life(spec), spec->has_check ? "; checks its parameters" : "");
	print_params(spec);
	print_handles(spec);
	print_methods(spec);
	print_topics(spec);
	print_subscriptions(spec);
}

/* ---- one module ---- */

static int no_such(const struct interface *interface, const char *name)
{
	struct text cleanup_text names = { 0 };
	for (size_t i = 0; i < interface->implementations.count; i++)
		add_word(&names, interface->implementations.at[i].name);
	fprintf(stderr, "lpad describe: %s has no implementation `%s`; it has: %s\n", interface->shown, name,
		text_string(&names));
	return EXIT_PROBLEMS;
}

/* New reference. */
static json_t *module_json(const struct describe *describe, const struct interface *interface, const json_t *description)
{
	json_t *list = json_array(), *one;
	size_t place;
	json_array_foreach(json_object_get(description, "implementations"), place, one)
		if (!describe->implementation
		    || text_equal(json_string_value(json_object_get(one, "name")), describe->implementation))
			json_array_append(list, one);
	return json_pack("{s:s, s:s, s:O?, s:o}", "module", interface->shown, "path", interface->path, "globals",
		json_object_get(description, "globals"), "implementations", list);
}

/* Takes the reference. */
static void print_document(json_t *document)
{
	json_t *whole = json_pack("{s:i}", "schema", 1);
	json_object_update(whole, document);
	json_dumpf(whole, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(whole);
	json_decref(document);
}

static void print_text(const struct describe *describe, const struct interface *interface)
{
	for (size_t i = 0, printed = 0; i < interface->implementations.count; i++) {
		const struct implementation_spec *spec = &interface->implementations.at[i];
		if (describe->implementation && !text_equal(spec->name, describe->implementation))
			continue;
		if (printed++)
			putchar('\n');
		print_implementation(describe, spec);
	}
	if (interface->globals)
		printf("\nwritable globals, shared by replicas in one process: %s\n", interface->globals);
}

static int print_module(const struct describe *describe, const struct interface *interface, const json_t *description)
{
	if (describe->implementation && !interface_find(interface, describe->implementation))
		return no_such(interface, describe->implementation);
	if (describe->json)
		print_document(module_json(describe, interface, description));
	else
		print_text(describe, interface);
	return EXIT_OK;
}

/* ---- modules by their files ---- */

/* The words of `module:` in a topology in the current folder; of an installed module the name is enough. */
static void add_words(const struct describe *describe, const char *folder, struct group *group)
{
	for (int i = 0; i < describe->module_count; i++) {
		const char *name = describe->modules[i];
		bool bare = !strpbrk(name, "./") && !files_is_file(name);
		*list_add(&group->module) = (struct word){ .text = memory_format("%s%s", name, bare ? ".so" : ""),
			.mark = { .file = name }, .base = folder };
	}
	group->label = group->module.at[0].text;
}

static void release_words(struct group *group)
{
	for (size_t i = 0; i < group->module.count; i++)
		free(group->module.at[i].text);
	list_release(&group->module);
}

static const struct interface *find(struct probe *probe, const struct group *group, struct problems *problems)
{
	struct module_lookup lookup = probe_lookup(probe);
	const struct interface *interface = lookup.find(lookup.context, NULL, group, problems);
	if (interface)
		interface_check_defaults(interface, group->module.at[0].mark, problems);
	return interface;
}

static int describe_module(const struct describe *describe)
{
	struct problems problems = { 0 };
	struct group group = { 0 };
	struct probe *probe = probe_open();
	char *cleanup_free folder = files_current_folder();
	add_words(describe, folder ? folder : "/", &group);
	const struct interface *interface = find(probe, &group, &problems);
	probe_settle(probe);
	problems_print(&problems, stderr, colour_wanted("auto", STDERR_FILENO));
	int code = interface ? print_module(describe, interface, probe_description(probe, interface)) : EXIT_PROBLEMS;
	if (problems.errors)
		code = EXIT_PROBLEMS;
	release_words(&group);
	problems_release(&problems);
	probe_close(probe);
	return code;
}

/* ---- the modules of a topology, each once ---- */

struct modules {
	const struct describe *describe;
	const struct topology *topology;
	struct probe *probe;
	const struct interface **of;            /* by group; NULL: a command, not wanted, or it could not be had */
};

static bool is_wanted(const struct modules *modules, const struct group *group)
{
	return !modules->describe->node || text_equal(group->label, modules->describe->node);
}

static bool is_first(const struct modules *modules, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (modules->of[i] == modules->of[place])
			return false;
	return modules->of[place];
}

/* Of one node what it runs; else everything. */
static struct describe described(const struct modules *modules, size_t place)
{
	struct describe describe = *modules->describe;
	const struct implementation_spec *spec = group_implementation(&modules->topology->groups.at[place], modules->of[place]);
	describe.implementation = describe.node && spec ? spec->name : NULL;
	return describe;
}

static void print_modules(const struct modules *modules)
{
	for (size_t i = 0, printed = 0; i < modules->topology->groups.count; i++) {
		if (!is_first(modules, i))
			continue;
		struct describe describe = described(modules, i);
		printf("%s%s, of", printed++ ? "\n" : "", modules->of[i]->shown);
		for (size_t j = i; j < modules->topology->groups.count; j++)
			if (modules->of[j] == modules->of[i])
				printf("%s %s", j > i ? "," : "", modules->topology->groups.at[j].label);
		fputs("\n\n", stdout);
		print_text(&describe, modules->of[i]);
	}
}

static void print_modules_json(const struct modules *modules)
{
	json_t *list = json_array();
	for (size_t i = 0; i < modules->topology->groups.count; i++) {
		if (!is_first(modules, i))
			continue;
		struct describe describe = described(modules, i);
		json_t *nodes = json_array();
		for (size_t j = i; j < modules->topology->groups.count; j++)
			if (modules->of[j] == modules->of[i])
				json_array_append_new(nodes, json_string(modules->topology->groups.at[j].label));
		json_t *one = module_json(&describe, modules->of[i], probe_description(modules->probe, modules->of[i]));
		json_object_set_new(one, "nodes", nodes);
		json_array_append_new(list, one);
	}
	print_document(json_pack("{s:s, s:o}", "topology", modules->topology->source->file, "modules", list));
}

static int no_such_node(const struct modules *modules)
{
	struct text cleanup_text names = { 0 };
	for (size_t i = 0; i < modules->topology->groups.count; i++)
		add_word(&names, modules->topology->groups.at[i].label);
	fprintf(stderr, "lpad describe: %s has no node `%s`; it has: %s\n", modules->topology->source->file,
		modules->describe->node, text_string(&names));
	return EXIT_PROBLEMS;
}

static int find_modules(struct modules *modules, struct problems *problems)
{
	size_t wanted = 0;
	for (size_t i = 0; i < modules->topology->groups.count; i++) {
		const struct group *group = &modules->topology->groups.at[i];
		wanted += is_wanted(modules, group);
		if (is_wanted(modules, group) && group->module.count)
			modules->of[i] = find(modules->probe, group, problems);
		else if (is_wanted(modules, group) && group->command && modules->describe->node)
			fprintf(stderr, "lpad describe: %s is a command: the topology itself declares its ports\n", group->label);
	}
	probe_settle(modules->probe);
	return wanted ? EXIT_OK : no_such_node(modules);
}

static int describe_nodes(const struct describe *describe, const struct topology *topology, struct problems *problems)
{
	struct modules modules = { describe, topology, probe_open(), memory_array(topology->groups.count, sizeof *modules.of) };
	if (!describe->node)
		probe_prepare(modules.probe, topology);
	int code = find_modules(&modules, problems);
	problems_print(problems, stderr, colour_wanted("auto", STDERR_FILENO));
	if (!code)
		(describe->json ? print_modules_json : print_modules)(&modules);
	free(modules.of);
	probe_close(modules.probe);
	return problems->errors ? EXIT_PROBLEMS : code;
}

static int describe_topology(const struct describe *describe, const struct request *request)
{
	struct problems problems = { 0 };
	int code = EXIT_PROBLEMS;
	struct source *source = source_read(request->path, &request->settings, &problems, NULL);
	struct topology *topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	if (topology && !problems.errors)
		code = describe_nodes(describe, topology, &problems);
	else
		problems_print(&problems, stderr, colour_wanted("auto", STDERR_FILENO));
	topology_free(topology);
	problems_release(&problems);
	source_free(source);
	return code;
}

/* ---- the command ---- */

static int take_option(struct describe *describe, const struct options *options, int row)
{
	if (row == OPTIONS_HELP)
		return OPTIONS_HELP;
	if (row == OPTIONS_BAD)
		return EXIT_USAGE;
	if (row == JSON) {
		describe->json = true;
		return 0;
	}
	describe->colour = colour_wanted(options->value, STDOUT_FILENO);
	return describe->colour >= 0 ? 0
		: command_usage_error(options->command, "--color is auto, always or never, not `%s`", options->value);
}

static int take_modules(struct describe *describe, const struct options *options)
{
	int sources = 0;
	while (sources < options->operand_count && build_is_source(options->operands[sources]))
		sources++;
	describe->modules = options->operands;
	describe->module_count = sources ? sources : 1;
	if (options->operand_count > describe->module_count + 1 || options->rest)
		return command_usage_error(options->command, "one module and at most one of its implementations");
	describe->implementation = options->operands[describe->module_count];   /* NULL behind the last */
	return describe_module(describe);
}

static int take_topology(struct describe *describe, const struct options *options)
{
	struct request request = { 0 };
	struct options first = *options;
	if (options->operand_count > 2)
		return command_usage_error(options->command, "one topology and at most one of its nodes");
	first.operand_count = 1;
	describe->node = options->operands[1];          /* NULL behind the last */
	int code = request_finish(&request, &first);
	if (!code)
		code = describe_topology(describe, &request);
	request_release(&request);
	return code;
}

static int run(const struct command *command, int count, char **arguments)
{
	struct describe describe = { .colour = colour_wanted("auto", STDOUT_FILENO) };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&describe, &options, row);
	if (!code && !options.operand_count)
		code = command_usage_error(command, "which module, or which topology?");
	else if (!code)
		code = (operand_is_topology(options.operands[0]) ? take_topology : take_modules)(&describe, &options);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_describe = {
	.name = "describe",
	.summary = "what a module offers: parameters, methods, handles, topics",
	.usage = "[options] MODULE... [IMPLEMENTATION] | TOPOLOGY [NODE]",
	.options = rows,
	.details =
		"MODULE is all sources of a module, a shared object, or the name of a module that comes with lpad. Of a\n"
		"TOPOLOGY (a .yaml file, a folder, an example's name) the modules of its nodes are described, or what one NODE\n"
		"of it runs.\n"
		"Exit: 0, 1 when there is no such module or it is none, 2 usage.\n",
	.run = run,
};
