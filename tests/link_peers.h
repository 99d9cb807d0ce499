/* SPDX-License-Identifier: MIT */
/*
 * Nodes that call each other, for unit tests of lib/link: all alike, each with the handle "peers" onto all of them (its own
 * place included), the same methods, a thread that ticks and one for its callbacks. Those that are not opened here live in
 * another process.
 */
#ifndef TESTS_LINK_PEERS_H
#define TESTS_LINK_PEERS_H

#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "link/link.h"
#include "link/message.h"
#include "link_transport.h"

enum { PEERS_MOST = 4, PEERS_TOKEN = 815, LONGEST = 100 << 20, HELD_MOST = 10240 };
enum { ECHO, ORDER, HOLD, RELEASE, FAIL, SILENT, TWICE, BOX, NARROW, WIDE, SAFE, SELF, FOUR, METHODS };

struct peer {
	struct link *link;
	lpad_handle *peers;
	int number, incarnation;
	char address[200];
	pthread_t ticker, workers[8];
	int worker_count;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wired, drained, woken, quit;       /* lock */
	int restarts;                           /* lock */
	struct peer_spec restarted;             /* lock: the last; its name is borrowed */
	char why[100];
	int notes;                              /* lock */
	char note[500];                         /* lock: the last */
	/* what the callbacks do; of the service thread, but for the atomics */
	lpad_call *held[HELD_MOST];
	int held_count;
	uint64_t next;
	atomic_int disorder, executed, gone, second_code;
	sem_t gate;                             /* NARROW and WIDE wait for it */
	atomic_int entered;
	pthread_barrier_t four;
};

static char peers_folder[120];
static int peers_count;

/* ---- callbacks ---- */

static inline int do_echo(struct peer *peer, lpad_call *call)
{
	peer->executed++;
	return call_answer(call, message_share(call_request(call)));
}

static inline int do_order(struct peer *peer, lpad_call *call)
{
	const uint64_t *number = message_body(call_request(call), sizeof *number);
	peer->disorder += !number || *number != peer->next++;
	return call_answer(call, NULL);
}

static inline int do_hold(struct peer *peer, lpad_call *call)
{
	peer->held[peer->held_count++] = call;
	peer->entered++;
	return LPAD_LATER;
}

static inline int do_release(struct peer *peer, lpad_call *call)
{
	for (int i = 0; i < peer->held_count; i++)
		call_answer(peer->held[i], message_share(call_request(peer->held[i])));
	peer->held_count = 0;
	call_answer(call, NULL);
	return LPAD_LATER;
}

/* The request is the code; a text stands behind it, or not. */
static inline int do_fail(struct peer *peer, lpad_call *call)
{
	const char *body = message_content(call_request(call));
	int code = *(const int *)(const void *)body;
	(void)peer;
	if (message_size(call_request(call)) > sizeof code)
		fault_set(code, "%s", body + sizeof code);
	return code;
}

static inline int do_silent(struct peer *peer, lpad_call *call)
{
	(void)peer, (void)call;
	return 0;
}

static inline int do_twice(struct peer *peer, lpad_call *call)
{
	call_answer(call, NULL);
	peer->second_code = call_answer(call, NULL);
	return 0;
}

static inline int do_gated(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	while (sem_wait(&peer->gate))
		;
	return do_echo(peer, call);
}

static inline int do_safe(struct peer *peer, lpad_call *call)
{
	int32_t me[2] = { peer->number, peer->incarnation };
	if (message_size(call_request(call)))           /* anything: keep it */
		return do_hold(peer, call);
	peer->entered++;
	peer->executed++;
	return call_answer(call, message_bytes(me, sizeof me));
}

static inline int do_self(struct peer *peer, lpad_call *call)
{
	int code = handle_call(peer->peers, peer->number, "echo", NULL, NULL, (lpad_deadline){ INT64_MAX });
	return code ? code : call_answer(call, NULL);
}

static inline int do_four(struct peer *peer, lpad_call *call)
{
	pthread_barrier_wait(&peer->four);              /* returns only if four run at once */
	return call_answer(call, NULL);
}

static int (*const callbacks[METHODS])(struct peer *, lpad_call *) = {
	[ECHO] = do_echo, [ORDER] = do_order, [HOLD] = do_hold, [RELEASE] = do_release, [FAIL] = do_fail,
	[SILENT] = do_silent, [TWICE] = do_twice, [NARROW] = do_gated, [WIDE] = do_gated, [SAFE] = do_safe,
	[SELF] = do_self, [FOUR] = do_four,
};
static const struct method_link peer_methods[METHODS] = {
	[ECHO] = { .name = "echo" }, [ORDER] = { .name = "order" }, [HOLD] = { .name = "hold", .has_gone = true },
	[RELEASE] = { .name = "release" }, [FAIL] = { .name = "fail" }, [SILENT] = { .name = "silent" },
	[TWICE] = { .name = "twice" }, [BOX] = { .name = "box", .inbox = true },
	[NARROW] = { .name = "narrow", .queue = 2, .full = LPAD_REFUSE, .threads = 1 },
	[WIDE] = { .name = "wide", .queue = 2, .full = LPAD_WAIT, .threads = 1 },
	[SAFE] = { .name = "safe", .idempotent = true, .has_gone = true }, [SELF] = { .name = "self" },
	[FOUR] = { .name = "four", .threads = 4 },
};

/* What the peers serve; a test may have methods of its own. */
static const struct method_link *served = peer_methods;
static int (*const *served_by)(struct peer *, lpad_call *) = callbacks;
static size_t served_count = METHODS;
static int (*held_by)(struct peer *, lpad_call *, char *text, size_t room);
static int peers_late = -1;     /* of this method the last thread is not started by peer_connect */
static int64_t peers_note_after_ns, peers_deadline_ns = -1;

struct peer_worker {
	struct peer *peer;
	int method;
};

static inline void *peer_work(void *context)
{
	struct peer_worker worker = *(struct peer_worker *)context;
	struct work work;
	free(context);
	while (link_work_take(worker.peer->link, worker.method, &work)) {
		int result = 0;
		fault_set(0, "%s", "");
		if (work.kind == WORK_CALL)
			result = served_by[work.method](worker.peer, work.call);
		else if (work.kind == WORK_GONE)
			worker.peer->gone++;
		else if (work.kind == WORK_HELD)
			result = held_by(worker.peer, work.call, work.text, work.room);
		else if (work.kind == WORK_FUTURE)
			work.done(NULL, work.future, work.context);
		link_work_done(worker.peer->link, &work, result);
	}
	return NULL;
}

/* ---- hooks ---- */

static inline void peer_set(struct peer *peer, bool *flag)
{
	pthread_mutex_lock(&peer->lock);
	*flag = true;
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}

static inline void peer_await(struct peer *peer, const bool *flag)
{
	pthread_mutex_lock(&peer->lock);
	while (!*flag)
		pthread_cond_wait(&peer->changed, &peer->lock);
	pthread_mutex_unlock(&peer->lock);
}

static inline void peer_wired(void *context)
{
	peer_set(context, &((struct peer *)context)->wired);
}

static inline void peer_drained(void *context)
{
	peer_set(context, &((struct peer *)context)->drained);
}

static inline void peer_wake(void *context)
{
	peer_set(context, &((struct peer *)context)->woken);
}

static inline void peer_note(void *context, const char *text)
{
	struct peer *peer = context;
	pthread_mutex_lock(&peer->lock);
	peer->notes++;
	snprintf(peer->note, sizeof peer->note, "%s", text);
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}

static inline void peer_restart(void *context, const struct peer_spec *other, const char *why)
{
	struct peer *peer = context;
	pthread_mutex_lock(&peer->lock);
	peer->restarts++;
	peer->restarted = *other;
	snprintf(peer->why, sizeof peer->why, "%s", why);
	pthread_mutex_unlock(&peer->lock);
}

static inline void peer_await_notes(struct peer *peer, int least)
{
	pthread_mutex_lock(&peer->lock);
	while (peer->notes < least)
		pthread_cond_wait(&peer->changed, &peer->lock);
	pthread_mutex_unlock(&peer->lock);
}

static inline void *peer_ticks(void *context)
{
	struct peer *peer = context;
	pthread_mutex_lock(&peer->lock);
	while (!peer->quit) {
		peer->woken = false;
		pthread_mutex_unlock(&peer->lock);
		int64_t ms = link_tick(peer->link);
		struct timespec until = clock_timespec(clock_ns() + (ms < 0 || ms > 1000 ? 1000 : ms) * 1000000);
		pthread_mutex_lock(&peer->lock);
		while (!peer->woken && !peer->quit && ms)
			if (pthread_cond_timedwait(&peer->changed, &peer->lock, &until))
				break;
	}
	pthread_mutex_unlock(&peer->lock);
	return NULL;
}

/* ---- life ---- */

/* Before any fork and any use of nng. */
static inline void peers_prepare(int count)
{
	const char *parent = getenv("TMPDIR");
	snprintf(peers_folder, sizeof peers_folder, "%s/peers.XXXXXX", parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(peers_folder));
	peers_count = count;
	transport_prepare();
}

static inline void peer_start_worker(struct peer *peer, int method)
{
	struct peer_worker *worker = memory_new(sizeof *worker);
	*worker = (struct peer_worker){ peer, method };
	ck_assert_int_eq(pthread_create(&peer->workers[peer->worker_count++], NULL, peer_work, worker), 0);
}

/* Each incarnation has its own. */
static inline void peer_address(char *out, size_t room, int number, int incarnation)
{
	char name[40];
	snprintf(name, sizeof name, incarnation > 1 ? "%d.%d" : "%d", number, incarnation);
	char *cleanup_free address = transport_address(peers_folder, name);
	snprintf(out, room, "%s", address);
}

/* Another of them, said to be up. */
static inline void peer_up(struct peer *peer, int number, int incarnation)
{
	char address[200];
	struct error error = { 0 };
	peer_address(address, sizeof address, number, incarnation);
	struct peer_up up = { .group = (uint32_t)number, .incarnation = (uint32_t)incarnation, .serve = address };
	ck_assert_msg(!link_peer_up(peer->link, &up, &error), "%s", error.text);
}

/* Listens. `via` may be an address at which others reach number 1 instead; "": they do not know one yet. */
static inline void peer_bind(struct peer *peer, int number, int incarnation, const char *via)
{
	char names[PEERS_MOST][16], addresses[PEERS_MOST][200];
	struct peer_spec all[PEERS_MOST];
	pthread_condattr_t attributes;
	struct error error = { 0 };
	*peer = (struct peer){ .number = number, .incarnation = incarnation };
	peer_address(peer->address, sizeof peer->address, number, incarnation);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&peer->lock, NULL);
	pthread_cond_init(&peer->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	sem_init(&peer->gate, 0, 0);
	pthread_barrier_init(&peer->four, NULL, 4);
	for (int i = 0; i < peers_count; i++) {
		snprintf(names[i], sizeof names[i], "n%d", i);
		peer_address(addresses[i], sizeof addresses[i], i, i == number ? incarnation : 1);
		all[i] = (struct peer_spec){ .node = names[i], .group = (uint32_t)i, .incarnation = 1,
			.address = !via || i != 1 || number == 1 ? addresses[i] : *via ? via : NULL };
	}
	struct handle_link peers = { .name = "peers", .place = number, .deadline_ns = peers_deadline_ns, .servers = all,
		.count = (size_t)peers_count };
	struct link_spec spec = { .note_after_ns = peers_note_after_ns, .self = all[number], .token = PEERS_TOKEN, .longest = LONGEST, .callers = all,
		.caller_count = (size_t)peers_count, .handles = &peers, .handle_count = 1, .methods = served,
		.method_count = served_count };
	const char *own = addresses[number];
	spec.serve = (struct listen_link){ &own, 1 };
	all[number].incarnation = spec.self.incarnation = (uint32_t)incarnation;
	struct link_hooks hooks = { .context = peer, .wired = peer_wired, .drained = peer_drained, .note = peer_note,
		.wake = peer_wake, .restart = peer_restart };
	peer->link = link_new(&spec, &hooks, &error);
	ck_assert_msg(peer->link != NULL, "%s", error.text);
	ck_assert_msg(!link_bind(peer->link, &error), "%s", error.text);
	peer->peers = link_handle(peer->link, "peers");
	ck_assert_ptr_nonnull(peer->peers);
}

static inline void peer_connect(struct peer *peer)
{
	struct error error = { 0 };
	ck_assert_int_eq(pthread_create(&peer->ticker, NULL, peer_ticks, peer), 0);
	peer_start_worker(peer, -1);
	for (size_t i = 0; i < served_count; i++)
		for (int thread = (int)i == peers_late; thread < served[i].threads; thread++)
			peer_start_worker(peer, (int)i);
	ck_assert_msg(!link_connect(peer->link, &error), "%s", error.text);
}

static inline void peer_go(struct peer *peer)
{
	peer_await(peer, &peer->wired);
	link_go(peer->link);
}

/* Ends its threads; the callbacks must be able to. */
static inline void peer_close(struct peer *peer)
{
	link_stop(peer->link);
	link_work_close(peer->link);
	for (int i = 0; i < peer->worker_count; i++)
		pthread_join(peer->workers[i], NULL);
	peer_set(peer, &peer->quit);
	pthread_join(peer->ticker, NULL);
	link_free(peer->link);
	sem_destroy(&peer->gate);
	pthread_barrier_destroy(&peer->four);
	pthread_mutex_destroy(&peer->lock);
	pthread_cond_destroy(&peer->changed);
}

static inline void peers_open(struct peer *peers, int count)
{
	peers_prepare(count);
	for (int i = 0; i < count; i++)
		peer_bind(&peers[i], i, 1, NULL);
	for (int i = 0; i < count; i++)
		peer_connect(&peers[i]);
	for (int i = 0; i < count; i++)
		peer_go(&peers[i]);
}

static inline void peers_close(struct peer *peers, int count)
{
	for (int i = 0; i < count; i++)
		peer_close(&peers[i]);
	files_remove_tree(peers_folder);
}

/* ---- calling ---- */

static const lpad_deadline never = { INT64_MAX };

static inline lpad_deadline in_ms(int64_t ms)
{
	return (lpad_deadline){ clock_ns() + ms * 1000000 };
}

static inline lpad_future *peer_start(struct peer *peer, int place, int method, lpad_message *request)
{
	return handle_start(peer->peers, place, served[method].name, request, never);
}

static inline int peer_call(struct peer *peer, int place, int method, lpad_message *request, lpad_message **reply)
{
	return handle_call(peer->peers, place, served[method].name, request, reply, never);
}

/* Until a counter of another thread gets there. */
static inline void await_count(atomic_int *counter, int least)
{
	while (*counter < least)
		sched_yield();
}

struct wanted_counters {
	const char *kind, *port, *peer;
	struct port_counters found;
};

static inline void find_counters(void *context, const struct port_counters *counters)
{
	struct wanted_counters *wanted = context;
	if (!strcmp(counters->kind, wanted->kind) && !strcmp(counters->port, wanted->port)
	    && !strcmp(counters->peer, wanted->peer))
		wanted->found = *counters;
}

static inline struct port_counters peer_counters(struct peer *peer, const char *kind, const char *port, const char *other)
{
	struct wanted_counters wanted = { .kind = kind, .port = port, .peer = other };
	link_counters(peer->link, find_counters, &wanted);
	return wanted.found;
}

#endif
