/* SPDX-License-Identifier: MIT */
/* Tensors: their layout, which has no holes, their metadata and the views of them. */
#include "link/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/body.h"

enum { SPARE = 512 };                   /* bytes in front of a body that is made, so that a header with metadata fits as well */

/* ---- layout ---- */

/* By descending element size, otherwise in order: then each is aligned to its elements, and there is no hole. */
bool tensors_lay_out(struct tensors *tensors, size_t *total)
{
	size_t at = 0;
	for (size_t element = 8; element; element /= 2)
		for (size_t i = 0; i < tensors->list.count; i++) {
			struct tensor *tensor = &tensors->list.at[i];
			if (tensor_types[tensor->type].size != element)
				continue;
			tensor->begin = at;
			if (__builtin_add_overflow(at, tensor->size, &at))
				return false;
		}
	*total = at;
	return true;
}

const char *tensors_meta(const struct tensors *tensors, const char *key)
{
	for (size_t i = 0; i < tensors->meta.count; i++)
		if (!strcmp(tensors->meta.at[i].key, key))
			return tensors->meta.at[i].value;
	return NULL;
}

void tensors_release(struct tensors *tensors)
{
	for (size_t i = 0; i < tensors->list.count; i++)
		free(tensors->list.at[i].name);
	for (size_t i = 0; i < tensors->meta.count; i++) {
		free(tensors->meta.at[i].key);
		free(tensors->meta.at[i].value);
	}
	list_release(&tensors->list);
	list_release(&tensors->meta);
}

/* Gives the message a new body: a header for the tensors as they are now, room for the data. Returns the old block. */
static void *replace_body(lpad_message *message, size_t total)
{
	struct text cleanup_text header = { 0 };
	tensors_encode(&message->tensors, &header);
	void *old = message->block;
	lpad_message *made = body_new_behind(LPAD_TENSORS, SPARE, header.length + total);
	memcpy(made->body, header.data, header.length);
	message->block = made->block;
	message->body = made->body;
	message->size = made->size;
	free(made);
	return old;
}

/* A header for the tensors as they are now, in front of the data, which stay where they are if there is room for it. */
static void replace_header(lpad_message *message)
{
	struct tensors *tensors = &message->tensors;
	struct text cleanup_text header = { 0 };
	unsigned char *data = message->body + tensors->data;
	size_t total = message->size - tensors->data;
	tensors_encode(tensors, &header);
	if (header.length <= (size_t)(data - (unsigned char *)message->block)) {
		message->body = data - header.length;
		message->size = header.length + total;
		memcpy(message->body, header.data, header.length);
		return;
	}
	void *old = replace_body(message, total);
	memcpy(message->body + tensors->data, data, total);
	free(old);
}

/* ---- making ---- */

static bool is_text(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;        /* refuses what is not UTF-8 */
	json_decref(value);
	return value;
}

static int add_tensor(struct tensors *tensors, json_t *names, const lpad_tensor *from)
{
	if (!is_text(from->name) || !*from->name)
		return fault_set(LPAD_EINVALID, "tensor %zu needs a name in UTF-8", tensors->list.count);
	struct shown name = tensor_shown(from->name);
	if (!strcmp(from->name, "__metadata__"))
		return fault_set(LPAD_EINVALID, "\"__metadata__\" cannot be a tensor's name; see lpad_set_meta");
	if (json_object_get(names, from->name))
		return fault_set(LPAD_EINVALID, "two tensors are named \"%s\"", name.text);
	if (!tensor_type_valid(from->type))
		return fault_set(LPAD_EINVALID, "tensor \"%s\": type %d is unknown", name.text, (int)from->type);
	if (from->rank < 0 || from->rank > LPAD_RANK)
		return fault_set(LPAD_EINVALID, "tensor \"%s\": rank %d is not 0 to %d", name.text, (int)from->rank, LPAD_RANK);
	struct tensor tensor = { .type = from->type, .rank = from->rank };
	for (int i = 0; i < from->rank; i++)
		if ((tensor.shape[i] = from->shape[i]) < 0)
			return fault_set(LPAD_EINVALID, "tensor \"%s\": extent %d is %lld", name.text, i, (long long)from->shape[i]);
	if (!tensor_measure(&tensor, &tensor.size))
		return fault_set(LPAD_ETOOBIG, "tensor \"%s\" has more bytes than can be counted", name.text);
	json_object_set_new(names, from->name, json_true());
	tensor.name = memory_copy_text(from->name);
	*list_add(&tensors->list) = tensor;
	return 0;
}

static int add_tensors(struct tensors *tensors, int count, const lpad_tensor *list)
{
	if (count < 0 || (count && !list))
		return fault_set(LPAD_EINVALID, "%d tensors cannot be made from this list", count);
	json_t *names = json_object();
	int code = 0;
	for (int i = 0; i < count && !code; i++)
		code = add_tensor(tensors, names, &list[i]);
	json_decref(names);
	return code;
}

lpad_message *tensors_make(struct tensors *tensors)
{
	size_t total = 0;
	if (!tensors_lay_out(tensors, &total) || !body_fits(total)) {
		fault_set(LPAD_ETOOBIG, "the tensors are larger than this machine's memory");
		tensors_release(tensors);
		return NULL;
	}
	lpad_message *message = body_new(LPAD_TENSORS, 0);
	message->tensors = *tensors;
	free(replace_body(message, total));
	return message;
}

lpad_message *message_tensors(int count, const lpad_tensor *list)
{
	struct tensors tensors = { 0 };
	if (add_tensors(&tensors, count, list)) {
		tensors_release(&tensors);
		return NULL;
	}
	lpad_message *message = tensors_make(&tensors);
	if (message)
		memset(message->body + message->tensors.data, 0, message->size - message->tensors.data);
	return message;
}

static int writable(const lpad_message *message)
{
	if (message_kind(message) != LPAD_TENSORS)
		return fault_set(LPAD_EINVALID, "the message has no tensors");
	if (atomic_load_explicit(&message->sealed, memory_order_acquire))
		return fault_set(LPAD_EINVALID, "the message was sent, shared or received: it can only be read");
	return 0;
}

int message_set_meta(lpad_message *message, const char *key, const char *value)
{
	if (writable(message))
		return LPAD_EINVALID;
	if (!is_text(key) || !is_text(value))
		return fault_set(LPAD_EINVALID, "metadata needs a key and a value in UTF-8");
	if (text_starts(key, BODY_RESERVED))
		return fault_set(LPAD_EINVALID, "metadata keys that begin with \"" BODY_RESERVED "\" are reserved");
	if (message->pointed)
		return fault_set(LPAD_EINVALID, "set the metadata \"%s\" before lpad_data is used: it moves the data", tensor_shown(key).text);
	struct tensors *tensors = &message->tensors;
	size_t place = 0;
	while (place < tensors->meta.count && strcmp(tensors->meta.at[place].key, key))
		place++;
	if (place == tensors->meta.count)
		list_add(&tensors->meta)->key = memory_copy_text(key);
	free(tensors->meta.at[place].value);
	tensors->meta.at[place].value = memory_copy_text(value);
	replace_header(message);
	return 0;
}

/* ---- foreign layouts ---- */

static bool aligned(const struct tensors *tensors)
{
	if (tensors->data % BODY_ALIGNED)
		return false;
	for (size_t i = 0; i < tensors->list.count; i++)
		if (tensors->list.at[i].begin % tensor_types[tensors->list.at[i].type].size)
			return false;
	return true;
}

/* Other programs may place tensors anywhere: the same tensors again, in our layout. */
static void lay_out_again(lpad_message *message)
{
	struct tensors *tensors = &message->tensors;
	const unsigned char *data = message->body + tensors->data;
	size_t count = tensors->list.count, total = 0;
	size_t *begins = memory_array(count, sizeof *begins);
	for (size_t i = 0; i < count; i++)
		begins[i] = tensors->list.at[i].begin;
	if (!tensors_lay_out(tensors, &total))
		BUG("tensors that were measured do not fit");
	void *old = replace_body(message, total);
	for (size_t i = 0; i < count; i++)
		memcpy(message->body + tensors->data + tensors->list.at[i].begin, data + begins[i], tensors->list.at[i].size);
	free(begins);
	free(old);
}

int tensors_decode(lpad_message *message, struct error *error)
{
	if (tensors_read(message, error))
		return -1;
	if (!aligned(&message->tensors))
		lay_out_again(message);
	return 0;
}

/* ---- views ---- */

/* "f32[64,4]"; -1 is shown as *. */
static void show_shape(struct text *out, int type, int rank, const int64_t *shape)
{
	text_format(out, "%s[", tensor_type_valid(type) ? tensor_types[type].shown : "unknown");
	for (int i = 0; i < rank; i++) {
		text_add(out, i ? "," : "");
		if (!shape || shape[i] < 0)
			text_add_char(out, '*');
		else
			text_format(out, "%lld", (long long)shape[i]);
	}
	text_add_char(out, ']');
}

struct tensor *tensors_find(const lpad_message *message, const char *name)
{
	if (message_kind(message) != LPAD_TENSORS || !name)
		return NULL;
	for (size_t i = 0; i < message->tensors.list.count; i++)
		if (!strcmp(message->tensors.list.at[i].name, name))
			return &message->tensors.list.at[i];
	return NULL;
}

static bool fits(const struct tensor *tensor, int type, int rank, const int64_t *shape)
{
	if (tensor->type != type || tensor->rank != rank)
		return false;
	for (int i = 0; shape && i < rank; i++)
		if (shape[i] >= 0 && shape[i] != tensor->shape[i])
			return false;
	return true;
}

/* What there is instead of the tensor that was asked for. */
static void show_content(struct text *out, const lpad_message *message)
{
	enum { NAMES = 5 };
	const struct tensors *tensors = &message->tensors;
	if (message->kind != LPAD_TENSORS) {
		text_add(out, message->kind == LPAD_JSON ? "json" : "bytes");
		return;
	}
	if (!tensors->list.count)
		text_add(out, "none at all");
	for (size_t i = 0; i < tensors->list.count && i < NAMES; i++)
		text_format(out, "%s\"%s\"", i ? ", " : "", tensor_shown(tensors->list.at[i].name).text);
	if (tensors->list.count > NAMES)
		text_format(out, " and %zu more", tensors->list.count - NAMES);
}

static void fault_view(const lpad_message *message, const struct tensor *tensor, const char *name, int type, int rank,
	const int64_t *shape)
{
	struct text cleanup_text text = { 0 };
	const char *sender = message_sender(message);
	struct shown label = tensor_shown(name ? name : "");
	if (!message)
		text_format(&text, "there is no message with a tensor \"%s\"", label.text);
	else if (tensor) {
		text_format(&text, *sender ? "%s sent tensor \"%s\" as " : "%stensor \"%s\" is ", sender, label.text);
		show_shape(&text, tensor->type, tensor->rank, tensor->shape);
	} else {
		text_format(&text, *sender ? "%s sent no tensor \"%s\" but " : "%sthere is no tensor \"%s\" but ", sender, label.text);
		show_content(&text, message);
	}
	text_add(&text, "; expected ");
	show_shape(&text, type, rank, shape);
	fault_set(LPAD_EINVALID, "%s", text.data);
}

const void *message_view(const lpad_message *message, const char *name, int type, int rank, const int64_t *shape)
{
	const struct tensor *tensor = tensors_find(message, name);
	if (tensor && fits(tensor, type, rank, shape))
		return message->body + message->tensors.data + tensor->begin;
	fault_view(message, tensor, name, type, rank > LPAD_RANK ? LPAD_RANK : rank, rank > LPAD_RANK ? NULL : shape);
	return NULL;
}

void *message_data(lpad_message *message, const char *name)
{
	if (writable(message))
		return NULL;
	struct tensor *tensor = tensors_find(message, name);
	if (!tensor) {
		fault_set(LPAD_EINVALID, "the message has no tensor \"%s\"", name ? tensor_shown(name).text : "");
		return NULL;
	}
	message->pointed = true;
	return message->body + message->tensors.data + tensor->begin;
}

int message_tensor_count(const lpad_message *message)
{
	return message_kind(message) == LPAD_TENSORS ? (int)message->tensors.list.count : 0;
}

int message_tensor_at(const lpad_message *message, int place, lpad_tensor *out)
{
	if (place < 0 || place >= message_tensor_count(message))
		return fault_set(LPAD_EINVALID, "there is no tensor %d; the message has %d", place, message_tensor_count(message));
	const struct tensor *tensor = &message->tensors.list.at[place];
	*out = (lpad_tensor){ .name = tensor->name, .type = tensor->type, .rank = tensor->rank };
	memcpy(out->shape, tensor->shape, sizeof out->shape);
	return 0;
}

const char *message_meta(const lpad_message *message, const char *key)
{
	return message_kind(message) == LPAD_TENSORS && key ? tensors_meta(&message->tensors, key) : NULL;
}
