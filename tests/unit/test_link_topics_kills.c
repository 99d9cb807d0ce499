/* SPDX-License-Identifier: MIT */
/*
 * Topics whose ends are killed, stopped and restarted as processes, at each step of their start and in the middle of their work. All
 * incarnations are forked before nng was ever used and wait for their turn; the runner never uses nng.
 */
enum { LIVES = 3 };

#include "link_lives.h"
#include "nng_losses.h"

static const int keeps[] = { LPAD_ALL, 10, LPAD_LATEST, WORLD_EAGER };

static enum step die_at;

static void take_all(int life)
{
	lpad_message *message = NULL;
	struct party *party = &world.party[1];
	(void)life;
	while (!subscription_take(subscription(1, "in"), &message, never)) {
		uint64_t number = number_of(message);
		message_free(message);
		if (!atomic_fetch_add(&board->count, 1))
			atomic_store(&board->first, number);
		atomic_store(&board->last, number);
		reached(STEP_WORKING);
	}
	world_end_run(party);
	link_drain(party->link, clock_ns() + INT64_C(60000000000));
	world_wait(party, &party->drained);
	atomic_store(&board->finished, true);
}

/* The last one ends. */
static void publish_five(int life)
{
	struct party *party = &world.party[0];
	for (int i = 1; i <= 5; i++)
		ck_assert_int_eq(publish(topic(0, "value"), (uint64_t)(life * 10 + i), 100), 0);
	reached(STEP_WORKING);
	if (life < LIVES)
		return;
	world_end_run(party);
	link_drain(party->link, clock_ns() + INT64_C(60000000000));
	world_wait(party, &party->drained);
	atomic_store(&board->finished, true);
}

/* ---- in the parent ---- */

static void stop(int life)
{
	kill(lives[life], SIGSTOP);
	ck_assert_int_eq(waitpid(lives[life], NULL, WUNTRACED), lives[life]);
}

static void end_publisher(void)
{
	world_end_run(&world.party[0]);
	while (!atomic_load(&board->finished))
		sched_yield();
	world_drain(&world);
}

/* ---- deaths ---- */

/* Two lives of the subscriber end at a step, the third one gets to the end. _i: keep and step. */
START_TEST(a_subscriber_dies_at_a_step)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i / STEPS], 16, false, false } };
	enum { MESSAGES = 200 };
	struct writer writer;
	die_at = (enum step)(_i % STEPS);
	world_make(&world, 2, edges, 1);
	fork_lives(1, take_all);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	if (die_at >= STEP_WIRED) {
		world_wait(&world.party[0], &world.party[0].wired);
		writer_start(&writer, topic(0, "value"), MESSAGES, 100);
	}
	await_step(die_at);
	restart(1, 1);
	if (die_at < STEP_WIRED) {
		world_wait(&world.party[0], &world.party[0].wired);
		writer_start(&writer, topic(0, "value"), MESSAGES, 100);
	}
	await_step(die_at == STEP_WORKING ? STEP_WIRED : die_at);
	restart(1, 2);
	ck_assert_int_eq(writer_join(&writer), 0);
	await_step(STEP_WIRED);
	ck_assert_int_eq(publish(topic(0, "value"), MESSAGES + 1, 100), 0);
	end_publisher();
	ck_assert_uint_eq(atomic_load(&board->last), MESSAGES + 1);
	struct port_counters row = sent();
	assert_whole(row);
	ck_assert_uint_ge((uint64_t)row.received, atomic_load(&board->count));
}
END_TEST

START_TEST(a_publisher_dies_at_a_step)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i / STEPS], 16, false, false } };
	struct reader reader;
	die_at = (enum step)(_i % STEPS);
	world_make(&world, 2, edges, 1);
	fork_lives(0, publish_five);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	reader_start(&reader, 1, "in");
	await_step(die_at);
	restart(0, 1);
	await_step(die_at);
	restart(0, 2);
	reader_join(&reader);
	ck_assert_uint_eq(reader.last, 35);
	world_end_run(&world.party[1]);
	while (!atomic_load(&board->finished))
		sched_yield();
	world_drain(&world);
	struct port_counters row = world_count(&world.party[1], "subscription", "in", "p0");
	assert_whole(row);
	ck_assert_int_eq(row.received, (int64_t)reader.count);
	if (keeps[_i / STEPS] == LPAD_ALL)
		ck_assert_uint_ge(reader.count, 5);
}
END_TEST

/* ---- one that is stopped ---- */

/* Under `all` it holds the publisher back and loses nothing; the others go on, and it comes to the newest. */
START_TEST(a_subscriber_is_stopped)
{
	const struct edge edges[] = { { 0, "value", 1, "in", keeps[_i], 16, false, false } };
	enum { MESSAGES = 500, WINDOW = 16 };
	struct writer writer;
	world_make(&world, 2, edges, 1);
	fork_lives(1, take_all);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	world_wait(&world.party[0], &world.party[0].wired);
	await_step(STEP_WIRED);
	ck_assert_int_eq(publish(topic(0, "value"), 1, 100), 0);
	await_step(STEP_WORKING);
	stop(1);
	writer_start(&writer, topic(0, "value"), MESSAGES, 100);
	if (keeps[_i] == LPAD_ALL) {
		await_published(0, "value", "p1", 1 + WINDOW);
		ck_assert_int_eq(sent().published, 1 + WINDOW);
		kill(lives[1], SIGCONT);
	}
	ck_assert_int_eq(writer_join(&writer), 0);
	kill(lives[1], SIGCONT);
	end_publisher();
	ck_assert_uint_eq(atomic_load(&board->last), MESSAGES);
	struct port_counters row = sent();
	assert_whole(row);
	ck_assert_int_eq(row.published, MESSAGES + 1);
	ck_assert_int_eq(row.lost, 0);
	ck_assert_int_eq(row.received, (int64_t)atomic_load(&board->count));
	if (keeps[_i] == LPAD_ALL)
		ck_assert_int_eq(row.dropped, 0);
}
END_TEST

/* A body that is fetched from a publisher that is stopped does not come in time; the version is not lost by that. */
START_TEST(a_publisher_is_stopped)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	world_make(&world, 2, edges, 1);
	fork_lives(0, publish_five);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	await_step(STEP_WORKING);
	await_arrived(1, "in", "p0", 5);
	stop(1);
	ck_assert_int_eq(take_code(subscription(1, "in"), (lpad_deadline){ clock_ns() + 20000000 }), LPAD_ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(fault_text(), "a message is being fetched"));
	kill(lives[1], SIGCONT);
	ck_assert_uint_eq(take(subscription(1, "in")), 15);
	stop(1);
	bury(1);
	world_tell_lost(&world, 0, true);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	assert_whole(world_count(&world.party[1], "subscription", "in", "p0"));
}
END_TEST

/* It is killed while a body is being fetched from it: nobody waits for that. */
START_TEST(a_publisher_dies_with_a_fetch_under_way)
{
	static const struct edge edges[] = { { 0, "value", 1, "in", LPAD_LATEST, 0, false, false } };
	struct reader reader;
	world_make(&world, 2, edges, 1);
	fork_lives(0, publish_five);
	world_bind(&world);
	world_connect(&world);
	let_live(1);
	await_step(STEP_WORKING);
	await_arrived(1, "in", "p0", 5);
	stop(1);
	ck_assert_int_eq(take_code(subscription(1, "in"), now), LPAD_ETIMEDOUT);        /* the FETCH is sent */
	reader_start(&reader, 1, "in");
	bury(1);
	world_tell_lost(&world, 0, true);
	reader_join(&reader);
	ck_assert_uint_eq(reader.count, 0);
	struct port_counters row = world_count(&world.party[1], "subscription", "in", "p0");
	assert_whole(row);
	ck_assert_int_eq(row.lost, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_topics_kills");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, bury_all);
	tcase_add_loop_test(all, a_subscriber_dies_at_a_step, 0, (int)COUNT(keeps) * STEPS);
	tcase_add_loop_test(all, a_publisher_dies_at_a_step, 0, (int)COUNT(keeps) * STEPS);
	tcase_add_loop_test(all, a_subscriber_is_stopped, 0, COUNT(keeps));
	tcase_add_test(all, a_publisher_is_stopped);
	tcase_add_test(all, a_publisher_dies_with_a_fetch_under_way);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
