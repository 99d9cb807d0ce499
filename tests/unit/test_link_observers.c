/* SPDX-License-Identifier: MIT */
/* Observers of topics: they see, and nobody sees them. Every test is a process of its own that uses nng; the runner never does. */
#include "link_observer.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>

#include "link/topics.h"
#include "nng_losses.h"

static struct party watch[3];

static const struct edge one_all[] = { { 0, "value", 1, "in", LPAD_ALL, 4, false, false } };

static void start(const struct edge *edges, size_t count, int parties)
{
	world_make(&world, parties, edges, count);
	world_start(&world);
}

/* A thread that takes all that p1 gets; the world is drained when it has. */
static void drain_with(struct reader *reader)
{
	world_end_run(&world.party[0]);
	reader_join(reader);
	world_drain(&world);
}

/* ---- what they see ---- */

START_TEST(every_message_is_seen_and_no_account_knows)
{
	enum { MESSAGES = 40 };
	start(one_all, 1, 2);
	observer_of(&watch[0], 1, 0, 1000);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 100), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	}
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_uint_eq(observe(&watch[0]), i);
	ck_assert_int_eq(observe_code(&watch[0], true, now), LPAD_ETIMEDOUT);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 1);
	world_drain(&world);
	ck_assert_int_eq(observe_code(&watch[0], true, never), LPAD_EENDED);
	world_assert_agreed(&world, &one_all[0]);
	struct port_counters row = observer_count(&watch[0]);
	ck_assert_int_eq(row.published, MESSAGES);
	ck_assert_int_eq(row.received, MESSAGES);
	ck_assert_int_eq(row.dropped + row.lost + row.errors, 0);
	observer_close(&watch[0]);
}
END_TEST

/* Without bodies they are counted all the same. */
START_TEST(messages_can_be_counted_alone)
{
	struct observation seen;
	start(one_all, 1, 2);
	observer_of(&watch[0], 1, 0, 1000);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 1000 * i), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	}
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(subscription_observe(link_subscription(watch[0].link, "watch"), &seen, false, never), 0);
		ck_assert_ptr_null(seen.message);
		ck_assert_uint_eq(seen.number, i);
		ck_assert_uint_eq(seen.size, 1000 * i);
	}
	ck_assert_int_eq(observer_count(&watch[0]).bytes, 6000);
	world_drain(&world);
	observer_close(&watch[0]);
}
END_TEST

/* One who came late sees what comes then; one who came after the end hears of the end. */
START_TEST(late_ones_begin_where_they_came)
{
	start(one_all, 1, 2);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	}
	observer_of(&watch[0], 1, 0, 1000);
	ck_assert_int_eq(publish(topic(0, "value"), 4, 8), 0);
	ck_assert_uint_eq(observe(&watch[0]), 4);
	ck_assert_uint_eq(take(subscription(1, "in")), 4);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(observe_code(&watch[0], true, never), LPAD_EENDED);
	observer_of(&watch[1], 2, 0, 1000);
	ck_assert_int_eq(observe_code(&watch[1], true, never), LPAD_EENDED);
	world_drain(&world);
	ck_assert_int_eq(observer_count(&watch[0]).published, 1);
	ck_assert_int_eq(observer_count(&watch[1]).published, 0);
	observer_close(&watch[0]);
	observer_close(&watch[1]);
}
END_TEST

/* Subscribers fetch bodies when they read; observers get them pushed, and the newest at once. What is copied for them ends with them. */
START_TEST(bodies_of_the_latest_are_pushed_to_them)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	start(edges, 1, 2);
	const struct lpad_topic *value = topic(0, "value");
	ck_assert(!value->outlets[0].notice && !value->outlets[0].joined);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 5000), 0);
	observer_of(&watch[0], 1, 0, LPAD_LATEST);
	ck_assert_uint_eq(observe(&watch[0]), 3);
	for (uint64_t i = 4; i <= 6; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 5000), 0);
		ck_assert_uint_eq(observe(&watch[0]), i);
	}
	ck_assert(value->outlets[0].joined);
	observer_close(&watch[0]);
	while (value->outlets[0].joined)
		sched_yield();
	ck_assert_uint_eq(take(subscription(1, "in")), 6);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* ---- topics that nobody can dial ---- */

/* A publisher of "value" that no edge leads to: it listens nowhere until it is told to. */
static void lonely_open(void)
{
	struct topic_link value = { .name = "value", .buffer = 64 };
	const char *serve = world.party[0].address;
	struct link_spec spec = { .self = world_peer(&world, 0), .serve = { &serve, 1 }, .token = WORLD_TOKEN, .longest = 1 << 20,
		.topics = &value, .topic_count = 1 };
	struct party *party = &world.party[0];
	struct link_hooks hooks = { .context = party, .wired = world_wired, .drained = world_drained, .note = world_note,
		.wake = world_wake };
	struct error error = { 0 };
	party->link = link_new(&spec, &hooks, &error);
	ck_assert_msg(party->link && !link_bind(party->link, &error), "%s", error.text);
	world_connect(&world);
	link_go(party->link);
}

START_TEST(a_topic_without_subscribers_is_opened_for_them)
{
	enum { MESSAGES = 20000 };
	struct writer writer;
	struct error error = { 0 };
	world_make(&world, 1, NULL, 0);
	lonely_open();
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert_ptr_null(link_listen_topic(world.party[0].link, "values", "ipc:///x", &error));
	ck_assert_ptr_nonnull(strstr(error.text, "values"));
	ck_assert_ptr_null(link_listen_topic(world.party[0].link, "value", "nowhere", &error));
	writer_start(&writer, topic(0, "value"), MESSAGES, 8);          /* while somebody publishes */
	for (int i = 0; i < 3; i++)
		observer_of(&watch[i], i + 1, 0, MESSAGES);
	ck_assert_uint_eq(topic(0, "value")->outlet_count, 1);
	ck_assert_int_eq(writer_join(&writer), 0);
	ck_assert_int_eq(publish(topic(0, "value"), MESSAGES + 2, 8), 0);
	world_end_run(&world.party[0]);
	for (int i = 0; i < 3; i++) {
		while (!observe_code(&watch[i], false, never))
			;
		struct port_counters row = observer_count(&watch[i]);
		ck_assert_int_eq(row.published, row.received + row.dropped);
		observer_close(&watch[i]);
	}
	world_drain(&world);
	ck_assert_int_eq(world_count(&world.party[0], "topic", "value", "").published, MESSAGES + 2);
}
END_TEST

/* Subscribers share its process; observers come over a socket. */
START_TEST(a_topic_within_a_process_gets_a_socket)
{
	struct error error = { 0 };
	if (!transport_is("inproc"))
		transport_skip("another transport than its own");
	start(one_all, 1, 2);
	char *cleanup_free serve = memory_format("ipc://%s/serve", world.folder);
	char *cleanup_free bodies = memory_format("ipc://%s/bodies", world.folder);
	ck_assert_msg(!link_listen(world.party[0].link, serve, &error), "%s", error.text);
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(link_listen_topic(world.party[0].link, "value", bodies, &error), bodies);
	ck_assert_uint_eq(topic(0, "value")->outlet_count, 2);
	observer_open(&watch[0], 1, 0, "value", bodies, serve, 1000);
	world_wait(&watch[0], &watch[0].wired);
	for (uint64_t i = 1; i <= 20; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 100), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
		ck_assert_uint_eq(observe(&watch[0]), i);
	}
	world_drain(&world);
	ck_assert_int_eq(observe_code(&watch[0], true, never), LPAD_EENDED);
	world_assert_agreed(&world, &one_all[0]);
	observer_close(&watch[0]);
}
END_TEST

/* ---- those who do not keep up ---- */

START_TEST(what_an_idle_one_misses_is_counted)
{
	enum { MESSAGES = 100, KEPT = 4 };
	start(one_all, 1, 2);
	observer_of(&watch[0], 1, 0, KEPT);
	for (uint64_t i = 1; i <= MESSAGES; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	}
	while (observer_count(&watch[0]).published < MESSAGES)
		sched_yield();
	for (uint64_t i = MESSAGES - KEPT + 1; i <= MESSAGES; i++)
		ck_assert_uint_eq(observe(&watch[0]), i);
	ck_assert_int_eq(observer_count(&watch[0]).dropped, MESSAGES - KEPT);
	ck_assert_int_eq(observer_count(&watch[0]).received, KEPT);
	world_drain(&world);
	observer_close(&watch[0]);
}
END_TEST

START_TEST(what_an_idle_one_keeps_has_a_limit_in_bytes)
{
	start(one_all, 1, 2);
	observer_of(&watch[0], 1, 0, 1000);
	for (uint64_t i = 1; i <= 4; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 24 * MIB), 0);
		ck_assert_uint_eq(take(subscription(1, "in")), i);
		while (observer_count(&watch[0]).published < (int64_t)i)
			sched_yield();
	}
	ck_assert_uint_eq(observe(&watch[0]), 3);
	ck_assert_uint_eq(observe(&watch[0]), 4);
	ck_assert_int_eq(observer_count(&watch[0]).dropped, 2);
	world_drain(&world);
	observer_close(&watch[0]);
}
END_TEST

/* It says that it is a subscriber of nng's, and never reads. */
static int stand_and_stare(const char *address)
{
	static const unsigned char header[8] = { 0, 'S', 'P', 0, 0, 33, 0, 0 };
	struct transport_place to = transport_place(address);
	int end = socket(to.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
	ck_assert_int_eq(setsockopt(end, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	ck_assert_int_eq(connect(end, &to.at.any, to.length), 0);
	ck_assert_int_eq(write(end, header, sizeof header), sizeof header);
	return end;
}

static int connections(void)
{
	const struct lpad_topic *value = topic(0, "value");
	link_lock(value->link);
	int count = value->outlets[0].connections;
	link_unlock(value->link);
	return count;
}

/* The publisher goes on at the pace of its subscriber, under `all`. */
START_TEST(one_that_does_not_read_slows_nobody)
{
	enum { MESSAGES = 3000 };
	struct reader reader;
	transport_needs("sockets");
	start(one_all, 1, 2);
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	int before = connections(), end = stand_and_stare(address);
	while (connections() == before)
		sched_yield();
	reader_start(&reader, 1, "in");
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 4096), 0);
	drain_with(&reader);
	ck_assert_uint_eq(reader.count, MESSAGES);
	world_assert_agreed(&world, &one_all[0]);
	close(end);
}
END_TEST

/* ---- those who die, and publishers that do ---- */

/* An observer in a process of its own, which is killed in the middle of it: nng 1.5.2 may hang when it closes what still speaks. */
struct watcher {
	pid_t pid;
	int go, told;                   /* it begins when a byte comes, and writes one once it sees */
};

static struct watcher fork_watcher(int number, int keep)
{
	int go[2], told[2];
	char byte = 0;
	ck_assert(!pipe(go) && !pipe(told));
	struct watcher watcher = { .pid = fork(), .go = go[1], .told = told[0] };
	ck_assert_int_ge(watcher.pid, 0);
	if (watcher.pid)
		return watcher;
	close(go[1]);
	if (read(go[0], &byte, 1) != 1)
		_exit(0);
	char *address = world_topic_address(&world, 0, "value");
	observer_open(&watch[0], number, 0, "value", address, world.party[0].address, keep);
	while (!observe_code(&watch[0], true, never))
		if (byte != 1 && write(told[1], &byte, 1) == 1)
			byte = 1;
	_exit(0);
}

static void await_and_kill(const struct watcher *watcher)
{
	char byte;
	int status;
	ck_assert_int_eq(write(watcher->go, "", 1), 1);
	ck_assert_int_eq(read(watcher->told, &byte, 1), 1);
	ck_assert_int_eq(kill(watcher->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(watcher->pid, &status, 0), watcher->pid);
}

static atomic_bool enough;

static void *write_until_enough(void *context)
{
	struct writer *writer = context;
	while (!enough && !writer->code)
		writer->code = publish(writer->topic, ++writer->count, writer->size);
	return NULL;
}

START_TEST(they_come_and_go_while_others_work)
{
	enum { ROUNDS = 6 };
	struct watcher watchers[ROUNDS];
	struct reader reader;
	transport_needs("processes");
	world_make(&world, 2, one_all, 1);
	for (int i = 0; i < ROUNDS; i++)
		watchers[i] = fork_watcher(i / 2, i % 2 ? LPAD_LATEST : 3);     /* every second one with the number of the one before */
	world_start(&world);
	struct writer writer = { .topic = topic(0, "value"), .size = 64 };
	reader_start(&reader, 1, "in");
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, write_until_enough, &writer), 0);
	observer_of(&watch[0], 100, 0, 1000);
	for (int i = 0; i < ROUNDS; i++)
		await_and_kill(&watchers[i]);
	enough = true;
	ck_assert_int_eq(writer_join(&writer), 0);
	drain_with(&reader);
	ck_assert_uint_eq(reader.count, writer.count);
	while (!observe_code(&watch[0], true, never))
		;
	struct port_counters row = observer_count(&watch[0]);
	ck_assert_int_eq(row.published, row.received + row.dropped);
	world_assert_agreed(&world, &one_all[0]);
	observer_close(&watch[0]);
}
END_TEST

static void tell_watch(void)
{
	struct topic_address at = { "value", world_topic_address(&world, 0, "value"), NULL };
	struct peer_up up = { .group = 0, .incarnation = world.party[0].incarnation, .serve = world.party[0].address,
		.topics = &at, .topic_count = 1 };
	struct error error = { 0 };
	ck_assert_msg(!link_peer_up(watch[0].link, &up, &error), "%s", error.text);
	free((char *)at.address);
}

START_TEST(the_next_incarnation_is_followed)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", 100, 0, false, false } };
	start(edges, 1, 2);
	observer_of(&watch[0], 1, 0, 1000);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	ck_assert_uint_eq(observe(&watch[0]), 1);
	while (observer_count(&watch[0]).published < 3)
		sched_yield();
	world_kill(&world, 0);
	link_peer_lost(watch[0].link, 0, 0, 1, false);
	ck_assert_uint_eq(observe(&watch[0]), 2);
	world_revive(&world, 0);
	tell_watch();
	ck_assert_uint_eq(observe(&watch[0]), 3);
	uint64_t sent = 0, seen = 0;
	while (!seen) {                         /* what was published before its HELLO is not for it */
		ck_assert_int_eq(publish(topic(0, "value"), ++sent, 8), 0);
		if (observer_count(&watch[0]).published > 3)
			seen = observe(&watch[0]);
	}
	ck_assert_uint_le(seen, sent);
	link_peer_lost(watch[0].link, 0, 0, 2, true);
	world_kill(&world, 0);
	while (!observe_code(&watch[0], true, never))
		;
	ck_assert_int_eq(fault_code(), LPAD_EENDED);
}
END_TEST

/* ---- nonsense ---- */

static atomic_int rogue_joined;

static void on_rogue_joined(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	(void)pipe;
	(void)event;
	(void)context;
	rogue_joined++;
}

static void rogue_send(nng_socket rogue, struct wire wire, const void *body, size_t size)
{
	unsigned char frame[WIRE_SIZE + 100];
	wire.size = size;
	wire_encode(&wire, frame);
	memcpy(frame + WIRE_SIZE, size ? body : "", size);
	ck_assert_int_eq(nng_send(rogue, frame, WIRE_SIZE + size, 0), 0);
}

static struct wire genuine(int kind, uint64_t number)
{
	return (struct wire){ .kind = (uint8_t)kind, .role = WIRE_MEMBER, .token = WORLD_TOKEN, .incarnation = 1, .number = number };
}

START_TEST(malformed_frames_are_counted_and_survived)
{
	nng_socket rogue;
	unsigned char noise[300];
	transport_needs("sockets");
	world_make(&world, 1, NULL, 0);
	world.party[0].remote = true;
	char *cleanup_free address = world_topic_address(&world, 0, "value");
	ck_assert_int_eq(nng_pub0_open(&rogue), 0);
	ck_assert_int_eq(nng_socket_set_int(rogue, NNG_OPT_SENDBUF, 1000), 0);
	ck_assert_int_eq(nng_pipe_notify(rogue, NNG_PIPE_EV_ADD_POST, on_rogue_joined, NULL), 0);
	ck_assert_int_eq(nng_listen(rogue, address, NULL, 0), 0);
	observer_open(&watch[0], 1, 0, "value", address, world.party[0].address, 10);
	while (!rogue_joined)
		sched_yield();
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)(i * 7919);
	for (size_t size = 0; size < sizeof noise; size += 10)
		ck_assert_int_eq(nng_send(rogue, noise, size, 0), 0);
	struct wire json = genuine(WIRE_PUBLISH, 6);
	json.content = LPAD_JSON;
	rogue_send(rogue, genuine(WIRE_CALL, 1), NULL, 0);
	rogue_send(rogue, genuine(WIRE_TOPIC_HELLO, 5), NULL, 0);
	rogue_send(rogue, json, "[1, 2", 5);
	json.number = 8;
	rogue_send(rogue, json, "[1, 2]", 6);
	rogue_send(rogue, json, "[1, 2]", 6);
	rogue_send(rogue, genuine(WIRE_END, 9), NULL, 0);
	ck_assert_int_eq(observe_code(&watch[0], true, never), 0);
	ck_assert_int_eq(observe_code(&watch[0], true, never), LPAD_EENDED);
	world_await_notes(&watch[0], 3);
	struct port_counters row = observer_count(&watch[0]);
	ck_assert_int_eq(row.errors, 30 + 1 + 1 + 1);
	ck_assert_int_eq(row.published, 4);
	ck_assert_int_eq(row.received, 1);
	ck_assert_int_eq(row.dropped, 3);
	nng_close(rogue);
	observer_close(&watch[0]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_message_is_seen_and_no_account_knows, messages_can_be_counted_alone, late_ones_begin_where_they_came,
		bodies_of_the_latest_are_pushed_to_them, a_topic_without_subscribers_is_opened_for_them,
		a_topic_within_a_process_gets_a_socket, what_an_idle_one_misses_is_counted,
		what_an_idle_one_keeps_has_a_limit_in_bytes, one_that_does_not_read_slows_nobody,
		they_come_and_go_while_others_work, the_next_incarnation_is_followed, malformed_frames_are_counted_and_survived,
	};
	Suite *suite = suite_create("link_observers");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, NULL, teardown);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
