/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/build.h"
#include "topology/scalar.h"
#include "topology/words.h"

/* Below that a node does not come to its own code. */
enum { NOFILE_LEAST = 64, MEMORY_LEAST = 16 << 20 };

static const char *const kinds[] = { [POLICY_STOP] = "stop", [POLICY_IGNORE] = "ignore",
	[POLICY_RESTART] = "restart" };

/* What `restart` means when nothing more is said. */
static void set_restart(struct policy *policy)
{
	policy->kind = POLICY_RESTART;
	policy->then = POLICY_STOP;
	policy->restarts = 5;
	policy->within_ns = 60000000000;
	policy->backoff_low_ns = 100000000;
	policy->backoff_high_ns = 10000000000;
}

/* "100ms..10s", or one duration for both. */
static void read_backoff(struct builder *builder, const struct tree *value, struct policy *out)
{
	struct error error;
	const char *dots = strstr(value->text, "..");
	size_t length = dots ? (size_t)(dots - value->text) : strlen(value->text);
	char *cleanup_free low = memory_copy_span(value->text, length);
	const char *high = dots ? dots + 2 : low;
	int64_t low_ns, high_ns;
	if (scalar_duration(low, &low_ns, &error) || scalar_duration(high, &high_ns, &error))
		words_report(builder->problems, value, "type", "backoff: 100ms..10s", "%s", error.text);
	else if (low_ns > high_ns)
		words_report(builder->problems, value, "range", NULL,
			"`backoff` goes from the shorter to the longer: %s..%s", high,
			low);
	else
		out->backoff_low_ns = low_ns, out->backoff_high_ns = high_ns;
}

/* Also misspelt, which has been said. */
static bool has_restart(const struct tree *map)
{
	static const char *const word = "restart";
	for (size_t i = 0; i < map->count; i++)
		if (text_nearest(map->keys[i], &word, 1))
			return true;
	return false;
}

static void read_map(struct builder *builder, const struct tree *map, struct policy *out)
{
	const struct use use = { 0 };
	int then = POLICY_STOP;
	set_restart(out);
	struct tree *value = take(builder, SCHEMA_POLICY, map, "restart", &use, NULL);
	int64_t restarts = out->restarts;
	if (value)
		take_int(builder, value, "restart", 1, INT_MAX, &restarts);
	else if (!has_restart(map))
		problem_add(builder->problems, map->mark, "missing-key", "on_failure: {restart: 5, within: 1m}",
			"`on_failure` as a map needs `restart`: how often");
	out->restarts = (int)restarts;
	tree_free(value);
	if ((value = take(builder, SCHEMA_POLICY, map, "within", &use, NULL)))
		take_duration(builder, value, "within", &out->within_ns);
	tree_free(value);
	if ((value = take(builder, SCHEMA_POLICY, map, "backoff", &use, NULL)))
		read_backoff(builder, value, out);
	tree_free(value);
	if ((value = take(builder, SCHEMA_POLICY, map, "then", &use, NULL)))
		take_word(builder, value, "then", kinds, 2, &then);
	tree_free(value);
	out->then = (enum policy_kind)then;
}

void policy_read(struct builder *builder, const struct tree *value, struct policy *out)
{
	int kind = POLICY_STOP;
	*out = (struct policy){ .mark = value->mark };
	if (value->kind == TREE_MAP)
		read_map(builder, value, out);
	else if (!take_word(builder, value, "on_failure", kinds, 3, &kind) && kind == POLICY_RESTART)
		set_restart(out);
	else
		out->kind = (enum policy_kind)kind;
}

static void read_count(struct builder *builder, const struct tree *map, const char *key, int64_t low,
	int64_t high, int *out)
{
	const struct use use = { 0 };
	struct tree *value = take(builder, SCHEMA_RESOURCES, map, key, &use, NULL);
	int64_t number;
	if (value && !take_int(builder, value, key, low, high, &number)) {
		*out = (int)number;
	}
	tree_free(value);
}

static void read_memory(struct builder *builder, const struct tree *value, int64_t *out)
{
	if (!take_size(builder, value, "memory", out) && *out < MEMORY_LEAST)
		words_report(builder->problems, value, "range", NULL, "`memory` is at least 16MiB: lpad and its libraries need that");
}

void resources_read(struct builder *builder, const struct tree *map, struct resources *out)
{
	const struct use use = { 0 };
	out->mark = map->mark;
	struct tree *value = take(builder, SCHEMA_RESOURCES, map, "cpus", &use, NULL);
	if (value)
		take_real(builder, value, "cpus", &out->cpus);
	tree_free(value);
	if ((value = take(builder, SCHEMA_RESOURCES, map, "memory", &use, NULL)))
		read_memory(builder, value, &out->memory);
	tree_free(value);
	read_count(builder, map, "gpus", 0, 1024, &out->gpus);
	read_count(builder, map, "nofile", NOFILE_LEAST, INT_MAX, &out->nofile);
	out->has_nice = tree_get(map, "nice") != NULL;
	read_count(builder, map, "nice", -20, 19, &out->nice);
}
