/* SPDX-License-Identifier: MIT */
/* PUB and SUB as transport.h promises them. Every test is a process of its own that uses nng; the runner never does. */
#include "link/nng_topics.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>

#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "link/message.h"
#include "link_transport.h"

static char *folder, *address;

/* What came, in order; waited for, never slept for. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	LIST(struct frame) frames;
	int joined, left, downs, malformed;
	char why[100];
} seen;

static void setup(void)
{
	char *cleanup_free pattern = memory_format("%s/topics.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	folder = memory_copy_text(mkdtemp(pattern));
	ck_assert_ptr_nonnull(folder);
	address = transport_address(folder, "1");
	pthread_mutex_init(&seen.lock, NULL);
	pthread_cond_init(&seen.changed, NULL);
}

static void teardown(void)
{
	for (size_t i = 0; i < seen.frames.count; i++)
		seen.frames.at[i].transport->frame_drop(&seen.frames.at[i]);
	list_release(&seen.frames);
	char *cleanup_free path = memory_format("%s/1", folder);
	unlink(path);
	rmdir(folder);
	free(folder);
	free(address);
}

static void note(int *counter)
{
	pthread_mutex_lock(&seen.lock);
	(*counter)++;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void await(const int *counter, int least)
{
	pthread_mutex_lock(&seen.lock);
	while (*counter < least)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
}

static void await_frames(size_t least)
{
	pthread_mutex_lock(&seen.lock);
	while (seen.frames.count < least)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
}

static void on_joined(void *context, bool added)
{
	(void)context;
	note(added ? &seen.joined : &seen.left);
}

static void on_message(void *context, struct frame *frame)
{
	(void)context;
	pthread_mutex_lock(&seen.lock);
	*list_add(&seen.frames) = *frame;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void on_down(void *context)
{
	(void)context;
	note(&seen.downs);
}

static void on_malformed(void *context, const char *why)
{
	(void)context;
	snprintf(seen.why, sizeof seen.why, "%s", why);
	note(&seen.malformed);
}

static const struct subscribing_events events = { .message = on_message, .down = on_down, .malformed = on_malformed };

static void publish(struct publishing *publishing, uint64_t number, lpad_message *message)
{
	struct frame frame = { .wire = { .kind = WIRE_PUBLISH, .role = WIRE_MEMBER, .number = number }, .message = message };
	nng_topics_publish(publishing, &frame);
}

static struct publishing *open_topic(int buffer)
{
	struct error error = { 0 };
	char *bound = NULL;
	struct publishing *publishing = nng_topics_publish_open(address, buffer, on_joined, NULL, &bound, &error);
	if (publishing)
		ck_assert_str_eq(bound, address);
	free(bound);
	return publishing;
}

START_TEST(carries_messages_in_order)
{
	enum { COUNT = 2000 };
	struct error error = { 0 };
	struct publishing *publishing = open_topic(4096);
	ck_assert_msg(publishing, "%s", error.text);
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 4096, 1000, &events, NULL, &error);
	ck_assert_msg(subscribing, "%s", error.text);
	await(&seen.joined, 1);
	for (uint64_t i = 0; i < COUNT; i++)
		publish(publishing, i, message_bytes(&i, sizeof i));
	await_frames(COUNT);
	for (uint64_t i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(seen.frames.at[i].wire.number, i);
		ck_assert_uint_eq(seen.frames.at[i].wire.size, sizeof i);
		const void *body = seen.frames.at[i].transport->frame_body(&seen.frames.at[i]);
		ck_assert_int_eq(memcmp(body, &i, sizeof i), 0);
	}
	nng_topics_subscribe_close(subscribing);
	nng_topics_publish_close(publishing);
}
END_TEST

START_TEST(hands_a_body_over_aligned_and_named)
{
	struct error error = { 0 };
	struct publishing *publishing = open_topic(16);
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 16, 1 << 20, &events, NULL, &error);
	await(&seen.joined, 1);
	publish(publishing, 1, message_json("[1, 2, 3]"));
	publish(publishing, 2, NULL);
	await_frames(2);
	struct frame frame = seen.frames.at[0];
	lpad_message *message = frame.transport->frame_take(&frame, "sensor/3", &error);
	ck_assert_msg(message, "%s", error.text);
	ck_assert_str_eq(message_json_text(message), "[1, 2, 3]");
	ck_assert_str_eq(message_sender(message), "sensor/3");
	ck_assert_uint_eq((uintptr_t)message_content(message) % 64, 0);
	message_free(message);
	ck_assert_uint_eq(seen.frames.at[1].wire.size, 0);
	ck_assert_uint_eq(seen.frames.at[1].wire.content, 0);
	seen.frames.at[0] = seen.frames.at[--seen.frames.count];
	nng_topics_subscribe_close(subscribing);
	await(&seen.left, 1);
	nng_topics_publish_close(publishing);
}
END_TEST

/* Dialling before anyone listens is no error; the connection comes later, and again after it was lost. */
START_TEST(connects_when_somebody_listens_and_again)
{
	struct error error = { 0 };
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 16, 1000, &events, NULL, &error);
	ck_assert_msg(subscribing, "%s", error.text);
	for (int round = 1; round <= 2; round++) {
		struct publishing *publishing = open_topic(16);
		ck_assert_msg(publishing, "%s", error.text);
		await(&seen.joined, round);
		publish(publishing, (uint64_t)round, NULL);
		await_frames((size_t)round);
		nng_topics_publish_close(publishing);
		await(&seen.downs, round);
	}
	nng_topics_subscribe_close(subscribing);
}
END_TEST

START_TEST(listens_for_its_owner_alone)
{
	struct stat status;
	if (!transport_is("ipc"))
		transport_skip("a socket file");
	struct publishing *publishing = open_topic(16);
	ck_assert_int_eq(stat(address + strlen("ipc://"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	nng_topics_publish_close(publishing);
}
END_TEST

/* A port that was left open is found when it listens, and told. */
START_TEST(finds_a_port)
{
	struct error error = { 0 };
	char *bound = NULL, *other = NULL;
	struct publishing *first = nng_topics_publish_open("tcp://127.0.0.1:0", 16, on_joined, NULL, &bound, &error);
	ck_assert_msg(first, "%s", error.text);
	struct publishing *second = nng_topics_publish_open("tcp://127.0.0.1:0", 16, on_joined, NULL, &other, &error);
	ck_assert_msg(second, "%s", error.text);
	ck_assert_msg(text_starts(bound, "tcp://127.0.0.1:"), "%s", bound);
	ck_assert_str_ne(bound, "tcp://127.0.0.1:0");
	ck_assert_str_ne(bound, other);
	ck_assert_ptr_null(nng_topics_publish_open(bound, 16, on_joined, NULL, &other, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "Address in use"));
	struct subscribing *subscribing = nng_topics_subscribe_open(bound, 16, 1000, &events, NULL, &error);
	await(&seen.joined, 1);
	publish(first, 1, NULL);
	await_frames(1);
	nng_topics_subscribe_close(subscribing);
	nng_topics_publish_close(first);
	nng_topics_publish_close(second);
	free(bound);
	free(other);
}
END_TEST

START_TEST(says_what_could_not_be_opened)
{
	struct error error = { 0 };
	char *bound = NULL;
	ck_assert_ptr_null(nng_topics_publish_open("ipc:///does/not/exist/1", 16, on_joined, NULL, &bound, &error));
	ck_assert_ptr_null(bound);
	ck_assert_ptr_nonnull(strstr(error.text, "cannot listen on ipc:///does/not/exist/1: "));
	ck_assert_ptr_null(nng_topics_subscribe_open("carrier-pigeon://x", 16, 1000, &events, NULL, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "cannot connect to carrier-pigeon://x: "));
}
END_TEST

static void on_rogue_joined(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	(void)pipe;
	(void)event;
	on_joined(context, true);
}

START_TEST(tells_of_what_is_none_of_ours)
{
	struct error error = { 0 };
	nng_socket rogue;
	char header[WIRE_SIZE] = "LPAD";
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 16, 1000, &events, NULL, &error);
	ck_assert_int_eq(nng_pub0_open(&rogue), 0);
	ck_assert_int_eq(nng_pipe_notify(rogue, NNG_PIPE_EV_ADD_POST, on_rogue_joined, NULL), 0);
	ck_assert_int_eq(nng_listen(rogue, address, NULL, 0), 0);
	await(&seen.joined, 1);
	ck_assert_int_eq(nng_send(rogue, header, 3, 0), 0);
	await(&seen.malformed, 1);
	ck_assert_str_eq(seen.why, "shorter than a header");
	ck_assert_int_eq(nng_send(rogue, header, WIRE_SIZE, 0), 0);
	await(&seen.malformed, 2);
	ck_assert_str_eq(seen.why, "another version of the wire format");
	ck_assert_uint_eq(seen.frames.count, 0);
	nng_close(rogue);
	nng_topics_subscribe_close(subscribing);
}
END_TEST

/* nng ends a connection that announces more than `longest`: nothing is allocated, and the next message comes again. */
START_TEST(refuses_what_is_too_long)
{
	struct error error = { 0 };
	struct publishing *publishing = open_topic(16);
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 16, 100, &events, NULL, &error);
	await(&seen.joined, 1);
	publish(publishing, 1, message_bytes(NULL, 100));
	publish(publishing, 2, message_bytes(NULL, 101));
	await(&seen.joined, 2);
	publish(publishing, 3, message_bytes(NULL, 100));
	await_frames(2);
	ck_assert_uint_eq(seen.frames.at[0].wire.number, 1);
	ck_assert_uint_eq(seen.frames.at[1].wire.number, 3);
	await(&seen.downs, 1);
	nng_topics_subscribe_close(subscribing);
	nng_topics_publish_close(publishing);
}
END_TEST

/* The oldest goes when a subscriber's buffer is full, never the newest, and publishing does not wait for anybody. */
START_TEST(never_waits_for_a_subscriber)
{
	struct error error = { 0 };
	struct publishing *publishing = open_topic(8);
	struct subscribing *subscribing = nng_topics_subscribe_open(address, 8, 1 << 20, &events, NULL, &error);
	await(&seen.joined, 1);
	pthread_mutex_lock(&seen.lock);         /* holds up nng's receiving thread in on_message */
	for (uint64_t i = 1; i <= 200; i++)
		publish(publishing, i, message_bytes(NULL, 64 << 10));
	pthread_mutex_unlock(&seen.lock);
	pthread_mutex_lock(&seen.lock);
	while (!seen.frames.count || seen.frames.at[seen.frames.count - 1].wire.number < 200)
		pthread_cond_wait(&seen.changed, &seen.lock);
	ck_assert_uint_lt(seen.frames.count, 200);
	pthread_mutex_unlock(&seen.lock);
	nng_topics_subscribe_close(subscribing);
	nng_topics_publish_close(publishing);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nng_topics");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, carries_messages_in_order);
	tcase_add_test(all, hands_a_body_over_aligned_and_named);
	tcase_add_test(all, connects_when_somebody_listens_and_again);
	tcase_add_test(all, listens_for_its_owner_alone);
	tcase_add_test(all, finds_a_port);
	tcase_add_test(all, says_what_could_not_be_opened);
	tcase_add_test(all, tells_of_what_is_none_of_ours);
	tcase_add_test(all, refuses_what_is_too_long);
	tcase_add_test(all, never_waits_for_a_subscriber);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
