/* SPDX-License-Identifier: MIT */
/* What an earlier run was given, and what is given again for the next one. */
#include "launching.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

static bool is_earlier(const struct launching *launching)
{
	return launching->again || launching->continued;
}

/* ---- which run ---- */

/* In the folder of --record first: there the earlier ones of a script are. */
static int find_run(struct launching *launching, const char *name)
{
	struct error error = { 0 };
	struct run *run = &launching->earlier;
	bool found = launching->record_folder && !strchr(name, '/') && !runs_find(name, launching->record_folder, run, &error);
	if (!found && runs_find(name, NULL, run, &error))
		return launching_cannot("%s", error.text);
	if (launching->continued && runs_is_under_way(run))
		return launching_cannot("run %s is under way: it cannot be continued before it has ended", run->id);
	const json_t *manifest = runs_manifest(run);
	if (!manifest)
		return launching_cannot("%s/manifest.json cannot be read", run->record);
	return inputs_read(&launching->inputs, manifest, run->record, &error) ? launching_cannot("%s", error.text) : 0;
}

static int refuse_options(const struct launching *launching, const struct options *options)
{
	const struct command *command = options->command;
	const char *option = launching->again ? "--again" : "--continue";
	if (launching->again && launching->continued)
		return command_usage_error(command, "--again begins a new run, and --continue goes on in the record of the old one: "
			"not both");
	if (options->operand_count)
		return command_usage_error(command, "%s takes the topology from the record: `%s` is too much", option,
			options->operands[0]);
	if (launching->continued && launching->record_folder)
		return command_usage_error(command, "--continue goes on in the record that is there: a run elsewhere is named by the "
			"path to its record");
	if (launching->continued && launching->request.settings.name)
		return command_usage_error(command, "--continue goes on under the same name: --name is for --again");
	return 0;
}

/* ---- its inputs ---- */

static bool is_among(const struct setting *settings, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(settings[i].name, name))
			return true;
	return false;
}

/* The earlier settings, but those that are given anew. */
static void take_settings(struct launching *launching)
{
	struct request *request = &launching->request;
	size_t given = request->set.count;
	struct setting *own = memory_array(given + 1, sizeof *own);
	for (size_t i = 0; i < given; i++) {
		own[i] = request->set.at[i];
		own[i].folder = launching->caller_folder;
	}
	request->set.count = 0;
	for (size_t i = 0; i < launching->inputs.set.count; i++) {
		const struct given_setting *one = &launching->inputs.set.at[i];
		if (is_among(own, given, one->name))
			continue;
		*list_add(&request->set) = (struct setting){ .name = memory_copy_text(one->name), .value = memory_copy_text(one->value),
			.folder = one->folder };
	}
	for (size_t i = 0; i < given; i++)
		*list_add(&request->set) = own[i];
	free(own);
	request->settings.at = request->set.at;
	request->settings.count = request->set.count;
}

static void take_rest(struct launching *launching, const struct options *options)
{
	struct inputs *inputs = &launching->inputs;
	struct settings *settings = &launching->request.settings;
	if (!options->rest && inputs->has_arguments) {
		*list_add(&inputs->arguments) = NULL;
		inputs->arguments.count--;
		settings->arguments = (const char *const *)inputs->arguments.at;
	}
	settings->folder = options->rest || !inputs->arguments_folder ? launching->caller_folder : inputs->arguments_folder;
	settings->name = settings->name ? settings->name : inputs->name;
	settings->here = inputs->here;
	settings->run = launching->continued ? launching->earlier.id : NULL;
	launching->threads |= inputs->threads;
	if (launching->time_limit_ns < 0)
		launching->time_limit_ns = inputs->time_limit_ns;
	for (size_t i = 0; !launching->hold.count && i < inputs->hold.count; i++)
		*list_add(&launching->hold) = inputs->hold.at[i];
}

/* Nodes run where they ran. */
static void go_there(struct launching *launching)
{
	struct request *request = &launching->request;
	launching->caller_folder = request->current_folder;
	request->current_folder = memory_copy_text(launching->inputs.folder);
	if (!chdir(launching->inputs.folder))
		return;
	fprintf(stderr, "lpad: warning: the folder %s, where the nodes ran, is gone: they run in %s\n", launching->inputs.folder,
		launching->caller_folder);
	free(request->current_folder);
	request->current_folder = memory_copy_text(launching->caller_folder);
}

int launching_take_earlier(struct launching *launching, const struct options *options)
{
	if (!is_earlier(launching))
		return 0;
	int code = refuse_options(launching, options);
	if (!code)
		code = find_run(launching, launching->again ? launching->again : launching->continued);
	if (code)
		return code;
	free(launching->request.path);
	launching->request.path = memory_format("%s/topology.yaml", launching->earlier.record);
	go_there(launching);
	take_settings(launching);
	take_rest(launching, options);
	return 0;
}

/* ---- for the record ---- */

void launching_note_inputs(struct launching *launching)
{
	const struct settings *settings = &launching->request.settings;
	struct inputs noted = { .time_limit_ns = launching->time_limit_ns, .name = memory_copy_text(settings->name),
		.threads = launching->threads, .has_arguments = settings->arguments != NULL,
		.here = memory_copy_text(launching->source->folder), .arguments_folder = memory_copy_text(settings->folder) };
	for (size_t i = 0; i < settings->count; i++)
		*list_add(&noted.set) = (struct given_setting){ memory_copy_text(settings->at[i].name),
			memory_copy_text(settings->at[i].value),
			memory_copy_text(settings->at[i].folder ? settings->at[i].folder : settings->folder) };
	for (size_t i = 0; settings->arguments && settings->arguments[i]; i++)
		*list_add(&noted.arguments) = memory_copy_text(settings->arguments[i]);
	for (size_t i = 0; i < launching->hold.count; i++)
		*list_add(&noted.hold) = memory_copy_text(launching->hold.at[i]);
	launching->noted = noted;
}

/* ---- modules ---- */

static const char *recorded_module(const struct launching *launching, const char *node)
{
	for (size_t i = 0; i < launching->inputs.modules.count; i++)
		if (text_equal(launching->inputs.modules.at[i].node, node))
			return launching->inputs.modules.at[i].path;
	return NULL;
}

/* The first word becomes the shared object of the record; there is nothing to compile. */
static void use_recorded(struct launching *launching, struct group *group)
{
	const char *path = recorded_module(launching, group->label);
	if (!group->module.count)
		return;
	if (!path) {
		problem_add(&launching->problems, group->module.at[0].mark, "module-missing", NULL,
			"the record of %s has no module for %s, which did not run then", launching->earlier.id, group->label);
		return;
	}
	for (size_t i = 0; i < group->module.count; i++)
		free(group->module.at[i].text);
	group->module.count = 1;
	group->module.at[0].text = memory_copy_text(path);
}

void launching_use_recorded(struct launching *launching)
{
	for (size_t i = 0; is_earlier(launching) && i < launching->topology->groups.count; i++)
		use_recorded(launching, &launching->topology->groups.at[i]);
}

/* ---- the environment ---- */

int launching_read_variables(struct launching *launching)
{
	struct error error = { 0 };
	const char *folder = launching->caller_folder ? launching->caller_folder : launching->request.current_folder;
	if (is_earlier(launching) && record_read_variables(launching->earlier.record, &launching->variables, &error))
		return launching_cannot("%s", error.text);
	for (size_t i = 0; i < launching->env_files.count; i++) {
		char *cleanup_free path = files_absolute(folder, launching->env_files.at[i]);
		struct text cleanup_text content = { 0 };
		if (files_read(path, &content, 0, &error) ||
		    envfile_parse(&launching->variables, text_string(&content), content.length, launching->env_files.at[i], &error))
			return launching_cannot("--env-file: %s", error.text);
	}
	return 0;
}

void launching_take_git(struct launching *launching)
{
	char *cleanup_free path = memory_format("%s/git.diff", launching->earlier.record);
	launching->git = json_incref(launching->inputs.git);
	files_read(path, &launching->diff, 0, NULL);
}

/* ---- incarnations ---- */

void launching_count_incarnations(struct launching *launching)
{
	const struct topology *topology = launching->topology;
	if (!launching->continued)
		return;
	json_t *last = record_incarnations(launching->earlier.record);
	launching->incarnations = memory_array((size_t)topology->total, sizeof *launching->incarnations);
	for (size_t i = 0; i < topology->groups.count; i++)
		for (int k = 0; k < topology->groups.at[i].replicas; k++) {
			char *cleanup_free name = group_replica_name(&topology->groups.at[i], k);
			int noted = (int)json_integer_value(json_object_get(last, name));
			launching->incarnations[topology->groups.at[i].first + k] = (noted ? noted : 1) + 1;
		}
	json_decref(last);
}

void launching_release_earlier(struct launching *launching)
{
	inputs_release(&launching->inputs);
	inputs_release(&launching->noted);
	envfile_release(&launching->variables);
	list_release(&launching->env_files);
	text_release(&launching->diff);
	json_decref(launching->git);
	runs_close(&launching->earlier);
	free(launching->caller_folder);
	free(launching->incarnations);
}
