/* SPDX-License-Identifier: MIT */
/* Edges against the ports, methods and topics of what they join; then ports that nothing joins. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/bind.h"
#include "topology/mark.h"
#include "topology/mirrors.h"

enum { ONE = 1, OPTIONAL = 2, MANY = 3 };
enum { LOST_MOST = 100 };       /* edges that could not be made; with more, any port may be meant */

/* One edge with both of its ends. */
struct ends {
	struct binder *binder;
	const struct edge *edge;
	int number;                             /* of the edge */
	const struct group *from, *to;
	struct bound_group *left, *right;
};

/* ---- words ---- */

/* "replay, learner (handles)": one kind of the ports of an implementation. */
static void list_kind(struct text *out, const char *const *names, size_t count, const char *kind)
{
	for (size_t i = 0; i < count; i++)
		text_format(out, "%s%s", i || out->length ? ", " : "", names[i]);
	if (count)
		text_format(out, " (%s%s)", kind, count > 1 ? "s" : "");
}

#define NAMES_OF(list, names) \
	const char **cleanup_free names = memory_array((list).count, sizeof *names); \
	for (size_t each_ = 0; each_ < (list).count; each_++) \
		names[each_] = (list).at[each_].name

/* "replay, learner (handles), parameters (subscription)"; empty when there are none. */
static void list_ports(struct text *out, const struct implementation_spec *spec)
{
	NAMES_OF(spec->handles, handles);
	NAMES_OF(spec->topics, topics);
	NAMES_OF(spec->subscriptions, subscriptions);
	list_kind(out, handles, spec->handles.count, "handle");
	list_kind(out, topics, spec->topics.count, "topic");
	list_kind(out, subscriptions, spec->subscriptions.count, "subscription");
}

/* "a", "a and b", "a, b and c", each in back quotes. */
static char *quoted_list(const char *const *names, size_t count)
{
	struct text out = { 0 };
	for (size_t i = 0; i < count; i++)
		text_format(&out, "%s`%s`", !i ? "" : i + 1 < count ? ", " : " and ", names[i]);
	return text_take(&out);
}

/* The first handle that calls the method; NULL: none does. */
static const char *handle_calling(const struct implementation_spec *spec, const char *method)
{
	for (size_t i = 0; i < spec->handles.count; i++)
		for (size_t j = 0; j < spec->handles.at[i].calls.count; j++)
			if (!strcmp(spec->handles.at[i].calls.at[j], method))
				return spec->handles.at[i].name;
	return NULL;
}

/* ---- what a wrong edge was meant to join ---- */

static struct port_use *handle_use(const struct bound_group *bound, const char *name)
{
	const struct handle_spec *handle = bound->spec && name ? implementation_handle(bound->spec, name) : NULL;
	return handle ? &bound->handles[handle - bound->spec->handles.at] : NULL;
}

static struct port_use *subscription_use(const struct bound_group *bound, const char *name)
{
	const struct subscription_spec *found = bound->spec && name ? implementation_subscription(bound->spec, name) : NULL;
	return found ? &bound->subscriptions[found - bound->spec->subscriptions.at] : NULL;
}

static void mean(struct port_use *use)
{
	if (use)
		use->meant = true;
}

static int refuse(const struct ends *ends, struct mark mark, const char *rule, const char *hint, char *message)
{
	problem_add(ends->binder->problems, mark, rule, hint, "%s", message);
	free(message);
	ends->left->broken = ends->right->broken = true;
	mean(handle_use(ends->left, ends->edge->from_port));
	mean(subscription_use(ends->right, ends->edge->to_port));
	return -1;
}

/* ---- a port that is not there ---- */

static int no_port(const struct ends *ends, bool left, const char *const *wanted, size_t count)
{
	const struct group *group = left ? ends->from : ends->to;
	const struct bound_group *bound = left ? ends->left : ends->right;
	const char *port = left ? ends->edge->from_port : ends->edge->to_port;
	struct text cleanup_text ports = { 0 }, note = { 0 };
	list_ports(&ports, bound->spec);
	const char *caller = handle_calling(bound->spec, port), *nearest = text_nearest(port, wanted, count);
	if (caller)
		text_format(&note, ". `%s` is a method that `%s.%s` calls", port, group->label, caller);
	else if (implementation_method(bound->spec, port))
		text_format(&note, ". `%s` is a method that %s serves", port, group->label);
	mean(left ? handle_use(bound, nearest ? nearest : caller) : NULL);
	mean(subscription_use(bound, nearest));
	char *cleanup_free hint = caller ? NULL : bind_suggestion(port, wanted, count);
	return refuse(ends, left ? ends->edge->from_mark : ends->edge->to_mark, "edge-port", hint,
		memory_format("%s has no port `%s`; it has%s%s%s", group->label, port, ports.length ? ": " : " none",
			text_string(&ports), text_string(&note)));
}

/* ---- arrows the wrong way round, or to the wrong thing ---- */

static int reversed(const struct ends *ends, const char *starts, const char *port)
{
	const struct edge *edge = ends->edge;
	mean(handle_use(ends->right, edge->to_port));
	mean(subscription_use(ends->left, edge->from_port));
	return refuse(ends, edge->mark, "edge-direction", NULL,
		memory_format("the arrow starts at the %s: did you mean `%s.%s -> %s%s%s`?", starts, ends->to->label,
			edge->to_port ? edge->to_port : port, ends->from->label, strcmp(starts, "publisher") ? "" : ".",
			strcmp(starts, "publisher") ? "" : edge->from_port));
}

/* `replay -> actor.replay` and `learner -> actor.parameters`: nothing stands before the arrow but a node. */
static int no_left_port(const struct ends *ends)
{
	const struct edge *edge = ends->edge;
	const struct implementation_spec *left = ends->left->spec, *right = ends->right->spec;
	if (edge->to_port && (!right || implementation_handle(right, edge->to_port)))
		return reversed(ends, "caller", NULL);
	bool topic = edge->to_port;
	if (!left)
		return refuse(ends, edge->from_mark, "edge-port", NULL, memory_format("the left side needs a %s: write `%s.%s -> ...`",
			topic ? "topic" : "handle", ends->from->label, topic ? "TOPIC" : "HANDLE"));
	for (size_t i = 0; !topic && i < left->handles.count; i++)
		mean(&ends->left->handles[i]);
	size_t count = topic ? left->topics.count : left->handles.count;
	const char **cleanup_free names = memory_array(count, sizeof *names);
	for (size_t i = 0; i < count; i++)
		names[i] = topic ? left->topics.at[i].name : left->handles.at[i].name;
	char *cleanup_free list = quoted_list(names, count);
	return refuse(ends, edge->from_mark, "edge-port", NULL,
		memory_format("the left side needs a %s: %s has %s", topic ? "topic" : "handle", ends->from->label,
			count ? list : "none"));
}

static int topic_without_subscription(const struct ends *ends)
{
	const struct implementation_spec *spec = ends->right->spec;
	if (!spec)
		return refuse(ends, ends->edge->to_mark, "edge-port", NULL,
			memory_format("a topic needs a subscription: write `%s.%s -> %s.SUBSCRIPTION`", ends->from->label,
				ends->edge->from_port, ends->to->label));
	NAMES_OF(spec->subscriptions, names);
	for (size_t i = 0; i < spec->subscriptions.count; i++)
		mean(&ends->right->subscriptions[i]);
	char *cleanup_free list = quoted_list(names, spec->subscriptions.count);
	return refuse(ends, ends->edge->to_mark, "edge-port", NULL,
		memory_format("a topic needs a subscription: %s has %s", ends->to->label,
			spec->subscriptions.count ? list : "none"));
}

/* A handle's edge that names something behind the server. */
static int call_to_port(const struct ends *ends)
{
	const struct edge *edge = ends->edge;
	const struct implementation_spec *right = ends->right->spec;
	char *call = memory_format("`%s.%s -> %s`", ends->from->label, edge->from_port, ends->to->label), *message;
	if (right && implementation_subscription(right, edge->to_port))
		message = memory_format("`%s.%s` is a handle, it cannot publish to `%s.%s`; to call %s, write %s",
			ends->from->label, edge->from_port, ends->to->label, edge->to_port, ends->to->label, call);
	else
		message = memory_format("calls go to a node, not to a %s: write %s",
			!right || implementation_method(right, edge->to_port) ? "method" : "port", call);
	free(call);
	return refuse(ends, edge->to_mark, "edge-port", NULL, message);
}

static int topic_to_no_subscription(const struct ends *ends)
{
	const struct implementation_spec *right = ends->right->spec;
	const struct edge *edge = ends->edge;
	const char *kind = implementation_handle(right, edge->to_port) ? "handle" :
		implementation_method(right, edge->to_port) ? "method" :
		implementation_topic(right, edge->to_port) ? "topic" : NULL;
	if (kind)
		return refuse(ends, edge->to_mark, "edge-port", NULL, memory_format(
			"`%s.%s` is a %s, it cannot receive a topic", ends->to->label, edge->to_port, kind));
	NAMES_OF(right->subscriptions, names);
	return no_port(ends, false, names, right->subscriptions.count);
}

/* The left port is neither a handle nor a topic, or not the one that this edge needs. */
static int wrong_left_port(const struct ends *ends)
{
	const struct implementation_spec *left = ends->left->spec, *right = ends->right->spec;
	const struct edge *edge = ends->edge;
	bool subscription = implementation_subscription(left, edge->from_port);
	if (edge->to_port && right && implementation_handle(right, edge->to_port) &&
	    implementation_method(left, edge->from_port))
		return reversed(ends, "caller", NULL);
	if (subscription && edge->to_port && right && implementation_topic(right, edge->to_port))
		return reversed(ends, "publisher", NULL);
	if (subscription && !edge->to_port && right && implementation_topic(right, edge->from_port))
		return reversed(ends, "publisher", edge->from_port);
	if (subscription)
		return refuse(ends, edge->from_mark, "edge-direction", NULL, memory_format(
			"`%s.%s` is a subscription, it stands on the right of an arrow: `NODE.TOPIC -> %s.%s`",
			ends->from->label, edge->from_port, ends->from->label, edge->from_port));
	if (edge->to_port) {
		NAMES_OF(left->topics, topics);
		return no_port(ends, true, topics, left->topics.count);
	}
	NAMES_OF(left->handles, handles);
	return no_port(ends, true, handles, left->handles.count);
}

/* ---- edges with the right kinds of ends ---- */

/* Each method that the handle calls must be served. */
static int check_methods(const struct ends *ends, const struct handle_spec *handle)
{
	const struct implementation_spec *right = ends->right->spec;
	int bad = 0;
	for (size_t i = 0; right && i < handle->calls.count; i++) {
		if (mirrors_serve(ends->binder, ends->edge->to, handle->calls.at[i]))
			continue;
		struct text cleanup_text server = { 0 };
		mirrors_describe(ends->binder, ends->edge->to, &server);
		bad = refuse(ends, ends->edge->to_mark, "edge-method", NULL,
			memory_format("%s.%s calls `%s`; %s", ends->from->label, handle->name, handle->calls.at[i], server.data));
	}
	return bad;
}

/* How many the first and the last replica get: every map gives the first no fewer than any other, the last no more. */
static void count_servers(const struct ends *ends, int64_t *most, int64_t *least)
{
	const struct topology *topology = ends->binder->topology;
	if (ends->from->unsure || ends->to->unsure) {
		*most = *least = 1;     /* at least; the right number is not known */
		return;
	}
	if (ends->edge->map == MAP_ALL) {
		*most = *least = ends->to->replicas;
		return;
	}
	size_t count;
	free(edge_servers(topology, ends->edge, 0, &count));
	*most = (int64_t)count;
	free(edge_servers(topology, ends->edge, ends->from->replicas - 1, &count));
	*least = (int64_t)count;
}

static int too_many(const struct ends *ends, const struct handle_spec *handle, const struct port_use *use)
{
	const struct edge *edge = ends->edge;
	const char *where = ends->left->shown ? ends->left->shown : "its declaration";
	char *message, *cleanup_free hint = NULL;
	if (use->first >= 0) {
		const struct edge *first = &ends->binder->topology->edges.at[use->first];
		char *cleanup_free place = mark_text(first->mark);
		message = memory_format("%s.%s takes one server, but it is joined to %s too (%s)", ends->from->label,
			handle->name, ends->binder->topology->groups.at[first->to].label, place);
		hint = memory_format("leave one of the two edges out, or declare the handle LPAD_MANY in %s", where);
	} else {
		message = memory_format("%s.%s takes one server, but %s has %d replicas", ends->from->label, handle->name,
			ends->to->label, ends->to->replicas);
		hint = edge->map == MAP_ALL && ends->from->replicas >= ends->to->replicas ?
			memory_format("add ': {map: round-robin}', or declare the handle LPAD_MANY in %s", where) :
			memory_format("declare the handle LPAD_MANY in %s", where);
	}
	return refuse(ends, edge->from_mark, "edge-arity", hint, message);
}

static int check_call(const struct ends *ends, const struct handle_spec *handle)
{
	struct port_use *use = &ends->left->handles[handle - ends->left->spec->handles.at];
	int64_t most, least;
	int bad = check_methods(ends, handle);
	count_servers(ends, &most, &least);
	if (handle->many != MANY && use->most + most > 1)
		bad = too_many(ends, handle, use);
	use->most += most;
	use->least += least;
	if (use->first < 0)
		use->first = ends->number;
	return bad;
}

static int check_topic(const struct ends *ends, const struct topic_spec *topic,
	const struct subscription_spec *subscription)
{
	struct port_use *use = &ends->right->subscriptions[subscription - ends->right->spec->subscriptions.at];
	const struct edge *edge = ends->edge;
	ends->binder->joins->edges[ends->number].keep = edge->has_keep ? edge->keep : subscription->keep;
	bind_signatures(ends->binder, edge, topic->signature, subscription->signature);
	if (use->first < 0)
		use->first = ends->number;
	/* A topic does not come back to its own publisher, so a node alone cannot subscribe to itself. */
	use->least += edge->from != edge->to || ends->to->replicas > 1 || ends->to->unsure;
	return 0;
}

static int check_edge(const struct ends *ends)
{
	const struct implementation_spec *left = ends->left->spec, *right = ends->right->spec;
	const struct edge *edge = ends->edge;
	if (!edge->from_port)
		return no_left_port(ends);
	if (!left) {            /* its module could not be had; the right side is joined all the same */
		mean(subscription_use(ends->right, edge->to_port));
		return 0;
	}
	const struct handle_spec *handle = implementation_handle(left, edge->from_port);
	const struct topic_spec *topic = implementation_topic(left, edge->from_port);
	if (!edge->to_port)
		return handle ? check_call(ends, handle) : topic ? topic_without_subscription(ends) : wrong_left_port(ends);
	if (!topic)
		return handle ? call_to_port(ends) : wrong_left_port(ends);
	if (!right)
		return 0;
	const struct subscription_spec *subscription = implementation_subscription(right, edge->to_port);
	return subscription ? check_topic(ends, topic, subscription) : topic_to_no_subscription(ends);
}

/* ---- ports that nothing joins ---- */

static const char *many_name(int many)
{
	static const char *const names[] = { [ONE] = "LPAD_ONE", [OPTIONAL] = "LPAD_OPTIONAL", [MANY] = "LPAD_MANY" };
	return names[many];
}

static void open_handle(struct binder *binder, const struct group *group, const struct handle_spec *handle)
{
	struct bound_group *bound = &binder->groups[group->number];
	char *cleanup_free hint = memory_format("add an edge `%s.%s -> NODE`%s", group->label, handle->name,
		bound->shown ? handle->many == ONE ? ", or declare the handle LPAD_OPTIONAL" : "" : "");
	if (bound->shown)
		problem_add(binder->problems, group->mark, "port-open", hint, "%s.%s has no server; it is declared %s (%s)",
			group->label, handle->name, many_name(handle->many), bound->shown);
	else
		problem_add(binder->problems, group->mark, "port-open", hint, "%s.%s has no server; it is declared in `handles`",
			group->label, handle->name);
	bound->broken = true;
}

static void open_subscription(struct binder *binder, const struct group *group, const char *name)
{
	struct bound_group *bound = &binder->groups[group->number];
	char *cleanup_free hint = memory_format("add an edge `NODE.TOPIC -> %s.%s`%s", group->label, name,
		bound->shown ? ", or declare the subscription with .optional = true" : "");
	problem_add(binder->problems, group->mark, "port-open", hint, "%s.%s has no publisher; it is declared %s%s%s",
		group->label, name, bound->shown ? "without .optional (" : "in `subscriptions`",
		bound->shown ? bound->shown : "", bound->shown ? ")" : "");
	bound->broken = true;
}

static void check_open(struct binder *binder, const struct group *group)
{
	const struct bound_group *bound = &binder->groups[group->number];
	if (!bound->spec)
		return;
	for (size_t i = 0; i < bound->spec->handles.count; i++) {
		const struct handle_spec *handle = &bound->spec->handles.at[i];
		if (handle->many != OPTIONAL && !bound->handles[i].least && !bound->handles[i].meant)
			open_handle(binder, group, handle);
	}
	for (size_t i = 0; i < bound->spec->subscriptions.count; i++)
		if (!bound->spec->subscriptions.at[i].optional && !bound->subscriptions[i].least &&
		    !bound->subscriptions[i].meant)
			open_subscription(binder, group, bound->spec->subscriptions.at[i].name);
}

/* ---- edges that could not be made ---- */

static void mean_all(struct bound_group *bound)
{
	for (size_t i = 0; bound->spec && i < bound->spec->handles.count; i++)
		mean(&bound->handles[i]);
	for (size_t i = 0; bound->spec && i < bound->spec->subscriptions.count; i++)
		mean(&bound->subscriptions[i]);
}

static void mean_lost(struct binder *binder, const struct lost_edge *lost)
{
	for (size_t g = 0; g < binder->topology->groups.count; g++) {
		struct bound_group *bound = &binder->groups[g];
		if (lost->illegible)
			mean_all(bound);
		if (lost->from < 0 || lost->from == (int)g)
			mean(handle_use(bound, lost->from_port));
		if (lost->to < 0 || lost->to == (int)g)
			mean(subscription_use(bound, lost->to_port));
		bound->broken |= lost->illegible || lost->from == (int)g || lost->to == (int)g;
	}
}

/* ---- inboxes that nobody calls ---- */

/* By this edge, or perhaps: what the caller is was not to be found out. */
static bool calls(const struct binder *binder, const struct edge *edge, const char *method)
{
	const struct implementation_spec *spec = binder->groups[edge->from].spec;
	const struct handle_spec *handle = spec && edge->from_port ? implementation_handle(spec, edge->from_port) : NULL;
	if (edge->to_port)
		return false;
	if (handle && text_equal(spec->mirrors, handle->name))  /* it passes on what others call */
		return true;
	for (size_t i = 0; handle && i < handle->calls.count; i++)
		if (!strcmp(handle->calls.at[i], method))
			return true;
	return !handle;
}

static bool is_called(const struct binder *binder, const struct group *group, const char *method)
{
	size_t count;
	const int *edges = joins_to(binder->joins, group->number, &count);
	for (size_t i = 0; i < count; i++)
		if (calls(binder, &binder->topology->edges.at[edges[i]], method))
			return true;
	bool many = binder->topology->lost.count > LOST_MOST;
	for (size_t i = 0; !many && i < binder->topology->lost.count; i++) {
		const struct lost_edge *lost = &binder->topology->lost.at[i];
		if (!lost->to_port && (lost->to < 0 || lost->to == group->number))
			return true;
	}
	return many;
}

/* The run of a service may wait for ever: nobody waits for it, and what is never called from within may be called by `lpad call`. */
static void check_inboxes(struct binder *binder, const struct group *group)
{
	const struct implementation_spec *spec = group->command ? NULL : binder->groups[group->number].spec;
	for (size_t i = 0; spec && !spec->service && i < spec->methods.count; i++) {
		const char *name = spec->methods.at[i].name;
		if (!spec->methods.at[i].inbox || is_called(binder, group, name))
			continue;
		char *cleanup_free hint = memory_format("add an edge `NODE.HANDLE -> %s` from a handle that calls `%s`",
			group->label, name);
		problem_warn(binder->problems, group->mark, "inbox-uncalled", hint,
			"nobody calls %s.%s: its inbox stays empty", group->label, name);
	}
}

void bind_ports(struct binder *binder)
{
	struct topology *topology = binder->topology;
	for (size_t i = 0; i < topology->edges.count; i++) {
		const struct edge *edge = &topology->edges.at[i];
		struct ends ends = { binder, edge, (int)i, &topology->groups.at[edge->from], &topology->groups.at[edge->to],
			&binder->groups[edge->from], &binder->groups[edge->to] };
		check_edge(&ends);
		ends.left->broken |= ends.to->unsure;
		ends.right->broken |= ends.from->unsure;
	}
	static const struct lost_edge any = { .from = -1, .to = -1, .illegible = true };
	if (topology->lost.count > LOST_MOST)
		mean_lost(binder, &any);
	for (size_t i = 0; topology->lost.count <= LOST_MOST && i < topology->lost.count; i++)
		mean_lost(binder, &topology->lost.at[i]);
	for (size_t g = 0; g < topology->groups.count; g++) {
		binder->groups[g].broken |= topology->groups.at[g].unsure;
		check_open(binder, &topology->groups.at[g]);
		check_inboxes(binder, &topology->groups.at[g]);
	}
}
