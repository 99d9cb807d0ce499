/* SPDX-License-Identifier: MIT */
/* The module cache, with a server that the test is, and a clock that it moves. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <lpad/test.h>

static lpad_test *start(const char *refresh, const char *entries)
{
	lpad_test *test = lpad_test_new(NULL);
	lpad_test_param(test, "methods", "[pull, peek]");
	lpad_test_param(test, "refresh", refresh);
	lpad_test_param(test, "stale_after", "10s");
	lpad_test_param(test, "entries", entries);
	lpad_test_connect(test, "server", 1);
	lpad_test_offer(test, "server", "pull", true);
	lpad_test_offer(test, "server", "peek", true);
	lpad_test_offer(test, "server", "push", false);
	int code = lpad_test_start(test);
	if (code)
		printf("start: %s\n", lpad_error());
	assert(!code);
	lpad_test_step(test);
	return test;
}

static int send(lpad_test *test, const char *method, const char *request)
{
	return lpad_test_send(test, method, lpad_bytes(request, strlen(request)));
}

/* The only call under way, which is this one, is answered. */
static void answer(lpad_test *test, const char *method, const char *request, const char *reply)
{
	const lpad_message *asked;
	assert(lpad_test_calls(test) == 1);
	asked = lpad_test_call_request(test, 0);
	assert(!strcmp(lpad_test_call_method(test, 0), method));
	assert(lpad_size(asked) == strlen(request) && !memcmp(lpad_content(asked), request, strlen(request)));
	lpad_test_answer(test, 0, lpad_bytes(reply, strlen(reply)));
	lpad_test_step(test);
}

static void expect(lpad_test *test, int call, const char *reply)
{
	lpad_message *message;
	int code = lpad_test_reply(test, call, &message);
	if (code)
		printf("expected %s, not %d: %s\n", reply, code, code < 0 ? lpad_error() : "");
	assert(!code);
	assert(lpad_size(message) == strlen(reply) && !memcmp(lpad_content(message), reply, strlen(reply)));
	lpad_free(message);
}

static void expect_error(lpad_test *test, int call, int code, const char *text)
{
	assert(lpad_test_reply(test, call, NULL) == code);
	if (!strstr(lpad_error(), text))
		printf("expected %s: %s\n", text, lpad_error());
	assert(strstr(lpad_error(), text));
}

static void expect_nothing(lpad_test *test, int call)
{
	assert(lpad_test_reply(test, call, NULL) == LPAD_LATER);
}

static void advance(lpad_test *test, double seconds)
{
	lpad_test_advance(seconds);
	lpad_test_step(test);
}

/* Its own request, its own answer. */
static void fill(lpad_test *test, const char *method, const char *request, const char *reply)
{
	int call = send(test, method, request);
	answer(test, method, request, reply);
	expect(test, call, reply);
}

static void several_callers_ask_once(void)
{
	lpad_test *test = start("0s", "64");
	int first = send(test, "pull", "a"), second = send(test, "pull", "a"), third = send(test, "pull", "a");
	assert(lpad_test_calls(test) == 1);
	expect_nothing(test, first);
	answer(test, "pull", "a", "one");
	expect(test, first, "one");
	expect(test, second, "one");
	expect(test, third, "one");
	expect(test, send(test, "pull", "a"), "one");
	assert(lpad_test_calls(test) == 0);
	advance(test, 1);
	assert(lpad_test_reports(test, "hits") == 1 && lpad_test_report(test, "hits", 0, NULL) == 1);
	assert(lpad_test_report(test, "misses", 0, NULL) == 3);
	lpad_test_free(test);
}

static void requests_are_compared_exactly(void)
{
	lpad_test *test = start("0s", "64");
	lpad_message *reply;
	fill(test, "pull", "", "nothing");
	fill(test, "pull", "1", "one");
	fill(test, "pull", "12", "twelve");
	fill(test, "peek", "1", "peeked");
	int json = lpad_test_send(test, "pull", lpad_json("1"));
	assert(lpad_test_calls(test) == 1 && lpad_kind(lpad_test_call_request(test, 0)) == LPAD_JSON);
	lpad_test_answer(test, 0, lpad_json("{\"text\": 1}"));
	lpad_test_step(test);
	for (int i = 0; i < 2; i++) {
		assert(!lpad_test_reply(test, json, &reply));
		assert(lpad_kind(reply) == LPAD_JSON && !strcmp(lpad_json_text(reply), "{\"text\": 1}"));
		lpad_free(reply);
		json = lpad_test_send(test, "pull", lpad_json("1"));
	}
	expect(test, send(test, "pull", "1"), "one");
	expect(test, send(test, "pull", ""), "nothing");
	expect(test, send(test, "pull", "12"), "twelve");
	expect(test, send(test, "peek", "1"), "peeked");
	assert(lpad_test_calls(test) == 0);
	lpad_test_free(test);
}

static void tensors_are_requests_too(void)
{
	lpad_test *test = start("0s", "64");
	lpad_tensor shapes[] = { { .name = "x", .type = LPAD_I64, .rank = 1, .shape = { 2 } },
		{ .name = "x", .type = LPAD_I64, .rank = 2, .shape = { 1, 2 } } };
	for (int i = 0; i < 2; i++) {
		assert(lpad_test_send(test, "pull", lpad_tensors(1, &shapes[i])) >= 0);
		assert(lpad_test_calls(test) == 1);
		lpad_test_answer(test, 0, lpad_bytes(&i, sizeof i));
		lpad_test_step(test);
	}
	for (int i = 0; i < 2; i++) {
		lpad_message *reply;
		assert(!lpad_test_ask(test, "pull", lpad_tensors(1, &shapes[i]), &reply));
		assert(*(const int *)lpad_body(reply, sizeof i) == i);
		lpad_free(reply);
	}
	lpad_test_free(test);
}

static void what_is_stale_is_not_given(void)
{
	lpad_test *test = start("0s", "64");
	int call = send(test, "pull", "a");
	advance(test, 4);                       /* the answer takes its time: its age counts from the question */
	answer(test, "pull", "a", "old");
	expect(test, call, "old");
	advance(test, 5.9);
	expect(test, send(test, "pull", "a"), "old");
	assert(lpad_test_calls(test) == 0);
	advance(test, 0.2);
	call = send(test, "pull", "a");
	expect_nothing(test, call);
	answer(test, "pull", "a", "new");
	expect(test, call, "new");
	expect(test, send(test, "pull", "a"), "new");
	lpad_test_free(test);
}

static void what_was_asked_for_is_refreshed(void)
{
	lpad_test *test = start("2s", "64");
	fill(test, "pull", "a", "a1");
	fill(test, "pull", "b", "b1");
	advance(test, 2);                       /* both were asked for */
	assert(lpad_test_calls(test) == 2);
	lpad_test_answer(test, 0, lpad_bytes("x2", 2));
	lpad_test_answer(test, 0, lpad_bytes("x2", 2));
	lpad_test_step(test);
	expect(test, send(test, "pull", "a"), "x2");
	advance(test, 2);                       /* only one */
	answer(test, "pull", "a", "a3");
	expect(test, send(test, "pull", "a"), "a3");
	expect(test, send(test, "pull", "b"), "x2");
	advance(test, 2);
	assert(lpad_test_calls(test) == 2);     /* while it is under way, what was known is given */
	expect(test, send(test, "pull", "a"), "a3");
	advance(test, 2);
	assert(lpad_test_calls(test) == 2);     /* and it is not asked twice */
	lpad_test_free(test);
}

static void other_methods_are_passed_on(void)
{
	lpad_test *test = start("1s", "64");
	int first = send(test, "push", "a"), second = send(test, "push", "a");
	assert(lpad_test_calls(test) == 2);
	lpad_test_answer(test, 0, lpad_bytes("done", 4));
	lpad_test_fail(test, 0, LPAD_EBUSY, "shard/0.push: too many");
	lpad_test_step(test);
	expect(test, first, "done");
	expect_error(test, second, LPAD_EBUSY, "shard/0.push: too many");
	advance(test, 1);
	assert(lpad_test_calls(test) == 0);
	lpad_test_free(test);
}

static void errors_are_not_kept(void)
{
	lpad_test *test = start("2s", "64");
	int first = send(test, "pull", "a"), second = send(test, "pull", "a");
	lpad_test_fail(test, 0, LPAD_EAGAIN, "shard/0.pull: not yet");
	lpad_test_step(test);
	expect_error(test, first, LPAD_EAGAIN, "shard/0.pull: not yet");
	expect_error(test, second, LPAD_EAGAIN, "shard/0.pull: not yet");
	fill(test, "pull", "a", "one");
	advance(test, 2);
	lpad_test_fail(test, 0, LPAD_EAGAIN, "shard/0.pull: not now");        /* of a refresh: nobody waits for it */
	lpad_test_step(test);
	expect(test, send(test, "pull", "a"), "one");
	lpad_test_free(test);
}

static void the_server_dies(void)
{
	lpad_test *test = start("0s", "64");
	fill(test, "pull", "a", "one");
	lpad_test_up(test, "server", 0, -1);
	expect(test, send(test, "pull", "a"), "one");
	expect_error(test, send(test, "peek", ""), LPAD_EGONE, "will never come back");
	expect_error(test, send(test, "push", ""), LPAD_EGONE, "will never come back");
	advance(test, 11);
	expect_error(test, send(test, "pull", "a"), LPAD_EGONE, "will never come back");
	lpad_test_free(test);
}

static void the_one_used_longest_ago_goes(void)
{
	lpad_test *test = start("0s", "2");
	fill(test, "pull", "a", "a");
	fill(test, "pull", "b", "b");
	expect(test, send(test, "pull", "a"), "a");
	fill(test, "pull", "c", "c");           /* b goes */
	expect(test, send(test, "pull", "a"), "a");
	expect(test, send(test, "pull", "c"), "c");
	fill(test, "pull", "b", "b again");
	lpad_test_free(test);
}

static void who_finds_no_room_is_passed_on(void)
{
	lpad_test *test = start("0s", "1");
	int first = send(test, "pull", "a"), second = send(test, "pull", "b");
	assert(lpad_test_calls(test) == 2);
	lpad_test_answer(test, 1, lpad_bytes("b", 1));
	lpad_test_answer(test, 0, lpad_bytes("a", 1));
	lpad_test_step(test);
	expect(test, first, "a");
	expect(test, second, "b");
	expect(test, send(test, "pull", "a"), "a");
	lpad_test_free(test);
}

static void those_who_wait_hear_of_the_stop(void)
{
	lpad_test *test = start("1s", "64");
	int pulled = send(test, "pull", "a"), pushed = send(test, "push", "a");
	lpad_test_stop(test);
	lpad_test_step(test);
	expect_error(test, pulled, LPAD_ESTOPPED, "stopping");
	expect_error(test, pushed, LPAD_ESTOPPED, "stopping");
	lpad_test_free(test);
}

static void complain(const char *methods, const char *text)
{
	lpad_test *test = lpad_test_new(NULL);
	lpad_test_param(test, "methods", methods);
	lpad_test_connect(test, "server", 1);
	lpad_test_offer(test, "server", "pull", true);
	lpad_test_offer(test, "server", "push", false);
	assert(lpad_test_start(test) < 0);
	if (!strstr(lpad_error(), text))
		printf("expected %s: %s\n", text, lpad_error());
	assert(strstr(lpad_error(), text));
	lpad_test_free(test);
}

static void check_looks_at_the_methods(void)
{
	complain("[pull, pul]", "has no method pul; it has: pull, push");
	complain("[push]", "is not idempotent");
	complain("[]", "names no method");
}

int main(void)
{
	several_callers_ask_once();
	requests_are_compared_exactly();
	tensors_are_requests_too();
	what_is_stale_is_not_given();
	what_was_asked_for_is_refreshed();
	other_methods_are_passed_on();
	errors_are_not_kept();
	the_server_dies();
	the_one_used_longest_ago_goes();
	who_finds_no_room_is_passed_on();
	those_who_wait_hear_of_the_stop();
	check_looks_at_the_methods();
	puts("passed");
	return 0;
}
