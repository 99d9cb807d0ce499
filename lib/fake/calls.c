/* SPDX-License-Identifier: MIT */
/* The calls that the node makes, and who answers them: the test. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fake/fake.h"

struct lpad_handle *fake_handle(lpad_node *node, const char *name)
{
	for (size_t i = 0; i < node->handle_count; i++)
		if (!strcmp(node->handles[i].name, name))
			return &node->handles[i];
	fake_mistake("%s has no handle \"%s\" that was connected: lpad_test_connect", node->implementation->name, name);
}

void fake_finish(lpad_future *future, int code, const char *text, lpad_message *reply)
{
	future->done = true;
	future->code = code;
	future->text = memory_copy_text(text ? text : "");
	future->reply = reply;
	if (future->then)
		fake_post(node_of(future->test), (struct service_work){ .kind = SERVICE_THEN, .future = future });
}

void fake_free_future(lpad_future *future)
{
	if (future->test) {
		lpad_node *node = node_of(future->test);
		for (size_t i = 0; i < node->futures.count; i++)
			if (node->futures.at[i] == future) {
				memmove(node->futures.at + i, node->futures.at + i + 1,
					(--node->futures.count - i) * sizeof(lpad_future *));
				break;
			}
	}
	message_free(future->request);
	message_free(future->reply);
	free(future->method);
	free(future->text);
	free(future);
}

void fake_finish_with(lpad_future *future, int code)
{
	char *cleanup_free text = memory_format("%s.%s: %s", future->handle->servers[future->place], future->method,
		fault_string(code));
	fake_finish(future, code, text, NULL);
}

void fake_expire(lpad_node *node)
{
	for (size_t i = 0; i < node->futures.count; i++)
		if (!node->futures.at[i]->done && fake_now() >= node->futures.at[i]->deadline)
			fake_finish_with(node->futures.at[i], LPAD_ETIMEDOUT);
}

static lpad_future *under_way(lpad_test *test, int i)
{
	lpad_node *node = node_of(test);
	fake_expire(node);
	for (size_t at = 0; at < node->futures.count; at++)
		if (!node->futures.at[at]->done && !i--)
			return node->futures.at[at];
	return NULL;
}

static lpad_future *wanted(lpad_test *test, int i)
{
	lpad_future *future = i < 0 ? NULL : under_way(test, i);
	if (!future)
		fake_mistake("%s has no call number %d under way: it has %d", node_of(test)->name, i, lpad_test_calls(test));
	return future;
}

int lpad_test_calls(lpad_test *test)
{
	int count = 0;
	while (under_way(test, count))
		count++;
	return count;
}

const char *lpad_test_call_handle(lpad_test *test, int i)
{
	return wanted(test, i)->handle->name;
}

int lpad_test_call_place(lpad_test *test, int i)
{
	return wanted(test, i)->place;
}

const char *lpad_test_call_method(lpad_test *test, int i)
{
	return wanted(test, i)->method;
}

const lpad_message *lpad_test_call_request(lpad_test *test, int i)
{
	return wanted(test, i)->request;
}

void lpad_test_answer(lpad_test *test, int i, lpad_message *reply)
{
	lpad_future *future = wanted(test, i);
	if (message_refused(reply))
		fake_mistake("the answer to %s is no message: %s", future->method, fault_text());
	lpad_message *answer = reply ? reply : message_bytes(NULL, 0);
	message_seal(answer);
	fake_finish(future, 0, NULL, answer);
	fake_run_service(node_of(test));
}

void lpad_test_fail(lpad_test *test, int i, int code, const char *text)
{
	fake_finish(wanted(test, i), code, text, NULL);
	fake_run_service(node_of(test));
}

void lpad_test_up(lpad_test *test, const char *name, int place, int incarnation)
{
	lpad_node *node = node_of(test);
	struct lpad_handle *handle = fake_handle(node, name);
	if (place < 0 || place >= handle->count)
		fake_mistake("%s has no place %d: it has %d", name, place, handle->count);
	handle->incarnations[place] = incarnation;
	for (size_t i = 0; i < node->futures.count && incarnation <= 0; i++) {
		lpad_future *future = node->futures.at[i];
		if (future->handle == handle && future->place == place && !future->done)
			fake_finish_with(future, incarnation ? LPAD_EGONE : LPAD_ELOST);
	}
	fake_run_service(node);
}

