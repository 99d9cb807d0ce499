/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "command.h"

static int row_count(const struct command *command)
{
	int count = 0;
	while (command->options && command->options[count].name)
		count++;
	return count;
}

static int row_by_name(const struct command *command, const char *name, size_t length)
{
	for (int i = 0; i < row_count(command); i++)
		if (strlen(command->options[i].name) == length && !strncmp(command->options[i].name, name, length))
			return i;
	return -1;
}

static int row_by_letter(const struct command *command, char letter)
{
	for (int i = 0; i < row_count(command); i++)
		if (command->options[i].letter && command->options[i].letter == letter)
			return i;
	return -1;
}

__attribute__((format(printf, 2, 0)))
static int complain(const struct command *command, const char *format, va_list list)
{
	fprintf(stderr, "lpad %s: ", command->name);
	vfprintf(stderr, format, list);
	fprintf(stderr, "\nlpad %s: `lpad %s --help` lists the options\n", command->name, command->name);
	return EXIT_USAGE;
}

int command_usage_error(const struct command *command, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int code = complain(command, format, list);
	va_end(list);
	return code;
}

__attribute__((format(printf, 2, 3)))
static int bad(const struct options *options, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	complain(options->command, format, list);
	va_end(list);
	return OPTIONS_BAD;
}

static int unknown_name(const struct options *options, const char *name, size_t length)
{
	const struct command *command = options->command;
	char *cleanup_free word = memory_copy_span(name, length);
	size_t count = (size_t)row_count(command) + 1;
	const char **cleanup_free names = memory_array(count, sizeof *names);
	names[0] = "help";
	for (size_t i = 1; i < count; i++)
		names[i] = command->options[i - 1].name;
	const char *nearest = text_nearest(word, names, count);
	if (nearest)
		return bad(options, "there is no option --%s: did you mean --%s?", word, nearest);
	return bad(options, "there is no option --%s", word);
}

static int show_help(const struct options *options)
{
	command_print_help(options->command);
	return OPTIONS_HELP;
}

/* The word behind the option. */
static int take_value(struct options *options, int row)
{
	const struct option_row *option = &options->command->options[row];
	if (options->at >= options->count)
		return bad(options, "--%s needs a value: --%s %s", option->name, option->name, option->argument);
	options->value = options->arguments[options->at++];
	return row;
}

static int long_option(struct options *options, const char *name)
{
	size_t length = strcspn(name, "=");
	if (length == 4 && !strcmp(name, "help"))
		return show_help(options);
	int row = row_by_name(options->command, name, length);
	if (row < 0)
		return unknown_name(options, name, length);
	bool wants = options->command->options[row].argument != NULL;
	if (name[length] && !wants)
		return bad(options, "--%s takes no value", options->command->options[row].name);
	if (!wants)
		return row;
	if (!name[length])
		return take_value(options, row);
	options->value = name + length + 1;
	return row;
}

static int letter_option(struct options *options)
{
	char letter = *options->letters++;
	if (letter == 'h')
		return show_help(options);
	int row = row_by_letter(options->command, letter);
	if (row < 0)
		return bad(options, "there is no option -%c", letter);
	if (!options->command->options[row].argument)
		return row;
	const char *glued = options->letters;
	options->letters = NULL;
	if (!*glued)
		return take_value(options, row);
	options->value = glued;
	return row;
}

int options_next(struct options *options)
{
	options->value = NULL;
	if (!options->operands)
		options->operands = memory_array((size_t)options->count + 1, sizeof *options->operands);
	if (options->letters && *options->letters)
		return letter_option(options);
	while (options->at < options->count) {
		char *word = options->arguments[options->at++];
		if (word[0] != '-' || !word[1]) {
			options->operands[options->operand_count++] = word;
		} else if (word[1] != '-') {
			options->letters = word + 1;
			return letter_option(options);
		} else if (word[2]) {
			return long_option(options, word + 2);
		} else {
			options->rest = options->arguments + options->at;
			options->at = options->count;
		}
	}
	return OPTIONS_END;
}

void options_release(struct options *options)
{
	free(options->operands);
	options->operands = NULL;
	options->operand_count = 0;
}

static void print_row(char letter, const char *name, const char *argument, const char *help)
{
	char *cleanup_free word = memory_format("--%s%s%s", name, argument ? " " : "", argument ? argument : "");
	if (letter)
		printf("  -%c, %-24s %s\n", letter, word, help);
	else
		printf("      %-24s %s\n", word, help);
}

void command_print_help(const struct command *command)
{
	printf("usage: lpad %s %s\n\n%s\n\n", command->name, command->usage, command->summary);
	for (int i = 0; i < row_count(command); i++)
		print_row(command->options[i].letter, command->options[i].name, command->options[i].argument,
			command->options[i].help);
	print_row('h', "help", NULL, "this text");
	if (command->details)
		printf("\n%s", command->details);
}
