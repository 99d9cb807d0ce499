/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "sweep.h"
#include "topology/scalar.h"

void vary_release(struct vary *vary)
{
	free(vary->name);
	for (size_t i = 0; i < vary->values.count; i++)
		free(vary->values.at[i]);
	list_release(&vary->values);
}

/* The end of the first item: a comma outside of brackets and quotes, or the end. */
static const char *item_end(const char *at)
{
	int depth = 0;
	for (; *at && (depth > 0 || *at != ','); at++) {
		depth += *at == '[' || *at == '{';
		depth -= *at == ']' || *at == '}';
	}
	return at;
}

static int64_t absolute(int64_t number)
{
	return number < 0 ? -number : number;
}

/* FROM..TO or FROM..TO..STEP, all whole. 1: it is none. */
static int add_range(struct vary *vary, const char *item, struct error *error)
{
	int64_t bounds[3] = { 0, 0, 1 };
	int count = 0;
	const char *at = item;
	for (; count < 3; count++) {
		const char *dots = strstr(at, "..");
		char *cleanup_free part = dots ? memory_copy_span(at, (size_t)(dots - at)) : memory_copy_text(at);
		if (scalar_int(part, &bounds[count], NULL))
			return 1;
		if (!dots)
			break;
		at = dots + 2;
	}
	if (count == 0 || count == 3)
		return 1;
	if (bounds[2] < 1 || bounds[0] > bounds[1])
		return error_set(error, "%s: a range goes from the smaller to the greater, in steps above 0", item);
	if (absolute(bounds[0]) > INT32_MAX || absolute(bounds[1]) > INT32_MAX || (bounds[1] - bounds[0]) / bounds[2] >= TRIALS_MOST)
		return error_set(error, "%s: that are too many", item);
	for (int64_t number = bounds[0]; number <= bounds[1]; number += bounds[2])
		*list_add(&vary->values) = memory_format("%" PRId64, number);
	return 0;
}

static bool has_twice(const struct vary *vary, const char **which)
{
	for (size_t i = 0; i < vary->values.count && i < 1000; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(vary->values.at[i], vary->values.at[k])) {
				*which = vary->values.at[i];
				return true;
			}
	return false;
}

int vary_read(const char *text, struct vary *out, struct error *error)
{
	const char *equals = strchr(text, '='), *twice;
	*out = (struct vary){ 0 };
	if (!equals || equals == text || !equals[1])
		return error_set(error, "NAME=VALUE,VALUE or NAME=1..5 is wanted, not `%s`", text);
	out->name = memory_copy_span(text, (size_t)(equals - text));
	for (const char *at = equals + 1; at; ) {
		const char *end = item_end(at);
		char *cleanup_free item = memory_copy_span(at, (size_t)(end - at));
		int bad = add_range(out, item, error);
		if (bad < 0)
			return -1;
		if (bad)
			*list_add(&out->values) = memory_copy_text(item);
		at = *end ? end + 1 : NULL;
	}
	if (has_twice(out, &twice))
		return error_set(error, "%s has the value %s twice", out->name, twice);
	return 0;
}

int vary_product(const struct sweep *sweep, struct error *error)
{
	size_t product = 1;
	for (size_t i = 0; i < sweep->vary.count; i++) {
		product *= sweep->vary.at[i].values.count;
		if (product > TRIALS_MOST)
			return error_set(error, "more than %d combinations", TRIALS_MOST);
	}
	return (int)product;
}

const char *vary_value(const struct sweep *sweep, int number, size_t which)
{
	size_t rest = (size_t)number;
	for (size_t i = sweep->vary.count; i-- > which + 1; )
		rest /= sweep->vary.at[i].values.count;
	return sweep->vary.at[which].values.at[rest % sweep->vary.at[which].values.count];
}

char *vary_words(const struct sweep *sweep, int number)
{
	struct text out = { 0 };
	for (size_t i = 0; i < sweep->vary.count; i++)
		text_format(&out, "%s%s=%s", i ? " " : "", sweep->vary.at[i].name, vary_value(sweep, number, i));
	return text_take(&out);
}
