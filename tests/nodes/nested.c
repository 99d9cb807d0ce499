/* SPDX-License-Identifier: MIT */
/* Parameters in parameters, as a replay buffer has them: prints what it was given. Compiles as C++20, too. */
#include <lpad/node.h>

#include <inttypes.h>

struct limiter {
	double samples_per_insert, error_buffer;
	int64_t min_size;
};
struct table {
	int32_t sampler;
	int64_t max_size;
	lpad_ints shape;
	struct limiter limiter;
};
struct checkpoint {
	double every;
	const char *to;
};
struct replay {
	lpad_map tables;
	struct checkpoint checkpoint;
};

static const lpad_param limiter_fields[] = {
	LPAD_REAL(struct limiter, samples_per_insert, "1", "0..", "how often an item is sampled"),
	LPAD_INT(struct limiter, min_size, NULL, "1..", "items before the first sample"),
	LPAD_REAL(struct limiter, error_buffer, ".inf", "0..", "how far off it may be"),
	LPAD_END
};
static const lpad_param table_fields[] = {
	LPAD_CHOICE(struct table, sampler, "uniform", "uniform fifo", "which item is next"),
	LPAD_SIZE(struct table, max_size, "1MiB", "1..", "bytes at most"),
	LPAD_INTS(struct table, shape, "1, 2", "1..", "of an item"),
	LPAD_OBJECT(struct table, limiter, limiter_fields, "who waits for whom"),
	LPAD_END
};
static const lpad_param checkpoint_fields[] = {
	LPAD_DURATION(struct checkpoint, every, "1m", "1s..", "between two"),
	LPAD_PATH(struct checkpoint, to, "", "where it lies; empty: nowhere"),
	LPAD_END
};
static const lpad_param params[] = {
	LPAD_MAP(struct replay, tables, struct table, table_fields, "what is kept, by name"),
	LPAD_OBJECT(struct replay, checkpoint, checkpoint_fields, "what is saved"),
	LPAD_END
};

static const struct table *table_at(const struct replay *replay, size_t place)
{
	return (const struct table *)replay->tables.at + place;
}

static int check(lpad_node *node)
{
	const struct replay *replay = (const struct replay *)lpad_state(node);
	for (size_t i = 0; i < replay->tables.count; i++) {
		const struct limiter *limiter = &table_at(replay, i)->limiter;
		if (limiter->error_buffer < limiter->samples_per_insert)
			return lpad_fail(node, "params.tables.%s.limiter.error_buffer: %g is smaller than samples_per_insert, %g: "
				"the limiter could never open", replay->tables.names[i], limiter->error_buffer, limiter->samples_per_insert);
	}
	return 0;
}

static int run(lpad_node *node)
{
	const struct replay *replay = (const struct replay *)lpad_state(node);
	for (size_t i = 0; i < replay->tables.count; i++) {
		const struct table *table = table_at(replay, i);
		int64_t items = 1;
		for (size_t k = 0; k < table->shape.count; k++)
			items *= table->shape.at[k];
		lpad_log(node, "%s: sampler %d, %" PRId64 " bytes, %zu extents of %" PRId64 ", %g per insert from %" PRId64 ", off by %g",
			replay->tables.names[i], (int)table->sampler, table->max_size, table->shape.count, items,
			table->limiter.samples_per_insert, table->limiter.min_size, table->limiter.error_buffer);
	}
	lpad_log(node, "saved every %g s to `%s`", replay->checkpoint.every, replay->checkpoint.to);
	return 0;
}

LPAD_MODULE({ .name = "replay", .help = "keeps nothing", .state = sizeof(struct replay), .params = params, .check = check,
	.run = run });
