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

/* Without its modules a file can still be expanded; only relative paths in params stay as they are written. */
static void print_yaml(struct topology *topology, struct probe *probe)
{
	struct problems found = { 0 };
	if (bind_modules(topology, probe, &found))
		fputs("lpad expand: the modules could not be read (lpad check says why): "
		      "relative paths in params are printed as they were written\n", stderr);
	topology_print_yaml(topology, stdout);
	problems_release(&found);
}

static void print_topology(struct expand *expand, struct topology *topology)
{
	struct probe *probe = probe_open();
	if (!expand->json)
		print_yaml(topology, probe);
	else if (!bind_modules(topology, probe, &expand->problems))
		print_json(topology);
	if (expand->problems.errors)
		problems_print(&expand->problems, stderr, colour_wanted("auto", STDERR_FILENO));
	topology_free(topology);
	probe_close(probe);
}

static int expand_file(struct expand *expand)
{
	bool unreadable = false;
	struct source *source = source_read(expand->request.path, &expand->request.settings, &expand->problems, &unreadable);
	struct topology *topology = source ? topology_resolve(source, NULL, &expand->problems) : NULL;
	if (topology && !expand->problems.errors) {
		print_topology(expand, topology);
	} else {
		problems_print(&expand->problems, stderr, colour_wanted("auto", STDERR_FILENO));
		topology_free(topology);
	}
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
