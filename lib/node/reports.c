/* SPDX-License-Identifier: MIT */
#include "node/reports.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/memory.h"

void reports_init(struct reports *reports)
{
	*reports = (struct reports){ 0 };
	pthread_mutex_init(&reports->lock, NULL);
}

void reports_release(struct reports *reports)
{
	for (size_t i = 0; i < reports->name_count; i++)
		free(reports->names[i]);
	free(reports->names);
	free(reports->ring);
	pthread_mutex_destroy(&reports->lock);
}

/* The lock is held. Names are few; the last one found is the likeliest. */
static char *intern(struct reports *reports, const char *name)
{
	for (size_t i = reports->name_count; i > 0; i--)
		if (!strcmp(reports->names[i - 1], name))
			return reports->names[i - 1];
	reports->names = memory_resize(reports->names, reports->name_count + 1, sizeof *reports->names);
	return reports->names[reports->name_count++] = memory_copy_text(name);
}

bool reports_add(struct reports *reports, const char *name, double value, int64_t step)
{
	pthread_mutex_lock(&reports->lock);
	if (!reports->ring)
		reports->ring = memory_array(REPORTS_MOST, sizeof *reports->ring);
	bool first = !reports->count;
	if (reports->count == REPORTS_MOST) {
		reports->first = (reports->first + 1) % REPORTS_MOST;
		reports->count--;
		reports->dropped++;
	}
	reports->ring[(reports->first + reports->count++) % REPORTS_MOST] = (struct report){
		.name = intern(reports, name), .value = value, .step = step, .wall_ms = clock_wall_ms() };
	pthread_mutex_unlock(&reports->lock);
	return first;
}

/* JSON has no infinities; they travel as texts, as Python's json writes them. */
static json_t *number(double value)
{
	if (isnan(value))
		return json_string("NaN");
	if (isinf(value))
		return json_string(value > 0 ? "Infinity" : "-Infinity");
	return json_real(value);
}

json_t *reports_take(struct reports *reports)
{
	pthread_mutex_lock(&reports->lock);
	if (!reports->count && !reports->dropped) {
		pthread_mutex_unlock(&reports->lock);
		return NULL;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < reports->count; i++) {
		const struct report *report = &reports->ring[(reports->first + i) % REPORTS_MOST];
		json_t *row = json_array();
		json_array_append_new(row, channel_text(report->name, strlen(report->name)));
		json_array_append_new(row, number(report->value));
		json_array_append_new(row, json_integer(report->step));
		json_array_append_new(row, json_integer(report->wall_ms));
		json_array_append_new(list, row);
	}
	json_t *out = json_pack("{s:s, s:o, s:I}", "is", "reports", "list", list, "dropped", (json_int_t)reports->dropped);
	reports->count = 0;
	reports->dropped = 0;
	pthread_mutex_unlock(&reports->lock);
	return out;
}
