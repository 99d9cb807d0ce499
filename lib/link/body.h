/* SPDX-License-Identifier: MIT */
/* The inside of a message, for the files that make and read bodies: message.c, message_header.c, message_tensors.c, message_file.c. */
#ifndef LINK_BODY_H
#define LINK_BODY_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/text.h"
#include "link/message.h"

enum { BODY_ALIGNED = 64 };

struct tensor {
	char *name;
	int32_t type, rank;
	int64_t shape[LPAD_RANK];
	size_t begin, size;             /* bytes, from the start of the data section */
};
struct meta {
	char *key, *value;
};
/* A tensors body's header, parsed or about to be written. The order is the header's. */
struct tensors {
	LIST(struct tensor) list;
	LIST(struct meta) meta;
	size_t data;                    /* offset of the data section in the body */
};

struct lpad_message {
	atomic_int references;
	atomic_bool sealed;             /* sent, shared or received: never written again */
	bool pointed;                   /* message_data gave out a pointer into the body: it must stay where it is */
	int kind;
	size_t size;
	void *block;                    /* the allocation; NULL: the body and the tensors' texts belong to `whole` */
	unsigned char *body;            /* in it, on a 64-byte boundary; a NUL follows the last byte, and something may be before the first */
	lpad_message *whole;            /* whose body this one shows; NULL: its own */
	struct sender sender;
	struct tensors tensors;         /* of kind LPAD_TENSORS */
	char *broken;                   /* why it could not be made; NULL: it was */
	int broken_code;
};

/* The key of __metadata__ that says which kind a saved file holds; keys with the prefix are lpad's own. */
#define BODY_RESERVED "lpad."
#define BODY_KIND "lpad.kind"

/* ---- message.c ---- */

/* One reference; the body is not set but for its final NUL. */
lpad_message *body_new(int kind, size_t size);
/* With so many bytes in front of it, a multiple of BODY_ALIGNED. */
lpad_message *body_new_behind(int kind, size_t spare, size_t size);
/* false: this machine could never hold so many bytes. For sizes that others chose. */
bool body_fits(size_t size);
/* Control characters become question marks: foreign text in an error of one line. Returns `text`. */
char *body_printable(char *text);
/* 0, or -1: not exactly one JSON text. */
int body_check_json(const lpad_message *message, struct error *error);

/* ---- message_tensors.c ---- */

/* Reads and checks the header of a whole body that somebody else wrote. Fills message->tensors; lays the body out again if it is
   not aligned. 0, or -1 with the error (without the sender) set. */
int tensors_decode(lpad_message *message, struct error *error);
/* Places the tensors; their bytes in all. false: too many. */
bool tensors_lay_out(struct tensors *tensors, size_t *total);
const char *tensors_meta(const struct tensors *tensors, const char *key);
void tensors_release(struct tensors *tensors);
/* A message of what is listed (names, types, shapes, sizes, metadata), which it takes; the data is not set. NULL: too large, and
   the thread's error says so. */
lpad_message *tensors_make(struct tensors *tensors);
struct tensor *tensors_find(const lpad_message *message, const char *name);      /* NULL: none, or no tensors */

/* ---- message_header.c ---- */

/* By enum lpad_dtype: the format's name, ours, and the element's size. */
extern const struct tensor_type {
	const char *name, *shown;
	size_t size;
} tensor_types[];
bool tensor_type_valid(int type);
/* Bytes of a tensor, from its type and shape. false: negative extent or overflow. */
bool tensor_measure(const struct tensor *tensor, size_t *out);
/* A name out of a foreign header, fit for one line. */
enum { TENSOR_SHOWN = 80 };
struct shown { char text[TENSOR_SHOWN + 4]; };
struct shown tensor_shown(const char *name);
/* Appends length, JSON and padding for the tensors as they lie; sets tensors->data. */
void tensors_encode(struct tensors *tensors, struct text *out);
/* The header into message->tensors, everything checked but the alignment. 0, or -1 with the error set. */
int tensors_read(lpad_message *message, struct error *error);

/* ---- header_plain.c ---- */

/* The header's JSON into tensors, which are empty, if it is as tensors_encode writes it and each tensor by itself is right. false: it
   may be right all the same; tensors are empty again. */
bool header_plain(struct tensors *tensors, const void *header, size_t length, size_t room);

#endif
