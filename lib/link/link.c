/* SPDX-License-Identifier: MIT */
#include "link/link.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/body.h"
#include "link/circle.h"
#include "link/inproc_mail.h"
#include "link/inside.h"

enum { NOTES_A_SECOND = 3 };
static const int64_t SECOND_NS = 1000000000, NOTE_AFTER_NS = INT64_C(10000000000);

/* ---- the lock, and what is done once it is released ---- */

void link_lock(struct link *link)
{
	pthread_mutex_lock(&link->lock);
}

static size_t waits_for(struct link *link, const char **names, size_t room)
{
	static size_t (*const pieces[])(struct link *, const char **, size_t) = {
		callers_waits_for, server_waits_for, topics_waits_for, subscriptions_waits_for
	};
	size_t count = link->draining ? 0 : lines_waits_for(link, names, room);
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		size_t used = count < room ? count : room;
		count += pieces[i](link, used ? names + used : names, room - used);
	}
	return count;
}

static void look(struct link *link)
{
	link->due.check = false;
	if (link->connected && !link->wired_said && !link->draining && !waits_for(link, NULL, 0))
		link->wired_said = link->due.wired = link->due.hooks = true;
	if (link->draining && !link->drained_said && (link->cut || (!link_work_running(link) && !waits_for(link, NULL, 0))))
		link->drained_said = link->due.drained = link->due.hooks = true;
}

static void run_hooks(struct link *link, struct due *due)
{
	const struct link_hooks *hooks = &link->hooks;
	for (size_t i = 0; i < due->notes.count; i++) {
		hooks->note(hooks->context, due->notes.at[i]);
		free(due->notes.at[i]);
	}
	list_release(&due->notes);
	if (due->service)
		hooks->work(hooks->context, -1);
	for (size_t i = 0; i < due->work.count; i++)
		hooks->work(hooks->context, due->work.at[i]);
	list_release(&due->work);
	if (due->wake)
		hooks->wake(hooks->context);
	if (due->wired)
		hooks->wired(hooks->context);
	if (due->drained)
		hooks->drained(hooks->context);
}

void link_unlock(struct link *link)
{
	struct due *due = &link->due;
	struct waiter *wakes[sizeof due->wakes / sizeof due->wakes[0]];
	if (due->check)
		look(link);
	unsigned count = due->wake_count;
	for (unsigned i = 0; i < count; i++)
		wakes[i] = due->wakes[i];
	due->wake_count = 0;
	if (!due->hooks) {
		pthread_mutex_unlock(&link->lock);
		link_wake_taken(wakes, count);
		inproc_deliver();
		return;
	}
	struct due taken = *due;
	*due = (struct due){ 0 };
	pthread_mutex_unlock(&link->lock);
	link_wake_taken(wakes, count);
	run_hooks(link, &taken);
	inproc_deliver();
}

void link_keep(struct link *link)
{
	link->kept++;
}

void link_let_go(struct link *link)
{
	link_lock(link);
	bool last = !--link->kept;
	pthread_mutex_unlock(&link->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&link->lock);
	free(link);
}

void link_check(struct link *link)
{
	link->due.check = true;
}

void link_tick_by(struct link *link, int64_t at_ns)
{
	if (at_ns >= link->next_tick_ns)
		return;
	link->next_tick_ns = at_ns;
	link->due.wake = link->due.hooks = true;
}

/* ---- notes ---- */

static struct note_kind *note_kind(struct link *link, const char *format)
{
	for (size_t i = 0; i < link->note_kinds.count; i++)
		if (link->note_kinds.at[i].format == format)
			return &link->note_kinds.at[i];
	struct note_kind *kind = list_add(&link->note_kinds);
	*kind = (struct note_kind){ .format = format, .window_ns = clock_ns() };
	return kind;
}

void link_note(struct link *link, const char *format, ...)
{
	struct note_kind *kind = note_kind(link, format);
	int64_t now = clock_ns();
	if (now - kind->window_ns >= SECOND_NS)
		*kind = (struct note_kind){ .format = format, .window_ns = now, .held_back = kind->held_back };
	if (kind->said == NOTES_A_SECOND) {
		kind->held_back++;
		return;
	}
	kind->said++;
	va_list list;
	va_start(list, format);
	char *text = memory_format_list(format, list);
	va_end(list);
	if (kind->held_back) {
		char *longer = memory_format("%s (and %lld more like it before)", text, (long long)kind->held_back);
		free(text);
		text = longer;
		kind->held_back = 0;
	}
	*list_add(&link->due.notes) = body_printable(text);     /* much of it may be what peers have said */
	link->due.hooks = true;
}

/* ---- life ---- */

static struct peer_spec copy_peer(const struct peer_spec *peer)
{
	struct peer_spec copy = *peer;
	copy.node = memory_copy_text(peer->node);
	copy.address = NULL;
	return copy;
}

struct link *link_new(const struct link_spec *spec, const struct link_hooks *hooks, struct error *error)
{
	struct link *link = memory_new(sizeof *link);
	pthread_mutex_init(&link->lock, NULL);
	link->kept = 1;
	link->self = copy_peer(&spec->self);
	link->token = spec->token;
	link->longest = spec->longest;
	link->note_after_ns = spec->note_after_ns > 0 ? spec->note_after_ns : NOTE_AFTER_NS;
	link->service = spec->service;
	link->observer = spec->observer;
	link->hooks = *hooks;
	link->next_tick_ns = INT64_MAX;
	works_new(link, spec);
	if (!callers_new(link, spec, error) && !server_new(link, spec, error) && !topics_new(link, spec, error)
	    && !subscriptions_new(link, spec, error))
		return link;
	link_free(link);
	return NULL;
}

int link_bind(struct link *link, struct error *error)
{
	return server_bind(link, error) || topics_bind(link, error) ? -1 : 0;
}

int link_connect(struct link *link, struct error *error)
{
	if (subscriptions_connect(link, error) || lines_connect(link, error))
		return -1;
	link_lock(link);
	link->connected = true;
	link_check(link);
	link_unlock(link);
	return 0;
}

void link_add_bound(struct link *link, struct bound_address address)
{
	*list_add(&link->bound) = address;
}

size_t link_bound(const struct link *link, const struct bound_address **out)
{
	*out = link->bound.at;
	return link->bound.count;
}

size_t link_waits_for(struct link *link, const char **names, size_t room)
{
	link_lock(link);
	size_t count = waits_for(link, names, room);
	link_unlock(link);
	return count;
}

void link_go(struct link *link)
{
	link_lock(link);
	link->going = true;
	works_wake(link);
	link_unlock(link);
}

int64_t link_tick(struct link *link)
{
	link_lock(link);
	int64_t now = clock_ns(), next = INT64_MAX;
	callers_tick(link, now, &next);
	server_tick(link, now, &next);
	topics_tick(link, now, &next);
	subscriptions_tick(link, now, &next);
	waits_tick(link, now, &next);
	if (link->draining && !link->cut && now >= link->drain_until_ns) {
		link->cut = true;
		link_wake_waits(link);
		link_check(link);
	}
	if (link->draining && !link->cut && link->drain_until_ns < next)
		next = link->drain_until_ns;
	link->next_tick_ns = next;
	link_unlock(link);
	return next == INT64_MAX ? -1 : next <= now ? 0 : (next - now + 999999) / 1000000;
}

void link_end_run(struct link *link)
{
	link_lock(link);
	callers_end_run(link);
	server_end_run(link);
	if (!link->service)
		topics_end(link);
	subscriptions_end_run(link);
	link_check(link);
	link_unlock(link);
}

void link_stop(struct link *link)
{
	link_lock(link);
	if (!link->stopping) {
		link->stopping = true;
		link_wake_waits(link);
		callers_stop(link);
		server_stop(link);
		topics_stop(link);
		subscriptions_stop(link);
	}
	link_unlock(link);
}

void link_leave_alone(struct link *link, bool alone)
{
	link_lock(link);
	link->alone = alone;
	link_unlock(link);
}

void link_drain(struct link *link, int64_t deadline_ns)
{
	link_stop(link);
	link_lock(link);
	link->draining = true;
	link->drain_until_ns = deadline_ns;
	link_tick_by(link, deadline_ns);
	server_drain(link);
	callers_drain(link);
	topics_drain(link);
	subscriptions_drain(link);
	link_check(link);
	link_unlock(link);
}

char *link_left(struct link *link, int64_t *count)
{
	struct text text = { 0 };
	*count = 0;
	link_lock(link);
	callers_left(link, &text, count);
	server_left(link, &text, count);
	topics_left(link, &text, count);
	subscriptions_left(link, &text, count);
	link_unlock(link);
	char *out = *count ? text_take(&text) : NULL;
	text_release(&text);
	return out;
}

void link_peer_lost(struct link *link, uint32_t group, uint32_t index, uint32_t incarnation, bool gone)
{
	link_lock(link);
	struct line *line = line_find(link, group, index);
	if (line && line_lost(line, incarnation, gone))
		callers_peer_lost(link, line, gone);
	server_peer_lost(link, group, index, incarnation, gone);
	topics_peer_lost(link, group, index, incarnation, gone);
	subscriptions_peer_lost(link, group, index, incarnation, gone);
	link_check(link);
	link_unlock(link);
}

int link_peer_up(struct link *link, const struct peer_up *up, struct error *error)
{
	if (up->incarnation > 1)
		link_peer_lost(link, up->group, up->index, up->incarnation - 1, false);
	if (subscriptions_peer_up(link, up, error))
		return -1;
	link_lock(link);
	struct line *line = line_find(link, up->group, up->index);
	int code = line ? line_found(line, up->incarnation, up->serve, error) : 0;
	server_peer_up(link, up->group, up->index);
	link_check(link);
	link_unlock(link);
	return code;
}

void link_counters(struct link *link, void (*each)(void *context, const struct port_counters *counters), void *context)
{
	link_lock(link);
	callers_counters(link, each, context);
	server_counters(link, each, context);
	topics_counters(link, each, context);
	subscriptions_counters(link, each, context);
	link_unlock(link);
}

void link_leave(struct link *link)
{
	link_lock(link);
	link->closed = true;
	link_unlock(link);
	server_flush(link);
}

/* Sockets first, so that no event runs any more; then what the events used. */
void link_free(struct link *link)
{
	if (!link)
		return;
	link_lock(link);
	link->closed = true;
	link_unlock(link);
	server_close(link);
	lines_close(link);
	subscriptions_close(link);
	topics_close(link);
	circle_free(link);
	callers_free(link);
	works_discard(link);
	server_free(link);
	lines_free(link);
	works_free(link);
	for (size_t i = 0; i < link->due.notes.count; i++)
		free(link->due.notes.at[i]);
	list_release(&link->due.notes);
	list_release(&link->due.work);
	list_release(&link->note_kinds);
	free((char *)link->self.node);
	list_release(&link->bound);
	link_lock(link);
	link->due = (struct due){ 0 };          /* nobody is told any more */
	link_unlock(link);
	link_let_go(link);
}
