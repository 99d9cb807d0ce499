/* SPDX-License-Identifier: MIT */
/* A frame's header: what is accepted is written again and must be the same bytes, but for the reserved ones. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "link/account.h"
#include "link/wire.h"

enum { USED = 100 };            /* behind it all is reserved */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire wire;
	uint8_t out[WIRE_SIZE];
	struct account account;
	const char *why = NULL;
	if (!wire_decode(data, size, &wire, &why)) {
		if (!why)
			abort();
		return 0;
	}
	wire_encode(&wire, out);
	if (memcmp(out, data, USED))
		abort();
	free(account_port((const char *)data + WIRE_SIZE, size - WIRE_SIZE));
	if (account_read((const char *)data + WIRE_SIZE, size - WIRE_SIZE, &account)
	    && (account.received < 0 || account.dropped < 0 || account.bytes < 0))
		abort();
	return 0;
}
