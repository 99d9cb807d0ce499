/* SPDX-License-Identifier: MIT */
/*
 * The seam between what edges mean and what carries them. A transport moves frames; it knows of no session, no
 * method, no topic. Events come on the transport's own threads (of nodes in one process: on the sender's, see inproc_mail.h), never
 * inside a call to the transport but for closes: they must not block, wait, or run a node's code; they may send. A frame
 * given to an event belongs to the receiver.
 *
 * At most once: a transport never sends a request again by itself. `failed` for a request means: it may or may not have
 * arrived. Order: publications of one publisher arrive in order; requests and replies may overtake each other.
 */
#ifndef LINK_TRANSPORT_H
#define LINK_TRANSPORT_H

#include <lpad/node.h>
#include <stdbool.h>

#include "base/error.h"
#include "link/wire.h"

struct transport;

struct frame {
	struct wire wire;
	lpad_message *message;          /* outgoing: the body, one reference; NULL: none */
	void *raw;                      /* incoming, or outgoing after frame_make: the transport's buffer */
	const struct transport *transport;      /* whose buffer it is */
};

struct answering;                       /* listens for requests */
/* One received request, to be answered or dropped exactly once. Each transport's own begins with this. */
struct request {
	const struct transport *transport;
};
struct asking;                          /* a connection to one answerer */
struct question;                        /* one request under way */
struct publishing;
struct subscribing;

struct answering_events {
	void (*request)(void *context, struct request *request, struct frame *frame);   /* frame: move it out */
	void (*malformed)(void *context, const char *why);      /* a framed body that is none of ours; already dropped */
};
struct asking_events {
	void (*up)(void *context);              /* a connection stands (proves nothing about the other end) */
	void (*down)(void *context);            /* it is gone; questions under way fail by themselves */
	void (*reply)(void *context, void *token, struct frame *frame);
	void (*failed)(void *context, void *token);     /* the connection was lost: all questions under way fail, each once */
	void (*malformed)(void *context, void *token, const char *why);         /* this question's answer is none of ours */
};
struct subscribing_events {
	void (*message)(void *context, struct frame *frame);
	void (*down)(void *context);
	void (*malformed)(void *context, const char *why);
};

struct transport {
	const char *name;
	/* Opens fill `error` and return NULL. Closes wait until no event runs or will run. `bound` gets the address that was asked for, or
	   the one with the port that was found: the caller frees it. */
	struct answering *(*answer_open)(const char *address, size_t longest, const struct answering_events *events,
		void *context, char **bound, struct error *error);
	void (*answer)(struct request *request, struct frame *reply);   /* takes the frame's message; does not block */
	void (*answer_drop)(struct request *request);
	void (*answer_flush)(struct answering *answering, int64_t until_ns);   /* waits until accepted answers were handed to the kernel */
	void (*answer_close)(struct answering *answering);

	struct asking *(*ask_open)(const char *address, size_t longest, const struct asking_events *events, void *context,
		struct error *error);           /* dials in the background, again and again */
	void (*ask)(struct asking *asking, struct frame *frame, void *token);   /* takes the message; does not block */
	void (*ask_close)(struct asking *asking);       /* every question under way fails first */
	/* The same in the background, for a peer that is dead; may be called with a lock that events take. `closed` comes, on another
	   thread, when no event will come any more: until then they may, and belong to nobody. */
	void (*ask_abandon)(struct asking *asking, void (*closed)(void *context), void *context);

	/* joined: a subscriber's connection was added, or one of those that were is gone. */
	struct publishing *(*publish_open)(const char *address, int buffer, void (*joined)(void *context, bool added), void *context,
		char **bound, struct error *error);
	void (*publish)(struct publishing *publishing, struct frame *frame);    /* takes the message; one thread at a time */
	void (*publish_close)(struct publishing *publishing);

	struct subscribing *(*subscribe_open)(const char *address, int buffer, size_t longest,
		const struct subscribing_events *events, void *context, struct error *error);
	void (*subscribe_close)(struct subscribing *subscribing);
	void (*subscribe_abandon)(struct subscribing *subscribing, void (*closed)(void *context), void *context);

	/* Optional before ask and answer, off every lock: copies the body, sets size and content; the rest of the header may
	   still change. An unsent frame is then ended by frame_drop. */
	void (*frame_make)(struct frame *frame);
	/* Of an incoming frame, never on a transport's thread: the body as a message (64-byte aligned; nng: one copy), checked;
	   sender is its name. NULL and error if it is malformed. Ends the frame. */
	lpad_message *(*frame_take)(struct frame *frame, const char *sender, struct error *error);
	const void *(*frame_body)(const struct frame *frame);           /* borrowed, unaligned, wire.size bytes: for lpad's own small bodies */
	void (*frame_drop)(struct frame *frame);
};

/* For an address: "ipc://", "tcp://" -> nng; "inproc://" -> within this process. NULL and error: none speaks it. */
const struct transport *transport_for(const char *address, struct error *error);
extern const struct transport transport_nng;
extern const struct transport transport_inproc;

#endif
