/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "room.h"

/* A batch of sequences has two more. */
enum { RANK_MOST = LPAD_RANK - 2 };
/* Columns are looked up one by one. */
enum { COLUMNS_MOST = 1000, NUMBERS_MOST = 7 };

struct source {
	struct column column;
	const unsigned char *data;
};

size_t rows_element(int type)
{
	static const size_t sizes[] = { [LPAD_BOOL8] = 1, [LPAD_U8] = 1, [LPAD_I8] = 1, [LPAD_U16] = 2, [LPAD_I16] = 2, [LPAD_F16] = 2,
		[LPAD_BF16] = 2, [LPAD_U32] = 4, [LPAD_I32] = 4, [LPAD_F32] = 4, [LPAD_U64] = 8, [LPAD_I64] = 8, [LPAD_F64] = 8 };
	return type > 0 && (size_t)type < sizeof sizes / sizeof sizes[0] ? sizes[type] : 0;
}

static bool is_reserved(const char *name)
{
	return !strncmp(name, "item.", 5) || !strncmp(name, "stream.", 7);
}

static bool is_known(const char *name)
{
	static const char *const names[] = { "stream.first", "stream.keep", "stream.writer", "item.number", "item.table", "item.priority",
		"item.first", "item.steps" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Extents of 0 hide others that are too large to be multiplied. */
static bool measure(struct column *column)
{
	column->size = rows_element(column->type);
	for (int i = 0; i < column->rank; i++)
		if (__builtin_mul_overflow(column->size, (size_t)column->shape[i], &column->size))
			return false;
	return column->size <= SIZE_MAX / 4;
}

static int one_column(lpad_node *node, const lpad_message *message, const lpad_tensor *tensor, bool steps, struct source *out)
{
	int lead = steps ? 1 : 0;
	if (tensor->rank < lead || tensor->rank - lead > RANK_MOST)
		return lpad_fail(node, "column %s has %d dimensions: %s", tensor->name, (int)tensor->rank,
			tensor->rank < lead ? "the first one is that of the steps" : "an item's column may have 6");
	out->column = (struct column){ .name = (char *)tensor->name, .type = tensor->type, .rank = tensor->rank - lead };
	for (int i = 0; i < out->column.rank; i++)
		out->column.shape[i] = tensor->shape[i + lead];
	if (!measure(&out->column))
		return lpad_fail(node, "column %s has more bytes than can be counted", tensor->name);
	out->data = lpad_view(message, tensor->name, tensor->type, tensor->rank, tensor->shape);
	return out->data ? 0 : LPAD_EINVALID;
}

struct reading {
	lpad_node *node;
	const lpad_message *message;
	bool steps;
	struct source *sources;
	size_t count;
	int64_t rows;
};

static int add(struct reading *reading, const lpad_tensor *tensor)
{
	const struct source *first = reading->sources;
	if (is_reserved(tensor->name))
		return reading->steps && is_known(tensor->name) ? 0
			: lpad_fail(reading->node, "column %s: names that begin with \"item.\" or \"stream.\" are reserved", tensor->name);
	int code = one_column(reading->node, reading->message, tensor, reading->steps, &reading->sources[reading->count]);
	if (code)
		return code;
	if (reading->steps && reading->count && tensor->shape[0] != reading->rows)
		return lpad_fail(reading->node, "column %s has %lld steps, column %s has %lld", tensor->name, (long long)tensor->shape[0],
			first->column.name, (long long)reading->rows);
	if (reading->steps)
		reading->rows = tensor->shape[0];
	reading->count++;
	return 0;
}

/* What there are steps of has bytes, so that their number is bounded. */
static int check_bytes(const struct reading *reading)
{
	size_t size = 0;
	for (size_t i = 0; i < reading->count; i++)
		if (__builtin_add_overflow(size, reading->sources[i].column.size, &size))
			return lpad_fail(reading->node, "the columns have more bytes than can be counted");
	return size || !reading->rows ? 0 : lpad_fail(reading->node, "the columns have no bytes: there is nothing to keep");
}

static int by_name(const void *a, const void *b)
{
	const struct source *one = a, *two = b;
	return strcmp(one->column.name, two->column.name);
}

/* Of no steps there are no columns, whatever they would be. */
static void take(struct reading *reading, struct rows *out)
{
	*out = (struct rows){ .count = reading->rows ? reading->count : 0, .rows = reading->rows };
	if (out->count)
		qsort(reading->sources, out->count, sizeof *reading->sources, by_name);
	out->at = room_new(out->count, sizeof *out->at);
	out->data = room_new(out->count, sizeof *out->data);
	for (size_t i = 0; i < out->count; i++) {
		out->at[i] = reading->sources[i].column;
		out->data[i] = reading->sources[i].data;
	}
}

int rows_read(lpad_node *node, const lpad_message *message, bool steps, struct rows *out)
{
	int total = lpad_tensor_count(message), code = 0;
	struct reading reading = { .node = node, .message = message, .steps = steps, .rows = steps ? 0 : 1 };
	if (total > COLUMNS_MOST + NUMBERS_MOST)
		return lpad_fail(node, "%d tensors are more than the %d columns that a step may have", total, (int)COLUMNS_MOST);
	reading.sources = room_new((size_t)(total > 0 ? total : 0), sizeof *reading.sources);
	for (int i = 0; i < total && !code; i++) {
		lpad_tensor tensor;
		code = lpad_tensor_at(message, i, &tensor);
		code = code ? code : add(&reading, &tensor);
	}
	code = code ? code : check_bytes(&reading);
	if (!code)
		take(&reading, out);
	free(reading.sources);
	return code;
}

void rows_copy(const struct rows *columns, const struct pool *pool, int64_t row, unsigned char *to)
{
	size_t count;
	const struct column *layout = pool_columns(pool, &count);
	for (size_t i = 0; i < count; i++)
		memcpy(to + layout[i].offset, columns->data[i] + (size_t)row * layout[i].size, layout[i].size);
}

void rows_release(struct rows *columns)
{
	free(columns->at);
	free(columns->data);
	*columns = (struct rows){ .count = 0 };
}
