/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE     /* sync_file_range */
#endif
#include "blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "room.h"

enum { BEGIN_BYTES = 8 << 20 };

static void put_number(unsigned char *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

/* The disk begins with what is there already, so that the sync at the end has little left to wait for. Only a hint: no file system
   has to know it. */
static void begin_writing(struct blocks_out *out)
{
	sync_file_range(out->fd, (off_t)out->begun, BEGIN_BYTES, SYNC_FILE_RANGE_WRITE);
	out->begun += BEGIN_BYTES;
}

static void write_all(struct blocks_out *out, const unsigned char *data, size_t size)
{
	out->bytes += size;
	if (out->bytes - out->begun >= BEGIN_BYTES)
		begin_writing(out);
	while (size && !out->code) {
		ssize_t written = write(out->fd, data, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			out->code = written ? errno : ENOSPC;
		else
			data += written, size -= (size_t)written;
	}
}

void blocks_begin(struct blocks_out *out, int fd, const char *magic, uint32_t version)
{
	unsigned char head[BLOCKS_MAGIC + 4];
	*out = (struct blocks_out){ .fd = fd, .block = room_resize(NULL, BLOCKS_HEADER + BLOCKS_BYTES, 1) };
	memcpy(head, magic, BLOCKS_MAGIC);
	put_number(head + BLOCKS_MAGIC, version, 4);
	write_all(out, head, sizeof head);
}

/* Place in the stream, length, CRC-32 of these two and of what follows. */
static void flush(struct blocks_out *out)
{
	put_number(out->block, out->stream, 8);
	put_number(out->block + 8, out->used, 4);
	uLong sum = crc32(crc32(0, out->block, 12), out->block + BLOCKS_HEADER, (uInt)out->used);
	put_number(out->block + 12, sum, 4);
	write_all(out, out->block, BLOCKS_HEADER + out->used);
	out->stream += out->used;
	out->used = 0;
}

void blocks_put(struct blocks_out *out, const void *data, size_t size)
{
	const unsigned char *from = data;
	while (size && !out->code) {
		size_t piece = BLOCKS_BYTES - out->used < size ? BLOCKS_BYTES - out->used : size;
		memcpy(out->block + BLOCKS_HEADER + out->used, from, piece);
		out->used += piece;
		from += piece;
		size -= piece;
		if (out->used == BLOCKS_BYTES)
			flush(out);
	}
}

static void put(struct blocks_out *out, uint64_t value, int bytes)
{
	unsigned char number[8];
	put_number(number, value, bytes);
	blocks_put(out, number, (size_t)bytes);
}

void blocks_put_u32(struct blocks_out *out, uint32_t value)
{
	put(out, value, 4);
}

void blocks_put_u64(struct blocks_out *out, uint64_t value)
{
	put(out, value, 8);
}

void blocks_put_i64(struct blocks_out *out, int64_t value)
{
	put(out, (uint64_t)value, 8);
}

void blocks_put_f64(struct blocks_out *out, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	put(out, bits, 8);
}

void blocks_put_text(struct blocks_out *out, const char *text)
{
	size_t length = strlen(text);
	blocks_put_u32(out, (uint32_t)length);
	blocks_put(out, text, length);
}

int blocks_end(struct blocks_out *out)
{
	if (out->used)
		flush(out);
	flush(out);
	free(out->block);
	out->block = NULL;
	return out->code;
}
