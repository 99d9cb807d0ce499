/* SPDX-License-Identifier: MIT */
/* counter: what all nodes have done, over all their lives. A caller's counts are those of its present life, and take the place of what
   it sent before; a new life of it begins at zero, on top of the ones before. Kept in its folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

enum { MOST_NAMES = 32, MOST_CALLERS = 4096, NAME = 64 };

static const double save_interval = 0.5;        /* seconds */

struct tally {
	char caller[NAME];
	int64_t incarnation;
	double before[MOST_NAMES], now[MOST_NAMES];     /* of lives that have ended, of this one */
};

struct counter {                /* under the node's lock */
	char names[MOST_NAMES][NAME];
	int name_count;
	struct tally *tallies;
	int64_t tally_count;
	bool changed;           /* since it was saved */
};

static int name_place(struct counter *me, const char *name)
{
	for (int i = 0; i < me->name_count; i++)
		if (!strcmp(me->names[i], name))
			return i;
	if (me->name_count == MOST_NAMES || strlen(name) >= NAME)
		return -1;
	snprintf(me->names[me->name_count], NAME, "%s", name);
	return me->name_count++;
}

static struct tally *tally_of(struct counter *me, const char *caller)
{
	for (int64_t i = 0; i < me->tally_count; i++)
		if (!strcmp(me->tallies[i].caller, caller))
			return &me->tallies[i];
	struct tally *wider = me->tally_count < MOST_CALLERS && strlen(caller) < NAME ?
		realloc(me->tallies, sizeof *wider * (size_t)(me->tally_count + 1)) : NULL;
	if (!wider)
		return NULL;
	me->tallies = wider;
	wider += me->tally_count++;
	memset(wider, 0, sizeof *wider);
	snprintf(wider->caller, NAME, "%s", caller);
	return wider;
}

/* ---- what is served ---- */

static void next_life(struct tally *tally, int incarnation)
{
	for (int i = 0; i < MOST_NAMES; i++) {
		tally->before[i] += tally->now[i];
		tally->now[i] = 0;
	}
	tally->incarnation = incarnation;
}

static int take_counts(lpad_node *node, struct counter *me, struct tally *tally, const lpad_message *request)
{
	for (int i = 0; i < lpad_tensor_count(request); i++) {
		lpad_tensor tensor;
		lpad_tensor_at(request, i, &tensor);
		const double *value = lpad_view(request, tensor.name, LPAD_F64, 0, NULL);
		int place = value ? name_place(me, tensor.name) : -1;
		if (!value)
			return LPAD_EINVALID;
		if (place < 0)
			return lpad_fail(node, "count %s: %d names of less than %d characters are counted", tensor.name, MOST_NAMES, NAME);
		tally->now[place] = *value;
	}
	me->changed = true;
	return 0;
}

static int count_locked(lpad_node *node, struct counter *me, lpad_call *call)
{
	int incarnation = lpad_caller_incarnation(call);
	struct tally *tally = tally_of(me, lpad_caller(call));
	if (!tally)
		return lpad_fail(node, "%s: %d callers are counted", lpad_caller(call), MOST_CALLERS);
	if (incarnation < tally->incarnation)
		return 0;               /* last words of one that has a successor; little is lost */
	if (incarnation > tally->incarnation)
		next_life(tally, incarnation);
	return take_counts(node, me, tally, lpad_request(call));
}

static int count(lpad_node *node, lpad_call *call)
{
	lpad_lock(node);
	int code = count_locked(node, lpad_state(node), call);
	lpad_unlock(node);
	return code ? code : lpad_answer(call, NULL);
}

static void join_callers(const struct counter *me, lpad_message *message)
{
	size_t room = (size_t)me->tally_count * (NAME + 1) + 1;
	char *text = calloc(1, room), *end = text;
	for (int64_t i = 0; text && i < me->tally_count; i++)
		end += snprintf(end, room - (size_t)(end - text), "%s%s", i ? "," : "", me->tallies[i].caller);
	lpad_set_meta(message, "callers", text ? text : "");
	free(text);
}

static lpad_message *counts_locked(const struct counter *me)
{
	lpad_tensor tensors[MOST_NAMES];
	for (int i = 0; i < me->name_count; i++)
		tensors[i] = (lpad_tensor){ .name = me->names[i], .type = LPAD_F64, .rank = 1, .shape = { me->tally_count } };
	lpad_message *message = lpad_tensors(me->name_count, tensors);
	join_callers(me, message);
	for (int i = 0; i < me->name_count; i++) {
		double *values = lpad_data(message, me->names[i]);
		for (int64_t j = 0; j < me->tally_count; j++)
			values[j] = me->tallies[j].before[i] + me->tallies[j].now[i];
	}
	return message;
}

static int counts(lpad_node *node, lpad_call *call)
{
	lpad_lock(node);
	lpad_message *message = counts_locked(lpad_state(node));
	lpad_unlock(node);
	return lpad_answer(call, message);
}

/* ---- what is kept ---- */

static void saved_in(lpad_node *node, char *path, size_t room)
{
	snprintf(path, room, "%s/counts.safetensors", lpad_folder(node));
}

static lpad_message *image_locked(struct counter *me)
{
	int64_t size = (int64_t)sizeof *me->tallies * me->tally_count;
	lpad_message *message = lpad_tensors(2, (lpad_tensor[]){
		{ .name = "names", .type = LPAD_U8, .rank = 2, .shape = { me->name_count, NAME } },
		{ .name = "tallies", .type = LPAD_U8, .rank = 1, .shape = { size } } });
	memcpy(lpad_data(message, "names"), me->names, (size_t)me->name_count * NAME);
	if (size)
		memcpy(lpad_data(message, "tallies"), me->tallies, (size_t)size);
	me->changed = false;
	return message;
}

static int save(lpad_node *node)
{
	struct counter *me = lpad_state(node);
	char path[4096];
	lpad_message *image = NULL;
	saved_in(node, path, sizeof path);
	lpad_lock(node);
	if (me->changed)
		image = image_locked(me);
	lpad_unlock(node);
	int code = image ? lpad_save(image, path) : 0;
	lpad_free(image);
	return code;
}

static int restore(lpad_node *node, struct counter *me, const lpad_message *image, const char *path)
{
	lpad_tensor names = { 0 }, tallies = { 0 };
	if (lpad_tensor_count(image) != 2 || lpad_tensor_at(image, 0, &names) || lpad_tensor_at(image, 1, &tallies)
	    || names.rank != 2 || names.shape[0] > MOST_NAMES || names.shape[1] != NAME
	    || tallies.rank != 1 || tallies.shape[0] % (int64_t)sizeof *me->tallies)
		return lpad_fail(node, "%s: not what a counter saves", path);
	me->name_count = (int)names.shape[0];
	me->tally_count = tallies.shape[0] / (int64_t)sizeof *me->tallies;
	memcpy(me->names, lpad_view(image, names.name, LPAD_U8, 2, names.shape), (size_t)names.shape[0] * NAME);
	me->tallies = malloc((size_t)tallies.shape[0] + 1);
	memcpy(me->tallies, lpad_view(image, tallies.name, LPAD_U8, 1, tallies.shape), (size_t)tallies.shape[0]);
	return 0;
}

static int init(lpad_node *node)
{
	char path[4096];
	lpad_message *image;
	saved_in(node, path, sizeof path);
	int code = lpad_load(path, &image);
	if (code)
		return code == LPAD_ENOTFOUND ? 0 : code;       /* nothing was counted yet */
	code = restore(node, lpad_state(node), image, path);
	lpad_free(image);
	return code;
}

static int run(lpad_node *node)
{
	int code = 0;
	while (!code && lpad_wait_stop(node, lpad_in(save_interval)) == LPAD_ETIMEDOUT)
		code = save(node);
	return code;
}

static void fini(lpad_node *node)
{
	struct counter *me = lpad_state(node);
	if (save(node))
		lpad_log(node, "%s", lpad_error());
	free(me->tallies);
}

static const lpad_method methods[] = {
	LPAD_METHOD(count, "what the caller has done in this life: numbers by name", .idempotent = true),
	LPAD_METHOD(counts, "everything, by name; in the order of `callers`", .idempotent = true),
	LPAD_END
};

LPAD_MODULE({ .name = "counter", .help = "what all nodes have done", .state = sizeof(struct counter), .methods = methods,
	.init = init, .run = run, .fini = fini, .service = true });
