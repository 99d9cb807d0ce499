/* SPDX-License-Identifier: MIT */
/* A folder with a program that runs: the file, one node, a test of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"

static const struct option_row rows[] = {
	{ .name = NULL },
};

enum { NAME_LONGEST = 200 };

/* @ stands for the name. */
static const char topology[] =
	"lpad: 1\n"
	"name: @\n"
	"vars:\n"
	"  samples: {default: 100000, help: points to draw}\n"
	"nodes:\n"
	"  @: {module: @.c, params: {samples: $samples}}\n"
	"# A second node is a second line here, and an edge: a handle or a topic of the left side leads to the right side.\n"
	"# edges:\n"
	"#   - caller.handle -> @\n"
	"#   - @.topic -> listener.subscription\n";

static const char node[] =
	"/* Estimates pi: how many of the points drawn in a square lie in the circle. */\n"
	"#include <lpad/node.h>\n"
	"\n"
	"struct estimate {\n"
	"\tint64_t samples;                /* parameters are put into the state */\n"
	"};\n"
	"\n"
	"static int run(lpad_node *node)\n"
	"{\n"
	"\tstruct estimate *me = lpad_state(node);\n"
	"\tlpad_rng rng = lpad_random(node, \"points\");       /* of the run's seed */\n"
	"\tint64_t drawn = 0, inside = 0;\n"
	"\twhile (drawn < me->samples && !lpad_stopping(node)) {\n"
	"\t\tdouble x = lpad_random_real(&rng), y = lpad_random_real(&rng);\n"
	"\t\tinside += x * x + y * y < 1;\n"
	"\t\tif (++drawn % 10000 == 0)\n"
	"\t\t\tlpad_report(node, \"pi\", 4 * (double)inside / (double)drawn, drawn);\n"
	"\t}\n"
	"\tlpad_log(node, \"pi is about %.4f\", 4 * (double)inside / (double)drawn);\n"
	"\treturn 0;                       /* the run is complete when every run has ended */\n"
	"}\n"
	"\n"
	"static const lpad_param params[] = {\n"
	"\tLPAD_INT(struct estimate, samples, \"100000\", \"1..\", \"points to draw\"), LPAD_END };\n"
	"\n"
	"LPAD_MODULE({ .name = \"@\", .help = \"estimates pi\", .state = sizeof(struct estimate), .params = params, .run = run });\n";

static const char test[] =
	"/*\n"
	" * The node by itself, without a launch:\n"
	" *     cc test.c @.c $(pkg-config --cflags --libs lpad-test) -o test && ./test\n"
	" */\n"
	"#undef NDEBUG\n"
	"#include <assert.h>\n"
	"#include <stdio.h>\n"
	"\n"
	"#include <lpad/test.h>\n"
	"\n"
	"int main(void)\n"
	"{\n"
	"\tlpad_test *test = lpad_test_new(NULL);\n"
	"\tlpad_test_param(test, \"samples\", \"50000\");\n"
	"\tassert(!lpad_test_start(test));\n"
	"\tassert(lpad_test_step(test) == LPAD_TEST_ENDED && !lpad_test_result(test));\n"
	"\tassert(lpad_test_reports(test, \"pi\") == 5);\n"
	"\tdouble pi = lpad_test_report(test, \"pi\", 4, NULL);\n"
	"\tassert(pi > 3.1 && pi < 3.2);\n"
	"\tassert(!lpad_test_end(test));\n"
	"\tlpad_test_free(test);\n"
	"\tputs(\"1 test passed\");\n"
	"\treturn 0;\n"
	"}\n";

static const struct {
	const char *name;               /* @ too */
	const char *content;
} files[] = {
	{ "topo.yaml", topology },
	{ "@.c", node },
	{ "test.c", test },
};

static char *filled(const char *template, const char *name)
{
	struct text out = { 0 };
	for (const char *at = template; *at; at++) {
		if (*at == '@')
			text_add(&out, name);
		else
			text_add_char(&out, *at);
	}
	return text_take(&out);
}

static int check_name(const struct command *command, const char *path, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	if (*name && strchr(letters, *name) && !name[strspn(name, all)] && strlen(name) <= NAME_LONGEST && strcmp(name, "test"))
		return 0;
	return command_usage_error(command, "%s: the name of a node is made of a-z, 0-9, _ and -, begins with a letter%s", path,
		strcmp(name, "test") ? "" : ", and is not `test`, which is the test's");
}

static int write_all(const char *folder, const char *name)
{
	struct error error = { 0 };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char *cleanup_free file = filled(files[i].name, name);
		char *cleanup_free path = memory_format("%s/%s", folder, file);
		char *cleanup_free content = filled(files[i].content, name);
		if (files_replace(path, content, strlen(content), 0644, &error)) {
			fprintf(stderr, "lpad new: %s\n", error.text);
			return -1;
		}
	}
	return 0;
}

/* All of it or nothing: what was there before is not touched. */
static int make(const char *folder, const char *name)
{
	struct error error = { 0 };
	char *cleanup_free above = files_folder_of(folder);
	if (files_make_folders(above, 0755, &error)) {
		fprintf(stderr, "lpad new: %s\n", error.text);
		return EXIT_PROBLEMS;
	}
	if (mkdir(folder, 0755)) {
		fprintf(stderr, "lpad new: cannot make the folder %s: %s\n", folder, strerror(errno));
		return EXIT_PROBLEMS;
	}
	if (write_all(folder, name)) {
		files_remove_tree(folder);
		return EXIT_PROBLEMS;
	}
	printf("%s: topo.yaml, %s.c, test.c\n", folder, name);
	fprintf(stderr, "lpad: now `cd %s && lpad launch`\n", folder);
	return EXIT_OK;
}

static int run(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = EXIT_OK, row = options_next(&options);
	if (row != OPTIONS_END)
		code = row == OPTIONS_HELP ? EXIT_OK : EXIT_USAGE;
	else if (options.operand_count != 1 || options.rest)
		code = command_usage_error(command, "the name of a new folder is wanted");
	else {
		char *cleanup_free folder = memory_copy_text(options.operands[0]);
		for (size_t length = strlen(folder); length > 1 && folder[length - 1] == '/'; )
			folder[--length] = 0;
		code = check_name(command, folder, files_name_of(folder));
		code = code ? code : make(folder, files_name_of(folder));
	}
	options_release(&options);
	return code;
}

const struct command command_scaffold = {
	.name = "new",
	.summary = "write a small topology with one node, and a test of it",
	.usage = "FOLDER",
	.options = rows,
	.details =
		"The folder's name becomes that of the topology and of its node. What exists is never written over.\n"
		"Exit: 0 written, 1 it could not be, 2 usage.\n",
	.run = run,
};
