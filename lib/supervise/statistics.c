/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "supervise/inside.h"

enum { METRICS_MOST = 10000 };  /* of one replica; a name per step would be a mistake */

/* ---- reports ---- */

static struct metric *metric_named(struct member *member, const char *name)
{
	size_t low = 0, high = member->metrics.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(member->metrics.at[middle].name, name);
		if (order == 0)
			return &member->metrics.at[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (member->metrics.count >= METRICS_MOST)
		return NULL;
	list_add(&member->metrics);
	struct metric *at = member->metrics.at + low;
	memmove(at + 1, at, (member->metrics.count - 1 - low) * sizeof *at);
	*at = (struct metric){ .name = memory_copy_text(name) };
	return at;
}

static void add_to_metric(struct metric *metric, double value, int64_t step)
{
	metric->count++;
	metric->last = value;
	metric->step = step;
	if (metric->count == 1 || value < metric->least)
		metric->least = value;
	if (metric->count == 1 || value > metric->most)
		metric->most = value;
	metric->mean += (value - metric->mean) / (double)metric->count;
}

/* JSON has no infinities: they are texts, as the nodes send them. */
static json_t *number(double value)
{
	if (isnan(value))
		return json_string("NaN");
	return isinf(value) ? json_string(value > 0 ? "Infinity" : "-Infinity") : json_real(value);
}

static double value_of(const json_t *given)
{
	if (json_is_number(given))
		return json_number_value(given);
	return json_is_string(given) ? strtod(json_string_value(given), NULL) : NAN;
}

static void take_report(struct supervisor *supervisor, struct member *member, const json_t *entry)
{
	const char *name = json_string_value(json_array_get(entry, 0));
	if (!name)
		return;
	double value = value_of(json_array_get(entry, 1));
	json_int_t step = json_integer_value(json_array_get(entry, 2)), time = json_integer_value(json_array_get(entry, 3));
	struct metric *metric = metric_named(member, name);
	if (metric)
		add_to_metric(metric, value, step);
	json_t *line = json_pack("{ss ss so sI sI}", "node", member->name, "name", name, "value", number(value),
		"step", step, "time", time);
	char *text = dump_json(line, JSON_COMPACT);
	text_add(&supervisor->metrics, text);
	text_add_char(&supervisor->metrics, '\n');
	free(text);
	json_object_set_new(line, "event", json_string("report"));
	output_event(&supervisor->output, line);
}

void statistics_report(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(message, "list"), i, entry)
		take_report(supervisor, member, entry);
	record_metrics(supervisor->launch->record, text_string(&supervisor->metrics), supervisor->metrics.length);
	text_clear(&supervisor->metrics);
	json_int_t dropped = json_integer_value(json_object_get(message, "dropped"));
	if (dropped > 0)
		output_say(&supervisor->output, "%s reports faster than lpad can write: %lld numbers were dropped", member->name,
			(long long)dropped);
}

json_t *statistics_metrics(const struct member *member)
{
	json_t *out = json_object();
	for (size_t i = 0; i < member->metrics.count; i++) {
		const struct metric *metric = &member->metrics.at[i];
		json_object_set_new(out, metric->name, json_pack("{sI so so so so sI}", "count", (json_int_t)metric->count,
			"last", number(metric->last), "min", number(metric->least), "max", number(metric->most),
			"mean", number(metric->mean), "step", (json_int_t)metric->step));
	}
	return out;
}

void statistics_release(struct member *member)
{
	for (size_t i = 0; i < member->metrics.count; i++)
		free(member->metrics.at[i].name);
	list_release(&member->metrics);
	json_decref(member->ports);
	json_decref(member->earlier_ports);
	member->ports = member->earlier_ports = NULL;
}

/* ---- counters: the newest of each port and peer, and what earlier incarnations had counted ---- */

/* Percentiles of two incarnations: of each the slower. */
static json_t *slower(const json_t *earlier, json_t *now)
{
	if (!json_array_size(earlier))
		return json_incref(now);
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(earlier); i++) {
		json_t *before = json_array_get(earlier, i), *value = json_array_get(now, i);
		json_array_append(out, json_number_value(before) > json_number_value(value) ? before : value);
	}
	return out;
}

static json_t *added_up(const json_t *earlier, json_t *now)
{
	const char *name;
	json_t *before;
	if (!earlier)
		return json_incref(now);
	json_t *out = json_copy(now);
	json_object_foreach((json_t *)(uintptr_t)earlier, name, before) {
		json_t *value = json_object_get(now, name);
		if (json_is_integer(before))
			json_object_set_new(out, name, json_integer(json_integer_value(before) + json_integer_value(value)));
		else if (json_is_array(before))
			json_object_set_new(out, name, slower(before, value));
	}
	return out;
}

void statistics_count(struct member *member, const json_t *message)
{
	size_t i;
	json_t *port;
	if (!member->ports)
		member->ports = json_object();
	json_array_foreach(json_object_get(message, "ports"), i, port) {
		const char *kind = json_string_value(json_object_get(port, "kind"));
		const char *name = json_string_value(json_object_get(port, "port"));
		const char *peer = json_string_value(json_object_get(port, "peer"));
		const char *peer_port = json_string_value(json_object_get(port, "peer_port"));
		if (!kind || !name)
			continue;
		char *cleanup_free key = memory_format("%s\t%s\t%s\t%s", kind, name, peer ? peer : "", peer_port ? peer_port : "");
		json_object_set_new(member->ports, key, added_up(json_object_get(member->earlier_ports, key), port));
	}
}

/* Entries are never changed, only replaced. */
void statistics_restart(struct member *member)
{
	json_decref(member->earlier_ports);
	member->earlier_ports = json_copy(member->ports);
}

enum { CALLS = 1, TOPICS = 2 };

/* What is added up over an edge's pairs, and for which edges it means something. */
static const struct {
	const char *name;
	int edges;
} sums[] = {
	{ "messages", CALLS | TOPICS }, { "bytes", CALLS | TOPICS }, { "delivered_bytes", CALLS | TOPICS },
	{ "dropped", TOPICS }, { "lost", CALLS | TOPICS }, { "published", TOPICS }, { "received", CALLS | TOPICS },
	{ "errors", CALLS | TOPICS },
};
enum { SUMS = sizeof sums / sizeof sums[0] };

/* A topic's port says per subscriber what was published once for all of them: of one publisher it counts once. */
static bool published_once(const char *kind, const char *name)
{
	return text_equal(kind, "topic") && text_equal(name, "bytes");
}

struct total {
	json_int_t sum[SUMS];
	bool seen[SUMS];
	double latency[4];
	bool timed;
};

/* Percentiles of several pairs cannot be joined: an edge shows those of its slowest pair. */
static void add_latency(struct total *total, const json_t *latency)
{
	if (json_array_size(latency) != 4)
		return;
	for (size_t i = 0; i < 4; i++) {
		double value = json_number_value(json_array_get(latency, i));
		if (!total->timed || value > total->latency[i])
			total->latency[i] = value;
	}
	total->timed = true;
}

/* Whether a port's peer, "worker/3", is of the group. */
static bool of_group(const char *peer, const struct group *group)
{
	size_t length = strlen(group->label);
	return peer && !strncmp(peer, group->label, length) && (peer[length] == '\0' || peer[length] == '/');
}

/* Which ports an edge's side is made of. */
struct side {
	const char *kind;
	const char *name, *peer_port;   /* NULL: any */
	const struct group *peers;
};

static bool named(json_t *port, const char *key, const char *name)
{
	return !name || text_equal(json_string_value(json_object_get(port, key)), name);
}

static bool on_side(json_t *port, const struct side *side)
{
	return named(port, "kind", side->kind) && named(port, "port", side->name) && named(port, "peer_port", side->peer_port) &&
		of_group(json_string_value(json_object_get(port, "peer")), side->peers);
}

static void add_ports(struct total *total, const struct member *member, const struct side *side)
{
	const char *key;
	json_t *port;
	json_int_t before[SUMS];
	memcpy(before, total->sum, sizeof before);
	json_object_foreach(member->ports, key, port) {
		if (!on_side(port, side))
			continue;
		for (size_t i = 0; i < SUMS; i++) {
			json_t *value = json_object_get(port, sums[i].name);
			json_int_t sum = total->sum[i] + json_integer_value(value);
			if (published_once(side->kind, sums[i].name))
				sum = json_integer_value(value) > total->sum[i] - before[i] ? before[i] + json_integer_value(value)
					: total->sum[i];
			total->sum[i] = sum;
			total->seen[i] |= value != NULL;
		}
		add_latency(total, json_object_get(port, "latency"));
	}
}

static json_t *side_json(const struct supervisor *supervisor, int group, const struct side *side)
{
	struct total total = { 0 };
	const struct group *own = &supervisor->topology->groups.at[group];
	for (int i = 0; i < own->replicas; i++)
		add_ports(&total, &supervisor->members[own->first + i], side);
	json_t *out = json_object();
	int edges = text_equal(side->kind, "handle") || text_equal(side->kind, "method") ? CALLS : TOPICS;
	for (size_t i = 0; i < SUMS; i++)
		if (total.seen[i] && sums[i].edges & edges)
			json_object_set_new(out, sums[i].name, json_integer(total.sum[i]));
	if (total.timed)
		json_object_set_new(out, "latency", json_pack("{sf sf sf sf}", "p50", total.latency[0], "p90",
			total.latency[1], "p99", total.latency[2], "max", total.latency[3]));
	return out;
}

/* The methods' side counts by caller: what several handles onto the same servers did cannot be told apart there. */
static bool only_calls_between(const struct supervisor *supervisor, const struct edge *edge)
{
	int count = 0;
	for (size_t i = 0; i < supervisor->topology->edges.count; i++) {
		const struct edge *other = &supervisor->topology->edges.at[i];
		count += !other->to_port && other->from == edge->from && other->to == edge->to;
	}
	return count == 1;
}

/* Of a node that was killed the last numbers are missing: the other side has them. */
static void take_greater(json_t *out, const json_t *other)
{
	static const char *const names[] = { "messages", "bytes" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		json_int_t value = json_integer_value(json_object_get(other, names[i]));
		if (value > json_integer_value(json_object_get(out, names[i])))
			json_object_set_new(out, names[i], json_integer(value));
	}
}

/* As its starting side counted; both sides below it. */
static json_t *edge_json(const struct supervisor *supervisor, const struct edge *edge)
{
	const struct group *from = &supervisor->topology->groups.at[edge->from], *to = &supervisor->topology->groups.at[edge->to];
	bool topic = edge->to_port != NULL;
	char *cleanup_free arrow = memory_format("%s.%s -> %s%s%s", from->label, edge->from_port, to->label, topic ? "." : "",
		topic ? edge->to_port : "");
	json_t *sent = side_json(supervisor, edge->from,
		&(struct side){ topic ? "topic" : "handle", edge->from_port, edge->to_port, to });
	json_t *received = side_json(supervisor, edge->to,
		&(struct side){ topic ? "subscription" : "method", edge->to_port, topic ? edge->from_port : NULL, from });
	json_t *out = json_pack("{ss}", "edge", arrow);
	json_object_update(out, sent);
	if (!topic && only_calls_between(supervisor, edge))
		take_greater(out, received);
	json_object_set_new(out, "from", sent);
	json_object_set_new(out, "to", received);
	return out;
}

json_t *statistics_edges(const struct supervisor *supervisor)
{
	json_t *out = json_array();
	for (size_t i = 0; i < supervisor->topology->edges.count; i++)
		json_array_append_new(out, edge_json(supervisor, &supervisor->topology->edges.at[i]));
	return out;
}
