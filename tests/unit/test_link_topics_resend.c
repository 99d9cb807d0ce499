/* SPDX-License-Identifier: MIT */
/*
 * Connections that break while both ends live: under `all` nothing is lost, and what is kept for that is let go. Every test is a
 * process of its own that uses nng; the runner never does. TOPIC_SEEDS: how many seeds each storm of cuts is tried with (2).
 */
#include "link_topics.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "link/body.h"
#include "nng_losses.h"

/* ---- cuts ---- */

static unsigned draw(unsigned *state, unsigned below)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % below;
}

/* One end of one of the connections of this process, which are all the world's. */
static void cut(unsigned *state)
{
	int found[256], count = 0;
	DIR *folder = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(folder);
	for (struct dirent *entry; (entry = readdir(folder)) && count < 256; ) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof peer;
		int fd = atoi(entry->d_name);
		if (fd > 2 && fd != dirfd(folder) && !getpeername(fd, (struct sockaddr *)&peer, &size))
			found[count++] = fd;
	}
	closedir(folder);
	if (count)
		shutdown(found[draw(state, (unsigned)count)], SHUT_RDWR);
}

/* Publishes 1 .. count; before some of them a connection breaks. */
struct cutter {
	pthread_t thread;
	uint64_t count;
	size_t size;
	unsigned state, per_thousand, cuts;
};

static void *publish_and_cut(void *context)
{
	struct cutter *cutter = context;
	for (uint64_t i = 1; i <= cutter->count; i++) {
		if (draw(&cutter->state, 1000) < cutter->per_thousand) {
			cut(&cutter->state);
			cutter->cuts++;
		}
		ck_assert_int_eq(publish(topic(0, "value"), i, cutter->size), 0);
	}
	return NULL;
}

static unsigned seeds(void)
{
	const char *given = getenv("TOPIC_SEEDS");
	unsigned count = given ? (unsigned)atoi(given) : 2;
	ck_assert_uint_gt(count, 0);
	return count;
}

static bool keeps_all(const struct edge *edge)
{
	return edge->keep == LPAD_ALL;
}

static void assert_whole(const struct edge *edge, uint64_t count)
{
	struct port_counters row = world_count(&world.party[edge->to], "subscription", edge->port, "p0");
	world_assert_agreed(&world, edge);
	ck_assert_int_eq(row.errors, 0);
	if (!keeps_all(edge))
		return;
	ck_assert_int_eq(row.received, (int64_t)count);
	ck_assert_int_eq(row.dropped, 0);
}

/* One world, from the first message to the drain. */
static void one_storm(const struct edge *edges, size_t count, struct cutter cutter)
{
	struct reader readers[WORLD_PARTIES];
	transport_needs("sockets");
	world_make(&world, (int)count + 1, edges, count);
	world_start(&world);
	for (size_t i = 0; i < count; i++)
		reader_start(&readers[i], edges[i].to, edges[i].port);
	ck_assert_int_eq(pthread_create(&cutter.thread, NULL, publish_and_cut, &cutter), 0);
	pthread_join(cutter.thread, NULL);
	if (cutter.per_thousand == 0)
		cut(&cutter.state);
	world_end_run(&world.party[0]);
	for (size_t i = 0; i < count; i++) {
		reader_join(&readers[i]);
		if (keeps_all(&edges[i]))
			ck_assert_uint_eq(readers[i].count, cutter.count);
	}
	world_drain(&world);
	for (size_t i = 0; i < count; i++)
		assert_whole(&edges[i], cutter.count);
	world_free(&world);
	world = (struct world){ 0 };
}

static const struct edge all_kinds[] = {
	{ 0, "value", 1, "in", LPAD_ALL, 128, false, false },
	{ 0, "value", 2, "in", LPAD_ALL, 8, false, false },
	{ 0, "value", 3, "in", 10, 0, false, false },
	{ 0, "value", 4, "in", LPAD_LATEST, 0, false, false },
	{ 0, "value", 5, "in", WORLD_EAGER, 0, false, false },
};

START_TEST(small_ones_come_whole_through_cuts)
{
	for (unsigned seed = 1; seed <= seeds(); seed++)
		one_storm(all_kinds, COUNT(all_kinds), (struct cutter){ .count = 3000, .size = 1, .state = seed, .per_thousand = 8 });
}
END_TEST

START_TEST(large_ones_come_whole_through_cuts)
{
	for (unsigned seed = 1; seed <= seeds(); seed++)
		one_storm(all_kinds, 3, (struct cutter){ .count = 100, .size = MIB, .state = seed, .per_thousand = 100 });
}
END_TEST

START_TEST(a_window_of_one_comes_whole_through_cuts)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 1, false, false } };
	for (unsigned seed = 1; seed <= seeds(); seed++)
		one_storm(edges, 1, (struct cutter){ .count = 1000, .size = 100, .state = seed, .per_thousand = 20 });
}
END_TEST

/* The last messages, or only their END, are what is lost. */
START_TEST(a_cut_before_the_end_delays_the_end)
{
	for (unsigned seed = 1; seed <= 20 * seeds(); seed++)
		one_storm(all_kinds, 2, (struct cutter){ .count = 5, .size = 100, .state = seed });
}
END_TEST

/* ---- what is kept ---- */

enum { KEPT = 4 };

static const struct edge two_all[] = {
	{ 0, "value", 1, "in", LPAD_ALL, KEPT, false, false },
	{ 0, "value", 2, "in", LPAD_ALL, KEPT, false, false },
};

static void publish_shared(lpad_message *messages[KEPT])
{
	for (int i = 0; i < KEPT; i++) {
		messages[i] = message_bytes(NULL, 100);
		ck_assert_int_eq(topic_publish(topic(0, "value"), message_share(messages[i])), 0);
	}
}

static bool all_let_go(lpad_message *const messages[KEPT])
{
	int others = 0;
	for (int i = 0; i < KEPT; i++)
		others += atomic_load(&messages[i]->references) - 1;
	return !others;
}

static void free_all(lpad_message *const messages[KEPT])
{
	for (int i = 0; i < KEPT; i++)
		message_free(messages[i]);
}

/* All that was published; until the publisher knows. */
static void take_all(int party, const char *peer)
{
	for (int i = 0; i < KEPT; i++)
		ck_assert_int_eq(take_code(subscription(party, "in"), never), 0);
	while (world_count(&world.party[0], "topic", "value", peer).received < KEPT)
		sched_yield();
}

START_TEST(what_all_have_acknowledged_is_let_go)
{
	lpad_message *messages[KEPT];
	world_make(&world, 3, two_all, 2);
	world_start(&world);
	publish_shared(messages);
	take_all(1, "p1");
	for (int i = 0; i < KEPT; i++)
		ck_assert_int_gt(atomic_load(&messages[i]->references), 1);     /* p2 may have missed them */
	take_all(2, "p2");
	while (!all_let_go(messages))
		sched_yield();
	free_all(messages);
	world_drain(&world);
	world_assert_agreed(&world, &two_all[0]);
	world_assert_agreed(&world, &two_all[1]);
}
END_TEST

/* _i 0: it may come again, but as another incarnation, which begins anew. */
START_TEST(what_the_dead_had_not_is_let_go)
{
	lpad_message *messages[KEPT];
	transport_needs("sockets");                     /* else it lies in the queue of p2, who lives in truth */
	world_make(&world, 3, two_all, 2);
	world_start(&world);
	publish_shared(messages);
	take_all(1, "p1");
	ck_assert(!all_let_go(messages));
	link_peer_lost(world.party[0].link, 2, 0, 1, _i);
	ck_assert(all_let_go(messages));
	if (_i) {
		ck_assert_int_eq(topic_publish(topic(0, "value"), message_share(messages[0])), 0);
		ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
		while (!all_let_go(messages))
			sched_yield();
	}
	free_all(messages);
}
END_TEST

START_TEST(nothing_is_kept_for_queues)
{
	static const struct edge edges[] = {
		{ 0, "value", 1, "in", 10, 0, false, false },
		{ 0, "value", 2, "in", WORLD_EAGER, 0, false, false },
	};
	lpad_message *messages[KEPT];
	transport_needs("sockets");
	world_make(&world, 3, edges, 2);
	world_start(&world);
	publish_shared(messages);
	message_free(messages[KEPT - 1]);               /* the newest, which is kept for those who come late */
	messages[KEPT - 1] = message_bytes(NULL, 1);
	ck_assert(all_let_go(messages));
	free_all(messages);
	world_drain(&world);
}
END_TEST

/* Nobody took anything, nobody said END: the link ends nevertheless. */
START_TEST(the_end_of_a_link_lets_go)
{
	lpad_message *messages[KEPT];
	world_make(&world, 3, two_all, 2);
	world_start(&world);
	publish_shared(messages);
	ck_assert(!all_let_go(messages));
	world_free(&world);
	world = (struct world){ 0 };
	ck_assert(all_let_go(messages));
	free_all(messages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_resend");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 300);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_test(all, small_ones_come_whole_through_cuts);
	tcase_add_test(all, large_ones_come_whole_through_cuts);
	tcase_add_test(all, a_window_of_one_comes_whole_through_cuts);
	tcase_add_test(all, a_cut_before_the_end_delays_the_end);
	tcase_add_test(all, what_all_have_acknowledged_is_let_go);
	tcase_add_loop_test(all, what_the_dead_had_not_is_let_go, 0, 2);
	tcase_add_test(all, nothing_is_kept_for_queues);
	tcase_add_test(all, the_end_of_a_link_lets_go);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
