/* SPDX-License-Identifier: MIT */
#include "topology/carriers.h"

#include <string.h>

#include "base/memory.h"

static const char *const names[] = { [CARRIER_IPC] = "ipc", [CARRIER_TCP] = "tcp", [CARRIER_INPROC] = "inproc" };

int carrier_read(const char *text, enum carrier *out, struct error *error)
{
	*out = CARRIER_BEST;
	if (!text || !*text)
		return 0;
	for (size_t i = CARRIER_IPC; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(text, names[i])) {
			*out = (enum carrier)i;
			return 0;
		}
	return error_set(error, "LPAD_TRANSPORT is ipc, tcp or inproc, not `%.60s`; unset, lpad takes the best for each edge", text);
}

size_t carrier_check(enum carrier carrier, const struct topology *topology, const struct processes *processes,
	struct problems *problems)
{
	size_t count = 0;
	for (size_t i = 0; carrier == CARRIER_INPROC && i < topology->edges.count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		if (processes_pairs_within(processes, topology, edge) == edge_pairs(topology, edge))
			continue;
		problem_add(problems, edge->mark, "transport", "unset LPAD_TRANSPORT, or launch with --threads",
			"LPAD_TRANSPORT=inproc carries nothing from one process to another, and %s and %s do not share one",
			topology->groups.at[edge->from].label, edge->from == edge->to ? "its own replicas" :
			topology->groups.at[edge->to].label);
		count++;
	}
	return count;
}

bool carrier_is_inproc(enum carrier carrier, const struct processes *processes, int a, int b)
{
	return processes->of[a] == processes->of[b] && (carrier == CARRIER_INPROC || carrier == CARRIER_BEST);
}
