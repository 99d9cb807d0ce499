/* SPDX-License-Identifier: MIT */
#include "topology/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/scalar.h"
#include "topology/words.h"

struct tree *take(struct builder *builder, enum schema_level level, const struct tree *map, const char *key,
	const struct use *use, bool *bad)
{
	struct tree *raw = tree_get(map, key);
	if (!raw)
		return NULL;
	struct tree *value = scope_expand(builder->scope, raw, use);
	bool fits = !scope_failed(builder->scope)
		&& schema_fits(schema_find(level, key), value, builder->problems);
	if (!fits && bad)
		*bad = true;
	if (fits && !tree_is_null(value))
		return value;
	tree_free(value);
	return NULL;
}

static int refuse(struct builder *builder, const struct tree *value, const char *key, const struct error *error)
{
	return words_report(builder->problems, value, "type", NULL, "`%s`: %s", key, error->text);
}

static void refuse_quotes(struct builder *builder, const struct tree *value, const char *key)
{
	char *cleanup_free hint = words_leave_quotes_out(value);
	words_report(builder->problems, value, "type", hint, "`%s` cannot be a text in quotes", key);
}

/* Numbers and booleans are plain: YAML makes a text of what stands in quotes. */
static bool is_plain(struct builder *builder, const struct tree *value, const char *key)
{
	if (value->kind != TREE_SCALAR)
		words_report(builder->problems, value, "type", NULL, "`%s` cannot be %s", key,
			tree_kind_name(value));
	else if (!value->quoted)
		return true;
	else if (words_is_set_empty(value))
		words_report(builder->problems, value, "type", NULL, "`%s` cannot be empty", key);
	else
		refuse_quotes(builder, value, key);
	return false;
}

static bool is_text(struct builder *builder, const struct tree *value, const char *key)
{
	if (value->kind == TREE_SCALAR)
		return true;
	words_report(builder->problems, value, "type", NULL, "a text is needed in `%s`, not %s", key,
		tree_kind_name(value));
	return false;
}

int take_int(struct builder *builder, const struct tree *value, const char *key, int64_t low,
	int64_t high, int64_t *out)
{
	struct error error;
	int64_t number;
	if (!is_plain(builder, value, key))
		return -1;
	if (scalar_int(value->text, &number, &error))
		return refuse(builder, value, key, &error);
	if (number < low)
		return words_report(builder->problems, value, "range", NULL,
			"`%s` is at least %lld, not %lld", key,
			(long long)low, (long long)number);
	if (number > high)
		return words_report(builder->problems, value, "range", NULL,
			"`%s` is at most %lld, not %lld", key,
			(long long)high, (long long)number);
	*out = number;
	return 0;
}

int take_real(struct builder *builder, const struct tree *value, const char *key, double *out)
{
	struct error error;
	double number;
	if (!is_plain(builder, value, key))
		return -1;
	if (scalar_real(value->text, &number, &error))
		return refuse(builder, value, key, &error);
	if (!(number > 0 && number < 1e9))
		return words_report(builder->problems, value, "range", NULL,
			"`%s` is a number above 0, not %.60s", key, value->text);
	*out = number;
	return 0;
}

int take_bool(struct builder *builder, const struct tree *value, const char *key, bool *out)
{
	struct error error;
	if (!is_plain(builder, value, key))
		return -1;
	return scalar_bool(value->text, out, &error) ? refuse(builder, value, key, &error) : 0;
}

/* The message stands alone: "a duration needs a unit: 10s, 10ms, 10m". */
int take_duration(struct builder *builder, const struct tree *value, const char *key, int64_t *out)
{
	struct error error;
	if (!is_text(builder, value, key))
		return -1;
	if (scalar_duration(value->text, out, &error))
		return words_report(builder->problems, value, "type", NULL, "%s", error.text);
	return 0;
}

int take_size(struct builder *builder, const struct tree *value, const char *key, int64_t *out)
{
	struct error error;
	int64_t bytes;
	if (!is_text(builder, value, key))
		return -1;
	if (scalar_size(value->text, &bytes, &error))
		return words_report(builder->problems, value, "type", NULL, "%s", error.text);
	if (!bytes)
		return words_report(builder->problems, value, "range", NULL, "`%s` is at least 1 byte", key);
	*out = bytes;
	return 0;
}

int take_word(struct builder *builder, const struct tree *value, const char *key,
	const char *const *words, size_t count, int *out)
{
	if (!is_text(builder, value, key))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(value->text, words[i])) {
			*out = (int)i;
			return 0;
		}
	const char *nearest = words_nearest(builder->problems, value->text, words, count);
	char *cleanup_free list = words_list(words, count);
	if (nearest)
		return words_report(builder->problems, value, "value", NULL,
			"`%s` is one of %s: did you mean %s?", key, list, nearest);
	return words_report(builder->problems, value, "value", NULL, "`%s` is one of %s, not \"%.60s\"",
		key, list, value->text);
}

static int take_text(struct builder *builder, const struct tree *value, const char *key,
	void (*each)(void *context, const struct tree *text), void *context)
{
	if (!is_text(builder, value, key))
		return -1;
	if (!*value->text || tree_is_null(value))
		return words_report(builder->problems, value, "value", NULL,
			"`%s`: an empty text stands for nothing", key);
	each(context, value);
	return 0;
}

int take_texts(struct builder *builder, const struct tree *value, const char *key,
	void (*each)(void *context, const struct tree *text), void *context)
{
	int bad = 0;
	if (value->kind != TREE_LIST)
		return take_text(builder, value, key, each, context);
	if (!value->count)
		return words_report(builder->problems, value, "value", NULL, "`%s` is an empty list", key);
	for (size_t i = 0; i < value->count; i++)
		bad |= take_text(builder, value->items[i], key, each, context);
	return bad;
}
