/* SPDX-License-Identifier: MIT */
/*
 * Who says what in a round of secure aggregation; messages are bytes, these structs. Clients are known by their replica's number; a
 * set of them is a word of bits. The server asks, four times:
 *
 *   advertise   a session's number                                     -> struct keys
 *   share       struct roster: the keys of all                         -> struct sealed[SECAGG_MOST]: one for each of them
 *   mask        struct masking: what others have sealed for me, a task -> the masked result, packed
 *   unmask      struct unmasking: whose result has arrived             -> SECAGG_MOST x SECRET: a share for each, of its own mask if
 *                                                                         its result is there, of its key if not; never both
 */
#ifndef SECURE_H
#define SECURE_H

#include <lpad/node.h>

#include "federated.h"
#include "secagg.h"

enum drop_in { DROP_SHARE, DROP_MASK, DROP_UNMASK };
#define DROPS "share mask unmask"
enum { DROP_ROUND = 2 };

struct roster {
	int64_t session;
	uint32_t members;
	int32_t threshold;
	struct keys keys[SECAGG_MOST];
};
struct masking {
	int64_t session;
	uint32_t sharers;
	struct sealed sealed[SECAGG_MOST];      /* by maker */
	struct task task;
};
struct unmasking {
	int64_t session;
	uint32_t arrived;
};
/* What a client has sent and received: keys, shares and masked numbers alone, as the paper's formula counts; and all bytes. */
struct effort {
	int64_t bits, bytes;
};

static inline bool has(uint32_t set, int client)
{
	return set >> client & 1;
}

static inline int size_of(uint32_t set)
{
	return __builtin_popcount(set);
}

/* A task's result as 16-bit numbers, and back from a sum of so many. */
void input_of(const struct data *data, uint64_t seed, const struct task *task, uint32_t input[PARAMETERS]);
void input_mean(const uint32_t *sum, int count, float *weights);

struct secure_client {
	int64_t drop;
	int32_t drop_in;
	struct data *data;
	/* of the session under way */
	int64_t session;
	int32_t stage, threshold;
	uint32_t members, sharers;
	struct pair cipher, mask;
	unsigned char own[SECRET];
	struct keys keys[SECAGG_MOST];
	struct shares shares[SECAGG_MOST];      /* that others, and I, have made for me */
	struct effort effort;
};
struct secure_server {
	int64_t threshold, rounds, drop;
	lpad_map runs;                  /* of struct run */
	lpad_handle *clients;
	lpad_topic *model;
};

int secure_client_check(lpad_node *node);
int secure_client_init(lpad_node *node);
void secure_client_fini(lpad_node *node);
extern const lpad_method secure_client_methods[];
int secure_server_check(lpad_node *node);
int secure_server_run(lpad_node *node);

#endif
