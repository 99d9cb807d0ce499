/* SPDX-License-Identifier: MIT */
/* What the processes learn of their neighbours' deaths. */
#include <stdlib.h>

#include "base/memory.h"
#include "supervise/inside.h"

static json_t *news_of(const struct member *peer, const char *state)
{
	return json_pack("{ss ss si si si ss}", "do", "peer", "node", peer->name, "number", peer->group->number,
		"index", peer->index, "incarnation", peer->incarnation, "state", state);
}

/* Each process once, however many edges and replicas of it are neighbours. */
static void tell(struct supervisor *supervisor, const struct member *peer, const char *state, const struct group *group,
	const int *indexes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct process *process = supervisor->members[group->first + indexes[i]].process;
		if (process->told == supervisor->news || !process->pid || process == peer->process)
			continue;
		process->told = supervisor->news;
		process_send(supervisor, process, news_of(peer, state));
	}
}

static void tell_all(struct supervisor *supervisor, const struct member *peer, const char *state)
{
	const struct topology *topology = supervisor->topology;
	supervisor->news++;
	for (size_t e = 0; e < topology->edges.count; e++) {
		const struct edge *edge = &topology->edges.at[e];
		size_t count;
		if (edge->from == peer->group->number) {
			int *cleanup_free servers = edge_servers(topology, edge, peer->index, &count);
			tell(supervisor, peer, state, &topology->groups.at[edge->to], servers, count);
		}
		if (edge->to == peer->group->number) {
			int *cleanup_free callers = edge_callers(topology, edge, peer->index, &count);
			tell(supervisor, peer, state, &topology->groups.at[edge->from], callers, count);
		}
	}
}

/* Once all are told to finish, nobody waits for anybody any more. */
void peers_tell_gone(struct supervisor *supervisor, const struct member *dead)
{
	if (supervisor->phase < PHASE_FINISH && !supervisor->killing)
		tell_all(supervisor, dead, "gone");
}
