/* SPDX-License-Identifier: MIT */
#include "counting.h"

#include <string.h>
#include <time.h>

static const double interval = 0.05;

double counting_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool counting_due(struct counting *counting)
{
	return counting->counter && counting_now() >= counting->next && (!counting->under_way || lpad_ready(counting->under_way));
}

enum { MOST_COUNTS = 16 };

static lpad_message *message_of(const struct count *counts)
{
	lpad_tensor tensors[MOST_COUNTS] = { 0 };
	int count = 0;
	for (; counts[count].name && count < MOST_COUNTS; count++)
		tensors[count] = (lpad_tensor){ .name = counts[count].name, .type = LPAD_F64, .rank = 0 };
	lpad_message *message = lpad_tensors(count, tensors);
	while (count--)
		memcpy(lpad_data(message, counts[count].name), &counts[count].value, sizeof(double));
	return message;
}

int counting_send(struct counting *counting, const struct count *counts)
{
	lpad_future *before = counting->under_way;
	counting->next = counting_now() + interval;
	counting->under_way = lpad_start(counting->counter, 0, "count", message_of(counts), lpad_default());
	return before ? lpad_wait(before, NULL) : 0;
}

void counting_release(struct counting *counting)
{
	lpad_cancel(counting->under_way);
	counting->under_way = NULL;
}

double counting_sum(const lpad_message *counts, const char *name)
{
	lpad_tensor tensor;
	double sum = 0;
	for (int i = 0; i < lpad_tensor_count(counts); i++)
		if (!lpad_tensor_at(counts, i, &tensor) && !strcmp(tensor.name, name) && tensor.rank == 1) {
			const double *values = lpad_view(counts, name, LPAD_F64, 1, tensor.shape);
			for (int64_t j = 0; values && j < tensor.shape[0]; j++)
				sum += values[j];
		}
	return sum;
}
