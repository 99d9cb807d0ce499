/* SPDX-License-Identifier: MIT */
/* What the user wants done: to the run, or to some of its nodes. The unit is the process: who shares one goes along. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/questions.h"

enum { STOP_CODE = 128 + SIGTERM, CODE_MOST = 125 };

/* One question that is answered when all of its processes are where they should be. */
struct act {
	struct act *next;
	struct guest *guest;
	json_t *id;                     /* owned; NULL: none */
	enum order order;
	LIST(struct child *) children;
};

/* ---- processes of the chosen replicas ---- */

static bool *processes_of(const struct supervisor *supervisor, const struct chosen *chosen)
{
	bool *out = memory_array((size_t)supervisor->child_count, sizeof *out);
	for (size_t i = 0; i < chosen->list.count; i++)
		out[chosen->list.at[i]->child->number] = true;
	return out;
}

static json_t *names_of(const struct child *const *children, size_t count)
{
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < children[i]->count; k++)
			json_array_append_new(names, json_string(children[i]->members[k]->name));
	return names;
}

/* ---- those that wait ---- */

static void release(struct act *act)
{
	json_decref(act->id);
	list_release(&act->children);
	free(act);
}

void acts_forget(struct supervisor *supervisor, const struct guest *guest)
{
	for (struct act **at = &supervisor->acts; *at; ) {
		struct act *act = *at;
		if (act->guest != guest) {
			at = &act->next;
			continue;
		}
		*at = act->next;
		release(act);
	}
}

static bool is_done(const struct act *act)
{
	for (size_t i = 0; i < act->children.count; i++)
		if (act->children.at[i]->members[0]->state != MEMBER_DEAD)
			return false;
	return true;
}

/* Those that did not end as they should have. */
static json_t *failures_of(const struct act *act)
{
	json_t *failures = json_object();
	for (size_t i = 0; i < act->children.count; i++)
		for (int k = 0; k < act->children.at[i]->count; k++) {
			const struct member *member = act->children.at[i]->members[k];
			if (member->failure)
				json_object_set_new(failures, member->name, result_failure(member->failure));
		}
	return failures;
}

static json_t *killed_of(const struct act *act)
{
	json_t *killed = json_array();
	for (size_t i = 0; i < act->children.count; i++)
		for (int k = 0; act->children.at[i]->had_to_be_killed && k < act->children.at[i]->count; k++)
			json_array_append_new(killed, json_string(act->children.at[i]->members[k]->name));
	return killed;
}

static void answer(struct supervisor *supervisor, struct act *act)
{
	const struct asking asking = { .supervisor = supervisor, .guest = act->guest, .id = act->id };
	const struct child *const *children = (const struct child *const *)act->children.at;
	console_answer(&asking, json_pack("{si so so so}", "schema", 1, "nodes", names_of(children, act->children.count),
		"failures", failures_of(act), "killed", killed_of(act)));
}

void acts_settle(struct supervisor *supervisor)
{
	for (struct act **at = &supervisor->acts; *at; ) {
		struct act *act = *at;
		if (!is_done(act)) {
			at = &act->next;
			continue;
		}
		*at = act->next;
		answer(supervisor, act);
		release(act);
	}
}

/* ---- stop ---- */

static void stop_run(const struct asking *asking)
{
	struct supervisor *supervisor = asking->supervisor;
	const json_t *code = json_object_get(asking->question, "code");
	const char *why = json_string_value(json_object_get(asking->question, "why"));
	json_int_t number = code ? json_integer_value(code) : STOP_CODE;
	bool already = supervisor->phase >= PHASE_STOP;
	if (code && (!json_is_integer(code) || number < 0 || number > CODE_MOST)) {
		console_refuse(asking, "\"code\" is a number from 0 to %d", CODE_MOST);
		return;
	}
	run_stop(supervisor, CAUSE_USER, (int)number, NULL, why);
	console_answer(asking, json_pack("{si sb sb}", "schema", 1, "stopping", true, "already", already));
}

static void order(const struct asking *asking, const struct chosen *chosen, enum order order)
{
	struct supervisor *supervisor = asking->supervisor;
	bool *cleanup_free wanted = processes_of(supervisor, chosen);
	struct act *act = memory_new(sizeof *act);
	*act = (struct act){ .next = supervisor->acts, .guest = asking->guest, .id = json_incref(asking->id), .order = order };
	supervisor->acts = act;
	for (int i = 0; i < supervisor->child_count; i++) {
		if (!wanted[i])
			continue;
		*list_add(&act->children) = &supervisor->children[i];
		ordered_end(supervisor, &supervisor->children[i], order);
	}
}

void acts_stop(const struct asking *asking)
{
	struct chosen chosen;
	if (!json_object_get(asking->question, "nodes")) {
		stop_run(asking);
		return;
	}
	if (!console_choose(asking, &chosen))
		return;
	if (asking->supervisor->phase >= PHASE_STOP)
		console_refuse(asking, "the run is stopping, and all of its nodes with it");
	else
		order(asking, &chosen, ORDER_STOP);
	list_release(&chosen.list);
}
