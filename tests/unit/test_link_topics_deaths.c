/* SPDX-License-Identifier: MIT */
/*
 * Topics when a side dies, is replaced by garbage, or loses its connection. Whoever dies is a process of its own, forked before
 * nng was ever used in it; the runner never uses nng.
 */
#include "link_world.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/req.h>

#include "link/wire.h"

#define COUNT(list) (sizeof(list) / sizeof (list)[0])

static struct world world;
static pid_t child;
static int pipe_ends[2];

static void setup(void)
{
	ck_assert_int_eq(pipe(pipe_ends), 0);
}

static void bury(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

static void teardown(void)
{
	bury();
	if (world.folder)
		world_free(&world);
	world = (struct world){ 0 };
}

/* ---- words of the tests ---- */

static const lpad_deadline never = { INT64_MAX };

static int publish(int party, const char *name, size_t size)
{
	return topic_publish(link_topic(world.party[party].link, name), message_bytes(NULL, size));
}

static int take(int party, const char *port)
{
	lpad_message *message = NULL;
	int code = subscription_take(link_subscription(world.party[party].link, port), &message, never);
	message_free(message);
	return code;
}

static struct port_counters sent(const char *name, const char *peer)
{
	return world_count(&world.party[0], "topic", name, peer);
}

/* In the child: the parent waits for this word. */
static void say_ready(void)
{
	ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
}

static void await_child(void)
{
	char word;
	ck_assert_int_eq(read(pipe_ends[0], &word, 1), 1);
}

/* Runs `life` as the party in a process of its own; it ends only by being killed. The others live here. */
static void fork_party(int number, void (*life)(void))
{
	transport_needs("processes");
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child) {
		world.party[number].remote = true;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < world.count; i++)
		world.party[i].remote = i != number;
	world_start(&world);
	life();
	say_ready();
	for (;;)
		pause();
}

struct writer {
	pthread_t thread;
	int count, code;
};

static void *write_all(void *context)
{
	struct writer *writer = context;
	for (int i = 0; i < writer->count && !writer->code; i++)
		writer->code = publish(0, "value", 100);
	return NULL;
}

/* ---- deaths ---- */

static void take_three_and_stop(void)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take(1, "in"), 0);
}

START_TEST(a_dead_subscriber_holds_nobody_back)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_ALL, 8, false, false },
		{ 0, "value", 2, "in", 1000, 0, false, false },
	};
	struct writer writer = { .count = 100 };
	world_make(&world, 3, edges, COUNT(edges));
	fork_party(1, take_three_and_stop);
	world_start(&world);
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, write_all, &writer), 0);
	await_child();
	while (sent("value", "p1").published < 8)
		sched_yield();
	ck_assert_int_eq(topic_subscribers(link_topic(world.party[0].link, "value")), 2);
	bury();
	link_peer_lost(world.party[0].link, 1, 0, 1, false);
	int64_t until = sent("value", "p1").published;
	ck_assert_int_le(until, 3 + 8);                 /* may be restarted: still holds back */
	link_peer_lost(world.party[0].link, 1, 0, 1, true);
	pthread_join(writer.thread, NULL);
	ck_assert_int_eq(writer.code, 0);
	struct port_counters row = sent("value", "p1");
	ck_assert_int_eq(row.published, until);
	ck_assert_int_eq(row.dropped, 0);
	ck_assert_int_le(row.received, 3);
	ck_assert_int_eq(row.lost, until - row.received);
	ck_assert_int_eq(topic_subscribers(link_topic(world.party[0].link, "value")), 1);
	world_drain(&world);
	ck_assert_int_eq(sent("value", "p2").published, 100);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

static void publish_five(void)
{
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(publish(0, "value", 100), 0);
}

/* What arrived is taken; then the subscription ends, without END. */
START_TEST(a_dead_publisher_ends_its_part)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_ALL, 8, false, false },
		{ 2, "value", 1, "in", LPAD_ALL, 8, false, false },
	};
	world_make(&world, 3, edges, COUNT(edges));
	fork_party(0, publish_five);
	world_start(&world);
	await_child();
	while (world_count(&world.party[1], "subscription", "in", "p0").published < 5)
		sched_yield();
	ck_assert_int_eq(take(1, "in"), 0);
	bury();
	link_peer_lost(world.party[1].link, 0, 0, 1, false);
	for (int i = 1; i < 5; i++)
		ck_assert_int_eq(take(1, "in"), 0);
	link_peer_lost(world.party[1].link, 0, 0, 1, true);
	while (subscription_publishers(link_subscription(world.party[1].link, "in")) > 1)
		sched_yield();
	ck_assert_int_eq(publish(2, "value", 100), 0);
	ck_assert_int_eq(take(1, "in"), 0);
	world_end_run(&world.party[2]);
	ck_assert_int_eq(take(1, "in"), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[1]);
	struct port_counters row = world_count(&world.party[1], "subscription", "in", "p0");
	ck_assert_int_eq(row.received, 5);
	ck_assert_int_eq(row.published, 5);
}
END_TEST

/* Its connection is held open by somebody else: the supervisor's word counts all the same. */
START_TEST(a_publisher_said_to_be_gone_is_gone)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(0, "value", 100), 0);
	link_peer_lost(world.party[1].link, 0, 0, 1, true);
	ck_assert_int_eq(take(1, "in"), 0);
	ck_assert_int_eq(take(1, "in"), LPAD_EENDED);
}
END_TEST

/* ---- connections ---- */

/* The subscriber refuses a message that is larger than its own max_message: nng ends the connection. The loss is counted, and
   what follows comes by the next connection, END included. */
START_TEST(a_lost_connection_is_mended)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	world_make(&world, 2, edges, 1);
	world.party[1].longest = 1000;
	world_start(&world);
	ck_assert_int_eq(publish(0, "value", 1000), 0);
	ck_assert_int_eq(publish(0, "value", 1001), 0);
	ck_assert_int_eq(take(1, "in"), 0);
	while (world_count(&world.party[1], "subscription", "in", "p0").dropped < 1)
		sched_yield();
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(publish(0, "value", 1000), 0);
		ck_assert_int_eq(take(1, "in"), 0);
	}
	ck_assert_int_eq(publish(0, "value", 1001), 0);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(take(1, "in"), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(sent("value", "p1").received, 21);
	ck_assert_int_eq(sent("value", "p1").dropped, 2);
}
END_TEST

/* ---- strangers ---- */

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
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	static const char body[] = "[1, 2]";
	world_make(&world, 2, edges, 1);
	world.party[0].remote = true;
	world_bind(&world);
	rogue_listen();
	world_connect(&world);
	rogue_await();
	struct wire wire = genuine(WIRE_PUBLISH, 1);
	wire.content = LPAD_JSON;
	rogue_send(wire, body, 6);                      /* before any HELLO: no part of the account */
	rogue_send(genuine(WIRE_END, 9), NULL, 0);
	rogue_send(genuine(WIRE_TOPIC_HELLO, 10), NULL, 0);
	for (wire.number = 11; wire.number <= 13; wire.number++)
		rogue_send(wire, body, wire.number == 12 ? 3 : 6);      /* 12 is half a text */
	wire.number = 13;
	rogue_send(wire, body, 6);                      /* again */
	wire.number = 20;
	rogue_send(wire, body, 6);                      /* 14 to 19 are missing */
	rogue_send(genuine(WIRE_END, 25), NULL, 0);     /* and so are 21 to 25 */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take(1, "in"), 0);
	ck_assert_int_eq(take(1, "in"), LPAD_EENDED);
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

static void connect_and_hang_up(const char *address)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	ck_assert_int_lt(snprintf(to.sun_path, sizeof to.sun_path, "%s", address + strlen("ipc://")), sizeof to.sun_path);
	int end = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(end, 0);
	if (connect(end, (struct sockaddr *)&to, sizeof to))
		ck_assert_int_eq(errno, EAGAIN);        /* its queue is full */
	close(end);
}

/* As somebody who is killed while he connects. nng 1.5.2 of its own hears nobody after the first few hundred of them. */
START_TEST(who_hangs_up_at_once_does_not_deafen)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	enum { CALLERS = 3000 };
	if (!transport_is("ipc"))
		transport_skip("socket files");
	world_make(&world, 2, edges, 1);
	world_bind(&world);
	char *cleanup_free topic = world_topic_address(&world, 0, "value");
	for (int i = 0; i < CALLERS; i++) {
		connect_and_hang_up(world.party[0].address);
		connect_and_hang_up(topic);
	}
	world_connect(&world);
	world_wait(&world.party[0], &world.party[0].wired);
	world_wait(&world.party[1], &world.party[1].wired);
	ck_assert_int_eq(publish(0, "value", 8), 0);
	ck_assert_int_eq(take(1, "in"), 0);
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
		ck_assert_int_eq(publish(0, "value", 8), 0);
		ck_assert_int_eq(take(1, "in"), 0);
	}
	wire.kind = WIRE_END_ACK;
	ck_assert_int_eq(request(asking, wire, "{}").kind, WIRE_REPLY);
	ck_assert_int_eq(topic_subscribers(link_topic(world.party[0].link, "value")), 1);
	nng_close(asking);
	nng_close(watching);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
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
		ck_assert_int_eq(publish(0, "value", 8), 0);
		ck_assert_int_eq(take(1, "in"), 0);
	}
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_deaths");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_dead_subscriber_holds_nobody_back);
	tcase_add_test(all, a_dead_publisher_ends_its_part);
	tcase_add_test(all, a_publisher_said_to_be_gone_is_gone);
	tcase_add_test(all, a_lost_connection_is_mended);
	tcase_add_test(all, garbage_is_counted_and_harmless);
	tcase_add_test(all, lies_end_in_the_account);
	tcase_add_test(all, who_hangs_up_at_once_does_not_deafen);
	tcase_add_test(all, an_observer_holds_nobody_back);
	tcase_add_test(all, false_subscribers_are_refused);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
