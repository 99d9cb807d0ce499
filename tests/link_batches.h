/* SPDX-License-Identifier: MIT */
/* Links of one process for the unit tests of batched methods and of the signatures of methods: n0 serves; n1 and n2 call. */
#ifndef TESTS_LINK_BATCHES_H
#define TESTS_LINK_BATCHES_H

#include <math.h>
#include <sched.h>

#include "link_peers.h"

enum {
	FULL, PLACE, SOON, PADDED, LIMITED, PAIRS, HELD, SHORT, FAILS, EMPTY, INBOX, TYPED, PLAIN, LIAR, FREE, LET_GO,
	OWN_METHODS
};

static struct peer peers[3];
enum { MOST = 64 };
static int sizes[MOST], rows[MOST];
static atomic_int batches, wrong_caller, second_code;
static pthread_barrier_t both;

/* ---- what n0 does ---- */

static inline void note(lpad_call *call)
{
	lpad_tensor tensor = { .shape = { 0 } };
	message_tensor_at(call_request(call), 0, &tensor);
	if (batches < MOST) {
		sizes[batches] = call_batch(call);
		rows[batches] = (int)tensor.shape[0];
	}
	wrong_caller += *call_caller(call) || call_caller_index(call) != -1;
	batches++;
}

static inline int do_full(struct peer *peer, lpad_call *call)
{
	(void)peer;
	note(call);
	return call_answer(call, message_share(call_request(call)));
}

/* Each caller hears its row. */
static inline int do_place(struct peer *peer, lpad_call *call)
{
	int64_t count = call_batch(call);
	lpad_message *reply = message_tensors(1, &(lpad_tensor){ "row", LPAD_I64, 1, { count } });
	int64_t *row = message_data(reply, "row");
	(void)peer;
	for (int64_t i = 0; i < count; i++)
		row[i] = i;
	note(call);
	return call_answer(call, reply);
}

static inline int do_gate(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	while (sem_wait(&peer->gate))
		;
	return do_full(peer, call);
}

static inline int do_pairs(struct peer *peer, lpad_call *call)
{
	(void)peer;
	pthread_barrier_wait(&both);            /* returns only if two batches run at once */
	return call_answer(call, message_share(call_request(call)));
}

static inline int do_short(struct peer *peer, lpad_call *call)
{
	lpad_message *reply = message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 2, { call_batch(call) + 1, 2 } });
	(void)peer;
	second_code = call_answer(call, reply);
	return second_code;
}

static inline int do_fails(struct peer *peer, lpad_call *call)
{
	(void)peer;
	(void)call;
	return fault_set(LPAD_ENOTFOUND, "nothing is there");
}

static inline int do_empty(struct peer *peer, lpad_call *call)
{
	(void)peer;
	return call_answer(call, NULL);
}

static inline int do_liar(struct peer *peer, lpad_call *call)
{
	(void)peer;
	second_code = call_answer(call, message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 1, { 3 } }));
	return second_code;
}

static int (*const own_callbacks[OWN_METHODS])(struct peer *, lpad_call *) = {
	[FULL] = do_full, [PLACE] = do_place, [SOON] = do_full, [PADDED] = do_full, [LIMITED] = do_gate, [PAIRS] = do_pairs,
	[HELD] = do_hold, [SHORT] = do_short, [FAILS] = do_fails, [EMPTY] = do_empty, [TYPED] = do_full, [PLAIN] = do_echo,
	[LIAR] = do_liar, [FREE] = do_echo, [LET_GO] = do_release,
};
static const struct method_link own_methods[OWN_METHODS] = {
	[FULL] = { .name = "full", .batch = 4, .batch_wait = INFINITY },
	[PLACE] = { .name = "place", .batch = 4, .batch_wait = INFINITY },
	[SOON] = { .name = "soon", .batch = 8, .batch_wait = 0.02 },
	[PADDED] = { .name = "padded", .batch = 4, .batch_wait = 0.02, .pad = true },
	[LIMITED] = { .name = "limited", .batch = 3, .threads = 1, .queue = 3, .full = LPAD_REFUSE },
	[PAIRS] = { .name = "pairs", .batch = 2, .batch_wait = INFINITY, .threads = 2 },
	[HELD] = { .name = "held", .batch = 2, .batch_wait = INFINITY, .batches = 2, .has_gone = true },
	[SHORT] = { .name = "short", .batch = 2, .batch_wait = INFINITY },
	[FAILS] = { .name = "fails", .batch = 2, .batch_wait = INFINITY },
	[EMPTY] = { .name = "empty", .batch = 2, .batch_wait = INFINITY },
	[INBOX] = { .name = "inbox", .batch = 2, .batch_wait = INFINITY, .inbox = true },
	[TYPED] = { .name = "typed", .batch = 3, .batch_wait = INFINITY, .request = "x f32[*]", .reply = "x f32[2]" },
	[PLAIN] = { .name = "plain", .request = "x f32[2]" },
	[LIAR] = { .name = "liar", .reply = "x f32[2]" },
	[FREE] = { .name = "free" },
	[LET_GO] = { .name = "let_go" },
};

static inline void open_all(void)
{
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN_METHODS;
	batches = wrong_caller = 0;
	pthread_barrier_init(&both, NULL, 2);
	peers_open(peers, 3);
	link_run_thread(peers[0].link);
}

static inline void close_all(void)
{
	ck_assert_int_eq(wrong_caller, 0);
	peers_close(peers, 3);
	pthread_barrier_destroy(&both);
}

/* ---- what n1 and n2 do ---- */

static inline lpad_message *vector(const char *name, int64_t extent, float first)
{
	lpad_message *message = message_tensors(1, &(lpad_tensor){ name, LPAD_F32, 1, { extent } });
	((float *)message_data(message, name))[0] = first;
	return message;
}

static inline lpad_future *ask(int who, int method, float first)
{
	return peer_start(&peers[who], 0, method, vector("x", 2, first));
}

static inline void expect_own(lpad_future *future, float first)
{
	lpad_message *reply;
	int code = future_wait(future, &reply);
	ck_assert_msg(!code, "%s", fault_text());
	const float *x = message_view(reply, "x", LPAD_F32, 1, (int64_t[]){ 2 });
	ck_assert_msg(x != NULL, "%s", fault_text());
	ck_assert(x[0] == first);
	message_free(reply);
}

static inline void expect_error(lpad_future *future, int code, const char *text)
{
	ck_assert_int_eq(future_wait(future, NULL), code);
	ck_assert_str_eq(fault_text(), text);
}

/* Until n0 has that many calls of it. */
static inline void await_calls(const char *method, const char *caller, int64_t least)
{
	while (peer_counters(&peers[0], "method", method, caller).messages < least)
		sched_yield();
}

/* What was posted for the service thread before has been done. */
static inline void let_service_thread_pass(void)
{
	ck_assert_int_eq(peer_call(&peers[1], 0, FREE, NULL, NULL), 0);
}

#endif
