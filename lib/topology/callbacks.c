/* SPDX-License-Identifier: MIT */
/* The `check` callbacks of implementations: what they complain of, at the words it is about. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/bind.h"
#include "topology/document.h"
#include "topology/value.h"

enum { INDEXES_MOST = 64 };     /* replicas tried when their parameters differ; each runs check itself before init */

struct complaint {
	struct mark mark;
	const char *text;       /* borrowed: without the prefix where the mark says it */
};

/* "params.x.y: text": "x.y"; NULL if it does not begin so. Caller frees. */
static char *place_behind(const char *complaint, const char *prefix)
{
	if (!text_starts(complaint, prefix))
		return NULL;
	const char *name = complaint + strlen(prefix), *colon = strchr(name, ':');
	if (!colon || memchr(name, ' ', (size_t)(colon - name)))
		return NULL;
	return memory_copy_span(name, (size_t)(colon - name));
}

/* The innermost key of "limiter.min_size" that the file gives within `value`; *mark stays where it is if there is none. */
static void walk(const struct tree *value, const char *path, struct mark *mark)
{
	while (value && value->kind == TREE_MAP && *path) {
		size_t length = strcspn(path, "."), i = 0;
		while (i < value->count && (strlen(value->keys[i]) != length || strncmp(value->keys[i], path, length)))
			i++;
		if (i == value->count)
			return;
		*mark = value->key_marks[i];
		value = value->items[i];
		path += length + (path[length] == '.');
	}
}

static bool at_param(const struct group *group, const char *complaint, struct complaint *out)
{
	struct given_param given;
	char *cleanup_free path = place_behind(complaint, "params.");
	char *rest = path ? path + strcspn(path, ".") : NULL;
	if (!path)
		return false;
	if (*rest)
		*rest++ = '\0';
	if (!bind_given(group, path, &given))
		return false;
	*out = (struct complaint){ given.key_mark, complaint + strlen("params.") };
	walk(given.value, rest, &out->mark);
	return true;
}

static bool at_edge(const struct binder *binder, const struct group *group, const char *complaint,
	struct complaint *out)
{
	char *cleanup_free port = place_behind(complaint, "edges.");
	if (port)
		port[strcspn(port, ".")] = '\0';
	for (int from = 1; port && from >= 0; from--) {
		size_t count;
		const int *edges = from ? joins_from(binder->joins, group->number, &count) :
			joins_to(binder->joins, group->number, &count);
		for (size_t i = 0; i < count; i++) {
			const struct edge *edge = &binder->topology->edges.at[edges[i]];
			if (!text_equal(from ? edge->from_port : edge->to_port, port))
				continue;
			*out = (struct complaint){ edge->mark, complaint + strlen("edges.") };
			return true;
		}
	}
	return false;
}

static bool at_replicas(const struct group *group, const char *complaint, struct complaint *out)
{
	static const char prefix[] = "replicas:";
	if (!text_starts(complaint, prefix))
		return false;
	const char *text = complaint + strlen(prefix);
	*out = (struct complaint){ group->replicas_mark.line ? group->replicas_mark : group->mark, text + strspn(text, " ") };
	return true;
}

static void report(struct binder *binder, const struct group *group, int index, const char *text)
{
	struct complaint complaint = { group->mark, text };
	if (!at_param(group, text, &complaint) && !at_edge(binder, group, text, &complaint))
		at_replicas(group, text, &complaint);
	char *cleanup_free name = index ? group_replica_name(group, index) : memory_copy_text(group->label);
	problem_add(binder->problems, complaint.mark, "node-check", NULL, "%s: %s", name, complaint.text);
}

/* True if there were complaints. */
static bool call(struct binder *binder, const struct group *group, int index)
{
	json_t *document = document_check(binder->topology, group, index);
	char **list = binder->lookup->check(binder->lookup->context, group->interface, document);
	bool any = list && list[0];
	json_decref(document);
	for (size_t i = 0; any && list[i]; i++) {
		report(binder, group, index, list[i]);
		free(list[i]);
	}
	free(list);
	return any;
}

static bool differs_by_index(const struct group *group)
{
	const char *name;
	json_t *value;
	json_object_foreach(group->values, name, value)
		if (value_names_index(value))
			return true;
	return false;
}

void bind_callbacks(struct binder *binder)
{
	for (size_t i = 0; binder->lookup->check && i < binder->topology->groups.count; i++) {
		const struct group *group = &binder->topology->groups.at[i];
		if (!group->spec || !group->spec->has_check || binder->groups[i].broken)
			continue;
		int count = !differs_by_index(group) ? 1 : group->replicas < INDEXES_MOST ? group->replicas : INDEXES_MOST;
		for (int index = 0; index < count && !call(binder, group, index); index++)
			;
	}
}
