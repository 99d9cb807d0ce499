/* SPDX-License-Identifier: MIT */
/* Futures with a function, calls to each place, round robin, and what handles know of their servers. */
#include <sched.h>

#include "link_children.h"
#include "link/inside.h"
#include "node/host.h"

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

/* ---- functions of futures ---- */

struct told {
	atomic_int calls, code;
	char text[200];
	bool keeps;                     /* does not wait for the future */
	pthread_t thread;
};

static void tell(lpad_node *node, lpad_future *future, void *context)
{
	struct told *told = context;
	(void)node;
	told->thread = pthread_self();
	if (!told->keeps) {
		ck_assert_int_eq(future_ready(future), 1);
		told->code = future_wait(future, NULL);
		snprintf(told->text, sizeof told->text, "%s", told->code ? fault_text() : "");
	}
	told->calls++;
}

START_TEST(a_function_is_called_when_it_is_finished)
{
	struct told told[3] = { { 0 } };
	lpad_future *kept = peer_start(&peers[0], 1, HOLD, NULL), *quick = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_int_eq(future_then(kept, tell, &told[0]), 0);
	while (!future_ready(quick))
		sched_yield();
	ck_assert_int_eq(future_then(quick, tell, &told[1]), 0);        /* it was before */
	await_count(&told[1].calls, 1);
	ck_assert_int_eq(told[1].code, 0);
	ck_assert(pthread_equal(told[1].thread, peers[0].workers[0]));  /* the service thread */
	ck_assert_int_eq(told[0].calls, 0);
	ck_assert_fault(future_wait(kept, NULL), LPAD_EINVALID);        /* lpad's, for now */
	ck_assert_fault(future_then(kept, tell, &told[2]), LPAD_EINVALID);
	link_end_run(peers[0].link);                                    /* does not cancel it */
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	await_count(&told[0].calls, 1);
	ck_assert_int_eq(told[0].code, 0);
	ck_assert_int_eq(told[2].calls, 0);
}
END_TEST

START_TEST(a_function_is_called_for_failures_too)
{
	struct told told[4] = { { 0 } };
	ck_assert_int_eq(future_then(handle_start(peers[0].peers, 7, "echo", NULL, never), tell, &told[0]), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "peers has no place 7: it has 2");
	ck_assert_int_eq(told[0].calls, 0);                             /* the future is freed by that */
	ck_assert_int_eq(future_then(handle_start(peers[0].peers, 1, "echo", NULL, in_ms(-1)), tell, &told[1]), 0);
	ck_assert_int_eq(future_then(handle_start(peers[0].peers, 1, "hold", NULL, in_ms(20)), tell, &told[2]), 0);
	ck_assert_int_eq(future_then(handle_start(peers[0].peers, 1, "nothing", NULL, never), tell, &told[3]), 0);
	for (int i = 1; i < 4; i++)
		await_count(&told[i].calls, 1);
	ck_assert_int_eq(told[1].code, LPAD_ETIMEDOUT);
	ck_assert_int_eq(told[2].code, LPAD_ETIMEDOUT);
	ck_assert_int_eq(told[3].code, LPAD_ENOMETHOD);
	ck_assert_fault(future_then(NULL, tell, NULL), LPAD_EINVALID);
	lpad_future *future = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_fault(future_then(future, NULL, NULL), LPAD_EINVALID);
	ck_assert_int_eq(future_wait(future, NULL), 0);
}
END_TEST

START_TEST(a_stop_finishes_what_has_a_function)
{
	struct told told = { 0 };
	ck_assert_int_eq(future_then(peer_start(&peers[0], 1, HOLD, NULL), tell, &told), 0);
	await_count(&peers[1].entered, 1);
	link_stop(peers[0].link);
	await_count(&told.calls, 1);
	ck_assert_int_eq(told.code, LPAD_ESTOPPED);
	ck_assert_str_eq(told.text, "n1.hold: the program is stopping");
	await_count(&peers[1].gone, 1);
}
END_TEST

/* Nobody would finish it otherwise: what stop and drain finish is what had its function by then. */
START_TEST(one_that_gets_its_function_during_the_drain_is_finished_too)
{
	struct told told = { 0 };
	lpad_future *kept = peer_start(&peers[0], 1, HOLD, NULL);
	await_count(&peers[1].entered, 1);
	link_drain(peers[0].link, clock_ns() + INT64_C(60000000000));
	ck_assert_int_eq(future_then(kept, tell, &told), 0);
	await_count(&told.calls, 1);
	ck_assert_int_eq(told.code, LPAD_ESTOPPED);
	ck_assert_str_eq(told.text, "n1.hold: the program is stopping");
	await_count(&peers[1].gone, 1);
}
END_TEST

START_TEST(one_with_a_function_is_not_waited_for_among_others)
{
	struct told told = { 0 };
	lpad_future *kept = peer_start(&peers[0], 1, HOLD, NULL), *other = peer_start(&peers[0], 1, HOLD, NULL);
	ck_assert_int_eq(future_then(kept, tell, &told), 0);
	ck_assert_fault(future_wait_any((lpad_future *[]){ other, kept }, 2, in_ms(20)), LPAD_EINVALID);
	ck_assert_int_eq(future_then(other, tell, &told), 0);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	await_count(&told.calls, 2);
	ck_assert_int_eq(told.code, 0);
}
END_TEST

START_TEST(one_with_a_function_can_be_cancelled)
{
	struct told told = { 0 };
	lpad_future *kept = peer_start(&peers[0], 1, HOLD, NULL), *done = peer_start(&peers[0], 1, ECHO, NULL);
	while (!future_ready(done))
		sched_yield();
	lpad_future *busy = peer_start(&peers[1], 0, WIDE, NULL);
	ck_assert_int_eq(future_then(kept, tell, &told), 0);
	future_cancel(kept);
	await_count(&peers[1].gone, 1);
	sem_post(&peers[0].gate);
	ck_assert_int_eq(future_wait(busy, NULL), 0);
	ck_assert_int_eq(peer_call(&peers[1], 0, ECHO, NULL, NULL), 0);         /* the service thread is behind it */
	ck_assert_int_eq(told.calls, 0);
	future_cancel(done);
}
END_TEST

/* What its function does not end, and what a callback's author forgets, is freed with the link: the sanitizers would tell. */
START_TEST(what_nobody_ends_is_freed_with_the_link)
{
	struct told told = { .keeps = true };
	ck_assert_int_eq(future_then(peer_start(&peers[0], 1, ECHO, NULL), tell, &told), 0);
	await_count(&told.calls, 1);
	link_set_role(peers[0].link, THREAD_CALLBACK, -1);
	peer_start(&peers[0], 1, HOLD, NULL);
	peer_start(&peers[0], 1, ECHO, message_bytes(NULL, 100));
	link_run_thread(peers[0].link);
	link_end_run(peers[0].link);
	await_count(&peers[1].entered, 1);
	ck_assert_int_eq(peers[1].gone, 0);
}
END_TEST

/* ---- to each ---- */

START_TEST(each_place_is_called_at_once)
{
	lpad_host_ = &host_table;
	lpad_message *replies[2], *request = lpad_bytes("same", 4);
	int codes[2];
	ck_assert_int_eq(lpad_call_each(peers[0].peers, "echo", lpad_share(request), replies, codes, lpad_never()), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(codes[i], 0);
		ck_assert_int_eq(memcmp(message_content(replies[i]), "same", 4), 0);
		lpad_free(replies[i]);
	}
	ck_assert_int_eq(lpad_call_each(peers[0].peers, "echo", request, NULL, NULL, lpad_never()), 0);
	ck_assert_int_eq(lpad_call_each(peers[0].peers, "echo", NULL, NULL, NULL, lpad_never()), 0);
	lpad_future *futures[2];
	lpad_start_each(peers[0].peers, "echo", NULL, lpad_never(), futures);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(lpad_wait(futures[i], NULL), 0);
	lpad_start_each(NULL, "echo", lpad_bytes("x", 1), lpad_never(), NULL);
	ck_assert_int_eq(lpad_call_each(NULL, "echo", lpad_bytes("x", 1), NULL, NULL, lpad_never()), 0);
}
END_TEST

START_TEST(the_first_failure_of_each_is_told)
{
	lpad_host_ = &host_table;
	lpad_message *replies[2];
	int codes[2];
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	ck_assert_int_eq(lpad_call_each(peers[0].peers, "echo", NULL, replies, codes, lpad_never()), LPAD_EGONE);
	ck_assert_int_eq(codes[0], 0);
	ck_assert_int_eq(codes[1], LPAD_EGONE);
	ck_assert_ptr_null(replies[1]);
	lpad_free(replies[0]);
	ck_assert_int_eq(lpad_call_each(peers[0].peers, "hold", NULL, NULL, codes, in_ms(20)), LPAD_ETIMEDOUT);
	ck_assert_int_eq(codes[1], LPAD_EGONE);
	ck_assert_msg(!strncmp(lpad_error(), "n0.hold: no answer within", 25), "%s", lpad_error());
}
END_TEST

/* ---- round robin ---- */

START_TEST(any_prefers_those_that_are_up)
{
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(peer_call(&peers[0], LPAD_ANY, ECHO, NULL, NULL), 0);
		if (i == 1)
			link_peer_lost(peers[0].link, 1, 0, 1, false);
	}
	ck_assert_int_eq(peers[0].executed, 3);
	ck_assert_int_eq(peers[1].executed, 1);
	link_peer_lost(peers[0].link, 0, 0, 1, true);
	lpad_future *waiting = peer_start(&peers[0], LPAD_ANY, ECHO, NULL);     /* for the one that may come back */
	ck_assert_int_eq(future_wait_any(&waiting, 1, in_ms(5)), LPAD_ETIMEDOUT);
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	ck_assert_fault(future_wait(waiting, NULL), LPAD_EGONE);
	ck_assert_fault(peer_call(&peers[0], LPAD_ANY, ECHO, NULL, NULL), LPAD_EGONE);
	ck_assert_str_eq(fault_text(), "peers: no server is left, all are gone for good");
}
END_TEST

/* ---- what the topology knows ---- */

START_TEST(handles_know_the_methods_of_their_servers)
{
	static const char *const first[] = { "pull", "push" }, *const second[] = { "get" };
	static const bool first_idempotent[] = { true, false }, second_idempotent[] = { true };
	const struct offered_methods offered[] = { { 1, first, first_idempotent, 2 }, { 2, second, second_idempotent, 1 } };
	const struct peer_spec servers[] = { { .node = "a/0", .group = 1 }, { .node = "a/1", .group = 1, .index = 1 },
		{ .node = "b", .group = 2 }, { .node = "c", .group = 3 } };
	struct handle_link handle = { .name = "h", .place = -1, .deadline_ns = -1, .servers = servers, .count = 4,
		.offered = offered, .offered_count = 2 };
	struct link_spec spec = { .self = { .node = "alone" }, .longest = 1000, .handles = &handle, .handle_count = 1 };
	struct link_hooks hooks = { .context = &peers[0], .wired = peer_wired, .drained = peer_drained, .note = peer_note,
		.wake = peer_wake };
	struct error error = { 0 };
	const char *const *names;
	struct link *link = link_new(&spec, &hooks, &error);
	lpad_handle *to = link_handle(link, "h");
	ck_assert_int_eq(handle_methods(to, 1, &names), 2);
	ck_assert_str_eq(names[0], "pull");
	ck_assert_str_eq(names[1], "push");
	ck_assert_int_eq(handle_methods(to, 2, &names), 1);
	ck_assert_str_eq(names[0], "get");
	ck_assert_int_eq(handle_methods(to, 3, &names), 0);
	ck_assert_fault(handle_methods(to, 4, &names), LPAD_EINVALID);
	ck_assert_ptr_null(names);
	ck_assert_fault(handle_methods(NULL, 0, &names), LPAD_EINVALID);
	ck_assert_int_eq(handle_idempotent(to, 0, "pull"), 1);
	ck_assert_int_eq(handle_idempotent(to, 0, "push"), 0);
	ck_assert_int_eq(handle_idempotent(to, 2, "pull"), 0);
	ck_assert_int_eq(handle_idempotent(to, 2, "get"), 1);
	ck_assert_int_eq(handle_idempotent(to, 9, "get"), 0);
	ck_assert_int_eq(handle_idempotent(NULL, 0, "get"), 0);
	link_free(link);
}
END_TEST

/* ---- a node in front of another one ---- */

static int forward(struct peer *peer, lpad_call *call)
{
	lpad_message *reply;
	if (strcmp(call_method(call), "echo"))
		return fault_set(LPAD_ENOTFOUND, "%s is not mirrored", call_method(call));
	peer->executed++;
	int code = handle_call(peer->peers, 1, call_method(call), message_share(call_request(call)), &reply, never);
	return code ? code : call_answer(call, reply);
}

START_TEST(mirrored_methods_are_served_by_the_service_thread)
{
	static int (*const by[])(struct peer *, lpad_call *) = { forward };
	static const struct method_link mirrored[] = { { .name = "echo", .mirrored = true, .idempotent = true, .threads = 4 } };
	lpad_message *reply;
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1);
	let_go(&server);
	served = mirrored;
	served_by = by;
	served_count = 1;
	open_caller(&peers[0]);
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "echo", message_bytes("through", 7), &reply, never), 0);
	ck_assert_int_eq(memcmp(message_content(reply), "through", 7), 0);
	ck_assert_str_eq(message_sender(reply), "n0");
	message_free(reply);
	ck_assert_int_eq(peers[0].executed, 1);
	end_child(&server);
	close_caller(&peers[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_futures");
	TCase *futures = tcase_create("futures"), *alone = tcase_create("alone");
	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(futures, two, close_two);
	tcase_set_timeout(futures, 60);
	tcase_add_test(futures, a_function_is_called_when_it_is_finished);
	tcase_add_test(futures, a_function_is_called_for_failures_too);
	tcase_add_test(futures, a_stop_finishes_what_has_a_function);
	tcase_add_test(futures, one_that_gets_its_function_during_the_drain_is_finished_too);
	tcase_add_test(futures, one_with_a_function_is_not_waited_for_among_others);
	tcase_add_test(futures, one_with_a_function_can_be_cancelled);
	tcase_add_test(futures, what_nobody_ends_is_freed_with_the_link);
	tcase_add_test(futures, each_place_is_called_at_once);
	tcase_add_test(futures, the_first_failure_of_each_is_told);
	tcase_add_test(futures, any_prefers_those_that_are_up);
	tcase_add_test(alone, handles_know_the_methods_of_their_servers);
	tcase_add_test(alone, mirrored_methods_are_served_by_the_service_thread);
	suite_add_tcase(suite, futures);
	suite_add_tcase(suite, alone);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
