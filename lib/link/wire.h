/* SPDX-License-Identifier: MIT */
/*
 * The header in front of every body on every socket: 128 bytes, little endian, the same for requests, replies and
 * topics. Documented in lpad-wire(7); offsets never change within a version, reserved bytes are zero when sent and
 * ignored when received.
 *
 *  0  4 magic "LPAD"      4  1 version 1         5  1 kind           6  1 role          7  1 content
 *  8  4 flags            12  4 code (signed)    16  4 group         20  4 index        24  4 incarnation
 * 28  4 port             32  8 token            40  8 session       48  8 number       56  8 size of the body
 * 64  8 retry id         72  8 deadline, ms     80  8 version       88  8 signature    96  4 batch    100  28 reserved
 */
#ifndef LINK_WIRE_H
#define LINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_SIZE = 128, WIRE_VERSION = 1 };

enum wire_kind {
	/* Requests on a REQ/REP socket; every one is answered by WIRE_REPLY or WIRE_ERROR. */
	WIRE_HELLO = 1,         /* caller -> server: who I am, body JSON {"node"}; starts a session, in which numbers restart at 1.
	                           `number` counts the caller's connections to this server: an older HELLO that comes late is refused.
	                           Reply: `session` is its id, to be repeated in CALL and CANCEL; body JSON {"node", "incarnation",
	                           "methods": [names in order], "idempotent": [those that are], "topics": [names in order]} */
	WIRE_CALL,              /* port = place of the method in the HELLO's list; number counts the session's calls and cancels */
	WIRE_CANCEL,            /* number: its own place in the order; version: the number of the call that is cancelled */
	WIRE_SUBSCRIBE,         /* port = topic; body: JSON {"port", "keep", "window"}, "port" being the subscription's name, which tells apart
	                           several of one node; answered at once; HELLO follows on the topic */
	WIRE_CONFIRM,           /* port = topic: the topic's HELLO arrived; number = the sequence number it carried; body {"port"} */
	WIRE_ACK,               /* port = topic: number = last sequence consumed; body {"port", "received", "dropped", "bytes"} */
	WIRE_FETCH,             /* port = topic: the newest message of a `latest`. Reply: its body; `version` = its sequence number */
	WIRE_END_ACK,           /* port = topic: END arrived, all is done with; number = last sequence; body as of ACK */
	WIRE_PROBE,             /* looks for a circle of waiting callers: body JSON, see lpad-wire(7) */
	WIRE_WHY,               /* why is the call with this number (in `version`) not answered? Reply: one sentence */
	WIRE_RESEND,            /* port = topic, of an `all`: everything from `number` on is missing here; body {"port", "longest"}. The publisher
	                           publishes it again. Reply: `version` = how many RESENDs the topic has heeded by now: what it publishes
	                           with this version or a later one was sent after that. ERROR LPAD_ETOOBIG: this one is longer than `longest` */
	/* Answers. */
	WIRE_REPLY = 32,        /* body: the method's */
	WIRE_ERROR,             /* code; body: text */
	/* On a topic's PUB socket. */
	WIRE_TOPIC_HELLO = 64,  /* number = last sequence published so far */
	WIRE_PUBLISH,           /* number = sequence, from 1; with WIRE_RETRY: once more, and who has had it ignores it. `version` of all kinds but NOTICE: as of RESEND's reply */
	WIRE_NOTICE,            /* on the topic's notice socket, for lazy subscribers: number = sequence of a message that can be fetched */
	WIRE_END                /* number = last sequence; nothing follows but repetitions after a later HELLO */
};
enum wire_role { WIRE_MEMBER = 1, WIRE_OBSERVER };
enum wire_flags {
	WIRE_IDEMPOTENT = 1,
	WIRE_RETRY = 2,
	WIRE_LEAVES = 4         /* of an ERROR: the server ends while the others go on: calls are for its next incarnation, with
	                           LPAD_ESTOPPED this one too, which has not begun or may be made twice */
};

struct wire {
	uint8_t kind, role, content;            /* content: enum lpad_kind, 0: no body */
	uint32_t flags;
	int32_t code;
	uint32_t group, index, incarnation;     /* of the sender */
	uint32_t port;
	uint64_t token, session, number, size;
	uint64_t retry;
	int64_t deadline_ms;                    /* what is left when sent; -1: none */
	uint64_t version, signature;
	uint32_t batch;
};

void wire_encode(const struct wire *wire, uint8_t out[WIRE_SIZE]);
/* false: shorter than a header, another magic or version, unknown kind, role or content, or `size` not what follows
   (`length` counts header and body). `why` gets a static sentence. */
bool wire_decode(const void *data, size_t length, struct wire *wire, const char **why);

#endif
