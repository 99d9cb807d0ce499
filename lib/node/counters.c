/* SPDX-License-Identifier: MIT */
#include "node/counters.h"

/* What makes a line differ; wraps around on purpose. */
struct gathering {
	json_t *ports;
	uint64_t sum;
};

static void gather(void *context, const struct port_counters *counters)
{
	struct gathering *gathering = context;
	json_t *port = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"port", counters->port, "kind", counters->kind, "peer", counters->peer ? counters->peer : "",
		"messages", (json_int_t)counters->messages, "bytes", (json_int_t)counters->bytes,
		"delivered_bytes", (json_int_t)counters->delivered_bytes, "dropped", (json_int_t)counters->dropped,
		"lost", (json_int_t)counters->lost, "published", (json_int_t)counters->published,
		"received", (json_int_t)counters->received, "errors", (json_int_t)counters->errors);
	if (counters->peer_port)
		json_object_set_new(port, "peer_port", json_string(counters->peer_port));
	if (counters->latency[3] > 0) {
		json_t *latency = json_array();
		for (size_t i = 0; i < sizeof counters->latency / sizeof counters->latency[0]; i++)
			json_array_append_new(latency, json_real(counters->latency[i]));
		json_object_set_new(port, "latency", latency);
	}
	gathering->sum = gathering->sum * 31 + (uint64_t)(counters->messages + counters->dropped + counters->lost
		+ counters->published + counters->received + counters->errors + counters->delivered_bytes);
	json_array_append_new(gathering->ports, port);
}

json_t *counters_line(struct link *link, const char *node, struct counters_memory *memory)
{
	struct gathering gathering = { .ports = json_array() };
	link_counters(link, gather, &gathering);
	if (!json_array_size(gathering.ports) || (memory->said && memory->sum == gathering.sum)) {
		json_decref(gathering.ports);
		return NULL;
	}
	*memory = (struct counters_memory){ .said = true, .sum = gathering.sum };
	return json_pack("{s:s, s:s, s:o}", "is", "counters", "node", node, "ports", gathering.ports);
}
