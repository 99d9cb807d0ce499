/* SPDX-License-Identifier: MIT */
/* How many replicas a group has, and what they are called. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/build.h"
#include "topology/words.h"

static bool read_axis(struct builder *builder, const struct tree *grid, size_t i, struct group *group)
{
	int64_t extent = 1;
	bool bad = words_check_label(builder->problems, grid->keys[i], grid->key_marks[i],
		"the name of an axis");
	char *cleanup_free what = memory_format("replicas.%.60s", grid->keys[i]);
	bad |= take_int(builder, grid->items[i], what, 1, REPLICAS_MOST, &extent) != 0;
	*list_add(&group->axes) = (struct axis){ memory_copy_text(grid->keys[i]), (int)extent, grid->key_marks[i] };
	return !bad;
}

static bool read_grid(struct builder *builder, const struct tree *grid, struct group *group)
{
	int64_t product = 1;
	bool good = true;
	if (!grid->count) {
		words_report(builder->problems, grid, "value", "replicas: {row: 4, column: 4}",
			"a grid needs at least one axis");
		return false;
	}
	for (size_t i = 0; i < grid->count; i++) {
		good &= read_axis(builder, grid, i, group);
		product *= group->axes.at[i].extent;
		if (product > REPLICAS_MOST) {
			words_report(builder->problems, grid, "range", NULL,
				"`replicas` is at most %d in all", REPLICAS_MOST);
			product = 1;
			good = false;
		}
	}
	group->replicas = (int)product;
	return good;
}

bool replicas_read(struct builder *builder, const struct tree *value, struct group *group)
{
	int64_t count = 1;
	group->replicas_mark = value->mark;
	if (value->kind == TREE_MAP)
		return read_grid(builder, value, group);
	bool good = !take_int(builder, value, "replicas", 1, REPLICAS_MOST, &count);
	group->replicas = (int)count;
	return good;
}

void group_coordinates(const struct group *group, int index, int *out)
{
	for (size_t i = group->axes.count; i-- > 0; ) {
		out[i] = index % group->axes.at[i].extent;
		index /= group->axes.at[i].extent;
	}
}

char *group_replica_name(const struct group *group, int index)
{
	struct text name = { 0 };
	text_add(&name, group->label);
	int *cleanup_free places = memory_array(group->axes.count, sizeof *places);
	group_coordinates(group, index, places);
	for (size_t i = 0; i < group->axes.count; i++)
		text_format(&name, "/%d", places[i]);
	if (!group->axes.count && (group->replicas != 1 || group->replicas_mark.line))
		text_format(&name, "/%d", index);
	return text_take(&name);
}
