/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

enum { SET, FORMAT, JSON };
static const struct option_row rows[] = {
	[SET] = { "set", 's', "NAME=VALUE", "a variable's value; a list splits at commas" },
	[FORMAT] = { "format", 'f', "FORMAT", "text, mermaid, dot or json" },
	[JSON] = { "json", 0, NULL, "the same as --format json" },
	{ .name = NULL },
};

static const struct format {
	const char *name;
	void (*print)(const struct topology *topology, FILE *out);
} formats[] = {
	{ "text", topology_print_text },
	{ "mermaid", topology_print_mermaid },
	{ "dot", topology_print_dot },
	{ "json", topology_print_graph_json },
};

static const struct format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

/* The default combination, or the one that --set asks for; modules are not needed. */
static int print_graph(const struct request *request, const struct format *format)
{
	struct problems problems = { 0 };
	bool unreadable = false;
	struct source *source = source_read(request->path, &request->settings, &problems, &unreadable);
	struct topology *topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	if (!problems.errors && topology)
		format->print(topology, stdout);
	else
		problems_print(&problems, stderr, colour_wanted("auto", STDERR_FILENO));
	int code = unreadable ? EXIT_UNREADABLE : problems.errors || !topology ? EXIT_PROBLEMS : EXIT_OK;
	topology_free(topology);
	problems_release(&problems);
	source_free(source);
	return code;
}

static int take_option(struct request *request, const struct format **format, const struct options *options, int row)
{
	switch (row) {
	case SET:
		return request_set(options->command, request, options->value);
	case FORMAT:
		*format = find_format(options->value);
		return *format ? 0 : command_usage_error(options->command, "--format is text, mermaid, dot or json, not `%s`",
			options->value);
	case JSON:
		*format = find_format("json");
		return 0;
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

static int run(const struct command *command, int count, char **arguments)
{
	struct request request = { 0 };
	const struct format *format = &formats[0];
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&request, &format, &options, row);
	if (!code)
		code = request_finish(&request, &options);
	if (!code)
		code = print_graph(&request, format);
	request_release(&request);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_graph = {
	.name = "graph",
	.summary = "print the nodes and edges of a topology",
	.usage = "[options] [TOPOLOGY] [-- ARGUMENT...]",
	.options = rows,
	.details =
		"Only the file is read: modules need not be there. --format mermaid prints a flowchart for mermaid.js, which\n"
		"many wikis and code hosts draw by themselves; dot one for Graphviz (| dot -Tsvg).\n"
		"Exit: 0 printed, 1 problems, 2 usage, 3 the file could not be read.\n",
	.run = run,
};
