/* SPDX-License-Identifier: MIT */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <lpad/test.h>

static lpad_message *number(int64_t value)
{
	return lpad_bytes(&value, sizeof value);
}

/* Connected, and its parameters as they are given; NULL: their defaults. */
static lpad_test *fresh(const char *most)
{
	lpad_test *test = lpad_test_new("studied");
	if (most)
		lpad_test_param(test, "most", most);
	lpad_test_replica(test, 1, 3);
	lpad_test_connect(test, "store", 1);
	lpad_test_connect(test, "group", 0);
	lpad_test_connect(test, "in", 2);
	lpad_test_connect(test, "heard", 1);
	return test;
}

static lpad_test *started(void)
{
	lpad_test *test = fresh(NULL);
	assert(!lpad_test_start(test));
	return test;
}

static void parameters(void)
{
	lpad_test *test = fresh("3");
	lpad_test_param(test, "names", "[a, b, c]");
	assert(!lpad_test_start(test));
	assert(!strcmp(lpad_test_log(test), "node/1 keeps 3, knows 3 names\n"));
	assert(lpad_index(lpad_test_node(test)) == 1 && lpad_replicas(lpad_test_node(test)) == 3);
	lpad_test_free(test);
}

static void refused_at_the_start(void)
{
	static const struct {
		const char *name, *value, *said;
	} rows[] = {
		{ "most", "8", "at most 7 can be kept, not 8" },
		{ "most", "1000", "100" },
		{ "most", "many", "whole number" },
		{ "mots", "1", "most" },
		{ "wait", "5", "unit" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lpad_test *test = fresh(NULL);
		lpad_test_param(test, rows[i].name, rows[i].value);
		assert(lpad_test_start(test) == LPAD_EINVALID);
		if (!strstr(lpad_error(), rows[i].said))
			fprintf(stderr, "%s: %s\n", rows[i].value, lpad_error());
		assert(strstr(lpad_error(), rows[i].said));
		lpad_test_free(test);
	}
	lpad_test *open = lpad_test_new("studied");
	assert(lpad_test_start(open) == LPAD_EINVALID && strstr(lpad_error(), "store"));
	lpad_test_free(open);
}

static void kept_calls(void)
{
	lpad_test *test = started();
	lpad_message *reply;
	int first = lpad_test_send(test, "keep", NULL), second = lpad_test_send(test, "keep", NULL);
	assert(lpad_test_reply(test, first, &reply) == LPAD_LATER);
	assert(lpad_test_ask(test, "keep", NULL, NULL) == LPAD_EBUSY && strstr(lpad_error(), "2 are kept"));
	assert(!strcmp(lpad_test_held(test, second), "waits for let_go"));
	assert(!strcmp(lpad_test_status(test, "kept"), "2 of 2") && !strcmp(lpad_test_status(test, "other"), ""));
	lpad_test_cancel(test, second);
	assert(!lpad_test_ask(test, "let_go", number(7), NULL));
	assert(!lpad_test_reply(test, first, &reply) && *(const int64_t *)lpad_body(reply, 8) == 7);
	lpad_free(reply);
	assert(lpad_test_ask(test, "forgets", NULL, NULL) == LPAD_EFAILED && strstr(lpad_error(), "LPAD_LATER"));
	lpad_test_free(test);
}

static void callbacks_that_call(void)
{
	lpad_test *test = started();
	lpad_message *reply;
	int call = lpad_test_send(test, "fetch", NULL);
	assert(lpad_test_reply(test, call, NULL) == LPAD_LATER && lpad_test_calls(test) == 1);
	assert(!strcmp(lpad_test_call_handle(test, 0), "store") && !strcmp(lpad_test_call_method(test, 0), "get"));
	lpad_test_answer(test, 0, number(5));
	assert(!lpad_test_reply(test, call, &reply) && *(const int64_t *)lpad_body(reply, 8) == 5);
	lpad_free(reply);
	call = lpad_test_send(test, "fetch", NULL);
	lpad_test_advance(1.9);
	assert(lpad_test_reply(test, call, NULL) == LPAD_LATER);
	lpad_test_advance(0.2);
	lpad_test_step(test);
	assert(lpad_test_reply(test, call, NULL) == LPAD_ETIMEDOUT && !lpad_test_calls(test));
	call = lpad_test_send(test, "fetch", NULL);
	lpad_test_fail(test, 0, LPAD_EBUSY, "full");
	assert(lpad_test_reply(test, call, NULL) == LPAD_EBUSY && !strcmp(lpad_error(), "full"));
	assert(!lpad_test_ask(test, "put_later", number(1), NULL) && lpad_test_calls(test) == 1);
	lpad_test_answer(test, 0, NULL);
	assert(lpad_test_calls(test) == 0);
	lpad_test_free(test);
}

static void run_step_by_step(void)
{
	lpad_test *test = lpad_test_new("studied");
	lpad_test_connect(test, "store", 1);
	lpad_test_connect(test, "group", 0);
	lpad_test_connect(test, "in", 1);
	assert(!lpad_test_start(test));
	lpad_test_up(test, "store", 0, 0);
	assert(lpad_test_step(test) == LPAD_TEST_SERVER);
	lpad_test_up(test, "store", 0, 2);
	assert(lpad_test_step(test) == LPAD_TEST_MESSAGE && strstr(lpad_test_log(test), "store 2\n"));
	for (int i = 0; i < 3; i++)     /* the queue holds two */
		lpad_test_feed(test, "in", lpad_bytes(NULL, (size_t)i + 1));
	assert(lpad_test_step(test) == LPAD_TEST_MESSAGE);
	assert(!strstr(lpad_test_log(test), "took 1 ") && strstr(lpad_test_log(test), "took 2 bytes\ntook 3 bytes\n"));
	lpad_test_feed_end(test, "in");
	assert(lpad_test_step(test) == LPAD_TEST_CALL);
	int good = lpad_test_send(test, "tasks", number(9)), bad = lpad_test_send(test, "tasks", NULL);
	assert(lpad_test_reply(test, good, NULL) == LPAD_LATER);
	assert(lpad_test_step(test) == LPAD_TEST_CALL);
	assert(!lpad_test_reply(test, good, NULL) && lpad_test_reply(test, bad, NULL) == LPAD_EINVALID);
	int64_t step;
	assert(lpad_test_reports(test, "task") == 1 && lpad_test_report(test, "task", 0, &step) == 9 && step == 9);
	assert(lpad_test_published(test, "out") == 1 && lpad_size(lpad_test_publication(test, "out", 0)) == 8);
	lpad_test_advance(11);
	assert(lpad_test_step(test) == LPAD_TEST_STOP && lpad_test_restarts(test) == 1);
	int code;
	const char *why;
	assert(lpad_test_stopped(test, &code, &why) && code == 3 && !strcmp(why, "nothing to do"));
	lpad_test_stop(test);
	assert(lpad_test_step(test) == LPAD_TEST_ENDED && lpad_test_result(test) == 0);
	assert(lpad_test_end(test) == 0 && strstr(lpad_test_log(test), "bye\n"));
	lpad_test_free(test);
}

/* As a launch would say it, each time it is asked for. */
static void a_failure_of_run_has_its_text(void)
{
	lpad_test *test = started();
	lpad_test_up(test, "store", 0, -1);
	assert(lpad_test_step(test) == LPAD_TEST_ENDED && !strcmp(lpad_error(), "store will never come back"));
	assert(lpad_test_send(test, "tasks", NULL) >= 0 && lpad_test_result(test) == LPAD_EGONE);
	assert(!strcmp(lpad_error(), "store will never come back"));
	assert(lpad_test_end(test) == LPAD_EGONE && !strcmp(lpad_error(), "store will never come back"));
	lpad_test_free(test);
}

static void a_stop_ends_every_wait(void)
{
	lpad_test *test = started();
	assert(lpad_test_step(test) == LPAD_TEST_MESSAGE);
	assert(lpad_test_end(test) == LPAD_ESTOPPED);
	lpad_test_free(test);
}

static void fed_callbacks(void)
{
	lpad_test *test = started();
	assert(!lpad_test_feed(test, "heard", number(20)) && !lpad_test_feed(test, "heard", number(22)));
	assert(lpad_test_feed(test, "heard", lpad_json("[1]")) == LPAD_EINVALID);
	lpad_test_free(test);
}

int main(void)
{
	parameters();
	refused_at_the_start();
	kept_calls();
	callbacks_that_call();
	run_step_by_step();
	a_failure_of_run_has_its_text();
	a_stop_ends_every_wait();
	fed_callbacks();
	puts("passed");
	return 0;
}
