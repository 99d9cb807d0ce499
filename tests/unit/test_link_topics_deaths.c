/* SPDX-License-Identifier: MIT */
/*
 * Topics when a side dies or loses its connection. Whoever dies is a process of its own, forked before
 * nng was ever used in it; the runner never uses nng.
 */
#include "link_world.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>


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
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
