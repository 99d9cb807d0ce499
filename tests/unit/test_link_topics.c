/* SPDX-License-Identifier: MIT */
/*
 * Topics from publishing to the last acknowledgement, between links in one process. Every test is a process of its own that
 * uses nng; the runner never does. TOPIC_ROUNDS: rounds of nothing_is_lost_at_either_end (1000); fewer for slow builds.
 */
#include "link_world.h"

#define COUNT(list) (sizeof(list) / sizeof (list)[0])
enum { MIB = 1 << 20 };

static struct world world;

static void setup(void)
{
}

static void teardown(void)
{
	if (world.folder)
		world_free(&world);
	world = (struct world){ 0 };
}

/* ---- words of the tests ---- */

static lpad_topic *topic(int party, const char *name)
{
	lpad_topic *found = link_topic(world.party[party].link, name);
	ck_assert_ptr_nonnull(found);
	return found;
}

static lpad_subscription *subscription(int party, const char *name)
{
	lpad_subscription *found = link_subscription(world.party[party].link, name);
	ck_assert_ptr_nonnull(found);
	return found;
}

static const lpad_deadline never = { INT64_MAX }, now = { 0 };

/* A message that begins with its number. */
static int publish(lpad_topic *to, uint64_t number, size_t size)
{
	lpad_message *message = message_bytes(NULL, size < sizeof number ? sizeof number : size);
	memcpy(message_fill(message), &number, sizeof number);
	return topic_publish(to, message);
}

static uint64_t number_of(const lpad_message *message)
{
	uint64_t number;
	ck_assert_uint_ge(message_size(message), sizeof number);
	memcpy(&number, message_content(message), sizeof number);
	return number;
}

static uint64_t take(lpad_subscription *from)
{
	lpad_message *message = NULL;
	ck_assert_msg(!subscription_take(from, &message, never), "%s", fault_text());
	uint64_t number = number_of(message);
	message_free(message);
	return number;
}

static int take_code(lpad_subscription *from, lpad_deadline deadline)
{
	lpad_message *message = NULL;
	int code = subscription_take(from, &message, deadline);
	ck_assert_int_eq(code == 0, message != NULL);
	message_free(message);
	return code;
}

/* A thread that publishes 1 .. count. */
struct writer {
	pthread_t thread;
	lpad_topic *topic;
	uint64_t count;
	size_t size;
	int code;
};

static void *write_all(void *context)
{
	struct writer *writer = context;
	for (uint64_t i = 1; i <= writer->count && !writer->code; i++)
		writer->code = publish(writer->topic, i, writer->size);
	return NULL;
}

static void writer_start(struct writer *writer, lpad_topic *to, uint64_t count, size_t size)
{
	*writer = (struct writer){ .topic = to, .count = count, .size = size };
	ck_assert_int_eq(pthread_create(&writer->thread, NULL, write_all, writer), 0);
}

static int writer_join(struct writer *writer)
{
	pthread_join(writer->thread, NULL);
	return writer->code;
}

/* A thread that takes until every publisher has ended, then ends its run; numbers must rise. */
struct reader {
	pthread_t thread;
	struct party *party;
	const char *port;
	uint64_t first, last, count;
};

static void *read_all(void *context)
{
	struct reader *reader = context;
	lpad_subscription *from = link_subscription(reader->party->link, reader->port);
	lpad_message *message;
	int code;
	while (!(code = subscription_take(from, &message, never))) {
		uint64_t number = number_of(message);
		ck_assert_uint_gt(number, reader->last);
		if (!reader->count++)
			reader->first = number;
		reader->last = number;
		message_free(message);
	}
	ck_assert_int_eq(code, LPAD_EENDED);
	return NULL;
}

static void reader_start(struct reader *reader, int party, const char *port)
{
	*reader = (struct reader){ .party = &world.party[party], .port = port };
	ck_assert_int_eq(pthread_create(&reader->thread, NULL, read_all, reader), 0);
}

static void reader_join(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
}

/* Until the topic has published so many; the publisher may be held back behind them. */
static void await_published(int party, const char *name, const char *peer, int64_t count)
{
	while (world_count(&world.party[party], "topic", name, peer).published < count)
		sched_yield();
}

/* Until so many have come to a subscription, taken or not. */
static void await_arrived(int party, const char *name, const char *peer, int64_t count)
{
	while (world_count(&world.party[party], "subscription", name, peer).published < count)
		sched_yield();
}

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
	Suite *suite = suite_create("link_topics");
	TCase *all = tcase_create("all"), *rounds = tcase_create("rounds");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, setup, teardown);
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
	tcase_add_test(all, callbacks_get_everything_before_the_drain_ends);
	tcase_add_test(all, a_service_ends_after_what_it_answers_to);
	tcase_add_test(all, a_circle_of_services_drains);
	tcase_add_test(all, what_run_leaves_is_dropped_as_unread);
	tcase_add_test(all, stop_ends_a_publication_that_is_held_back);
	tcase_add_test(all, a_drain_says_what_it_leaves);
	tcase_add_test(all, wiring_says_whom_it_waits_for);
	suite_add_tcase(suite, all);
	tcase_set_timeout(rounds, 290);
	tcase_add_checked_fixture(rounds, setup, teardown);
	tcase_add_test(rounds, nothing_is_lost_at_either_end);
	suite_add_tcase(suite, rounds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
