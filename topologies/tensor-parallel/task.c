/* SPDX-License-Identifier: MIT */
#include "task.h"

#include <string.h>

static const char *const names[TASK_MATRICES] = { "y", "dx", "da" };

lpad_message *task_pack(const struct result *result)
{
	lpad_tensor tensors[TASK_MATRICES + 2] = {
		[TASK_MATRICES] = { .name = "at", .type = LPAD_I64, .rank = 2, .shape = { TASK_MATRICES, 2 } },
		{ .name = "counts", .type = LPAD_I64, .rank = 1, .shape = { TASK_COUNTS } },
	};
	for (int i = 0; i < TASK_MATRICES; i++) {
		struct block block = result->parts[i].block;
		tensors[i] = (lpad_tensor){ .name = names[i], .type = LPAD_F32, .rank = 2, .shape = { block.rows, block.columns } };
	}
	lpad_message *message = lpad_tensors(TASK_MATRICES + 2, tensors);
	int64_t *at = lpad_data(message, "at");
	for (int i = 0; i < TASK_MATRICES; i++) {
		struct block block = result->parts[i].block;
		memcpy(lpad_data(message, names[i]), result->parts[i].values, block_size(block) * sizeof(float));
		at[2 * i] = block.row;
		at[2 * i + 1] = block.column;
	}
	memcpy(lpad_data(message, "counts"), result->counts, sizeof result->counts);
	return message;
}

static bool find(const lpad_message *message, const char *name, lpad_tensor *tensor)
{
	for (int i = 0; i < lpad_tensor_count(message); i++)
		if (!lpad_tensor_at(message, i, tensor) && !strcmp(tensor->name, name))
			return true;
	return false;
}

int task_unpack(const lpad_message *message, struct result *result)
{
	const int64_t *counts = lpad_view(message, "counts", LPAD_I64, 1, (int64_t[]){ TASK_COUNTS });
	const int64_t *at = lpad_view(message, "at", LPAD_I64, 2, (int64_t[]){ TASK_MATRICES, 2 });
	if (!counts || !at)
		return LPAD_EBROKEN;
	memcpy(result->counts, counts, sizeof result->counts);
	for (int i = 0; i < TASK_MATRICES; i++) {
		lpad_tensor tensor;
		result->parts[i].values = lpad_view(message, names[i], LPAD_F32, 2, (int64_t[]){ -1, -1 });
		if (!result->parts[i].values || !find(message, names[i], &tensor))
			return LPAD_EBROKEN;
		result->parts[i].block = (struct block){ at[2 * i], at[2 * i + 1], tensor.shape[0], tensor.shape[1] };
	}
	return 0;
}
