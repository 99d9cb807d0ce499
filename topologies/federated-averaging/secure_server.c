/* SPDX-License-Identifier: MIT */
/*
 * The server of secure aggregation: hands keys, sealed shares and sets of names around, adds up masked results, and takes the masks
 * off the sum with what `threshold` clients tell it. A client that does not answer is out; too few left, and the round is given up.
 */
#include "secure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/checks.h"

struct round {
	lpad_node *node;
	const struct secure_server *me;
	int64_t session;
	uint32_t alive, advertised, shared, arrived, told;
	struct keys keys[SECAGG_MOST];
	struct sealed (*sealed)[SECAGG_MOST];           /* by maker, by receiver */
	struct task tasks[SECAGG_MOST];
	uint32_t (*vectors)[PARAMETERS];                /* masked, by client */
	unsigned char shares[SECAGG_MOST][SECAGG_MOST][SECRET]; /* by who tells them, by whom they are of */
	uint32_t sum[PARAMETERS];
};

int secure_server_check(lpad_node *node)
{
	const struct secure_server *me = lpad_state(node);
	int clients = lpad_count(me->clients);
	if (me->threshold > clients || 2 * me->threshold <= clients)
		return lpad_fail(node, "params.threshold: more than half of the %d clients, and no more than all", clients);
	if (!me->runs.count)
		return lpad_fail(node, "params.runs: there is nothing to train");
	return 0;
}

/* ---- four questions ---- */

typedef lpad_message *ask_function(struct round *round, int client);
typedef bool take_function(struct round *round, int client, const lpad_message *reply);

/* Asks all of `who` at once. Those whose answers are taken are the result; who died, or says no, is out. */
static int ask_all(struct round *round, const char *method, uint32_t who, ask_function *ask, take_function *take, uint32_t *answered)
{
	lpad_future *futures[SECAGG_MOST] = { NULL };
	int count = lpad_count(round->me->clients), stopped = 0;
	*answered = 0;
	for (int i = 0; i < count; i++)
		if (has(who, i))
			futures[i] = lpad_start(round->me->clients, i, method, ask(round, i), lpad_default());
	for (int i = 0; i < count; i++) {
		lpad_message *reply = NULL;
		int code = futures[i] ? lpad_wait(futures[i], &reply) : LPAD_EGONE;
		if (futures[i] && code)
			lpad_log(round->node, "%s/%d is out of round %" PRId64 ": %s", "client", i, round->session, lpad_error());
		else if (futures[i] && take(round, i, reply))
			*answered |= 1u << i;
		stopped = code == LPAD_ESTOPPED ? code : stopped;
		lpad_free(reply);
	}
	if (!stopped && size_of(*answered) < round->me->threshold)
		return lpad_fail(round->node, "round %" PRId64 " is given up: %d clients answered %s, %" PRId64 " are needed; the sum stays hidden",
			round->session, size_of(*answered), method, round->me->threshold);
	return stopped;
}

static lpad_message *ask_advertise(struct round *round, int client)
{
	(void)client;
	return lpad_bytes(&round->session, sizeof round->session);
}

static bool take_advertise(struct round *round, int client, const lpad_message *reply)
{
	const struct keys *keys = lpad_body(reply, sizeof *keys);
	if (keys)
		round->keys[client] = *keys;
	return keys;
}

static lpad_message *ask_share(struct round *round, int client)
{
	struct roster roster = { .session = round->session, .members = round->advertised, .threshold = (int32_t)round->me->threshold };
	(void)client;
	memcpy(roster.keys, round->keys, sizeof roster.keys);
	return lpad_bytes(&roster, sizeof roster);
}

static bool take_share(struct round *round, int client, const lpad_message *reply)
{
	const void *body = lpad_body(reply, sizeof round->sealed[client]);
	if (body)
		memcpy(round->sealed[client], body, sizeof round->sealed[client]);
	return body;
}

static lpad_message *ask_mask(struct round *round, int client)
{
	lpad_message *request = lpad_bytes(NULL, sizeof(struct masking));
	struct masking *masking = lpad_fill(request);
	masking->session = round->session;
	masking->sharers = round->shared;
	masking->task = round->tasks[client];
	for (int i = 0; i < SECAGG_MOST; i++)
		masking->sealed[i] = round->sealed[i][client];
	return request;
}

static bool take_mask(struct round *round, int client, const lpad_message *reply)
{
	const void *body = lpad_body(reply, packed_size(PARAMETERS));
	if (body)
		vector_unpack(body, PARAMETERS, round->vectors[client]);
	return body;
}

static lpad_message *ask_unmask(struct round *round, int client)
{
	struct unmasking unmasking = { .session = round->session, .arrived = round->arrived };
	(void)client;
	return lpad_bytes(&unmasking, sizeof unmasking);
}

static bool take_unmask(struct round *round, int client, const lpad_message *reply)
{
	const void *body = lpad_body(reply, sizeof round->shares[client]);
	if (body)
		memcpy(round->shares[client], body, sizeof round->shares[client]);
	return body;
}

/* ---- taking the masks off ---- */

/* The secret of one client that the first `threshold` of those who told have shares of. */
static void join(const struct round *round, int of, unsigned char secret[SECRET])
{
	unsigned char shares[SECAGG_MOST][SECRET];
	int clients[SECAGG_MOST], count = 0;
	for (int i = 0; i < SECAGG_MOST && count < round->me->threshold; i++)
		if (has(round->told, i)) {
			memcpy(shares[count], round->shares[i][of], SECRET);
			clients[count++] = i;
		}
	secret_join((const unsigned char (*)[SECRET])shares, clients, count, secret);
}

/* What the others have added and subtracted for one whose result never came. */
static bool remove_pairs(struct round *round, int gone)
{
	struct pair pair;
	unsigned char seed[SECRET], open[sizeof pair.open];
	join(round, gone, pair.secret);
	crypto_scalarmult_base(open, pair.secret);
	bool right = !memcmp(open, round->keys[gone].mask, sizeof open);
	for (int i = 0; i < SECAGG_MOST && right; i++)
		if (has(round->arrived, i)) {
			right = pair_agree(&pair, round->keys[i].mask, seed);
			mask_apply(round->sum, PARAMETERS, seed, gone < i);
		}
	return right;
}

static bool remove_masks(struct round *round)
{
	unsigned char seed[SECRET];
	for (int i = 0; i < SECAGG_MOST; i++)
		if (has(round->arrived, i)) {
			join(round, i, seed);
			mask_apply(round->sum, PARAMETERS, seed, false);
		} else if (has(round->shared, i) && !remove_pairs(round, i)) {
			return false;
		}
	return true;
}

static void add_up(struct round *round)
{
	memset(round->sum, 0, sizeof round->sum);
	for (int client = 0; client < SECAGG_MOST; client++)
		for (int i = 0; i < PARAMETERS && has(round->arrived, client); i++)
			round->sum[i] = (round->sum[i] + round->vectors[client][i]) & (SECAGG_RING - 1);
}

/* ---- what an onlooker who knows everything finds: the data is made from a seed, so the server can look for once ---- */

static double correlation(const uint32_t *a, const uint32_t *b)
{
	double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0, n = PARAMETERS;
	for (int i = 0; i < PARAMETERS; i++) {
		sum_a += a[i];
		sum_b += b[i];
	}
	for (int i = 0; i < PARAMETERS; i++) {
		double x = a[i] - sum_a / n, y = b[i] - sum_b / n;
		aa += x * x;
		bb += y * y;
		ab += x * y;
	}
	return ab / sqrt(aa * bb);
}

struct truth {
	uint32_t sum[PARAMETERS];       /* of the plain inputs of those whose result came */
	double correlation;             /* of a masked input with the plain one: its size, on average */
};

static void find_truth(const struct round *round, const struct data *data, struct truth *truth)
{
	uint32_t input[PARAMETERS];
	*truth = (struct truth){ .correlation = 0 };
	for (int client = 0; client < SECAGG_MOST; client++)
		if (has(round->arrived, client)) {
			input_of(data, (uint64_t)lpad_seed(round->node), &round->tasks[client], input);
			truth->correlation += fabs(correlation(input, round->vectors[client])) / size_of(round->arrived);
			for (int i = 0; i < PARAMETERS; i++)
				truth->sum[i] += input[i];
		}
}

static int differing(const uint32_t *a, const uint32_t *b)
{
	int count = 0;
	for (int i = 0; i < PARAMETERS; i++)
		count += a[i] != b[i];
	return count;
}

static void check_round(struct checks *checks, const struct round *round, const struct truth *truth, int hidden)
{
	char name[64];
	printf("round %" PRId64 ": %d clients had keys, %d shared, %d results, %d unmasked them\n", round->session,
		size_of(round->advertised), size_of(round->shared), size_of(round->arrived), size_of(round->told));
	snprintf(name, sizeof name, "round_%" PRId64 "_wrong_sums", round->session);
	checks_equal(checks, name, differing(round->sum, truth->sum), 0);
	snprintf(name, sizeof name, "round_%" PRId64 "_hidden_before", round->session);
	checks_least(checks, name, hidden, PARAMETERS - 3);     /* one of a million agrees by chance */
	snprintf(name, sizeof name, "round_%" PRId64 "_correlation", round->session);
	checks_most(checks, name, truth->correlation, 0.05);
}

/* 2n*aK + (5n-4)*aS + m*20 bits, n clients, keys of aK bits, shares of aS, m numbers: figure 6 and table 1 of the paper. */
static double formula(double clients, double key, double share, double numbers, double bits)
{
	return 2 * clients * key + (5 * clients - 4) * share + numbers * ceil(log2(clients * (pow(2, bits) - 1) + 1));
}

static int check_effort(struct checks *checks, const struct round *round)
{
	int clients = lpad_count(round->me->clients);
	double due = formula(clients, KEY_BITS, SHARE_BITS, PARAMETERS, 16), raw = 16.0 * PARAMETERS;
	lpad_message *reply = NULL;
	int code = lpad_call_to(round->me->clients, clients - 1, "effort", NULL, &reply, lpad_default());
	const struct effort *effort = code ? NULL : lpad_body(reply, sizeof *effort);
	if (effort) {
		printf("a client moves %.3f times the bits of its result; with nonces, tags and tasks %" PRId64 " bytes\n", (double)effort->bits / raw,
			effort->bytes);
		/* a result of exactly 20 bits per number as for ten clients; sums of more clients need more */
		checks_equal(checks, "bits_per_client", effort->bits, (int64_t)(due + (SECAGG_BITS - ceil(log2(clients * 65535.0 + 1))) * PARAMETERS));
	}
	lpad_free(reply);
	checks_near(checks, "formula_2_10_clients", formula(1024, 256, 256, pow(2, 20), 16) / (16 * pow(2, 20)), 1.73, 0.005);
	checks_near(checks, "formula_2_14_clients", formula(16384, 256, 256, pow(2, 24), 16) / (16 * pow(2, 24)), 1.98, 0.005);
	return code ? code : effort ? 0 : LPAD_EINVALID;
}

/* ---- rounds ---- */

/* The sum of all results that come, in round->sum. */
static int aggregate(struct round *round, const struct data *data, struct checks *checks)
{
	struct truth truth;
	int code = ask_all(round, "advertise", round->alive, ask_advertise, take_advertise, &round->advertised);
	code = code ? code : ask_all(round, "share", round->advertised, ask_share, take_share, &round->shared);
	code = code ? code : ask_all(round, "mask", round->shared, ask_mask, take_mask, &round->arrived);
	code = code ? code : ask_all(round, "unmask", round->arrived, ask_unmask, take_unmask, &round->told);
	if (code)
		return code;
	add_up(round);
	find_truth(round, data, &truth);
	int hidden = differing(round->sum, truth.sum);
	if (!remove_masks(round))
		return lpad_fail(round->node, "round %" PRId64 ": shares of a client that is gone do not fit its public key", round->session);
	round->alive = round->told;
	if (round->session <= DROP_ROUND)
		check_round(checks, round, &truth, hidden);
	return round->session == 1 ? check_effort(checks, round) : 0;
}

static int train(struct round *round, int place, const struct data *data, struct checks *checks)
{
	const struct run *run = (const struct run *)round->me->runs.at + place;
	uint64_t seed = (uint64_t)lpad_seed(round->node);
	struct stream start = stream_of(seed, 0), choice = stream_of(seed, 3000 + (uint64_t)place);
	int clients = lpad_count(round->me->clients), code = 0;
	int32_t ids[CHOSEN];
	float weights[PARAMETERS];
	mlp32_start(weights, HIDDEN, &start);
	for (int64_t number = 1; number <= round->me->rounds && !code; number++) {
		data_choose(&choice, ids);
		for (int i = 0; i < clients; i++) {
			round->tasks[i] = (struct task){ .run = place, .round = number, .split = run->split,
				.local = { run->epochs, run->batch, run->lr }, .count = 1, .ids = { ids[i % CHOSEN] } };
			memcpy(round->tasks[i].weights, weights, sizeof weights);
		}
		round->session++;
		code = aggregate(round, data, checks);
		if (!code) {
			input_mean(round->sum, size_of(round->arrived), weights);
			code = model_publish(round->me->model, round->me->runs.names[place], number, weights);
		}
	}
	return code;
}

int secure_server_run(lpad_node *node)
{
	const struct secure_server *me = lpad_state(node);
	struct checks checks = { 0 };
	struct round *round = calloc(1, sizeof *round);
	struct data *data = data_new((uint64_t)lpad_seed(node));
	int code = !round || !data || sodium_init() < 0 ? lpad_fail(node, "out of memory, or of random numbers") : 0;
	if (!code) {
		*round = (struct round){ .node = node, .me = me, .alive = (1u << lpad_count(me->clients)) - 1 };
		round->sealed = calloc(SECAGG_MOST, sizeof *round->sealed);
		round->vectors = calloc(SECAGG_MOST, sizeof *round->vectors);
		code = round->sealed && round->vectors ? 0 : lpad_fail(node, "out of memory");
	}
	for (size_t i = 0; i < me->runs.count && !code; i++)
		code = train(round, (int)i, data, &checks);
	if (!code)
		checks_equal(&checks, "clients_left", size_of(round->alive), lpad_count(me->clients) - me->drop);
	if (round) {
		free(round->sealed);
		free(round->vectors);
	}
	free(round);
	data_free(data);
	return code ? code : checks_code(&checks);
}
