/* SPDX-License-Identifier: MIT */
/* Lines of the control channel, as both ends take them apart: the node its document, the supervisor a node's counters. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "base/channel.h"
#include "base/memory.h"
#include "node/document.h"

static const lpad_implementation *an_implementation(void)
{
	static const lpad_method methods[] = { { .name = "get" }, { .name = "put" }, { .name = NULL } };
	static const lpad_topic_decl topics[] = { { .name = "reading" }, { .name = NULL } };
	static const lpad_subscription_decl subscriptions[] = { { .name = "value", .keep = LPAD_ALL }, { .name = NULL } };
	static const lpad_handle_decl handles[] = { { .name = "peers", .many = LPAD_MANY }, { .name = NULL } };
	static const lpad_implementation implementation = { .name = "x", .state = 8, .handles = handles, .methods = methods,
		.topics = topics, .subscriptions = subscriptions };
	return &implementation;
}

static void take_document(json_t *line)
{
	struct node_document document;
	struct error error = { 0 };
	if (document_read(line, &document, &error)) {
		if (!error.text[0])
			abort();
		return;
	}
	for (size_t i = 0; i < document.count; i++) {
		struct edges edges;
		if (!edges_read(&document, &document.nodes[i], an_implementation(), &edges, &error))
			edges_release(&edges);
	}
	document_release(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel channel;
	struct error error = { 0 };
	json_t *line;
	int got;
	channel_init(&channel, -1);
	channel.longest = 1 << 16;
	text_add_span(&channel.in, (const char *)data, size);
	while ((got = channel_next(&channel, &line, &error))) {
		if (got < 0)
			continue;               /* the line was skipped */
		char *again = json_dumps(line, JSON_COMPACT | JSON_ENCODE_ANY);
		if (!again)
			abort();
		free(again);
		take_document(line);
	}
	channel_close(&channel);
	return 0;
}
