/* SPDX-License-Identifier: MIT */
#include "weights.h"

#include <string.h>

_Static_assert(PARAMETERS == 4610, "the signature says so");

lpad_message *weights_message(const struct network *network, int64_t steps)
{
	lpad_message *message = lpad_tensors(2, (lpad_tensor[]){
		{ .name = "weights", .type = LPAD_F32, .rank = 1, .shape = { PARAMETERS } },
		{ .name = "steps", .type = LPAD_I64, .rank = 0 } });
	memcpy(lpad_data(message, "weights"), network, sizeof *network);
	memcpy(lpad_data(message, "steps"), &steps, sizeof steps);
	return message;
}

int weights_read(const lpad_message *message, struct network *network, int64_t *steps)
{
	const float *weights = lpad_view(message, "weights", LPAD_F32, 1, (int64_t[]){ PARAMETERS });
	const int64_t *number = weights ? lpad_view(message, "steps", LPAD_I64, 0, NULL) : NULL;
	if (!number)
		return LPAD_EINVALID;
	memcpy(network, weights, sizeof *network);
	*steps = *number;
	return 0;
}
