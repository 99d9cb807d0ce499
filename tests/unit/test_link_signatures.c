/* SPDX-License-Identifier: MIT */
/* What topics and subscriptions declare. Every test is a process of its own that uses nng; the runner never does. */
#include "link_topics.h"

static const int keeps[] = { LPAD_ALL, 10, LPAD_LATEST, WORLD_EAGER };

static int publish_vector(int64_t extent)
{
	return topic_publish(topic(0, "value"), message_tensors(1, &(lpad_tensor){ "x", LPAD_F32, 1, { extent } }));
}

static void start(struct edge *edge, const char *signature, const char *expected)
{
	world_make(&world, 2, edge, 1);
	world.signature = signature;
	world.expected = expected;
	world_start(&world);
}

START_TEST(what_a_topic_does_not_declare_is_not_published)
{
	struct edge edge = { 0, "value", 1, "in", LPAD_ALL, 8, false, false };
	start(&edge, "x f32[2]", NULL);
	ck_assert_int_eq(publish_vector(3), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "topic \"value\": published `x f32[3]` where `x f32[2]` is expected");
	ck_assert_int_eq(publish(topic(0, "value"), 1, 8), LPAD_EINVALID);
	ck_assert_int_eq(publish_vector(2), 0);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), 0);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edge);
	ck_assert_int_eq(world_count(&world.party[0], "topic", "value", "p1").published, 1);
}
END_TEST

/* The publisher declares nothing: the subscriber drops what it cannot read, and says so. */
START_TEST(what_a_subscription_does_not_expect_is_dropped)
{
	struct edge edge = { 0, "value", 1, "in", keeps[_i], 8, false, false };
	lpad_message *message;
	start(&edge, NULL, "x f32[2]");
	ck_assert_int_eq(publish_vector(3), 0);
	ck_assert_int_eq(subscription_take(subscription(1, "in"), &message, (lpad_deadline){ clock_ns() + 100000000 }), LPAD_ETIMEDOUT);
	world_await_notes(&world.party[1], 1);
	ck_assert_str_eq(world.party[1].note,
		"subscription \"in\": dropped a message: p0 sent `x f32[3]` where `x f32[2]` is expected");
	ck_assert_int_eq(publish_vector(2), 0);
	ck_assert_int_eq(subscription_take(subscription(1, "in"), &message, never), 0);
	ck_assert_ptr_nonnull(message_view(message, "x", LPAD_F32, 1, (int64_t[]){ 2 }));
	message_free(message);
	world_end_run(&world.party[0]);
	ck_assert_int_eq(take_code(subscription(1, "in"), never), LPAD_EENDED);
	world_drain(&world);
	world_assert_agreed(&world, &edge);
	struct port_counters come = world_count(&world.party[1], "subscription", "in", "p0");
	ck_assert(come.published == 2 && come.received == 1 && come.dropped == 1 && come.errors == 1);
}
END_TEST

START_TEST(callbacks_never_see_it)
{
	struct edge edge = { 0, "value", 1, "in", LPAD_ALL, 8, true, false };
	struct work work;
	start(&edge, NULL, "x f32[2]");
	for (int64_t extent = 1; extent < 5; extent++)
		ck_assert_int_eq(publish_vector(extent), 0);
	ck_assert(link_work_take(world.party[1].link, -1, &work));
	ck_assert_ptr_nonnull(message_view(work.message, "x", LPAD_F32, 1, (int64_t[]){ 2 }));
	link_work_done(world.party[1].link, &work, 0);
	link_work_close(world.party[1].link);
	world_end_run(&world.party[0]);
	while (link_work_take(world.party[1].link, -1, &work))
		ck_abort_msg("a message that was not expected");
	while (subscription_publishers(subscription(1, "in")))
		sched_yield();
	while (link_work_take(world.party[1].link, -1, &work))
		ck_abort_msg("a message that was not expected");
	world_drain(&world);
	world_assert_agreed(&world, &edge);
	ck_assert_int_eq(world_count(&world.party[1], "subscription", "in", "p0").dropped, 3);
}
END_TEST

START_TEST(malformed_signatures_make_no_link)
{
	static const struct topic_link topics = { .name = "value", .signature = "x f32[" };
	static const struct subscription_link subscriptions = { .name = "in", .signature = "x f99" };
	const struct link_spec bad_topic = { .self = { .node = "p0" }, .topics = &topics, .topic_count = 1 };
	const struct link_spec bad_subscription = { .self = { .node = "p0" }, .subscriptions = &subscriptions,
		.subscription_count = 1 };
	struct link_hooks hooks = { .wired = world_wired };
	struct error error = { 0 };
	ck_assert_ptr_null(link_new(&bad_topic, &hooks, &error));
	ck_assert_msg(!strncmp(error.text, "topic \"value\": signature: ", 26), "%s", error.text);
	ck_assert_ptr_null(link_new(&bad_subscription, &hooks, &error));
	ck_assert_msg(!strncmp(error.text, "subscription \"in\": signature: ", 30), "%s", error.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_signatures");
	TCase *cases = tcase_create("signatures");
	suite_add_tcase(suite, cases);
	tcase_add_checked_fixture(cases, NULL, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, what_a_topic_does_not_declare_is_not_published);
	tcase_add_loop_test(cases, what_a_subscription_does_not_expect_is_dropped, 0, (int)COUNT(keeps));
	tcase_add_test(cases, callbacks_never_see_it);
	tcase_add_test(cases, malformed_signatures_make_no_link);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
