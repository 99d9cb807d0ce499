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

/* "params.x.y: text": the length of "x", the text behind the colon; NULL if it does not begin so. */
static const char *behind(const char *complaint, const char *prefix, char **word)
{
	if (!text_starts(complaint, prefix))
		return NULL;
	const char *name = complaint + strlen(prefix), *colon = strchr(name, ':');
	if (!colon || memchr(name, ' ', (size_t)(colon - name)))
		return NULL;
	*word = memory_copy_span(name, strcspn(name, ".:"));
	return colon + 1 + strspn(colon + 1, " ");
}

static bool at_param(const struct group *group, const char *complaint, struct complaint *out)
{
	char *cleanup_free name = NULL;
	struct given_param given;
	if (!behind(complaint, "params.", &name) || !bind_given(group, name, &given))
		return false;
	*out = (struct complaint){ given.key_mark, complaint + strlen("params.") };
	return true;
}

static bool at_edge(const struct binder *binder, const struct group *group, const char *complaint,
	struct complaint *out)
{
	char *cleanup_free port = NULL;
	const char *text = behind(complaint, "edges.", &port);
	for (int from = 1; text && from >= 0; from--) {
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
