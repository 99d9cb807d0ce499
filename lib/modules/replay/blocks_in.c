/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include <lpad/node.h>

#include "blocks.h"
#include "room.h"

static uint64_t number_at(const unsigned char *at, int bytes)
{
	uint64_t value = 0;
	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

/* ---- failures ---- */

static void fail_at(struct blocks_in *in, uint64_t byte, const char *format, ...) __attribute__((format(printf, 3, 4)));

__attribute__((format(printf, 3, 0))) static void fail_list(struct blocks_in *in, uint64_t byte, const char *format, va_list list)
{
	if (in->code)
		return;
	in->code = LPAD_EBROKEN;
	int length = snprintf(in->text, in->room, "%s: byte %" PRIu64 ": ", in->path, byte);
	if (length >= 0 && (size_t)length < in->room)
		vsnprintf(in->text + length, in->room - (size_t)length, format, list);
}

static void fail_at(struct blocks_in *in, uint64_t byte, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fail_list(in, byte, format, list);
	va_end(list);
}

void blocks_refuse(struct blocks_in *in, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	fail_list(in, in->field, format, list);
	va_end(list);
}

static void fail_reading(struct blocks_in *in)
{
	if (in->code)
		return;
	in->code = LPAD_EIO;
	snprintf(in->text, in->room, "cannot read %s: %s", in->path, strerror(errno));
}

/* ---- blocks ---- */

/* So many bytes, fewer only at the end of the file. */
static size_t read_all(struct blocks_in *in, unsigned char *data, size_t size)
{
	size_t have = 0;
	while (have < size) {
		ssize_t got = read(in->fd, data + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail_reading(in);
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

/* The last block is empty, and its place is the length of the stream. A file without it was not written to its end. */
static void read_end(struct blocks_in *in)
{
	unsigned char end[BLOCKS_HEADER] = { 0 };
	if (in->size < BLOCKS_MAGIC + 4 + sizeof end)
		fail_at(in, in->size, "the file ends here: a block expected");
	else if (pread(in->fd, end, sizeof end, (off_t)(in->size - sizeof end)) != sizeof end)
		fail_reading(in);
	in->length = number_at(end, 8);
	if (number_at(end + 8, 4) || number_at(end + 12, 4) != crc32(0, end, 12) || in->length > in->size)
		fail_at(in, in->size, "the file ends here: before it the mark of the end, %d bytes, expected; it is cut short", BLOCKS_HEADER);
}

int blocks_open(struct blocks_in *in, int fd, const char *path, const char *magic, uint32_t version, char *text, size_t room)
{
	unsigned char head[BLOCKS_MAGIC + 4] = { 0 };
	struct stat about;
	*in = (struct blocks_in){ .fd = fd, .path = path, .text = text, .room = room };
	if (fstat(fd, &about))
		fail_reading(in);
	in->size = in->code ? 0 : (uint64_t)about.st_size;
	in->block = room_resize(NULL, BLOCKS_BYTES, 1);
	size_t got = read_all(in, head, sizeof head);
	uint32_t theirs = (uint32_t)number_at(head + BLOCKS_MAGIC, 4);
	size_t same = 0;
	while (same < got && same < BLOCKS_MAGIC && head[same] == (unsigned char)magic[same])
		same++;
	if (same < got && same < BLOCKS_MAGIC)
		fail_at(in, same, "this is not a checkpoint of replay: \"%.*s\" expected as the beginning", (int)strcspn(magic, "\n"), magic);
	else if (got < sizeof head)
		fail_at(in, got, "the file ends here: its head of %zu bytes expected", sizeof head);
	else if (theirs != version)
		fail_at(in, BLOCKS_MAGIC, "version %u of the format expected, %u came: another lpad has written it", version, theirs);
	in->file = sizeof head;
	in->field = in->file;
	if (!in->code)
		read_end(in);
	return in->code;
}

static bool header_is_good(struct blocks_in *in, const unsigned char *header, uint64_t at, size_t got)
{
	uint64_t stream = number_at(header, 8), length = number_at(header + 8, 4);
	if (got < BLOCKS_HEADER)
		fail_at(in, at + got, "the file ends here: %zu more bytes of a block's header expected, from byte %" PRIu64 " on",
			BLOCKS_HEADER - got, at);
	else if (stream != in->stream + in->used)
		fail_at(in, at, "a block for place %" PRIu64 " of the stream expected, one for %" PRIu64 " came", in->stream + in->used, stream);
	else if (length > BLOCKS_BYTES)
		fail_at(in, at + 8, "a block's length, at most %d, expected; %" PRIu64 " came", BLOCKS_BYTES, length);
	return !in->code;
}

/* The next block, which may be the empty one that marks the end. */
static bool next_block(struct blocks_in *in)
{
	unsigned char header[BLOCKS_HEADER] = { 0 };
	uint64_t at = in->file + in->used;
	if (in->code || in->ended || !header_is_good(in, header, at, read_all(in, header, sizeof header)))
		return false;
	size_t length = (size_t)number_at(header + 8, 4), got = read_all(in, in->block, length);
	uint32_t said = (uint32_t)number_at(header + 12, 4);
	uint32_t sum = (uint32_t)crc32(crc32(0, header, 12), in->block, (uInt)got);
	if (got < length)
		fail_at(in, at + BLOCKS_HEADER + got, "the file ends here: %zu more bytes of the block at byte %" PRIu64 " expected",
			length - got, at);
	else if (sum != said)
		fail_at(in, at, "a block with the CRC-32 %08" PRIx32 " expected, it has %08" PRIx32 ": it is damaged", said, sum);
	if (in->code)
		return false;
	in->stream += in->used;
	in->file = at + BLOCKS_HEADER;
	in->used = length;
	in->at = 0;
	in->ended = !length;
	return true;
}

/* ---- what they hold ---- */

bool blocks_get(struct blocks_in *in, void *data, size_t size)
{
	unsigned char *to = data;
	while (in->at == in->used && size && next_block(in) && !in->ended)
		;
	in->field = in->file + in->at;
	while (size && !in->code && !in->ended) {
		size_t piece = in->used - in->at < size ? in->used - in->at : size;
		memcpy(to, in->block + in->at, piece);
		in->at += piece;
		to += piece;
		size -= piece;
		if (size)
			next_block(in);
	}
	if (size && !in->code)
		fail_at(in, in->file - BLOCKS_HEADER, "%zu more bytes expected, the mark of the end came", size);
	if (size)
		memset(to, 0, size);
	return !in->code;
}

uint32_t blocks_get_u32(struct blocks_in *in)
{
	unsigned char bytes[4];
	blocks_get(in, bytes, sizeof bytes);
	return (uint32_t)number_at(bytes, sizeof bytes);
}

uint64_t blocks_get_u64(struct blocks_in *in)
{
	unsigned char bytes[8];
	blocks_get(in, bytes, sizeof bytes);
	return number_at(bytes, sizeof bytes);
}

int64_t blocks_get_i64(struct blocks_in *in)
{
	return (int64_t)blocks_get_u64(in);
}

double blocks_get_f64(struct blocks_in *in)
{
	uint64_t bits = blocks_get_u64(in);
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

char *blocks_get_text(struct blocks_in *in, size_t most)
{
	uint32_t length = blocks_get_u32(in);
	if (length > most || length > blocks_left(in))
		blocks_refuse(in, "a name of at most %zu bytes expected, %u came", most, length);
	if (in->code)
		return NULL;
	char *text = room_new(length + (size_t)1, 1);
	if (blocks_get(in, text, length) && strlen(text) != length)
		blocks_refuse(in, "a name expected, one with a zero in it came");
	if (!in->code)
		return text;
	free(text);
	return NULL;
}

uint64_t blocks_left(const struct blocks_in *in)
{
	uint64_t read = in->stream + in->at;
	return in->length > read ? in->length - read : 0;
}

int blocks_done(struct blocks_in *in)
{
	unsigned char more;
	if (in->at < in->used)
		fail_at(in, in->file + in->at, "the end of the stream expected, %zu more bytes of this block came", in->used - in->at);
	next_block(in);
	if (!in->code && in->used)
		fail_at(in, in->file, "the end of the stream expected, a block of %zu bytes came", in->used);
	if (!in->code && read_all(in, &more, 1))
		fail_at(in, in->file, "the end of the file expected, more came");
	return in->code;
}

void blocks_close(struct blocks_in *in)
{
	free(in->block);
	in->block = NULL;
}
