/* SPDX-License-Identifier: MIT */
#include "base/signature.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *const dtypes[] = {
	"bool", "u8", "i8", "u16", "i16", "f16", "bf16", "u32", "i32", "f32", "u64", "i64", "f64"
};
enum { DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* What other libraries call them. */
static const struct { const char *word, *dtype; } aliases[] = {
	{ "float", "f32" }, { "double", "f64" }, { "half", "f16" }, { "int", "i64" }, { "long", "i64" }, { "byte", "u8" },
	{ "float16", "f16" }, { "bfloat16", "bf16" }, { "float32", "f32" }, { "float64", "f64" }, { "int8", "i8" },
	{ "int16", "i16" }, { "int32", "i32" }, { "int64", "i64" }, { "uint8", "u8" }, { "uint16", "u16" },
	{ "uint32", "u32" }, { "uint64", "u64" }, { "bool8", "bool" }
};

static const char *dtype_of(const char *word)
{
	for (size_t i = 0; i < DTYPES; i++)
		if (!strcmp(dtypes[i], word))
			return dtypes[i];
	return NULL;
}

bool signature_is_dtype(const char *word)
{
	return dtype_of(word);
}

/* ---- reading ---- */

struct reader {
	const char *start, *at;
	struct error *error;
};

__attribute__((format(printf, 3, 4)))
static int refuse(const struct reader *reader, const char *place, const char *format, ...)
{
	va_list list;
	size_t column = 1;
	for (const char *at = reader->start; at < place; at++)
		column += ((unsigned char)*at & 0xc0) != 0x80;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	return error_set(reader->error, "%s (at character %zu)", text, column);
}

static void skip_spaces(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\n");
}

/* Steps over the sign, if it is the next. */
static bool take(struct reader *reader, char sign)
{
	skip_spaces(reader);
	if (*reader->at != sign)
		return false;
	reader->at++;
	return true;
}

/* The word that begins here; empty in front of a sign. Caller frees. */
static char *take_word(struct reader *reader)
{
	skip_spaces(reader);
	const char *start = reader->at;
	while (*reader->at && (unsigned char)*reader->at > ' ' && !strchr(",[]*`\"", *reader->at))
		reader->at++;
	return memory_copy_span(start, (size_t)(reader->at - start));
}

static int take_extent(struct reader *reader, int64_t *out)
{
	skip_spaces(reader);
	const char *start = reader->at;
	*out = 0;
	for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++)
		if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *reader->at - '0', out))
			return refuse(reader, start, "the extent is too large");
	return reader->at > start ? 0 : refuse(reader, start, "an extent is a number or *");
}

static int take_shape(struct reader *reader, struct signature_tensor *tensor)
{
	if (!take(reader, '[') || take(reader, ']'))
		return 0;
	do {
		const char *place = reader->at;
		if (tensor->rank == SIGNATURE_RANK)
			return refuse(reader, place, "`%s` has more than %d extents", tensor->name, SIGNATURE_RANK);
		int64_t *extent = &tensor->shape[tensor->rank++];
		if (take(reader, '*'))
			*extent = SIGNATURE_STAR;
		else if (take_extent(reader, extent))
			return -1;
	} while (take(reader, ','));
	return take(reader, ']') ? 0 : refuse(reader, reader->at, "`,` or `]` is missing");
}

static int refuse_dtype(const struct reader *reader, const char *place, const char *name, const char *word)
{
	struct text cleanup_text list = { 0 };
	if (!*word && *reader->at == '[' && dtype_of(name))
		return refuse(reader, place, "the tensor of type %s has no name: \"NAME %s[...]\"", name, name);
	if (!*word)
		return refuse(reader, place, "`%s` has no type: \"%s f32[...]\"", name, name);
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (!strcmp(aliases[i].word, word))
			return refuse(reader, place, "`%s` is no type: did you mean %s?", word, aliases[i].dtype);
	for (size_t i = 0; i < DTYPES; i++)
		text_format(&list, "%s%s", i ? " " : "", dtypes[i]);
	return refuse(reader, place, "`%.40s` is no type; there are %s", word, text_string(&list));
}

static const struct signature_tensor *find(const struct signature_tensor *tensors, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(tensors[i].name, name))
			return &tensors[i];
	return NULL;
}

/* Names go behind one another into signature->names, which has room for the whole text. */
static int take_tensor(struct reader *reader, struct signature *signature, size_t *used)
{
	skip_spaces(reader);
	const char *place = reader->at;
	char *cleanup_free name = take_word(reader);
	if (!*name)
		return refuse(reader, place, "a tensor's name is missing");
	if (find(signature->tensors.at, signature->tensors.count, name))
		return refuse(reader, place, "two tensors are named `%.40s`", name);
	skip_spaces(reader);
	place = reader->at;
	char *cleanup_free word = take_word(reader);
	if (!dtype_of(word))
		return refuse_dtype(reader, place, name, word);
	struct signature_tensor *tensor = list_add(&signature->tensors);
	tensor->name = memcpy(signature->names + *used, name, strlen(name) + 1);
	tensor->dtype = dtype_of(word);
	*used += strlen(name) + 1;
	return take_shape(reader, tensor);
}

static int take_tensors(struct reader *reader, struct signature *signature)
{
	size_t used = 0;
	signature->kind = SIGNATURE_TENSORS;
	signature->names = memory_new(strlen(reader->start) + 1);       /* behind each name is at least its type */
	do
		if (take_tensor(reader, signature, &used))
			return -1;
	while (take(reader, ','));
	skip_spaces(reader);
	return *reader->at ? refuse(reader, reader->at, "a comma stands between tensors, not `%.20s`", reader->at) : 0;
}

/* "json", "bytes", "bytes[16]"; false: what stands here are tensors. */
static bool is_kind(struct reader *reader, const char *word)
{
	const char *start = reader->at;
	char *cleanup_free first = take_word(reader);
	skip_spaces(reader);
	if (!strcmp(first, word) && (!*reader->at || *reader->at == '['))
		return true;
	reader->at = start;
	return false;
}

static int take_size(struct reader *reader, struct signature *signature)
{
	signature->kind = SIGNATURE_BYTES;
	signature->size = SIGNATURE_STAR;
	if (!take(reader, '['))
		return 0;
	if (!take(reader, '*') && take_extent(reader, &signature->size))
		return -1;
	return take(reader, ']') ? 0 : refuse(reader, reader->at, "`]` is missing");
}

static int take_all(struct reader *reader, struct signature *signature)
{
	int bad = 0;
	skip_spaces(reader);
	if (!*reader->at)
		return 0;
	if (is_kind(reader, "json"))
		signature->kind = SIGNATURE_JSON;
	else if (is_kind(reader, "bytes"))
		bad = take_size(reader, signature);
	else
		return take_tensors(reader, signature);
	skip_spaces(reader);
	return bad || !*reader->at ? bad : refuse(reader, reader->at, "nothing may follow, but there is `%.20s`", reader->at);
}

int signature_parse(const char *text, struct signature *out, struct error *error)
{
	struct reader reader = { text ? text : "", text ? text : "", error };
	*out = (struct signature){ .kind = SIGNATURE_ANY };
	if (!take_all(&reader, out))
		return 0;
	signature_release(out);
	return -1;
}

void signature_release(struct signature *signature)
{
	list_release(&signature->tensors);
	free(signature->names);
	*signature = (struct signature){ .kind = SIGNATURE_ANY };
}

/* ---- writing ---- */

static void add_extent(struct text *out, const char *before, int64_t extent)
{
	if (extent < 0)
		text_format(out, "%s*", before);
	else
		text_format(out, "%s%" PRId64, before, extent);
}

static void add_tensor(struct text *out, const struct signature_tensor *tensor)
{
	text_format(out, "%s %s", tensor->name, tensor->dtype);
	for (int i = 0; i < tensor->rank; i++)
		add_extent(out, i ? "," : "[", tensor->shape[i]);
	text_add(out, tensor->rank ? "]" : "");
}

static void add_bytes(struct text *out, int64_t size)
{
	text_add(out, "bytes");
	if (size < 0)
		return;
	add_extent(out, "[", size);
	text_add_char(out, ']');
}

static void add_signature(struct text *out, const struct signature *signature)
{
	if (signature->kind == SIGNATURE_JSON)
		text_add(out, "json");
	else if (signature->kind == SIGNATURE_BYTES)
		add_bytes(out, signature->size);
	for (size_t i = 0; i < signature->tensors.count; i++) {
		text_add(out, i ? ", " : "");
		add_tensor(out, &signature->tensors.at[i]);
	}
}

char *signature_print(const struct signature *signature)
{
	struct text out = { 0 };
	add_signature(&out, signature);
	return text_take(&out);
}

/* ---- comparing ---- */

static bool extents_fit(int64_t a, int64_t b)
{
	return a < 0 || b < 0 || a == b;
}

static bool tensors_fit(const struct signature_tensor *a, const struct signature_tensor *b)
{
	if (strcmp(a->dtype, b->dtype) || a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (!extents_fit(a->shape[i], b->shape[i]))
			return false;
	return true;
}

/* The first of `a` that `b` lacks or has otherwise; *other is what `b` has. NULL: none. */
static const struct signature_tensor *first_misfit(const struct signature_tensor *a, size_t a_count,
	const struct signature_tensor *b, size_t b_count, const struct signature_tensor **other)
{
	for (size_t i = 0; i < a_count; i++) {
		*other = find(b, b_count, a[i].name);
		if (!*other || !tensors_fit(&a[i], *other))
			return &a[i];
	}
	return NULL;
}

static char *tensor_text(const struct signature_tensor *tensor)
{
	struct text out = { 0 };
	add_tensor(&out, tensor);
	return text_take(&out);
}

static char *tensors_differ(const struct signature *sent, const struct signature *expected)
{
	const struct signature_tensor *other, *lacking;
	const struct signature_tensor *tensor = first_misfit(sent->tensors.at, sent->tensors.count, expected->tensors.at,
		expected->tensors.count, &other);
	if (tensor && other) {
		char *cleanup_free left = tensor_text(tensor), *cleanup_free right = tensor_text(other);
		return memory_format("`%s` is not `%s`", left, right);
	}
	if (tensor)
		return memory_format("`%s` is sent, but not expected", tensor->name);
	lacking = first_misfit(expected->tensors.at, expected->tensors.count, sent->tensors.at, sent->tensors.count, &other);
	return lacking ? memory_format("`%s` is expected, but not sent", lacking->name) : NULL;
}

char *signature_difference(const struct signature *sent, const struct signature *expected)
{
	static const char *const kinds[] = {
		[SIGNATURE_BYTES] = "bytes", [SIGNATURE_JSON] = "json", [SIGNATURE_TENSORS] = "tensors"
	};
	if (sent->kind == SIGNATURE_ANY || expected->kind == SIGNATURE_ANY)
		return NULL;
	if (sent->kind != expected->kind)
		return memory_format("%s sent, %s expected", kinds[sent->kind], kinds[expected->kind]);
	if (sent->kind == SIGNATURE_BYTES && !extents_fit(sent->size, expected->size))
		return memory_format("%" PRId64 " bytes are not %" PRId64, sent->size, expected->size);
	return sent->kind == SIGNATURE_TENSORS ? tensors_differ(sent, expected) : NULL;
}

/* ---- one message ---- */

static char *wrong_kind(const struct signature *signature, const struct signature_content *content)
{
	char *cleanup_free expected = signature_print(signature);
	if (content->kind == SIGNATURE_BYTES)
		return memory_format("%zu bytes where `%s` is expected", content->size, expected);
	return memory_format("%s where `%s` is expected", content->kind == SIGNATURE_JSON ? "json" : "tensors", expected);
}

/* A foreign name, fit for one line. Caller frees. */
static char *shown(const char *name)
{
	enum { SHOWN = 80 };
	size_t length = strlen(name), cut = length > SHOWN ? SHOWN : length;
	while (cut < length && cut && ((unsigned char)name[cut] & 0xc0) == 0x80)
		cut--;
	char *out = memory_format("%.*s%s", (int)cut, name, cut < length ? "..." : "");
	for (char *at = out; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return out;
}

static char *wrong_tensors(const struct signature *signature, const struct signature_content *content)
{
	const struct signature_tensor *sent;
	const struct signature_tensor *wanted = first_misfit(signature->tensors.at, signature->tensors.count, content->tensors,
		content->count, &sent);
	if (!wanted && content->count == signature->tensors.count)
		return NULL;
	if (wanted && sent) {
		char *cleanup_free left = tensor_text(sent), *cleanup_free right = tensor_text(wanted);
		return memory_format("`%s` where `%s` is expected", left, right);
	}
	char *cleanup_free all = signature_print(signature);
	if (wanted)
		return memory_format("no tensor `%s`; expected `%s`", wanted->name, all);
	for (size_t i = 0; i < content->count; i++)
		if (!find(signature->tensors.at, signature->tensors.count, content->tensors[i].name)) {
			char *cleanup_free name = shown(content->tensors[i].name);
			return memory_format("a tensor `%s` too many; expected `%s`", name, all);
		}
	return memory_format("%zu tensors; expected `%s`", content->count, all);
}

char *signature_mismatch(const struct signature *signature, const struct signature_content *content)
{
	if (signature->kind == SIGNATURE_ANY)
		return NULL;
	if (signature->kind != content->kind)
		return wrong_kind(signature, content);
	if (signature->kind == SIGNATURE_BYTES && signature->size >= 0 && (uint64_t)signature->size != content->size)
		return wrong_kind(signature, content);
	return signature->kind == SIGNATURE_TENSORS ? wrong_tensors(signature, content) : NULL;
}
