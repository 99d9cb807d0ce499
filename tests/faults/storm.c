/* SPDX-License-Identifier: MIT */
/*
 * Nodes of a program in which everything goes wrong, for storm.py, which kills, stops and resumes them. Each writes what
 * it did into ledgers of its own folder, one write(2) per line, so that a killed one leaves what it had written:
 *
 *   server   executed ID                               one execution of a call, before its answer
 *   client   began ID METHOD IDEMPOTENT DEADLINE_US    (-1: none)
 *            ended ID CODE TOOK_US AT_US             (of CLOCK_MONOTONIC)
 *   source   published TOPIC NUMBER                    after lpad_publish returned 0
 *   sink     received PORT SOURCE INCARNATION NUMBER
 *   each     file name: WHAT.INCARNATION
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <lpad/node.h>

enum { LINE = 200, CONTROL = 3 };

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- ledgers ---- */

static int open_ledger(lpad_node *node, const char *what)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s.%d", lpad_folder(node), what, lpad_incarnation(node));
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((format(printf, 2, 3)))
static void note(int ledger, const char *format, ...)
{
	char line[LINE];
	va_list list;
	va_start(list, format);
	int length = vsnprintf(line, sizeof line - 1, format, list);
	va_end(list);
	line[length] = '\n';
	if (write(ledger, line, (size_t)length + 1) != length + 1)
		abort();
}

/* ---- what a node does to itself: its connections break, a child of it keeps them ---- */

/* One of the connected sockets of this process, but for the control channel, is cut. */
static void cut_a_connection(lpad_rng *rng)
{
	int found[256], count = 0;
	DIR *folder = opendir("/proc/self/fd");
	for (struct dirent *entry; folder && (entry = readdir(folder)) && count < 256; ) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof peer;
		int fd = atoi(entry->d_name);
		if (fd > CONTROL && fd != dirfd(folder) && !getpeername(fd, (struct sockaddr *)&peer, &size))
			found[count++] = fd;
	}
	if (folder)
		closedir(folder);
	if (count)
		shutdown(found[lpad_random_below(rng, (uint64_t)count)], SHUT_RDWR);
}

/* It holds every socket of ours until it is killed. The plain system call: no handler of a library may run in the child. */
static void fork_a_keeper(void)
{
	if (syscall(SYS_fork) == 0)
		for (;;)
			pause();
}

static void misbehave(lpad_rng *rng, int64_t cuts_per_million, int64_t forks_per_million)
{
	uint64_t draw = lpad_random_below(rng, 1000000);
	if (draw < (uint64_t)cuts_per_million)
		cut_a_connection(rng);
	else if (draw < (uint64_t)(cuts_per_million + forks_per_million))
		fork_a_keeper();
}

/* ---- server ---- */

enum { KEPT_MOST = 256 };
struct server {
	int64_t cuts, forks;
	lpad_inbox *boxed;
	int ledger;
	lpad_rng rng;                   /* of the service thread */
	lpad_call *kept[KEPT_MOST];
	int kept_count;
};

/* "ID" in the request, or the numbers of a batch. */
static int execute(lpad_node *node, lpad_call *call)
{
	const struct server *me = lpad_state(node);
	const lpad_message *request = lpad_request(call);
	const int64_t *id = lpad_body(request, sizeof *id);
	if (!id)
		return LPAD_EINVALID;
	note(me->ledger, "executed %lld", (long long)*id);
	return lpad_answer(call, lpad_share(request));
}

static int plain(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	misbehave(&me->rng, me->cuts, me->forks);
	return execute(node, call);
}

static int safe(lpad_node *node, lpad_call *call)
{
	return execute(node, call);
}

static int threaded(lpad_node *node, lpad_call *call)
{
	struct timespec moment = { .tv_nsec = 300000 };
	nanosleep(&moment, NULL);
	return execute(node, call);
}

/* Answered by whichever comes eight later, or when the caller no longer waits. */
static int kept(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	if (me->kept_count == KEPT_MOST)
		return LPAD_EBUSY;
	me->kept[me->kept_count++] = call;
	while (me->kept_count > 2) {
		lpad_call *first = me->kept[0];
		memmove(me->kept, me->kept + 1, (size_t)--me->kept_count * sizeof first);
		if (execute(node, first) == LPAD_EINVALID)
			lpad_refuse(first, LPAD_EINVALID, "no number");
	}
	return LPAD_LATER;
}

static void kept_gone(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	for (int i = 0; i < me->kept_count; i++)
		if (me->kept[i] == call) {
			memmove(me->kept + i, me->kept + i + 1, (size_t)(--me->kept_count - i) * sizeof call);
			lpad_refuse(call, LPAD_ECANCELLED, "nobody waits");
			return;
		}
}

static int batched(lpad_node *node, lpad_call *call)
{
	const struct server *me = lpad_state(node);
	const int64_t *ids = lpad_view(lpad_request(call), "id", LPAD_I64, 1, (const int64_t[]){ -1 });
	if (!ids)
		return LPAD_EINVALID;
	for (int i = 0; i < lpad_batch(call); i++)
		note(me->ledger, "executed %lld", (long long)ids[i]);
	return lpad_answer(call, lpad_share(lpad_request(call)));
}

static int server_init(lpad_node *node)
{
	struct server *me = lpad_state(node);
	me->ledger = open_ledger(node, "executed");
	me->rng = lpad_random(node, "faults");
	return me->ledger < 0 ? LPAD_EIO : 0;
}

static int server_run(lpad_node *node)
{
	struct server *me = lpad_state(node);
	lpad_call *call;
	int code;
	while (!(code = lpad_next(me->boxed, &call, lpad_never())))
		if (execute(node, call) == LPAD_EINVALID)
			lpad_refuse(call, LPAD_EINVALID, "no number");
	return code;
}

/* ---- client ---- */

enum { FUTURES = 8 };
struct client {
	int64_t calls, cuts;
	lpad_handle *servers;
	int ledger;
	lpad_rng rng;
	int64_t number;
};

static const struct kind {
	const char *method;
	bool idempotent, batched;
} kinds[] = {
	{ "plain", false, false }, { "safe", true, false }, { "threaded", false, false }, { "boxed", false, false },
	{ "kept", false, false }, { "batched", false, true }, { "refused", false, false },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct going {
	int64_t id, began_us;
	lpad_future *future;
};

static lpad_message *request_for(const struct kind *kind, int64_t id)
{
	if (!kind->batched)
		return lpad_bytes(&id, sizeof id);
	lpad_message *message = lpad_tensors(1, (const lpad_tensor[]){ { "id", LPAD_I64, 0, { 0 } } });
	memcpy(lpad_data(message, "id"), &id, sizeof id);
	return message;
}

/* A deadline for most: a kept call may wait for others that never come. */
static double choose_limit(struct client *me, const struct kind *kind)
{
	static const double limits[] = { 0.002, 0.02, 0.2, 1, 1, 1 };
	bool none = kind->idempotent && lpad_random_below(&me->rng, 4) == 0;
	return none ? -1 : limits[lpad_random_below(&me->rng, sizeof limits / sizeof limits[0])];
}

static int64_t begin(lpad_node *node, struct client *me, const struct kind *kind, double limit)
{
	int64_t id = ((int64_t)lpad_index(node) << 48) | ((int64_t)lpad_incarnation(node) << 32) | ++me->number;
	note(me->ledger, "began %lld %s %d %lld", (long long)id, kind->method, kind->idempotent,
		limit < 0 ? -1 : (long long)(limit * 1e6));
	return id;
}

static void end(struct client *me, const struct going *going, int code)
{
	int64_t now = now_us();
	note(me->ledger, "ended %lld %d %lld %lld", (long long)going->id, code, (long long)(now - going->began_us), (long long)now);
}

static int one_call(lpad_node *node, struct client *me, const struct kind *kind)
{
	double limit = choose_limit(me, kind);
	lpad_message *reply = NULL;
	int place = lpad_random_below(&me->rng, 2) ? LPAD_ANY : (int)lpad_random_below(&me->rng, (uint64_t)lpad_count(me->servers));
	struct going going = { .id = begin(node, me, kind, limit), .began_us = now_us() };
	int code = lpad_call_to(me->servers, place, kind->method, request_for(kind, going.id), &reply,
		limit < 0 ? lpad_never() : lpad_in(limit));
	end(me, &going, code);
	lpad_free(reply);
	return code;
}

static int several_calls(lpad_node *node, struct client *me, const struct kind *kind)
{
	struct going all[FUTURES];
	lpad_future *futures[FUTURES];
	int code = 0, left = FUTURES;
	for (int i = 0; i < FUTURES; i++) {
		double limit = choose_limit(me, kind);
		all[i] = (struct going){ .id = begin(node, me, kind, limit), .began_us = now_us() };
		futures[i] = lpad_start(me->servers, LPAD_ANY, kind->method, request_for(kind, all[i].id),
			limit < 0 ? lpad_never() : lpad_in(limit));
	}
	if (lpad_random_below(&me->rng, 4) == 0) {
		int victim = (int)lpad_random_below(&me->rng, FUTURES);
		lpad_cancel(futures[victim]);
		futures[victim] = NULL;
		end(me, &all[victim], LPAD_ECANCELLED);
		left--;
	}
	while (left) {
		int place = lpad_wait_any(futures, FUTURES, lpad_never());
		if (place < 0)
			return place;
		code = lpad_wait(futures[place], NULL);
		futures[place] = NULL;
		end(me, &all[place], code);
		left--;
	}
	return 0;
}

static int client_init(lpad_node *node)
{
	struct client *me = lpad_state(node);
	me->ledger = open_ledger(node, "called");
	me->rng = lpad_random(node, "calls");
	return me->ledger < 0 ? LPAD_EIO : 0;
}

static int client_run(lpad_node *node)
{
	struct client *me = lpad_state(node);
	for (int64_t i = 0; i < me->calls; i++) {
		const struct kind *kind = &kinds[lpad_random_below(&me->rng, KINDS)];
		misbehave(&me->rng, me->cuts, 0);
		int code = lpad_random_below(&me->rng, 3) ? one_call(node, me, kind) : several_calls(node, me, kind);
		if (code == LPAD_ESTOPPED)
			return code;
	}
	note(me->ledger, "complete");
	return 0;
}

/* ---- source and sink ---- */

struct source {
	int64_t messages, cuts;
	lpad_topic *topics[4];
	int ledger;
	lpad_rng rng;
};
static const char *const topic_names[] = { "every", "some", "newest", "pushed" };

static int source_init(lpad_node *node)
{
	struct source *me = lpad_state(node);
	me->ledger = open_ledger(node, "published");
	me->rng = lpad_random(node, "messages");
	return me->ledger < 0 ? LPAD_EIO : 0;
}

static int source_run(lpad_node *node)
{
	struct source *me = lpad_state(node);
	for (int64_t number = 1; number <= me->messages; number++)
		for (int i = 0; i < 4; i++) {
			size_t size = lpad_random_below(&me->rng, 64) ? sizeof number : 100000;
			lpad_message *message = lpad_bytes(NULL, size);
			memcpy(lpad_fill(message), &number, sizeof number);
			misbehave(&me->rng, me->cuts, 0);
			int code = lpad_publish(me->topics[i], message);
			if (code)
				return code;
			note(me->ledger, "published %s %lld", topic_names[i], (long long)number);
			if (i == 3 && number % 16 == 0)
				lpad_wait_stop(node, lpad_in(0.002));
		}
	note(me->ledger, "complete");
	return 0;
}

struct sink {
	lpad_subscription *some, *newest, *pushed;
	int ledger;
	lpad_rng rng;
};

static int write_received(const struct sink *me, const char *port, const lpad_message *message)
{
	int64_t value;
	const void *body = lpad_body(message, lpad_size(message));
	if (!body || lpad_size(message) < sizeof value)
		return LPAD_EBROKEN;
	memcpy(&value, body, sizeof value);
	note(me->ledger, "received %s %s %d %lld", port, lpad_sender(message), lpad_sender_incarnation(message), (long long)value);
	return 0;
}

static int every(lpad_node *node, const lpad_message *message)
{
	return write_received(lpad_state(node), "every", message);
}

static int sink_init(lpad_node *node)
{
	struct sink *me = lpad_state(node);
	me->ledger = open_ledger(node, "received");
	me->rng = lpad_random(node, "reads");
	return me->ledger < 0 ? LPAD_EIO : 0;
}

/* Round and round; a subscription whose publishers have all ended is left out. */
static int sink_run(lpad_node *node)
{
	struct sink *me = lpad_state(node);
	lpad_subscription *ports[] = { me->some, me->newest, me->pushed };
	static const char *const names[] = { "some", "newest", "pushed" };
	(void)node;
	for (int left = 3; left; )
		for (int i = 0; i < 3; i++) {
			lpad_message *message;
			if (!ports[i])
				continue;
			int code = lpad_take(ports[i], &message, lpad_in(0.01));
			if (code == LPAD_EENDED) {
				ports[i] = NULL;
				left--;
			} else if (!code) {
				code = write_received(me, names[i], message);
				lpad_free(message);
				if (code)
					return code;
			} else if (code != LPAD_ETIMEDOUT)
				return code;
		}
	note(me->ledger, "complete");
	return 0;
}

/* ---- declarations ---- */

static const lpad_param server_params[] = {
	LPAD_INT(struct server, cuts, "300", "0..", "connections cut, per million calls"),
	LPAD_INT(struct server, forks, "100", "0..", "children forked, per million calls"),
	LPAD_END
};
static const lpad_method server_methods[] = {
	LPAD_METHOD(plain, "executed once"),
	LPAD_METHOD(safe, "may be executed again", .idempotent = true),
	LPAD_METHOD(threaded, "on threads of its own", .threads = 2),
	LPAD_INBOX(struct server, boxed, "taken by run", .queue = 4),
	LPAD_METHOD(kept, "answered later", .gone = kept_gone),
	LPAD_METHOD(batched, "four at once", .batch = 4, .batch_wait = 0.005),
	LPAD_METHOD_AS("refused", threaded, "a full queue refuses", .threads = 1, .queue = 1, .full = LPAD_REFUSE),
	LPAD_END
};
static const lpad_param client_params[] = {
	LPAD_INT(struct client, calls, "1000", "0..", "rounds of calls"),
	LPAD_INT(struct client, cuts, "300", "0..", "connections cut, per million rounds"),
	LPAD_END
};
static const lpad_handle_decl client_handles[] = {
	LPAD_HANDLE(struct client, servers, LPAD_MANY, "plain safe threaded boxed kept batched refused", "who executes"),
	LPAD_END
};
static const lpad_param source_params[] = {
	LPAD_INT(struct source, messages, "1000", "0..", "on each topic"),
	LPAD_INT(struct source, cuts, "300", "0..", "connections cut, per million messages"),
	LPAD_END
};
static const lpad_topic_decl source_topics[] = {
	LPAD_TOPIC_AS("every", struct source, topics[0], "all of it"),
	LPAD_TOPIC_AS("some", struct source, topics[1], "a queue"),
	LPAD_TOPIC_AS("newest", struct source, topics[2], "the newest, fetched"),
	LPAD_TOPIC_AS("pushed", struct source, topics[3], "the newest, pushed"),
	LPAD_END
};
static const lpad_subscription_decl sink_subscriptions[] = {
	LPAD_ON(every, LPAD_ALL, "all of it"),
	LPAD_SUBSCRIPTION(struct sink, some, 8, "a queue"),
	LPAD_SUBSCRIPTION(struct sink, newest, LPAD_LATEST, "the newest, fetched"),
	LPAD_SUBSCRIPTION(struct sink, pushed, LPAD_LATEST, "the newest, pushed"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "server", .state = sizeof(struct server), .service = true, .params = server_params, .methods = server_methods,
	  .init = server_init, .run = server_run },
	{ .name = "client", .state = sizeof(struct client), .params = client_params, .handles = client_handles,
	  .init = client_init, .run = client_run },
	{ .name = "source", .state = sizeof(struct source), .params = source_params, .topics = source_topics,
	  .init = source_init, .run = source_run },
	{ .name = "sink", .state = sizeof(struct sink), .subscriptions = sink_subscriptions,
	  .init = sink_init, .run = sink_run });
