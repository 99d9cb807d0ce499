/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <math.h>
#include <string.h>

/* ---- params ---- */

static const lpad_param limiter_fields[] = {
	LPAD_INT(struct settings_limiter, min_size, "0", "0..", "items before the first sample; 0: 1"),
	LPAD_REAL(struct settings_limiter, samples_per_insert, "0", "0..", "samples for each item inserted; 0: any number"),
	LPAD_REAL(struct settings_limiter, error_buffer, "0", "0..", "how many samples that may be off, either way"),
	LPAD_REAL(struct settings_limiter, min_diff, "-.inf", NULL, "instead: the least inserts * samples_per_insert - samples"),
	LPAD_REAL(struct settings_limiter, max_diff, ".inf", NULL, "and the most"),
	LPAD_INT(struct settings_limiter, queue, "0", "0..", "a queue of so many items: each is sampled once, in order"),
	LPAD_INT(struct settings_limiter, stack, "0", "0..", "a stack of so many items: each is sampled once, the newest first"),
	LPAD_END
};
const lpad_param settings_table_fields[] = {
	LPAD_CHOICE(struct settings_table, sampler, "uniform", SELECTOR_KINDS, "which item is sampled"),
	LPAD_CHOICE(struct settings_table, remover, "fifo", SELECTOR_KINDS, "which item goes when there are more than max_size"),
	LPAD_REAL(struct settings_table, sampler_exponent, "1", "0..", "of priorities, if the sampler is prioritized"),
	LPAD_REAL(struct settings_table, remover_exponent, "1", "0..", "of priorities, if the remover is prioritized"),
	LPAD_INT(struct settings_table, max_size, NULL, "1..1000000000", "items at most"),
	LPAD_INT(struct settings_table, max_times_sampled, "0", "0..", "an item is deleted then; 0: never (of a queue or stack: 1)"),
	LPAD_OBJECT(struct settings_table, limiter, limiter_fields, "who waits for whom; one of its forms"),
	LPAD_END
};

/* ---- forms of limiters ---- */

static bool has_diffs(const struct settings_limiter *limiter)
{
	return !isinf(limiter->min_diff) || !isinf(limiter->max_diff);
}

static int64_t min_size(const struct settings_limiter *limiter)
{
	return limiter->min_size ? limiter->min_size : 1;
}

static int64_t queue_size(const struct settings_limiter *limiter)
{
	return limiter->queue ? limiter->queue : limiter->stack;
}

static lpad_limiter limiter_of(const struct settings_limiter *from)
{
	if (queue_size(from))
		return lpad_limiter_queue(queue_size(from));
	if (from->samples_per_insert <= 0)
		return lpad_limiter_min_size(min_size(from));
	if (from->error_buffer > 0)
		return lpad_limiter_ratio(from->samples_per_insert, min_size(from), from->error_buffer);
	return lpad_limiter_diffs(from->samples_per_insert, min_size(from), from->min_diff, from->max_diff);
}

static const struct settings_table *table_at(const struct replay *me, size_t place)
{
	return (const struct settings_table *)me->tables.at + place;
}

struct table_settings settings_of(const struct replay *me, size_t place, lpad_rng random)
{
	const struct settings_table *from = table_at(me, place);
	bool once = queue_size(&from->limiter) && !from->max_times_sampled;
	return (struct table_settings){ .name = me->tables.names[place], .random = random,
		.sampler = (enum selector_kind)from->sampler, .remover = (enum selector_kind)from->remover,
		.sampler_exponent = from->sampler_exponent, .remover_exponent = from->remover_exponent,
		.max_size = from->max_size, .max_times_sampled = once ? 1 : from->max_times_sampled,
		.limiter = limiter_of(&from->limiter) };
}

/* ---- contradictions ---- */

struct checking {
	lpad_node *node;
	const char *name;
	const struct settings_table *table;
};

#define TABLE "params.tables.%s."
#define LIMITER TABLE "limiter."

/* The limiter has this field, which has no part in the form that it has. */
static const char *foreign(const struct settings_limiter *limiter, bool queue)
{
	if (queue)
		return limiter->queue && limiter->stack ? "stack" : limiter->samples_per_insert > 0 ? "samples_per_insert"
			: limiter->min_size ? "min_size" : limiter->error_buffer > 0 ? "error_buffer" : !isinf(limiter->min_diff) ? "min_diff"
			: !isinf(limiter->max_diff) ? "max_diff" : NULL;
	if (limiter->samples_per_insert > 0)
		return NULL;
	return limiter->error_buffer > 0 ? "error_buffer" : !isinf(limiter->min_diff) ? "min_diff"
		: !isinf(limiter->max_diff) ? "max_diff" : NULL;
}

static int check_queue(const struct checking *at)
{
	const struct settings_limiter *limiter = &at->table->limiter;
	const char *form = limiter->queue ? "queue" : "stack", *order = limiter->queue ? "fifo" : "lifo";
	enum selector_kind wanted = limiter->queue ? SELECTOR_FIFO : SELECTOR_LIFO;
	const char *other = foreign(limiter, true);
	if (other)
		return lpad_fail(at->node, LIMITER "%s: a %s has no %s: its limiter is {%s: SIZE}, and nothing else", at->name, other, form,
			other, form);
	if (queue_size(limiter) > at->table->max_size)
		return lpad_fail(at->node, LIMITER "%s: a %s of %lld items in a table of %lld (max_size): what was not sampled yet would be removed",
			at->name, form, form, (long long)queue_size(limiter), (long long)at->table->max_size);
	if (at->table->max_times_sampled > 1)
		return lpad_fail(at->node, TABLE "max_times_sampled: each item of a %s is sampled once, not %lld times", at->name, form,
			(long long)at->table->max_times_sampled);
	if (at->table->sampler != (int32_t)wanted)
		return lpad_fail(at->node, LIMITER "%s: the sampler of a %s is %s: write `sampler: %s`", at->name, form, form, order, order);
	return 0;
}

/* Smaller ranges can hold back both sides at once (Reverb refuses the same). */
static int check_ratio(const struct checking *at)
{
	const struct settings_limiter *limiter = &at->table->limiter;
	double ratio = limiter->samples_per_insert, least = ratio > 1 ? ratio : 1;
	if (limiter->error_buffer > 0 && has_diffs(limiter))
		return lpad_fail(at->node, LIMITER "error_buffer: either it, or min_diff and max_diff", at->name);
	if (!(limiter->error_buffer > 0) && !has_diffs(limiter))
		return lpad_fail(at->node, LIMITER "samples_per_insert: it needs an error_buffer of %g or more, or min_diff and max_diff",
			at->name, least);
	if (limiter->error_buffer > 0 && limiter->error_buffer < least)
		return lpad_fail(at->node, LIMITER "error_buffer: %g is smaller than %g (%s): the limiter could hold back inserts and samples "
			"for ever", at->name, limiter->error_buffer, least, ratio > 1 ? "samples_per_insert" : "one sample");
	if (has_diffs(limiter) && !(limiter->max_diff - limiter->min_diff >= 2 * least))
		return lpad_fail(at->node, LIMITER "max_diff: it is %g above min_diff, but must be at least %g above it: twice %s", at->name,
			limiter->max_diff - limiter->min_diff, 2 * least, ratio > 1 ? "samples_per_insert" : "one sample");
	if (at->table->max_times_sampled && ratio > (double)at->table->max_times_sampled)
		return lpad_fail(at->node, TABLE "max_times_sampled: an item goes after %lld samples, but samples_per_insert is %g: "
			"that cannot be reached", at->name, (long long)at->table->max_times_sampled, ratio);
	return 0;
}

static bool is_number(const struct settings_limiter *limiter)
{
	return isfinite(limiter->samples_per_insert) && isfinite(limiter->error_buffer) && !isnan(limiter->min_diff)
	    && !isnan(limiter->max_diff) && limiter->min_diff < (double)INFINITY && limiter->max_diff > -(double)INFINITY;
}

static int check_limiter(const struct checking *at)
{
	const struct settings_limiter *limiter = &at->table->limiter;
	const char *other;
	if (!is_number(limiter))
		return lpad_fail(at->node, TABLE "limiter: its numbers must be finite (but min_diff: -.inf, max_diff: .inf)", at->name);
	if (queue_size(limiter))
		return check_queue(at);
	if (limiter->min_size > at->table->max_size)
		return lpad_fail(at->node, LIMITER "min_size: %lld items can never be in a table of %lld (max_size): nothing would be sampled",
			at->name, (long long)limiter->min_size, (long long)at->table->max_size);
	if ((other = foreign(limiter, false)))
		return lpad_fail(at->node, LIMITER "%s: it needs samples_per_insert beside it, greater than 0", at->name, other);
	return limiter->samples_per_insert > 0 ? check_ratio(at) : 0;
}

static int check_exponent(const struct checking *at, const char *which, int32_t kind, double exponent)
{
	if (!isfinite(exponent))
		return lpad_fail(at->node, TABLE "%s_exponent: it must be finite", at->name, which);
	if (exponent == 1 || kind == (int32_t)SELECTOR_PRIORITIZED)
		return 0;
	return lpad_fail(at->node, TABLE "%s_exponent: only a prioritized %s has an exponent: write `%s: prioritized`", at->name, which,
		which, which);
}

/* They stand in lists, metrics and messages. */
static int check_name(lpad_node *node, const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	return strlen(name) <= 64 && strspn(name, letters) == strlen(name) ? 0
		: lpad_fail(node, "params.tables.%s: the name of a table has letters, digits, _ and -, at most 64", name);
}

static int check_table(const struct checking *at)
{
	int code = check_name(at->node, at->name);
	code = code ? code : check_exponent(at, "sampler", at->table->sampler, at->table->sampler_exponent);
	code = code ? code : check_exponent(at, "remover", at->table->remover, at->table->remover_exponent);
	return code ? code : check_limiter(at);
}

int settings_check(lpad_node *node, const struct replay *me)
{
	if (!me->tables.count)
		return lpad_fail(node, "params.tables: it names no table");
	for (size_t i = 0; i < me->tables.count; i++) {
		struct checking at = { node, me->tables.names[i], table_at(me, i) };
		int code = check_table(&at);
		if (code)
			return code;
	}
	return 0;
}

/* ---- what may be meant, but seldom is ---- */

static const struct {
	const char *name, *which, *instead;     /* instead: what takes each item once, in that order */
} same_again[] = {
	[SELECTOR_FIFO] = { "fifo", "the oldest item", "queue" },
	[SELECTOR_LIFO] = { "lifo", "the newest item", "stack" },
	[SELECTOR_MIN_HEAP] = { "min_heap", "the item of the smallest priority", NULL },
	[SELECTOR_MAX_HEAP] = { "max_heap", "the item of the largest priority", NULL },
};

static void warn(const struct checking *at)
{
	size_t kind = (size_t)at->table->sampler;
	const struct settings_limiter *limiter = &at->table->limiter;
	if (kind >= sizeof same_again / sizeof same_again[0] || !same_again[kind].name || at->table->max_times_sampled
	    || queue_size(limiter) || at->table->max_size == 1)
		return;
	const char *instead = same_again[kind].instead;
	if (instead)
		lpad_log(at->node, "table %s: sampler %s without max_times_sampled: %s is sampled again and again; a %s is `limiter: {%s: %lld}`",
			at->name, same_again[kind].name, same_again[kind].which, instead, instead, (long long)at->table->max_size);
	else
		lpad_log(at->node, "table %s: sampler %s without max_times_sampled: %s is sampled again and again, until it gets another one or is "
			"deleted", at->name, same_again[kind].name, same_again[kind].which);
}

void settings_warn(lpad_node *node, const struct replay *me)
{
	for (size_t i = 0; i < me->tables.count; i++)
		warn(&(struct checking){ node, me->tables.names[i], table_at(me, i) });
}
