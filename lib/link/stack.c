/* SPDX-License-Identifier: MIT */
#include "link/stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/body.h"
#include "link/conform.h"

static bool is_nothing(const lpad_message *message)
{
	return !message || (message->kind == LPAD_BYTES && !message->size);
}

static unsigned char *data_of(const lpad_message *message, const struct tensor *tensor)
{
	return message->body + message->tensors.data + tensor->begin;
}

/* ---- who is like whom ---- */

/* NULL: it can be in a batch. Caller frees. */
static char *unfit(const struct stack_part *part)
{
	const struct tensors *tensors = &part->message->tensors;
	if (part->message->kind == LPAD_BYTES && part->message->size)
		return memory_format("%s sent %zu bytes; a batched method takes tensors or json", part->caller,
			part->message->size);
	for (size_t i = 0; part->message->kind == LPAD_TENSORS && i < tensors->list.count; i++)
		if (tensors->list.at[i].rank == LPAD_RANK)
			return memory_format("%s sent tensor \"%s\" of rank %d, and a batch needs one axis more", part->caller,
				tensor_shown(tensors->list.at[i].name).text, LPAD_RANK);
	return NULL;
}

/* The tensor of that name, which mostly has the same place. */
static const struct tensor *same_tensor(const lpad_message *message, size_t place, const char *name)
{
	const struct tensor *tensor = &message->tensors.list.at[place];
	return !strcmp(tensor->name, name) ? tensor : tensors_find(message, name);
}

static bool same_form(const struct tensor *one, const struct tensor *two)
{
	return one->type == two->type && one->rank == two->rank
	    && !memcmp(one->shape, two->shape, (size_t)one->rank * sizeof one->shape[0]);
}

static bool alike(const lpad_message *one, const lpad_message *two)
{
	if (one->kind != two->kind)
		return false;
	if (one->kind != LPAD_TENSORS)
		return true;
	if (one->tensors.list.count != two->tensors.list.count)
		return false;
	for (size_t i = 0; i < one->tensors.list.count; i++) {
		const struct tensor *mine = &one->tensors.list.at[i], *other = same_tensor(two, i, mine->name);
		if (!other || !same_form(mine, other))
			return false;
	}
	return true;
}

struct form {
	const struct stack_part *first;
	size_t count;
};

/* Which form each part has, and which of them most have. */
static const struct form *find_forms(struct stack_part *parts, size_t count, struct form *forms, struct form **of)
{
	size_t form_count = 0;
	const struct form *most = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!parts[i].message || parts[i].wrong || (parts[i].wrong = unfit(&parts[i])))
			continue;
		struct form *form = forms;
		while (form < forms + form_count && !alike(form->first->message, parts[i].message))
			form++;
		if (form == forms + form_count)
			forms[form_count++].first = &parts[i];
		form->count++;
		of[i] = form;
	}
	for (const struct form *form = forms; form < forms + form_count; form++)
		if (!most || form->count > most->count)
			most = form;
	return most;
}

static char *odd(const struct stack_part *part, const struct stack_part *first)
{
	char *cleanup_free sent = conform_show(part->message), *cleanup_free others = conform_show(first->message);
	return memory_format("%s sent %s, which cannot be in one batch with the %s of %s", part->caller, sent, others,
		first->caller);
}

/* ---- joining ---- */

/* What all of them say alike. */
static void join_metadata(struct tensors *out, const lpad_message *const *rows, size_t count)
{
	const struct tensors *first = &rows[0]->tensors;
	for (size_t i = 0; i < first->meta.count; i++) {
		const char *key = first->meta.at[i].key, *value = first->meta.at[i].value;
		size_t agree = 1;
		while (agree < count && text_equal(tensors_meta(&rows[agree]->tensors, key), value))
			agree++;
		if (agree == count)
			*list_add(&out->meta) = (struct meta){ memory_copy_text(key), memory_copy_text(value) };
	}
}

static bool stack_tensor(struct tensors *out, const struct tensor *from, size_t rows)
{
	struct tensor tensor = { .type = from->type, .rank = from->rank + 1, .shape = { (int64_t)rows } };
	memcpy(tensor.shape + 1, from->shape, (size_t)from->rank * sizeof from->shape[0]);
	tensor.name = memory_copy_text(from->name);
	bool fits = tensor_measure(&tensor, &tensor.size);
	*list_add(&out->list) = tensor;
	return fits;
}

static void copy_rows(lpad_message *out, const lpad_message *const *rows, size_t count)
{
	for (size_t i = 0; i < out->tensors.list.count; i++) {
		const struct tensor *tensor = &out->tensors.list.at[i];
		size_t size = rows[0]->tensors.list.at[i].size;
		for (size_t row = 0; size && row < count; row++)
			memcpy(data_of(out, tensor) + row * size,
				data_of(rows[row], same_tensor(rows[row], i, tensor->name)), size);
	}
}

static lpad_message *join_tensors(const lpad_message *const *rows, size_t count)
{
	struct tensors tensors = { 0 };
	bool fits = true;
	for (size_t i = 0; i < rows[0]->tensors.list.count; i++)
		fits &= stack_tensor(&tensors, &rows[0]->tensors.list.at[i], count);
	if (!fits) {
		tensors_release(&tensors);
		fault_set(LPAD_ETOOBIG, "the batch has more bytes than can be counted");
		return NULL;
	}
	join_metadata(&tensors, rows, count);
	lpad_message *out = tensors_make(&tensors);
	if (out)
		copy_rows(out, rows, count);
	return out;
}

static lpad_message *join_json(const lpad_message *const *rows, size_t count)
{
	size_t size = 1 + count;        /* [ , , ] */
	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(size, rows[i]->size, &size) || !body_fits(size)) {
			fault_set(LPAD_ETOOBIG, "the batch is larger than this machine's memory");
			return NULL;
		}
	lpad_message *out = body_new(LPAD_JSON, size);
	unsigned char *at = out->body;
	for (size_t i = 0; i < count; i++) {
		*at++ = i ? ',' : '[';
		memcpy(at, rows[i]->body, rows[i]->size);
		at += rows[i]->size;
	}
	*at = ']';
	return out;
}

static lpad_message *join(const lpad_message *const *rows, size_t count)
{
	switch (rows[0]->kind) {
	case LPAD_TENSORS: return join_tensors(rows, count);
	case LPAD_JSON: return join_json(rows, count);
	default: return body_new(LPAD_BYTES, 0);
	}
}

lpad_message *stack_join(struct stack_part *parts, size_t count, size_t rows, size_t *joined)
{
	struct form *forms = memory_array(count, sizeof *forms), **of = memory_array(count, sizeof *of);
	const struct form *most = find_forms(parts, count, forms, of);
	size_t room = rows > count ? rows : count, filled = 0;
	const lpad_message **list = memory_array(room, sizeof *list);
	lpad_message *out = NULL;
	for (size_t i = 0; i < count; i++) {
		if (of[i] && of[i] == most)
			list[filled++] = parts[i].message;
		else if (of[i])
			parts[i].wrong = odd(&parts[i], most->first);
	}
	*joined = filled;
	while (filled && filled < rows)
		list[filled++] = list[0];
	if (filled && !(out = join(list, filled)))
		*joined = 0;
	for (size_t i = 0; filled && !out && i < count; i++)
		if (of[i] && of[i] == most)
			parts[i].wrong = memory_copy_text(fault_text());
	free(forms);
	free(of);
	free(list);
	return out;
}

/* ---- splitting ---- */

static int split_nothing(size_t count, lpad_message **slices)
{
	for (size_t i = 0; i < count; i++)
		slices[i] = body_new(LPAD_BYTES, 0);
	return 0;
}

static int wrong_size(struct error *error, const char *what, size_t count, size_t rows)
{
	if (rows > count)
		return error_set(error, "%s where %zu, or %zu with the padding, are due", what, count, rows);
	return error_set(error, "%s where %zu %s due", what, count, count == 1 ? "is" : "are");
}

static int check_rows(const lpad_message *reply, size_t count, size_t rows, struct error *error)
{
	const struct tensors *tensors = &reply->tensors;
	for (size_t i = 0; i < tensors->list.count; i++) {
		const struct tensor *tensor = &tensors->list.at[i];
		struct shown name = tensor_shown(tensor->name);
		if (!tensor->rank)
			return error_set(error, "tensor \"%s\" is a scalar; its first axis is to be the batch's, %zu", name.text, count);
		if (tensor->shape[0] == (int64_t)count || tensor->shape[0] == (int64_t)rows)
			continue;
		char *cleanup_free what = memory_format("tensor \"%s\" has %" PRId64 " rows", name.text, tensor->shape[0]);
		return wrong_size(error, what, count, rows);
	}
	return 0;
}

static lpad_message *slice_tensors(const lpad_message *reply, size_t row)
{
	struct tensors tensors = { 0 };
	for (size_t i = 0; i < reply->tensors.list.count; i++) {
		const struct tensor *from = &reply->tensors.list.at[i];
		struct tensor tensor = { .name = memory_copy_text(from->name), .type = from->type, .rank = from->rank - 1 };
		memcpy(tensor.shape, from->shape + 1, (size_t)tensor.rank * sizeof from->shape[0]);
		tensor.size = from->size / (size_t)from->shape[0];
		*list_add(&tensors.list) = tensor;
	}
	for (size_t i = 0; i < reply->tensors.meta.count; i++)
		*list_add(&tensors.meta) = (struct meta){ memory_copy_text(reply->tensors.meta.at[i].key),
			memory_copy_text(reply->tensors.meta.at[i].value) };
	lpad_message *out = tensors_make(&tensors);
	if (!out)
		BUG("a part of a message is larger than memory");
	for (size_t i = 0; i < out->tensors.list.count; i++) {
		const struct tensor *to = &out->tensors.list.at[i];
		memcpy(data_of(out, to), data_of(reply, &reply->tensors.list.at[i]) + row * to->size, to->size);
	}
	return out;
}

static int split_tensors(const lpad_message *reply, size_t count, size_t rows, lpad_message **slices, struct error *error)
{
	if (check_rows(reply, count, rows, error))
		return -1;
	for (size_t i = 0; i < count; i++)
		slices[i] = slice_tensors(reply, i);
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at;
}

/* The comma or bracket behind an element of an array that is known to be one. */
static const char *element_end(const char *at)
{
	int depth = 0;
	for (;; at++) {
		if (!depth && (*at == ',' || *at == ']'))
			return at;
		if (*at == '"')
			at = skip_string(at);
		else if (*at == '[' || *at == '{')
			depth++;
		else if (*at == ']' || *at == '}')
			depth--;
	}
}

/* NULL: no array. */
static const char *array_begin(const char *text)
{
	while (is_space(*text))
		text++;
	return *text == '[' ? text + 1 : NULL;
}

static size_t count_elements(const char *at)
{
	size_t count = 0;
	while (is_space(*at))
		at++;
	if (*at == ']')
		return 0;
	for (;; at++) {
		at = element_end(at);
		count++;
		if (*at == ']')
			return count;
	}
}

static lpad_message *slice_json(const char *at, const char *end)
{
	while (is_space(*at))
		at++;
	while (is_space(end[-1]))
		end--;
	lpad_message *out = body_new(LPAD_JSON, (size_t)(end - at));
	memcpy(out->body, at, (size_t)(end - at));
	return out;
}

static int split_json(const lpad_message *reply, size_t count, size_t rows, lpad_message **slices, struct error *error)
{
	const char *at = array_begin((const char *)reply->body);
	if (!at)
		return error_set(error, "it is json, but no array of %zu", count);
	size_t found = count_elements(at);
	if (found != count && found != rows) {
		char *cleanup_free what = memory_format("its array has %zu element%s", found, found == 1 ? "" : "s");
		return wrong_size(error, what, count, rows);
	}
	for (size_t i = 0; i < count; i++) {
		const char *end = element_end(at);
		slices[i] = slice_json(at, end);
		at = end + 1;
	}
	return 0;
}

int stack_split(const lpad_message *reply, size_t count, size_t rows, lpad_message **slices, struct error *error)
{
	if (is_nothing(reply))
		return split_nothing(count, slices);
	if (reply->kind == LPAD_TENSORS)
		return split_tensors(reply, count, rows, slices, error);
	if (reply->kind == LPAD_JSON)
		return split_json(reply, count, rows, slices, error);
	return error_set(error, "it has %zu bytes; a batch is answered with tensors, json or nothing", reply->size);
}
