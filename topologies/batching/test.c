/* SPDX-License-Identifier: MIT */
/*
 * The server by itself, where each call is a batch of one, without a launch:
 *     cc test.c batching.c $(pkg-config --cflags --libs lpad-test) -o test && ./test
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <lpad/test.h>

static lpad_message *vector(int64_t extent, int64_t first)
{
	lpad_message *message = lpad_tensors(1, &(lpad_tensor){ "x", LPAD_I64, 1, { extent } });
	int64_t *x = lpad_data(message, "x");
	for (int64_t i = 0; i < extent; i++)
		x[i] = first + i;
	return message;
}

static lpad_test *server(void)
{
	lpad_test *test = lpad_test_new("server");
	lpad_test_param(test, "batch", "4");
	assert(!lpad_test_start(test));
	return test;
}

static void the_server_adds_up(void)
{
	static const int64_t expected[][2] = { { 5, 6 }, { 15, 17 } };
	lpad_test *test = server();
	for (int i = 0; i < 2; i++) {
		lpad_message *reply;
		assert(!lpad_test_ask(test, "compute", vector(2, i ? 10 : 5), &reply));
		const int64_t *sum = lpad_view(reply, "sum", LPAD_I64, 1, (int64_t[]){ 2 });
		assert(sum && !memcmp(sum, expected[i], sizeof expected[i]));
		lpad_free(reply);
	}
	lpad_test_free(test);
}

static void other_shapes_never_reach_it(void)
{
	lpad_test *test = server();
	assert(lpad_test_ask(test, "compute", vector(3, 0), NULL) == LPAD_EINVALID);
	assert(strstr(lpad_error(), "`x i64[3]` where `x i64[2]` is expected"));
	lpad_test_free(test);
}

int main(void)
{
	the_server_adds_up();
	other_shapes_never_reach_it();
	puts("2 tests passed");
	return 0;
}
