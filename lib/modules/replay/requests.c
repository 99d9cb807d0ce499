/* SPDX-License-Identifier: MIT */
#include "requests.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "flat.h"
#include "room.h"

enum { STREAM_NAME_MOST = 200 };

/* ---- tables ---- */

static int no_table(struct replay *me, const char *name, size_t length)
{
	char list[256];
	size_t used = 0;
	list[0] = '\0';
	for (size_t i = 0; i < me->count && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", me->places[i].name);
	if (!name)
		return lpad_fail(me->node, "`table` must be said, there are several: %s", list);
	return lpad_fail(me->node, "there is no table `%.*s`; there are: %s", (int)(length < 80 ? length : 80), name, list);
}

/* NULL is the only one there is. */
static int find_table(struct replay *me, const char *name, size_t length, struct place **out)
{
	for (size_t i = 0; i < me->count; i++)
		if (name ? strlen(me->places[i].name) == length && !memcmp(me->places[i].name, name, length) : me->count == 1) {
			*out = &me->places[i];
			return 0;
		}
	return no_table(me, name, length);
}

static int table_named(struct replay *me, const char *name, struct place **out)
{
	return find_table(me, name, name ? strlen(name) : 0, out);
}

/* ---- tensors ---- */

static bool has(const lpad_message *message, const char *name, lpad_tensor *out)
{
	lpad_tensor tensor;
	int count = lpad_tensor_count(message);
	for (int i = 0; i < count; i++)
		if (!lpad_tensor_at(message, i, &tensor) && !strcmp(tensor.name, name)) {
			*out = tensor;
			return true;
		}
	return false;
}

static int scalar(const lpad_message *message, const char *name, int64_t *out)
{
	const int64_t *value = lpad_view(message, name, LPAD_I64, 0, NULL);
	if (!value)
		return LPAD_EINVALID;
	*out = *value;
	return 0;
}

static int wants_tensors(struct replay *me, const lpad_message *message)
{
	return lpad_kind(message) == LPAD_TENSORS ? 0 : lpad_fail(me->node, "a tensors message is wanted here");
}

static bool good_priority(double priority)
{
	return isfinite(priority) && priority >= 0;
}

static int bad_priority(struct replay *me)
{
	return lpad_fail(me->node, "a priority is a finite number, and not negative");
}

/* Of an insert: a text among the metadata. */
static int priority_of(struct replay *me, const lpad_message *message, double *out)
{
	const char *text = lpad_meta(message, "priority");
	char *end;
	*out = 1;
	if (!text)
		return 0;
	*out = strtod(text, &end);
	return end != text && !*end && good_priority(*out) ? 0 : bad_priority(me);
}

int requests_insert(struct replay *me, const lpad_message *message, struct rows *columns, struct place **place, double *priority)
{
	int code = wants_tensors(me, message);
	code = code ? code : table_named(me, lpad_meta(message, "table"), place);
	code = code ? code : priority_of(me, message, priority);
	return code ? code : rows_read(me->node, message, false, columns);
}

/* ---- appends ---- */

int requests_stream(struct replay *me, const lpad_message *message, const char **name, uint64_t *writer)
{
	bool tensors = lpad_kind(message) == LPAD_TENSORS;
	lpad_tensor tensor;
	*name = tensors ? lpad_meta(message, "stream") : NULL;
	*writer = 0;
	if (!*name)
		*name = "";
	if (tensors && has(message, "stream.writer", &tensor)) {
		const uint64_t *token = lpad_view(message, "stream.writer", LPAD_U64, 0, NULL);
		if (!token)
			return LPAD_EINVALID;
		*writer = *token;
	}
	return strlen(*name) <= STREAM_NAME_MOST ? 0 : lpad_fail(me->node, "the name of a stream has at most %d bytes", STREAM_NAME_MOST);
}

/* "transitions,other" */
static int read_tables(struct replay *me, const lpad_message *message, struct append *append, size_t *count)
{
	const char *list = lpad_meta(message, "tables");
	*count = 1;
	for (const char *at = list; at && (at = strchr(at, ',')); at++)
		++*count;
	append->tables = room_new(*count, sizeof *append->tables);
	if (!list)
		return table_named(me, NULL, &append->tables[0]);
	for (size_t i = 0; i < *count; i++) {
		size_t length = strcspn(list, ",");
		int code = find_table(me, list, length, &append->tables[i]);
		if (code)
			return code;
		list += length + 1;
	}
	return 0;
}

static int read_item_tensors(const lpad_message *message, struct append *append)
{
	int64_t shape[1] = { (int64_t)append->count };
	append->number = lpad_view(message, "item.number", LPAD_I64, 1, shape);
	append->table = append->number ? lpad_view(message, "item.table", LPAD_I32, 1, shape) : NULL;
	append->priority = append->table ? lpad_view(message, "item.priority", LPAD_F64, 1, shape) : NULL;
	append->first_step = append->priority ? lpad_view(message, "item.first", LPAD_I64, 1, shape) : NULL;
	append->steps = append->first_step ? lpad_view(message, "item.steps", LPAD_I32, 1, shape) : NULL;
	return append->steps ? 0 : LPAD_EINVALID;
}

static int check_item(struct replay *me, const struct append *append, size_t i, size_t tables)
{
	int64_t end = append->first + append->columns.rows, number = append->number[i];
	if (number < 1 || (i && number <= append->number[i - 1]))
		return lpad_fail(me->node, "item.number: %lld: numbers begin at 1 and grow", (long long)number);
	if (append->table[i] < 0 || (size_t)append->table[i] >= tables)
		return lpad_fail(me->node, "item.table: %d is no place in the %zu tables", (int)append->table[i], tables);
	if (!good_priority(append->priority[i]))
		return bad_priority(me);
	if (append->steps[i] < 1 || append->first_step[i] < 0)
		return lpad_fail(me->node, "item %lld: %d steps from step %lld on are none", (long long)number, (int)append->steps[i],
			(long long)append->first_step[i]);
	if (append->first_step[i] > end || append->steps[i] > end - append->first_step[i])
		return lpad_fail(me->node, "item %lld: %d steps from step %lld on, but the last step is %lld", (long long)number,
			(int)append->steps[i], (long long)append->first_step[i], (long long)end - 1);
	return 0;
}

static int read_items(struct replay *me, const lpad_message *message, struct append *append)
{
	lpad_tensor number;
	size_t tables;
	if (has(message, "item.number", &number) && number.rank == 1)
		append->count = (size_t)number.shape[0];
	else if (lpad_meta(message, "tables"))
		return lpad_fail(me->node, "tables, but no item.number i64 [M]");
	if (!append->count)
		return 0;
	int code = read_item_tensors(message, append);
	code = code ? code : read_tables(me, message, append, &tables);
	for (size_t i = 0; i < append->count && !code; i++)
		code = check_item(me, append, i, tables);
	if (!code)
		append->keys = room_new(append->count, sizeof *append->keys);
	return code;
}

static int read_numbers(struct replay *me, const lpad_message *message, struct append *append)
{
	int code = scalar(message, "stream.first", &append->first);
	code = code ? code : scalar(message, "stream.keep", &append->keep);
	if (code)
		return code;
	if (append->first < 0 || append->first > INT64_MAX - append->columns.rows)
		return lpad_fail(me->node, "stream.first: %lld, and %lld steps: steps are numbered from 0 on", (long long)append->first,
			(long long)append->columns.rows);
	if (append->keep < 0 || append->keep > append->first + append->columns.rows)
		return lpad_fail(me->node, "stream.keep: %lld is no step up to the next one, %lld", (long long)append->keep,
			(long long)(append->first + append->columns.rows));
	return 0;
}

int requests_append(struct replay *me, const lpad_message *message, struct append **out)
{
	struct append *append = room_new(1, sizeof *append);
	int code = wants_tensors(me, message);
	code = code ? code : rows_read(me->node, message, true, &append->columns);
	code = code ? code : read_numbers(me, message, append);
	code = code ? code : read_items(me, message, append);
	*out = append;
	if (!code)
		return 0;
	requests_free_append(append);
	*out = NULL;
	return code;
}

void requests_free_append(struct append *append)
{
	rows_release(&append->columns);
	lpad_free(append->held.request);
	free(append->tables);
	free(append->keys);
	free(append);
}

/* ---- sample, update, delete, reset: tensors, or flat JSON ---- */

/* Nothing at all counts as {}. false: the message has tensors. */
static bool is_flat(const lpad_message *message)
{
	return lpad_kind(message) != LPAD_TENSORS;
}

static int read_flat(struct replay *me, const lpad_message *message, const char *known, struct flat *flat)
{
	const char *text = lpad_json_text(message), *wrong;
	flat->count = 0;
	if (!text)
		return lpad_size(message) ? lpad_fail(me->node, "tensors or JSON are wanted here, not bytes") : 0;
	if ((wrong = flat_read(text, flat)))
		return lpad_fail(me->node, "%s", wrong);
	for (size_t i = 0; i < flat->count; i++) {
		const char *key = flat->fields[i].key, *at = *key ? strstr(known, key) : NULL;
		size_t length = strlen(key);
		if (!at || (at != known && at[-1] != ' ') || (at[length] && at[length] != ' '))
			return lpad_fail(me->node, "there is no `%s` here, only: %s", key, known);
	}
	return 0;
}

static int flat_table(struct replay *me, const struct flat *flat, struct place **place)
{
	const struct flat_field *field = flat_find(flat, "table");
	if (field && field->numbers)
		return lpad_fail(me->node, "`table` is a text");
	return table_named(me, field ? field->text : NULL, place);
}

static int sample_from_flat(struct replay *me, const lpad_message *message, struct place **place, int64_t *count)
{
	struct flat flat;
	int code = read_flat(me, message, "table n", &flat);
	const struct flat_field *field = code ? NULL : flat_find(&flat, "n");
	if (field && (field->count != 1 || !flat_integers(field, count)))
		return lpad_fail(me->node, "`n` is a whole number");
	return code ? code : flat_table(me, &flat, place);
}

int requests_sample(struct replay *me, const lpad_message *message, struct place **place, int64_t *count)
{
	lpad_tensor tensor;
	int code;
	*count = 1;
	if (is_flat(message))
		code = sample_from_flat(me, message, place, count);
	else if (!(code = table_named(me, lpad_meta(message, "table"), place)) && has(message, "n", &tensor))
		code = scalar(message, "n", count);
	if (code)
		return code;
	return *count >= 1 ? 0 : lpad_fail(me->node, "n: %lld items cannot be sampled", (long long)*count);
}

int requests_table(struct replay *me, const lpad_message *message, struct place **place)
{
	struct flat flat;
	if (!is_flat(message))
		return table_named(me, lpad_meta(message, "table"), place);
	int code = read_flat(me, message, "table", &flat);
	return code ? code : flat_table(me, &flat, place);
}

static int keys_from_flat(struct replay *me, const lpad_message *message, bool priorities, struct keys *out)
{
	struct flat flat;
	int code = read_flat(me, message, priorities ? "table item.key item.priority" : "table item.key", &flat);
	code = code ? code : flat_table(me, &flat, &out->place);
	const struct flat_field *keys = flat_find(&flat, "item.key"), *values = flat_find(&flat, "item.priority");
	if (code)
		return code;
	if (!keys || (priorities && (!values || values->count != keys->count)))
		return lpad_fail(me->node, priorities ? "item.key and as many item.priority are wanted here" : "item.key is wanted here");
	out->count = keys->count;
	out->keys = out->own[0] = room_new(keys->count, sizeof *out->keys);
	out->priorities = out->own[1] = room_new(keys->count, sizeof *out->priorities);
	if (!flat_keys(keys, out->own[0]) || (priorities && !flat_reals(values, out->own[1])))
		return lpad_fail(me->node, "item.key: whole numbers, as they were answered; item.priority: numbers");
	return 0;
}

static int keys_from_tensors(struct replay *me, const lpad_message *message, bool priorities, struct keys *out)
{
	static const int64_t any[1] = { -1 };
	lpad_tensor tensor;
	int64_t shape[1] = { 0 };
	int code = table_named(me, lpad_meta(message, "table"), &out->place);
	if (code)
		return code;
	out->keys = lpad_view(message, "item.key", LPAD_U64, 1, any);
	if (!out->keys || !has(message, "item.key", &tensor))
		return LPAD_EINVALID;
	shape[0] = tensor.shape[0];
	out->count = (size_t)shape[0];
	out->priorities = priorities ? lpad_view(message, "item.priority", LPAD_F64, 1, shape) : NULL;
	return priorities && !out->priorities ? LPAD_EINVALID : 0;
}

int requests_keys(struct replay *me, const lpad_message *message, bool priorities, struct keys *out)
{
	*out = (struct keys){ .count = 0 };
	int code = is_flat(message) ? keys_from_flat(me, message, priorities, out) : keys_from_tensors(me, message, priorities, out);
	for (size_t i = 0; i < out->count && priorities && !code; i++)
		code = good_priority(out->priorities[i]) ? 0 : bad_priority(me);
	return code;
}

void requests_release_keys(struct keys *keys)
{
	free(keys->own[0]);
	free(keys->own[1]);
}
