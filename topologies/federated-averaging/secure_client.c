/* SPDX-License-Identifier: MIT */
/*
 * A client of secure aggregation. Its result leaves it under a mask of its own and one with each other client; in the sum the latter
 * cancel. It answers each question once, in order, and only if enough clients are left.
 */
#include "secure.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum stage { STAGE_NEW, STAGE_ADVERTISED, STAGE_SHARED, STAGE_MASKED, STAGE_UNMASKED };

int secure_client_check(lpad_node *node)
{
	const struct secure_client *me = lpad_state(node);
	if (lpad_replicas(node) > SECAGG_MOST)
		return lpad_fail(node, "replicas: sums of 16 bits have room for %d clients", SECAGG_MOST);
	if (me->drop > lpad_replicas(node))
		return lpad_fail(node, "params.drop: there are %d clients", lpad_replicas(node));
	return 0;
}

int secure_client_init(lpad_node *node)
{
	struct secure_client *me = lpad_state(node);
	me->data = data_new((uint64_t)lpad_seed(node));
	return me->data && sodium_init() >= 0 ? 0 : lpad_fail(node, "out of memory, or of random numbers");
}

static void forget(struct secure_client *me)
{
	sodium_memzero(&me->cipher, sizeof me->cipher);
	sodium_memzero(&me->mask, sizeof me->mask);
	sodium_memzero(me->own, sizeof me->own);
	sodium_memzero(me->shares, sizeof me->shares);
}

void secure_client_fini(lpad_node *node)
{
	struct secure_client *me = lpad_state(node);
	forget(me);
	data_free(me->data);
}

/* For the sake of the example: a client that is lost for good in the middle of a round. */
static void drop_out(lpad_node *node, const struct secure_client *me, int32_t where)
{
	if (me->session == DROP_ROUND && me->drop_in == where && lpad_index(node) < me->drop)
		raise(SIGKILL);
}

/*
 * The question's body, if it has its size, its session and its turn; otherwise the call is to be refused. Until it is answered the
 * session is over: one in which a question was refused gets no answers any more.
 */
static const void *question(struct secure_client *me, const lpad_call *call, size_t size, int32_t turn)
{
	const int64_t *session = lpad_body(lpad_request(call), size);
	bool expected = session && *session == me->session && me->stage == turn;
	me->stage = STAGE_NEW;
	if (!expected)
		return NULL;
	me->effort.bytes += (int64_t)size;
	return session;
}

static int answer(struct secure_client *me, lpad_call *call, int32_t stage, const void *data, size_t size, int64_t bits)
{
	me->stage = stage;
	me->effort.bits += bits;
	me->effort.bytes += (int64_t)size;
	return lpad_answer(call, lpad_bytes(data, size));
}

static int out_of_turn(lpad_call *call)
{
	return lpad_refuse(call, LPAD_EINVALID, "out of turn, of another session, or with too few clients");
}

static int advertise(lpad_node *node, lpad_call *call)
{
	struct secure_client *me = lpad_state(node);
	const int64_t *session = lpad_body(lpad_request(call), sizeof *session);
	struct keys keys;
	if (!session || *session <= me->session)
		return out_of_turn(call);
	me->session = *session;
	me->effort.bytes += (int64_t)sizeof *session;
	pair_make(&me->cipher);
	pair_make(&me->mask);
	randombytes_buf(me->own, sizeof me->own);
	memcpy(keys.cipher, me->cipher.open, sizeof keys.cipher);
	memcpy(keys.mask, me->mask.open, sizeof keys.mask);
	return answer(me, call, STAGE_ADVERTISED, &keys, sizeof keys, 2 * KEY_BITS);
}

static bool seal_for(lpad_node *node, struct secure_client *me, int other, const unsigned char *own, const unsigned char *key,
	struct sealed *sealed)
{
	struct shares shares = { .from = lpad_index(node), .to = other };
	memcpy(shares.own, own, SECRET);
	memcpy(shares.key, key, SECRET);
	bool done = true;
	if (other == lpad_index(node))
		me->shares[other] = shares;
	else
		done = shares_seal(sealed, &shares, &me->cipher, me->keys[other].cipher);
	sodium_memzero(&shares, sizeof shares);
	return done;
}

static int share(lpad_node *node, lpad_call *call)
{
	struct secure_client *me = lpad_state(node);
	const struct roster *roster = question(me, call, sizeof *roster, STAGE_ADVERTISED);
	struct sealed sealed[SECAGG_MOST] = { 0 };
	unsigned char own[SECAGG_MOST][SECRET], key[SECAGG_MOST][SECRET];
	int others = roster ? size_of(roster->members) - 1 : 0;
	/* a threshold of half or less would let two halves be unmasked apart */
	if (!roster || roster->members >> SECAGG_MOST || !has(roster->members, lpad_index(node)) || roster->threshold > others + 1
	    || 2 * roster->threshold <= lpad_replicas(node))
		return out_of_turn(call);
	drop_out(node, me, DROP_SHARE);
	me->members = roster->members;
	me->threshold = roster->threshold;
	memcpy(me->keys, roster->keys, sizeof me->keys);
	secret_split(me->own, SECAGG_MOST, me->threshold, own);
	secret_split(me->mask.secret, SECAGG_MOST, me->threshold, key);
	for (int i = 0; i < SECAGG_MOST; i++)
		if (has(me->members, i) && !seal_for(node, me, i, own[i], key[i], &sealed[i]))
			return lpad_refuse(call, LPAD_EINVALID, "the key of client %d is none", i);
	sodium_memzero(own, sizeof own);
	sodium_memzero(key, sizeof key);
	return answer(me, call, STAGE_SHARED, sealed, sizeof sealed, 2 * KEY_BITS * others + 2 * SHARE_BITS * others);
}

static bool open_all(lpad_node *node, struct secure_client *me, const struct masking *masking)
{
	int here = lpad_index(node);
	for (int i = 0; i < SECAGG_MOST; i++)
		if (i != here && has(me->sharers, i)
		    && (!shares_open(&me->shares[i], &masking->sealed[i], &me->cipher, me->keys[i].cipher)
		    || me->shares[i].from != i || me->shares[i].to != here))
			return false;
	return true;
}

static bool apply_masks(lpad_node *node, struct secure_client *me, uint32_t *vector)
{
	unsigned char seed[SECRET];
	int here = lpad_index(node);
	mask_apply(vector, PARAMETERS, me->own, true);
	for (int i = 0; i < SECAGG_MOST; i++)
		if (i != here && has(me->sharers, i)) {
			if (!pair_agree(&me->mask, me->keys[i].mask, seed))
				return false;
			mask_apply(vector, PARAMETERS, seed, i > here);
		}
	sodium_memzero(seed, sizeof seed);
	return true;
}

static int mask(lpad_node *node, lpad_call *call)
{
	struct secure_client *me = lpad_state(node);
	const struct masking *masking = question(me, call, sizeof *masking, STAGE_SHARED);
	uint32_t vector[PARAMETERS];
	unsigned char packed[(PARAMETERS * SECAGG_BITS + 7) / 8];
	int others = masking ? size_of(masking->sharers) - 1 : 0;
	if (!masking || masking->sharers & ~me->members || !has(masking->sharers, lpad_index(node)) || others + 1 < me->threshold
	    || masking->task.count != 1 || masking->task.ids[0] < 0 || masking->task.ids[0] >= CLIENTS)
		return out_of_turn(call);
	me->sharers = masking->sharers;
	if (!open_all(node, me, masking))
		return lpad_refuse(call, LPAD_EBROKEN, "a share was not made by whom it is said to be from");
	input_of(me->data, (uint64_t)lpad_seed(node), &masking->task, vector);
	if (!apply_masks(node, me, vector))
		return lpad_refuse(call, LPAD_EINVALID, "somebody's key is none");
	drop_out(node, me, DROP_MASK);
	vector_pack(vector, PARAMETERS, packed);
	return answer(me, call, STAGE_MASKED, packed, sizeof packed, 2 * SHARE_BITS * others + PARAMETERS * SECAGG_BITS);
}

static int unmask(lpad_node *node, lpad_call *call)
{
	struct secure_client *me = lpad_state(node);
	const struct unmasking *unmasking = question(me, call, sizeof *unmasking, STAGE_MASKED);
	unsigned char shares[SECAGG_MOST][SECRET] = { 0 };
	if (!unmasking || unmasking->arrived & ~me->sharers || !has(unmasking->arrived, lpad_index(node))
	    || size_of(unmasking->arrived) < me->threshold)
		return out_of_turn(call);
	drop_out(node, me, DROP_UNMASK);
	for (int i = 0; i < SECAGG_MOST; i++)
		if (has(me->sharers, i))
			memcpy(shares[i], has(unmasking->arrived, i) ? me->shares[i].own : me->shares[i].key, SECRET);
	forget(me);
	return answer(me, call, STAGE_UNMASKED, shares, sizeof shares, SHARE_BITS * size_of(me->sharers));
}

static int effort(lpad_node *node, lpad_call *call)
{
	struct secure_client *me = lpad_state(node);
	return lpad_answer(call, lpad_bytes(&me->effort, sizeof me->effort));
}

const lpad_method secure_client_methods[] = {
	LPAD_METHOD(advertise, "two new public keys"),
	LPAD_METHOD(share, "shares of my secrets, sealed for each other client"),
	LPAD_METHOD(mask, "trains; the result under all masks"),
	LPAD_METHOD(unmask, "for each client a share of its mask or of its key"),
	LPAD_METHOD(effort, "bits and bytes sent and received", .idempotent = true),
	LPAD_END
};
