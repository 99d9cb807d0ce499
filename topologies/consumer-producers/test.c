/* SPDX-License-Identifier: MIT */
/*
 * The consumer and the producer by themselves, without a launch:
 *     cc test.c consumer_producers.c $(pkg-config --cflags --libs lpad-test) -o test && ./test
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <lpad/test.h>

static void a_producer_returns_its_argument(void)
{
	lpad_test *test = lpad_test_new("producer");
	lpad_message *reply;
	int64_t number = 42;
	assert(!lpad_test_start(test));
	assert(!lpad_test_ask(test, "work", lpad_bytes(&number, sizeof number), &reply));
	assert(*(const int64_t *)lpad_body(reply, sizeof number) == 42);
	lpad_free(reply);
	lpad_test_free(test);
}

/* All of a round are asked before the first answer is waited for. */
static void a_consumer_asks_all_ten_times(void)
{
	lpad_test *test = lpad_test_new("consumer");
	int rounds = 0;
	lpad_test_connect(test, "producers", 3);
	assert(!lpad_test_start(test));
	while (lpad_test_step(test) == LPAD_TEST_REPLY) {
		assert(lpad_test_calls(test) == 3);
		for (int place = 2; place >= 0; place--) {
			assert(lpad_test_call_place(test, place) == place);
			lpad_test_answer(test, place, lpad_share(lpad_test_call_request(test, place)));
		}
		rounds++;
	}
	assert(rounds == 10);
	assert(lpad_test_result(test) == 0);
	lpad_test_free(test);
}

static void a_lost_producer_fails_the_consumer(void)
{
	lpad_test *test = lpad_test_new("consumer");
	lpad_test_connect(test, "producers", 2);
	assert(!lpad_test_start(test));
	assert(lpad_test_step(test) == LPAD_TEST_REPLY);
	lpad_test_up(test, "producers", 0, 0);
	lpad_test_answer(test, 0, lpad_share(lpad_test_call_request(test, 0)));
	assert(lpad_test_step(test) == LPAD_TEST_ENDED);
	assert(lpad_test_result(test) == LPAD_ELOST);
	lpad_test_free(test);
}

static void a_step_is_one_round(void)
{
	lpad_test *test = lpad_test_new("consumer");
	lpad_message *reply;
	lpad_test_connect(test, "producers", 2);
	assert(!lpad_test_start(test));
	int call = lpad_test_send(test, "step", NULL);
	for (int place = 1; place >= 0; place--)
		lpad_test_answer(test, place, lpad_share(lpad_test_call_request(test, place)));
	assert(!lpad_test_reply(test, call, &reply));
	assert(!strcmp(lpad_json_text(reply), "[0, 1]"));
	lpad_free(reply);
	lpad_test_free(test);
}

int main(void)
{
	a_producer_returns_its_argument();
	a_consumer_asks_all_ten_times();
	a_lost_producer_fails_the_consumer();
	a_step_is_one_round();
	puts("4 tests passed");
	return 0;
}
