/* SPDX-License-Identifier: MIT */
/* A server that is stopped while the others go on: what becomes of the calls that it has, when it comes again and when it does not. */
#include "link_children.h"

enum { KEEP, SAFE_KEEP, GATED, BOXED, SAFE_BOXED, TOGETHER, IN_ORDER, OWN };
enum { GATED_CALLS = 4, NUMBERED = 30 };
enum { CALLER, FIRST, SECOND };                 /* of peers */

static struct peer peers[3];

/* The first incarnation keeps it, the second says who it is. */
static int do_keep(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	return peer->incarnation == 1 ? LPAD_LATER : call_answer(call, message_bytes(&peer->incarnation, sizeof peer->incarnation));
}

static int do_together(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	return peer->incarnation == 1 ? LPAD_LATER : call_answer(call, message_share(call_request(call)));
}

static int do_gate(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	while (peer->incarnation == 1 && sem_wait(&peer->gate))
		;
	return call_answer(call, message_bytes(&peer->incarnation, sizeof peer->incarnation));
}

static int (*const own_callbacks[OWN])(struct peer *, lpad_call *) = {
	[KEEP] = do_keep, [SAFE_KEEP] = do_keep, [GATED] = do_gate, [TOGETHER] = do_together, [IN_ORDER] = do_order,
};
static const struct method_link own_methods[OWN] = {
	[KEEP] = { .name = "keep" }, [SAFE_KEEP] = { .name = "safe", .idempotent = true },
	[GATED] = { .name = "gated", .queue = 2, .full = LPAD_WAIT, .threads = 1 },
	[BOXED] = { .name = "boxed", .inbox = true }, [SAFE_BOXED] = { .name = "safe_boxed", .inbox = true, .idempotent = true },
	[TOGETHER] = { .name = "together", .idempotent = true, .batch = 1 }, [IN_ORDER] = { .name = "in_order" },
};

/* ---- the world: one who calls, and the two lives of its server ---- */

static void open_world(void)
{
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN;
	peers_prepare(2);
	peer_bind(&peers[CALLER], 0, 1, NULL);
	peer_bind(&peers[FIRST], 1, 1, NULL);
	peer_connect(&peers[CALLER]);
	peer_connect(&peers[FIRST]);
	peer_go(&peers[CALLER]);
	peer_go(&peers[FIRST]);
}

static void begin_again(void)
{
	link_peer_lost(peers[CALLER].link, 1, 0, 1, false);
	peer_bind(&peers[SECOND], 1, 2, NULL);
	peer_connect(&peers[SECOND]);
	peer_up(&peers[CALLER], 1, 2);
	peer_go(&peers[SECOND]);
}

static void close_world(void)
{
	peer_close(&peers[CALLER]);
	if (peers[SECOND].link)
		peer_close(&peers[SECOND]);
	files_remove_tree(peers_folder);
}

static void stop_first(void)
{
	link_leave_alone(peers[FIRST].link, true);
	link_stop(peers[FIRST].link);
	link_end_run(peers[FIRST].link);
}

static void drain_first(void)
{
	link_drain(peers[FIRST].link, clock_ns() + INT64_C(60000000000));
}

static void end_first(void)
{
	peer_await(&peers[FIRST], &peers[FIRST].drained);
	link_leave(peers[FIRST].link);
	peer_close(&peers[FIRST]);
}

/* ---- calls ---- */

static lpad_message *one_tensor(void)
{
	lpad_message *message = message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 1, { 1 } });
	memset(message_data(message, "x"), 0, sizeof(float));
	return message;
}

static lpad_future *start(int method)
{
	return peer_start(&peers[CALLER], 1, method, method == TOGETHER ? one_tensor() : message_bytes("asked", 5));
}

static int incarnation_in(lpad_message *reply)
{
	const int *body = message_body(reply, sizeof *body);
	int incarnation = body ? *body : -1;
	message_free(reply);
	return incarnation;
}

static void answered_by(lpad_future *future, int incarnation)
{
	lpad_message *reply;
	int code = future_wait(future, &reply);
	ck_assert_msg(!code, "%s", fault_text());
	ck_assert_int_eq(incarnation_in(reply), incarnation);
}

/* What is on its way when the server ends is lost, as when it dies. */
static void await_arrivals(int method, int least)
{
	while (peer_counters(&peers[FIRST], "method", own_methods[method].name, "n0").messages < least)
		sched_yield();
}

static void ended(lpad_future *future, int code, const char *text)
{
	ck_assert_fault(future_wait(future, NULL), code);
	ck_assert_str_eq(fault_text(), text);
}

static void *call_safe(void *context)
{
	lpad_message *reply;
	int *out = context, code = peer_call(&peers[CALLER], 1, SAFE_KEEP, message_bytes("asked", 5), &reply);
	*out = code ? code : incarnation_in(reply);
	return NULL;
}

/* ---- tests ---- */

START_TEST(what_is_kept_goes_on_or_is_lost)
{
	pthread_t thread;
	int synchronous = 0;
	open_world();
	lpad_future *safe = start(SAFE_KEEP), *plain = start(KEEP), *batched = start(TOGETHER);
	ck_assert_int_eq(pthread_create(&thread, NULL, call_safe, &synchronous), 0);
	await_count(&peers[FIRST].entered, 4);
	stop_first();
	ck_assert_int_eq(handle_await_server(peers[CALLER].peers, 1, never), 1);        /* it is there until it is drained */
	drain_first();
	ended(plain, LPAD_ELOST, "n1.keep: n1 was stopped with the call under way; it may have been executed");
	ck_assert_fault(handle_await_server(peers[CALLER].peers, 1, in_ms(5)), LPAD_ETIMEDOUT);
	lpad_future *later = start(KEEP);
	end_first();
	ck_assert(!future_ready(safe) && !future_ready(batched) && !future_ready(later));
	struct port_counters counters = peer_counters(&peers[CALLER], "handle", "peers", "n1");
	ck_assert_int_eq(counters.lost, 1);
	if (_i) {
		link_peer_lost(peers[CALLER].link, 1, 0, 1, true);
		ended(safe, LPAD_EGONE, "n1.safe: n1 will never come back; the call was lost with it");
		ended(batched, LPAD_EGONE, "n1.together: n1 will never come back; the call was lost with it");
		ended(later, LPAD_EGONE, "n1.keep: n1 will never come back; the call was not sent");
	} else {
		begin_again();
		answered_by(safe, 2);
		ck_assert_int_eq(future_wait(batched, NULL), 0);
		answered_by(later, 2);
	}
	pthread_join(thread, NULL);
	ck_assert_int_eq(synchronous, _i ? LPAD_EGONE : 2);
	close_world();
}
END_TEST

/* What its methods have taken in it still does; the one that waits for room has not begun. */
START_TEST(what_is_queued_is_served_by_one_of_them)
{
	lpad_future *gated[GATED_CALLS];
	open_world();
	for (int i = 0; i < GATED_CALLS; i++) {
		gated[i] = start(GATED);
		await_count(&peers[FIRST].entered, 1);
	}
	await_arrivals(GATED, GATED_CALLS);
	stop_first();
	drain_first();
	for (int i = 0; i < GATED_CALLS; i++)
		sem_post(&peers[FIRST].gate);
	for (int i = 0; i < GATED_CALLS - 1; i++)
		answered_by(gated[i], 1);
	end_first();
	ck_assert_int_eq(peers[FIRST].entered, GATED_CALLS - 1);
	ck_assert_int_eq(future_ready(gated[GATED_CALLS - 1]), 0);
	if (_i) {
		link_peer_lost(peers[CALLER].link, 1, 0, 1, true);
		ended(gated[GATED_CALLS - 1], LPAD_EGONE, "n1.gated: n1 will never come back; the call was not begun");
	} else {
		begin_again();
		answered_by(gated[GATED_CALLS - 1], 2);
	}
	close_world();
}
END_TEST

static lpad_inbox *box_of(struct peer *peer, int method)
{
	return link_inbox(peer->link, method);
}

static void answer_next(int method)
{
	lpad_call *call;
	ck_assert_int_eq(inbox_next(box_of(&peers[SECOND], method), &call, never), 0);
	ck_assert_int_eq(memcmp(message_content(call_request(call)), "asked", 5), 0);
	call_answer(call, message_bytes(&peers[SECOND].incarnation, sizeof(int)));
}

/* The end of `run` is not the end of it all: the next one has a `run` of its own. */
START_TEST(an_inbox_is_left_to_the_next)
{
	static const int boxes[] = { BOXED, SAFE_BOXED };
	lpad_future *taken[2], *waiting[2];
	lpad_call *calls[2];
	open_world();
	for (int i = 0; i < 2; i++) {
		taken[i] = start(boxes[i]);
		waiting[i] = start(boxes[i]);
		ck_assert_int_eq(inbox_next(box_of(&peers[FIRST], boxes[i]), &calls[i], never), 0);
		await_arrivals(boxes[i], 2);
	}
	stop_first();
	ended(taken[0], LPAD_ELOST, "n1.boxed: n1 was stopped with the call under way; it may have been executed");
	ck_assert_int_eq(call_answer(calls[0], NULL), LPAD_EINVALID);
	lpad_future *after = start(BOXED);
	drain_first();
	end_first();
	ck_assert(!future_ready(taken[1]) && !future_ready(waiting[0]) && !future_ready(waiting[1]) && !future_ready(after));
	if (_i)
		link_peer_lost(peers[CALLER].link, 1, 0, 1, true);
	else {
		begin_again();
		for (int i = 0; i < 4; i++)
			answer_next(boxes[i % 2]);
	}
	lpad_future *left[] = { taken[1], waiting[0], waiting[1], after };
	for (int i = 0; i < 4; i++)
		if (_i)
			ck_assert_fault(future_wait(left[i], NULL), LPAD_EGONE);
		else
			answered_by(left[i], 2);
	close_world();
}
END_TEST

/* While it leaves, and after it: the one that was refused and those that are held back keep their order, and none is done twice. */
START_TEST(calls_come_to_the_next_in_their_order)
{
	lpad_future *futures[NUMBERED];
	open_world();
	stop_first();
	drain_first();
	for (uint64_t i = 0; i < NUMBERED; i++) {
		while (i == 1 && handle_await_server(peers[CALLER].peers, 1, in_ms(1)) > 0)
			;                       /* until the first was refused */
		if (i == NUMBERED / 2)
			end_first();
		futures[i] = peer_start(&peers[CALLER], 1, IN_ORDER, message_bytes(&i, sizeof i));
	}
	lpad_future *hurried = handle_start(peers[CALLER].peers, 1, "in_order", NULL, in_ms(5));
	ck_assert_fault(future_wait(hurried, NULL), LPAD_ETIMEDOUT);
	begin_again();
	for (int i = 0; i < NUMBERED; i++)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
	ck_assert_int_eq(peers[SECOND].disorder, 0);
	ck_assert_uint_eq(peers[SECOND].next, NUMBERED);
	close_world();
}
END_TEST

/* The stop of the program itself, which may come while one is stopped alone, is told as such. */
START_TEST(the_stop_of_all_is_another_thing)
{
	open_world();
	lpad_future *safe = start(SAFE_KEEP), *plain = start(KEEP);
	await_count(&peers[FIRST].entered, 2);
	stop_first();
	link_leave_alone(peers[FIRST].link, false);
	drain_first();
	ended(safe, LPAD_ESTOPPED, "n1.safe: n1 is stopping");
	ended(plain, LPAD_ESTOPPED, "n1.keep: n1 is stopping");
	ended(start(KEEP), LPAD_ESTOPPED, "n1.keep: n1 is stopping");
	end_first();
	close_world();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_alone");
	TCase *alone = tcase_create("alone");
	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(alone, 120);
	tcase_add_loop_test(alone, what_is_kept_goes_on_or_is_lost, 0, 2);
	tcase_add_loop_test(alone, what_is_queued_is_served_by_one_of_them, 0, 2);
	tcase_add_loop_test(alone, an_inbox_is_left_to_the_next, 0, 2);
	tcase_add_test(alone, calls_come_to_the_next_in_their_order);
	tcase_add_test(alone, the_stop_of_all_is_another_thing);
	suite_add_tcase(suite, alone);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
