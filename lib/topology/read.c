/* SPDX-License-Identifier: MIT */
/* The only file that includes yaml.h: libyaml's events become a tree; its complaints become ours. */
#include "topology/read.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/error.h"
#include "base/memory.h"
#include "topology/mark.h"
#include "topology/names.h"
#include "topology/syntax.h"

enum { FEW_KEYS = 16 };         /* a map of so many is searched from end to end */

/* A value with what it unfolds to, so that aliases can be counted before they are followed. */
struct measured {
	struct tree *tree;      /* NULL: reading has failed */
	size_t size;
	int height;
};
struct anchor {
	char *name;
	struct measured value;  /* tree NULL while the anchor's own value is being read */
};
struct reader {
	const struct reading *reading;
	struct problems *problems;
	yaml_parser_t parser;
	LIST(struct anchor) anchors;
	struct names names;     /* name -> place in anchors, the newest of each */
	size_t values;          /* so far, aliases unfolded */
};

static struct mark mark_of(const struct reader *reader, const yaml_mark_t *start, const yaml_mark_t *end)
{
	int first = reader->reading->column;
	return (struct mark){ reader->reading->file, (int)start->line + 1,
		(int)start->column + (start->line ? 1 : first),
		(int)end->line + 1, (int)end->column + (end->line ? 1 : first) };
}

static struct mark event_mark(const struct reader *reader, const yaml_event_t *event)
{
	return mark_of(reader, &event->start_mark, &event->end_mark);
}

static void report_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct syntax_error error = {
		.problem = parser->problem, .context = parser->context,
		.at = mark_of(reader, &parser->problem_mark, &parser->problem_mark),
		.opened = mark_of(reader, &parser->context_mark, &parser->context_mark),
		.text = reader->reading->text, .length = reader->reading->length,
		.column = reader->reading->column,
	};
	if (parser->error == YAML_READER_ERROR)
		syntax_bad_byte(&error, parser->problem_offset, reader->problems);
	else
		syntax_report(&error, reader->problems);
}

/* False once the text cannot be followed any more; the event need not be deleted then. */
static bool next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return true;
	report_syntax(reader);
	return false;
}

static struct measured parse_value(struct reader *reader, yaml_event_t *event, int depth);

static const struct measured failed = { NULL, 0, 0 };

static size_t anchor_begin(struct reader *reader, const yaml_char_t *name)
{
	if (!name)
		return (size_t)-1;
	char *copy = memory_copy_text((const char *)name);
	*list_add(&reader->anchors) = (struct anchor){ copy, failed };
	names_put(&reader->names, copy, reader->anchors.count - 1);
	return reader->anchors.count - 1;
}

static void anchor_end(struct reader *reader, size_t place, struct measured value)
{
	if (place != (size_t)-1 && value.tree) {
		reader->anchors.at[place].value = value;
		tree_share(value.tree);
	}
}

static bool too_many(struct reader *reader, size_t more, struct mark mark)
{
	reader->values += more;
	if (reader->values <= READ_VALUES)
		return false;
	problem_add(reader->problems, mark, "too-large", NULL,
		"more than %d values up to here, aliases unfolded", READ_VALUES);
	return true;
}

/* The same value at another place: its parts are shared. */
static struct tree *copy_at(const struct tree *tree, struct mark mark)
{
	if (tree->kind == TREE_SCALAR)
		return tree_scalar(tree->text, mark, tree->base, tree->quoted);
	struct tree *copy = tree->kind == TREE_LIST ? tree_list(mark) : tree_map(mark);
	for (size_t i = 0; i < tree->count; i++) {
		struct tree *item = tree_share(tree->items[i]);
		if (tree->kind == TREE_LIST)
			tree_append(copy, item);
		else
			tree_put(copy, tree->keys[i], tree->key_marks[i], item);
	}
	return copy;
}

static struct measured parse_alias(struct reader *reader, const yaml_event_t *event, int depth)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct mark mark = event_mark(reader, event);
	size_t place;
	if (!names_find(&reader->names, name, &place)) {
		problem_add(reader->problems, mark, "alias", NULL,
			"no anchor `&%.60s` stands before this alias", name);
		return failed;
	}
	const struct measured *anchor = &reader->anchors.at[place].value;
	if (!anchor->tree) {
		problem_add(reader->problems, mark, "alias", NULL,
			"the alias `*%.60s` stands inside its own anchor", name);
		return failed;
	}
	if (too_many(reader, anchor->size, mark))
		return failed;
	if (depth + anchor->height > READ_DEPTH) {
		problem_add(reader->problems, mark, "depth", NULL, "nested deeper than %d levels", READ_DEPTH);
		return failed;
	}
	struct measured value = *anchor;
	value.tree = copy_at(anchor->tree, mark);
	return value;
}

/* The text of a scalar, which may hold everything but NUL. */
static char *scalar_text(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	if (strlen(text) != length)
		problem_add(reader->problems, event_mark(reader, event), "text", NULL,
			"a text cannot contain a NUL character");
	return memory_copy_span(text, length);
}

static void refuse_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag)
{
	if (tag)
		problem_add(reader->problems, event_mark(reader, event), "tag", NULL,
			"tags are not part of this format: leave out %.60s", (const char *)tag);
}

static struct measured parse_scalar(struct reader *reader, const yaml_event_t *event)
{
	refuse_tag(reader, event, event->data.scalar.tag);
	char *cleanup_free text = scalar_text(reader, event);
	bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	struct measured value = { NULL, 1, 0 };
	value.tree = tree_scalar(text, event_mark(reader, event), reader->reading->base, quoted);
	anchor_end(reader, anchor_begin(reader, event->data.scalar.anchor), value);
	return value;
}

static void collect(struct measured *whole, const struct measured *part)
{
	whole->size += part->size;
	if (part->height >= whole->height)
		whole->height = part->height + 1;
}

/* `end` closes the list or map that began at its mark. Block ones end at the next line: there the mark is left open. */
static void close_at(const struct reader *reader, struct tree *tree, const yaml_event_t *end)
{
	struct mark mark = event_mark(reader, end);
	tree->mark.end_line = mark.end_line;
	tree->mark.end_column = mark.end_column;
}

static struct measured parse_list(struct reader *reader, const yaml_event_t *start, int depth)
{
	struct measured list = { tree_list(event_mark(reader, start)), 1, 1 };
	refuse_tag(reader, start, start->data.sequence_start.tag);
	size_t anchor = anchor_begin(reader, start->data.sequence_start.anchor);
	for (yaml_event_t event; next(reader, &event); ) {
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			close_at(reader, list.tree, &event);
			yaml_event_delete(&event);
			anchor_end(reader, anchor, list);
			return list;
		}
		struct measured item = parse_value(reader, &event, depth + 1);
		if (!item.tree)
			break;
		tree_append(list.tree, item.tree);
		collect(&list, &item);
	}
	tree_free(list.tree);
	return failed;
}

/* A key's text, or NULL when nothing can follow. An unusable key has been reported and is "". */
static char *parse_key(struct reader *reader, yaml_event_t *event, struct mark *mark, int depth)
{
	*mark = event_mark(reader, event);
	bool merge = event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
		&& !strcmp((const char *)event->data.scalar.value, "<<");
	bool empty = event->type == YAML_SCALAR_EVENT && !event->data.scalar.length;
	struct measured key = parse_value(reader, event, depth);
	if (!key.tree)
		return NULL;
	/* A merge key is kept: it may have brought what would be missed now. */
	char *text = merge ? memory_copy_text("<<") : NULL;
	if (merge)
		problem_add(reader->problems, *mark, "merge-key",
			"what several nodes share stands in `defaults`",
			"merge keys (`<<`) are not part of YAML 1.2");
	else if (key.tree->kind != TREE_SCALAR)
		problem_add(reader->problems, *mark, "key", NULL, "a key is a text, not %s",
			tree_kind_name(key.tree));
	else if (empty)
		problem_add(reader->problems, *mark, "key", NULL, "a key is missing in front of the `:`");
	else
		text = memory_copy_text(key.tree->text);
	tree_free(key.tree);
	return text ? text : memory_copy_text("");
}

/* The place of `key` in `map`, or its count. `names` is kept once there are many. */
static size_t place_of(const struct tree *map, struct names *names, const char *key)
{
	size_t place = map->count;
	if (map->count > FEW_KEYS) {
		while (names->count < map->count)
			names_put(names, map->keys[names->count], names->count);
		names_find(names, key, &place);
		return place;
	}
	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i], key))
			return i;
	return place;
}

static void put(struct reader *reader, struct tree *map, struct names *names, const char *key, struct mark mark,
	struct tree *item)
{
	size_t place = place_of(map, names, key);
	if (place < map->count)
		problem_add(reader->problems, mark, "duplicate-key", NULL,
			"`%.60s` stands here a second time: first in line %d",
			key, map->key_marks[place].line);
	if (place < map->count || !*key)
		tree_free(item);
	else
		tree_put(map, key, mark, item);
}

/* One `key: value`, of which the first event is there. */
static bool parse_pair(struct reader *reader, yaml_event_t *event, struct measured *map,
	struct names *names, int depth)
{
	struct mark mark;
	char *cleanup_free key = parse_key(reader, event, &mark, depth);
	yaml_event_t behind;
	if (!key || !next(reader, &behind))
		return false;
	struct measured value = parse_value(reader, &behind, depth);
	if (!value.tree)
		return false;
	collect(map, &value);
	put(reader, map->tree, names, key, mark, value.tree);
	return true;
}

static struct measured parse_map(struct reader *reader, const yaml_event_t *start, int depth)
{
	struct measured map = { tree_map(event_mark(reader, start)), 1, 1 };
	struct names names = { 0 };
	refuse_tag(reader, start, start->data.mapping_start.tag);
	size_t anchor = anchor_begin(reader, start->data.mapping_start.anchor);
	bool ended = false;
	for (yaml_event_t event; !ended && next(reader, &event); ) {
		ended = event.type == YAML_MAPPING_END_EVENT;
		if (ended) {
			close_at(reader, map.tree, &event);
			yaml_event_delete(&event);
		} else if (!parse_pair(reader, &event, &map, &names, depth + 1)) {
			break;
		}
	}
	names_release(&names);
	if (ended) {
		anchor_end(reader, anchor, map);
		return map;
	}
	tree_free(map.tree);
	return failed;
}

/* Deletes the event. */
static struct measured parse_value(struct reader *reader, yaml_event_t *event, int depth)
{
	struct measured value = failed;
	bool nests = event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
	if (nests && depth >= READ_DEPTH)
		problem_add(reader->problems, event_mark(reader, event), "depth", NULL,
			"nested deeper than %d levels", READ_DEPTH);
	else if (too_many(reader, 1, event_mark(reader, event)))
		value = failed;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		value = parse_list(reader, event, depth);
	else if (event->type == YAML_MAPPING_START_EVENT)
		value = parse_map(reader, event, depth);
	else if (event->type == YAML_ALIAS_EVENT)
		value = parse_alias(reader, event, depth);
	else
		value = parse_scalar(reader, event);
	yaml_event_delete(event);
	return value;
}

/* What comes behind the first document: nothing, or a second one. */
static bool parse_rest(struct reader *reader)
{
	for (yaml_event_t event; next(reader, &event); ) {
		yaml_event_type_t type = event.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			problem_add(reader->problems, event_mark(reader, &event), "documents", NULL,
				"a second document begins here: a file holds one");
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return true;
		if (type == YAML_DOCUMENT_START_EVENT)
			return false;
	}
	return false;
}

static struct tree *parse_stream(struct reader *reader)
{
	for (yaml_event_t event; next(reader, &event); ) {
		yaml_event_type_t type = event.type;
		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT) {
			yaml_event_delete(&event);
			continue;
		}
		if (type == YAML_STREAM_END_EVENT) {
			struct mark mark = { reader->reading->file, 1, 1, 1, 1 };
			problem_add(reader->problems, mark, "empty", NULL,
				"there is nothing in it: a topology begins with `lpad: 1`");
			yaml_event_delete(&event);
			return NULL;
		}
		struct measured value = parse_value(reader, &event, 0);
		if (value.tree && parse_rest(reader))
			return value.tree;
		tree_free(value.tree);
		return NULL;
	}
	return NULL;
}

struct tree *read_yaml(const struct reading *reading, struct problems *problems)
{
	struct reader reader = { .reading = reading, .problems = problems };
	if (!yaml_parser_initialize(&reader.parser))
		BUG("no YAML parser");
	const char *text = reading->text;
	size_t length = reading->length;
	if (length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
		text += 3;
		length -= 3;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
	struct tree *tree = parse_stream(&reader);
	yaml_parser_delete(&reader.parser);
	for (size_t i = 0; i < reader.anchors.count; i++) {
		free(reader.anchors.at[i].name);
		tree_free(reader.anchors.at[i].value.tree);
	}
	list_release(&reader.anchors);
	names_release(&reader.names);
	return tree;
}
