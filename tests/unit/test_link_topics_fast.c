/* SPDX-License-Identifier: MIT */
/*
 * Subscribers that are restarted while their publisher goes at full speed: what is sent to the new connection, a HELLO among it, may be
 * thrown away before it has gone. Every test is a process of its own that uses nng; the runner never does.
 */
enum { LIVES = 20 };

#include "link_lives.h"
#include "nng_losses.h"

static const int keeps[] = { 1, 16, LPAD_LATEST, WORLD_EAGER, LPAD_ALL };
static const int buffers[] = { 1, 192 };        /* hardly a HELLO comes through the first; the second is what topologies have */

static atomic_bool enough;

static void *write_until_enough(void *context)
{
	struct writer *writer = context;
	while (!enough && !writer->code)
		writer->code = publish(writer->topic, ++writer->count, writer->size);
	return NULL;
}

static struct writer write_on(void)
{
	return (struct writer){ .topic = topic(0, "value"), .size = 64 };
}

/* ---- processes ---- */

/* Until it has ended; nobody reads the asserts of a life but its parent, who waits for `finished`. */
static void take_until_the_end(int life)
{
	struct party *party = &world.party[1];
	lpad_message *message = NULL;
	(void)life;
	while (!subscription_take(subscription(1, "in"), &message, never)) {
		atomic_store(&board->last, number_of(message));
		atomic_fetch_add(&board->count, 1);
		message_free(message);
		reached(STEP_WORKING);
	}
	world_end_run(party);
	link_drain(party->link, clock_ns() + INT64_C(60000000000));
	world_wait(party, &party->drained);
	struct port_counters row = world_count(party, "subscription", "in", "p0");
	assert_whole(row);
	ck_assert_uint_eq((uint64_t)row.received, atomic_load(&board->count));
	atomic_store(&board->finished, true);
}

/* _i: keep and buffer. Each life but the last is killed at its first message. */
START_TEST(a_subscriber_of_a_fast_topic_is_restarted)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i % COUNT(keeps)], 16, false, false } };
	world_make(&world, 2, edges, 1);
	world.buffer = buffers[_i / COUNT(keeps)];
	fork_lives(1, take_until_the_end);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	world_wait(&world.party[0], &world.party[0].wired);
	link_go(world.party[0].link);
	struct writer writer = write_on();
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, write_until_enough, &writer), 0);
	for (int life = 1; life < LIVES; life++) {
		await_step(STEP_WORKING);
		restart(1, life);
	}
	await_step(STEP_WORKING);
	enough = true;
	ck_assert_int_eq(writer_join(&writer), 0);
	world_end_run(&world.party[0]);
	while (!atomic_load(&board->finished))
		sched_yield();
	world_drain(&world);
	struct port_counters row = sent();
	assert_whole(row);
	ck_assert_uint_eq(atomic_load(&board->last), writer.count);
	ck_assert_uint_ge((uint64_t)row.received, atomic_load(&board->count));
	if (keeps[_i % COUNT(keeps)] == LPAD_ALL)
		ck_assert_int_eq(row.published, (int64_t)writer.count);
}
END_TEST

/* ---- memory ---- */

START_TEST(the_same_within_one_process)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 16, false, false } };
	if (!transport_is("inproc"))
		transport_skip("another transport than its own");
	world_make(&world, 2, edges, 1);
	world.buffer = 1;
	world_start(&world);
	struct writer writer = write_on();
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, write_until_enough, &writer), 0);
	for (int life = 1; life < LIVES; life++) {
		take(subscription(1, "in"));
		world_kill(&world, 1);
		world_tell_lost(&world, 1, false);
		world_revive(&world, 1);
	}
	uint64_t last = take(subscription(1, "in"));
	enough = true;
	struct reader reader;
	reader_start(&reader, 1, "in");
	ck_assert_int_eq(writer_join(&writer), 0);
	world_end_run(&world.party[0]);
	reader_join(&reader);
	ck_assert_uint_eq(reader.count ? reader.last : last, writer.count);
	world_drain(&world);
	assert_whole(sent());
	assert_whole(world_count(&world.party[1], "subscription", "in", "p0"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_fast");
	TCase *processes = tcase_create("processes"), *memory = tcase_create("memory");
	tcase_set_timeout(processes, 60);
	tcase_add_checked_fixture(processes, setup, bury_all);
	tcase_add_loop_test(processes, a_subscriber_of_a_fast_topic_is_restarted, 0, (int)(COUNT(keeps) * COUNT(buffers)));
	suite_add_tcase(suite, processes);
	tcase_set_timeout(memory, 60);
	tcase_add_checked_fixture(memory, NULL, teardown);
	tcase_add_loop_test(memory, the_same_within_one_process, 0, COUNT(keeps));
	suite_add_tcase(suite, memory);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
