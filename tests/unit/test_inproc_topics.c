/* SPDX-License-Identifier: MIT */
/* Publishing within a process as transport.h promises it, and how threads share the work of delivering. */
#include "link/inproc_topics.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "link/inproc_calls.h"
#include "link/inproc_mail.h"
#include "link/message.h"

enum { LONGEST = 1000, SEEN = 4096 };
static const char *const address = "inproc://topic";

struct reader {
	struct subscribing *subscribing;
	atomic_int count, downs, inside, overlaps;
	uint64_t numbers[SEEN];
	const void *bodies[SEEN];
	sem_t *entered, *gate;          /* NULL: it does not wait */
};

static atomic_int joined, left;

static void on_joined(void *context, bool added)
{
	(void)context;
	added ? joined++ : left++;
}

static void on_message(void *context, struct frame *frame)
{
	struct reader *reader = context;
	reader->overlaps += atomic_fetch_add(&reader->inside, 1) != 0;
	if (reader->entered)
		sem_post(reader->entered);
	while (reader->gate && sem_wait(reader->gate))
		;
	int at = reader->count % SEEN;
	reader->numbers[at] = frame->wire.number;
	reader->bodies[at] = frame->transport->frame_body(frame);
	frame->transport->frame_drop(frame);
	reader->inside--;
	reader->count++;
}

static void on_down(void *context)
{
	((struct reader *)context)->downs++;
}

static void on_malformed(void *context, const char *why)
{
	(void)context;
	ck_abort_msg("malformed: %s", why);
}

static struct publishing *open_topic(int buffer)
{
	struct error error = { 0 };
	char *bound = NULL;
	struct publishing *publishing = inproc_topics_publish_open(address, buffer, on_joined, NULL, &bound, &error);
	ck_assert_msg(publishing, "%s", error.text);
	ck_assert_str_eq(bound, address);
	free(bound);
	return publishing;
}

static void subscribe(struct reader *reader, int buffer)
{
	static const struct subscribing_events events = { .message = on_message, .down = on_down, .malformed = on_malformed };
	struct error error = { 0 };
	reader->subscribing = inproc_topics_subscribe_open(address, buffer, LONGEST, &events, reader, &error);
	ck_assert_msg(reader->subscribing, "%s", error.text);
}

static void publish(struct publishing *publishing, uint64_t number, lpad_message *message)
{
	struct frame frame = { .wire = { .kind = WIRE_PUBLISH, .role = WIRE_MEMBER, .number = number }, .message = message };
	inproc_topics_publish(publishing, &frame);
}

/* ---- connections ---- */

START_TEST(every_subscriber_gets_the_same_body_in_order)
{
	struct publishing *publishing = open_topic(16);
	struct reader readers[3] = { 0 };
	lpad_message *message = message_bytes("hello", 6);
	for (int i = 0; i < 3; i++)
		subscribe(&readers[i], 16);
	inproc_deliver();
	ck_assert_int_eq(joined, 3);
	publish(publishing, 1, NULL);
	publish(publishing, 2, message_share(message));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(readers[i].count, 0);
	inproc_deliver();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(readers[i].count, 2);
		ck_assert_uint_eq(readers[i].numbers[0], 1);
		ck_assert_uint_eq(readers[i].numbers[1], 2);
		ck_assert_ptr_eq(readers[i].bodies[1], message_content(message));
		inproc_topics_subscribe_close(readers[i].subscribing);
		ck_assert_int_eq(readers[i].downs, 0);
		ck_assert_int_eq(left, i + 1);
	}
	message_free(message);
	publish(publishing, 3, NULL);
	inproc_deliver();
	ck_assert_int_eq(readers[0].count, 2);
	inproc_topics_publish_close(publishing);
}
END_TEST

START_TEST(connects_when_somebody_publishes_and_again)
{
	struct reader reader = { 0 };
	subscribe(&reader, 16);
	for (int round = 1; round <= 3; round++) {
		struct publishing *publishing = open_topic(16);
		inproc_deliver();
		ck_assert_int_eq(joined, round);
		publish(publishing, (uint64_t)round, NULL);
		inproc_topics_publish_close(publishing);        /* what is on its way comes before the end */
		ck_assert_int_eq(reader.count, round);
		ck_assert_int_eq(reader.downs, round);
	}
	inproc_topics_subscribe_close(reader.subscribing);
}
END_TEST

START_TEST(says_what_could_not_be_opened)
{
	static const struct subscribing_events events = { .message = on_message, .down = on_down, .malformed = on_malformed };
	struct publishing *publishing = open_topic(16);
	struct error error = { 0 };
	char *bound = NULL;
	ck_assert_ptr_null(inproc_topics_publish_open(address, 16, on_joined, NULL, &bound, &error));
	ck_assert_str_eq(error.text, "cannot listen on inproc://topic: another topic of this process is there");
	ck_assert_ptr_null(inproc_topics_subscribe_open("inproc://", 16, LONGEST, &events, NULL, &error));
	ck_assert_str_eq(error.text, "cannot connect to inproc://: a name belongs behind inproc://");
	inproc_topics_publish_close(publishing);
}
END_TEST

/* A name may have both a topic and a node that answers: they never meet. */
START_TEST(topics_and_calls_have_names_of_their_own)
{
	static const struct answering_events events = { 0 };
	struct publishing *publishing = open_topic(16);
	struct error error = { 0 };
	char *bound = NULL;
	struct answering *answering = inproc_calls_answer_open(address, LONGEST, &events, NULL, &bound, &error);
	ck_assert_ptr_nonnull(answering);
	free(bound);
	struct reader reader = { 0 };
	subscribe(&reader, 16);
	inproc_deliver();
	inproc_calls_answer_close(answering);
	ck_assert_int_eq(reader.downs, 0);
	ck_assert_int_eq(joined, 1);
	inproc_topics_subscribe_close(reader.subscribing);
	inproc_topics_publish_close(publishing);
}
END_TEST

START_TEST(what_is_too_long_ends_the_connection)
{
	struct publishing *publishing = open_topic(16);
	struct reader reader = { 0 };
	subscribe(&reader, 16);
	publish(publishing, 1, message_bytes(NULL, LONGEST));
	publish(publishing, 2, message_bytes(NULL, LONGEST + 1));
	publish(publishing, 3, message_bytes(NULL, LONGEST));
	inproc_deliver();
	ck_assert_int_eq(reader.count, 2);
	ck_assert_int_eq(reader.downs, 1);
	ck_assert_int_eq(joined, 2);
	ck_assert_uint_eq(reader.numbers[1], 3);
	inproc_topics_subscribe_close(reader.subscribing);
	inproc_topics_publish_close(publishing);
}
END_TEST

/* ---- threads ---- */

static void *deliver_publication(void *context)
{
	publish(context, 1, NULL);
	inproc_deliver();
	return NULL;
}

/* The subscriber is stuck in its first event; publishing goes on, and keeps no more than both buffers: the newest. */
START_TEST(a_slow_subscriber_costs_the_oldest)
{
	enum { BUFFER = 8, COUNT = 200 };
	sem_t entered, gate;
	sem_init(&entered, 0, 0);
	sem_init(&gate, 0, 0);
	struct publishing *publishing = open_topic(BUFFER);
	struct reader reader = { .entered = &entered, .gate = &gate };
	pthread_t thread;
	subscribe(&reader, BUFFER);
	inproc_deliver();
	pthread_create(&thread, NULL, deliver_publication, publishing);
	while (sem_wait(&entered))
		;
	for (uint64_t i = 2; i <= COUNT; i++)
		publish(publishing, i, message_bytes(NULL, 100));
	for (int i = 0; i <= 2 * BUFFER; i++)
		sem_post(&gate);
	pthread_join(thread, NULL);
	inproc_deliver();
	ck_assert_int_eq(reader.count, 1 + 2 * BUFFER);
	ck_assert_uint_eq(reader.numbers[0], 1);
	for (int i = 1; i <= 2 * BUFFER; i++)
		ck_assert_uint_eq(reader.numbers[i], (uint64_t)(COUNT - 2 * BUFFER + i));
	inproc_topics_subscribe_close(reader.subscribing);
	inproc_topics_publish_close(publishing);
}
END_TEST

struct relay {
	struct publishing *publishing;
	pthread_mutex_t lock;           /* one thread publishes at a time */
	uint64_t number;
	atomic_bool done;
};

static void *publish_until_done(void *context)
{
	struct relay *relay = context;
	while (!relay->done) {
		pthread_mutex_lock(&relay->lock);
		publish(relay->publishing, ++relay->number, NULL);
		pthread_mutex_unlock(&relay->lock);
		inproc_deliver();
	}
	return NULL;
}

static struct relay *busy;
static pthread_t first_deliverer;
static atomic_int by_first;

/* For the first thread there is always one more: only being relieved ends its work. */
static void on_endless(void *context, struct frame *frame)
{
	struct reader *reader = context;
	frame->transport->frame_drop(frame);
	reader->overlaps += atomic_fetch_add(&reader->inside, 1) != 0;
	if (pthread_equal(pthread_self(), first_deliverer)) {
		by_first++;
		publish(busy->publishing, 0, NULL);
	}
	reader->inside--;
}

START_TEST(nobody_delivers_for_the_others_for_ever)
{
	static const struct subscribing_events events = { .message = on_endless, .down = on_down, .malformed = on_malformed };
	struct relay relay = { .publishing = open_topic(1 << 20), .lock = PTHREAD_MUTEX_INITIALIZER };
	struct reader reader = { 0 };
	struct error error = { 0 };
	pthread_t thread;
	reader.subscribing = inproc_topics_subscribe_open(address, 1 << 20, LONGEST, &events, &reader, &error);
	inproc_deliver();
	busy = &relay;
	first_deliverer = pthread_self();
	publish(relay.publishing, 0, NULL);
	pthread_create(&thread, NULL, publish_until_done, &relay);
	inproc_deliver();
	ck_assert_int_gt(by_first, 0);
	relay.done = true;
	pthread_join(thread, NULL);
	ck_assert_int_eq(reader.overlaps, 0);
	inproc_topics_subscribe_close(reader.subscribing);
	inproc_topics_publish_close(relay.publishing);
}
END_TEST

enum { THREADS = 4, EACH = 1000 };

static void *publish_each(void *context)
{
	struct relay *relay = context;
	for (int i = 0; i < EACH; i++) {
		pthread_mutex_lock(&relay->lock);
		publish(relay->publishing, ++relay->number, message_bytes("x", 1));
		pthread_mutex_unlock(&relay->lock);
		inproc_deliver();
	}
	return NULL;
}

/* Four threads send and deliver for each other: nothing is missing, out of order, or delivered by two at once. */
START_TEST(order_is_kept_whoever_delivers)
{
	struct relay relay = { .publishing = open_topic(SEEN), .lock = PTHREAD_MUTEX_INITIALIZER };
	struct reader readers[3] = { 0 };
	pthread_t threads[THREADS];
	for (int i = 0; i < 3; i++)
		subscribe(&readers[i], SEEN);
	inproc_deliver();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, publish_each, &relay);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int r = 0; r < 3; r++) {
		ck_assert_int_eq(readers[r].count, THREADS * EACH);
		ck_assert_int_eq(readers[r].overlaps, 0);
		for (uint64_t i = 0; i < THREADS * EACH; i++)
			ck_assert_uint_eq(readers[r].numbers[i], i + 1);
		inproc_topics_subscribe_close(readers[r].subscribing);
	}
	inproc_topics_publish_close(relay.publishing);
}
END_TEST

/* Subscribers come and go while others publish: after a close no event comes, whoever was delivering. */
static void *come_and_go(void *context)
{
	(void)context;
	for (int i = 0; i < 300; i++) {
		struct reader *reader = memory_new(sizeof *reader);
		subscribe(reader, 4);
		inproc_deliver();
		inproc_topics_subscribe_close(reader->subscribing);
		free(reader);
	}
	return NULL;
}

START_TEST(subscribers_leave_while_others_publish)
{
	struct relay relay = { .publishing = open_topic(4), .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t publishers[2], readers[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&publishers[i], NULL, publish_until_done, &relay);
	for (int i = 0; i < 2; i++)
		pthread_create(&readers[i], NULL, come_and_go, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	relay.done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(publishers[i], NULL);
	inproc_topics_publish_close(relay.publishing);
	ck_assert_int_eq(joined, 600);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inproc_topics");
	TCase *all = tcase_create("all");
	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, every_subscriber_gets_the_same_body_in_order);
	tcase_add_test(all, connects_when_somebody_publishes_and_again);
	tcase_add_test(all, says_what_could_not_be_opened);
	tcase_add_test(all, topics_and_calls_have_names_of_their_own);
	tcase_add_test(all, what_is_too_long_ends_the_connection);
	tcase_add_test(all, a_slow_subscriber_costs_the_oldest);
	tcase_add_test(all, nobody_delivers_for_the_others_for_ever);
	tcase_add_test(all, order_is_kept_whoever_delivers);
	tcase_add_test(all, subscribers_leave_while_others_publish);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
