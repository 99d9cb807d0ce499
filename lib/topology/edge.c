/* SPDX-License-Identifier: MIT */
/* One arrow of the file, with its options, as an edge between two groups. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/build.h"
#include "topology/dollar.h"
#include "topology/mark.h"
#include "topology/words.h"

enum {
	KEEP_MOST = 1000000,
	WINDOW_MOST = 4096,
	NODE_OFF = -1,                  /* the node is not there in this combination */
	NODE_WRONG = -2                 /* there is no such node: reported */
};

static const char shape_hint[] = "calls: `node.handle -> node`; a topic: `node.topic -> node.subscription`";

/* One side of an arrow as it is written. */
struct end {
	char *label, *port;             /* port NULL: none */
	struct mark mark, label_mark;
};
struct arrow {
	struct end from, to;
};

/* ---- the text ---- */

static int malformed(struct builder *builder, struct mark mark, const char *why)
{
	return problem_add(builder->problems, mark, "edge", shape_hint, "%s", why);
}

/* `text[start, end)` is one side of the arrow `text`. */
static int split_end(struct builder *builder, const char *text, size_t start, size_t end, struct mark mark,
	struct end *out)
{
	while (start < end && strchr(" \t\n", text[start]))
		start++;
	while (end > start && strchr(" \t\n", text[end - 1]))
		end--;
	if (start == end)
		return malformed(builder, mark, "one side of the arrow is missing");
	char *cleanup_free side = memory_copy_span(text + start, end - start);
	char *dot = strchr(side, '.');
	size_t label = dot ? (size_t)(dot - side) : end - start;
	out->mark = mark_within(mark, text, start, end - start);
	out->label_mark = mark_within(mark, text, start, label);
	bool bad_port = dot && (!dot[1] || strchr(dot + 1, '.') || strchr(dot + 1, '$'));
	if (side[strcspn(side, " \t\n")] || !label || bad_port)
		return malformed(builder, out->mark, "each side of an arrow is a node, or a node and a port");
	out->label = memory_copy_span(side, label);
	out->port = dot ? memory_copy_text(dot + 1) : NULL;
	return 0;
}

static int split_arrow(struct builder *builder, const char *text, struct mark mark, struct arrow *out)
{
	const char *sign = strstr(text, "->");
	if (!sign)
		return malformed(builder, mark, "an edge is an arrow");
	if (strstr(sign + 2, "->"))
		return malformed(builder, mark, "an edge is one arrow: write one in each line");
	size_t length = strlen(text), middle = (size_t)(sign - text);
	int bad = split_end(builder, text, 0, middle, mark, &out->from);
	return split_end(builder, text, middle + 2, length, mark, &out->to) || bad ? -1 : 0;
}

static void arrow_release(struct arrow *arrow)
{
	free(arrow->from.label);
	free(arrow->from.port);
	free(arrow->to.label);
	free(arrow->to.port);
}

/* ---- the nodes ---- */

static void unknown_node(struct builder *builder, const struct tree *label)
{
	if (label->kind != TREE_SCALAR) {
		words_report(builder->problems, label, "type", NULL,
			"a node's name is needed here, not %s", tree_kind_name(label));
		return;
	}
	const struct tree *nodes = tree_get(builder->source->root, "nodes");
	const char *const *words = (const char *const *)nodes->keys;
	const char *nearest = words_nearest(builder->problems, label->text, words, nodes->count);
	char *cleanup_free list = words_list(words, nodes->count < 12 ? nodes->count : 12);
	if (nearest)
		words_report(builder->problems, label, "edge-node", NULL,
			"no node `%.60s`: did you mean `%s`?", label->text, nearest);
	else
		words_report(builder->problems, label, "edge-node", NULL,
			"no node `%.60s`; there are: %s%s", label->text, list,
			nodes->count > 12 ? ", ..." : "");
}

static bool is_node(const struct tree *node)
{
	return node->kind == TREE_MAP || tree_is_null(node);
}

/* The group's number, NODE_OFF or NODE_WRONG. */
static int find_group(struct builder *builder, const struct end *end)
{
	const struct use nowhere = { 0 };
	struct dollar whole;
	size_t number, place;
	int result = NODE_OFF;
	if (strchr(end->label, '$') && !dollar_is_whole(end->label, &whole)) {
		malformed(builder, end->label_mark,
			"a variable at the end of an edge is the whole name of a node");
		return NODE_WRONG;
	}
	struct tree *written = tree_scalar(end->label, end->label_mark, NULL, false);
	struct tree *label = scope_expand(builder->scope, written, &nowhere);
	tree_free(written);
	if (scope_failed(builder->scope)) {
		result = NODE_WRONG;
	} else if (label->kind == TREE_SCALAR && names_find(&builder->groups, label->text, &number)) {
		result = (int)number;
	} else if (label->kind != TREE_SCALAR || !names_find(&builder->nodes, label->text, &place)) {
		unknown_node(builder, label);
		result = NODE_WRONG;
	} else if (!is_node(tree_get(builder->source->root, "nodes")->items[place])) {
		result = NODE_WRONG;    /* reported with the file */
	}
	tree_free(label);
	return result;
}

/* ---- map ---- */

static const char *const map_names[] = {
	[MAP_ALL] = "all", [MAP_ONE_TO_ONE] = "one-to-one", [MAP_ROUND_ROBIN] = "round-robin",
	[MAP_NEXT] = "next", [MAP_PREVIOUS] = "previous",
};

static const struct { const char *key; enum map_kind kind; } axis_maps[] = {
	{ "along", MAP_ALONG }, { "next", MAP_NEXT }, { "previous", MAP_PREVIOUS },
};

static int read_axis_map(struct builder *builder, const struct tree *map, struct edge *edge)
{
	for (size_t i = 0; i < 3 && map->count == 1; i++) {
		if (strcmp(map->keys[0], axis_maps[i].key))
			continue;
		const struct tree *axis = map->items[0];
		if (axis->kind != TREE_SCALAR || tree_is_null(axis))
			return words_report(builder->problems, axis, "type", NULL,
				"`%s` names an axis, not %s", map->keys[0],
				tree_kind_name(axis));
		edge->map = axis_maps[i].kind;
		edge->axis = memory_copy_text(axis->text);
		edge->map_mark = axis->mark;
		return 0;
	}
	return words_report(builder->problems, map, "value", NULL,
		"`map` is a word, or {along: axis}, {next: axis} or {previous: axis}");
}

static int read_map(struct builder *builder, const struct tree *options, struct edge *edge)
{
	const struct use nowhere = { 0 };
	bool bad = false;
	int kind = MAP_ALL;
	struct tree *value = take(builder, SCHEMA_EDGE, options, "map", &nowhere, &bad);
	edge->map_mark = value ? value->mark : edge->mark;
	if (value && value->kind == TREE_MAP)
		bad |= read_axis_map(builder, value, edge) != 0;
	else if (value && !(bad |= take_word(builder, value, "map", map_names, 5, &kind) != 0))
		edge->map = (enum map_kind)kind;
	tree_free(value);
	return bad ? -1 : 0;
}

static void report_sizes(struct builder *builder, const struct edge *edge)
{
	const struct group *from = &builder->topology->groups.at[edge->from],
		*to = &builder->topology->groups.at[edge->to];
	char *cleanup_free place = mark_text(from->replicas_mark.line ? from->replicas_mark : from->mark);
	problem_add(builder->problems, edge->map_mark, "edge-map", NULL,
		"%s needs equal sizes: %s has %d replica%s (%s), %s %d",
		map_names[edge->map], from->label, from->replicas, from->replicas == 1 ? "" : "s", place,
		to->label, to->replicas);
}

static const struct axis *find_axis(const struct group *group, const char *name)
{
	for (size_t i = 0; i < group->axes.count; i++)
		if (!strcmp(group->axes.at[i].name, name))
			return &group->axes.at[i];
	return NULL;
}

static void report_axis(struct builder *builder, const struct edge *edge, const struct group *group)
{
	size_t count = group->axes.count;
	const char **cleanup_free words = memory_array(count, sizeof *words);
	for (size_t i = 0; i < count; i++)
		words[i] = group->axes.at[i].name;
	const char *nearest = words_nearest(builder->problems, edge->axis, words, count);
	char *cleanup_free list = words_list(words, count);
	if (!count)
		problem_add(builder->problems, edge->map_mark, "edge-map", "replicas: {row: 4, column: 4}",
			"%s has no axis `%.60s`: its replicas are no grid", group->label, edge->axis);
	else if (nearest)
		problem_add(builder->problems, edge->map_mark, "edge-map", NULL,
			"%s has no axis `%.60s`: did you mean `%s`?",
			group->label, edge->axis, nearest);
	else
		problem_add(builder->problems, edge->map_mark, "edge-map", NULL,
			"%s has no axis `%.60s`; it has: %s", group->label,
			edge->axis, list);
}

static bool same_grid(const struct group *a, const struct group *b)
{
	bool same = a->axes.count == b->axes.count;
	for (size_t i = 0; same && i < a->axes.count; i++)
		same = a->axes.at[i].extent == b->axes.at[i].extent
			&& !strcmp(a->axes.at[i].name, b->axes.at[i].name);
	return same;
}

/* -1 if the two groups cannot be joined like that, or nobody can tell. */
static int check_map(struct builder *builder, const struct edge *edge)
{
	const struct group *from = &builder->topology->groups.at[edge->from],
		*to = &builder->topology->groups.at[edge->to];
	bool unsure = from->unsure || to->unsure;
	size_t before = builder->problems->errors;
	if (unsure)             /* neither their sizes nor their axes say anything */
		return edge->map != MAP_ALL ? -1 : 0;
	if (edge->axis && !find_axis(from, edge->axis)) {
		report_axis(builder, edge, from);
		return -1;
	}
	if (edge->axis && !same_grid(from, to))
		return problem_add(builder->problems, edge->map_mark, "edge-map", NULL,
			"a map along an axis needs the same grid on both sides: %s and %s differ",
			from->label, to->label);
	if (!edge->axis && edge->map != MAP_ALL && edge->map != MAP_ROUND_ROBIN
		&& from->replicas != to->replicas)
		report_sizes(builder, edge);
	return builder->problems->errors > before ? -1 : 0;
}

/* ---- the other options ---- */

static void take_keep(struct builder *builder, const struct tree *value, struct edge *edge)
{
	int64_t count = 0;
	const struct tree *all = tree_get(value, "all");
	edge->keep_mark = value->mark;
	if (all && value->count == 1) {
		if (!take_int(builder, all, "keep.all", 1, WINDOW_MOST, &edge->keep_window))
			edge->keep = -2;
	} else if (value->kind == TREE_MAP || !*value->text) {
		words_report(builder->problems, value, "value", NULL,
			"`keep` is latest, a number, all or {all: N}");
	} else if (!strcmp(value->text, "latest") || !strcmp(value->text, "all")) {
		edge->keep = value->text[0] == 'l' ? -1 : -2;
	} else if (value->text[strspn(value->text, "0123456789+-")]) {
		words_report(builder->problems, value, "value", NULL,
			"`keep` is latest, a number, all or {all: N}, not \"%.60s\"",
			value->text);
	} else if (!take_int(builder, value, "keep", 1, KEEP_MOST, &count)) {
		edge->keep = (int)count;
	}
	edge->has_keep = edge->keep != 0;
}

static void for_topics_only(struct builder *builder, const struct tree *value, const char *key,
	const struct edge *edge)
{
	if (!edge->to_port)
		problem_add(builder->problems, value->mark, "edge-option", NULL,
			"`%s` is for topics: a subscription stands on their right side", key);
}

static void read_topic_options(struct builder *builder, const struct tree *options, struct edge *edge)
{
	static const char *const words[] = { "lazy", "eager" };
	const struct use nowhere = { 0 };
	int eager = 0;
	struct tree *value = take(builder, SCHEMA_EDGE, options, "keep", &nowhere, NULL);
	if (value) {
		for_topics_only(builder, value, "keep", edge);
		take_keep(builder, value, edge);
	}
	tree_free(value);
	if ((value = take(builder, SCHEMA_EDGE, options, "fetch", &nowhere, NULL))) {
		for_topics_only(builder, value, "fetch", edge);
		if (!take_word(builder, value, "fetch", words, 2, &eager) && edge->has_keep && edge->keep != -1)
			words_report(builder->problems, value, "edge-option", NULL,
				"`fetch` goes with `keep: latest`");
		edge->has_fetch = true;
		edge->eager = eager;
	}
	tree_free(value);
}

static void read_options(struct builder *builder, const struct tree *options, struct edge *edge)
{
	const struct use nowhere = { 0 };
	read_topic_options(builder, options, edge);
	struct tree *value = take(builder, SCHEMA_EDGE, options, "deadline", &nowhere, NULL);
	if (value) {
		if (edge->to_port)
			problem_add(builder->problems, value->mark, "edge-option", NULL,
				"`deadline` is for calls: nobody waits for an answer to a topic");
		take_duration(builder, value, "deadline", &edge->deadline_ns);
	}
	tree_free(value);
	if ((value = take(builder, SCHEMA_EDGE, options, "max_message", &nowhere, NULL)))
		take_size(builder, value, "max_message", &edge->max_message);
	tree_free(value);
}

/* ---- all of it ---- */

/* The same replicas joined twice through the same ports. */
static void check_twice(struct builder *builder, const struct edge *edge)
{
	char *name = memory_format("%d.%s %d.%s %d.%s", edge->from, edge->from_port ? edge->from_port : "",
		edge->to, edge->to_port ? edge->to_port : "", (int)edge->map, edge->axis ? edge->axis : "");
	size_t first;
	*list_add(&builder->edge_names) = name;
	if (names_find(&builder->edges, name, &first)) {
		char *cleanup_free place = mark_text(builder->topology->edges.at[first].mark);
		problem_add(builder->problems, edge->mark, "edge-twice", NULL,
			"this edge stands here a second time: first at %s",
			place);
		return;
	}
	names_put(&builder->edges, name, builder->topology->edges.count);
}

/* Both nodes are there and the edge is on. */
static void join(struct builder *builder, struct arrow *arrow, int from, int to, struct mark mark,
	const struct tree *options)
{
	struct edge edge = { .mark = mark, .from_mark = arrow->from.mark, .to_mark = arrow->to.mark,
		.from = from, .to = to,
		.from_port = arrow->from.port, .to_port = arrow->to.port, .deadline_ns = -1,
		.max_message = 1 << 30 };
	arrow->from.port = arrow->to.port = NULL;
	int bad = read_map(builder, options, &edge);
	read_options(builder, options, &edge);
	if (bad || check_map(builder, &edge)) {
		/* Each replica keeps a partner, so that nothing complains of ports that are open only because of this. */
		edge.map = MAP_ROUND_ROBIN;
		free(edge.axis);
		edge.axis = NULL;
	} else {
		check_twice(builder, &edge);
	}
	*list_add(&builder->topology->edges) = edge;
}

void edge_lose(struct builder *builder)
{
	*list_add(&builder->topology->lost) = (struct lost_edge){ .from = -1, .to = -1, .illegible = true };
}

/* One of the nodes is wrong; of the other, and by their names, the ports are known. */
static void lose(struct builder *builder, struct arrow *arrow, int from, int to)
{
	*list_add(&builder->topology->lost) = (struct lost_edge){ .from = from < 0 ? -1 : from, .to = to < 0 ? -1 : to,
		.from_port = arrow->from.port, .to_port = arrow->to.port };
	arrow->from.port = arrow->to.port = NULL;
}

static void build_arrow(struct builder *builder, struct arrow *arrow, struct mark mark, const struct tree *options)
{
	if (!scope_holds(builder->scope, tree_get(options, "when")))
		return;
	int from = find_group(builder, &arrow->from), to = find_group(builder, &arrow->to);
	if (from >= 0 && to >= 0)
		join(builder, arrow, from, to, mark, options);
	else if (from != NODE_OFF && to != NODE_OFF)
		lose(builder, arrow, from, to);
}

static void build(struct builder *builder, const char *text, struct mark mark, const struct tree *options)
{
	struct arrow arrow = { 0 };
	if (split_arrow(builder, text, mark, &arrow))
		edge_lose(builder);
	else
		build_arrow(builder, &arrow, mark, options);
	arrow_release(&arrow);
}

void edge_build(struct builder *builder, struct tree *item)
{
	if (item->kind == TREE_SCALAR) {
		build(builder, item->text, item->mark, NULL);
		return;
	}
	if (item->kind == TREE_LIST || item->count != 1) {
		bool second = item->kind == TREE_MAP && item->count > 1;
		edge_lose(builder);
		malformed(builder, second ? item->key_marks[1] : item->mark,
			"an edge is one arrow, its options behind a colon");
		return;
	}
	const struct tree *options = item->items[0];
	bool wrong = options->kind != TREE_MAP && !tree_is_null(options);
	if (wrong)
		problem_add(builder->problems, options->mark, "type", NULL,
			"the options of an edge are a map like {map: next}, not %s",
			tree_kind_name(options));
	if (wrong)
		edge_lose(builder);
	else
		build(builder, item->keys[0], item->key_marks[0], options);
}

void edge_release(struct edge *edge)
{
	free(edge->from_port);
	free(edge->to_port);
	free(edge->axis);
}
