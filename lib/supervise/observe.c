/* SPDX-License-Identifier: MIT */
/* Where a node listens for observers (lpad call): it is told to, unless it does, and says so. */
#include "supervise/observe.h"

#include <stdlib.h>

#include "base/memory.h"
#include "supervise/questions.h"
#include "topology/joins.h"

enum { OBSERVERS = 65535 };             /* the place in a socket's name: behind those of all topics */

static json_t *optional(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *methods_of(const struct group *group)
{
	json_t *list = json_array();
	for (size_t i = 0; group->spec && i < group->spec->methods.count; i++) {
		const struct method_spec *method = &group->spec->methods.at[i];
		json_array_append_new(list, json_pack("{ss so sb so so}", "name", method->name, "help", optional(method->help),
			"idempotent", method->idempotent, "request", optional(method->request), "reply", optional(method->reply)));
	}
	return list;
}

static json_t *describe(const struct supervisor *supervisor, const struct member *member, const char *address)
{
	return json_pack("{si ss si si si ss ss ss sI so}", "schema", 1, "node", member->name, "number",
		member->group->number, "index", member->index, "incarnation", member->incarnation, "state", "running",
		"address", address, "token", supervisor->launch->token, "max_message",
		(json_int_t)supervisor->topology->joins->max_message, "methods", methods_of(member->group));
}

bool observe_is_possible(const struct member *member)
{
	return member_alive(member) && member->state >= MEMBER_RUNNING && member->state < MEMBER_FINISHING;
}

char *observe_address(const struct supervisor *supervisor, const struct member *member)
{
	return memory_format("ipc://%s/%d.%d.%d", supervisor->launch->sockets, member->id, member->incarnation, OBSERVERS);
}

void observe_node(const struct asking *asking)
{
	struct supervisor *supervisor = asking->supervisor;
	const char *name = json_string_value(json_object_get(asking->question, "node"));
	struct member *member = console_member(asking, name ? name : "");
	if (!member)
		return;
	if (!observe_is_possible(member)) {
		console_refuse(asking, "%s is not running now (%s)", member->name,
			member_alive(member) ? child_step(member->child) : "it has no process");
		return;
	}
	*list_add(&asking->guest->waiting) = (struct waiting){ member, json_incref(asking->id) };
	char *cleanup_free address = observe_address(supervisor, member);
	child_send(supervisor, member->child, json_pack("{ss ss ss}", "do", "listen", "node", member->name,
		"address", address));
}

/* ---- what the nodes say ---- */

static void settle(struct supervisor *supervisor, struct member *member, const char *address, const char *text)
{
	for (struct guest *guest = supervisor->guests; guest; guest = guest->next)
		for (size_t i = 0; i < guest->waiting.count; ) {
			struct waiting waiting = guest->waiting.at[i];
			if (waiting.member != member) {
				i++;
				continue;
			}
			guest->waiting.at[i] = guest->waiting.at[--guest->waiting.count];
			const struct asking asking = { .supervisor = supervisor, .guest = guest, .id = waiting.id };
			if (address)
				console_answer(&asking, describe(supervisor, member, address));
			else
				console_refuse(&asking, "%s: %s", member->name, text);
			json_decref(waiting.id);
		}
}

void console_listening(struct supervisor *supervisor, struct member *member, const char *address, const char *text)
{
	settle(supervisor, member, address, text ? text : "it cannot listen");
}

void console_lost(struct supervisor *supervisor, struct member *member)
{
	settle(supervisor, member, NULL, "its process has ended");
	observe_ended(supervisor, member);
}

void observe_forget(struct guest *guest)
{
	for (size_t i = 0; i < guest->waiting.count; i++)
		json_decref(guest->waiting.at[i].id);
	list_release(&guest->waiting);
	observe_topic_forget(guest);
}
