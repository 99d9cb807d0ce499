/* SPDX-License-Identifier: MIT */
/*
 * What the processes learn of their neighbours: that one is dead, dead for good, or listens again, and where. Neighbours
 * know the incarnation that was announced to them last, `known`: one that dies before it was bound is news to nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/inside.h"

/* ---- who is a neighbour ---- */

typedef void (*visit_function)(struct supervisor *supervisor, const struct member *member, struct member *neighbour,
	void *context);

static void visit_some(struct supervisor *supervisor, const struct member *member, const struct group *group,
	const int *indexes, size_t count, visit_function visit, void *context)
{
	for (size_t i = 0; i < count; i++) {
		struct member *neighbour = &supervisor->members[group->first + indexes[i]];
		if (neighbour->child != member->child)
			visit(supervisor, member, neighbour, context);
	}
}

/* Of one replica, outside its process; one that is joined by several edges comes several times. */
static void for_each_neighbour(struct supervisor *supervisor, const struct member *member, visit_function visit,
	void *context)
{
	const struct topology *topology = supervisor->topology;
	for (size_t e = 0; e < topology->edges.count; e++) {
		const struct edge *edge = &topology->edges.at[e];
		size_t count;
		if (edge->from == member->group->number) {
			int *cleanup_free servers = edge_servers(topology, edge, member->index, &count);
			visit_some(supervisor, member, &topology->groups.at[edge->to], servers, count, visit, context);
		}
		if (edge->to == member->group->number) {
			int *cleanup_free callers = edge_callers(topology, edge, member->index, &count);
			visit_some(supervisor, member, &topology->groups.at[edge->from], callers, count, visit, context);
		}
	}
}

/* ---- the news ---- */

static json_t *news_of(const struct supervisor *supervisor, const struct member *peer, const char *state)
{
	json_t *news = json_pack("{ss ss si si si ss}", "do", "peer", "node", peer->name, "number", peer->group->number,
		"index", peer->index, "incarnation", supervisor->known[peer->id], "state", state);
	if (!strcmp(state, "up"))
		json_object_update(news, peer->serving);
	return news;
}

/* Each process once, however many edges and replicas of it are neighbours. */
static void tell(struct supervisor *supervisor, const struct member *peer, struct member *neighbour, void *state)
{
	struct child *child = neighbour->child;
	if (child->told == supervisor->news || !child->pid)
		return;
	child->told = supervisor->news;
	child_send(supervisor, child, news_of(supervisor, peer, state));
}

static void tell_neighbours(struct supervisor *supervisor, const struct member *peer, const char *state)
{
	supervisor->news++;
	for_each_neighbour(supervisor, peer, tell, (void *)(uintptr_t)state);
}

void peers_tell_lost(struct supervisor *supervisor, const struct member *dead)
{
	if (supervisor->known[dead->id] == dead->incarnation)
		tell_neighbours(supervisor, dead, "lost");
}

/* Once all are told to finish, nobody waits for anybody any more. */
void peers_tell_gone(struct supervisor *supervisor, const struct member *dead)
{
	if (supervisor->phase < PHASE_FINISH && !supervisor->killing)
		tell_neighbours(supervisor, dead, "gone");
}

void peers_tell_up(struct supervisor *supervisor, const struct member *member)
{
	supervisor->known[member->id] = member->incarnation;
	tell_neighbours(supervisor, member, "up");
}

/* ---- what one that was just started, or is about to dial, has missed ---- */

static void tell_if_dead(struct supervisor *supervisor, const struct member *member, struct member *neighbour, void *context)
{
	bool lost = neighbour->state == MEMBER_WAITING || supervisor->known[neighbour->id] != neighbour->incarnation;
	(void)context;
	if (neighbour->told == supervisor->news || (neighbour->state != MEMBER_DEAD && !lost))
		return;
	neighbour->told = supervisor->news;
	child_send(supervisor, member->child, news_of(supervisor, neighbour, neighbour->state == MEMBER_DEAD ? "gone" : "lost"));
}

static void tell_if_found(struct supervisor *supervisor, const struct member *member, struct member *neighbour, void *context)
{
	(void)context;
	if (neighbour->told == supervisor->news || !neighbour->found || !member_alive(neighbour) ||
	    supervisor->known[neighbour->id] != neighbour->incarnation)
		return;
	neighbour->told = supervisor->news;
	child_send(supervisor, member->child, news_of(supervisor, neighbour, "up"));
}

static void catch_up(struct supervisor *supervisor, struct child *child, visit_function visit)
{
	supervisor->news++;
	for (int i = 0; i < child->count; i++)
		for_each_neighbour(supervisor, child->members[i], visit, NULL);
}

void peers_tell_the_dead(struct supervisor *supervisor, struct child *child)
{
	if (supervisor->anyone_died)
		catch_up(supervisor, child, tell_if_dead);
}

void peers_tell_found(struct supervisor *supervisor, struct child *child)
{
	if (supervisor->anyone_found)
		catch_up(supervisor, child, tell_if_found);
}

/* ---- where one listens ---- */

/* The address for other processes; NULL: it is known when the replica is bound, or there is none. */
static json_t *outside_address(const json_t *addresses)
{
	size_t i;
	json_t *address;
	json_array_foreach(addresses, i, address) {
		const char *text = json_string_value(address);
		if (text && !text_starts(text, "inproc:") && !text_starts(text, "tcp:"))
			return address;
	}
	return NULL;
}

static void set_address(json_t *out, const char *key, json_t *address)
{
	if (address)
		json_object_set(out, key, address);
}

static void learn(struct member *member, const json_t *node)
{
	const char *name;
	json_t *topic, *topics = json_object();
	json_decref(member->serving);
	member->serving = json_pack("{so}", "topics", topics);
	set_address(member->serving, "serve", outside_address(json_object_get(node, "serve")));
	json_object_foreach(json_object_get(node, "topics"), name, topic) {
		json_t *one = json_object();
		set_address(one, "address", outside_address(json_object_get(topic, "bodies")));
		set_address(one, "notice", outside_address(json_object_get(topic, "notices")));
		json_object_set_new(topics, name, one);
	}
}

void peers_learn(struct child *child, const json_t *document)
{
	const json_t *nodes = json_object_get(document, "nodes");
	for (int i = 0; i < child->count; i++)
		learn(child->members[i], json_array_get(nodes, (size_t)i));
}

void peers_find(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	json_t *serve = json_object_get(message, "serve"), *found = json_object_get(message, "topics"), *topic;
	json_t *topics = json_object_get(member->serving, "topics");
	const char *name;
	member->found = json_is_string(serve) || json_object_size(found);
	supervisor->anyone_found |= member->found;
	if (json_is_string(serve))
		set_address(member->serving, "serve", serve);
	json_object_foreach(found, name, topic)
		json_object_set(topics, name, topic);
}
