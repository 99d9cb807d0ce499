/* SPDX-License-Identifier: MIT */
/* Links over tcp whose ports are found when they listen: nobody knows an address before, and neighbours hear of it by link_peer_up. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "base/text.h"
#include "link/link.h"
#include "link/message.h"

enum { TOKEN = 5 };
static const char *const any_port = "tcp://127.0.0.1:0";
static const lpad_deadline never = { INT64_MAX };
static sem_t wired;

static void nothing(void *context)
{
	(void)context;
}

static void on_wired(void *context)
{
	(void)context;
	sem_post(&wired);
}

static void on_note(void *context, const char *text)
{
	(void)context;
	ck_abort_msg("note: %s", text);
}

static struct link *open_link(const struct link_spec *spec)
{
	static const struct link_hooks hooks = { .wired = on_wired, .drained = nothing, .wake = nothing, .note = on_note };
	struct error error = { 0 };
	struct link *link = link_new(spec, &hooks, &error);
	ck_assert_msg(link, "%s", error.text);
	ck_assert_msg(!link_bind(link, &error), "%s", error.text);
	return link;
}

static void connect_link(struct link *link)
{
	struct error error = { 0 };
	ck_assert_msg(!link_connect(link, &error), "%s", error.text);
}

static struct link *open_server(void)
{
	static const struct method_link echo = { .name = "echo" };
	struct peer_spec client = { .node = "client", .group = 1, .incarnation = 1 };
	struct subscriber_link subscriber = { .peer = client, .port = "in", .keep = 16 };
	struct topic_link topic = { .name = "value", .bodies = { &any_port, 1 }, .buffer = 64, .subscribers = &subscriber,
		.count = 1 };
	return open_link(&(struct link_spec){ .self = { .node = "server", .incarnation = 1 }, .serve = { &any_port, 1 },
		.token = TOKEN, .longest = 1 << 20, .callers = &client, .caller_count = 1, .methods = &echo, .method_count = 1,
		.topics = &topic, .topic_count = 1 });
}

static struct link *open_client(void)
{
	const struct peer_spec server = { .node = "server", .incarnation = 1 };
	const struct publisher_link publisher = { .peer = server, .topic = "value", .buffer = 64, .keep = 16 };
	const struct handle_link handle = { .name = "server", .place = -1, .deadline_ns = -1, .servers = &server, .count = 1 };
	const struct subscription_link in = { .name = "in", .publishers = &publisher, .count = 1 };
	return open_link(&(struct link_spec){ .self = { .node = "client", .group = 1, .incarnation = 1 }, .token = TOKEN,
		.longest = 1 << 20, .handles = &handle, .handle_count = 1, .subscriptions = &in, .subscription_count = 1 });
}

/* What the supervisor does with it. */
static void introduce(struct link *client, const struct link *server)
{
	const struct bound_address *bound;
	struct error error = { 0 };
	ck_assert_uint_eq(link_bound(server, &bound), 2);
	struct topic_address value = { .topic = "value" };
	struct peer_up up = { .incarnation = 1, .topics = &value, .topic_count = 1 };
	for (size_t i = 0; i < 2; i++) {
		ck_assert_msg(text_starts(bound[i].address, "tcp://127.0.0.1:"), "%s", bound[i].address);
		ck_assert_str_ne(bound[i].address, any_port);
		if (bound[i].topic)
			value.address = bound[i].address;
		else
			up.serve = bound[i].address;
	}
	ck_assert_ptr_nonnull(up.serve);
	ck_assert_ptr_nonnull(value.address);
	ck_assert_msg(!link_peer_up(client, &up, &error), "%s", error.text);
}

static void *echo(void *context)
{
	struct work work;
	while (link_work_take(context, -1, &work))
		link_work_done(context, &work, call_answer(work.call, message_share(call_request(work.call))));
	return NULL;
}

START_TEST(ports_are_found_and_handed_on)
{
	struct link *server = open_server(), *client = open_client();
	lpad_message *message = NULL;
	pthread_t thread;
	sem_init(&wired, 0, 0);
	introduce(client, server);
	connect_link(server);
	connect_link(client);
	for (int i = 0; i < 2; i++)
		while (sem_wait(&wired))
			;
	link_go(server);
	link_go(client);
	pthread_create(&thread, NULL, echo, server);
	ck_assert_int_eq(handle_call(link_handle(client, "server"), 0, "echo", message_bytes("hello", 6), &message, never), 0);
	ck_assert_str_eq(message_body(message, 6), "hello");
	message_free(message);
	ck_assert_int_eq(topic_publish(link_topic(server, "value"), message_bytes("news", 5)), 0);
	ck_assert_int_eq(subscription_take(link_subscription(client, "in"), &message, never), 0);
	ck_assert_str_eq(message_body(message, 5), "news");
	ck_assert_str_eq(message_sender(message), "server");
	message_free(message);
	link_stop(server);
	link_work_close(server);
	pthread_join(thread, NULL);
	link_free(client);
	link_free(server);
	sem_destroy(&wired);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ports");
	TCase *ports = tcase_create("ports");
	tcase_set_timeout(ports, 60);
	tcase_add_test(ports, ports_are_found_and_handed_on);
	suite_add_tcase(suite, ports);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
