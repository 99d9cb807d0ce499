/* SPDX-License-Identifier: MIT */
#include "node/validate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct state {
	int64_t steps;
	double rate;
	int32_t mode;
	lpad_ints list;
	lpad_handle *server, *other;
	lpad_topic *topic;
	lpad_subscription *subscription;
	lpad_inbox *inbox;
};

static int run_nothing(lpad_node *node)
{
	(void)node;
	return 0;
}

static int call_nothing(lpad_node *node, lpad_call *call)
{
	(void)node;
	(void)call;
	return 0;
}

static int on_nothing(lpad_node *node, const lpad_message *message)
{
	(void)node;
	(void)message;
	return 0;
}

static const lpad_param good_params[] = {
	LPAD_INT(struct state, steps, "1", "1..", "steps"),
	LPAD_REAL(struct state, rate, "0.5", NULL, "rate"),
	LPAD_CHOICE(struct state, mode, "slow", "fast slow", "mode"),
	LPAD_INTS(struct state, list, "[]", NULL, "list"),
	LPAD_END
};
static const lpad_handle_decl good_handles[] = {
	LPAD_HANDLE(struct state, server, LPAD_ONE, "work", "server"),
	LPAD_HANDLE(struct state, other, LPAD_MANY, NULL, "others"),
	LPAD_END
};
static const lpad_topic_decl good_topics[] = { LPAD_TOPIC(struct state, topic, "topic"), LPAD_END };
static const lpad_subscription_decl good_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct state, subscription, 10, "subscription"),
	LPAD_ON(on_nothing, LPAD_LATEST, "callback"),
	LPAD_END
};
static const lpad_method good_methods[] = {
	LPAD_METHOD(call_nothing, "callback", .threads = 2, .queue = 5, .full = LPAD_REFUSE),
	LPAD_INBOX(struct state, inbox, "inbox", .queue = 1),
	LPAD_METHOD_AS("batched", call_nothing, "many at once", .batch = 8, .batch_wait = 0.2, .batches = 2, .queue = 8,
		.request = "x f32[2]", .reply = "bytes[0]"),
	LPAD_END
};

static lpad_implementation good(void)
{
	return (lpad_implementation){ .name = "node", .state = sizeof(struct state), .params = good_params,
		.handles = good_handles, .methods = good_methods, .topics = good_topics,
		.subscriptions = good_subscriptions, .run = run_nothing };
}

static void expect(const lpad_implementation *implementation, const char *sentence)
{
	struct error error = { 0 };
	ck_assert_int_eq(implementation_validate(implementation, &error), -1);
	ck_assert_msg(strstr(error.text, sentence) != NULL, "`%s` is not in `%s`", sentence, error.text);
	ck_assert_msg(!strncmp(error.text, "implementation `", 16), "%s", error.text);
}

START_TEST(good_declarations_pass)
{
	struct error error = { 0 };
	lpad_implementation one = good();
	ck_assert_int_eq(implementation_validate(&one, &error), 0);
	ck_assert_str_eq(error.text, "");
	one = (lpad_implementation){ .name = "nothing" };
	ck_assert_int_eq(implementation_validate(&one, &error), 0);
}

START_TEST(names)
{
	static const char *const bad[] = { "", "1st", "_a", "with blank", "caf\xc3\xa9", "a.b" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		lpad_implementation one = good();
		one.name = bad[i];
		expect(&one, "its name is no proper one");
	}
	char longest[300];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	lpad_topic_decl topics[] = { { .name = longest, .into = offsetof(struct state, topic) }, LPAD_END };
	lpad_implementation one = good();
	one.topics = topics;
	expect(&one, "has no proper name");
	lpad_topic_decl as_handle[] = { LPAD_TOPIC_AS("server", struct state, topic, "t"), LPAD_END };
	one = good();
	one.topics = as_handle;
	expect(&one, "`server` is both a handle and a topic");
}

START_TEST(double_names)
{
	lpad_method methods[] = { LPAD_METHOD(call_nothing, "a"), LPAD_METHOD(call_nothing, "b"), LPAD_END };
	lpad_subscription_decl subscriptions[] = { LPAD_ON(on_nothing, 1, "a"), LPAD_ON(on_nothing, 1, "b"), LPAD_END };
	lpad_implementation one = good();
	one.methods = methods;
	expect(&one, "method `call_nothing` is declared twice");
	one = good();
	one.subscriptions = subscriptions;
	expect(&one, "subscription `on_nothing` is declared twice");
}

START_TEST(places)
{
	lpad_implementation one = good();
	one.state = offsetof(struct state, inbox);
	expect(&one, "inbox `inbox` lies beyond the state");
	one = good();
	one.state = (size_t)1 << 50;
	expect(&one, "cannot be");
	lpad_handle_decl overlapping[] = {
		{ .name = "server", .into = offsetof(struct state, rate) + 4, .many = LPAD_ONE }, LPAD_END };
	one = good();
	one.handles = overlapping;
	expect(&one, "share a member of the state");
	lpad_handle_decl beyond[] = { { .name = "server", .into = (size_t)-8, .many = LPAD_ONE }, LPAD_END };
	one = good();
	one.handles = beyond;
	expect(&one, "handle `server` lies beyond the state");
}

START_TEST(parameters)
{
	static const struct { lpad_param param; const char *sentence; } rows[] = {
		{ { .name = "x", .type = 99, .room = 8 }, "has the unknown type 99" },
		{ { .name = "x", .type = LPAD_T_INT, .room = 4 }, "is int of 8 bytes, its member has 4" },
		{ { .name = "x", .type = LPAD_T_LIST, .element = LPAD_T_BOOL, .room = 16 }, "is a list of nothing that" },
		{ { .name = "x", .type = LPAD_T_CHOICE, .room = 4 }, "is a choice of nothing" },
		{ { .name = "x", .type = LPAD_T_CHOICE, .room = 4, .range = "a b", .value = "c" },
			"has the default `c`, which is not one of a b" },
		{ { .name = "x", .type = LPAD_T_CHOICE, .room = 4, .range = "abc", .value = "ab" },
			"has the default `ab`" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lpad_param params[] = { rows[i].param, LPAD_END };
		lpad_implementation one = { .name = "node", .state = 64, .params = params };
		expect(&one, rows[i].sentence);
	}
}

START_TEST(methods)
{
	static const struct { lpad_method method; const char *sentence; } rows[] = {
		{ { .name = "m", .call = call_nothing, .threads = -1 }, "wants -1 threads" },
		{ { .name = "m", .call = call_nothing, .queue = -1 }, "negative queue" },
		{ { .name = "m", .call = call_nothing, .full = 7 }, "LPAD_WAIT or LPAD_REFUSE, not 7" },
		{ { .name = "m", .call = call_nothing, .into = 8 }, "both a callback and an inbox" },
		{ { .name = "m", .threads = 2 }, "is an inbox, which has no threads" },
		{ { .name = "m", .call = call_nothing, .batch_wait = 1 }, "is not batched: .batch says" },
		{ { .name = "m", .call = call_nothing, .pad = true }, "is not batched: .batch says" },
		{ { .name = "m", .call = call_nothing, .batch = 1 << 20 }, "wants batches of 1048576: 1 to 65536" },
		{ { .name = "m", .call = call_nothing, .batch = 4, .batch_wait = -1 }, "negative queue or batch" },
		{ { .name = "m", .call = call_nothing, .batch = 8, .queue = 7 }, "a queue of 7, which never holds a batch of 8" },
		{ { .name = "m", .batch = 8, .batches = 2 }, "is an inbox, whose run takes as many batches as it likes" },
		{ { .name = "m", .call = call_nothing, .batch = 8, .threads = 4, .batches = 2 }, "has 4 threads, but 2 at once" },
		{ { .name = "m", .call = call_nothing, .batch = 8, .request = "bytes[4]" }, "its request is tensors or json, not `bytes[4]`" },
		{ { .name = "m", .call = call_nothing, .batch = 8, .reply = "bytes" }, "its reply is tensors or json, not `bytes`" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lpad_method list[] = { rows[i].method, LPAD_END };
		lpad_implementation one = { .name = "node", .state = 64, .methods = list, .run = run_nothing };
		expect(&one, rows[i].sentence);
	}
	lpad_method inbox[] = { { .name = "m" }, LPAD_END };
	lpad_implementation one = { .name = "node", .state = 64, .methods = inbox };
	expect(&one, "but there is no run to take its calls");
}

START_TEST(subscriptions_and_handles)
{
	lpad_subscription_decl keep[] = { LPAD_ON(on_nothing, 0, "s"), LPAD_END };
	lpad_subscription_decl both[] = { { .name = "s", .on = on_nothing, .into = 8, .keep = 1 }, LPAD_END };
	lpad_subscription_decl odd[] = { LPAD_ON(on_nothing, -3, "s"), LPAD_END };
	lpad_handle_decl many[] = { { .name = "h", .many = 0 }, LPAD_END };
	lpad_implementation one = { .name = "node", .state = 64, .subscriptions = keep };
	expect(&one, "does not say what it keeps");
	one.subscriptions = odd;
	expect(&one, "does not say what it keeps");
	one.subscriptions = both;
	expect(&one, "both a callback and a member");
	lpad_handle_decl handles[] = { { .name = "one", .many = LPAD_ONE }, { .name = "all", .into = 8, .many = LPAD_MANY }, LPAD_END };
	one = (lpad_implementation){ .name = "node", .state = 64, .handles = handles, .mirrors = "one" };
	expect(&one, "it mirrors `one`, but nothing passes the calls on");
	one.forward = call_nothing;
	struct error error = { 0 };
	ck_assert_msg(!implementation_validate(&one, &error), "%s", error.text);
	one.mirrors = "all";
	expect(&one, "it mirrors `all`, which is LPAD_MANY");
	one.mirrors = "server";
	expect(&one, "it mirrors `server`, which is none of its handles");
	one.mirrors = NULL;
	expect(&one, "it has .forward, but .mirrors does not say");
	one = (lpad_implementation){ .name = "node", .state = 64, .handles = many };
	expect(&one, "does not say LPAD_ONE, LPAD_OPTIONAL or LPAD_MANY");
}

START_TEST(many_mistakes_fit_into_one_text)
{
	lpad_handle_decl handles[21] = { { .name = NULL } };
	for (int i = 0; i < 20; i++)
		handles[i] = (lpad_handle_decl){ .name = "h", .into = 0 };
	lpad_implementation one = { .name = "node", .state = 8, .handles = handles };
	expect(&one, " more");
}

/* ---- objects and maps ---- */

struct limiter {
	int64_t min_size;
	double error_buffer;
};
struct table {
	lpad_ints sizes;
	struct limiter limiter;
};
struct nested {
	lpad_map tables;
	struct limiter limiter;
};

static const lpad_param limiter_fields[] = {
	LPAD_INT(struct limiter, min_size, "1", "1..", "least"),
	LPAD_REAL(struct limiter, error_buffer, "1", NULL, "slack"),
	LPAD_END
};
static const lpad_param table_fields[] = {
	LPAD_INTS(struct table, sizes, "[]", NULL, "sizes"),
	LPAD_OBJECT(struct table, limiter, limiter_fields, "limiter"),
	LPAD_END
};

static lpad_implementation nested(const lpad_param *params)
{
	return (lpad_implementation){ .name = "node", .state = sizeof(struct nested), .params = params };
}

static void expect_nested(lpad_param row, const char *sentence)
{
	lpad_param params[] = { row, LPAD_END };
	lpad_implementation one = nested(params);
	expect(&one, sentence);
}

START_TEST(fields)
{
	struct error error = { 0 };
	lpad_param map = LPAD_MAP(struct nested, tables, struct table, table_fields, "tables");
	lpad_param object = LPAD_OBJECT(struct nested, limiter, limiter_fields, "limiter");
	lpad_param both[] = { map, object, LPAD_END };
	lpad_implementation one = nested(both);
	ck_assert_msg(!implementation_validate(&one, &error), "%s", error.text);

	lpad_param wrong = map;
	wrong.fields_size = sizeof(lpad_ints);
	expect_nested(wrong, "parameter `tables.limiter` lies beyond its object (bytes 16 to 32 of 16): "
		"are these the fields of the struct that it is?");
	wrong = object;
	wrong.fields = table_fields;
	expect_nested(wrong, "parameter `limiter.limiter` lies beyond its object");
	wrong.fields = NULL;
	expect_nested(wrong, "parameter `limiter` is an object without fields");
	wrong = map;
	wrong.fields = &table_fields[2];
	expect_nested(wrong, "parameter `tables` is a map without fields");
	wrong.fields = table_fields;
	wrong.fields_size = SIZE_MAX;
	expect_nested(wrong, "the objects of parameter `tables` cannot have 18446744073709551615 bytes");
	wrong.fields_size = sizeof(struct table);
	wrong.room = 4;
	expect_nested(wrong, "parameter `tables` is map of 24 bytes, its member has 4");
}

START_TEST(fields_within_fields)
{
	lpad_param twice[] = { limiter_fields[0], limiter_fields[0], LPAD_END };
	lpad_param overlapping[] = { limiter_fields[0], limiter_fields[1], LPAD_END };
	lpad_param choice[] = { { .name = "c", .type = LPAD_T_CHOICE, .room = 4, .range = "a b", .value = "x" }, LPAD_END };
	lpad_param table[] = { table_fields[0], table_fields[1], LPAD_END };
	lpad_param map = LPAD_MAP(struct nested, tables, struct table, table, "tables");
	table[1].fields = twice;
	expect_nested(map, "parameter `tables.limiter.min_size` is declared twice");
	overlapping[1].into = 4;
	table[1].fields = overlapping;
	expect_nested(map, "parameter `tables.limiter.min_size` and parameter `tables.limiter.error_buffer` share a member of the object");
	table[1].fields = choice;
	expect_nested(map, "parameter `tables.limiter.c` has the default `x`, which is not one of a b");
	lpad_param plain = LPAD_INTS(struct table, sizes, "[]", NULL, "sizes");
	plain.fields = limiter_fields;
	expect_nested(plain, "parameter `sizes` has fields, but is no object and no map");
}

START_TEST(signatures)
{
	lpad_method served[] = { LPAD_METHOD(call_nothing, "m", .request = "obs f32[*,4]", .reply = "a i64, a u8"), LPAD_END };
	lpad_implementation one = good();
	one.methods = served;
	expect(&one, "the reply's signature of `call_nothing` cannot be read: \"a i64, a u8\": two tensors are named `a` (at character 8)");
	served[0].reply = "json";
	served[0].request = "obs float32[3]";
	expect(&one, "the request's signature of `call_nothing` cannot be read: \"obs float32[3]\": `float32` is no type: "
		"did you mean f32? (at character 5)");
	lpad_topic_decl topics[] = { LPAD_TOPIC(struct state, topic, "t", .signature = "w f32["), LPAD_END };
	one = good();
	one.topics = topics;
	expect(&one, "the signature of `topic` cannot be read");
	lpad_subscription_decl subscriptions[] = { LPAD_ON(on_nothing, 1, "a", .signature = "w"), LPAD_END };
	one = good();
	one.subscriptions = subscriptions;
	expect(&one, "the signature of `on_nothing` cannot be read");
}

int main(void)
{
	TCase *all = tcase_create("validate");
	tcase_add_test(all, good_declarations_pass);
	tcase_add_test(all, names);
	tcase_add_test(all, double_names);
	tcase_add_test(all, places);
	tcase_add_test(all, parameters);
	tcase_add_test(all, methods);
	tcase_add_test(all, subscriptions_and_handles);
	tcase_add_test(all, many_mistakes_fit_into_one_text);
	tcase_add_test(all, fields);
	tcase_add_test(all, fields_within_fields);
	tcase_add_test(all, signatures);
	Suite *suite = suite_create("validate");
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
