/* SPDX-License-Identifier: MIT */
/*
 * Vertical federated learning: two parties know other features of the same people. In each step a sends the part of the scores that
 * its features make, b adds its own, compares with the labels and returns the errors, and both step: two numbers per sample and
 * step, no features, no labels. (The errors do tell something of the labels: a real system would encrypt both.)
 */
#include <cblas.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "../common/checks.h"
#include "../common/glyphs.h"

enum { SIDE = 10, ROWS = GLYPHS_TRAIN };

/* Odd digit or even. */
static double label(int row)
{
	return glyph_class(row) % 2;
}

/* Columns first .. last-1 of each image, row by row, and the weights of what is in them; the last weight is the bias. */
struct model {
	int features;
	double *x;                      /* GLYPHS x features */
	double *weights, *gradient;     /* features + 1 */
};

static int model_make(lpad_node *node, struct model *model, int first, int last)
{
	struct glyphs *glyphs = glyphs_new();
	model->features = SIDE * (last - first);
	model->x = malloc(sizeof *model->x * (size_t)GLYPHS * (size_t)model->features);
	model->weights = calloc((size_t)model->features + 1, sizeof *model->weights);
	model->gradient = calloc((size_t)model->features + 1, sizeof *model->gradient);
	if (!glyphs || !model->x || !model->weights || !model->gradient) {
		free(glyphs);
		return lpad_fail(node, "out of memory");
	}
	double *at = model->x;
	for (int row = 0; row < GLYPHS; row++)
		for (int pixel = 0; pixel < GLYPH_PIXELS; pixel++)
			if (pixel % SIDE >= first && pixel % SIDE < last)
				*at++ = (double)glyphs->x[row][pixel];
	free(glyphs);
	return 0;
}

static void model_free(struct model *model)
{
	free(model->x);
	free(model->weights);
	free(model->gradient);
}

static void scores(const struct model *model, int first, int count, double *z)
{
	cblas_dgemv(CblasRowMajor, CblasNoTrans, count, model->features, 1, model->x + (size_t)first * (size_t)model->features,
		model->features, model->weights, 1, 0, z, 1);
	for (int i = 0; i < count; i++)
		z[i] += model->weights[model->features];
}

/* bias: whether this model has one that learns. */
static void learn(struct model *model, const double *errors, double lr, bool bias)
{
	double sum = 0;
	cblas_dgemv(CblasRowMajor, CblasTrans, ROWS, model->features, 1, model->x, model->features, errors, 1, 0, model->gradient, 1);
	for (int i = 0; i < model->features; i++)
		model->weights[i] -= lr / ROWS * model->gradient[i];
	for (int i = 0; i < ROWS && bias; i++)
		sum += errors[i];
	model->weights[model->features] -= lr / ROWS * sum;
}

static void to_errors(double *z)
{
	for (int i = 0; i < ROWS; i++)
		z[i] = 1 / (1 + exp(-z[i])) - label(i);
}

static lpad_message *weights_message(const struct model *model)
{
	return lpad_bytes(model->weights, ((size_t)model->features + 1) * sizeof *model->weights);
}

#define SETTINGS \
	int64_t steps, columns; \
	double lr; \
	struct model model
#define SETTINGS_PARAMS(T) \
	LPAD_INT(struct T, steps, "300", "1..", "of gradient descent over all samples"), \
	LPAD_INT(struct T, columns, "5", "1..9", "of each image that a sees"), \
	LPAD_REAL(struct T, lr, "1", "0..", "size of a step"), \
	LPAD_END

/* ---- a ---- */

struct a {
	SETTINGS;
	lpad_handle *partner;
	lpad_inbox *weights;
};

static int a_step(struct a *me, double *z)
{
	lpad_message *reply = NULL;
	scores(&me->model, 0, ROWS, z);
	int code = lpad_call_to(me->partner, 0, "errors", lpad_bytes(z, ROWS * sizeof *z), &reply, lpad_default());
	const double *errors = code ? NULL : lpad_body(reply, ROWS * sizeof *z);
	if (errors)
		learn(&me->model, errors, me->lr, false);
	lpad_free(reply);
	return code ? code : errors ? 0 : LPAD_EINVALID;
}

static int a_run(lpad_node *node)
{
	struct a *me = lpad_state(node);
	double *z = malloc(ROWS * sizeof *z);
	lpad_call *call;
	int code = z ? model_make(node, &me->model, 0, (int)me->columns) : lpad_fail(node, "out of memory");
	for (int64_t i = 0; i < me->steps && !code; i++)
		code = a_step(me, z);
	free(z);
	if (!code && !(code = lpad_next(me->weights, &call, lpad_never())))
		code = lpad_answer(call, weights_message(&me->model));
	model_free(&me->model);
	return code;
}

/* ---- b ---- */

struct b {
	SETTINGS;
	int64_t done;
	double *z;
	lpad_call *waiting;             /* for the last step */
};

static int b_init(lpad_node *node)
{
	struct b *me = lpad_state(node);
	me->z = malloc(ROWS * sizeof *me->z);
	return me->z ? model_make(node, &me->model, (int)me->columns, SIDE) : lpad_fail(node, "out of memory");
}

static void b_fini(lpad_node *node)
{
	struct b *me = lpad_state(node);
	model_free(&me->model);
	free(me->z);
}

static int errors(lpad_node *node, lpad_call *call)
{
	struct b *me = lpad_state(node);
	const double *theirs = lpad_body(lpad_request(call), ROWS * sizeof *theirs);
	if (!theirs)
		return LPAD_EINVALID;
	scores(&me->model, 0, ROWS, me->z);
	for (int i = 0; i < ROWS; i++)
		me->z[i] += theirs[i];
	to_errors(me->z);
	learn(&me->model, me->z, me->lr, true);
	if (++me->done == me->steps && me->waiting) {
		lpad_answer(me->waiting, weights_message(&me->model));
		me->waiting = NULL;
	}
	return lpad_answer(call, lpad_bytes(me->z, ROWS * sizeof *me->z));
}

static int weights(lpad_node *node, lpad_call *call)
{
	struct b *me = lpad_state(node);
	if (me->done >= me->steps)
		return lpad_answer(call, weights_message(&me->model));
	if (me->waiting)
		return lpad_refuse(call, LPAD_EBUSY, "somebody waits already");
	me->waiting = call;
	return LPAD_LATER;
}

static void weights_gone(lpad_node *node, lpad_call *call)
{
	struct b *me = lpad_state(node);
	if (me->waiting == call)
		me->waiting = NULL;
}

static int weights_held(lpad_node *node, lpad_call *call, char *text, size_t room)
{
	const struct b *me = lpad_state(node);
	(void)call;
	snprintf(text, room, "%" PRId64 " of %" PRId64 " steps", me->done, me->steps);
	return 0;
}

/* ---- judge ---- */

struct judge {
	SETTINGS;
	lpad_handle *a, *b;
};

static int fetch(lpad_handle *from, struct model *model)
{
	lpad_message *reply = NULL;
	size_t size = ((size_t)model->features + 1) * sizeof *model->weights;
	int code = lpad_call_to(from, 0, "weights", NULL, &reply, lpad_default());
	const double *weights = code ? NULL : lpad_body(reply, size);
	if (weights)
		memcpy(model->weights, weights, size);
	lpad_free(reply);
	return code ? code : weights ? 0 : LPAD_EINVALID;
}

static void train_alone(const struct judge *me, struct model *model, double *z)
{
	for (int64_t i = 0; i < me->steps; i++) {
		scores(model, 0, ROWS, z);
		to_errors(z);
		learn(model, z, me->lr, true);
	}
}

static double accuracy(const struct model *model)
{
	double z[GLYPHS_TEST];
	int right = 0;
	scores(model, GLYPHS_TRAIN, GLYPHS_TEST, z);
	for (int i = 0; i < GLYPHS_TEST; i++)
		right += (z[i] > 0) == (label(GLYPHS_TRAIN + i) > 0.5);
	return (double)right / GLYPHS_TEST;
}

/* The joint weight of a pixel is its party's. */
static double difference(const struct judge *me, const struct model *all, const struct model *a, const struct model *b)
{
	double most = fabs(all->weights[GLYPH_PIXELS] - b->weights[b->features]);
	int next_a = 0, next_b = 0;
	for (int pixel = 0; pixel < GLYPH_PIXELS; pixel++)
		most = fmax(most, fabs(all->weights[pixel]
			- (pixel % SIDE < me->columns ? a->weights[next_a++] : b->weights[next_b++])));
	return most;
}

static int compare(struct judge *me, struct model *a, struct model *b, double *z)
{
	struct model *all = &me->model;
	struct checks checks = { 0 };
	train_alone(me, all, z);
	double joint = accuracy(all), apart = difference(me, all, a, b);
	memset(b->weights, 0, ((size_t)b->features + 1) * sizeof *b->weights);
	train_alone(me, b, z);
	printf("%-24s %9s\n%-24s %8.2f%%\n%-24s %8.2f%%\n", "who", "accuracy", "both, or all in one place", 100 * joint, "b alone",
		100 * accuracy(b));
	printf("each sent %d numbers a step, %" PRId64 " in all\n", ROWS, 2 * ROWS * me->steps);
	checks_most(&checks, "difference_to_central", apart, 1e-12);
	checks_least(&checks, "joint_over_alone", joint - accuracy(b), 0.05);
	return checks_code(&checks);
}

static int judge_run(lpad_node *node)
{
	struct judge *me = lpad_state(node);
	struct model a = { 0 }, b = { 0 };
	double *z = malloc(ROWS * sizeof *z);
	int code = z ? model_make(node, &me->model, 0, SIDE) : lpad_fail(node, "out of memory");
	code = code ? code : model_make(node, &a, 0, (int)me->columns);
	code = code ? code : model_make(node, &b, (int)me->columns, SIDE);
	code = code ? code : fetch(me->a, &a);
	code = code ? code : fetch(me->b, &b);
	code = code ? code : compare(me, &a, &b, z);
	model_free(&me->model);
	model_free(&a);
	model_free(&b);
	free(z);
	return code;
}

/* ---- what they declare ---- */

static const lpad_param a_params[] = { SETTINGS_PARAMS(a) };
static const lpad_param b_params[] = { SETTINGS_PARAMS(b) };
static const lpad_param judge_params[] = { SETTINGS_PARAMS(judge) };
static const lpad_handle_decl a_handles[] = {
	LPAD_HANDLE(struct a, partner, LPAD_ONE, "errors", "who has the labels"),
	LPAD_END
};
static const lpad_method a_methods[] = {
	LPAD_INBOX(struct a, weights, "after the last step"),
	LPAD_END
};
static const lpad_method b_methods[] = {
	LPAD_METHOD(errors, "of everybody's sample, for the other party's scores"),
	LPAD_METHOD(weights, "after the last step", .gone = weights_gone, .held = weights_held),
	LPAD_END
};
static const lpad_handle_decl judge_handles[] = {
	LPAD_HANDLE(struct judge, a, LPAD_ONE, "weights", "a party"),
	LPAD_HANDLE(struct judge, b, LPAD_ONE, "weights", "the other one"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "a", .help = "has some of the features", .state = sizeof(struct a), .params = a_params, .handles = a_handles,
	  .methods = a_methods, .run = a_run },
	{ .name = "b", .help = "has the other features, and the labels", .state = sizeof(struct b), .params = b_params,
	  .methods = b_methods, .init = b_init, .fini = b_fini },
	{ .name = "judge", .help = "compares with one place that has it all", .state = sizeof(struct judge), .params = judge_params,
	  .handles = judge_handles, .run = judge_run });
