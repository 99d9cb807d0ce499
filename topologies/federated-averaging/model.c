/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "federated.h"

int model_publish(lpad_topic *topic, const char *run, int64_t round, const float *weights)
{
	struct model model = { .round = round, .clients = CHOSEN, .phase = PHASE_SERVER };
	snprintf(model.run, sizeof model.run, "%s", run);
	memcpy(model.weights, weights, sizeof model.weights);
	return lpad_publish(topic, lpad_bytes(&model, sizeof model));
}
