/* SPDX-License-Identifier: MIT */
/* Topics for observers (lpad watch): where each replica publishes one, now and whenever it is started again. */
#include "supervise/observe.h"

#include <string.h>

#include "base/memory.h"
#include "supervise/questions.h"
#include "topology/joins.h"

enum { BUFFER_LEAST = 192 };            /* of a topic that nobody subscribes to */

/* ---- what there is ---- */

static json_t *topics_of(const struct group *group)
{
	json_t *list = json_array();
	for (size_t i = 0; group->spec && i < group->spec->topics.count; i++)
		json_array_append_new(list, json_string(group->spec->topics.at[i].name));
	return list;
}

/* Of all that were chosen, each once. */
static json_t *metrics_of(const struct chosen *chosen)
{
	json_t *seen = json_object(), *list = json_array();
	const char *name;
	json_t *mark;
	for (size_t i = 0; i < chosen->list.count; i++)
		for (size_t k = 0; k < chosen->list.at[i]->metrics.count; k++)
			json_object_set_new(seen, chosen->list.at[i]->metrics.at[k].name, json_true());
	json_object_foreach(seen, name, mark)
		json_array_append_new(list, json_string(name));
	json_decref(seen);
	return list;
}

static int topic_place(const struct group *group, const char *topic)
{
	for (size_t i = 0; topic && group->spec && i < group->spec->topics.count; i++)
		if (!strcmp(group->spec->topics.at[i].name, topic))
			return (int)i;
	return -1;
}

static json_t *replica_json(const struct member *member)
{
	return json_pack("{ss si si si ss}", "node", member->name, "number", member->group->number, "index", member->index,
		"incarnation", member->incarnation, "state", status_state(member));
}

/* What its publisher needs, over all subscribers; `latest` if one of them keeps that. */
static void add_edges(const struct topology *topology, const struct group *group, const char *topic, json_t *out)
{
	size_t count;
	const int *edges = joins_from(topology->joins, group->number, &count);
	int buffer = BUFFER_LEAST;
	bool latest = false;
	for (size_t i = 0; i < count; i++) {
		const struct join *join = &topology->joins->edges[edges[i]];
		if (join->call || strcmp(topology->edges.at[edges[i]].from_port, topic) != 0)
			continue;
		buffer = join->buffer > buffer ? join->buffer : buffer;
		latest |= join->keep == KEEP_LATEST;
	}
	json_object_set_new(out, "buffer", json_integer(buffer));
	json_object_set_new(out, "latest", json_boolean(latest));
}

static json_t *describe(const struct supervisor *supervisor, const struct chosen *chosen, const char *topic)
{
	const struct group *group = chosen->list.at[0]->group;
	bool there = topic_place(group, topic) >= 0;
	json_t *replicas = json_array();
	for (size_t i = 0; i < chosen->list.count; i++)
		json_array_append_new(replicas, replica_json(chosen->list.at[i]));
	json_t *out = json_pack("{si ss ss so ss sI so so}", "schema", 1, "run", supervisor->launch->record->id, "group", group->label,
		"topic", there ? json_string(topic) : json_null(), "token", supervisor->launch->token, "max_message",
		(json_int_t)supervisor->topology->joins->max_message, "topics", topics_of(group), "metrics", metrics_of(chosen));
	json_object_set_new(out, "replicas", replicas);
	if (there)
		add_edges(supervisor->topology, group, topic, out);
	return out;
}

/* ---- standing questions ---- */

static void order(struct supervisor *supervisor, struct member *member, const char *topic)
{
	const char *sockets = supervisor->launch->sockets;
	int place = topic_place(member->group, topic);
	char *cleanup_free serve = observe_address(supervisor, member);
	char *cleanup_free bodies = memory_format("ipc://%s/%d.%d.%d", sockets, member->id, member->incarnation, 1 + 2 * place);
	child_send(supervisor, member->child, json_pack("{ss ss ss ss ss}", "do", "listen", "node", member->name, "address", serve,
		"topic", topic, "bodies", bodies));
}

static bool concerns(const struct observing *observing, const struct member *member)
{
	return member->id >= observing->first && member->id < observing->first + observing->count;
}

#define EACH_OBSERVING(supervisor, member, guest, observing) \
	for (struct guest *guest = (supervisor)->guests; guest; guest = guest->next) \
		for (struct observing *observing = guest->observing.at; \
			observing < guest->observing.at + guest->observing.count; observing++) \
			if (concerns(observing, member))

static void tell(struct supervisor *supervisor, struct guest *guest, const struct observing *observing, json_t *line)
{
	const struct asking asking = { .supervisor = supervisor, .guest = guest, .id = observing->id };
	console_answer(&asking, line);
}

void observe_running(struct supervisor *supervisor, struct member *member)
{
	EACH_OBSERVING(supervisor, member, guest, observing)
		order(supervisor, member, observing->topic);
}

void observe_ended(struct supervisor *supervisor, const struct member *member)
{
	EACH_OBSERVING(supervisor, member, guest, observing)
		tell(supervisor, guest, observing, json_pack("{ss ss si}", "event", "lost", "node", member->name, "incarnation",
			member->incarnation));
}

void observe_listening(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	json_t *text = json_object_get(message, "text");
	EACH_OBSERVING(supervisor, member, guest, observing) {
		if (!text_equal(observing->topic, json_string_value(json_object_get(message, "topic"))))
			continue;
		json_t *line = json_pack("{ss so}", "event", text ? "failed" : "listening", "replica", replica_json(member));
		if (text)
			json_object_set(line, "text", text);
		else {
			json_object_set(line, "serve", json_object_get(message, "address"));
			json_object_set(line, "address", json_object_get(message, "bodies"));
		}
		tell(supervisor, guest, observing, line);
	}
}

/* ---- the question ---- */

void observe_topic(const struct asking *asking)
{
	struct supervisor *supervisor = asking->supervisor;
	const char *name = json_string_value(json_object_get(asking->question, "node"));
	const char *topic = json_string_value(json_object_get(asking->question, "topic"));
	struct chosen chosen;
	struct asking those = *asking;
	json_t *question = json_pack("{s[s]}", "nodes", name ? name : "");
	those.question = question;
	if (console_choose(&those, &chosen)) {
		const struct group *group = chosen.list.at[0]->group;
		console_answer(asking, describe(supervisor, &chosen, topic));
		if (topic_place(group, topic) >= 0)
			*list_add(&asking->guest->observing) = (struct observing){ chosen.list.at[0]->id, (int)chosen.list.count,
				memory_copy_text(topic), json_incref(asking->id) };
		for (size_t i = 0; topic_place(group, topic) >= 0 && i < chosen.list.count; i++)
			if (observe_is_possible(chosen.list.at[i]))
				order(supervisor, chosen.list.at[i], topic);
	}
	list_release(&chosen.list);
	json_decref(question);
}

void observe_topic_forget(struct guest *guest)
{
	for (size_t i = 0; i < guest->observing.count; i++) {
		free(guest->observing.at[i].topic);
		json_decref(guest->observing.at[i].id);
	}
	list_release(&guest->observing);
}
