/* SPDX-License-Identifier: MIT */
/*
 * Topics whose ends are restarted, one or both, at every step. The dead and their successors live in this process: a link that is
 * freed says no last word. Every test is a process of its own that uses nng; the runner never does.
 */
#include "link_topics.h"

static const int keeps[] = { LPAD_ALL, 10, LPAD_LATEST, WORLD_EAGER };

static struct port_counters sent(int party, const char *peer)
{
	return world_count(&world.party[party], "topic", "value", peer);
}

static struct port_counters come(int party, const char *peer)
{
	return world_count(&world.party[party], "subscription", "in", peer);
}

static void assert_whole(struct port_counters row)
{
	ck_assert_msg(row.published == row.received + row.dropped + row.lost, "%s %s, %s: published %lld, received %lld, dropped %lld, "
		"lost %lld", row.kind, row.port, row.peer, (long long)row.published, (long long)row.received,
		(long long)row.dropped, (long long)row.lost);
}

static void publish_some(int party, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++)
		ck_assert_msg(!publish(topic(party, "value"), i, 8), "%s", fault_text());
}

static void die(int party, bool gone)
{
	world_kill(&world, party);
	world_tell_lost(&world, party, gone);
}

/* ---- subscribers ---- */

/* 1 is read, 2 and 3 are not; what comes after the restart begins with 4, or under `latest` with what was newest. */
START_TEST(a_subscriber_comes_back)
{
	const struct edge edges[] = {
		{ 0, "value", 1, "in", keeps[_i], 8, false, false },
		{ 0, "value", 2, "in", 100, 0, false, false },
	};
	bool latest = _i >= 2;
	world_make(&world, 3, edges, COUNT(edges));
	world_start(&world);
	publish_some(0, 1, 1);
	ck_assert_uint_eq(take(subscription(1, "in")), 1);
	publish_some(0, 2, 3);
	await_arrived(1, "in", "p0", 3);
	die(1, false);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 1);
	struct port_counters row = sent(0, "p1");
	assert_whole(row);
	ck_assert_int_eq(row.published, 3);
	world_revive(&world, 1);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 2);
	if (latest)
		ck_assert_uint_eq(take(subscription(1, "in")), 3);
	ck_assert_int_eq(take_code(subscription(1, "in"), now), LPAD_ETIMEDOUT);
	publish_some(0, 4, 4);
	ck_assert_uint_eq(take(subscription(1, "in")), 4);
	for (uint64_t i = 1; i <= 4; i++)
		ck_assert_uint_eq(take(subscription(2, "in")), i);
	world_drain(&world);
	row = sent(0, "p1");
	assert_whole(row);
	assert_whole(come(1, "p0"));
	ck_assert_int_eq(row.published, latest ? 5 : 4);        /* the newest was shown to both */
	ck_assert_int_eq(row.received + row.lost + row.dropped, row.published);
	world_assert_agreed(&world, &edges[1]);
}
END_TEST

/* A subscriber that comes late to a topic that has ended: under `latest` it still gets the last one. */
START_TEST(a_subscriber_comes_back_after_the_end)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	publish_some(0, 1, 2);
	world_end_run(&world.party[0]);
	die(1, false);
	world_revive(&world, 1);
	if (_i >= 2)
		ck_assert_uint_eq(take(subscription(1, "in")), 2);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_drain(&world);
	assert_whole(sent(0, "p1"));
	assert_whole(come(1, "p0"));
}
END_TEST

/* Under `all` the publisher waits for it; what it had not acknowledged is told. */
START_TEST(all_waits_for_a_restart)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	enum { MESSAGES = 100 };
	struct writer writer;
	struct reader reader;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	writer_start(&writer, topic(0, "value"), MESSAGES, 8);
	await_published(0, "value", "p1", 8);
	die(1, false);
	int64_t before = sent(0, "p1").published;
	ck_assert_int_eq(before, 8);
	world_revive(&world, 1);
	reader_start(&reader, 1, "in");
	ck_assert_int_eq(writer_join(&writer), 0);
	world_end_run(&world.party[0]);
	reader_join(&reader);
	ck_assert_uint_eq(reader.first, 9);
	ck_assert_uint_eq(reader.count, MESSAGES - 8);
	world_drain(&world);
	struct port_counters row = sent(0, "p1");
	assert_whole(row);
	ck_assert_int_eq(row.published, MESSAGES);
	ck_assert_int_eq(row.received, MESSAGES - 8);
	ck_assert_int_eq(row.lost, 8);
	world_await_notes(&world.party[0], 1);
	ck_assert_str_eq(world.party[0].note, "topic \"value\": p1 was restarted: 8 messages that it had not acknowledged before are lost");
}
END_TEST

START_TEST(all_goes_on_without_one_that_is_gone)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_ALL, 8, false, false } };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	writer_start(&writer, topic(0, "value"), 20, 8);
	await_published(0, "value", "p1", 8);
	die(1, false);
	world_tell_lost(&world, 1, true);
	ck_assert_int_eq(writer_join(&writer), 0);
	world_await_notes(&world.party[0], 1);
	ck_assert_str_eq(world.party[0].note, "topic \"value\": p1 will not come back: 8 messages that it had not acknowledged are lost");
	world_drain(&world);
	assert_whole(sent(0, "p1"));
	ck_assert_int_eq(sent(0, "p1").published, 8);
}
END_TEST

/* The successor subscribes before the supervisor has said that the one before is dead. */
START_TEST(the_word_of_a_death_comes_late)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, false, false } };
	struct error error = { 0 };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	publish_some(0, 1, 1);
	await_arrived(1, "in", "p0", 1);
	world_kill(&world, 1);
	struct party *party = &world.party[1];
	party->wired = party->quit = party->remote = false;
	world_set_incarnation(&world, 1, 2);
	world_new_link(&world, 1);
	ck_assert(!link_connect(party->link, &error));
	ck_assert_int_eq(pthread_create(&party->ticker, NULL, world_ticks, party), 0);
	world_wait(party, &party->wired);
	link_peer_lost(world.party[0].link, 1, 0, 1, false);
	world_tell_up(&world, 1);
	if (_i >= 2)
		ck_assert_uint_eq(take(subscription(1, "in")), 1);
	publish_some(0, 2, 2);
	ck_assert_uint_eq(take(subscription(1, "in")), 2);
	ck_assert_int_eq(topic_subscribers(topic(0, "value")), 1);
	world_drain(&world);
	assert_whole(sent(0, "p1"));
	assert_whole(come(1, "p0"));
}
END_TEST

/* ---- publishers ---- */

/* What came from the one before is read first; its successor counts from 1 again. */
START_TEST(a_publisher_comes_back)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, false, false } };
	lpad_subscription *in;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	in = subscription(1, "in");
	publish_some(0, 1, 1);
	ck_assert_uint_eq(take(in), 1);
	publish_some(0, 2, 3);
	await_arrived(1, "in", "p0", 3);
	die(0, false);
	ck_assert_int_eq(subscription_publishers(in), 1);
	world_revive(&world, 0);
	ck_assert_int_eq(subscription_publishers(in), 1);
	if (_i < 2) {
		ck_assert_uint_eq(take(in), 2);
		ck_assert_uint_eq(take(in), 3);
	}
	publish_some(0, 11, 12);
	await_arrived(1, "in", "p0", 5);
	if (_i < 2)
		ck_assert_uint_eq(take(in), 11);
	ck_assert_uint_eq(take(in), 12);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(take_code(in, never), LPAD_EENDED);
	ck_assert_str_eq(fault_text(), "subscription \"in\": every publisher has ended");
	world_drain(&world);
	struct port_counters row = come(1, "p0");
	assert_whole(row);
	assert_whole(sent(0, "p1"));
	ck_assert_int_eq(row.published, 5);
	ck_assert_int_eq(row.received, _i < 2 ? 5 : 2);
	ck_assert_int_eq(row.lost, keeps[_i] == LPAD_LATEST);
	ck_assert_int_eq(sent(0, "p1").published, 2);
	ck_assert_int_eq(sent(0, "p1").lost, 0);
}
END_TEST

/* It had ended well, dies, and runs again: its end was not the topic's. */
START_TEST(an_end_is_taken_back)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, false, false } };
	world_make(&world, 2, edges, 1);
	world_start(&world);
	lpad_subscription *in = subscription(1, "in");
	publish_some(0, 1, 1);
	world_end_run(&world.party[0]);
	ck_assert_uint_eq(take(in), 1);
	while (subscription_publishers(in))
		sched_yield();
	die(0, false);
	ck_assert_int_eq(subscription_publishers(in), 1);
	ck_assert_int_eq(take_code(in, now), LPAD_ETIMEDOUT);
	world_revive(&world, 0);
	publish_some(0, 2, 2);
	ck_assert_uint_eq(take(in), 2);
	die(0, true);
	ck_assert_int_eq(take_code(in, never), LPAD_EENDED);
	ck_assert_str_eq(fault_text(), "subscription \"in\": every publisher has ended; 1 of 1 died, p0");
	assert_whole(come(1, "p0"));
	world_drain(&world);
}
END_TEST

/* One that reads waits through the restart. */
START_TEST(who_waits_gets_the_successors_messages)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, false, false } };
	struct reader reader;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	reader_start(&reader, 1, "in");
	for (uint64_t life = 1; life <= 5; life++) {
		publish_some(0, life * 10, life * 10 + 5);
		if (life == 5)
			break;
		die(0, false);
		world_revive(&world, 0);
	}
	world_end_run(&world.party[0]);
	reader_join(&reader);
	ck_assert_uint_eq(reader.last, 55);
	world_drain(&world);
	assert_whole(come(1, "p0"));
	assert_whole(sent(0, "p1"));
}
END_TEST

/* A callback runs with what was left of the one before, then with its successor's. */
START_TEST(callbacks_go_on)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 8, true, false } };
	struct work work;
	uint64_t first;
	world_make(&world, 2, edges, 1);
	world_start(&world);
	struct link *link = world.party[1].link;
	publish_some(0, 1, 1);
	ck_assert(link_work_take(link, -1, &work));
	ck_assert_uint_eq(number_of(work.message), 1);
	die(0, false);
	world_revive(&world, 0);
	link_work_done(link, &work, 0);
	publish_some(0, 11, 12);
	await_arrived(1, "in", "p0", 3);
	do {
		ck_assert(link_work_take(link, -1, &work));
		first = number_of(work.message);
		ck_assert_uint_ge(first, 11);
		link_work_done(link, &work, 0);
	} while (first < 12);
	world_drain(&world);
	ck_assert_int_eq(come(1, "p0").published, 3);
	assert_whole(come(1, "p0"));
	assert_whole(sent(0, "p1"));
}
END_TEST

/* ---- anybody, at any time ---- */

enum { PUBLISHERS = 2, PARTIES = 5, STEPS = 60 };

static uint64_t random_below(uint64_t below)
{
	static uint64_t state = 1;
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % below;
}

/* Never so many that `all` would hold the publisher back: nobody is there to take meanwhile. */
static void step(void)
{
	int party = (int)random_below(PARTIES);
	if (random_below(3) == 0) {
		die(party, false);
		world_revive(&world, party);
	} else if (party < PUBLISHERS) {
		for (uint64_t i = random_below(6); i > 0; i--)
			ck_assert_int_eq(publish(topic(party, "value"), i, 100), 0);
	}
	for (int i = PUBLISHERS; i < PARTIES; i++)
		while (!take_code(subscription(i, "in"), (lpad_deadline){ clock_ns() + 2000000 }))
			;
}

START_TEST(whoever_dies_every_account_is_whole)
{
	static const struct edge edges[] = {
		{ 0, "value", 2, "in", LPAD_ALL, 128, false, false },
		{ 1, "value", 2, "in", LPAD_LATEST, 0, false, false },
		{ 0, "value", 3, "in", WORLD_EAGER, 0, false, false },
		{ 1, "value", 3, "in", 3, 0, false, false },
		{ 0, "value", 4, "in", LPAD_LATEST, 0, false, false },
		{ 1, "value", 4, "in", LPAD_ALL, 128, false, false },
	};
	world_make(&world, PARTIES, edges, COUNT(edges));
	world_start(&world);
	for (int i = 0; i < STEPS; i++)
		step();
	world_drain(&world);
	for (size_t i = 0; i < COUNT(edges); i++) {
		assert_whole(sent(edges[i].from, world.party[edges[i].to].name));
		assert_whole(come(edges[i].to, world.party[edges[i].from].name));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_restarts");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, NULL, teardown);
	tcase_add_loop_test(all, a_subscriber_comes_back, 0, COUNT(keeps));
	tcase_add_loop_test(all, a_subscriber_comes_back_after_the_end, 0, COUNT(keeps));
	tcase_add_test(all, all_waits_for_a_restart);
	tcase_add_test(all, all_goes_on_without_one_that_is_gone);
	tcase_add_loop_test(all, the_word_of_a_death_comes_late, 0, COUNT(keeps));
	tcase_add_loop_test(all, a_publisher_comes_back, 0, COUNT(keeps));
	tcase_add_loop_test(all, an_end_is_taken_back, 0, COUNT(keeps));
	tcase_add_loop_test(all, who_waits_gets_the_successors_messages, 0, COUNT(keeps));
	tcase_add_loop_test(all, callbacks_go_on, 0, COUNT(keeps));
	tcase_add_test(all, whoever_dies_every_account_is_whole);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
