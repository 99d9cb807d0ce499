/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "topology/json_schema.h"

static const struct option_row rows[] = {
	{ .name = NULL },
};

static int run(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = EXIT_OK, row = options_next(&options);
	if (row != OPTIONS_END)
		code = row == OPTIONS_HELP ? EXIT_OK : EXIT_USAGE;
	else if (options.operand_count || options.rest)
		code = command_usage_error(command, "there is nothing to name: the schema is of the format, not of a file");
	else {
		json_t *schema = json_schema();
		json_dumpf(schema, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(schema);
	}
	options_release(&options);
	return code;
}

const struct command command_schema = {
	.name = "schema",
	.summary = "print the JSON Schema of the topology file, for editors",
	.usage = "",
	.options = rows,
	.details =
		"Editors that know the YAML language server take it from the first line of a file:\n"
		"  # yaml-language-server: $schema=PATH\n"
		"It knows keys and how values are written; what a file means is what `lpad check` is for.\n",
	.run = run,
};
