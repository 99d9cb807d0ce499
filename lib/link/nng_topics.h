/* SPDX-License-Identifier: MIT */
/*
 * The PUB/SUB half of the nng transport: one PUB socket per topic, one SUB socket per subscription and publisher. See
 * transport.h for what each does.
 *
 * pub0 never blocks and never waits: it hands a reference to every connection and throws the oldest away where `buffer` is full.
 * sub0 hands each message to the receive that is always posted; the event runs on nng's thread before the next one is read.
 */
#ifndef LINK_NNG_TOPICS_H
#define LINK_NNG_TOPICS_H

#include "link/transport.h"

struct publishing *nng_topics_publish_open(const char *address, int buffer, void (*joined)(void *context, bool added),
	void *context, char **bound, struct error *error);
void nng_topics_publish(struct publishing *publishing, struct frame *frame);
void nng_topics_publish_close(struct publishing *publishing);

struct subscribing *nng_topics_subscribe_open(const char *address, int buffer, size_t longest,
	const struct subscribing_events *events, void *context, struct error *error);
void nng_topics_subscribe_close(struct subscribing *subscribing);
void nng_topics_subscribe_abandon(struct subscribing *subscribing, void (*closed)(void *context), void *context);

#endif
