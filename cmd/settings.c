/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "command.h"
#include "supervise/build.h"
#include "topology/places.h"

int request_set(const struct command *command, struct request *request, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text)
		return command_usage_error(command, "--set wants NAME=VALUE, not `%s`", text);
	*list_add(&request->set) = (struct setting){
		.name = memory_copy_span(text, (size_t)(equals - text)), .value = memory_copy_text(equals + 1) };
	return 0;
}

/* "hello", "hello/talk.yaml": of the examples that come with lpad. NULL: there is none. */
static char *example(const char *name)
{
	struct places places;
	if (name[0] == '/' || name[0] == '.' || places_find(&places, NULL))
		return NULL;
	char *path = memory_format("%s/%s%s", places.topologies, name, strchr(name, '/') ? "" : "/topo.yaml");
	places_release(&places);
	if (files_is_file(path))
		return path;
	free(path);
	return NULL;
}

static bool is_module(const char *operand)
{
	return (build_is_source(operand) || text_ends(operand, ".so")) && !files_is_folder(operand);
}

bool operand_is_topology(const char *operand)
{
	if (text_ends(operand, ".yaml") || text_ends(operand, ".yml") || files_is_folder(operand))
		return true;
	char *cleanup_free found = access(operand, F_OK) ? example(operand) : NULL;
	return found;
}

static char *topology_path(const char *operand)
{
	if (!operand)
		return memory_copy_text("topo.yaml");
	char *found = NULL;
	if (strcmp(operand, "-") && access(operand, F_OK))
		found = example(operand);
	return found ? found : memory_copy_text(operand);
}

int request_finish(struct request *request, const struct options *options)
{
	if (options->operand_count > 1)
		return command_usage_error(options->command,
			"one topology at a time: `%s` is the second; arguments of the program stand behind --",
			options->operands[1]);
	if (options->operand_count && is_module(options->operands[0]))
		return command_usage_error(options->command, "%s is a module, not a topology: try lpad describe",
			options->operands[0]);
	request->current_folder = files_current_folder();
	if (!request->current_folder)
		return command_usage_error(options->command, "the current folder is gone");
	request->path = topology_path(options->operand_count ? options->operands[0] : NULL);
	request->settings.at = request->set.at;
	request->settings.count = request->set.count;
	request->settings.arguments = (const char *const *)options->rest;
	request->settings.folder = request->current_folder;
	return 0;
}

void request_release(struct request *request)
{
	for (size_t i = 0; i < request->set.count; i++) {
		free((char *)request->set.at[i].name);
		free((char *)request->set.at[i].value);
	}
	list_release(&request->set);
	free(request->path);
	free(request->current_folder);
}
