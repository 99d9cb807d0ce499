/* SPDX-License-Identifier: MIT */
/*
 * Messages: a kind and a body, counted, read-only once shared or sent. Bodies begin on a 64-byte boundary. Tensors are
 * the safetensors layout: 8-byte little-endian header length, JSON header padded with spaces so that the data begins on a
 * multiple of 64, data without holes (the format forbids them): tensors are laid out by descending element size, so that each
 * is aligned to its elements. What came from a peer or a file is checked once, in full, when it is made: after that no
 * reader can leave the body.
 */
#ifndef LINK_MESSAGE_H
#define LINK_MESSAGE_H

#include <lpad/node.h>
#include <stdbool.h>

#include "base/error.h"

/* Who sent it. Copied into the message; names are at most LABEL_LONGEST + coordinates long. */
struct sender {
	char *name;             /* owned by the message; NULL: one's own */
	int index, incarnation;
};

/* Constructors: one reference. message_json and message_tensors: NULL and the thread's error text if malformed. What a node gets
   in that place is message_broken(): it can be shared and freed; whatever else is done with it fails with that text. */
lpad_message *message_broken(void);             /* of this thread's last error */
int message_refused(const lpad_message *message);       /* 0; of a broken one its code, and its text is set again */
lpad_message *message_bytes(const void *data, size_t size);
lpad_message *message_json(const char *text);
lpad_message *message_tensors(int count, const lpad_tensor *list);
lpad_message *message_share(const lpad_message *message);
void message_free(const lpad_message *message);

/*
 * A received body: `size` bytes to be filled at the returned message's message_room() by the receiver, then
 * message_accept() checks it. On failure of accept the message is freed and the error names the sender.
 */
lpad_message *message_receive(int kind, size_t size, const char *sender, int index, int incarnation);
void *message_room(lpad_message *message);
lpad_message *message_accept(lpad_message *message, struct error *error);

/*
 * What a message is to somebody in the same process: a message of its own, with this sender, that shows the other's body without
 * copying it and keeps it as long as needed. Both can only be read from here on. NULL becomes empty bytes, as it does on a wire.
 */
lpad_message *message_pass(const lpad_message *message, const char *sender, int index, int incarnation);

int message_kind(const lpad_message *message);                  /* 0 of NULL */
size_t message_size(const lpad_message *message);
const void *message_content(const lpad_message *message);       /* the whole body, any kind */
void message_seal(lpad_message *message);                       /* sent: no more writing */
void *message_fill(lpad_message *message);
void *message_data(lpad_message *message, const char *tensor);
const void *message_body(const lpad_message *message, size_t expected);
const char *message_json_text(const lpad_message *message);
const void *message_view(const lpad_message *message, const char *tensor, int type, int rank, const int64_t *shape);
int message_tensor_count(const lpad_message *message);
int message_tensor_at(const lpad_message *message, int place, lpad_tensor *out);
int message_set_meta(lpad_message *message, const char *key, const char *value);
const char *message_meta(const lpad_message *message, const char *key);
int message_save(const lpad_message *message, const char *path);        /* 0, LPAD_EIO */
int message_load(const char *path, lpad_message **out);                 /* 0, LPAD_ENOTFOUND, LPAD_EBROKEN, LPAD_EIO, LPAD_ETOOBIG */
const char *message_sender(const lpad_message *message);                /* "" of one's own */
int message_sender_index(const lpad_message *message);
int message_sender_incarnation(const lpad_message *message);

/* ---- this thread's last error: what lpad_error() shows ---- */
/* Sets code and text; returns the code. */
int fault_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fault_code(void);
const char *fault_text(void);                                   /* "" if there was none */
const char *fault_name(int code);                               /* "ELOST" */
const char *fault_string(int code);                             /* the code's own sentence */
/* What is said of a function of the author's that ended with this result: this thread's text if it is about it. Caller frees. */
char *fault_of_result(const char *function, int result);

#endif
