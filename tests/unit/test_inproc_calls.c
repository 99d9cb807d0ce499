/* SPDX-License-Identifier: MIT */
/* Requests and replies within a process, as transport.h promises them: when events run, and that every question ends once. */
#include "inproc_ends.h"

/* ---- when events run ---- */

START_TEST(events_run_only_when_delivered)
{
	struct server server = { 0 };
	struct client client = { 0 };
	listen_at(&server, address);
	dial(&client, address);
	ck_assert_int_eq(client.ups, 0);
	inproc_deliver();
	ck_assert_int_eq(client.ups, 1);
	ask(&client, 1, message_bytes("x", 1));
	ck_assert_int_eq(server.requests, 0);
	inproc_deliver();
	ck_assert_int_eq(server.requests, 1);
	ck_assert_int_eq(client.replies, 1);
	hang_up(&client);
	inproc_calls_answer_close(server.answering);
}
END_TEST

/* A thousand rounds of ask and answer, each sent in an event: were they nested, the stack and `overlaps` would show it. */
START_TEST(what_an_event_sends_comes_after_it)
{
	struct server server = { 0 };
	struct client client = { .again = true };
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 0, message_bytes("x", 1));
	inproc_deliver();
	ck_assert_int_eq(client.replies, 1000);
	ck_assert_int_eq(server.overlaps + client.overlaps, 0);
	hang_up(&client);
	inproc_calls_answer_close(server.answering);
}
END_TEST

START_TEST(the_body_is_handed_over_by_reference)
{
	struct server server = { 0 };
	struct client client = { 0 };
	lpad_message *message = message_bytes("hello", 6);
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 0, message_share(message));
	inproc_deliver();
	ck_assert_ptr_eq(message_content(client.last), message_content(message));
	ck_assert_str_eq(message_sender(client.last), "server");
	ck_assert_str_eq(message_sender(message), "");
	message_free(message);
	ck_assert_str_eq(message_body(client.last, 6), "hello");
	ask(&client, 1, NULL);
	inproc_deliver();
	ck_assert_uint_eq(message_size(client.last), 0);
	hang_up(&client);
	inproc_calls_answer_close(server.answering);
}
END_TEST

START_TEST(a_frame_can_be_made_before_and_dropped)
{
	struct server server = { 0 };
	struct client client = { 0 };
	lpad_message *message = message_bytes("hello", 6);
	struct frame frame = request_of(message_share(message));
	listen_at(&server, address);
	dial(&client, address);
	transport_inproc.frame_make(&frame);
	ck_assert_uint_eq(frame.wire.size, 6);
	ck_assert_int_eq(frame.wire.content, LPAD_BYTES);
	ck_assert_ptr_null(message_fill(message));
	frame.wire.number = 5;
	inproc_calls_ask(client.asking, &frame, NULL);
	inproc_deliver();
	ck_assert_int_eq(client.replies, 1);
	frame = request_of(message);
	transport_inproc.frame_make(&frame);
	transport_inproc.frame_drop(&frame);
	ck_assert_ptr_null(frame.raw);
	hang_up(&client);
	inproc_calls_answer_close(server.answering);
}
END_TEST

/* ---- connections ---- */

START_TEST(connects_when_somebody_listens_and_again)
{
	struct server server = { 0 };
	struct client client = { 0 };
	dial(&client, address);
	inproc_deliver();
	ck_assert_int_eq(client.ups, 0);
	for (int round = 1; round <= 3; round++) {
		listen_at(&server, address);
		inproc_deliver();
		ck_assert_int_eq(client.ups, round);
		ask(&client, round, NULL);
		inproc_deliver();
		ck_assert_int_eq(client.replies, round);
		inproc_calls_answer_close(server.answering);
		ck_assert_int_eq(client.downs, round);
	}
	hang_up(&client);
}
END_TEST

START_TEST(without_a_connection_a_question_fails)
{
	struct client client = { 0 };
	dial(&client, address);
	ask(&client, 3, message_bytes("x", 1));
	ck_assert_int_eq(client.failures, 0);
	inproc_deliver();
	ck_assert_int_eq(client.failures, 1);
	ck_assert_int_eq(client.ended[3], 1);
	hang_up(&client);
}
END_TEST

START_TEST(one_listens_at_a_name)
{
	struct server server = { 0 }, other = { 0 };
	struct error error = { 0 };
	char *bound = NULL;
	listen_at(&server, address);
	static const struct answering_events events = { on_request, on_bad_request };
	ck_assert_ptr_null(inproc_calls_answer_open(address, LONGEST, &events, &other, &bound, &error));
	ck_assert_str_eq(error.text, "cannot listen on inproc://server: another node of this process is there");
	ck_assert_ptr_null(inproc_calls_answer_open("inproc://", LONGEST, &events, &other, &bound, &error));
	ck_assert_str_eq(error.text, "cannot listen on inproc://: a name belongs behind inproc://");
	ck_assert_ptr_null(bound);
	listen_at(&other, "inproc://other");
	inproc_calls_answer_close(server.answering);
	listen_at(&server, address);
	inproc_calls_answer_close(server.answering);
	inproc_calls_answer_close(other.answering);
	ck_assert_ptr_eq(transport_for(address, &error), &transport_inproc);
}
END_TEST

/* ---- every question ends once ---- */

START_TEST(a_dropped_request_fails_when_its_connection_ends)
{
	struct server server = { .drop = true };
	struct client client = { 0 };
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 1, message_bytes("x", 1));
	inproc_deliver();
	ck_assert_int_eq(server.requests, 1);
	ck_assert_int_eq(client.failures + client.replies, 0);
	inproc_calls_answer_close(server.answering);
	ck_assert_int_eq(client.ended[1], 1);
	ck_assert_int_eq(client.failures, 1);
	hang_up(&client);
}
END_TEST

/* One is taken and never answered, one has just been sent; one was answered, and its answer is not lost. */
START_TEST(closing_the_server_fails_what_is_under_way)
{
	struct server server = { .keep = true };
	struct client client = { 0 };
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 0, message_bytes("x", 1));
	ask(&client, 1, message_bytes("x", 1));
	inproc_deliver();
	ask(&client, 2, message_bytes("x", 1));
	answer(server.kept[1], message_bytes("y", 1));
	inproc_calls_answer_close(server.answering);
	for (int token = 0; token < 3; token++)
		ck_assert_int_eq(client.ended[token], 1);
	ck_assert_int_eq(client.replies, 1);
	ck_assert_int_eq(client.failures, 2);
	ck_assert_int_eq(client.downs, 1);
	hang_up(&client);
}
END_TEST

START_TEST(closing_the_client_fails_what_is_under_way_first)
{
	struct server server = { .keep = true };
	struct client client = { 0 };
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 0, message_bytes("x", 1));
	ask(&client, 1, message_bytes("x", 1));
	inproc_deliver();
	answer(server.kept[1], NULL);
	hang_up(&client);
	ck_assert_int_eq(client.ended[0], 1);
	ck_assert_int_eq(client.ended[1], 1);
	answer(server.kept[0], message_bytes("late", 4));       /* nobody wants it any more */
	inproc_deliver();
	ck_assert_int_eq(client.replies, 1);
	inproc_calls_answer_close(server.answering);
}
END_TEST

static void open_when_released(void *context)
{
	sem_post(context);
}

START_TEST(abandoning_fails_what_is_under_way_elsewhere)
{
	struct server server = { .keep = true };
	struct client client = { 0 };
	sem_t closed;
	sem_init(&closed, 0, 0);
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 0, message_bytes("x", 1));
	inproc_deliver();
	inproc_calls_ask_abandon(client.asking, open_when_released, &closed);
	while (sem_wait(&closed))
		;
	ck_assert_int_eq(client.ended[0], 1);
	inproc_calls_answer_close(server.answering);
	inproc_deliver();
	ck_assert_int_eq(client.failures, 1);
	sem_destroy(&closed);
}
END_TEST

/* As over a socket: what the receiver does not want so long ends the connection, and there is a new one. */
START_TEST(what_is_too_long_ends_the_connection)
{
	struct server server = { 0 };
	struct client client = { 0 };
	listen_at(&server, address);
	dial(&client, address);
	ask(&client, 1, message_bytes(NULL, LONGEST + 1));
	inproc_deliver();
	ck_assert_int_eq(server.requests, 0);
	ck_assert_int_eq(client.ended[1], 1);
	ck_assert_int_eq(client.failures, 1);
	ck_assert_int_eq(client.downs, 1);
	ck_assert_int_eq(client.ups, 2);
	server.keep = true;
	ask(&client, 2, message_bytes(NULL, LONGEST));
	inproc_deliver();
	answer(server.kept[0], message_bytes(NULL, LONGEST + 1));
	inproc_deliver();
	ck_assert_int_eq(client.ended[2], 1);
	ck_assert_int_eq(client.failures, 2);
	ck_assert_int_eq(client.ups, 3);
	hang_up(&client);
	inproc_calls_answer_close(server.answering);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inproc_calls");
	TCase *all = tcase_create("all");
	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, events_run_only_when_delivered);
	tcase_add_test(all, what_an_event_sends_comes_after_it);
	tcase_add_test(all, the_body_is_handed_over_by_reference);
	tcase_add_test(all, a_frame_can_be_made_before_and_dropped);
	tcase_add_test(all, connects_when_somebody_listens_and_again);
	tcase_add_test(all, without_a_connection_a_question_fails);
	tcase_add_test(all, one_listens_at_a_name);
	tcase_add_test(all, a_dropped_request_fails_when_its_connection_ends);
	tcase_add_test(all, closing_the_server_fails_what_is_under_way);
	tcase_add_test(all, closing_the_client_fails_what_is_under_way_first);
	tcase_add_test(all, abandoning_fails_what_is_under_way_elsewhere);
	tcase_add_test(all, what_is_too_long_ends_the_connection);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
