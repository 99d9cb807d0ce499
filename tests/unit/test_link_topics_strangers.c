/* SPDX-License-Identifier: MIT */
/*
 * Topics among strangers: garbage, lies, those who watch, those who hang up, the dead who still speak. Every test is a process of its
 * own that uses nng; the runner never does.
 */
#include "link_topics.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "link/wire.h"

/* ---- one who sits where the publisher should be ---- */

static nng_socket rogue;
static pthread_mutex_t rogue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rogue_changed = PTHREAD_COND_INITIALIZER;
static int rogue_joined;

static void on_rogue_joined(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	(void)pipe;
	(void)event;
	(void)context;
	pthread_mutex_lock(&rogue_lock);
	rogue_joined++;
	pthread_cond_broadcast(&rogue_changed);
	pthread_mutex_unlock(&rogue_lock);
}

/* Sits where p0's topic should be, before anybody dials. */
static void rogue_listen(void)
{
	transport_needs("sockets");
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	ck_assert_int_eq(nng_pub0_open(&rogue), 0);
	ck_assert_int_eq(nng_socket_set_int(rogue, NNG_OPT_SENDBUF, 1000), 0);
	ck_assert_int_eq(nng_pipe_notify(rogue, NNG_PIPE_EV_ADD_POST, on_rogue_joined, NULL), 0);
	ck_assert_int_eq(nng_listen(rogue, address, NULL, 0), 0);
}

static void rogue_await(void)
{
	pthread_mutex_lock(&rogue_lock);
	while (!rogue_joined)
		pthread_cond_wait(&rogue_changed, &rogue_lock);
	pthread_mutex_unlock(&rogue_lock);
}

static struct wire genuine(int kind, uint64_t number)
{
	return (struct wire){ .kind = (uint8_t)kind, .role = WIRE_MEMBER, .token = WORLD_TOKEN, .incarnation = 1,
		.number = number };
}

static void rogue_send(struct wire wire, const void *body, size_t size)
{
	unsigned char frame[WIRE_SIZE + 100];
	ck_assert_uint_le(size, 100);
	wire.size = size;
	wire_encode(&wire, frame);
	if (size)
		memcpy(frame + WIRE_SIZE, body, size);
	ck_assert_int_eq(nng_send(rogue, frame, WIRE_SIZE + size, 0), 0);
}

static void await_errors(int64_t count)
{
	while (world_count(&world.party[1], "subscription", "in", "p0").errors < count)
		sched_yield();
}

START_TEST(garbage_is_counted_and_harmless)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	unsigned char noise[300];
	world_make(&world, 2, edges, 1);
	world.party[0].remote = true;
	world_bind(&world);
	rogue_listen();
	world_connect(&world);
	rogue_await();
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)(i * 7919);
	for (size_t size = 0; size < sizeof noise; size += 10)
		ck_assert_int_eq(nng_send(rogue, noise, size, 0), 0);
	await_errors(30);
	struct wire wire = genuine(WIRE_TOPIC_HELLO, 0);
	wire.token++;
	rogue_send(wire, NULL, 0);
	wire = genuine(WIRE_TOPIC_HELLO, 0);
	wire.group = 7;
	rogue_send(wire, NULL, 0);
	wire = genuine(WIRE_END, 0);
	wire.incarnation = 2;
	rogue_send(wire, NULL, 0);
	wire = genuine(WIRE_TOPIC_HELLO, 0);
	wire.role = WIRE_OBSERVER;
	rogue_send(wire, NULL, 0);
	rogue_send(genuine(WIRE_CALL, 0), NULL, 0);
	await_errors(35);
	world_await_notes(&world.party[1], 1);
	ck_assert(!world.party[1].wired);
	ck_assert_int_eq(subscription_publishers(link_subscription(world.party[1].link, "in")), 1);
	nng_close(rogue);
}
END_TEST

/* One that knows the token lies about numbers and bodies. */
START_TEST(lies_end_in_the_account)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", 1000, 0, false, false } };
	static const char body[] = "[1, 2]";
	world_make(&world, 2, edges, 1);
	world.party[0].remote = true;
	world_bind(&world);
	rogue_listen();
	world_connect(&world);
	rogue_await();
	struct wire wire = genuine(WIRE_PUBLISH, 1);
	wire.content = LPAD_JSON;
	wire.flags = WIRE_RETRY;
	rogue_send(wire, body, 6);                      /* before any HELLO, for somebody else: no part of the account */
	wire.flags = 0;
	rogue_send(genuine(WIRE_TOPIC_HELLO, 10), NULL, 0);
	for (wire.number = 11; wire.number <= 13; wire.number++)
		rogue_send(wire, body, wire.number == 12 ? 3 : 6);      /* 12 is half a text */
	wire.number = 13;
	rogue_send(wire, body, 6);                      /* again */
	wire.number = 20;
	rogue_send(wire, body, 6);                      /* 14 to 19 are missing */
	rogue_send(genuine(WIRE_END, 25), NULL, 0);     /* and so are 21 to 25 */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	wire.number = 26;
	rogue_send(wire, body, 6);                      /* after the end */
	await_errors(3);
	struct port_counters row = world_count(&world.party[1], "subscription", "in", "p0");
	ck_assert_int_eq(row.published, 15);
	ck_assert_int_eq(row.received, 3);
	ck_assert_int_eq(row.dropped, 1 + 6 + 5);
	ck_assert_int_eq(row.errors, 3);
	nng_close(rogue);
}
END_TEST

/* Answers as a publisher of the topic "value" does, and counts the requests by kind. */
static nng_socket answering;
static atomic_int requests[WIRE_REPLY];

static void answer(const struct wire *request)
{
	static const char hello[] = "{\"node\": \"p0\", \"incarnation\": 1, \"methods\": [], \"idempotent\": [], \"topics\": [\"value\"]}";
	unsigned char frame[WIRE_SIZE + sizeof hello];
	struct wire wire = genuine(WIRE_REPLY, 0);
	wire.session = 1;
	wire.size = request->kind == WIRE_HELLO ? strlen(hello) : 0;
	wire.content = wire.size ? LPAD_BYTES : 0;
	wire_encode(&wire, frame);
	memcpy(frame + WIRE_SIZE, hello, wire.size);
	ck_assert_int_eq(nng_send(answering, frame, WIRE_SIZE + wire.size, 0), 0);
}

static void *answer_all(void *context)
{
	void *frame;
	size_t size;
	struct wire wire;
	const char *why;
	(void)context;
	while (!nng_recv(answering, &frame, &size, NNG_FLAG_ALLOC)) {
		ck_assert(wire_decode(frame, size, &wire, &why));
		nng_free(frame, size);
		answer(&wire);
		requests[wire.kind]++;
	}
	return NULL;
}

/* Nobody ticks: an acknowledgement for each quarter of the window, and one for the end. */
START_TEST(acknowledgements_are_rare)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 128, false, false } };
	enum { MESSAGES = 1280, QUARTER = 128 / 4 };
	pthread_t thread;
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world.party[0].remote = world.party[1].silent = true;
	world_bind(&world);
	rogue_listen();
	ck_assert_int_eq(nng_rep0_open(&answering), 0);
	ck_assert_int_eq(nng_listen(answering, world.party[0].address, NULL, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_all, NULL), 0);
	world_connect(&world);
	rogue_await();
	while (!requests[WIRE_SUBSCRIBE])
		sched_yield();
	rogue_send(genuine(WIRE_TOPIC_HELLO, 0), NULL, 0);
	world_wait(&world.party[1], &world.party[1].wired);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		struct wire wire = genuine(WIRE_PUBLISH, i);
		wire.content = LPAD_BYTES;
		rogue_send(wire, "x", 1);
		ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	}
	rogue_send(genuine(WIRE_END, MESSAGES), NULL, 0);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	while (!requests[WIRE_END_ACK])
		sched_yield();
	ck_assert_int_eq(requests[WIRE_SUBSCRIBE], 1);
	ck_assert_int_eq(requests[WIRE_CONFIRM], 1);
	ck_assert_int_eq(requests[WIRE_ACK], MESSAGES / QUARTER);
	ck_assert_int_eq(requests[WIRE_END_ACK], 1);
	nng_close(answering);
	nng_close(rogue);
	pthread_join(thread, NULL);
}
END_TEST

static void connect_and_hang_up(const char *address)
{
	struct transport_place to = transport_place(address);
	int end = socket(to.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(end, 0);
	if (connect(end, &to.at.any, to.length))
		ck_assert_int_eq(errno, EAGAIN);        /* its queue is full */
	close(end);
}

/* As somebody who is killed while he connects. nng 1.5.2 of its own hears nobody after the first few hundred of them. */
START_TEST(who_hangs_up_at_once_does_not_deafen)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	enum { CALLERS = 3000 };
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world_bind(&world);
	char *cleanup_free bodies = world_topic_address(&world, 0, "value");
	for (int i = 0; i < CALLERS; i++) {
		connect_and_hang_up(world.party[0].address);
		connect_and_hang_up(bodies);
	}
	world_connect(&world);
	world_wait(&world.party[0], &world.party[0].wired);
	world_wait(&world.party[1], &world.party[1].wired);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	world_drain(&world);
}
END_TEST

static struct wire request(nng_socket socket, struct wire wire, const char *body)
{
	unsigned char frame[WIRE_SIZE + 200];
	size_t size = strlen(body), got;
	void *answer = NULL;
	const char *why = NULL;
	struct wire reply = { 0 };
	wire.token = WORLD_TOKEN;
	wire.deadline_ms = -1;
	wire.size = size;
	wire.content = size ? LPAD_BYTES : 0;
	wire_encode(&wire, frame);
	memcpy(frame + WIRE_SIZE, body, size);
	ck_assert_int_eq(nng_send(socket, frame, WIRE_SIZE + size, 0), 0);
	ck_assert_int_eq(nng_recv(socket, &answer, &got, NNG_FLAG_ALLOC), 0);
	ck_assert_msg(wire_decode(answer, got, &reply, &why), "%s", why);
	nng_free(answer, got);
	return reply;
}

/* It subscribes, is greeted, sees what is published; its acknowledgements mean nothing, and nobody waits for it. */
START_TEST(an_observer_holds_nobody_back)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 4, false, false } };
	nng_socket asking, watching;
	void *frame;
	size_t size;
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world_start(&world);
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	ck_assert_int_eq(nng_sub0_open(&watching), 0);
	ck_assert_int_eq(nng_socket_set(watching, NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
	ck_assert_int_eq(nng_dial(watching, address, NULL, 0), 0);
	ck_assert_int_eq(nng_req0_open(&asking), 0);
	ck_assert_int_eq(nng_dial(asking, world.party[0].address, NULL, 0), 0);
	struct wire wire = { .kind = WIRE_SUBSCRIBE, .role = WIRE_OBSERVER, .group = 99 };
	ck_assert_int_eq(request(asking, wire, "{\"port\": \"watch\", \"keep\": -2, \"window\": 1}").kind, WIRE_REPLY);
	ck_assert_int_eq(nng_recv(watching, &frame, &size, NNG_FLAG_ALLOC), 0);
	struct wire hello;
	const char *why;
	ck_assert(wire_decode(frame, size, &hello, &why));
	ck_assert_int_eq(hello.kind, WIRE_TOPIC_HELLO);
	nng_free(frame, size);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
		ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	}
	wire.kind = WIRE_END_ACK;
	ck_assert_int_eq(request(asking, wire, "{}").kind, WIRE_REPLY);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 1);
	nng_close(asking);
	nng_close(watching);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* Reads until END; a bit for each kind that came. */
static unsigned kinds_on(nng_socket watching)
{
	unsigned kinds = 0;
	struct wire wire = { 0 };
	while (wire.kind != WIRE_END) {
		void *frame;
		size_t size;
		const char *why;
		ck_assert_int_eq(nng_recv(watching, &frame, &size, NNG_FLAG_ALLOC), 0);
		ck_assert(wire_decode(frame, size, &wire, &why));
		nng_free(frame, size);
		kinds |= 1u << (wire.kind - WIRE_TOPIC_HELLO);
		ck_assert(wire.kind == WIRE_PUBLISH || !wire.size);
	}
	return kinds;
}

START_TEST(versions_and_bodies_go_different_ways)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_LATEST, 0, false, false },
		{ 0, "value", 1, "pushed", WORLD_EAGER, 0, false, false },
	};
	enum { HELLO_BIT = 1, PUBLISH_BIT = 2, NOTICE_BIT = 4, END_BIT = 8 };
	nng_socket watching[2];
	transport_needs("sockets");
	world_make(&world, 2, edges, COUNT(edges));
	world_start(&world);
	char *cleanup_free bodies = world_topic_address(&world, 0, "value");
	char *cleanup_free notices = world_notice_address(&world, 0, "value");
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(nng_sub0_open(&watching[i]), 0);
		ck_assert_int_eq(nng_socket_set(watching[i], NNG_OPT_SUB_SUBSCRIBE, "", 0), 0);
		ck_assert_int_eq(nng_dial(watching[i], i ? notices : bodies, NULL, 0), 0);
	}
	nng_socket asking;
	struct wire observer = { .kind = WIRE_SUBSCRIBE, .role = WIRE_OBSERVER, .group = 99 };
	ck_assert_int_eq(nng_req0_open(&asking), 0);
	ck_assert_int_eq(nng_dial(asking, world.party[0].address, NULL, 0), 0);
	for (int i = 0; i < 2; i++) {           /* until its HELLO has come, it may not be connected */
		void *frame;
		size_t size;
		ck_assert_int_eq(request(asking, observer, "{\"port\": \"watch\"}").kind, WIRE_REPLY);
		ck_assert_int_eq(nng_recv(watching[i], &frame, &size, NNG_FLAG_ALLOC), 0);
		nng_free(frame, size);
	}
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	world_end_run(&world.party[0]);
	ck_assert_uint_eq(kinds_on(watching[0]) | HELLO_BIT, HELLO_BIT | PUBLISH_BIT | END_BIT);
	ck_assert_uint_eq(kinds_on(watching[1]) | HELLO_BIT, HELLO_BIT | NOTICE_BIT | END_BIT);
	nng_close(asking);
	nng_close(watching[0]);
	nng_close(watching[1]);
	ck_assert_uint_eq(take(subscription(1, "in")), 3);
	while (take(subscription(1, "pushed")) != 3)
		;
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* A member that is not in the file, one with false numbers, one that asks for a topic that is not there. */
START_TEST(false_subscribers_are_refused)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 4, false, false } };
	static const struct {
		int kind;
		uint32_t group, port;
		uint64_t number;
		const char *body;
	} rows[] = {
		{ WIRE_SUBSCRIBE, 5, 0, 0, "{\"port\": \"in\", \"keep\": 1, \"window\": 1}" },
		{ WIRE_SUBSCRIBE, 1, 0, 0, "{\"port\": \"other\", \"keep\": 1, \"window\": 1}" },
		{ WIRE_SUBSCRIBE, 1, 7, 0, "{\"port\": \"in\", \"keep\": 1, \"window\": 1}" },
		{ WIRE_SUBSCRIBE, 1, 0, 0, "" },
		{ WIRE_CONFIRM, 1, 0, 99, "{\"port\": \"in\"}" },
		{ WIRE_ACK, 1, 0, 50, "{\"port\": \"in\", \"received\": 50, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_ACK, 1, 0, 0, "{\"port\": \"in\", \"received\": -1, \"dropped\": 1, \"bytes\": 0}" },
		{ WIRE_ACK, 1, 0, 1, "{\"port\": \"in\", \"received\": 0, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_END_ACK, 1, 0, 0, "{\"port\": \"in\", \"received\": 0, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_FETCH, 1, 0, 0, "{\"port\": \"in\"}" },
		{ WIRE_RESEND, 1, 0, 1, "{\"port\": \"in\", \"longest\": 1000}" },
		{ WIRE_RESEND, 1, 0, 0, "{\"port\": \"in\", \"longest\": 1000}" },
		{ WIRE_RESEND, 1, 0, 1, "{\"port\": \"in\"}" },
		{ WIRE_RESEND, 1, 0, 1, "{\"port\": \"in\", \"longest\": -1}" },
		{ WIRE_RESEND, 5, 0, 1, "{\"port\": \"in\", \"longest\": 1000}" },
	};
	nng_socket asking;
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(nng_req0_open(&asking), 0);
	ck_assert_int_eq(nng_dial(asking, world.party[0].address, NULL, 0), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wire wire = { .kind = (uint8_t)rows[i].kind, .role = WIRE_MEMBER, .group = rows[i].group,
			.incarnation = 1, .port = rows[i].port, .number = rows[i].number };
		struct wire reply = request(asking, wire, rows[i].body);
		ck_assert_msg(reply.kind == WIRE_ERROR, "row %zu was accepted", i);
	}
	nng_close(asking);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
		ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	}
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* A request of an incarnation that is over, or of one that has not subscribed, changes nothing. */
START_TEST(only_the_present_incarnation_is_heard)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	static const struct {
		int kind;
		uint32_t incarnation;
		const char *body;
	} rows[] = {
		{ WIRE_SUBSCRIBE, 1, "{\"port\": \"in\", \"keep\": -1, \"window\": 1}" },
		{ WIRE_CONFIRM, 1, "{\"port\": \"in\"}" },
		{ WIRE_ACK, 1, "{\"port\": \"in\", \"received\": 0, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_END_ACK, 1, "{\"port\": \"in\", \"received\": 0, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_FETCH, 1, "{\"port\": \"in\"}" },
		{ WIRE_CONFIRM, 3, "{\"port\": \"in\"}" },
		{ WIRE_ACK, 3, "{\"port\": \"in\", \"received\": 0, \"dropped\": 0, \"bytes\": 0}" },
		{ WIRE_FETCH, 3, "{\"port\": \"in\"}" },
	};
	nng_socket asking;
	transport_needs("sockets");
	world_make(&world, 2, edges, 1);
	world_set_incarnation(&world, 1, 2);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert_int_eq(nng_req0_open(&asking), 0);
	ck_assert_int_eq(nng_dial(asking, world.party[0].address, NULL, 0), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct wire wire = { .kind = (uint8_t)rows[i].kind, .role = WIRE_MEMBER, .group = 1,
			.incarnation = rows[i].incarnation };
		ck_assert_msg(request(asking, wire, rows[i].body).kind == WIRE_ERROR, "row %zu was accepted", i);
	}
	struct wire present = { .kind = WIRE_FETCH, .role = WIRE_MEMBER, .group = 1, .incarnation = 2 };
	ck_assert_int_eq(request(asking, present, "{\"port\": \"in\"}").version, 1);
	nng_close(asking);
	ck_assert_uint_eq(take(subscription(1, "in")), 1);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_strangers");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, garbage_is_counted_and_harmless);
	tcase_add_test(all, lies_end_in_the_account);
	tcase_add_test(all, acknowledgements_are_rare);
	tcase_add_test(all, who_hangs_up_at_once_does_not_deafen);
	tcase_add_test(all, an_observer_holds_nobody_back);
	tcase_add_test(all, versions_and_bodies_go_different_ways);
	tcase_add_test(all, false_subscribers_are_refused);
	tcase_add_test(all, only_the_present_incarnation_is_heard);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
