/* SPDX-License-Identifier: MIT */
/* Words that the unit tests of topics share: publish and take numbered messages in one world, here or on threads. */
#ifndef TESTS_LINK_TOPICS_H
#define TESTS_LINK_TOPICS_H

#include "link_world.h"

#define COUNT(list) (sizeof(list) / sizeof (list)[0])
enum { MIB = 1 << 20 };

static struct world world;

static inline void teardown(void)
{
	if (world.folder)
		world_free(&world);
	if (!world.killed)
		world = (struct world){ 0 };
}

static inline lpad_topic *topic(int party, const char *name)
{
	lpad_topic *found = link_topic(world.party[party].link, name);
	ck_assert_ptr_nonnull(found);
	return found;
}

static inline lpad_subscription *subscription(int party, const char *name)
{
	lpad_subscription *found = link_subscription(world.party[party].link, name);
	ck_assert_ptr_nonnull(found);
	return found;
}

#define never ((lpad_deadline){ INT64_MAX })
#define now ((lpad_deadline){ 0 })

/* A message that begins with its number. */
static inline int publish(lpad_topic *to, uint64_t number, size_t size)
{
	lpad_message *message = message_bytes(NULL, size < sizeof number ? sizeof number : size);
	memcpy(message_fill(message), &number, sizeof number);
	return topic_publish(to, message);
}

static inline uint64_t number_of(const lpad_message *message)
{
	uint64_t number;
	ck_assert_uint_ge(message_size(message), sizeof number);
	memcpy(&number, message_content(message), sizeof number);
	return number;
}

static inline uint64_t take(lpad_subscription *from)
{
	lpad_message *message = NULL;
	ck_assert_msg(!subscription_take(from, &message, never), "%s", fault_text());
	uint64_t number = number_of(message);
	message_free(message);
	return number;
}

static inline int take_code(lpad_subscription *from, lpad_deadline deadline)
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

static inline void *write_all(void *context)
{
	struct writer *writer = context;
	for (uint64_t i = 1; i <= writer->count && !writer->code; i++)
		writer->code = publish(writer->topic, i, writer->size);
	return NULL;
}

static inline void writer_start(struct writer *writer, lpad_topic *to, uint64_t count, size_t size)
{
	*writer = (struct writer){ .topic = to, .count = count, .size = size };
	ck_assert_int_eq(pthread_create(&writer->thread, NULL, write_all, writer), 0);
}

static inline int writer_join(struct writer *writer)
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

static inline void *read_all(void *context)
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

static inline void reader_start(struct reader *reader, int party, const char *port)
{
	*reader = (struct reader){ .party = &world.party[party], .port = port };
	ck_assert_int_eq(pthread_create(&reader->thread, NULL, read_all, reader), 0);
}

static inline void reader_join(struct reader *reader)
{
	pthread_join(reader->thread, NULL);
}

/* Until the topic has published so many; the publisher may be held back behind them. */
static inline void await_published(int party, const char *name, const char *peer, int64_t count)
{
	while (world_count(&world.party[party], "topic", name, peer).published < count)
		sched_yield();
}

/* Until so many have come to a subscription, taken or not. */
static inline void await_arrived(int party, const char *name, const char *peer, int64_t count)
{
	while (world_count(&world.party[party], "subscription", name, peer).published < count)
		sched_yield();
}

#endif
