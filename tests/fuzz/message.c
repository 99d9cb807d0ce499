/* SPDX-License-Identifier: MIT */
/* A body from a peer: its kind, then its bytes. What is accepted is read in every way there is. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "link/message.h"

static uint64_t sum;

static void read_bytes(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
}

static void read_tensors(const lpad_message *message)
{
	static const size_t sizes[] = { 0, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8 };
	for (int i = 0; i < message_tensor_count(message); i++) {
		lpad_tensor tensor;
		size_t count = 1;
		if (message_tensor_at(message, i, &tensor))
			abort();
		const void *data = message_view(message, tensor.name, tensor.type, tensor.rank, tensor.shape);
		if (!data)
			abort();
		for (int d = 0; d < tensor.rank; d++)
			count *= (size_t)tensor.shape[d];
		read_bytes(data, count * sizes[tensor.type]);
		message_meta(message, tensor.name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	if (!size)
		return 0;
	int kind = data[0] % 4;
	lpad_message *message = message_receive(kind, size - 1, "peer/1", 1, 1);
	if (size > 1)
		memcpy(message_room(message), data + 1, size - 1);
	message = message_accept(message, &error);
	if (!message) {
		if (!error.text[0])
			abort();
		return 0;
	}
	read_bytes(message_content(message), message_size(message));
	const char *text = message_json_text(message);
	if (text)
		sum += strlen(text);
	read_tensors(message);
	message_free(message);
	return 0;
}
