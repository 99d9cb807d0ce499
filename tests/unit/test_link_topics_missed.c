/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber of `all` asks for, and when: its publisher is played here, message by message, so that what is lost, and what
 * overtakes what, is the test's choice. Every test is a process of its own that uses nng; the runner never does.
 */
#include "link_topics.h"

#include <stdatomic.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/reqrep0/rep.h>

#include "link/wire.h"

static nng_socket publishing, answering;
static atomic_int joined;
static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 64, false, false } };

/* ---- the publisher ---- */

static void on_joined(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	(void)pipe;
	(void)event;
	(void)context;
	joined++;
}

static void send_frame(nng_socket to, struct wire wire, const char *body)
{
	unsigned char frame[WIRE_SIZE + 200];
	size_t size = body ? strlen(body) : 0;
	wire.role = WIRE_MEMBER;
	wire.token = WORLD_TOKEN;
	wire.incarnation = 1;
	wire.deadline_ms = -1;
	wire.size = size;
	wire.content = size ? LPAD_BYTES : 0;
	wire_encode(&wire, frame);
	if (size)
		memcpy(frame + WIRE_SIZE, body, size);
	ck_assert_int_eq(nng_send(to, frame, WIRE_SIZE + size, 0), 0);
}

static void tell(int kind, uint64_t number, uint64_t resends)
{
	send_frame(publishing, (struct wire){ .kind = (uint8_t)kind, .number = number, .version = resends }, NULL);
}

static void publish_number(uint64_t number, uint64_t resends, uint32_t flags)
{
	char body[sizeof number + 1] = "12345678";
	body[0] = (char)('0' + number);
	send_frame(publishing, (struct wire){ .kind = WIRE_PUBLISH, .number = number, .version = resends, .flags = flags }, body);
}

static void reply(uint64_t resends)
{
	send_frame(answering, (struct wire){ .kind = WIRE_REPLY, .session = 1, .version = resends },
		"{\"node\": \"p0\", \"incarnation\": 1, \"methods\": [], \"idempotent\": [], \"topics\": [\"value\"]}");
}

static void refuse(int code)
{
	send_frame(answering, (struct wire){ .kind = WIRE_ERROR, .code = code }, "no");
}

/* The next request that is no ACK, which is answered as it comes. */
static struct wire next_request(void)
{
	struct wire wire;
	const char *why = NULL;
	do {
		void *frame;
		size_t size;
		ck_assert_int_eq(nng_recv(answering, &frame, &size, NNG_FLAG_ALLOC), 0);
		ck_assert_msg(wire_decode(frame, size, &wire, &why), "%s", why);
		nng_free(frame, size);
		if (wire.kind == WIRE_ACK)
			reply(0);
	} while (wire.kind == WIRE_ACK);
	return wire;
}

static void expect(int kind, uint64_t number)
{
	struct wire wire = next_request();
	ck_assert_int_eq(wire.kind, kind);
	ck_assert_uint_eq(wire.number, number);
}

/* Subscribed, and nothing published yet; the answer to CONFIRM is still to come. */
static void begin_unconfirmed(void)
{
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world.party[0].remote = true;
	world_bind(&world);
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	ck_assert_int_eq(nng_pub0_open(&publishing), 0);
	ck_assert_int_eq(nng_socket_set_int(publishing, NNG_OPT_SENDBUF, 100), 0);
	ck_assert_int_eq(nng_pipe_notify(publishing, NNG_PIPE_EV_ADD_POST, on_joined, NULL), 0);
	ck_assert_int_eq(nng_listen(publishing, address, NULL, 0), 0);
	ck_assert_int_eq(nng_rep0_open(&answering), 0);
	ck_assert_int_eq(nng_listen(answering, world.party[0].address, NULL, 0), 0);
	world_connect(&world);
	expect(WIRE_HELLO, 1);
	reply(0);
	expect(WIRE_SUBSCRIBE, 0);
	reply(0);
	while (!joined)
		sched_yield();
	tell(WIRE_TOPIC_HELLO, 0, 0);
	expect(WIRE_CONFIRM, 0);
}

static void begin(void)
{
	begin_unconfirmed();
	reply(0);
}

/* Nothing is closed: whenever it ends, the subscriber may be sending a request, and to close a socket of nng 1.5.2 that has read one half
   of a message takes for ever. */
static void end(void)
{
	world.killed = true;
}

static struct port_counters row(void)
{
	return world_count(&world.party[1], "subscription", "in", "p0");
}

static void take_numbers(uint64_t first, uint64_t last)
{
	for (uint64_t number = first; number <= last; number++)
		ck_assert_int_eq((char)take(subscription(1, "in")), (char)('0' + number));
}

/* ---- tests ---- */

/* Whatever was sent before the request was heard says nothing, whether it comes before the answer or after it. */
START_TEST(a_gap_is_asked_for_once)
{
	begin();
	publish_number(1, 0, 0);
	publish_number(3, 0, 0);
	publish_number(4, 0, 0);
	expect(WIRE_RESEND, 2);
	publish_number(5, 0, 0);
	tell(WIRE_TOPIC_HELLO, 5, 0);
	reply(1);
	publish_number(6, 0, 0);
	for (uint64_t number = 2; number <= 6; number++)
		publish_number(number, 1, WIRE_RETRY);
	publish_number(7, 1, 0);
	take_numbers(1, 7);
	publish_number(9, 1, 0);
	expect(WIRE_RESEND, 8);                         /* the first since */
	ck_assert_int_eq(row().errors, 0);
	ck_assert_int_eq(row().dropped, 0);
	end();
}
END_TEST

START_TEST(what_is_lost_again_is_asked_for_again)
{
	begin();
	publish_number(2, 0, 0);
	expect(WIRE_RESEND, 1);
	reply(1);
	publish_number(1, 1, WIRE_RETRY);
	publish_number(3, 1, 0);                        /* not 2 */
	expect(WIRE_RESEND, 2);
	publish_number(2, 2, WIRE_RETRY);
	publish_number(4, 2, 0);                        /* 3 is gone: known before the request is answered */
	take_numbers(1, 2);
	await_arrived(1, "in", "p0", 2);
	reply(2);
	expect(WIRE_RESEND, 3);
	reply(3);
	tell(WIRE_TOPIC_HELLO, 4, 3);                   /* nothing of it came */
	expect(WIRE_RESEND, 3);
	reply(4);
	for (uint64_t number = 1; number <= 4; number++)
		publish_number(number, 4, WIRE_RETRY);
	take_numbers(3, 4);
	ck_assert_int_eq(row().errors, 0);
	end();
}
END_TEST

/* END is said once; what is missing before it comes behind it. */
START_TEST(an_end_waits_for_what_is_missing)
{
	begin();
	publish_number(1, 0, 0);
	tell(WIRE_END, 3, 0);
	expect(WIRE_RESEND, 2);
	reply(1);
	take_numbers(1, 1);
	ck_assert_int_eq(subscription_publishers(subscription(1, "in")), 1);
	publish_number(2, 1, WIRE_RETRY);
	publish_number(3, 1, WIRE_RETRY);
	take_numbers(2, 3);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	expect(WIRE_END_ACK, 3);
	reply(0);
	publish_number(3, 2, WIRE_RETRY);               /* somebody else had missed it */
	publish_number(3, 2, 0);
	while (!row().errors)
		sched_yield();
	ck_assert_int_eq(row().errors, 1);              /* the second */
	ck_assert_int_eq(row().published, 3);
	ck_assert_int_eq(row().received, 3);
	end();
}
END_TEST

/* Answers may come late: a publisher that has heard CONFIRM waits for the acknowledgement of its end, whatever is known here. */
START_TEST(an_end_before_the_confirmation_is_owed_an_answer)
{
	begin_unconfirmed();
	publish_number(1, 0, 0);
	tell(WIRE_END, 1, 0);
	take_numbers(1, 1);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_end_run(&world.party[1]);
	link_drain(world.party[1].link, INT64_MAX);
	ck_assert_uint_eq(link_waits_for(world.party[1].link, NULL, 0), 1);
	reply(0);
	expect(WIRE_END_ACK, 1);
	ck_assert_uint_eq(link_waits_for(world.party[1].link, NULL, 0), 1);
	reply(0);
	world_wait(&world.party[1], &world.party[1].drained);
	int64_t count;
	ck_assert_ptr_null(link_left(world.party[1].link, &count));
	end();
}
END_TEST

static void break_connection(void)
{
	nng_close(publishing);
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	ck_assert_int_eq(nng_pub0_open(&publishing), 0);
	ck_assert_int_eq(nng_pipe_notify(publishing, NNG_PIPE_EV_ADD_POST, on_joined, NULL), 0);
	ck_assert_int_eq(nng_listen(publishing, address, NULL, 0), 0);
}

/* Both at once could overtake each other. */
START_TEST(a_connection_that_goes_before_the_confirmation_is_known)
{
	void *frame;
	size_t size;
	begin_unconfirmed();
	int before = joined;
	break_connection();
	while (joined == before)
		sched_yield();
	tell(WIRE_TOPIC_HELLO, 0, 0);
	publish_number(1, 0, 0);
	take_numbers(1, 1);
	ck_assert_int_eq(nng_recv(answering, &frame, &size, NNG_FLAG_ALLOC | NNG_FLAG_NONBLOCK), NNG_EAGAIN);
	reply(0);
	expect(WIRE_SUBSCRIBE, 0);
	tell(WIRE_TOPIC_HELLO, 1, 0);
	reply(0);
	expect(WIRE_CONFIRM, 0);
	reply(0);
	world_wait(&world.party[1], &world.party[1].wired);
	end();
}
END_TEST

START_TEST(a_connection_that_goes_is_followed_by_a_request)
{
	begin();
	publish_number(1, 0, 0);
	take_numbers(1, 1);
	int before = joined;
	break_connection();
	expect(WIRE_SUBSCRIBE, 0);
	reply(0);
	while (joined == before)
		sched_yield();
	tell(WIRE_TOPIC_HELLO, 4, 0);
	uint64_t from = 0;
	for (int i = 0; i < 2; i++) {                   /* they may overtake each other */
		struct wire wire = next_request();
		ck_assert(wire.kind == WIRE_CONFIRM || wire.kind == WIRE_RESEND);
		from = wire.kind == WIRE_RESEND ? wire.number : from;
		reply(wire.kind == WIRE_RESEND);
	}
	ck_assert_uint_eq(from, 2);
	for (uint64_t number = 2; number <= 4; number++)
		publish_number(number, 1, WIRE_RETRY);
	take_numbers(2, 4);
	end();
}
END_TEST

/* Too long for this subscriber: that one is dropped. Not kept any more: all of it is. */
START_TEST(what_cannot_be_had_is_dropped)
{
	begin();
	publish_number(1, 0, 0);
	publish_number(3, 0, 0);
	expect(WIRE_RESEND, 2);
	refuse(LPAD_ETOOBIG);
	expect(WIRE_RESEND, 3);
	world_await_notes(&world.party[1], 1);
	ck_assert_ptr_nonnull(strstr(world.party[1].note, "dropped message 2 of topic \"value\" of p0: it is longer than max_message"));
	reply(1);
	publish_number(3, 1, WIRE_RETRY);
	take_numbers(1, 1);
	take_numbers(3, 3);
	publish_number(7, 1, 0);
	expect(WIRE_RESEND, 4);
	refuse(LPAD_EINVALID);
	while (row().dropped < 5)
		sched_yield();
	publish_number(8, 1, 0);
	take_numbers(8, 8);
	ck_assert_int_eq(row().published, 8);
	ck_assert_int_eq(row().received, 3);
	ck_assert_int_eq(row().dropped, 5);
	end();
}
END_TEST

/* Once `run` has returned nobody would read it. */
START_TEST(what_nobody_reads_is_not_asked_for)
{
	begin();
	publish_number(1, 0, 0);
	publish_number(3, 0, 0);
	expect(WIRE_RESEND, 2);
	world_end_run(&world.party[1]);
	reply(1);
	publish_number(5, 0, 0);
	tell(WIRE_END, 7, 1);
	expect(WIRE_END_ACK, 7);
	ck_assert_int_eq(row().published, 7);
	ck_assert_int_eq(row().dropped, 7);
	end();
}
END_TEST

/* It died before it could send it: known of, and lost. */
START_TEST(what_a_dead_one_cannot_send_is_lost)
{
	begin();
	publish_number(1, 0, 0);
	publish_number(4, 0, 0);
	expect(WIRE_RESEND, 2);
	take_numbers(1, 1);
	link_peer_lost(world.party[1].link, 0, 0, 1, true);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	ck_assert_int_eq(row().published, 4);
	ck_assert_int_eq(row().received, 1);
	ck_assert_int_eq(row().lost, 3);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_missed");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, a_gap_is_asked_for_once);
	tcase_add_test(all, what_is_lost_again_is_asked_for_again);
	tcase_add_test(all, an_end_waits_for_what_is_missing);
	tcase_add_test(all, an_end_before_the_confirmation_is_owed_an_answer);
	tcase_add_test(all, a_connection_that_goes_before_the_confirmation_is_known);
	tcase_add_test(all, a_connection_that_goes_is_followed_by_a_request);
	tcase_add_test(all, what_cannot_be_had_is_dropped);
	tcase_add_test(all, what_nobody_reads_is_not_asked_for);
	tcase_add_test(all, what_a_dead_one_cannot_send_is_lost);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
