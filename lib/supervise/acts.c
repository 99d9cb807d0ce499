/* SPDX-License-Identifier: MIT */
/* What the user wants done: to the run, or to some of its nodes. The unit is the process: who shares one goes along. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "supervise/questions.h"

enum { STOP_CODE = 128 + SIGTERM, KILL_CODE = 128 + SIGKILL, CODE_MOST = 125 };

/* A process of an act. */
struct part {
	struct child *child;
	int incarnation;                /* restart: the one that is to run */
	bool failed_before;             /* it was asked */
	bool done;
};
/* One question that is answered when all of its processes are where they should be. */
struct act {
	struct act *next;
	struct guest *guest;
	json_t *id;                     /* owned; NULL: none */
	enum order order;
	LIST(struct part) parts;        /* in the order of the processes */
};

/* ---- processes of the chosen replicas ---- */

static bool *processes_of(const struct supervisor *supervisor, const struct chosen *chosen)
{
	bool *out = memory_array((size_t)supervisor->child_count, sizeof *out);
	for (size_t i = 0; i < chosen->list.count; i++)
		out[chosen->list.at[i]->child->number] = true;
	return out;
}

/* The replicas of all processes of an act, for which `is` is true; NULL: all. */
static json_t *names_of(const struct act *act, bool (*is)(const struct child *child))
{
	json_t *names = json_array();
	for (size_t i = 0; i < act->parts.count; i++) {
		const struct child *child = act->parts.at[i].child;
		for (int k = 0; k < child->count && (!is || is(child)); k++)
			json_array_append_new(names, json_string(child->members[k]->name));
	}
	return names;
}

/* ---- those that wait ---- */

static void release(struct act *act)
{
	json_decref(act->id);
	list_release(&act->parts);
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

static bool is_down(const struct part *part)
{
	return part->child->members[0]->state == MEMBER_DEAD;
}

static bool runs_again(const struct part *part)
{
	const struct child *child = part->child;
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->incarnation < part->incarnation || child->members[i]->state < MEMBER_RUNNING ||
		    child->members[i]->state > MEMBER_ENDED)
			return false;
	return true;
}

static bool is_done(const struct act *act)
{
	bool done = true;
	for (size_t i = 0; i < act->parts.count; i++) {
		struct part *part = &act->parts.at[i];
		part->done |= (act->order == ORDER_STOP ? is_down : runs_again)(part);
		done &= part->done;
	}
	return done;
}

/* Those that did not end as they should have: a restart shows it of the incarnation before. */
static json_t *failures_of(const struct act *act)
{
	json_t *failures = json_object();
	for (size_t i = 0; i < act->parts.count; i++)
		for (int k = 0; act->order == ORDER_STOP && k < act->parts.at[i].child->count; k++) {
			const struct member *member = act->parts.at[i].child->members[k];
			if (member->failure && !act->parts.at[i].failed_before)
				json_object_set_new(failures, member->name, result_failure(member->failure));
		}
	return failures;
}

static bool had_to_be_killed(const struct child *child)
{
	return child->had_to_be_killed;
}

static void answer(const struct asking *asking, const struct act *act)
{
	json_t *out = json_pack("{si so}", "schema", 1, "nodes", names_of(act, NULL));
	if (act->order == ORDER_STOP) {
		json_object_set_new(out, "failures", failures_of(act));
		json_object_set_new(out, "killed", names_of(act, had_to_be_killed));
	}
	console_answer(asking, out);
}

/* ---- why it will not be done ---- */

static const struct member *failed_one(const struct part *part)
{
	for (int i = 0; i < part->child->count; i++) {
		const struct member *member = part->child->members[i];
		if (member->incarnation >= part->incarnation && member->failure)
			return member;
	}
	return NULL;
}

/* Refuses a restart that came to nothing. */
static bool has_failed(const struct asking *asking, const struct act *act)
{
	if (act->order != ORDER_RESTART)
		return false;
	if (asking->supervisor->phase >= PHASE_STOP) {
		console_refuse(asking, "the run is stopping");
		return true;
	}
	for (size_t i = 0; i < act->parts.count; i++) {
		const struct member *failed = failed_one(&act->parts.at[i]);
		struct text cleanup_text text = { 0 };
		if (failed)
			failure_describe(failed, &text);
		else if (act->parts.at[i].child->order == ORDER_STOP)
			text_format(&text, "%s was stopped meanwhile", act->parts.at[i].child->name);
		if (!text.length)
			continue;
		console_refuse(asking, "%s", text_string(&text));
		return true;
	}
	return false;
}

static bool settle(struct supervisor *supervisor, const struct act *act)
{
	const struct asking asking = { .supervisor = supervisor, .guest = act->guest, .id = act->id };
	if (!is_done(act))
		return has_failed(&asking, act);
	answer(&asking, act);
	return true;
}

void acts_settle(struct supervisor *supervisor)
{
	for (struct act **at = &supervisor->acts; *at; ) {
		struct act *act = *at;
		if (!settle(supervisor, act)) {
			at = &act->next;
			continue;
		}
		*at = act->next;
		release(act);
	}
}

/* ---- stop and restart ---- */

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

static struct part part_of(struct child *child)
{
	bool fresh = child->members[0]->state == MEMBER_NEW;
	return (struct part){ .child = child, .incarnation = child->members[0]->incarnation + !fresh,
		.failed_before = child_has_failed(child) };
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
		*list_add(&act->parts) = part_of(&supervisor->children[i]);
		ordered_end(supervisor, &supervisor->children[i], order);
	}
}

/* One that is just being stopped: both together cannot be had. NULL: none. */
static const struct member *stopping_one(const struct chosen *chosen)
{
	for (size_t i = 0; i < chosen->list.count; i++) {
		const struct member *member = chosen->list.at[i];
		if (member->child->order == ORDER_STOP && member->state != MEMBER_DEAD)
			return member;
	}
	return NULL;
}

static void order_chosen(const struct asking *asking, const struct chosen *chosen, enum order what)
{
	const struct member *stopping = what == ORDER_RESTART ? stopping_one(chosen) : NULL;
	if (asking->supervisor->phase >= PHASE_STOP)
		console_refuse(asking, "the run is stopping, and all of its nodes with it");
	else if (asking->supervisor->paused_ns)
		console_refuse(asking, "the run is paused (Ctrl-Z): `fg` continues it");
	else if (stopping)
		console_refuse(asking, "%s is just being stopped: restart it when it is down", stopping->name);
	else
		order(asking, chosen, what);
}

static void ask_order(const struct asking *asking, enum order what)
{
	struct chosen chosen;
	if (!console_choose(asking, &chosen))
		return;
	order_chosen(asking, &chosen, what);
	list_release(&chosen.list);
}

void acts_stop(const struct asking *asking)
{
	if (json_object_get(asking->question, "nodes"))
		ask_order(asking, ORDER_STOP);
	else
		stop_run(asking);
}

void acts_restart(const struct asking *asking)
{
	if (json_object_get(asking->question, "nodes"))
		ask_order(asking, ORDER_RESTART);
	else
		console_refuse(asking, "\"nodes\" says which are to be started again");
}

/* ---- signals ---- */

/* All at once, as by a second Ctrl-C. */
static void kill_run(const struct asking *asking)
{
	run_stop(asking->supervisor, CAUSE_USER, KILL_CODE, NULL, NULL);
	run_kill_all(asking->supervisor);
	console_answer(asking, json_pack("{si sb}", "schema", 1, "stopping", true));
}

static void signal_chosen(const struct asking *asking, const struct chosen *chosen, int number)
{
	struct supervisor *supervisor = asking->supervisor;
	bool *cleanup_free wanted = processes_of(supervisor, chosen);
	json_t *nodes = json_array(), *without = json_array();
	for (int i = 0; i < supervisor->child_count; i++) {
		const struct child *child = &supervisor->children[i];
		for (int k = 0; wanted[i] && k < child->count; k++)
			json_array_append_new(child->pid ? nodes : without, json_string(child->members[k]->name));
		if (wanted[i] && child->pid)
			kill(-child->pid, number);
	}
	bool none = !json_array_size(nodes);
	const struct member *first = chosen->list.at[0];
	json_t *answer = json_pack("{si so so}", "schema", 1, "nodes", nodes, "without", without);
	if (none) {
		json_decref(answer);
		console_refuse(asking, "%s%s has no process now (%s)", first->name, chosen->list.count > 1 ? ", as the others," : "",
			status_state(first));
	} else
		console_answer(asking, answer);
}

void acts_kill(const struct asking *asking)
{
	struct chosen chosen;
	const json_t *given = json_object_get(asking->question, "signal");
	json_int_t number = given ? json_integer_value(given) : SIGKILL;
	if (number < 1 || number > SIGRTMAX)
		console_refuse(asking, "\"signal\" is a number from 1 to %d", SIGRTMAX);
	else if (!json_object_get(asking->question, "nodes") && number == SIGKILL)
		kill_run(asking);
	else if (console_choose(asking, &chosen)) {
		signal_chosen(asking, &chosen, (int)number);
		list_release(&chosen.list);
	}
}
