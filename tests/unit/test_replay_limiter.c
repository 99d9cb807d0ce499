/* SPDX-License-Identifier: MIT */
/* lpad/limiter.h beside a model that goes over the history of all events each time it is asked. */
#include <lpad/limiter.h>

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include <lpad/node.h>

#include "base/list.h"

/* ---- the model: the four parameters, and what has happened ---- */

struct event { enum { INSERTED, SAMPLED, DELETED } what; int64_t count; };

struct model {
	double spi, min_diff, max_diff;
	int64_t min_size;
	LIST(struct event) events;
};

struct totals { int64_t inserts, samples, size; };

static struct totals totals_of(const struct model *model, size_t events)
{
	struct totals totals = { 0 };
	for (size_t i = 0; i < events; i++) {
		const struct event *event = &model->events.at[i];
		totals.inserts += event->what == INSERTED;
		totals.samples += event->what == SAMPLED ? event->count : 0;
		totals.size += (event->what == INSERTED) - (event->what == DELETED);
	}
	return totals;
}

static bool may_insert(const struct model *model)
{
	struct totals now = totals_of(model, model->events.count);
	return now.size + 1 <= model->min_size || (double)(now.inserts + 1) * model->spi - (double)now.samples <= model->max_diff;
}

static bool may_sample(const struct model *model, int64_t count)
{
	struct totals now = totals_of(model, model->events.count);
	return now.size >= model->min_size && (double)now.inserts * model->spi - (double)now.samples - (double)count >= model->min_diff;
}

/* The error after each insert and each draw since there first were min_size items. */
static bool extremes(const struct model *model, double *least, double *most)
{
	struct totals now = { 0 };
	bool open = false;
	*least = *most = 0;
	for (size_t i = 0; i < model->events.count; i++) {
		const struct event *event = &model->events.at[i];
		now.inserts += event->what == INSERTED;
		now.samples += event->what == SAMPLED ? event->count : 0;
		now.size += (event->what == INSERTED) - (event->what == DELETED);
		if (event->what == DELETED || (!open && now.size < model->min_size))
			continue;
		double error = (double)now.inserts * model->spi - (double)now.samples - model->spi * (double)model->min_size;
		*least = open ? fmin(*least, error) : error;
		*most = open ? fmax(*most, error) : error;
		open = true;
	}
	return open;
}

/* ---- the forms ---- */

struct form {
	const char *name;
	lpad_limiter limiter;
	double spi, min_diff, max_diff; /* what it means, in numbers */
	int64_t min_size;
	bool deletes;
};

/* Where nothing but the limiter keeps the two apart, and its range is wide enough. */
static bool bounded(const struct form *form)
{
	return !form->deletes && isfinite(form->max_diff) && isfinite(form->min_diff);
}

static int form_count;
static struct form forms[64];

static void add_form(const char *name, lpad_limiter limiter, double spi, int64_t min_size, double min_diff, double max_diff)
{
	for (int deletes = 0; deletes < 2; deletes++)
		forms[form_count++] = (struct form){ name, limiter, spi, min_diff, max_diff, min_size, deletes };
}

static void make_forms(void)
{
	add_form("min_size 1", lpad_limiter_min_size(1), 1, 1, -INFINITY, INFINITY);
	add_form("min_size 20", lpad_limiter_min_size(20), 1, 20, -INFINITY, INFINITY);
	add_form("ratio 8", lpad_limiter_ratio(8, 10, 16), 8, 10, 64, 96);
	add_form("ratio 32", lpad_limiter_ratio(32, 5, 32), 32, 5, 128, 192);
	add_form("ratio 1.5", lpad_limiter_ratio(1.5, 7, 3), 1.5, 7, 7.5, 13.5);
	add_form("ratio 0.25", lpad_limiter_ratio(0.25, 12, 1), 0.25, 12, 2, 4);
	add_form("ratio 0.1", lpad_limiter_ratio(0.1, 30, 2), 0.1, 30, 0.1 * 30 - 2, 0.1 * 30 + 2);
	add_form("ratio 1/3", lpad_limiter_ratio(1.0 / 3, 4, 5), 1.0 / 3, 4, 1.0 / 3 * 4 - 5, 1.0 / 3 * 4 + 5);
	add_form("queue 1", lpad_limiter_queue(1), 1, 1, 0, 1);
	add_form("queue, stack 10", lpad_limiter_queue(10), 1, 1, 0, 10);
	add_form("diffs", lpad_limiter_diffs(2, 3, -4, 11), 2, 3, -4, 11);
	add_form("half open", lpad_limiter_diffs(1, 5, -INFINITY, 9), 1, 5, -INFINITY, 9);
	add_form("open above", lpad_limiter_diffs(4, 2, 0, INFINITY), 4, 2, 0, INFINITY);
}

/* ---- both at once ---- */

static void compare(const struct form *form, const struct model *model, const lpad_limiter *limiter, int64_t count)
{
	struct totals now = totals_of(model, model->events.count);
	double least, most;
	ck_assert_int_eq(lpad_limiter_size(limiter), now.size);
	ck_assert_int_eq(limiter->inserts, now.inserts);
	ck_assert_int_eq(limiter->samples, now.samples);
	ck_assert_msg(lpad_limiter_can_insert(limiter) == may_insert(model), "%s: insert", form->name);
	ck_assert_msg(lpad_limiter_can_sample(limiter, count) == may_sample(model, count), "%s: sample of %lld", form->name, (long long)count);
	ck_assert(limiter->opened == extremes(model, &least, &most));
	ck_assert_double_eq(limiter->error_min, least);
	ck_assert_double_eq(limiter->error_max, most);
	ck_assert_msg(!bounded(form) || may_insert(model) || may_sample(model, 1), "%s: nothing may be done any more", form->name);
}

static void add_event(struct model *model, int what, int64_t count)
{
	*list_add(&model->events) = (struct event){ what, count };
}

static void operate(const struct form *form, struct model *model, lpad_limiter *limiter, lpad_rng *rng)
{
	uint64_t what = lpad_random_below(rng, form->deletes ? 5 : 4);
	int64_t count = lpad_random_below(rng, 4) ? 1 : 1 + (int64_t)lpad_random_below(rng, 20);
	compare(form, model, limiter, count);
	if (what < 2 && lpad_limiter_can_insert(limiter)) {
		lpad_limiter_inserted(limiter);
		add_event(model, INSERTED, 1);
	} else if ((what == 2 || what == 3) && lpad_limiter_can_sample(limiter, count)) {
		lpad_limiter_sampled(limiter, count);
		add_event(model, SAMPLED, count);
	} else if (what == 4 && lpad_limiter_size(limiter) > 0) {
		lpad_limiter_deleted(limiter);
		add_event(model, DELETED, 1);
	}
}

START_TEST(every_form_is_like_the_model)
{
	enum { ROUNDS = 40, OPERATIONS = 150 };
	const struct form *form = &forms[_i];
	lpad_rng rng = { 500 + (uint64_t)_i };
	ck_assert_double_eq(form->limiter.samples_per_insert, form->spi);
	ck_assert_double_eq(form->limiter.min_diff, form->min_diff);
	ck_assert_double_eq(form->limiter.max_diff, form->max_diff);
	ck_assert_int_eq(form->limiter.min_size, form->min_size);
	for (int round = 0; round < ROUNDS; round++) {  /* 6,000 of each of 26: 156,000 */
		struct model model = { .spi = form->spi, .min_diff = form->min_diff, .max_diff = form->max_diff, .min_size = form->min_size };
		lpad_limiter limiter = form->limiter;
		for (int i = 0; i < OPERATIONS; i++)
			operate(form, &model, &limiter, &rng);
		list_release(&model.events);
	}
}
END_TEST

/* What the ratio is for: greedy, lazy or random, samples stay within the buffer at every event, and both sides get on. */
START_TEST(the_ratio_is_held_at_every_event)
{
	static const struct { double spi; int64_t min_size; double buffer; } ratios[] = {
		{ 32, 1000, 3200 }, { 8, 100, 8 }, { 1, 50, 1 }, { 0.5, 64, 10 }, { 256, 1, 256 }
	};
	enum { EVENTS = 40000 };
	lpad_limiter limiter = lpad_limiter_ratio(ratios[_i].spi, ratios[_i].min_size, ratios[_i].buffer);
	lpad_rng rng = { 3 + (uint64_t)_i };
	bool both[2] = { false, false };
	int64_t events = 0;
	while (events < EVENTS) {
		bool insert = events < EVENTS / 3 || lpad_random_below(&rng, 3) == 0;
		if (events % 1000 > 700)
			insert = !insert;
		if (insert ? lpad_limiter_can_insert(&limiter) : lpad_limiter_can_sample(&limiter, 1))
			insert ? lpad_limiter_inserted(&limiter) : lpad_limiter_sampled(&limiter, 1);
		else
			both[insert] = true;
		events++;
		if (!limiter.opened)
			continue;
		ck_assert_double_le(fabs(lpad_limiter_error(&limiter)), ratios[_i].buffer);
		ck_assert(lpad_limiter_can_insert(&limiter) || lpad_limiter_can_sample(&limiter, 1));
	}
	ck_assert_msg(both[0] && both[1], "neither side was ever held back");
	ck_assert_double_le(limiter.error_max, ratios[_i].buffer);
	ck_assert_double_ge(limiter.error_min, -ratios[_i].buffer);
	ck_assert_double_gt(limiter.error_max - limiter.error_min, 0);
}
END_TEST

/* A queue of so many: filled, drained, never more, and no sample of what is not there. */
START_TEST(a_queue_holds_so_many)
{
	lpad_limiter limiter = lpad_limiter_queue(3);
	ck_assert(!lpad_limiter_can_sample(&limiter, 1));
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 3; i++) {
			ck_assert(lpad_limiter_can_insert(&limiter));
			lpad_limiter_inserted(&limiter);
		}
		ck_assert(!lpad_limiter_can_insert(&limiter));
		ck_assert(lpad_limiter_can_sample(&limiter, 3) && !lpad_limiter_can_sample(&limiter, 4));
		for (int i = 0; i < 3; i++) {
			lpad_limiter_sampled(&limiter, 1);
			lpad_limiter_deleted(&limiter);
		}
		ck_assert(!lpad_limiter_can_sample(&limiter, 1));
		ck_assert_int_eq(lpad_limiter_size(&limiter), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_limiter");
	TCase *all = tcase_create("all");
	make_forms();
	tcase_set_timeout(all, 200);
	tcase_add_loop_test(all, every_form_is_like_the_model, 0, form_count);
	tcase_add_loop_test(all, the_ratio_is_held_at_every_event, 0, 5);
	tcase_add_test(all, a_queue_holds_so_many);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
