/* SPDX-License-Identifier: MIT */
/* One process that the user wants to end, or to begin again, while the run goes on: it passes the steps of a stop alone. */
#include "base/memory.h"
#include "supervise/inside.h"

static bool any_in(const struct child *child, enum member_state state)
{
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->state == state)
			return true;
	return false;
}

static void for_each_in(struct supervisor *supervisor, struct child *child, enum member_state state,
	void (*tell)(struct supervisor *supervisor, struct member *member))
{
	for (int i = 0; i < child->count; i++)
		if (child->members[i]->state == state)
			tell(supervisor, child->members[i]);
}

/* Stop, drain, finish: each when all that share the process are ready for it. */
void ordered_advance(struct supervisor *supervisor, struct child *child)
{
	if (any_in(child, MEMBER_STOPPING))
		return;
	for_each_in(supervisor, child, MEMBER_STOPPED, member_drain);
	if (!any_in(child, MEMBER_DRAINING))
		for_each_in(supervisor, child, MEMBER_DRAINED, member_finish);
}

static void stop_orderly(struct supervisor *supervisor, struct child *child)
{
	child->told_ns = supervisor_now(supervisor);
	for (int i = 0; i < child->count; i++)
		member_stop(supervisor, child->members[i]);
	ordered_advance(supervisor, child);
}

/* It has no process, and waits for its backoff. */
static void end_wait(struct supervisor *supervisor, struct child *child)
{
	if (child->order == ORDER_STOP) {
		child_give_up(supervisor, child);
		return;
	}
	child->due = true;
	start_again(supervisor, child);
}

/* It has not been started yet. */
static void end_before_start(struct supervisor *supervisor, struct child *child)
{
	if (child->order == ORDER_STOP)
		child_settle(supervisor, child);
	else
		child->order = ORDER_NONE;              /* it will be */
}

/* One that is dead is only begun again. */
static void begin_again(struct supervisor *supervisor, struct child *child)
{
	if (child->order != ORDER_RESTART)
		return;
	child_settle(supervisor, child);
}

void ordered_end(struct supervisor *supervisor, struct child *child, enum order order)
{
	enum member_state state = child->members[0]->state;
	bool dead = state == MEMBER_DEAD;
	if (!dead || order == ORDER_RESTART)
		child->order = order;
	if (!dead && state != MEMBER_WAITING && state != MEMBER_NEW && !child->told_ns)
		stop_orderly(supervisor, child);
	for (int i = 0; order == ORDER_RESTART && i < child->count; i++)
		run_member_again(supervisor, child->members[i]);        /* so that the run does not end in between */
	if (dead)
		begin_again(supervisor, child);
	else if (state == MEMBER_NEW)
		end_before_start(supervisor, child);
	else if (state == MEMBER_WAITING)
		end_wait(supervisor, child);
}
