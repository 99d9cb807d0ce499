/* SPDX-License-Identifier: MIT */
/* Handles: whom a node may call, what went there, and how long it took. */
#include "link/caller.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

/* ---- latencies: four rows for each doubling, from 1 microsecond ---- */

static size_t row_of(int64_t ns)
{
	uint64_t quarter = (uint64_t)(ns < 1000 ? 1000 : ns) / 250;     /* from 4 */
	unsigned doubling = 63u - (unsigned)__builtin_clzll(quarter);
	size_t row = (doubling - 2) * 4 + (quarter >> (doubling - 2)) - 4;
	return row < HISTOGRAM_ROWS ? row : HISTOGRAM_ROWS - 1;
}

/* The middle of a row, in seconds. */
static double value_of(size_t row)
{
	return ldexp((double)(4 + row % 4) + 0.5, (int)(row / 4)) * 250e-9;
}

void place_answered(struct place *place, const struct wire *wire, int64_t took_ns)
{
	if (!place->histogram)
		place->histogram = memory_array(HISTOGRAM_ROWS, sizeof *place->histogram);
	place->histogram[row_of(took_ns)]++;
	if (took_ns > place->longest_ns)
		place->longest_ns = took_ns;
	place->answer_bytes += (int64_t)wire->size;
	if (wire->kind == WIRE_REPLY)
		place->answered++;
	else
		place->errors++;
}

static double percentile(const struct place *place, int64_t total, double part)
{
	int64_t rank = (int64_t)ceil((double)total * part), seen = 0;
	for (size_t row = 0; row < HISTOGRAM_ROWS; row++)
		if ((seen += place->histogram[row]) >= rank)
			return fmin(value_of(row), (double)place->longest_ns / 1e9);
	return (double)place->longest_ns / 1e9;
}

static void count_place(const lpad_handle *handle, const struct place *place,
	void (*each)(void *, const struct port_counters *), void *context)
{
	static const double parts[] = { 0.5, 0.9, 0.99 };
	struct port_counters counters = { .port = handle->name, .kind = "handle", .peer = line_peer(place->line),
		.messages = place->calls, .bytes = place->bytes, .delivered_bytes = place->answer_bytes,
		.received = place->answered, .errors = place->errors, .lost = place->lost };
	int64_t total = 0;
	for (size_t row = 0; place->histogram && row < HISTOGRAM_ROWS; row++)
		total += place->histogram[row];
	for (size_t i = 0; total && i < sizeof parts / sizeof parts[0]; i++)
		counters.latency[i] = percentile(place, total, parts[i]);
	counters.latency[3] = (double)place->longest_ns / 1e9;
	each(context, &counters);
}

void callers_counters(struct link *link, void (*each)(void *, const struct port_counters *), void *context)
{
	for (size_t i = 0; i < link->callers->count; i++)
		for (size_t k = 0; k < link->callers->handles[i].count; k++)
			count_place(&link->callers->handles[i], &link->callers->handles[i].places[k], each, context);
}

/* ---- handles ---- */

lpad_handle *link_handle(struct link *link, const char *name)
{
	for (size_t i = 0; i < link->callers->count; i++)
		if (!strcmp(link->callers->handles[i].name, name))
			return &link->callers->handles[i];
	return NULL;
}

struct line *handle_line(const lpad_handle *handle, int place)
{
	return place >= 0 && (size_t)place < handle->count ? handle->places[place].line : NULL;
}

int handle_count(const lpad_handle *handle)
{
	return handle ? (int)handle->count : 0;
}

int handle_place(const lpad_handle *handle)
{
	return handle ? handle->own_place : -1;
}

const char *handle_server(const lpad_handle *handle, int place)
{
	const struct line *line = handle ? handle_line(handle, place) : NULL;
	return line ? line_peer(line) : NULL;
}

int handle_await_server(lpad_handle *handle, int place, lpad_deadline deadline)
{
	struct line *line = handle ? handle_line(handle, place) : NULL;
	struct long_wait wait;
	bool in_time = true;
	int code = 0;
	if (!line)
		return handle ? fault_set(LPAD_EINVALID, "%s has no place %d: it has %zu", handle->name, place, handle->count)
			: fault_set(LPAD_EINVALID, "the handle is not connected");
	struct link *link = handle->link;
	int64_t until = link_deadline(deadline, handle->deadline_ns);
	link_lock(link);
	link_wait_begin(link, &wait, clock_ns(), line_peer(line), NULL);
	while (!code && (line_state(line) != LINE_UP || line_is_leaving(line))) {
		if (line_state(line) == LINE_GONE)
			code = fault_set(LPAD_EGONE, "%s will never come back", line_peer(line));
		else if (link_must_stop(link))
			code = fault_set(LPAD_ESTOPPED, "%s: the program is stopping", line_peer(line));
		else if (!in_time)
			code = fault_set(LPAD_ETIMEDOUT, "%s did not come up within the time given", line_peer(line));
		else
			in_time = link_wait(link, link_waiter(), until);
	}
	link_wait_end(link, &wait);
	if (!code)
		code = (int)line_incarnation(line);
	link_unlock(link);
	return code;
}

/* What is lost here is heard of by the other edges when the supervisor says so. */
static int lose_server(struct line *line, uint32_t *incarnation)
{
	if (line_state(line) == LINE_GONE)
		return fault_set(LPAD_EGONE, "%s will never come back", line_peer(line));
	*incarnation = line_state(line) == LINE_LOST ? 0 : line_incarnation(line);
	if (*incarnation)
		line_lost(line, *incarnation, false);
	return 0;
}

int handle_restart_server(lpad_handle *handle, int place, const char *why)
{
	struct line *line = handle ? handle_line(handle, place) : NULL;
	uint32_t incarnation = 0;
	if (!handle)
		return fault_set(LPAD_EINVALID, "the handle is not connected");
	if (!line)
		return fault_set(LPAD_EINVALID, "%s has no place %d: it has %zu", handle->name, place, handle->count);
	const struct link_hooks *hooks = &handle->link->hooks;
	if (!hooks->restart)
		return fault_set(LPAD_EUNSUPPORTED, "%s cannot be restarted: nobody here restarts anything", line_peer(line));
	link_lock(handle->link);
	int code = handle->link->connected ? lose_server(line, &incarnation)
		: fault_set(LPAD_EINVALID, "%s: servers can be restarted from run on, not in init", line_peer(line));
	struct peer_spec peer = line_spec(line);
	link_unlock(handle->link);
	peer.incarnation = incarnation;
	if (incarnation)                /* else it is being restarted already */
		hooks->restart(hooks->context, &peer, why && *why ? why : "no reason given");
	return code;
}

/* ---- what servers offer, as the topology knows it ---- */

static const struct offered *offered_by(const lpad_handle *handle, int place)
{
	const struct line *line = handle ? handle_line(handle, place) : NULL;
	for (size_t i = 0; line && i < handle->offered_count; i++)
		if (handle->offered[i].group == line_spec(line).group)
			return &handle->offered[i];
	return NULL;
}

int handle_methods(const lpad_handle *handle, int place, const char *const **names)
{
	const struct offered *offered = offered_by(handle, place);
	*names = offered ? (const char *const *)offered->names : NULL;
	if (!handle)
		return fault_set(LPAD_EINVALID, "the handle is not connected");
	if (!handle_line(handle, place))
		return fault_set(LPAD_EINVALID, "%s has no place %d: it has %zu", handle->name, place, handle->count);
	return offered ? (int)offered->count : 0;
}

int handle_idempotent(const lpad_handle *handle, int place, const char *method)
{
	const struct offered *offered = offered_by(handle, place);
	for (size_t i = 0; offered && i < offered->count; i++)
		if (text_equal(offered->names[i], method))
			return offered->idempotent[i];
	return 0;
}

static void copy_offered(lpad_handle *handle, const struct handle_link *from)
{
	handle->offered = memory_array(from->offered_count, sizeof *handle->offered);
	handle->offered_count = from->offered_count;
	for (size_t i = 0; i < from->offered_count; i++) {
		const struct offered_methods *source = &from->offered[i];
		struct offered *offered = &handle->offered[i];
		*offered = (struct offered){ .group = source->group, .count = source->count,
			.names = memory_array(source->count + 1, sizeof *offered->names),
			.idempotent = memory_array(source->count, sizeof *offered->idempotent) };
		for (size_t k = 0; k < source->count; k++) {
			offered->names[k] = memory_copy_text(source->names[k]);
			offered->idempotent[k] = source->idempotent[k];
		}
	}
}

static void free_handle(lpad_handle *handle)
{
	for (size_t k = 0; k < handle->count; k++)
		free(handle->places[k].histogram);
	for (size_t i = 0; i < handle->offered_count; i++) {
		for (size_t k = 0; k < handle->offered[i].count; k++)
			free(handle->offered[i].names[k]);
		free(handle->offered[i].names);
		free(handle->offered[i].idempotent);
	}
	free(handle->offered);
	free(handle->places);
	free(handle->name);
}

/* ---- life ---- */

int callers_new(struct link *link, const struct link_spec *spec, struct error *error)
{
	struct callers *callers = link->callers = memory_new(sizeof *callers);
	(void)error;
	callers->handles = memory_array(spec->handle_count, sizeof *callers->handles);
	for (size_t i = 0; i < spec->handle_count; i++) {
		const struct handle_link *from = &spec->handles[i];
		lpad_handle *handle = &callers->handles[callers->count];
		if (!from->count)
			continue;               /* not connected */
		callers->count++;
		*handle = (lpad_handle){ .link = link, .name = memory_copy_text(from->name), .own_place = from->place,
			.deadline_ns = from->deadline_ns, .count = from->count,
			.places = memory_array(from->count, sizeof *handle->places) };
		for (size_t k = 0; k < from->count; k++)
			handle->places[k].line = line_to(link, &from->servers[k]);
		copy_offered(handle, from);
	}
	return 0;
}

/* Lines wait and end by themselves; what threads wait for, link.c wakes. */
size_t callers_waits_for(struct link *link, const char **names, size_t room)
{
	(void)link, (void)names, (void)room;
	return 0;
}

void callers_peer_lost(struct link *link, struct line *line, bool gone)
{
	(void)link, (void)line, (void)gone;
}

void callers_left(struct link *link, struct text *text, int64_t *count)
{
	(void)link, (void)text, (void)count;
}

void callers_free(struct link *link)
{
	struct callers *callers = link->callers;
	if (!callers)
		return;
	link_lock(link);
	while (callers->futures)
		future_discard(callers->futures);
	link_unlock(link);
	for (size_t i = 0; i < callers->count; i++)
		free_handle(&callers->handles[i]);
	list_release(&callers->heap);
	free(callers->handles);
	free(callers);
	link->callers = NULL;
}
