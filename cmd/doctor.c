/* SPDX-License-Identifier: MIT */
/* Looks at this machine: what lpad would miss here, and what to do about it. */
#include "doctor.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/memory.h"
#include "command.h"

enum { ROW_JSON, ROW_COLOR };
static const struct option_row rows[] = {
	[ROW_JSON] = { "json", 0, NULL, "one JSON document" },
	[ROW_COLOR] = { "color", 0, "WHEN", "auto, always or never" },
	{ .name = NULL },
};

static const struct doctor_check *const tables[] = { doctor_machine, doctor_tools, doctor_places };
static const char *const verdicts[] = { [FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_PROBLEM] = "problem" };
static const char *const colours[] = { [FINDING_OK] = "32", [FINDING_WARNING] = "33", [FINDING_PROBLEM] = "31" };

struct doctor {
	bool json;
	int colour;
	int count[FINDING_PROBLEM + 1]; /* by verdict */
	json_t *checks;                 /* with --json */
};

/* ---- findings ---- */

void finding_value(struct finding *finding, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	text_add(&finding->value, text);
}

static void add_line(struct text *text, const char *line)
{
	text_format(text, "%s%s", text->length ? "\n" : "", line);
}

void finding_raise(struct finding *finding, enum finding_verdict verdict, const char *meaning, const char *remedy)
{
	if (verdict > finding->verdict)
		finding->verdict = verdict;
	add_line(&finding->meaning, meaning);
	if (remedy)
		add_line(&finding->remedy, remedy);
}

/* ---- showing them ---- */

enum { INDENT = 26 };

static void print_lines(const struct text *text, const char *mark)
{
	char *cleanup_free lines = memory_copy_text(text_string(text));
	char *rest = *lines ? lines : NULL;
	for (char *line; (line = strsep(&rest, "\n")); )
		printf("%*s%s%s\n", INDENT, "", mark, line);
}

static void print_finding(const struct doctor *doctor, const char *name, const struct finding *finding)
{
	const char *word = verdicts[finding->verdict];
	if (doctor->colour)
		printf("\033[%sm%-8s\033[0m", colours[finding->verdict], word);
	else
		printf("%-8s", word);
	printf(" %-*s%s\n", INDENT - 9, name, text_string(&finding->value));
	print_lines(&finding->meaning, "");
	print_lines(&finding->remedy, "-> ");
}

/* What the system says may be in any encoding. */
static json_t *text_or_null(const struct text *text)
{
	json_t *out = text->length ? json_stringn(text->data, text->length) : NULL;
	return out ? out : json_null();
}

static void keep_finding(struct doctor *doctor, const char *name, const struct finding *finding)
{
	json_array_append_new(doctor->checks, json_pack("{ss ss so so so}", "check", name, "verdict",
		verdicts[finding->verdict], "value", text_or_null(&finding->value), "meaning", text_or_null(&finding->meaning),
		"remedy", text_or_null(&finding->remedy)));
}

static void look(struct doctor *doctor, const struct doctor_check *check)
{
	struct finding finding = { 0 };
	check->look(&finding);
	doctor->count[finding.verdict]++;
	if (doctor->json)
		keep_finding(doctor, check->name, &finding);
	else
		print_finding(doctor, check->name, &finding);
	text_release(&finding.value);
	text_release(&finding.meaning);
	text_release(&finding.remedy);
}

static void print_json(struct doctor *doctor)
{
	json_t *whole = json_pack("{si si si so}", "schema", 1, "problems", doctor->count[FINDING_PROBLEM], "warnings",
		doctor->count[FINDING_WARNING], "checks", doctor->checks);
	char *cleanup_free text = dump_json(whole, JSON_COMPACT);
	json_decref(whole);
	puts(text);
}

static void print_sum(const struct doctor *doctor)
{
	int problems = doctor->count[FINDING_PROBLEM], warnings = doctor->count[FINDING_WARNING];
	printf("%d checks: %d problem%s, %d warning%s\n", problems + warnings + doctor->count[FINDING_OK], problems,
		problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

static int examine(struct doctor *doctor)
{
	doctor->checks = doctor->json ? json_array() : NULL;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		for (const struct doctor_check *check = tables[i]; check->name; check++)
			look(doctor, check);
	if (doctor->json)
		print_json(doctor);
	else
		print_sum(doctor);
	return doctor->count[FINDING_PROBLEM] ? EXIT_PROBLEMS : EXIT_OK;
}

/* ---- the command ---- */

static int take_option(struct doctor *doctor, const struct options *options, int row)
{
	switch (row) {
	case ROW_JSON:
		doctor->json = true;
		return 0;
	case ROW_COLOR:
		doctor->colour = colour_wanted(options->value, STDOUT_FILENO);
		return doctor->colour >= 0 ? 0 :
			command_usage_error(options->command, "--color is auto, always or never, not `%s`", options->value);
	case OPTIONS_HELP:
		return OPTIONS_HELP;
	default:
		return EXIT_USAGE;
	}
}

static int run(const struct command *command, int count, char **arguments)
{
	struct doctor doctor = { .colour = colour_wanted("auto", STDOUT_FILENO) };
	struct options options = { .command = command, .count = count, .arguments = arguments };
	int code = 0, row;
	while (!code && (row = options_next(&options)) != OPTIONS_END)
		code = take_option(&doctor, &options, row);
	if (!code && (options.operand_count || options.rest))
		code = command_usage_error(command, "no operand is wanted: it is this machine that is looked at");
	if (!code)
		code = examine(&doctor);
	options_release(&options);
	return code == OPTIONS_HELP ? EXIT_OK : code;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "look at this machine: what lpad would miss here",
	.usage = "[options]",
	.options = rows,
	.details =
		"Limits, shared memory, control groups, namespaces, processors, GPUs, compilers and other programs, folders,\n"
		"modules and runs: what there is, what that means if it is not enough, and what to do. Nothing is changed.\n"
		"Exit: 0 no problems, perhaps warnings; 1 problems; 2 usage.\n",
	.run = run,
};
