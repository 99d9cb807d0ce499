/* SPDX-License-Identifier: MIT */
/* A file, read and looked through once: what is wrong with it whatever its variables are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "topology/mark.h"
#include "topology/places.h"
#include "topology/read.h"
#include "topology/schema.h"
#include "topology/topology.h"
#include "topology/variables.h"
#include "topology/words.h"

enum { FILE_MOST = 64 << 20 };

static const struct settings no_settings = { .folder = "/" };

/* ---- the bytes ---- */

static int read_bytes(struct source *source, const char *path, struct error *error)
{
	int bad;
	if (strcmp(path, "-")) {
		bad = files_read(path, &source->text, FILE_MOST, error);
	} else {
		bad = files_read_fd(STDIN_FILENO, "standard input", &source->text, FILE_MOST, error);
	}
	if (bad && error->code == EFBIG)
		error_set(error, "cannot read %s: a topology has at most %d MiB", path, FILE_MOST >> 20);
	return bad;
}

/* A word that could be the name of an example. */
static void name_examples(const char *path, struct error *error)
{
	if (error->code != ENOENT || strpbrk(path, "/.") || !strcmp(path, "-"))
		return;
	char *cleanup_free names = places_examples(), *cleanup_free text = memory_copy_text(error->text);
	if (names)
		error_code(error, ENOENT, "%s, and no example has that name; there are %s", text, names);
}

static int open_file(struct source *source, const char *path, struct problems *problems)
{
	struct error error = { 0 };
	bool folder = strcmp(path, "-") && files_is_folder(path);
	char *cleanup_free current = files_current_folder();
	source->file = folder ? memory_format("%s%stopo.yaml", path, text_ends(path, "/") ? "" : "/")
		: memory_copy_text(path);
	char *cleanup_free above = strcmp(path, "-") ? files_folder_of(source->file) : memory_copy_text(".");
	source->folder = source->settings->here ? memory_copy_text(source->settings->here) :
		files_absolute(current ? current : "/", above);
	int bad = read_bytes(source, source->file, &error);
	if (bad)
		name_examples(path, &error);
	problems->file = source->file;
	problems->source = text_string(&source->text);
	problems->source_length = source->text.length;
	struct mark nowhere = { source->file, 0, 0, 0, 0 };
	return bad ? problem_add(problems, nowhere, "unreadable", NULL, "%s", error.text) : 0;
}

/* The places of the problems point into what is kept until these are released. Returns NULL. */
static struct source *give_up(struct source *source, struct problems *problems)
{
	for (size_t i = 0; i < source->names.count; i++)
		*list_add(&problems->kept) = source->names.at[i];
	source->names.count = 0;
	*list_add(&problems->kept) = source->file;
	*list_add(&problems->kept) = source->folder;
	*list_add(&problems->kept) = text_take(&source->text);
	problems->source = problems->kept.at[problems->kept.count - 1];
	source->file = source->folder = NULL;
	source_free(source);
	return NULL;
}

/* ---- what every topology has ---- */

static struct mark first_place(const struct source *source)
{
	return source->root->count ? source->root->key_marks[0] : source->root->mark;
}

static void check_version(const struct source *source, struct problems *problems)
{
	const struct tree *version = tree_get(source->root, "lpad");
	if (!version)
		problem_add(problems, first_place(source), "missing-key", NULL,
			"`lpad: 1` is missing: it says which version of the format this is");
	else if (version->kind == TREE_SCALAR && strcmp(version->text, "1"))
		problem_add(problems, version->mark, "version", NULL,
			"this lpad reads version 1 of the format, not `%.60s`",
			version->text);
}

static void check_nodes(const struct source *source, struct problems *problems)
{
	const struct tree *nodes = tree_get(source->root, "nodes");
	if (!nodes)
		problem_add(problems, first_place(source), "missing-key", NULL,
			"`nodes` is missing: there is nothing to run");
	if (!nodes || nodes->kind != TREE_MAP)
		return;
	if (!nodes->count)
		problem_add(problems, nodes->mark, "missing-key", NULL,
			"`nodes` is empty: there is nothing to run");
	for (size_t i = 0; i < nodes->count; i++) {
		const struct tree *node = nodes->items[i];
		words_check_label(problems, nodes->keys[i], nodes->key_marks[i], "a node's name");
		if (node->kind == TREE_MAP)
			schema_check(SCHEMA_NODE, node, problems);
		else if (!tree_is_null(node))
			problem_add(problems, node->mark, "type", NULL,
				"a node is a map like {module: %.60s.c}, not %s",
				nodes->keys[i], tree_kind_name(node));
	}
}

/* The options; arrows are edge.c's. */
static void check_edges(const struct source *source, struct problems *problems)
{
	const struct tree *edges = tree_get(source->root, "edges");
	for (size_t i = 0; edges && edges->kind == TREE_LIST && i < edges->count; i++) {
		const struct tree *edge = edges->items[i];
		if (edge->kind == TREE_MAP && edge->count == 1 && edge->items[0]->kind == TREE_MAP)
			schema_check(SCHEMA_EDGE, edge->items[0], problems);
	}
}

static void check_root(struct source *source, struct problems *problems)
{
	check_version(source, problems);
	schema_check(SCHEMA_TOP, source->root, problems);
	if (!tree_get(source->root, "name") && !source->settings->name)
		problem_add(problems, first_place(source), "missing-key", NULL,
			"`name` is missing: runs are named after it");
	variables_declare(source, problems);
	variables_set(source, problems);
	check_nodes(source, problems);
	check_edges(source, problems);
	variables_check_uses(source, problems);
}

struct source *source_read(const char *path, const struct settings *settings, struct problems *problems,
	bool *unreadable)
{
	struct source *source = memory_new(sizeof *source);
	source->settings = settings ? settings : &no_settings;
	if (unreadable)
		*unreadable = false;
	if (open_file(source, path, problems)) {
		if (unreadable)
			*unreadable = true;
		return give_up(source, problems);
	}
	struct reading reading = { text_string(&source->text), source->text.length, source->file, 1,
		source->folder };
	source->root = read_yaml(&reading, problems);
	if (source->root && source->root->kind != TREE_MAP)
		problem_add(problems, source->root->mark, "type", NULL,
			"a topology is a map (`lpad: 1`, `nodes:`, ...), not %s",
			tree_kind_name(source->root));
	if (!source->root || source->root->kind != TREE_MAP)
		return give_up(source, problems);
	check_root(source, problems);
	return source;
}

static void variable_release(struct variable *variable)
{
	for (size_t i = 0; i < variable->one_of.count; i++)
		free(variable->one_of.at[i]);
	list_release(&variable->one_of);
	tree_free(variable->value);
	tree_free(variable->fallback);
	free(variable->name);
	free(variable->help);
}

void source_free(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->variables.count; i++)
		variable_release(&source->variables.at[i]);
	list_release(&source->variables);
	tree_free(source->root);
	for (size_t i = 0; i < source->names.count; i++)
		free(source->names.at[i]);
	list_release(&source->names);
	text_release(&source->text);
	free(source->folder);
	free(source->file);
	free(source);
}

void source_report_unused(struct source *source, struct problems *problems)
{
	for (size_t i = 0; i < source->variables.count; i++) {
		const struct variable *variable = &source->variables.at[i];
		if (!variable->used && strcmp(variable->name, "seed"))
			problem_add(problems, variable->mark, "unused-variable", NULL,
				"nothing uses the variable `%.60s`",
				variable->name);
	}
	source_report_arguments(source, problems);
}

void source_report_arguments(struct source *source, struct problems *problems)
{
	const char *const *arguments = source->settings->arguments;
	if (!arguments || !*arguments || source->arguments_used)
		return;
	char *file = memory_format("-- %.60s", *arguments);
	*list_add(&source->names) = file;
	problem_add(problems, (struct mark){ file, 1, 1, 1, 1 }, "unused-arguments",
		"a variable or parameter takes them: text: $args",
		"%s has no $args: nothing takes what stands behind `--`", source->file);
}
