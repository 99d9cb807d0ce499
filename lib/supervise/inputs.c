/* SPDX-License-Identifier: MIT */
#include "supervise/inputs.h"

#include <stdlib.h>

#include "base/channel.h"
#include "base/memory.h"

static json_t *text_json(const char *text)
{
	return text ? channel_text(text, strlen(text)) : json_null();
}

static json_t *texts_json(char *const *at, size_t count)
{
	json_t *out = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(out, text_json(at[i]));
	return out;
}

static json_t *set_json(const struct inputs *inputs)
{
	json_t *out = json_array();
	for (size_t i = 0; i < inputs->set.count; i++) {
		const struct given_setting *one = &inputs->set.at[i];
		json_array_append_new(out, json_pack("{so so so}", "name", text_json(one->name), "value", text_json(one->value),
			"folder", text_json(one->folder)));
	}
	return out;
}

json_t *inputs_json(const struct inputs *inputs)
{
	return json_pack("{so so so so so so sb so}", "set", set_json(inputs),
		"arguments", inputs->has_arguments ? texts_json(inputs->arguments.at, inputs->arguments.count) : json_null(),
		"arguments_folder", text_json(inputs->arguments_folder), "hold", texts_json(inputs->hold.at, inputs->hold.count), "name", text_json(inputs->name),
		"time_limit", inputs->time_limit_ns < 0 ? json_null() : json_real((double)inputs->time_limit_ns / 1e9),
		"threads", inputs->threads, "here", text_json(inputs->here));
}

#define READ_TEXTS(list, json) \
	for (size_t i = 0; i < json_array_size(json); i++) \
		*list_add(list) = memory_copy_text(json_string_value(json_array_get(json, i)))

static char *copied(const json_t *object, const char *key)
{
	return memory_copy_text(json_string_value(json_object_get(object, key)));
}

static void read_set(struct inputs *inputs, const json_t *set)
{
	for (size_t i = 0; i < json_array_size(set); i++) {
		const json_t *one = json_array_get(set, i);
		*list_add(&inputs->set) = (struct given_setting){ copied(one, "name"), copied(one, "value"), copied(one, "folder") };
	}
}

static void read_modules(struct inputs *inputs, json_t *modules, const char *record)
{
	const char *node;
	json_t *name;
	json_object_foreach(modules, node, name)
		*list_add(&inputs->modules) = (struct recorded_module){ memory_copy_text(node),
			memory_format("%s/%s", record, json_string_value(name) ? json_string_value(name) : "") };
}


int inputs_read(struct inputs *inputs, const json_t *manifest, const char *record, struct error *error)
{
	const json_t *launch = json_object_get(manifest, "launch");
	const json_t *limit = json_object_get(launch, "time_limit"), *arguments = json_object_get(launch, "arguments");
	*inputs = (struct inputs){ .time_limit_ns = -1, .name = copied(launch, "name"), .here = copied(launch, "here"),
		.file = copied(manifest, "file"), .folder = copied(manifest, "folder"), .has_arguments = json_is_array(arguments),
		.threads = json_is_true(json_object_get(launch, "threads")), .git = json_incref(json_object_get(manifest, "git")) };
	inputs->arguments_folder = copied(launch, "arguments_folder");
	read_set(inputs, json_object_get(launch, "set"));
	READ_TEXTS(&inputs->arguments, arguments);
	READ_TEXTS(&inputs->hold, json_object_get(launch, "hold"));
	if (json_is_number(limit))
		inputs->time_limit_ns = (int64_t)(json_number_value(limit) * 1e9 + 0.5);
	read_modules(inputs, json_object_get(launch, "modules"), record);
	if (inputs->here && inputs->file && inputs->folder)
		return 0;
	inputs_release(inputs);
	return error_set(error, "%s/manifest.json does not say what the run was started with: it is of an older lpad, or broken", record);
}

#define RELEASE_TEXTS(list) \
	do { \
		for (size_t i = 0; i < (list)->count; i++) \
			free((list)->at[i]); \
		list_release(list); \
	} while (0)

void inputs_release(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->set.count; i++) {
		free(inputs->set.at[i].name);
		free(inputs->set.at[i].value);
		free(inputs->set.at[i].folder);
	}
	list_release(&inputs->set);
	free(inputs->arguments_folder);
	RELEASE_TEXTS(&inputs->arguments);
	RELEASE_TEXTS(&inputs->hold);
	for (size_t i = 0; i < inputs->modules.count; i++) {
		free(inputs->modules.at[i].node);
		free(inputs->modules.at[i].path);
	}
	list_release(&inputs->modules);
	free(inputs->name);
	free(inputs->here);
	free(inputs->file);
	free(inputs->folder);
	json_decref(inputs->git);
	*inputs = (struct inputs){ .time_limit_ns = -1 };
}
