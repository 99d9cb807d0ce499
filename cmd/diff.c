/* SPDX-License-Identifier: MIT */
/* What differs between two runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dump.h"
#include "base/memory.h"
#include "base/table.h"
#include "command.h"
#include "supervise/compare.h"
#include "supervise/runs.h"

enum { RECORD, JSON };
static const struct option_row rows[] = {
	[RECORD] = { "record", 0, "FOLDER", "runs whose record is in FOLDER, not in the state folder" },
	[JSON] = { "json", 0, NULL, "one JSON document" },
	{ .name = NULL },
};

enum { LONGEST = 60, HASH_SHOWN = 12 };

struct comparing {
	bool json;
	const char *folder;
	struct run runs[2];
};

static int read_options(struct comparing *comparing, struct options *options)
{
	for (int i; (i = options_next(options)) != OPTIONS_END; )
		switch (i) {
		case RECORD:
			comparing->folder = options->value;
			break;
		case JSON:
			comparing->json = true;
			break;
		case OPTIONS_HELP:
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	if (options->operand_count != 2 || options->rest)
		return command_usage_error(options->command, "two runs are wanted");
	return -1;
}

static bool is_hash(const char *text)
{
	size_t length = strspn(text, "0123456789abcdef");
	return !text[length] && (length == 64 || length == 40);
}

/* For a cell: numbers to six digits, hashes shortened, long texts by their beginning and size; or as they are. */
static char *shown(const json_t *value, bool whole)
{
	if (!value)
		return memory_copy_text("-");
	if (json_is_true(value) || json_is_false(value))
		return memory_copy_text(json_is_true(value) ? "yes" : "no");
	if (json_is_real(value) && !whole)
		return memory_format("%.6g", json_real_value(value));
	char *text = json_is_string(value) ? memory_copy_text(json_string_value(value)) :
		dump_json(value, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t length = strlen(text);
	char *out = is_hash(text) && !whole ? memory_copy_span(text, HASH_SHOWN) : length <= LONGEST || whole ? memory_copy_text(text) :
		memory_format("%.*s... (%zu bytes)", LONGEST / 2, text, length);
	free(text);
	return out;
}

/* What differs only in what is left out is shown whole. */
static void add_row(struct table *table, const json_t *difference)
{
	const json_t *a = json_object_get(difference, "a"), *b = json_object_get(difference, "b");
	char *cleanup_free one = shown(a, false), *cleanup_free two = shown(b, false);
	bool whole = !strcmp(one, two);
	char *cleanup_free whole_one = shown(a, whole), *cleanup_free whole_two = shown(b, whole);
	table_cell(table, json_string_value(json_object_get(difference, "what")));
	table_cell(table, whole_one);
	table_cell(table, whole_two);
}

static void show_table(const struct comparing *comparing, const json_t *differences)
{
	struct table table = { 0 };
	size_t i;
	json_t *difference;
	table_column(&table, "", false);
	table_column(&table, comparing->runs[0].id, false);
	table_column(&table, comparing->runs[1].id, false);
	json_array_foreach(differences, i, difference)
		add_row(&table, difference);
	if (json_array_size(differences))
		table_print(&table, stdout, table_width(STDOUT_FILENO));
	table_release(&table);
}

static void show_json(const struct comparing *comparing, json_t *differences)
{
	json_t *whole = json_pack("{si s[ss] sb sO}", "schema", 1, "runs", comparing->runs[0].id, comparing->runs[1].id,
		"same", !json_array_size(differences), "differences", differences);
	char *cleanup_free text = dump_json(whole, JSON_COMPACT);
	json_decref(whole);
	puts(text);
}

static int compare(struct comparing *comparing)
{
	json_t *a = compare_facts(&comparing->runs[0]), *b = compare_facts(&comparing->runs[1]);
	json_t *differences = compare_differences(a, b);
	int code = json_array_size(differences) ? EXIT_PROBLEMS : EXIT_OK;
	if (comparing->json)
		show_json(comparing, differences);
	else
		show_table(comparing, differences);
	json_decref(a);
	json_decref(b);
	json_decref(differences);
	return code;
}

static int run_diff(const struct command *command, int count, char **arguments)
{
	struct options options = { .command = command, .count = count, .arguments = arguments };
	struct comparing comparing = { .runs = { { .console.fd = -1 }, { .console.fd = -1 } } };
	struct error error = { 0 };
	int code = read_options(&comparing, &options);
	for (int i = 0; i < 2 && code < 0; i++)
		if (runs_find(options.operands[i], comparing.folder, &comparing.runs[i], &error)) {
			fprintf(stderr, "lpad diff: %s\n", error.text);
			code = EXIT_UNREADABLE;
		}
	if (code < 0)
		code = compare(&comparing);
	runs_close(&comparing.runs[0]);
	runs_close(&comparing.runs[1]);
	options_release(&options);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "print what differs between two runs",
	.usage = "[options] RUN RUN",
	.options = rows,
	.details = "Variables, parameters, topology, hashes, versions and host; status, ends, and the numbers that were reported.\n"
		"Exit: 0 nothing differs, 1 something does, 2 usage, 3 no such run.\n",
	.run = run_diff,
};
