/* SPDX-License-Identifier: MIT */
/*
 * Topics from the first message to the last acknowledgement. Every test is a process of its own that uses nng; the runner never
 * does. TOPIC_ROUNDS: rounds of nothing_is_lost_at_either_end (1000); fewer for slow builds.
 */
#include "link_topics.h"

/* ---- both ends of a run ---- */

static void one_round(void)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_ALL, 128, false, false },
		{ 0, "value", 2, "in", 100, 0, false, false },
		{ 0, "value", 3, "in", LPAD_ALL, 1, false, false },
		{ 0, "value", 4, "in", 5, 0, false, false },
	};
	enum { MESSAGES = 5 };
	struct reader readers[COUNT(edges)];
	world_make(&world, 5, edges, COUNT(edges));
	world_start(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		reader_start(&readers[i], edges[i].to, "in");
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 64), 0);
	world_end_run(&world.party[0]);
	for (size_t i = 0; i < COUNT(edges); i++) {
		reader_join(&readers[i]);
		ck_assert_uint_eq(readers[i].first, 1);
		ck_assert_uint_eq(readers[i].last, MESSAGES);
		ck_assert_uint_eq(readers[i].count, MESSAGES);
	}
	world_drain(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		world_assert_agreed(&world, &edges[i]);
	world_free(&world);
	world = (struct world){ 0 };
}

START_TEST(nothing_is_lost_at_either_end)
{
	const char *given = getenv("TOPIC_ROUNDS");
	int rounds = given ? atoi(given) : 1000;
	ck_assert_int_gt(rounds, 0);
	for (int i = 0; i < rounds; i++)
		one_round();
}
END_TEST

/* ---- callbacks ---- */

struct service {
	pthread_t thread;
	struct party *party;
	lpad_topic *onto;               /* NULL: messages are only counted */
	uint64_t count, sum;
};

static void *serve(void *context)
{
	struct service *service = context;
	struct work work;
	while (link_work_take(service->party->link, -1, &work)) {
		ck_assert_int_eq(work.kind, WORK_MESSAGE);
		service->count++;
		service->sum += number_of(work.message);
		if (service->onto)
			ck_assert_int_eq(topic_publish(service->onto, message_share(work.message)), 0);
		link_work_done(service->party->link, &work, 0);
	}
	return NULL;
}

static void service_start(struct service *service, int party, lpad_topic *onto)
{
	*service = (struct service){ .party = &world.party[party], .onto = onto };
	ck_assert_int_eq(pthread_create(&service->thread, NULL, serve, service), 0);
}

static void service_join(struct service *service)
{
	link_work_close(service->party->link);
	pthread_join(service->thread, NULL);
}

START_TEST(callbacks_get_everything_before_the_drain_ends)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "on_value", LPAD_ALL, 16, true, false },
		{ 0, "value", 2, "on_value", 5, 0, true, false },
	};
	enum { MESSAGES = 100 };
	struct service services[2];
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	service_start(&services[0], 1, NULL);
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	await_arrived(2, "on_value", "p0", MESSAGES);
	service_start(&services[1], 2, NULL);           /* only now: the newest five are left */
	world_drain(&world);
	service_join(&services[0]);
	service_join(&services[1]);
	ck_assert_uint_eq(services[0].count, MESSAGES);
	ck_assert_uint_eq(services[0].sum, MESSAGES * (MESSAGES + 1) / 2);
	ck_assert_uint_eq(services[1].count, 5);
	ck_assert_uint_eq(services[1].sum, 98 * 5);
	world_assert_agreed(&world, &edges[0]);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* p1 is a service: its topic ends at drain, behind everything that its subscription brings. */
START_TEST(a_service_ends_after_what_it_answers_to)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "on_value", LPAD_ALL, 8, true, false },
		{ 1, "double", 2, "in", LPAD_ALL, 8, false, false },
	};
	enum { MESSAGES = 500 };
	struct service service;
	struct reader reader;
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	service_start(&service, 1, topic(1, "double"));
	reader_start(&reader, 2, "in");
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	world_end_run(&world.party[0]);
	link_drain(world.party[0].link, clock_ns() + INT64_C(60000000000));
	link_drain(world.party[1].link, clock_ns() + INT64_C(60000000000));
	reader_join(&reader);
	ck_assert_uint_eq(reader.count, MESSAGES);
	world_wait(&world.party[1], &world.party[1].drained);
	world.party[1].ended = true;
	world_drain(&world);
	service_join(&service);
	world_assert_agreed(&world, &edges[0]);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* Two services on a circle of topics: neither waits for the other's end. */
START_TEST(a_circle_of_services_drains)
{
	static const struct edge edges[] = {
		{ 0, "ping", 1, "on_ping", 100, 0, true, true },
		{ 1, "pong", 0, "on_pong", 100, 0, true, true },
	};
	struct service services[2];
	world_make(&world, 2, edges, COUNT(edges));
	world_start(&world);
	service_start(&services[0], 0, NULL);
	service_start(&services[1], 1, topic(1, "pong"));
	for (uint64_t i = 1; i <= 20; i++)
		ck_assert_int_eq(publish(topic(0, "ping"), i, 8), 0);
	await_arrived(0, "on_pong", "p1", 20);
	world.party[0].ended = world.party[1].ended = true;     /* services: their topics end by the drain */
	world_drain(&world);
	service_join(&services[0]);
	service_join(&services[1]);
	world_assert_agreed(&world, &edges[0]);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* ---- ends ---- */

START_TEST(what_run_leaves_is_dropped_as_unread)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 4, false, false } };
	enum { MESSAGES = 50 };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	writer_start(&writer, topic(0, "value"), MESSAGES, 8);
	ck_assert_uint_eq(take(subscription(1, "in")), 1);
	ck_assert_uint_eq(take(subscription(1, "in")), 2);
	world_end_run(&world.party[1]);
	ck_assert_int_eq(writer_join(&writer), 0);      /* nobody takes, and nobody is held back */
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	struct port_counters row = world_count(&world.party[0], "topic", "value", "p1");
	ck_assert_int_eq(row.received, 2);
	ck_assert_int_eq(row.dropped, MESSAGES - 2);
}
END_TEST

START_TEST(stop_ends_a_publication_that_is_held_back)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 5, false, false } };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	writer_start(&writer, topic(0, "value"), 100, 8);
	await_published(0, "value", "p1", 5);
	link_stop(world.party[0].link);
	ck_assert_int_eq(writer_join(&writer), LPAD_ESTOPPED);
	ck_assert_int_eq(world_count(&world.party[0], "topic", "value", "p1").published, 5);
	for (uint64_t i = 1; i <= 5; i++)
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	while (publish(topic(0, "value"), 6, 8) == LPAD_ESTOPPED)
		sched_yield();          /* where there is room again, the last words still go out */
	ck_assert_uint_eq(take(subscription(1, "in")), 6);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

START_TEST(a_drain_says_what_it_leaves)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_ALL, 8, false, false },
		{ 0, "value", 2, "on_value", 8, 0, true, false },
	};
	int64_t count = 0;
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	await_arrived(1, "in", "p0", 3);
	await_arrived(2, "on_value", "p0", 3);
	world_end_run(&world.party[0]);
	link_drain(world.party[0].link, clock_ns() + 50000000);
	link_drain(world.party[2].link, clock_ns() + 50000000);
	world_wait(&world.party[0], &world.party[0].drained);
	char *left = link_left(world.party[0].link, &count);
	ck_assert_str_eq(left, "3 messages of value to p1, 3 messages of value to p2");
	ck_assert_int_eq(count, 6);
	free(left);
	const char *names[4];
	ck_assert_uint_eq(link_waits_for(world.party[0].link, names, 4), 2);
	ck_assert_str_eq(names[0], "p1");
	ck_assert_str_eq(names[1], "p2");
	world_wait(&world.party[2], &world.party[2].drained);
	left = link_left(world.party[2].link, &count);
	ck_assert_str_eq(left, "3 messages of on_value from p0");
	ck_assert_int_eq(count, 3);
	free(left);
}
END_TEST

/* Wiring that never completes names whom it waits for. */
START_TEST(wiring_says_whom_it_waits_for)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	const char *names[4];
	world_make(&world, 2, edges, 1);
	world.party[1].remote = true;
	world_bind(&world);
	world_connect(&world);
	ck_assert_uint_eq(link_waits_for(world.party[0].link, names, 4), 1);
	ck_assert_str_eq(names[0], "p1");
	ck_assert(!world.party[0].wired);
	link_peer_lost(world.party[0].link, 1, 0, 1, true);
	world_wait(&world.party[0], &world.party[0].wired);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_ends");
	TCase *all = tcase_create("all"), *rounds = tcase_create("rounds");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, callbacks_get_everything_before_the_drain_ends);
	tcase_add_test(all, a_service_ends_after_what_it_answers_to);
	tcase_add_test(all, a_circle_of_services_drains);
	tcase_add_test(all, what_run_leaves_is_dropped_as_unread);
	tcase_add_test(all, stop_ends_a_publication_that_is_held_back);
	tcase_add_test(all, a_drain_says_what_it_leaves);
	tcase_add_test(all, wiring_says_whom_it_waits_for);
	suite_add_tcase(suite, all);
	tcase_set_timeout(rounds, 290);
	tcase_add_checked_fixture(rounds, NULL, teardown);
	tcase_add_test(rounds, nothing_is_lost_at_either_end);
	suite_add_tcase(suite, rounds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
