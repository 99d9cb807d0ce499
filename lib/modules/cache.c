/* SPDX-License-Identifier: MIT */
/*
 * cache: stands in front of a server, offers its methods, and answers those named from what the server said before. In prose:
 * lpad-cache(7).
 *
 * An entry is a method and a request. Those who ask while nothing fresh is there wait together for one call to the server. The
 * entries are used by the service thread, and by `run`, which asks anew for what was asked for: under the node's lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

struct waiting {
	struct waiting *next;
	lpad_call *call;
};

struct entry {
	lpad_node *node;
	struct entry *next;             /* the last used comes first */
	char *method;
	lpad_message *request, *reply;  /* reply NULL: there never was one */
	lpad_deadline fresh;            /* the reply, until then */
	lpad_deadline asked;            /* what is under way will be fresh until then */
	bool under_way;
	bool wanted;                    /* since the last refresh */
	struct waiting *waiting;        /* in the order in which they came */
};

struct cache {
	lpad_texts methods;
	double refresh, stale_after;
	int64_t entries;                /* at most */
	lpad_handle *server;
	struct entry *first;
	int64_t count, hits, misses;
	int64_t reported;
};

/* ---- check ---- */

/* "pull, push" */
static char *offered(struct cache *me, char *text, size_t room)
{
	const char *const *names;
	int count = lpad_methods(me->server, 0, &names);
	size_t length = 0;
	snprintf(text, room, "none");
	for (int i = 0; i < count && length < room; i++)
		length += (size_t)snprintf(text + length, room - length, "%s%s", i ? ", " : "", names[i]);
	return text;
}

static bool has(struct cache *me, const char *method)
{
	const char *const *names;
	int count = lpad_methods(me->server, 0, &names);
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], method))
			return true;
	return false;
}

static int check(lpad_node *node)
{
	struct cache *me = lpad_state(node);
	char text[512];
	if (!me->methods.count)
		return lpad_fail(node, "params.methods: names no method; %s has: %s", lpad_server(me->server, 0),
			offered(me, text, sizeof text));
	for (size_t i = 0; i < me->methods.count; i++) {
		const char *method = me->methods.at[i];
		if (!has(me, method))
			return lpad_fail(node, "params.methods: %s has no method %s; it has: %s", lpad_server(me->server, 0), method,
				offered(me, text, sizeof text));
		if (!lpad_idempotent(me->server, 0, method))
			return lpad_fail(node, "params.methods: %s of %s is not idempotent: one answer cannot stand for another call of it",
				method, lpad_server(me->server, 0));
	}
	return 0;
}

/* ---- entries; the lock is held ---- */

static bool same_request(const lpad_message *a, const lpad_message *b)
{
	return lpad_kind(a) == lpad_kind(b) && lpad_size(a) == lpad_size(b)
	    && !memcmp(lpad_content(a), lpad_content(b), lpad_size(a));
}

static struct entry **find(struct cache *me, const char *method, const lpad_message *request)
{
	struct entry **at = &me->first;
	while (*at && (strcmp((*at)->method, method) || !same_request((*at)->request, request)))
		at = &(*at)->next;
	return at;
}

static void free_entry(struct entry *entry)
{
	lpad_free(entry->request);
	lpad_free(entry->reply);
	free(entry->method);
	free(entry);
}

static void remove_entry(struct cache *me, struct entry *entry)
{
	struct entry **at = &me->first;
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	me->count--;
	free_entry(entry);
}

/* Room for one more: the one whose last use is longest ago goes, but for those that somebody waits for. */
static bool make_room(struct cache *me)
{
	struct entry *oldest = NULL;
	if (me->count < me->entries)
		return true;
	for (struct entry *entry = me->first; entry; entry = entry->next)
		if (!entry->under_way)
			oldest = entry;
	if (oldest)
		remove_entry(me, oldest);
	return oldest != NULL;
}

static struct entry *new_entry(lpad_node *node, struct cache *me, const char *method, const lpad_message *request)
{
	struct entry *entry = calloc(1, sizeof *entry);
	size_t length = strlen(method) + 1;
	if (entry)
		entry->method = malloc(length);
	if (!entry || !entry->method) {
		free(entry);
		return NULL;
	}
	memcpy(entry->method, method, length);
	entry->node = node;
	entry->request = lpad_share(request);
	entry->next = me->first;
	me->first = entry;
	me->count++;
	return entry;
}

/* The entry of this call, first among all; NULL: there is no room for one. */
static struct entry *entry_for(lpad_node *node, struct cache *me, const lpad_call *call)
{
	const char *method = lpad_method_name(call);
	struct entry **at = find(me, method, lpad_request(call)), *entry = *at;
	if (!entry)
		return make_room(me) ? new_entry(node, me, method, lpad_request(call)) : NULL;
	*at = entry->next;
	entry->next = me->first;
	me->first = entry;
	return entry;
}

static bool is_fresh(const struct entry *entry)
{
	return entry->reply && entry->fresh.at > lpad_in(0).at;
}

/* ---- asking the server ---- */

static void answer_or_refuse(lpad_call *call, int code, const lpad_message *reply, const char *text)
{
	if (code)
		lpad_refuse(call, code, "%s", text);
	else
		lpad_answer(call, lpad_share(reply));
}

/* The server has answered: an error goes to those who wait, and what was known before stays, until it is stale. */
static void fetched(lpad_node *node, lpad_future *future, void *context)
{
	struct cache *me = lpad_state(node);
	struct entry *entry = context;
	lpad_message *reply = NULL;
	char text[1024];
	int code = lpad_wait(future, &reply);
	snprintf(text, sizeof text, "%s", code ? lpad_error() : "");
	lpad_lock(node);
	struct waiting *waiting = entry->waiting;
	entry->waiting = NULL;
	entry->under_way = false;
	if (!code) {
		lpad_free(entry->reply);
		entry->reply = lpad_share(reply);
		entry->fresh = entry->asked;
	} else if (!is_fresh(entry))
		remove_entry(me, entry);
	lpad_unlock(node);
	while (waiting) {
		struct waiting *next = waiting->next;
		answer_or_refuse(waiting->call, code, reply, text);
		free(waiting);
		waiting = next;
	}
	lpad_free(reply);
}

/* The age of an answer counts from the question. */
static void fetch(struct cache *me, struct entry *entry)
{
	entry->under_way = true;
	entry->asked = lpad_in(me->stale_after);
	lpad_then(lpad_start(me->server, 0, entry->method, lpad_share(entry->request), lpad_default()), fetched, entry);
}

static int wait_for(struct cache *me, struct entry *entry, lpad_call *call)
{
	struct waiting **at = &entry->waiting, *waiting = malloc(sizeof *waiting);
	if (!waiting)
		return lpad_fail(entry->node, "out of memory");
	while (*at)
		at = &(*at)->next;
	*waiting = (struct waiting){ .call = call };
	*at = waiting;
	if (!entry->under_way)
		fetch(me, entry);
	return LPAD_LATER;
}

/* ---- calls ---- */

static void passed(lpad_node *node, lpad_future *future, void *context)
{
	lpad_message *reply = NULL;
	int code = lpad_wait(future, &reply);
	(void)node;
	answer_or_refuse(context, code, reply, code ? lpad_error() : "");
	lpad_free(reply);
}

static int pass(struct cache *me, lpad_call *call)
{
	lpad_then(lpad_start(me->server, 0, lpad_method_name(call), lpad_share(lpad_request(call)), lpad_default()), passed, call);
	return LPAD_LATER;
}

static bool is_named(const struct cache *me, const char *method)
{
	for (size_t i = 0; i < me->methods.count; i++)
		if (!strcmp(me->methods.at[i], method))
			return true;
	return false;
}

/* Lock held. */
static int look_up(lpad_node *node, struct cache *me, lpad_call *call)
{
	struct entry *entry = entry_for(node, me, call);
	if (!entry || !is_fresh(entry))
		me->misses++;
	if (!entry)
		return pass(me, call);
	entry->wanted = true;
	if (!is_fresh(entry))
		return wait_for(me, entry, call);
	me->hits++;
	return lpad_answer(call, lpad_share(entry->reply));
}

static int forward(lpad_node *node, lpad_call *call)
{
	struct cache *me = lpad_state(node);
	if (!is_named(me, lpad_method_name(call)))
		return pass(me, call);
	lpad_lock(node);
	int code = look_up(node, me, call);
	lpad_unlock(node);
	return code;
}

/* ---- from time to time ---- */

static void refresh(lpad_node *node, struct cache *me)
{
	lpad_lock(node);
	for (struct entry *entry = me->first; entry; entry = entry->next) {
		if (entry->wanted && !entry->under_way)
			fetch(me, entry);
		entry->wanted = false;
	}
	lpad_unlock(node);
}

static void report(lpad_node *node, struct cache *me)
{
	lpad_lock(node);
	int64_t hits = me->hits, misses = me->misses;
	bool news = hits + misses != me->reported;
	me->reported = hits + misses;
	lpad_unlock(node);
	if (!news)
		return;
	lpad_report(node, "hits", (double)hits, hits + misses);
	lpad_report(node, "misses", (double)misses, hits + misses);
}

static int run(lpad_node *node)
{
	struct cache *me = lpad_state(node);
	lpad_deadline next_report = lpad_in(1);
	while (lpad_wait_stop(node, me->refresh > 0 ? lpad_in(me->refresh) : next_report)) {
		if (me->refresh > 0)
			refresh(node, me);
		if (next_report.at <= lpad_in(0).at) {
			report(node, me);
			next_report = lpad_in(1);
		}
	}
	return LPAD_ESTOPPED;
}

/* What was under way has ended by now. */
static void fini(lpad_node *node)
{
	struct cache *me = lpad_state(node);
	report(node, me);
	while (me->first)
		remove_entry(me, me->first);
}

static const lpad_param params[] = {
	LPAD_TEXTS(struct cache, methods, NULL, "the methods whose answers are kept: idempotent ones of the server"),
	LPAD_DURATION(struct cache, refresh, "0s", "0s..", "how often the server is asked anew for what was asked for; 0: only when it is stale"),
	LPAD_DURATION(struct cache, stale_after, "1s", "0s..", "the oldest answer that is given; a caller waits for a newer one"),
	LPAD_INT(struct cache, entries, "64", "1..", "answers kept at most; the one used longest ago goes"),
	LPAD_END
};
static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct cache, server, LPAD_ONE, "", "whose answers are kept"),
	LPAD_END
};

LPAD_MODULE({ .name = "cache", .help = "answers for a server, from what it said before", .state = sizeof(struct cache),
	.params = params, .handles = handles, .check = check, .run = run, .fini = fini, .service = true, .mirrors = "server",
	.forward = forward });
