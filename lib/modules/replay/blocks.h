/* SPDX-License-Identifier: MIT */
/*
 * A file as a stream of bytes in blocks, each with its place in the stream and a CRC-32, so that every damage is found before what
 * is damaged is used, and said with the byte where it is. The format: lpad-replay(5). Numbers are little-endian.
 * After the first failure nothing more is written or read; reading gives zeros then.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BLOCKS_MAGIC = 12, BLOCKS_HEADER = 16, BLOCKS_BYTES = 1 << 20 };

/* ---- out ---- */

struct blocks_out {
	int fd, code;                   /* errno of the first failure */
	unsigned char *block;           /* its header first */
	size_t used;                    /* of what follows the header */
	uint64_t stream, bytes;         /* before this block: of the stream, of the file */
	uint64_t begun;                 /* so far the disk has been told to begin */
};

/* Writes the head of the file. `magic`: BLOCKS_MAGIC bytes. */
void blocks_begin(struct blocks_out *out, int fd, const char *magic, uint32_t version);
void blocks_put(struct blocks_out *out, const void *data, size_t size);
void blocks_put_u32(struct blocks_out *out, uint32_t value);
void blocks_put_u64(struct blocks_out *out, uint64_t value);
void blocks_put_i64(struct blocks_out *out, int64_t value);
void blocks_put_f64(struct blocks_out *out, double value);
void blocks_put_text(struct blocks_out *out, const char *text);
/* What is left, and the mark of the end. 0 or errno; out->bytes is the size of the file. Not synced. */
int blocks_end(struct blocks_out *out);

/* ---- in ---- */

struct blocks_in {
	int fd, code;                   /* 0, or the code of the first failure (enum of lpad/node.h) */
	const char *path;
	char *text;                     /* the sentence about it */
	size_t room;
	unsigned char *block;
	size_t used, at;
	uint64_t stream, file;          /* of the stream before this block; place in the file of what it holds */
	uint64_t length, size;          /* of the stream, of the file */
	uint64_t field;                 /* place in the file of what was read last */
	bool ended;
};

/* 0, or what is wrong with the head. The text is set by the first failure. */
int blocks_open(struct blocks_in *in, int fd, const char *path, const char *magic, uint32_t version, char *text, size_t room);
bool blocks_get(struct blocks_in *in, void *data, size_t size);
uint32_t blocks_get_u32(struct blocks_in *in);
uint64_t blocks_get_u64(struct blocks_in *in);
int64_t blocks_get_i64(struct blocks_in *in);
double blocks_get_f64(struct blocks_in *in);
/* Without a NUL in it; at most `most` bytes. Caller frees; NULL after a failure. */
char *blocks_get_text(struct blocks_in *in, size_t most);
/* Not more than this can follow: to be asked before memory is, for what a number says. */
uint64_t blocks_left(const struct blocks_in *in);
/* The whole stream has been read, and the file ends with it. */
int blocks_done(struct blocks_in *in);
void blocks_close(struct blocks_in *in);
/* What was read last cannot be: LPAD_EBROKEN with the file, the byte and this sentence, unless something failed before. */
void blocks_refuse(struct blocks_in *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
