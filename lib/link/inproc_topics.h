/* SPDX-License-Identifier: MIT */
/*
 * Topics within a process: a publication is a letter to every subscriber that is connected, with a reference to the message. See
 * transport.h for what each does.
 */
#ifndef LINK_INPROC_TOPICS_H
#define LINK_INPROC_TOPICS_H

#include "link/transport.h"

struct publishing *inproc_topics_publish_open(const char *address, int buffer, void (*joined)(void *context, bool added),
	void *context, char **bound, struct error *error);
void inproc_topics_publish(struct publishing *publishing, struct frame *frame);
void inproc_topics_publish_close(struct publishing *publishing);

struct subscribing *inproc_topics_subscribe_open(const char *address, int buffer, size_t longest,
	const struct subscribing_events *events, void *context, struct error *error);
void inproc_topics_subscribe_close(struct subscribing *subscribing);
void inproc_topics_subscribe_abandon(struct subscribing *subscribing, void (*closed)(void *context), void *context);

#endif
