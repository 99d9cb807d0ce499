/* SPDX-License-Identifier: MIT */
/* The user is told of long waits: after 10 s, 20 s, 40 s... Of calls the server is asked first why it has not answered. */
#include "base/clock.h"
#include "base/memory.h"
#include "link/body.h"
#include "link/caller.h"

static const int64_t ANSWER_NS = 1000000000;    /* the note does not wait longer for the server's sentence */

struct asked {
	struct link *link;
	uint64_t wait;                          /* serial */
};

/* "replay.sample and 2 others". Caller frees. */
static char *what_for(const struct long_wait *wait)
{
	char others[40] = "";
	size_t left = 0;
	for (size_t i = 0; i < wait->count; i++)
		left += wait->futures[i] && !wait->futures[i]->done;
	if (left > 1)
		snprintf(others, sizeof others, " and %zu other%s", left - 1, left == 2 ? "" : "s");
	return memory_format("%s%s%s%s", wait->peer, wait->what ? "." : "", wait->what ? wait->what : "", others);
}

static void note(struct link *link, struct long_wait *wait, const char *why, int length)
{
	char span[32];
	int64_t now = clock_ns(), ms = (now - wait->since_ns) / 1000000;
	char *cleanup_free what = what_for(wait);
	clock_span(span, ms < 1000 ? ms : ms / 1000 * 1000);
	link_note(link, "%s has waited %s for %s%s%.*s", link->self.node, span, what, length ? ": " : "", length, why);
	free(wait->told);
	wait->told = body_printable(memory_copy_span(why, (size_t)length));
	link->told_serial++;
	wait->asking = false;
	wait->note_ns = now + (now - wait->since_ns);
	link_tick_by(link, wait->note_ns);
}

static struct long_wait *find(const struct asked *asked)
{
	struct long_wait *wait = asked->link->waits;
	while (wait && wait->serial != asked->wait)
		wait = wait->next;
	return wait;
}

static void on_why(void *context, const struct wire *reply, const char *body, size_t size)
{
	struct asked *asked = context;
	struct long_wait *wait = find(asked);
	bool told = reply && reply->kind == WIRE_REPLY;
	if (wait && wait->asking)
		note(asked->link, wait, told ? body : "", told ? (int)(size < 400 ? size : 400) : 0);
	free(asked);
}

static struct lpad_future *first_call(const struct long_wait *wait)
{
	for (size_t i = 0; i < wait->count; i++)
		if (wait->futures[i] && !wait->futures[i]->done)
			return wait->futures[i];
	return NULL;
}

static void ask(struct link *link, struct long_wait *wait, struct lpad_future *future, int64_t now_ns)
{
	struct asked *asked = memory_new(sizeof *asked);
	*asked = (struct asked){ link, wait->serial };
	wait->asking = true;
	wait->note_ns = now_ns + ANSWER_NS;
	line_request_about(future->ask.line, WIRE_WHY, future->ask.number, NULL, on_why, asked);
}

static void tell(struct link *link, struct long_wait *wait, int64_t now_ns)
{
	static const char *const states[] = { [LINE_DOWN] = "there is no connection to it", [LINE_UP] = "",
		[LINE_LOST] = "it died, and is not back yet", [LINE_GONE] = "" };
	struct lpad_future *future = first_call(wait);
	if (future && !wait->asking && line_is_asked(&future->ask))
		ask(link, wait, future, now_ns);
	else {
		const char *why = !future ? "" : line_is_leaving(future->ask.line) ? "it was stopped, and is not back yet"
			: states[line_state(future->ask.line)];
		note(link, wait, why, (int)strlen(why));
	}
}

uint64_t link_told_waits(struct link *link, void (*each)(void *context, const struct told_wait *wait), void *context)
{
	link_lock(link);
	uint64_t serial = link->told_serial;
	int64_t now = clock_ns();
	for (const struct long_wait *wait = each ? link->waits : NULL; wait; wait = wait->next) {
		if (!wait->told)
			continue;
		char *cleanup_free what = what_for(wait);
		each(context, &(struct told_wait){ what, wait->told, (double)(now - wait->since_ns) / 1e9 });
	}
	link_unlock(link);
	return serial;
}

void waits_tick(struct link *link, int64_t now_ns, int64_t *next_ns)
{
	for (struct long_wait *wait = link->waits; wait; wait = wait->next) {
		if (wait->note_ns <= now_ns)
			tell(link, wait, now_ns);
		if (wait->note_ns < *next_ns)
			*next_ns = wait->note_ns;
	}
}
