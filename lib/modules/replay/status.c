/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "why.h"

enum { SHOWN_MOST = 100 };      /* of those who wait */

/* ---- JSON ---- */

/* JSON has no infinities. */
static void put_real(FILE *out, const char *name, double value)
{
	if (isfinite(value))
		fprintf(out, ", \"%s\": %.17g", name, value);
	else
		fprintf(out, ", \"%s\": null", name);
}

static void put_whole(FILE *out, const char *name, int64_t value)
{
	fprintf(out, ", \"%s\": %lld", name, (long long)value);
}

static void put_waiting(FILE *out, const struct place *place, double now)
{
	static const char *const names[] = { [SIDE_INSERT] = "insert", [SIDE_SAMPLE] = "sample" };
	const char *lead = "";
	fprintf(out, ", \"waiting\": [");
	for (int side = 0; side < SIDES; side++) {
		int shown = 0;
		for (const struct held *held = place->lines[side].first; held && shown++ < SHOWN_MOST; held = held->next) {
			fprintf(out, "%s{\"side\": \"%s\", \"caller\": ", lead, names[side]);
			put_json_text(out, lpad_caller(held->call));
			fprintf(out, ", \"seconds\": %.3f}", now - held->since);
			lead = ", ";
		}
	}
	fprintf(out, "]");
}

static void put_table(FILE *out, const struct place *place, double now)
{
	const struct table *table = place->table;
	const struct table_settings *settings = table_settings(table);
	const lpad_limiter *limiter = table_limiter(table);
	const struct pool *pool = table_pool(table);
	double middle = limiter->samples_per_insert * (double)limiter->min_size;
	size_t steps = pool ? pool_count(pool) : 0;
	put_json_text(out, place->name);
	fprintf(out, ": {\"size\": %lld", (long long)table_size(table));
	put_whole(out, "max_size", settings->max_size);
	put_whole(out, "inserts", limiter->inserts);
	put_whole(out, "samples", limiter->samples);
	put_whole(out, "deletes", limiter->deletes);
	put_real(out, "error", lpad_limiter_error(limiter));
	put_real(out, "error_min", limiter->error_min);
	put_real(out, "error_max", limiter->error_max);
	put_real(out, "min_diff", limiter->min_diff);
	put_real(out, "max_diff", limiter->max_diff);
	put_real(out, "min_error", limiter->min_diff - middle);
	put_real(out, "max_error", limiter->max_diff - middle);
	put_real(out, "samples_per_insert", limiter->samples_per_insert);
	put_whole(out, "min_size", limiter->min_size);
	put_whole(out, "steps", (int64_t)steps);
	put_whole(out, "bytes", (int64_t)(pool ? steps * pool_row_size(pool) : 0));
	put_whole(out, "memory", (int64_t)(table_memory(table) + (pool ? pool_memory(pool) : 0)));
	put_whole(out, "repeated", place->repeated);
	put_whole(out, "unknown", place->unknown);
	put_whole(out, "inserts_waited", place->waited[SIDE_INSERT]);
	put_real(out, "inserts_waited_seconds", place->waited_seconds[SIDE_INSERT]);
	put_whole(out, "samples_waited", place->waited[SIDE_SAMPLE]);
	put_real(out, "samples_waited_seconds", place->waited_seconds[SIDE_SAMPLE]);
	put_waiting(out, place, now);
	fprintf(out, "}");
}

static void put_checkpoint(FILE *out, const struct replay *me)
{
	const struct saved *saved = &me->saved;
	fprintf(out, ", \"checkpoint\": {\"path\": ");
	put_json_text(out, saved->path);
	put_whole(out, "written", saved->count);
	put_whole(out, "bytes", (int64_t)saved->bytes);
	put_real(out, "seconds", saved->seconds);
	put_real(out, "age", saved->count ? seconds_now() - saved->at : (double)INFINITY);
	fprintf(out, ", \"failure\": ");
	put_json_text(out, saved->failure);
	fprintf(out, "}");
}

char *status_json(struct replay *me)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fprintf(out, "{\"tables\": {");
	for (size_t i = 0; i < me->count; i++) {
		fputs(i ? ", " : "", out);
		put_table(out, &me->places[i], seconds_now());
	}
	fprintf(out, "}");
	put_checkpoint(out, me);
	fprintf(out, ", \"streams\": %zu}", streams_count(me->streams));
	fclose(out);
	return text;
}

/* ---- lines ---- */

static int who_waits(const struct place *place, enum side side, char *text, size_t room)
{
	const struct line *line = &place->lines[side];
	const char *what = side == SIDE_INSERT ? "insert" : "sample";
	if (!line->first)
		return 0;
	return snprintf(text, room, "; %zu %s%s, %s for %.0f s", line->count, what, line->count == 1 ? " waits" : "s wait",
		lpad_caller(line->first->call), seconds_now() - line->first->since);
}

/* "312 of 1000 items that samples wait for", "the queue is full, 100 of 100" */
static int how_full(const struct place *place, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	long long size = table_size(place->table), most = table_settings(place->table)->max_size;
	const char *queue = why_queue(place);
	if (queue && size && size < (long long)limiter->max_diff)
		return snprintf(text, room, "%lld of %.0f items in the %s", size, limiter->max_diff, queue);
	if (queue)
		return snprintf(text, room, "the %s is %s, %lld of %.0f", queue, size ? "full" : "empty", size, limiter->max_diff);
	if (size < limiter->min_size && limiter->min_size > 1)
		return snprintf(text, room, "%lld of %lld items that samples wait for", size, (long long)limiter->min_size);
	return snprintf(text, room, "%lld of %lld items", size, most);
}

/* Of a queue its size says it. */
static int error_of(const struct place *place, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	double middle = limiter->samples_per_insert * (double)limiter->min_size;
	if (why_queue(place) || (!isfinite(limiter->min_diff) && !isfinite(limiter->max_diff)))
		return 0;
	return snprintf(text, room, ", error %.6g in %.6g to %.6g", lpad_limiter_error(limiter), limiter->min_diff - middle,
		limiter->max_diff - middle);
}

void status_line(const struct place *place, char *text, size_t room)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	size_t used = (size_t)how_full(place, text, room);
	if (used < room)
		used += (size_t)snprintf(text + used, room - used, ", %lld inserted, %lld sampled", (long long)limiter->inserts,
			(long long)limiter->samples);
	if (used < room)
		used += (size_t)error_of(place, text + used, room - used);
	for (int side = 0; side < SIDES && used < room; side++)
		used += (size_t)who_waits(place, (enum side)side, text + used, room - used);
	for (int side = 0; side < SIDES && used < room; side++)
		used += (size_t)why_nobody(place, (enum side)side, text + used, room - used);
}

static void report(lpad_node *node, const struct place *place, const char *what, double value, int64_t step)
{
	char name[100];
	snprintf(name, sizeof name, "%s.%s", place->name, what);
	lpad_report(node, name, value, step);
}

static void report_table(lpad_node *node, struct place *place)
{
	const lpad_limiter *limiter = table_limiter(place->table);
	int64_t step = limiter->inserts + limiter->samples, events = step + limiter->deletes;
	if (place->reported == events + 1)
		return;
	place->reported = events + 1;
	report(node, place, "size", (double)table_size(place->table), step);
	report(node, place, "inserts", (double)limiter->inserts, step);
	report(node, place, "samples", (double)limiter->samples, step);
	report(node, place, "error", lpad_limiter_error(limiter), step);
}

void status_report(struct replay *me)
{
	char text[380];
	for (size_t i = 0; i < me->count; i++) {
		report_table(me->node, &me->places[i]);
		status_line(&me->places[i], text, sizeof text);
		lpad_status(me->node, me->places[i].name, "%s", text);
	}
	lpad_status(me->node, "last checkpoint", "%s", me->saved.failure);      /* no table can have a name with a blank */
}
