/* SPDX-License-Identifier: MIT */
#include "supervise/record.h"

#include <gnu/libc-version.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "supervise/isolate.h"
#include "supervise/output.h"

void manifest_hash(const void *data, size_t size, char out[65])
{
	SHA2_CTX context;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Init(&context);
	SHA256Update(&context, data, size);
	SHA256Final(digest, &context);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static json_t *text_json(const char *text)
{
	return output_json_text(text, strlen(text));
}

/* Texts stay texts: what they mean is decided at their place of use. */
static json_t *tree_json(const struct tree *tree)
{
	if (!tree)
		return json_null();
	if (tree->kind == TREE_SCALAR)
		return text_json(tree->text);
	json_t *out = tree->kind == TREE_LIST ? json_array() : json_object();
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->kind == TREE_LIST)
			json_array_append_new(out, tree_json(tree->items[i]));
		else
			json_object_set_new(out, tree->keys[i], tree_json(tree->items[i]));
	}
	return out;
}

static json_t *variables_json(const struct source *source)
{
	json_t *out = json_object();
	for (size_t i = 0; i < source->variables.count; i++)
		json_object_set_new(out, source->variables.at[i].name, tree_json(source->variables.at[i].value));
	return out;
}

static json_t *words_json(int count, char **words)
{
	json_t *out = json_array();
	for (int i = 0; i < count; i++)
		json_array_append_new(out, text_json(words[i]));
	return out;
}

static json_t *hashes_json(const struct record *record, const struct source *source)
{
	char hash[65];
	json_t *out = json_object();
	manifest_hash(text_string(&source->text), source->text.length, hash);
	json_object_set_new(out, "topology.yaml", json_string(hash));
	for (size_t i = 0; i < record->modules.count; i++) {
		const char *name = record->modules.at[i].to + strlen(record->folder) + 1;
		json_object_set_new(out, name, json_string(record->modules.at[i].hash));
	}
	return out;
}

/* By replica, the process that it lives in: as its log is called. */
static json_t *processes_json(const struct topology *topology, const struct processes *processes)
{
	json_t *out = json_object();
	for (size_t i = 0; processes && i < topology->groups.count; i++) {
		const struct group *group = &topology->groups.at[i];
		for (int k = 0; k < group->replicas; k++) {
			char *cleanup_free name = group_replica_name(group, k);
			json_object_set_new(out, name, json_string(processes->at[processes->of[group->first + k]].name));
		}
	}
	return out;
}

static json_t *host_json(void)
{
	struct utsname system;
	if (uname(&system))
		return json_null();
	return json_pack("{ss ss ss si}", "name", system.nodename, "kernel", system.release, "machine", system.machine,
		"cpus", (int)sysconf(_SC_NPROCESSORS_ONLN));
}

/* By label: which file in modules/ it loads. */
static json_t *modules_json(struct record *record, const struct topology *topology)
{
	json_t *out = json_object();
	for (size_t i = 0; i < topology->groups.count; i++) {
		const char *path = record_module(record, &topology->groups.at[i]);
		if (path)
			json_object_set_new(out, topology->groups.at[i].label, text_json(path + strlen(record->folder) + 1));
	}
	return out;
}

/* Values may be secrets, and stand in a file of their own. */
static json_t *names_json(const struct envfile *variables)
{
	json_t *out = json_array();
	for (size_t i = 0; variables && i < variables->list.count; i++) {
		const char *entry = variables->list.at[i];
		json_array_append_new(out, json_stringn(entry, strcspn(entry, "=")));
	}
	return out;
}

static json_t *launch_json(struct record *record, const struct manifest *manifest)
{
	json_t *out = manifest->inputs ? inputs_json(manifest->inputs) : json_object();
	json_object_set_new(out, "modules", modules_json(record, manifest->topology));
	json_object_set_new(out, "environment", names_json(manifest->variables));
	return out;
}

json_t *manifest_json(struct record *record, const struct manifest *manifest)
{
	const struct topology *topology = manifest->topology;
	char now[32];
	clock_stamp(now, clock_wall_ms());
	json_t *out = json_pack("{si ss ss sI ss si si}", "schema", 1, "run", record->id, "name", topology->name,
		"seed", (json_int_t)topology->seed, "started", now, "user", (int)geteuid(),
		"pid", (int)isolate_outside(getpid()));
	json_object_set_new(out, "file", text_json(manifest->file ? manifest->file : topology->source->file));
	json_object_set_new(out, "command_line", words_json(manifest->argument_count, manifest->arguments));
	json_object_set_new(out, "folder", text_json(manifest->current_folder));
	json_object_set_new(out, "sockets", text_json(manifest->sockets));
	json_object_set_new(out, "detached", json_boolean(manifest->detached));
	json_object_set_new(out, "vars", variables_json(topology->source));
	json_object_set_new(out, "hashes", hashes_json(record, topology->source));
	json_object_set_new(out, "processes", processes_json(topology, manifest->processes));
	json_object_set_new(out, "launch", launch_json(record, manifest));
	if (manifest->again)
		json_object_set_new(out, "again", json_string(manifest->again));
	json_object_set_new(out, "git", manifest->git ? json_deep_copy(manifest->git) : json_null());
	json_object_set_new(out, "host", host_json());
	json_object_set_new(out, "versions", json_pack("{ss ss ss}", "lpad", LPAD_VERSION,
		"libc", gnu_get_libc_version(), "jansson", JANSSON_VERSION));
	return out;
}
