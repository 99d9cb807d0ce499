/* SPDX-License-Identifier: MIT */
#include "link/wire.h"

#include <lpad/node.h>
#include <string.h>

/* Offsets of the page in wire.h; lpad-wire(7) has the same table. */
enum {
	AT_MAGIC = 0, AT_WIRE_VERSION = 4, AT_KIND = 5, AT_ROLE = 6, AT_CONTENT = 7, AT_FLAGS = 8, AT_CODE = 12,
	AT_GROUP = 16, AT_INDEX = 20, AT_INCARNATION = 24, AT_PORT = 28, AT_TOKEN = 32, AT_SESSION = 40, AT_NUMBER = 48,
	AT_SIZE = 56, AT_RETRY = 64, AT_DEADLINE = 72, AT_VERSION = 80, AT_SIGNATURE = 88, AT_BATCH = 96
};

static const char magic[4] = { 'L', 'P', 'A', 'D' };

static const uint8_t kinds[] = {
	WIRE_HELLO, WIRE_CALL, WIRE_CANCEL, WIRE_SUBSCRIBE, WIRE_CONFIRM, WIRE_ACK, WIRE_FETCH, WIRE_END_ACK, WIRE_PROBE, WIRE_WHY,
	WIRE_RESEND, WIRE_REPLY, WIRE_ERROR, WIRE_TOPIC_HELLO, WIRE_PUBLISH, WIRE_NOTICE, WIRE_END
};

static void put(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *at, int bytes)
{
	uint64_t value = 0;
	for (int i = bytes; i-- > 0; )
		value = value << 8 | at[i];
	return value;
}

void wire_encode(const struct wire *wire, uint8_t out[WIRE_SIZE])
{
	memset(out, 0, WIRE_SIZE);
	memcpy(out + AT_MAGIC, magic, sizeof magic);
	out[AT_WIRE_VERSION] = WIRE_VERSION;
	out[AT_KIND] = wire->kind;
	out[AT_ROLE] = wire->role;
	out[AT_CONTENT] = wire->content;
	put(out + AT_FLAGS, wire->flags, 4);
	put(out + AT_CODE, (uint32_t)wire->code, 4);
	put(out + AT_GROUP, wire->group, 4);
	put(out + AT_INDEX, wire->index, 4);
	put(out + AT_INCARNATION, wire->incarnation, 4);
	put(out + AT_PORT, wire->port, 4);
	put(out + AT_TOKEN, wire->token, 8);
	put(out + AT_SESSION, wire->session, 8);
	put(out + AT_NUMBER, wire->number, 8);
	put(out + AT_SIZE, wire->size, 8);
	put(out + AT_RETRY, wire->retry, 8);
	put(out + AT_DEADLINE, (uint64_t)wire->deadline_ms, 8);
	put(out + AT_VERSION, wire->version, 8);
	put(out + AT_SIGNATURE, wire->signature, 8);
	put(out + AT_BATCH, wire->batch, 4);
}

/* What is wrong with a header of `length` bytes with its body; NULL: nothing. */
static const char *complaint(const uint8_t *in, size_t length)
{
	if (length < WIRE_SIZE)
		return "shorter than a header";
	if (memcmp(in + AT_MAGIC, magic, sizeof magic))
		return "not a message of lpad";
	if (in[AT_WIRE_VERSION] != WIRE_VERSION)
		return "another version of the wire format";
	if (!memchr(kinds, in[AT_KIND], sizeof kinds))
		return "unknown kind";
	if (in[AT_ROLE] != WIRE_MEMBER && in[AT_ROLE] != WIRE_OBSERVER)
		return "unknown role";
	if (in[AT_CONTENT] > LPAD_TENSORS)
		return "unknown content";
	if (get(in + AT_SIZE, 8) != length - WIRE_SIZE)
		return "its size is not what follows the header";
	return NULL;
}

bool wire_decode(const void *data, size_t length, struct wire *wire, const char **why)
{
	const uint8_t *in = data;
	const char *wrong = complaint(in, length);
	if (wrong) {
		*why = wrong;
		return false;
	}
	*wire = (struct wire){
		.kind = in[AT_KIND], .role = in[AT_ROLE], .content = in[AT_CONTENT],
		.flags = (uint32_t)get(in + AT_FLAGS, 4),
		.code = (int32_t)(uint32_t)get(in + AT_CODE, 4),
		.group = (uint32_t)get(in + AT_GROUP, 4),
		.index = (uint32_t)get(in + AT_INDEX, 4),
		.incarnation = (uint32_t)get(in + AT_INCARNATION, 4),
		.port = (uint32_t)get(in + AT_PORT, 4),
		.token = get(in + AT_TOKEN, 8),
		.session = get(in + AT_SESSION, 8),
		.number = get(in + AT_NUMBER, 8),
		.size = get(in + AT_SIZE, 8),
		.retry = get(in + AT_RETRY, 8),
		.deadline_ms = (int64_t)get(in + AT_DEADLINE, 8),
		.version = get(in + AT_VERSION, 8),
		.signature = get(in + AT_SIGNATURE, 8),
		.batch = (uint32_t)get(in + AT_BATCH, 4),
	};
	return true;
}
