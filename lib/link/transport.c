/* SPDX-License-Identifier: MIT */
#include "link/transport.h"

#include "base/text.h"
#include "link/inproc_calls.h"
#include "link/inproc_frame.h"
#include "link/inproc_topics.h"
#include "link/nng_calls.h"
#include "link/nng_frame.h"
#include "link/nng_topics.h"

const struct transport transport_nng = {
	.name = "nng",
	.answer_open = nng_calls_answer_open,
	.answer = nng_calls_answer,
	.answer_drop = nng_calls_answer_drop,
	.answer_flush = nng_calls_answer_flush,
	.answer_close = nng_calls_answer_close,
	.ask_open = nng_calls_ask_open,
	.ask = nng_calls_ask,
	.ask_close = nng_calls_ask_close,
	.ask_abandon = nng_calls_ask_abandon,
	.publish_open = nng_topics_publish_open,
	.publish = nng_topics_publish,
	.publish_close = nng_topics_publish_close,
	.subscribe_open = nng_topics_subscribe_open,
	.subscribe_close = nng_topics_subscribe_close,
	.subscribe_abandon = nng_topics_subscribe_abandon,
	.frame_make = nng_frame_make,
	.frame_take = nng_frame_take,
	.frame_body = nng_frame_body,
	.frame_drop = nng_frame_drop,
};

const struct transport transport_inproc = {
	.name = "inproc",
	.answer_open = inproc_calls_answer_open,
	.answer = inproc_calls_answer,
	.answer_drop = inproc_calls_answer_drop,
	.answer_flush = inproc_calls_answer_flush,
	.answer_close = inproc_calls_answer_close,
	.ask_open = inproc_calls_ask_open,
	.ask = inproc_calls_ask,
	.ask_close = inproc_calls_ask_close,
	.ask_abandon = inproc_calls_ask_abandon,
	.publish_open = inproc_topics_publish_open,
	.publish = inproc_topics_publish,
	.publish_close = inproc_topics_publish_close,
	.subscribe_open = inproc_topics_subscribe_open,
	.subscribe_close = inproc_topics_subscribe_close,
	.subscribe_abandon = inproc_topics_subscribe_abandon,
	.frame_make = inproc_frame_make,
	.frame_take = inproc_frame_take,
	.frame_body = inproc_frame_body,
	.frame_drop = inproc_frame_drop,
};

const struct transport *transport_for(const char *address, struct error *error)
{
	static const struct {
		const char *scheme;
		const struct transport *transport;
	} rows[] = {
		{ "ipc://", &transport_nng },
		{ "tcp://", &transport_nng },
		{ "inproc://", &transport_inproc },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (text_starts(address, rows[i].scheme))
			return rows[i].transport;
	error_set(error, "no transport speaks %s: an address begins with ipc://, tcp:// or inproc://", address);
	return NULL;
}
