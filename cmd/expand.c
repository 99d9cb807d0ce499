/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "supervise/probe.h"

enum { SET, JSON };
static const struct option_row rows[] = {
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value; a list splits at commas" },
	[JSON] = { "json", 0, NULL, "one JSON document, with typed parameters" },
	{ .name = NULL },
};

struct expand {
	struct request request;
	bool json;
	struct problems problems;
};

/* Declarations say which values are paths and what the parameters' types are. Opens the modules, elsewhere. */
static size_t bind_modules(struct topology *topology, struct probe *probe, struct problems *problems)
{
	struct module_lookup lookup = probe_lookup(probe);
	probe_prepare(probe, topology);
	size_t errors = topology_bind(topology, &lookup, problems);
	probe_settle(probe);
	return errors;
}

static void print_json(const struct topology *topology)
{
	json_t *json = topology_to_json(topology);
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

static bool lacks_modules(const struct topology *topology)
{
	for (size_t i = 0; i < topology->groups.count; i++)
		if (!topology->groups.at[i].command && !topology->groups.at[i].spec)
			return true;
	return false;
}

/* Whatever is wrong with it, the file is expanded; only which of its texts are paths is not known without the modules. */
static void print_yaml(const struct topology *topology)
{
	topology_print_yaml(topology, stdout);
	if (lacks_modules(topology))
		fputs("lpad expand: relative paths in params are printed as they were written where a module could not be had\n",
			stderr);
}

static void expand_topology(struct expand *expand, struct topology *topology)
{
	struct probe *probe = probe_open();
	size_t errors = bind_modules(topology, probe, &expand->problems);
	problems_print(&expand->problems, stderr, colour_wanted("auto", STDERR_FILENO));
	if (!expand->json)
		print_yaml(topology);
	else if (!errors)
		print_json(topology);
	probe_close(probe);
}

static int expand_file(struct expand *expand)
{
	bool unreadable = false;
	struct source *source = source_read(expand->request.path, &expand->request.settings, &expand->problems, &unreadable);
	struct topology *topology = source ? topology_resolve(source, NULL, &expand->problems) : NULL;
	if (source)
		source_report_arguments(source, &expand->problems);
	if (topology && !expand->problems.errors)
		expand_topology(expand, topology);
	else
		problems_print(&expand->problems, stderr, colour_wanted("auto", STDERR_FILENO));
	topology_free(topology);
	source_free(source);
	return unreadable ? EXIT_UNREADABLE : !topology || expand->problems.errors ? EXIT_PROBLEMS : EXIT_OK;
}

static int take_option(struct expand *expand, const struct options *options, int row)
{
	switch (row) {
	case SET:
		return request_set(options->command, &expand->request, options->value);
	case JSON:
		expand->json = true;
		return 0;
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

static int run(const struct command *command, int count, char **arguments)
{
	struct expand expand = { 0 };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&expand, &options, row);
	if (!code)
		code = request_finish(&expand.request, &options);
	if (!code)
		code = expand_file(&expand);
	problems_release(&expand.problems);
	request_release(&expand.request);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_expand = {
	.name = "expand",
	.summary = "print a topology with everything put in",
	.usage = "[options] [TOPOLOGY] [-- ARGUMENT...]",
	.options = rows,
	.details =
		"Prints the file that lpad would run: variables put in, `when` and `defaults` applied. What is printed can be\n"
		"read again (lpad launch -) and makes the same program.\n"
		"Exit: 0 printed, 1 problems, 2 usage, 3 the file could not be read.\n",
	.run = run,
};
