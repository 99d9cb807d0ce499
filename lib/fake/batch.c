/* SPDX-License-Identifier: MIT */
/* What the node declares of its calls: signatures, which hold here too, and batches, of which each call is one of its own. */
#include <stdlib.h>

#include "base/memory.h"
#include "fake/fake.h"
#include "link/conform.h"
#include "link/stack.h"

static const lpad_method *declared(const lpad_call *call)
{
	return &node_of(call->test)->methods[call->method];
}

const char *fake_caller(const lpad_call *call)
{
	return call->handle ? call->handle->servers[call->place] : call->caller ? call->caller : "test/0";
}

/* The rows of a batch with its padding. */
static size_t rows_of(const lpad_call *call)
{
	const lpad_node *node = node_of(call->test);
	int chosen = node->batch_sizes ? node->batch_sizes[call->method] : 0;
	return !declared(call)->pad ? 1 : (size_t)(chosen ? chosen : declared(call)->batch);
}

/* NULL: it fits. Caller frees. */
static char *unfit(const char *text, const lpad_message *message)
{
	struct signature signature;
	struct error error = { 0 };
	if (signature_parse(text, &signature, &error))
		fake_mistake("the signature \"%s\": %s", text, error.text);
	char *wrong = conform_wrong(&signature, message);
	signature_release(&signature);
	return wrong;
}

static char *stack(lpad_call *call)
{
	size_t joined;
	struct stack_part part = { .message = call->request, .caller = fake_caller(call) };
	lpad_message *batch = stack_join(&part, 1, rows_of(call), &joined);
	if (!batch)
		return part.wrong;
	message_free(call->request);
	call->request = batch;
	message_seal(batch);
	return NULL;
}

bool fake_open(lpad_call *call)
{
	char *wrong = unfit(declared(call)->request, call->request);
	if (wrong) {
		call->text = memory_format("%s sent %s", fake_caller(call), wrong);
		free(wrong);
	} else if (declared(call)->batch)
		call->text = stack(call);
	if (!call->text)
		return true;
	call->state = CALL_DONE;
	call->code = LPAD_EINVALID;
	return false;
}

char *fake_close(lpad_call *call, lpad_message **reply)
{
	struct error error = { 0 };
	lpad_message *row = *reply;
	if (declared(call)->batch && stack_split(*reply, 1, rows_of(call), &row, &error))
		return memory_format("answered a batch of 1 wrongly: %s", error.text);
	char *cleanup_free wrong = unfit(declared(call)->reply, row);
	if (row != *reply)
		message_free(*reply);
	*reply = row;
	return wrong ? memory_format("answered %s", wrong) : NULL;
}

bool fake_is_batch(const lpad_call *call)
{
	return declared(call)->batch > 0;
}

int fake_set_batch(lpad_node *node, const char *name, int size, double wait)
{
	const lpad_method *methods = node->methods;
	size_t place = 0;
	while (place < node->method_count && !text_equal(methods[place].name, name))
		place++;
	if (place == node->method_count)
		return fault_set(LPAD_ENOMETHOD, "there is no method \"%s\"", name ? name : "");
	if (size < 1 || size > methods[place].batch || !(wait >= 0))
		return fault_set(LPAD_EINVALID, "%s: a batch of %d is not 1 to %d, or waits a time that is none", name, size,
			methods[place].batch);
	if (!node->batch_sizes)
		node->batch_sizes = memory_array(node->method_count, sizeof *node->batch_sizes);
	node->batch_sizes[place] = size;
	return 0;
}
