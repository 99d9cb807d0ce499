/* SPDX-License-Identifier: MIT */
/* What happens, told to guests as it happens. One that does not read loses events, and is told how many. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/questions.h"

enum { WAITING_MOST = 4 << 20 };        /* bytes for one guest */

struct following {
	json_t *events;                 /* their names; NULL: all */
	bool *wanted;                   /* by replica; NULL: all */
	json_int_t dropped;             /* and not told yet */
};

static bool names(const json_t *list, const char *name)
{
	size_t i;
	json_t *entry;
	json_array_foreach(list, i, entry)
		if (text_equal(json_string_value(entry), name))
			return true;
	return false;
}

/* A replica, or (lines of output) a process: then any of its replicas. */
static bool is_wanted(const struct supervisor *supervisor, const struct following *following, const char *node)
{
	const struct member *member = member_named(supervisor, node);
	bool any = member && following->wanted[member->id];
	for (int i = 0; !member && i < supervisor->child_count; i++) {
		const struct child *child = &supervisor->children[i];
		for (int k = 0; !strcmp(child->name, node) && k < child->count; k++)
			any |= following->wanted[child->members[k]->id];
	}
	return any;
}

static bool is_result(const json_t *event)
{
	return text_equal(json_string_value(json_object_get(event, "event")), "result");
}

/* The result is the last one, and comes to everybody. */
static bool wants(const struct supervisor *supervisor, const struct following *following, const json_t *event)
{
	const char *what = json_string_value(json_object_get(event, "event"));
	const char *node = json_string_value(json_object_get(event, "node"));
	if (is_result(event))
		return true;
	if (following->events && !names(following->events, what))
		return false;
	return !node || !following->wanted || is_wanted(supervisor, following, node);
}

static void send_line(struct supervisor *supervisor, struct guest *guest, json_t *line)
{
	console_answer(&(struct asking){ .supervisor = supervisor, .guest = guest }, line);
}

void follow_catch_up(struct supervisor *supervisor, struct guest *guest, bool anyway)
{
	struct following *following = guest->following;
	if (!following || !following->dropped || (!anyway && console_waiting(guest) > WAITING_MOST / 2))
		return;
	json_int_t dropped = following->dropped;
	following->dropped = 0;
	send_line(supervisor, guest, json_pack("{ss sI}", "event", "dropped", "count", dropped));
}

void follow_event(void *context, json_t *event)
{
	struct supervisor *supervisor = context;
	for (struct guest *guest = supervisor->followers ? supervisor->guests : NULL; guest; guest = guest->next) {
		if (!guest->following || !wants(supervisor, guest->following, event))
			continue;
		bool last = is_result(event);
		follow_catch_up(supervisor, guest, last);
		if (!last && (guest->following->dropped || console_waiting(guest) > WAITING_MOST))
			guest->following->dropped++;
		else
			send_line(supervisor, guest, json_incref(event));
	}
}

void follow_state(struct supervisor *supervisor, const struct member *member)
{
	json_t *event = json_pack("{ss ss ss si}", "event", "state", "node", member->name, "state", status_state(member),
		"incarnation", member->incarnation);
	follow_event(supervisor, event);
	json_decref(event);
}

static bool *wanted_of(const struct supervisor *supervisor, const struct chosen *chosen)
{
	bool *wanted = memory_array((size_t)supervisor->total, sizeof *wanted);
	for (size_t i = 0; i < chosen->list.count; i++)
		wanted[chosen->list.at[i]->id] = true;
	return wanted;
}

void follow_ask(const struct asking *asking)
{
	struct chosen chosen;
	json_t *events = json_object_get(asking->question, "events");
	if (asking->guest->following) {
		console_refuse(asking, "this connection follows already");
		return;
	}
	if (!console_choose(asking, &chosen))
		return;
	asking->guest->following = memory_new(sizeof *asking->guest->following);
	*asking->guest->following = (struct following){ .events = json_is_array(events) ? json_incref(events) : NULL,
		.wanted = chosen.all ? NULL : wanted_of(asking->supervisor, &chosen) };
	asking->supervisor->followers++;
	list_release(&chosen.list);
	console_answer(asking, json_pack("{si sb}", "schema", 1, "following", true));
}

void follow_forget(struct supervisor *supervisor, struct guest *guest)
{
	if (!guest->following)
		return;
	supervisor->followers--;
	json_decref(guest->following->events);
	free(guest->following->wanted);
	free(guest->following);
	guest->following = NULL;
}
