/* SPDX-License-Identifier: MIT */
/* What subscribers keep, and what holds a publisher back. Every test is a process of its own that uses nng; the runner never does. */
#include "link_topics.h"

START_TEST(refuses_what_cannot_be_published)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", 10, 0, false, false } };
	world_make(&world, 2, edges, 1);
	world.party[0].longest = 1000;
	world_bind(&world);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), LPAD_EAGAIN);
	ck_assert_ptr_nonnull(strstr(fault_text(), "publish in run"));
	world_connect(&world);
	world_wait(&world.party[0], &world.party[0].wired);
	world_wait(&world.party[1], &world.party[1].wired);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 1001), LPAD_ETOOBIG);
	ck_assert_ptr_nonnull(strstr(fault_text(), "1001 bytes is larger than max_message, 1000"));
	ck_assert_int_eq(topic_publish(topic(0, "value"), NULL), LPAD_EINVALID);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 1000), 0);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 1);
	ck_assert_int_eq(subscription_publishers(subscription(1, "in")), 1);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(publish(topic(0, "value"), 2, 8), LPAD_EENDED);
	ck_assert_uint_eq(take(subscription(1, "in")), 1);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	ck_assert_int_eq(subscription_publishers(subscription(1, "in")), 0);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

START_TEST(what_is_not_connected_is_harmless)
{
	lpad_message *message = NULL;
	ck_assert_int_eq(subscription_take(NULL, &message, never), LPAD_EINVALID);
	ck_assert_int_eq(subscription_publishers(NULL), 0);
	ck_assert_int_eq(topic_subscribers(NULL), 0);
	ck_assert_int_eq(topic_publish(NULL, message_bytes(NULL, 1)), LPAD_EINVALID);
}
END_TEST

START_TEST(taking_ends_in_order_of_reasons)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	lpad_subscription *in = subscription(1, "in");
	ck_assert_int_eq(take_code(in, now), LPAD_ETIMEDOUT);
	ck_assert_int_eq(take_code(in, (lpad_deadline){ clock_ns() + 1000000 }), LPAD_ETIMEDOUT);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), 0);
	ck_assert_int_eq(publish(topic(0, "value"), 2, 8), 0);
	await_arrived(1, "in", "p0", 2);
	link_stop(world.party[1].link);
	ck_assert_uint_eq(take(in), 1);
	ck_assert_uint_eq(take(in), 2);
	ck_assert_int_eq(take_code(in, never), LPAD_ESTOPPED);
	world_end_run(&world.party[0]);
	while (subscription_publishers(in))
		sched_yield();
	ck_assert_int_eq(take_code(in, never), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* ---- keep ---- */

START_TEST(a_queue_of_n_drops_its_oldest_and_counts)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", 10, 0, false, false } };
	enum { MESSAGES = 500, KEPT = 10 };
	world_make(&world, 2, edges, 1);
	world.buffer = 1024;
	world_start(&world);
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 100), 0);
	await_arrived(1, "in", "p0", MESSAGES);
	for (uint64_t i = MESSAGES - KEPT + 1; i <= MESSAGES; i++)
		ck_assert_uint_eq(take(subscription(1, "in")), i);
	ck_assert_int_eq(take_code(subscription(1, "in"), now), LPAD_ETIMEDOUT);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	struct port_counters row = world_count(&world.party[0], "topic", "value", "p1");
	ck_assert_int_eq(row.published, MESSAGES);
	ck_assert_int_eq(row.received, KEPT);
	ck_assert_int_eq(row.dropped, MESSAGES - KEPT);
	ck_assert_int_eq(row.bytes, MESSAGES * 100);
	ck_assert_int_eq(row.delivered_bytes, KEPT * 100);
}
END_TEST

/* The transport's own buffer overflows: gaps and the tail are counted too. */
START_TEST(what_the_transport_drops_is_counted)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", 4096, 0, false, false } };
	enum { MESSAGES = 2000 };
	struct reader reader;
	world_make(&world, 2, edges, 1);
	world.buffer = 1;
	world_start(&world);
	reader_start(&reader, 1, "in");
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 64 << 10), 0);
	world_end_run(&world.party[0]);
	reader_join(&reader);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	struct port_counters row = world_count(&world.party[0], "topic", "value", "p1");
	ck_assert_int_eq(row.published, MESSAGES);
	ck_assert_int_eq(row.received, (int64_t)reader.count);
	if (!transport_is("inproc"))            /* there whoever publishes delivers: its buffer hardly ever fills */
		ck_assert_int_gt(row.dropped, 0);
}
END_TEST

START_TEST(all_waits_for_a_slow_subscriber)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	enum { MESSAGES = 300, WINDOW = 8 };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	writer_start(&writer, topic(0, "value"), MESSAGES, 64);
	await_published(0, "value", "p1", WINDOW);
	for (int64_t i = 1; i <= MESSAGES; i++) {
		ck_assert_int_le(world_count(&world.party[0], "topic", "value", "p1").published, i - 1 + WINDOW);
		ck_assert_uint_eq(take(subscription(1, "in")), (uint64_t)i);
	}
	ck_assert_int_eq(writer_join(&writer), 0);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(world_count(&world.party[0], "topic", "value", "p1").dropped, 0);
}
END_TEST

/* 20 MiB each: three fit into 64 MiB. Nobody ticks: acknowledgements must come in time by themselves. */
START_TEST(all_is_held_back_by_bytes)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 128, false, false } };
	enum { MESSAGES = 12, FIT = 3 };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	world.party[0].silent = world.party[1].silent = true;
	world_start(&world);
	writer_start(&writer, topic(0, "value"), MESSAGES, 20 * MIB);
	await_published(0, "value", "p1", FIT);
	for (int64_t i = 1; i <= MESSAGES; i++) {
		ck_assert_int_le(world_count(&world.party[0], "topic", "value", "p1").published, i - 1 + FIT);
		ck_assert_uint_eq(take(subscription(1, "in")), (uint64_t)i);
	}
	ck_assert_int_eq(writer_join(&writer), 0);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(world_count(&world.party[0], "topic", "value", "p1").delivered_bytes,
		INT64_C(20) * MIB * MESSAGES);
}
END_TEST

/* Where a publication would wait, it fails at once when the program stops: the window's edge, to the byte. */
START_TEST(the_window_is_64_mib)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 128, false, false } };
	static const struct { size_t size; int code; } rows[] = {
		{ 20 * MIB, LPAD_ESTOPPED }, { 4 * MIB + 1, LPAD_ESTOPPED }, { 4 * MIB, 0 }, { 8, LPAD_ESTOPPED },
	};
	world_make(&world, 2, edges, 1);
	world_start(&world);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(publish(topic(0, "value"), 1, 20 * MIB), 0);
	link_stop(world.party[0].link);
	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(publish(topic(0, "value"), 1, rows[i].size) == rows[i].code, "row %zu", i);
	for (int i = 0; i < 4; i++)
		take(subscription(1, "in"));
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* A small one in front of one that fills the window nearly or wholly: less than a quarter has been consumed when it waits. */
START_TEST(the_largest_go_alone_and_do_not_stall)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 128, false, false } };
	static const size_t sizes[] = { 10 * MIB, 60 * MIB, 8, 64 * MIB, 65 * MIB, 8, 63 * MIB, 0 };
	struct reader reader;
	int64_t bytes = 0;
	world_make(&world, 2, edges, 1);
	world.party[0].silent = world.party[1].silent = true;
	world_start(&world);
	reader_start(&reader, 1, "in");
	for (size_t i = 0; i < COUNT(sizes); i++) {
		ck_assert_int_eq(publish(topic(0, "value"), i + 1, sizes[i]), 0);
		bytes += (int64_t)(sizes[i] ? sizes[i] : sizeof(uint64_t));
	}
	world_end_run(&world.party[0]);
	reader_join(&reader);
	ck_assert_uint_eq(reader.count, COUNT(sizes));
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
	ck_assert_int_eq(world_count(&world.party[1], "subscription", "in", "p0").bytes, bytes);
}
END_TEST

START_TEST(an_empty_message_is_one)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 1, false, false } };
	lpad_message *message = NULL;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	ck_assert_int_eq(topic_publish(topic(0, "value"), message_bytes(NULL, 0)), 0);
	ck_assert_int_eq(subscription_take(subscription(1, "in"), &message, never), 0);
	ck_assert_uint_eq(message_size(message), 0);
	ck_assert_str_eq(message_sender(message), "p0");
	ck_assert_int_eq(message_sender_incarnation(message), 1);
	message_free(message);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

/* One topic, four ways to keep; only the `all` hold it back. */
START_TEST(each_subscriber_keeps_its_own_way)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", LPAD_ALL, 16, false, false },
		{ 0, "value", 2, "in", 3, 0, false, false },
		{ 0, "value", 3, "in", LPAD_LATEST, 0, false, false },
		{ 0, "value", 1, "again", LPAD_ALL, 4, false, false },
	};
	enum { MESSAGES = 200 };
	struct reader readers[2];
	world_make(&world, 4, edges, COUNT(edges));
	world_start(&world);
	reader_start(&readers[0], 1, "in");
	reader_start(&readers[1], 1, "again");
	for (uint64_t i = 1; i <= MESSAGES; i++)
		ck_assert_int_eq(publish(topic(0, "value"), i, 10), 0);
	world_end_run(&world.party[0]);
	for (size_t i = 0; i < 2; i++) {
		reader_join(&readers[i]);
		ck_assert_uint_eq(readers[i].count, MESSAGES);
	}
	await_arrived(2, "in", "p0", MESSAGES);
	await_arrived(3, "in", "p0", MESSAGES);
	for (uint64_t i = MESSAGES - 2; i <= MESSAGES; i++)
		ck_assert_uint_eq(take(subscription(2, "in")), i);
	ck_assert_uint_eq(take(subscription(3, "in")), MESSAGES);
	world_drain(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		world_assert_agreed(&world, &edges[i]);
	ck_assert_int_eq(world_count(&world.party[2], "subscription", "in", "p0").dropped, MESSAGES - 3);
	ck_assert_int_eq(world_count(&world.party[3], "subscription", "in", "p0").dropped, MESSAGES - 1);
}
END_TEST

/* ---- several publishers, several threads ---- */

START_TEST(several_publishers_come_in_order_each)
{
	static const struct edge edges[] = {
		{ 0, "value", 3, "in", LPAD_ALL, 32, false, false },
		{ 1, "value", 3, "in", LPAD_ALL, 32, false, false },
		{ 2, "value", 3, "in", LPAD_ALL, 32, false, false },
	};
	enum { MESSAGES = 200 };
	struct writer writers[COUNT(edges)];
	uint64_t last[COUNT(edges)] = { 0 };
	world_make(&world, 4, edges, COUNT(edges));
	world_start(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		writer_start(&writers[i], topic((int)i, "value"), MESSAGES, 8);
	for (size_t i = 0; i < COUNT(edges) * MESSAGES; i++) {
		lpad_message *message = NULL;
		ck_assert_int_eq(subscription_take(subscription(3, "in"), &message, never), 0);
		size_t from = (size_t)(message_sender(message)[1] - '0');
		ck_assert_uint_eq(number_of(message), ++last[from]);
		message_free(message);
	}
	for (size_t i = 0; i < COUNT(edges); i++) {
		ck_assert_int_eq(writer_join(&writers[i]), 0);
		world_end_run(&world.party[i]);
	}
	ck_assert_int_eq(take_code(subscription(3, "in"), never), LPAD_EENDED);
	world_drain(&world);
	for (size_t i = 0; i < COUNT(edges); i++)
		world_assert_agreed(&world, &edges[i]);
}
END_TEST

/* One that is never silent does not keep another's message back: they are taken as they came. */
START_TEST(the_oldest_arrival_is_taken_first)
{
	static const struct edge edges[] = {
		{ 0, "value", 2, "in", 100, 0, false, false },
		{ 1, "value", 2, "in", 100, 0, false, false },
	};
	static const int order[] = { 0, 0, 0, 1, 0, 1, 1, 0 };
	int64_t sent[2] = { 0 };
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	for (size_t i = 0; i < COUNT(order); i++) {
		ck_assert_int_eq(publish(topic(order[i], "value"), i, 8), 0);
		await_arrived(2, "in", world.party[order[i]].name, ++sent[order[i]]);
	}
	for (size_t i = 0; i < COUNT(order); i++)
		ck_assert_uint_eq(take(subscription(2, "in")), i);
	world_drain(&world);
}
END_TEST

START_TEST(threads_share_a_topic_and_a_subscription)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 4, false, false } };
	enum { THREADS = 4, MESSAGES = 200 };
	struct writer writers[THREADS];
	uint64_t seen[MESSAGES + 1] = { 0 };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	for (int i = 0; i < THREADS; i++)
		writer_start(&writers[i], topic(0, "value"), MESSAGES, 500);
	for (int i = 0; i < THREADS * MESSAGES; i++)
		seen[take(subscription(1, "in"))]++;
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(writer_join(&writers[i]), 0);
	for (int i = 1; i <= MESSAGES; i++)
		ck_assert_uint_eq(seen[i], THREADS);
	world_drain(&world);
	world_assert_agreed(&world, &edges[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, refuses_what_cannot_be_published);
	tcase_add_test(all, what_is_not_connected_is_harmless);
	tcase_add_test(all, taking_ends_in_order_of_reasons);
	tcase_add_test(all, a_queue_of_n_drops_its_oldest_and_counts);
	tcase_add_test(all, what_the_transport_drops_is_counted);
	tcase_add_test(all, all_waits_for_a_slow_subscriber);
	tcase_add_test(all, all_is_held_back_by_bytes);
	tcase_add_test(all, the_window_is_64_mib);
	tcase_add_test(all, the_largest_go_alone_and_do_not_stall);
	tcase_add_test(all, an_empty_message_is_one);
	tcase_add_test(all, each_subscriber_keeps_its_own_way);
	tcase_add_test(all, several_publishers_come_in_order_each);
	tcase_add_test(all, the_oldest_arrival_is_taken_first);
	tcase_add_test(all, threads_share_a_topic_and_a_subscription);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
