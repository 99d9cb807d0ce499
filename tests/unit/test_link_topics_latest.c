/* SPDX-License-Identifier: MIT */
/* `latest`: bodies that are fetched when they are read, or pushed. Every test is a process of its own that uses nng; the runner never does. */
#include "link_topics.h"

static struct port_counters come(int party, const char *port)
{
	return world_count(&world.party[party], "subscription", port, "p0");
}

/* Polls until something is there; how often it was not. */
static int poll_one(lpad_subscription *from, uint64_t *number)
{
	lpad_message *message = NULL;
	int rounds = 0, code;
	while ((code = subscription_take(from, &message, now))) {
		ck_assert_int_eq(code, LPAD_ETIMEDOUT);
		rounds++;
		sched_yield();
	}
	*number = number_of(message);
	message_free(message);
	return rounds;
}

static const int both[] = { LPAD_LATEST, WORLD_EAGER };

/* ---- reading ---- */

START_TEST(the_newest_is_read_once)
{
	const struct edge edges[] = { { 0, "value", 1, "in", both[_i], 0, false, false } };
	enum { MESSAGES = 50, SIZE = 1000 };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	lpad_subscription *in = subscription(1, "in");
	ck_assert_int_eq(take_code(in, now), LPAD_ETIMEDOUT);
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, SIZE), 0);
	await_arrived(1, "in", "p0", MESSAGES);
	ck_assert_uint_eq(take(in), MESSAGES);
	ck_assert_int_eq(take_code(in, now), LPAD_ETIMEDOUT);
	ck_assert_int_eq(take_code(in, (lpad_deadline){ clock_ns() + 1000000 }), LPAD_ETIMEDOUT);
	ck_assert_int_eq(publish(topic(0, "value"), MESSAGES + 1, SIZE), 0);
	ck_assert_uint_eq(take(in), MESSAGES + 1);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	struct port_counters row = world_count(&world.party[0], "topic", "value", "p1");
	ck_assert_int_eq(row.published, MESSAGES + 1);
	ck_assert_int_eq(row.received, 2);
	ck_assert_int_eq(row.dropped, MESSAGES - 1);
	ck_assert_int_eq(row.bytes, (MESSAGES + 1) * SIZE);
	ck_assert_int_eq(row.delivered_bytes, 2 * SIZE);
}
END_TEST

/* A poll never waits: the first one asks for the body, a later one has it. */
START_TEST(polling_succeeds)
{
	const struct edge edges[] = { { 0, "value", 1, "in", both[_i], 0, false, false } };
	uint64_t number = 0;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	for (uint64_t i = 1; i <= 20; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 100), 0);
		await_arrived(1, "in", "p0", (int64_t)i);
		int rounds = poll_one(subscription(1, "in"), &number);
		ck_assert_uint_eq(number, i);
		ck_assert(both[_i] == LPAD_LATEST ? rounds > 0 : rounds == 0);
	}
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(come(1, "in").received, 20);
}
END_TEST

/* What a poll has fetched is not handed to one that can wait for a newer one. */
START_TEST(who_waits_gets_what_is_newest_then)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	uint64_t number = 0;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 100), 0);
	await_arrived(1, "in", "p0", 1);
	ck_assert_int_eq(take_code(subscription(1, "in"), now), LPAD_ETIMEDOUT);
	ck_assert_int_eq(publish(topic(0, "value"), 2, 100), 0);
	await_arrived(1, "in", "p0", 2);
	ck_assert_int_eq(publish(topic(0, "value"), 3, 100), 0);
	await_arrived(1, "in", "p0", 3);
	ck_assert_uint_eq(take(subscription(1, "in")), 3);
	ck_assert_int_eq(publish(topic(0, "value"), 4, 100), 0);
	poll_one(subscription(1, "in"), &number);
	ck_assert_uint_eq(number, 4);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

START_TEST(a_fast_publisher_and_its_readers_agree)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_LATEST, 0, false, false },
		{ 0, "value", 2, "in", WORLD_EAGER, 0, false, false },
		{ 0, "value", 3, "in", LPAD_LATEST, 0, false, false },
		{ 0, "value", 4, "in", LPAD_ALL, 32, false, false },
	};
	enum { MESSAGES = 3000 };
	struct reader readers[3];
	struct writer writer;
	uint64_t number = 0, before = 0;
	world_make(&world, 5, edges, COUNT(edges));
	world_start(&world);
	for (size_t i = 0; i < COUNT(readers); i++)
		reader_start(&readers[i], i < 2 ? (int)i + 1 : 4, "in");
	writer_start(&writer, topic(0, "value"), MESSAGES, 3000);
	while (number < MESSAGES) {
		poll_one(subscription(3, "in"), &number);
		ck_assert_uint_gt(number, before);
		before = number;
	}
	ck_assert_int_eq(writer_join(&writer), 0);
	world_end_run(&world.party[0]);
	for (size_t i = 0; i < COUNT(readers); i++) {
		reader_join(&readers[i]);
		ck_assert_uint_eq(readers[i].last, MESSAGES);
	}
	world_drain(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		world_assert_agreed(&world, &edges[i]);
	ck_assert_int_eq(come(4, "in").received, MESSAGES);
}
END_TEST

/* Each has its own newest. */
START_TEST(the_newest_of_each_publisher)
{
	const struct edge edges[] = {
		{ 0, "value", 2, "in", both[_i], 0, false, false },
		{ 1, "value", 2, "in", both[_i], 0, false, false },
	};
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	for (uint64_t i = 1; i <= 10; i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
		ck_assert_int_eq(publish(topic(1, "value"), 100 + i, 8), 0);
	}
	await_arrived(2, "in", "p0", 10);
	await_arrived(2, "in", "p1", 10);
	ck_assert_uint_eq(take(subscription(2, "in")) + take(subscription(2, "in")), 120);
	ck_assert_int_eq(take_code(subscription(2, "in"), now), LPAD_ETIMEDOUT);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* ---- callbacks ---- */

/* While the callback is busy with one, all that come but the newest are dropped. */
START_TEST(a_callback_gets_the_newest_after_it_was_busy)
{
	const struct edge edges[] = { { 0, "value", 1, "on_value", both[_i], 0, true, false } };
	enum { MESSAGES = 30 };
	struct work work;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert(link_work_take(world.party[1].link, -1, &work));
	ck_assert_uint_eq(number_of(work.message), 1);
	for (uint64_t i = 2; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	await_arrived(1, "on_value", "p0", MESSAGES);
	link_work_done(world.party[1].link, &work, 0);
	ck_assert(link_work_take(world.party[1].link, -1, &work));
	ck_assert_uint_eq(number_of(work.message), MESSAGES);
	link_work_done(world.party[1].link, &work, 0);
	world_end_run(&world.party[0]);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(come(1, "on_value").received, 2);
	ck_assert_int_eq(come(1, "on_value").dropped, MESSAGES - 2);
}
END_TEST

/* ---- ends ---- */

START_TEST(the_last_one_is_had_after_the_end)
{
	const struct edge edges[] = { { 0, "value", 1, "in", both[_i], 0, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	for (uint64_t i = 1; i <= 5; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	world_end_run(&world.party[0]);
	while (subscription_publishers(subscription(1, "in")))
		sched_yield();
	ck_assert_uint_eq(take(subscription(1, "in")), 5);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

START_TEST(what_nobody_reads_is_dropped)
{
	const struct edge edges[] = { { 0, "value", 1, "in", both[_i], 0, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	await_arrived(1, "in", "p0", 1);
	ck_assert_int_eq(take_code(subscription(1, "in"), now) == LPAD_ETIMEDOUT, both[_i] == LPAD_LATEST);
	ck_assert_int_eq(publish(topic(0, "value"), 2, 8), 0);
	world_end_run(&world.party[1]);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	ck_assert_int_eq(publish(topic(0, "value"), 3, 8), 0);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(come(1, "in").received, both[_i] == LPAD_LATEST ? 0 : 1);
}
END_TEST

/* A body of `latest` that waits when the program stops is not fetched any more by `run`. */
START_TEST(stop_ends_a_fetch)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	await_arrived(1, "in", "p0", 1);
	link_stop(world.party[1].link);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_ESTOPPED);
	world_end_run(&world.party[0]);
	while (subscription_publishers(subscription(1, "in")))
		sched_yield();
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_ESTOPPED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* Its publisher is gone: what was not fetched is lost, and nobody waits for it. */
START_TEST(what_was_not_fetched_dies_with_its_publisher)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	await_arrived(1, "in", "p0", 1);
	ck_assert_uint_eq(take(subscription(1, "in")), 1);
	for (uint64_t i = 2; i <= 4; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 8), 0);
	await_arrived(1, "in", "p0", 4);
	link_peer_lost(world.party[1].link, 0, 0, 1, true);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	struct port_counters row = come(1, "in");
	ck_assert_int_eq(row.published, 4);
	ck_assert_int_eq(row.received, 1);
	ck_assert_int_eq(row.dropped, 2);
	ck_assert_int_eq(row.lost, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_latest");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_loop_test(all, the_newest_is_read_once, 0, 2);
	tcase_add_loop_test(all, polling_succeeds, 0, 2);
	tcase_add_test(all, who_waits_gets_what_is_newest_then);
	tcase_add_test(all, a_fast_publisher_and_its_readers_agree);
	tcase_add_loop_test(all, the_newest_of_each_publisher, 0, 2);
	tcase_add_loop_test(all, a_callback_gets_the_newest_after_it_was_busy, 0, 2);
	tcase_add_loop_test(all, the_last_one_is_had_after_the_end, 0, 2);
	tcase_add_loop_test(all, what_nobody_reads_is_dropped, 0, 2);
	tcase_add_test(all, stop_ends_a_fetch);
	tcase_add_test(all, what_was_not_fetched_dies_with_its_publisher);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
