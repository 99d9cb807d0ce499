/* SPDX-License-Identifier: MIT */
/* Tensors: the safetensors layout, written without holes and read without trust. */
#include "link/message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/body.h"

enum {
	LENGTH_BYTES = 8,
	HEADER_MOST = 100 * 1000 * 1000,        /* the format's own bound: parsing takes many times as much memory */
	SHOWN_MOST = 80                         /* characters of a name in an error text */
};

/* By enum lpad_dtype: the format's name, ours, and the element's size. */
static const struct {
	const char *name, *shown;
	size_t size;
} dtypes[] = {
	[LPAD_BOOL8] = { "BOOL", "bool", 1 },
	[LPAD_U8] = { "U8", "u8", 1 },
	[LPAD_I8] = { "I8", "i8", 1 },
	[LPAD_U16] = { "U16", "u16", 2 },
	[LPAD_I16] = { "I16", "i16", 2 },
	[LPAD_F16] = { "F16", "f16", 2 },
	[LPAD_BF16] = { "BF16", "bf16", 2 },
	[LPAD_U32] = { "U32", "u32", 4 },
	[LPAD_I32] = { "I32", "i32", 4 },
	[LPAD_F32] = { "F32", "f32", 4 },
	[LPAD_U64] = { "U64", "u64", 8 },
	[LPAD_I64] = { "I64", "i64", 8 },
	[LPAD_F64] = { "F64", "f64", 8 },
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

static bool dtype_valid(int type)
{
	return type > 0 && type < DTYPES;
}

static int dtype_of(const char *name)
{
	for (int type = 1; name && type < DTYPES; type++)
		if (!strcmp(dtypes[type].name, name))
			return type;
	return 0;
}

/* A name out of a foreign header, fit for one line. */
struct shown { char text[SHOWN_MOST + 4]; };

static struct shown shown(const char *name)
{
	struct shown out;
	snprintf(out.text, sizeof out.text, "%.*s%s", SHOWN_MOST, name, strlen(name) > SHOWN_MOST ? "..." : "");
	body_printable(out.text);
	return out;
}

/* ---- layout ---- */

/* Bytes of a tensor, from its type and shape. false: negative extent or overflow. */
static bool measure(const struct tensor *tensor, size_t *out)
{
	size_t size = dtypes[tensor->type].size;
	for (int i = 0; i < tensor->rank; i++)
		if (tensor->shape[i] < 0 || __builtin_mul_overflow(size, (size_t)tensor->shape[i], &size))
			return false;
	*out = size;
	return true;
}

/* By descending element size, otherwise in order: then each is aligned to its elements, and there is no hole. */
bool tensors_lay_out(struct tensors *tensors, size_t *total)
{
	size_t at = 0;
	for (size_t element = 8; element; element /= 2)
		for (size_t i = 0; i < tensors->list.count; i++) {
			struct tensor *tensor = &tensors->list.at[i];
			if (dtypes[tensor->type].size != element)
				continue;
			tensor->begin = at;
			if (__builtin_add_overflow(at, tensor->size, &at))
				return false;
		}
	*total = at;
	return true;
}

static json_t *describe(const struct tensor *tensor)
{
	json_t *shape = json_array();
	for (int i = 0; i < tensor->rank; i++)
		json_array_append_new(shape, json_integer(tensor->shape[i]));
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[tensor->type].name, "shape", shape,
		"data_offsets", (json_int_t)tensor->begin, (json_int_t)(tensor->begin + tensor->size));
}

void tensors_encode(struct tensors *tensors, struct text *out)
{
	json_t *header = json_object();
	if (tensors->meta.count) {
		json_t *meta = json_object();
		for (size_t i = 0; i < tensors->meta.count; i++)
			json_object_set_new(meta, tensors->meta.at[i].key, json_string(tensors->meta.at[i].value));
		json_object_set_new(header, "__metadata__", meta);
	}
	for (size_t i = 0; i < tensors->list.count; i++)
		json_object_set_new(header, tensors->list.at[i].name, describe(&tensors->list.at[i]));
	char *text = json_dumps(header, JSON_COMPACT);
	if (!text)
		BUG("a header of tensors cannot be written as JSON");
	json_decref(header);
	size_t used = LENGTH_BYTES + strlen(text);
	tensors->data = (used + BODY_ALIGNED - 1) / BODY_ALIGNED * BODY_ALIGNED;
	uint64_t length = tensors->data - LENGTH_BYTES;
	for (int i = 0; i < LENGTH_BYTES; i++)
		text_add_char(out, (char)(length >> (8 * i)));
	text_add(out, text);
	for (; used < tensors->data; used++)
		text_add_char(out, ' ');
	free(text);
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
	lpad_message *made = body_new(LPAD_TENSORS, header.length + total);
	memcpy(made->body, header.data, header.length);
	message->block = made->block;
	message->body = made->body;
	message->size = made->size;
	free(made);
	return old;
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
	struct shown name = shown(from->name);
	if (!strcmp(from->name, "__metadata__"))
		return fault_set(LPAD_EINVALID, "\"__metadata__\" cannot be a tensor's name; see lpad_set_meta");
	if (json_object_get(names, from->name))
		return fault_set(LPAD_EINVALID, "two tensors are named \"%s\"", name.text);
	if (!dtype_valid(from->type))
		return fault_set(LPAD_EINVALID, "tensor \"%s\": type %d is unknown", name.text, (int)from->type);
	if (from->rank < 0 || from->rank > LPAD_RANK)
		return fault_set(LPAD_EINVALID, "tensor \"%s\": rank %d is not 0 to %d", name.text, (int)from->rank, LPAD_RANK);
	struct tensor tensor = { .type = from->type, .rank = from->rank };
	for (int i = 0; i < from->rank; i++)
		if ((tensor.shape[i] = from->shape[i]) < 0)
			return fault_set(LPAD_EINVALID, "tensor \"%s\": extent %d is %lld", name.text, i, (long long)from->shape[i]);
	if (!measure(&tensor, &tensor.size))
		return fault_set(LPAD_ETOOBIG, "tensor \"%s\" has more bytes than can be counted", name.text);
	json_object_set_new(names, from->name, json_true());
	tensor.name = memory_copy_text(from->name);
	*list_add(&tensors->list) = tensor;
	return 0;
}

static int add_tensors(struct tensors *tensors, int count, const lpad_tensor *list, size_t *total)
{
	if (count < 0 || (count && !list))
		return fault_set(LPAD_EINVALID, "%d tensors cannot be made from this list", count);
	json_t *names = json_object();
	int code = 0;
	for (int i = 0; i < count && !code; i++)
		code = add_tensor(tensors, names, &list[i]);
	json_decref(names);
	if (!code && (!tensors_lay_out(tensors, total) || !body_fits(*total)))
		code = fault_set(LPAD_ETOOBIG, "the tensors are larger than this machine's memory");
	return code;
}

lpad_message *message_tensors(int count, const lpad_tensor *list)
{
	struct tensors tensors = { 0 };
	size_t total = 0;
	if (add_tensors(&tensors, count, list, &total)) {
		tensors_release(&tensors);
		return NULL;
	}
	lpad_message *message = body_new(LPAD_TENSORS, 0);
	message->tensors = tensors;
	free(replace_body(message, total));
	memset(message->body + message->tensors.data, 0, total);
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
		return fault_set(LPAD_EINVALID, "set the metadata \"%s\" before lpad_data is used: it moves the data", shown(key).text);
	struct tensors *tensors = &message->tensors;
	size_t place = 0;
	while (place < tensors->meta.count && strcmp(tensors->meta.at[place].key, key))
		place++;
	if (place == tensors->meta.count)
		list_add(&tensors->meta)->key = memory_copy_text(key);
	free(tensors->meta.at[place].value);
	tensors->meta.at[place].value = memory_copy_text(value);
	const unsigned char *data = message->body + tensors->data;
	size_t total = message->size - tensors->data;
	void *old = replace_body(message, total);
	memcpy(message->body + tensors->data, data, total);
	free(old);
	return 0;
}

/* ---- reading a header ---- */

static int read_extents(struct tensor *tensor, json_t *shape, const char *name, struct error *error)
{
	if (!json_is_array(shape))
		return error_set(error, "tensor \"%s\" has no shape", name);
	if (json_array_size(shape) > LPAD_RANK)
		return error_set(error, "tensor \"%s\" has rank %zu, more than %d", name, json_array_size(shape), LPAD_RANK);
	tensor->rank = (int32_t)json_array_size(shape);
	for (int i = 0; i < tensor->rank; i++) {
		json_t *extent = json_array_get(shape, (size_t)i);
		if (!json_is_integer(extent) || json_integer_value(extent) < 0)
			return error_set(error, "tensor \"%s\": extent %d is not a number from 0", name, i);
		tensor->shape[i] = json_integer_value(extent);
	}
	return 0;
}

static int read_tensor(struct tensor *tensor, const char *name, json_t *from, size_t room, struct error *error)
{
	json_int_t begin, end;
	size_t size;
	const char *type = json_string_value(json_object_get(from, "dtype"));
	tensor->type = dtype_of(type);
	if (!tensor->type)
		return error_set(error, "tensor \"%s\": dtype \"%s\" is unknown", name, type ? shown(type).text : "");
	if (read_extents(tensor, json_object_get(from, "shape"), name, error))
		return -1;
	if (json_unpack(from, "{s:[I, I!]}", "data_offsets", &begin, &end))
		return error_set(error, "tensor \"%s\" has no pair of data_offsets", name);
	if (begin < 0 || end < begin || (uint64_t)end > room)
		return error_set(error, "tensor \"%s\" lies at %lld to %lld, outside of the %zu bytes of data", name,
			(long long)begin, (long long)end, room);
	tensor->begin = (size_t)begin;
	tensor->size = (size_t)(end - begin);
	if (!measure(tensor, &size) || size != tensor->size)
		return error_set(error, "tensor \"%s\" has %zu bytes, which is not its type and shape", name, tensor->size);
	return 0;
}

static int read_metadata(struct tensors *tensors, json_t *from, struct error *error)
{
	const char *key;
	json_t *value;
	if (!json_is_object(from))
		return error_set(error, "__metadata__ is not a map");
	json_object_foreach(from, key, value) {
		if (!json_is_string(value))
			return error_set(error, "__metadata__: \"%s\" is not a text", shown(key).text);
		struct meta *meta = list_add(&tensors->meta);
		meta->key = memory_copy_text(key);
		meta->value = memory_copy_text(json_string_value(value));
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct tensor *left = *(struct tensor *const *)a, *right = *(struct tensor *const *)b;
	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return (left->size > right->size) - (left->size < right->size);
}

/* The tensors must cover the data exactly: each begins where another ended. */
static int check_cover(const struct tensors *tensors, size_t room, struct error *error)
{
	size_t count = tensors->list.count, end = 0;
	struct tensor **sorted = memory_array(count, sizeof *sorted);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &tensors->list.at[i];
	qsort(sorted, count, sizeof *sorted, by_place);
	int wrong = 0;
	for (size_t i = 0; i < count && !wrong; i++) {
		if (sorted[i]->begin != end)
			wrong = error_set(error, "tensor \"%s\" %s", shown(sorted[i]->name).text,
				sorted[i]->begin < end ? "overlaps another" : "has a hole before it");
		end = sorted[i]->begin + sorted[i]->size;
	}
	if (!wrong && end != room)
		wrong = error_set(error, "%zu bytes behind the last tensor belong to none", room - end);
	free(sorted);
	return wrong;
}

static int read_header(struct tensors *tensors, json_t *header, size_t room, struct error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach(header, name, value) {
		if (!strcmp(name, "__metadata__")) {
			if (read_metadata(tensors, value, error))
				return -1;
			continue;
		}
		struct tensor tensor = { 0 };
		if (read_tensor(&tensor, shown(name).text, value, room, error))
			return -1;
		tensor.name = memory_copy_text(name);
		*list_add(&tensors->list) = tensor;
	}
	return check_cover(tensors, room, error);
}

static bool aligned(const struct tensors *tensors)
{
	if (tensors->data % BODY_ALIGNED)
		return false;
	for (size_t i = 0; i < tensors->list.count; i++)
		if (tensors->list.at[i].begin % dtypes[tensors->list.at[i].type].size)
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
	uint64_t length = 0;
	if (message->size < LENGTH_BYTES)
		return error_set(error, "too short for a header");
	for (int i = LENGTH_BYTES; i-- > 0; )
		length = length << 8 | message->body[i];
	if (length > message->size - LENGTH_BYTES || length > HEADER_MOST)
		return error_set(error, "a header of %llu bytes does not fit", (unsigned long long)length);
	if (!length || message->body[LENGTH_BYTES] != '{')
		return error_set(error, "the header does not begin with {");
	json_error_t wrong;
	json_t *header = json_loadb((const char *)message->body + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &wrong);
	if (!header)
		return error_set(error, "the header is not JSON: %s, at byte %d", body_printable(wrong.text),
			wrong.position);
	message->tensors.data = LENGTH_BYTES + (size_t)length;
	int bad = read_header(&message->tensors, header, message->size - message->tensors.data, error);
	json_decref(header);
	if (!bad && !aligned(&message->tensors))
		lay_out_again(message);
	return bad;
}

/* ---- views ---- */

/* "f32[64,4]"; -1 is shown as *. */
static void show_shape(struct text *out, int type, int rank, const int64_t *shape)
{
	text_format(out, "%s[", dtype_valid(type) ? dtypes[type].shown : "unknown");
	for (int i = 0; i < rank; i++) {
		text_add(out, i ? "," : "");
		if (!shape || shape[i] < 0)
			text_add_char(out, '*');
		else
			text_format(out, "%lld", (long long)shape[i]);
	}
	text_add_char(out, ']');
}

static struct tensor *find(const lpad_message *message, const char *name)
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
		text_format(out, "%s\"%s\"", i ? ", " : "", shown(tensors->list.at[i].name).text);
	if (tensors->list.count > NAMES)
		text_format(out, " and %zu more", tensors->list.count - NAMES);
}

static void fault_view(const lpad_message *message, const struct tensor *tensor, const char *name, int type, int rank,
	const int64_t *shape)
{
	struct text cleanup_text text = { 0 };
	const char *sender = message_sender(message);
	struct shown label = shown(name ? name : "");
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
	const struct tensor *tensor = find(message, name);
	if (tensor && fits(tensor, type, rank, shape))
		return message->body + message->tensors.data + tensor->begin;
	fault_view(message, tensor, name, type, rank > LPAD_RANK ? LPAD_RANK : rank, rank > LPAD_RANK ? NULL : shape);
	return NULL;
}

void *message_data(lpad_message *message, const char *name)
{
	if (writable(message))
		return NULL;
	struct tensor *tensor = find(message, name);
	if (!tensor) {
		fault_set(LPAD_EINVALID, "the message has no tensor \"%s\"", name ? shown(name).text : "");
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
