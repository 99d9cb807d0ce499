/* SPDX-License-Identifier: MIT */
/* Calls between links of one process: order, inboxes, errors, deadlines, cancels, stop, drain. */
#include <dirent.h>
#include <sched.h>

#include "link_peers.h"
#include "link/inside.h"

static struct peer peers[PEERS_MOST];

static void two(void)
{
	peers_open(peers, 2);
	link_run_thread(peers[0].link);
}

static void close_two(void)
{
	peers_close(peers, 2);
}

#define ck_assert_fault(code, expected) \
	do { \
		ck_assert_int_eq(code, expected); \
		ck_assert_int_eq(fault_code(), expected); \
	} while (0)

/* ---- order and amounts ---- */

static void order_with(int depth)
{
	enum { CALLS = 20000 };
	lpad_future *futures[256];
	for (uint64_t i = 0; i < CALLS + (uint64_t)depth; i++) {
		if (i >= (uint64_t)depth)
			ck_assert_int_eq(future_wait(futures[i % (uint64_t)depth], NULL), 0);
		if (i < CALLS)
			futures[i % (uint64_t)depth] = peer_start(&peers[0], 1, ORDER, message_bytes(&i, sizeof i));
	}
	ck_assert_int_eq(peers[1].disorder, 0);
	ck_assert_uint_eq(peers[1].next, CALLS);
}

START_TEST(calls_of_one_caller_begin_in_order)
{
	order_with(_i);
}
END_TEST

START_TEST(held_calls_cost_no_thread)
{
	enum { CALLS = 10000 };
	static lpad_future *futures[CALLS];
	lpad_message *reply;
	for (int i = 0; i < CALLS; i++)
		futures[i] = peer_start(&peers[0], 1, HOLD, message_bytes(&i, sizeof i));
	await_count(&peers[1].entered, CALLS);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	for (int i = 0; i < CALLS; i++) {
		ck_assert_int_eq(future_wait(futures[i], &reply), 0);
		const int *value = message_body(reply, sizeof *value);
		ck_assert_ptr_nonnull(value);
		ck_assert_int_eq(*value, i);
		message_free(reply);
	}
}
END_TEST

START_TEST(big_and_empty_messages)
{
	enum { SIZE = 64 << 20 };
	lpad_message *request = message_bytes(NULL, SIZE), *reply;
	unsigned char *body = message_fill(request);
	for (size_t i = 0; i < SIZE; i += 4096)
		body[i] = (unsigned char)(i >> 12);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, request, &reply), 0);
	const unsigned char *back = message_body(reply, SIZE);
	ck_assert_ptr_nonnull(back);
	ck_assert_uint_eq((uintptr_t)back % 64, 0);
	for (size_t i = 0; i < SIZE; i += 4096)
		ck_assert_uint_eq(back[i], (unsigned char)(i >> 12));
	ck_assert_str_eq(message_sender(reply), "n1");
	message_free(reply);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, &reply), 0);
	ck_assert_ptr_nonnull(reply);
	ck_assert_uint_eq(message_size(reply), 0);
	message_free(reply);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, message_json("{\"a\": 1}"), &reply), 0);
	ck_assert_str_eq(message_json_text(reply), "{\"a\": 1}");
	message_free(reply);
}
END_TEST

START_TEST(too_big_is_refused_at_the_sender)
{
	int executed = peers[1].executed;
	ck_assert_fault(peer_call(&peers[0], 1, ECHO, message_bytes(NULL, (size_t)LONGEST + 1), NULL), LPAD_ETOOBIG);
	ck_assert_str_eq(fault_text(), "n1.echo: the request has 104857601 bytes; max_message is 104857600");
	ck_assert_int_eq(peers[1].executed, executed);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, message_bytes(NULL, 100), NULL), 0);
}
END_TEST

START_TEST(threads_of_a_method_run_at_once)
{
	lpad_future *futures[8];
	for (int i = 0; i < 8; i++)
		futures[i] = peer_start(&peers[0], 1, FOUR, NULL);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
}
END_TEST

/* ---- inboxes ---- */

START_TEST(an_inbox_gives_calls_one_by_one)
{
	lpad_inbox *box = link_inbox(peers[0].link, BOX);
	lpad_future *first = peer_start(&peers[1], 0, BOX, message_bytes("a", 1));
	lpad_future *second = peer_start(&peers[1], 0, BOX, message_bytes("b", 1));
	lpad_call *call;
	lpad_message *reply;
	ck_assert_int_eq(inbox_next(box, &call, never), 0);
	ck_assert_int_eq(*(const char *)message_body(call_request(call), 1), 'a');
	ck_assert_str_eq(call_caller(call), "n1");
	ck_assert_str_eq(call_method(call), "box");
	ck_assert_int_eq(call_caller_incarnation(call), 1);
	lpad_call *other;
	ck_assert_int_eq(inbox_next(box, &other, never), 0);
	ck_assert_int_eq(call_answer(other, message_bytes("B", 1)), 0);
	ck_assert_int_eq(future_wait(second, &reply), 0);
	ck_assert_int_eq(*(const char *)message_body(reply, 1), 'B');
	message_free(reply);
	ck_assert_int_eq(future_ready(first), 0);
	ck_assert_int_eq(call_answer(call, NULL), 0);
	ck_assert_int_eq(future_wait(first, NULL), 0);
	ck_assert_fault(inbox_next(box, &call, in_ms(0)), LPAD_ETIMEDOUT);
	ck_assert_ptr_null(call);
	ck_assert_fault(inbox_next(NULL, &call, never), LPAD_EINVALID);
}
END_TEST

START_TEST(an_inbox_gives_calls_of_one_caller)
{
	lpad_inbox *box = link_inbox(peers[0].link, BOX);
	lpad_future *theirs = peer_start(&peers[1], 0, BOX, NULL), *own;
	lpad_call *call;
	ck_assert_fault(inbox_next_from(box, peers[0].peers, 0, &call, in_ms(0)), LPAD_ETIMEDOUT);
	own = peer_start(&peers[0], 0, BOX, NULL);
	ck_assert_int_eq(inbox_next_from(box, peers[0].peers, 0, &call, never), 0);
	ck_assert_str_eq(call_caller(call), "n0");
	call_answer(call, NULL);
	ck_assert_int_eq(inbox_next_from(box, peers[0].peers, 1, &call, never), 0);
	ck_assert_str_eq(call_caller(call), "n1");
	call_answer(call, NULL);
	ck_assert_int_eq(future_wait(own, NULL), 0);
	ck_assert_int_eq(future_wait(theirs, NULL), 0);
	ck_assert_fault(inbox_next_from(box, peers[0].peers, 2, &call, never), LPAD_EINVALID);
	ck_assert_fault(inbox_next_from(box, NULL, 0, &call, never), LPAD_EINVALID);
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	ck_assert_fault(inbox_next_from(box, peers[0].peers, 1, &call, never), LPAD_EGONE);
}
END_TEST

static __attribute__((format(printf, 3, 4))) int refuse(lpad_call *call, int code, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	code = call_refuse_list(call, code, format, list);
	va_end(list);
	return code;
}

START_TEST(a_refusal_reaches_the_caller)
{
	lpad_inbox *box = link_inbox(peers[0].link, BOX);
	lpad_future *future = peer_start(&peers[1], 0, BOX, NULL);
	lpad_call *call;
	ck_assert_int_eq(inbox_next(box, &call, never), 0);
	ck_assert_int_eq(refuse(call, LPAD_EAGAIN, "%d items are too few", 3), 0);
	ck_assert_fault(future_wait(future, NULL), LPAD_EAGAIN);
	ck_assert_str_eq(fault_text(), "n0.box: 3 items are too few");
	ck_assert_fault(refuse(call, LPAD_EAGAIN, "again"), LPAD_EINVALID);
	ck_assert_fault(refuse(NULL, LPAD_EAGAIN, "again"), LPAD_EINVALID);
}
END_TEST

START_TEST(the_end_of_run_refuses_inbox_calls)
{
	lpad_inbox *box = link_inbox(peers[0].link, BOX);
	lpad_future *taken = peer_start(&peers[1], 0, BOX, NULL), *queued = peer_start(&peers[1], 0, BOX, NULL), *late;
	lpad_call *call;
	ck_assert_int_eq(inbox_next(box, &call, never), 0);
	lpad_future *own = peer_start(&peers[0], 1, HOLD, NULL);        /* left over: freed by the end of run */
	await_count(&peers[1].entered, 1);
	ck_assert_int_eq(future_ready(own), 0);
	link_end_run(peers[0].link);
	ck_assert_fault(future_wait(taken, NULL), LPAD_EGONE);
	ck_assert_str_eq(fault_text(), "n0.box: the run of n0 has ended, nobody takes its calls");
	ck_assert_fault(future_wait(queued, NULL), LPAD_EGONE);
	late = peer_start(&peers[1], 0, BOX, NULL);
	ck_assert_fault(future_wait(late, NULL), LPAD_EGONE);
	ck_assert_int_eq(peer_call(&peers[1], 0, ECHO, NULL, NULL), 0);         /* it goes on serving */
	await_count(&peers[1].gone, 1);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_of_handlers_travel)
{
	struct {
		int code;
		char text[20];
	} request = { LPAD_EAGAIN, "weights are new" };
	ck_assert_fault(peer_call(&peers[0], 1, FAIL, message_bytes(&request, sizeof request), NULL), LPAD_EAGAIN);
	ck_assert_str_eq(fault_text(), "n1.fail: weights are new");
	request.code = -777;
	ck_assert_fault(peer_call(&peers[0], 1, FAIL, message_bytes(&request, sizeof request), NULL), LPAD_EFAILED);
	ck_assert_str_eq(fault_text(), "n1.fail: weights are new");
	request.code = LPAD_ENOTFOUND;
	ck_assert_fault(peer_call(&peers[0], 1, FAIL, message_bytes(&request, sizeof request.code), NULL), LPAD_ENOTFOUND);
	ck_assert_str_eq(fault_text(), "n1.fail: not there");
	request.code = 42;
	ck_assert_fault(peer_call(&peers[0], 1, FAIL, message_bytes(&request, sizeof request.code), NULL), LPAD_EFAILED);
	ck_assert_str_eq(fault_text(), "n1.fail: returned 42, which is not one of lpad's codes");
}
END_TEST

START_TEST(a_handler_that_does_not_answer_is_an_error)
{
	ck_assert_fault(peer_call(&peers[0], 1, SILENT, NULL, NULL), LPAD_EFAILED);
	ck_assert_str_eq(fault_text(), "n1.silent returned without answering: return lpad_answer(…) or LPAD_LATER");
}
END_TEST

START_TEST(a_second_answer_is_invalid)
{
	lpad_call *call;
	peers[1].second_code = 1;
	ck_assert_int_eq(peer_call(&peers[0], 1, TWICE, NULL, NULL), 0);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);         /* twice has returned */
	ck_assert_int_eq(peers[1].second_code, LPAD_EINVALID);
	lpad_future *future = peer_start(&peers[1], 0, BOX, NULL);
	ck_assert_int_eq(inbox_next(link_inbox(peers[0].link, BOX), &call, never), 0);
	ck_assert_int_eq(call_answer(call, NULL), 0);
	ck_assert_fault(call_answer(call, message_bytes("x", 1)), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n0.box: the call was answered already");
	ck_assert_int_eq(future_wait(future, NULL), 0);
	ck_assert_fault(call_answer(NULL, NULL), LPAD_EINVALID);
}
END_TEST

START_TEST(an_answer_may_be_too_big)
{
	lpad_future *future = peer_start(&peers[1], 0, BOX, NULL);
	lpad_call *call;
	ck_assert_int_eq(inbox_next(link_inbox(peers[0].link, BOX), &call, never), 0);
	ck_assert_fault(call_answer(call, message_bytes(NULL, (size_t)LONGEST + 1)), LPAD_ETOOBIG);
	ck_assert_fault(future_wait(future, NULL), LPAD_ETOOBIG);
	ck_assert_str_eq(fault_text(), "n0.box: the answer has 104857601 bytes; max_message is 104857600");
}
END_TEST

START_TEST(what_cannot_be_called)
{
	lpad_handle *handle = peers[0].peers;
	ck_assert_fault(handle_call(handle, 1, "ech", NULL, NULL, never), LPAD_ENOMETHOD);
	ck_assert_str_eq(fault_text(), "n1 has no method ech; it has: echo, order, hold, release, fail, silent, twice, box, "
		"narrow, wide, safe, self, four");
	ck_assert_fault(handle_call(handle, 2, "echo", message_bytes("x", 1), NULL, never), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "peers has no place 2: it has 2");
	ck_assert_fault(handle_call(handle, -2, "echo", NULL, NULL, never), LPAD_EINVALID);
	ck_assert_fault(handle_call(handle, 1, NULL, NULL, NULL, never), LPAD_EINVALID);
	ck_assert_fault(handle_call(NULL, 0, "echo", message_bytes("x", 1), NULL, never), LPAD_EINVALID);
	ck_assert_int_eq(handle_count(NULL), 0);
	ck_assert_int_eq(handle_count(handle), 2);
	ck_assert_int_eq(handle_place(handle), 0);
	ck_assert_str_eq(handle_server(handle, 1), "n1");
	ck_assert_ptr_null(handle_server(handle, 2));
	lpad_future *future = handle_start(NULL, 0, "echo", message_bytes("x", 1), never);
	ck_assert_ptr_nonnull(future);
	ck_assert_int_eq(future_ready(future), 1);
	ck_assert_fault(future_wait(future, NULL), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "the handle is not connected");
	future_cancel(handle_start(handle, 7, "echo", NULL, never));
	future_cancel(NULL);
	ck_assert_fault(future_wait(NULL, NULL), LPAD_EINVALID);
	ck_assert_int_eq(handle_await_server(handle, 1, never), 1);
	ck_assert_fault(handle_await_server(handle, 9, never), LPAD_EINVALID);
}
END_TEST

START_TEST(waiting_for_oneself_is_a_deadlock)
{
	ck_assert_fault(peer_call(&peers[0], 1, SELF, NULL, NULL), LPAD_EDEADLK);
	ck_assert_str_eq(fault_text(), "n1.self: n1 calls its own echo from a callback: it would wait for itself");
	ck_assert_fault(peer_call(&peers[0], 0, BOX, NULL, NULL), LPAD_EDEADLK);
	ck_assert_str_eq(fault_text(), "n0 calls its own box from run, which takes these calls: it would wait for itself");
	ck_assert_int_eq(peer_call(&peers[0], 0, ECHO, NULL, NULL), 0);         /* of run to its own callback: fine */
}
END_TEST

/* ---- queues ---- */

START_TEST(a_full_queue_refuses)
{
	lpad_future *futures[3];
	futures[0] = peer_start(&peers[0], 1, NARROW, NULL);
	await_count(&peers[1].entered, 1);
	for (int i = 1; i < 3; i++)
		futures[i] = peer_start(&peers[0], 1, NARROW, NULL);
	ck_assert_fault(peer_call(&peers[0], 1, NARROW, NULL, NULL), LPAD_EBUSY);
	ck_assert_str_eq(fault_text(), "n1.narrow: the queue is full: 2 calls wait in it");
	for (int i = 0; i < 3; i++)
		sem_post(&peers[1].gate);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
}
END_TEST

START_TEST(a_full_queue_lets_callers_wait)
{
	enum { CALLS = 50 };
	lpad_future *futures[CALLS];
	for (int i = 0; i < CALLS; i++)
		futures[i] = peer_start(&peers[0], 1, WIDE, NULL);
	lpad_future *behind = peer_start(&peers[0], 1, ECHO, NULL);             /* in order: it begins after them */
	lpad_future *beside = peer_start(&peers[1], 1, ECHO, NULL);             /* another caller does not wait */
	ck_assert_int_eq(future_wait(beside, NULL), 0);
	ck_assert_int_eq(future_ready(behind), 0);
	for (int i = 0; i < CALLS; i++)
		sem_post(&peers[1].gate);
	for (int i = 0; i < CALLS; i++)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
	ck_assert_int_eq(future_wait(behind, NULL), 0);
	ck_assert_int_eq(peers[1].executed, CALLS + 2);
}
END_TEST

/* ---- deadlines and cancels ---- */

START_TEST(a_deadline_ends_a_call_and_tells_the_server)
{
	ck_assert_fault(handle_call(peers[0].peers, 1, "hold", NULL, NULL, in_ms(20)), LPAD_ETIMEDOUT);
	ck_assert_msg(!strncmp(fault_text(), "n1.hold: no answer within 0.0", 29), "%s", fault_text());
	await_count(&peers[1].gone, 1);
	ck_assert_fault(handle_call(peers[0].peers, 1, "echo", NULL, NULL, in_ms(-1)), LPAD_ETIMEDOUT);
	ck_assert_int_eq(peers[1].executed, 0);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
}
END_TEST

START_TEST(deadlines_of_futures_pass_unwatched)
{
	enum { CALLS = 100 };
	lpad_future *futures[CALLS];
	for (int i = 0; i < CALLS; i++)
		futures[i] = handle_start(peers[0].peers, 1, "hold", NULL, in_ms(10 + (i * 37) % 50));
	for (int i = 0; i < CALLS; i++)
		while (!future_ready(futures[i]))
			sched_yield();
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);         /* behind whatever the cancels have caused */
	ck_assert_int_eq(peers[1].gone, peers[1].entered);
	for (int i = 0; i < CALLS; i++) {
		ck_assert_fault(future_wait(futures[i], NULL), LPAD_ETIMEDOUT);
	}
	ck_assert_int_eq(peer_counters(&peers[0], "handle", "peers", "n1").errors, CALLS);
}
END_TEST

START_TEST(a_cancelled_call_is_taken_out_of_the_queue)
{
	lpad_future *running = peer_start(&peers[0], 1, WIDE, NULL);
	await_count(&peers[1].entered, 1);
	lpad_future *futures[10];
	for (int i = 0; i < 10; i++)
		futures[i] = peer_start(&peers[0], 1, WIDE, NULL);
	for (int i = 0; i < 10; i += 2)
		future_cancel(futures[i]);
	while (peer_counters(&peers[1], "method", "wide", "n0").errors < 5)
		sched_yield();
	lpad_future *last = peer_start(&peers[0], 1, ECHO, NULL);
	for (int i = 0; i < 6; i++)
		sem_post(&peers[1].gate);
	ck_assert_int_eq(future_wait(running, NULL), 0);
	for (int i = 1; i < 10; i += 2)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
	ck_assert_int_eq(future_wait(last, NULL), 0);
	ck_assert_int_eq(peers[1].entered, 6);
}
END_TEST

START_TEST(a_cancelled_call_that_is_kept_is_gone)
{
	lpad_future *future = peer_start(&peers[0], 1, HOLD, NULL);
	await_count(&peers[1].entered, 1);
	future_cancel(future);
	await_count(&peers[1].gone, 1);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);      /* its answer goes nowhere */
}
END_TEST

START_TEST(any_of_several_futures)
{
	lpad_future *futures[3] = { peer_start(&peers[0], 1, HOLD, NULL), NULL, NULL };
	ck_assert_fault(future_wait_any(futures, 3, in_ms(5)), LPAD_ETIMEDOUT);
	futures[2] = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_int_eq(future_wait_any(futures, 3, never), 2);
	ck_assert_int_eq(future_wait(futures[2], NULL), 0);
	futures[2] = handle_start(NULL, 0, "echo", NULL, never);
	ck_assert_int_eq(future_wait_any(futures, 3, never), 2);
	ck_assert_int_eq(future_wait(futures[2], NULL), LPAD_EINVALID);
	futures[2] = NULL;
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_int_eq(future_wait_any(futures, 3, never), 0);
	ck_assert_int_eq(future_wait(futures[0], NULL), 0);
	futures[0] = NULL;
	ck_assert_fault(future_wait_any(futures, 3, never), LPAD_EINVALID);
}
END_TEST

START_TEST(any_place_goes_round)
{
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(peer_call(&peers[0], LPAD_ANY, ECHO, NULL, NULL), 0);
	ck_assert_int_eq(peers[0].executed, 3);
	ck_assert_int_eq(peers[1].executed, 3);
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(peer_call(&peers[0], LPAD_ANY, ECHO, NULL, NULL), 0);
	ck_assert_int_eq(peers[0].executed, 7);
	ck_assert_fault(peer_call(&peers[0], 1, ECHO, NULL, NULL), LPAD_EGONE);
	ck_assert_str_eq(fault_text(), "n1.echo: n1 will never come back; the call was not sent");
	link_peer_lost(peers[0].link, 0, 0, 1, true);
	ck_assert_fault(peer_call(&peers[0], LPAD_ANY, ECHO, NULL, NULL), LPAD_EGONE);
}
END_TEST

/* ---- what the user hears ---- */

static void *hold_one(void *context)
{
	*(int *)context = peer_call(&peers[0], 1, HOLD, NULL, NULL);
	return NULL;
}

START_TEST(nothing_is_told_for_10_s)
{
	pthread_t thread;
	int result = 1;
	pthread_create(&thread, NULL, hold_one, &result);
	await_count(&peers[1].entered, 1);
	int64_t now = clock_ns(), next = INT64_MAX;
	while (next == INT64_MAX) {             /* it may not wait yet */
		link_lock(peers[0].link);
		waits_tick(peers[0].link, now, &next);
		link_unlock(peers[0].link);
	}
	ck_assert_int_gt(next, now + INT64_C(9000000000));
	ck_assert_int_le(next, clock_ns() + INT64_C(10000000000));
	ck_assert_int_eq(peers[0].notes, 0);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, 0);
}
END_TEST

START_TEST(counters_add_up)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, message_bytes(NULL, 10), NULL), 0);
	peer_call(&peers[0], 1, SILENT, NULL, NULL);
	struct port_counters handle = peer_counters(&peers[0], "handle", "peers", "n1");
	ck_assert_int_eq(handle.messages, 101);
	ck_assert_int_eq(handle.bytes, 1000);
	ck_assert_int_eq(handle.received, 100);
	ck_assert_int_eq(handle.errors, 1);
	ck_assert(handle.latency[0] > 0 && handle.latency[0] <= handle.latency[1] && handle.latency[1] <= handle.latency[2]
		&& handle.latency[2] <= handle.latency[3]);
	struct port_counters method = peer_counters(&peers[1], "method", "echo", "n0");
	ck_assert_int_eq(method.messages, 100);
	ck_assert_int_eq(method.received, 100);
	ck_assert_int_eq(method.bytes, 1000);
	ck_assert_int_eq(method.delivered_bytes, 1000);
	ck_assert_int_eq(peer_counters(&peers[1], "method", "silent", "n0").errors, 1);
}
END_TEST

/* ---- the end ---- */

static atomic_int waiting_result;

static void *wait_as_run(void *context)
{
	link_run_thread(peers[0].link);
	waiting_result = 1;
	int code = ((int (*)(void))context)();
	link_run_thread(NULL);
	waiting_result = code;
	return NULL;
}

static int in_call(void)
{
	return peer_call(&peers[0], 1, HOLD, NULL, NULL);
}

static int in_inbox(void)
{
	lpad_call *call;
	return inbox_next(link_inbox(peers[0].link, BOX), &call, never);
}

static int in_any(void)
{
	lpad_future *future = peer_start(&peers[0], 1, HOLD, NULL);
	int code = future_wait_any(&future, 1, never);
	if (!code)
		return future_wait(future, NULL);       /* stopped before it began */
	future_cancel(future);
	return code;
}

static int in_wait_stop(void)
{
	return link_wait_stop(peers[0].link, never) ? 1 : LPAD_ESTOPPED;
}

START_TEST(stop_ends_every_wait)
{
	static int (*const waits[])(void) = { in_call, in_inbox, in_any, in_wait_stop };
	pthread_t threads[4];
	waiting_result = 0;
	ck_assert_fault(link_wait_stop(peers[0].link, in_ms(1)), LPAD_ETIMEDOUT);
	pthread_create(&threads[0], NULL, wait_as_run, (void *)waits[_i]);
	await_count(&waiting_result, 1);
	lpad_future *future = peer_start(&peers[0], 1, HOLD, NULL);
	link_stop(peers[0].link);
	pthread_join(threads[0], NULL);
	ck_assert_int_eq(waiting_result, LPAD_ESTOPPED);
	ck_assert_fault(peer_call(&peers[0], 1, ECHO, NULL, NULL), LPAD_ESTOPPED);
	ck_assert_str_eq(fault_text(), "n1.echo: the program is stopping");
	ck_assert_fault(future_wait(future, NULL), LPAD_ESTOPPED);
	ck_assert_int_eq(peer_call(&peers[1], 0, ECHO, NULL, NULL), 0);         /* servers answer until the drain */
	ck_assert(link_stopping(peers[0].link));
}
END_TEST

START_TEST(a_drain_refuses_what_is_kept)
{
	lpad_future *kept = peer_start(&peers[1], 0, HOLD, NULL);
	await_count(&peers[0].entered, 1);
	link_drain(peers[0].link, clock_ns() + INT64_C(60000000000));
	peer_await(&peers[0], &peers[0].drained);
	ck_assert_fault(future_wait(kept, NULL), LPAD_ESTOPPED);
	ck_assert_str_eq(fault_text(), "n0.hold: n0 is stopping");
	ck_assert_fault(peer_call(&peers[1], 0, ECHO, NULL, NULL), LPAD_ESTOPPED);
	int64_t left;
	ck_assert_ptr_null(link_left(peers[0].link, &left));
	ck_assert_int_eq(left, 0);
}
END_TEST

START_TEST(a_drain_waits_for_callbacks)
{
	lpad_future *running = peer_start(&peers[1], 0, WIDE, NULL);
	await_count(&peers[0].entered, 1);
	link_drain(peers[0].link, clock_ns() + INT64_C(60000000000));
	const char *names[4];
	ck_assert_uint_eq(link_waits_for(peers[0].link, names, 4), 0);
	ck_assert(!peers[0].drained);
	sem_post(&peers[0].gate);
	peer_await(&peers[0], &peers[0].drained);
	ck_assert_int_eq(future_wait(running, NULL), 0);
}
END_TEST

START_TEST(a_drain_has_an_end)
{
	lpad_future *running = peer_start(&peers[1], 0, WIDE, NULL);
	await_count(&peers[0].entered, 1);
	link_drain(peers[0].link, clock_ns() + 10000000);
	peer_await(&peers[0], &peers[0].drained);
	int64_t left;
	char *text = link_left(peers[0].link, &left);
	ck_assert_int_eq(left, 1);
	ck_assert_str_eq(text, "1 call not answered");
	free(text);
	sem_post(&peers[0].gate);
	ck_assert_int_eq(future_wait(running, NULL), 0);
}
END_TEST

START_TEST(an_edge_may_have_a_deadline)
{
	const lpad_deadline by_default = { INT64_MIN };
	peers_deadline_ns = 20000000;
	peers_open(peers, 1);
	ck_assert_fault(handle_call(peers[0].peers, 0, "hold", NULL, NULL, by_default), LPAD_ETIMEDOUT);
	ck_assert_msg(!strncmp(fault_text(), "n0.hold: no answer within 0.02 s", 32), "%s", fault_text());
	ck_assert_fault(future_wait(handle_start(peers[0].peers, 0, "hold", NULL, by_default), NULL), LPAD_ETIMEDOUT);
	lpad_future *without = handle_start(peers[0].peers, 0, "hold", NULL, never);
	ck_assert_fault(future_wait_any(&without, 1, by_default), LPAD_ETIMEDOUT);
	ck_assert_int_eq(future_ready(without), 0);
	future_cancel(without);
	peers_close(peers, 1);
}
END_TEST

START_TEST(calls_need_a_connected_link)
{
	peers_prepare(1);
	peer_bind(&peers[0], 0, 1, NULL);
	ck_assert_fault(peer_call(&peers[0], 0, ECHO, NULL, NULL), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n0.echo: calls are possible from run on, not in init");
	const char *names[2];
	ck_assert_uint_eq(link_waits_for(peers[0].link, names, 2), 2);          /* its server and its caller: itself */
	ck_assert_str_eq(names[0], "n0");
	link_free(peers[0].link);
	files_remove_tree(peers_folder);
}
END_TEST

static int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;
	while (readdir(tasks))
		count++;
	closedir(tasks);
	return count;
}

START_TEST(a_link_without_edges_is_wired_at_once)
{
	int threads = count_threads();
	struct peer alone = { 0 };
	struct link_spec spec = { .self = { .node = "alone" }, .longest = 1000 };
	struct link_hooks hooks = { .context = &alone, .wired = peer_wired, .drained = peer_drained, .note = peer_note,
		.wake = peer_wake };
	struct error error = { 0 };
	pthread_mutex_init(&alone.lock, NULL);
	pthread_cond_init(&alone.changed, NULL);
	struct link *link = link_new(&spec, &hooks, &error);
	ck_assert_int_eq(link_bind(link, &error), 0);
	ck_assert_int_eq(link_connect(link, &error), 0);
	ck_assert(alone.wired);
	ck_assert_int_eq(link_tick(link), -1);
	link_drain(link, clock_ns() + INT64_C(1000000000));
	ck_assert(alone.drained);
	link_free(link);
	ck_assert_int_eq(count_threads(), threads);     /* nng was never started */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_calls");
	TCase *calls = tcase_create("calls"), *alone = tcase_create("alone");
	tcase_add_checked_fixture(calls, two, close_two);
	tcase_set_timeout(calls, 120);
	tcase_add_loop_test(calls, calls_of_one_caller_begin_in_order, 16, 17);
	tcase_add_loop_test(calls, calls_of_one_caller_begin_in_order, 256, 257);
	tcase_add_test(calls, held_calls_cost_no_thread);
	tcase_add_test(calls, big_and_empty_messages);
	tcase_add_test(calls, too_big_is_refused_at_the_sender);
	tcase_add_test(calls, threads_of_a_method_run_at_once);
	tcase_add_test(calls, an_inbox_gives_calls_one_by_one);
	tcase_add_test(calls, an_inbox_gives_calls_of_one_caller);
	tcase_add_test(calls, a_refusal_reaches_the_caller);
	tcase_add_test(calls, the_end_of_run_refuses_inbox_calls);
	tcase_add_test(calls, errors_of_handlers_travel);
	tcase_add_test(calls, a_handler_that_does_not_answer_is_an_error);
	tcase_add_test(calls, a_second_answer_is_invalid);
	tcase_add_test(calls, an_answer_may_be_too_big);
	tcase_add_test(calls, what_cannot_be_called);
	tcase_add_test(calls, waiting_for_oneself_is_a_deadlock);
	tcase_add_test(calls, a_full_queue_refuses);
	tcase_add_test(calls, a_full_queue_lets_callers_wait);
	tcase_add_test(calls, a_deadline_ends_a_call_and_tells_the_server);
	tcase_add_test(calls, deadlines_of_futures_pass_unwatched);
	tcase_add_test(calls, a_cancelled_call_is_taken_out_of_the_queue);
	tcase_add_test(calls, a_cancelled_call_that_is_kept_is_gone);
	tcase_add_test(calls, any_of_several_futures);
	tcase_add_test(calls, any_place_goes_round);
	tcase_add_test(calls, nothing_is_told_for_10_s);
	tcase_add_test(calls, counters_add_up);
	tcase_add_loop_test(calls, stop_ends_every_wait, 0, 4);
	tcase_add_test(calls, a_drain_refuses_what_is_kept);
	tcase_add_test(calls, a_drain_waits_for_callbacks);
	tcase_add_test(calls, a_drain_has_an_end);
	tcase_add_test(alone, an_edge_may_have_a_deadline);
	tcase_add_test(alone, calls_need_a_connected_link);
	tcase_add_test(alone, a_link_without_edges_is_wired_at_once);
	suite_add_tcase(suite, calls);
	suite_add_tcase(suite, alone);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
