/* SPDX-License-Identifier: MIT */
/* Each kind of selector beside a plain model of it; what it draws, by chi-square; what it costs, in counted steps. */
#include "modules/replay/selector.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { SLOTS = 300 };

static const double exponents[] = { 0, 0.6, 1, 2 };

/* ---- the model: every item is looked at every time ---- */

struct model {
	enum selector_kind kind;
	double exponent;
	uint32_t count;
	uint64_t newest;
	struct { bool in; double priority; uint64_t age; } items[SLOTS];
};

static double weight(const struct model *model, uint32_t slot)
{
	double weight = pow(model->items[slot].priority, model->exponent);
	return weight < DBL_MAX / 8589934592.0 ? weight : DBL_MAX / 8589934592.0;
}

static bool better(const struct model *model, uint32_t a, uint32_t b)
{
	bool older = model->items[a].age < model->items[b].age;
	double one = model->items[a].priority, other = model->items[b].priority;
	switch (model->kind) {
	case SELECTOR_FIFO: return older;
	case SELECTOR_LIFO: return !older;
	case SELECTOR_MIN_HEAP: return one < other || (one == other && older);
	default: return one > other || (one == other && older);
	}
}

static uint32_t best(const struct model *model)
{
	uint32_t best = SLOTS;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (model->items[slot].in && (best == SLOTS || better(model, slot, best)))
			best = slot;
	return best;
}

static double chance(const struct model *model, uint32_t slot)
{
	double sum = 0;
	for (uint32_t i = 0; i < SLOTS && model->kind == SELECTOR_PRIORITIZED; i++)
		sum += model->items[i].in ? weight(model, i) : 0;
	return sum > 0 ? weight(model, slot) / sum : 1.0 / model->count;
}

static void check_pick(const struct model *model, struct selector *selector, lpad_rng *rng)
{
	double probability = -1;
	uint32_t slot = selector_pick(selector, rng, &probability);
	ck_assert_uint_lt(slot, SLOTS);
	ck_assert(model->items[slot].in);
	if (model->kind == SELECTOR_UNIFORM || model->kind == SELECTOR_PRIORITIZED) {
		double expected = chance(model, slot);
		ck_assert_msg(expected > 0, "slot %u can not be drawn", slot);
		ck_assert_double_eq_tol(probability / expected, 1, 1e-12);
	} else {
		ck_assert_uint_eq(slot, best(model));
		ck_assert_double_eq(probability, 1);
	}
}

/* ---- random operations ---- */

static double some_priority(lpad_rng *rng)
{
	static const double special[] = { 0, 0, 1, 1, 2, 1e-300, 5e-324, 1e300, DBL_MAX };
	uint64_t which = lpad_random_below(rng, 40);
	if (which < sizeof special / sizeof *special)
		return special[which];
	return which < 20 ? (double)lpad_random_below(rng, 5) : lpad_random_real(rng) * 10;
}

static uint32_t some_slot(const struct model *model, lpad_rng *rng, bool in)
{
	uint32_t slot;
	do
		slot = (uint32_t)lpad_random_below(rng, SLOTS);
	while (model->items[slot].in != in);
	return slot;
}

static void insert(struct model *model, struct selector *selector, lpad_rng *rng)
{
	uint32_t slot = some_slot(model, rng, false);
	model->items[slot].in = true;
	model->items[slot].priority = some_priority(rng);
	model->items[slot].age = model->newest++;
	model->count++;
	selector_insert(selector, slot, model->items[slot].priority);
}

static void operate(struct model *model, struct selector *selector, lpad_rng *rng, bool growing)
{
	uint64_t what = lpad_random_below(rng, 8);
	if (what < (growing ? 4u : 1u)) {
		if (model->count < SLOTS)
			insert(model, selector, rng);
	} else if (!model->count) {
		return;
	} else if (what < 5) {
		uint32_t slot = some_slot(model, rng, true);
		model->items[slot].in = false;
		model->count--;
		selector_remove(selector, slot);
	} else if (what < 6) {
		uint32_t slot = some_slot(model, rng, true);
		model->items[slot].priority = some_priority(rng);
		selector_update(selector, slot, model->items[slot].priority);
	} else {
		check_pick(model, selector, rng);
	}
}

/* One of each kind but prioritized, and that one with each exponent. */
enum { VARIANTS = 5 + sizeof exponents / sizeof *exponents };

static enum selector_kind kind_of(int variant)
{
	static const enum selector_kind others[] = { SELECTOR_FIFO, SELECTOR_LIFO, SELECTOR_UNIFORM, SELECTOR_MIN_HEAP, SELECTOR_MAX_HEAP };
	return variant < 5 ? others[variant] : SELECTOR_PRIORITIZED;
}

static double exponent_of(int variant)
{
	return variant < 5 ? 1 : exponents[variant - 5];
}

START_TEST(every_kind_is_like_its_model)
{
	enum { OPERATIONS = 150000, PHASE = 1000 };
	struct model *model = memory_new(sizeof *model);
	struct selector *selector = selector_new(kind_of(_i), exponent_of(_i));
	lpad_rng rng = { 1000 + (uint64_t)_i };
	model->kind = kind_of(_i);
	model->exponent = exponent_of(_i);
	size_t emptied = 0, filled = 0;
	for (int i = 0; i < OPERATIONS; i++) {
		operate(model, selector, &rng, i % PHASE < PHASE * 2 / 5);
		ck_assert_uint_eq(selector_count(selector), model->count);
		emptied += !model->count;
		filled += model->count > 100;
	}
	ck_assert_uint_gt(emptied, 10);
	ck_assert_uint_gt(filled, OPERATIONS / 10);
	ck_assert_uint_gt(selector_memory(selector), SLOTS * 8);
	selector_free(selector);
	free(model);
}
END_TEST

/* ---- what is drawn ---- */

/* Chi-square that is exceeded once in 10,000 times (Wilson and Hilferty 1931). */
static double critical(int freedom)
{
	double part = 2.0 / (9.0 * freedom);
	return freedom * pow(1 - part + 3.719 * sqrt(part), 3);
}

enum { DRAWN = 60, DRAWS = 300000 };

/* So often each of DRAWN slots, some of which were away in between; every second reused. */
static void draw(enum selector_kind kind, double exponent, const double *priorities, uint64_t seed, double *counts, double *told)
{
	struct selector *selector = selector_new(kind, exponent);
	lpad_rng rng = { seed };
	for (uint32_t slot = 0; slot < DRAWN; slot++)
		selector_insert(selector, slot, 7);
	for (uint32_t slot = 0; slot < DRAWN; slot++)
		selector_remove(selector, (slot * 7) % DRAWN);
	for (uint32_t slot = DRAWN; slot--;)
		selector_insert(selector, slot, slot % 2 ? 3 : priorities[slot]);
	for (uint32_t slot = 1; slot < DRAWN; slot += 2)
		selector_update(selector, slot, priorities[slot]);
	for (int i = 0; i < DRAWS; i++) {
		double probability;
		uint32_t slot = selector_pick(selector, &rng, &probability);
		ck_assert_uint_lt(slot, DRAWN);
		counts[slot]++;
		told[slot] = probability;
	}
	selector_free(selector);
}

static double chi_square(const double *counts, const double *priorities, double exponent, int *freedom)
{
	double sum = 0, chi = 0;
	for (int i = 0; i < DRAWN; i++)
		sum += pow(priorities[i], exponent);
	*freedom = -1;
	for (int i = 0; i < DRAWN; i++) {
		double expected = DRAWS * pow(priorities[i], exponent) / sum;
		*freedom += expected > 0;
		chi += expected > 0 ? (counts[i] - expected) * (counts[i] - expected) / expected : 0;
	}
	return chi;
}

START_TEST(draws_have_their_distribution)
{
	double priorities[DRAWN], counts[DRAWN] = { 0 }, told[DRAWN] = { 0 }, sum = 0;
	enum selector_kind kind = _i ? SELECTOR_PRIORITIZED : SELECTOR_UNIFORM;
	double exponent = _i ? exponents[_i - 1] : 0;
	int freedom;
	for (int i = 0; i < DRAWN; i++) {
		priorities[i] = i % 10 == 4 ? 0 : 0.5 + i;
		sum += pow(priorities[i], exponent);
	}
	draw(kind, exponent, priorities, 77, counts, told);
	double chi = chi_square(counts, priorities, exponent, &freedom);
	ck_assert_msg(chi < critical(freedom), "chi-square %g of %d degrees of freedom", chi, freedom);
	ck_assert_int_eq(freedom, exponent == 0 ? DRAWN - 1 : DRAWN - DRAWN / 10 - 1);
	for (int i = 0; i < DRAWN; i++) {
		double share = pow(priorities[i], exponent) / sum;
		ck_assert_msg(share > 0 ? counts[i] > 0 : counts[i] == 0, "slot %d of %g was drawn %g times", i, share, counts[i]);
		ck_assert_double_eq_tol(told[i], share, 1e-15);
	}
	chi = chi_square(counts, priorities, exponent + 0.1, &freedom);
	ck_assert_msg(chi > critical(freedom), "another exponent would pass as well: chi-square %g", chi);
}
END_TEST

START_TEST(without_any_weight_each_is_alike)
{
	double zeros[DRAWN] = { 0 }, counts[DRAWN] = { 0 }, told[DRAWN] = { 0 };
	int freedom;
	draw(SELECTOR_PRIORITIZED, 0.6, zeros, 5, counts, told);
	double chi = chi_square(counts, zeros, 0, &freedom);
	ck_assert_msg(chi < critical(freedom), "chi-square %g of %d degrees of freedom", chi, freedom);
	for (int i = 0; i < DRAWN; i++)
		ck_assert_double_eq(told[i], 1.0 / DRAWN);
}
END_TEST

START_TEST(huge_priorities_leave_the_sum_finite)
{
	double huge[DRAWN], counts[DRAWN] = { 0 }, told[DRAWN] = { 0 };
	int freedom;
	for (int i = 0; i < DRAWN; i++)
		huge[i] = DBL_MAX;
	draw(SELECTOR_PRIORITIZED, 2, huge, 6, counts, told);
	double chi = chi_square(counts, huge, 0, &freedom);
	ck_assert_msg(chi < critical(freedom), "chi-square %g of %d degrees of freedom", chi, freedom);
	for (int i = 0; i < DRAWN; i++)
		ck_assert_double_eq_tol(told[i], 1.0 / DRAWN, 1e-15);
}
END_TEST

START_TEST(one_of_the_smallest_priority_is_drawn)
{
	struct selector *selector = selector_new(SELECTOR_PRIORITIZED, 1);
	lpad_rng rng = { 8 };
	selector_insert(selector, 3, 0);
	selector_insert(selector, 100, 5e-324);
	selector_insert(selector, 7, 0);
	for (int i = 0; i < 1000; i++) {
		double probability;
		ck_assert_uint_eq(selector_pick(selector, &rng, &probability), 100);
		ck_assert_double_eq(probability, 1);
	}
	selector_free(selector);
}
END_TEST

/* After a million changes over 24 orders of magnitude, exactly what a new one of the same priorities has. */
START_TEST(sums_do_not_drift)
{
	enum { COUNT = 1000, UPDATES = 1000000 };
	struct selector *old = selector_new(SELECTOR_PRIORITIZED, 1), *new = selector_new(SELECTOR_PRIORITIZED, 1);
	lpad_rng rng = { 9 }, one = { 10 }, other = { 10 };
	for (uint32_t slot = 0; slot < COUNT; slot++)
		selector_insert(old, slot, 1);
	for (int i = 0; i < UPDATES; i++)
		selector_update(old, (uint32_t)lpad_random_below(&rng, COUNT), exp(55 * lpad_random_real(&rng) - 27));
	for (uint32_t slot = 0; slot < COUNT; slot++) {
		double priority = slot % 3 ? 0 : 1e-9 * (slot + 1);
		selector_update(old, slot, priority);
		selector_insert(new, slot, priority);
	}
	for (int i = 0; i < 10000; i++) {
		double first, second;
		ck_assert_uint_eq(selector_pick(old, &one, &first), selector_pick(new, &other, &second));
		ck_assert(first == second);
	}
	selector_free(old);
	selector_free(new);
}
END_TEST

/* ---- what it costs ---- */

struct cost { double mean, most; };

static void measure(struct selector *selector, struct cost *cost, uint64_t *before)
{
	double work = (double)(selector_work(selector) - *before);
	*before = selector_work(selector);
	cost->mean += work;
	cost->most = work > cost->most ? work : cost->most;
}

/* Of each operation, in a selector of so many items; growing[0] is what the inserts cost that made it so large. */
static struct cost cost_of(int variant, uint32_t count, double *growing)
{
	enum { OPERATIONS = 20000 };
	struct selector *selector = selector_new(kind_of(variant), exponent_of(variant));
	struct cost cost = { 0 };
	lpad_rng rng = { 11 };
	for (uint32_t slot = 0; slot < count; slot++)
		selector_insert(selector, slot, lpad_random_real(&rng));
	*growing = (double)selector_work(selector) / count;
	uint64_t before = selector_work(selector);
	for (int i = 0; i < OPERATIONS; i++) {
		uint32_t slot = (uint32_t)lpad_random_below(&rng, count);
		double probability;
		selector_update(selector, slot, lpad_random_real(&rng));
		measure(selector, &cost, &before);
		selector_remove(selector, slot);
		measure(selector, &cost, &before);
		selector_insert(selector, slot, lpad_random_real(&rng));
		measure(selector, &cost, &before);
		selector_pick(selector, &rng, &probability);
		measure(selector, &cost, &before);
	}
	cost.mean /= 4 * OPERATIONS;
	selector_free(selector);
	return cost;
}

START_TEST(costs_grow_as_they_should)
{
	double small_growing, large_growing;
	struct cost small = cost_of(_i, 1000, &small_growing), large = cost_of(_i, 100000, &large_growing);
	bool constant = kind_of(_i) <= SELECTOR_UNIFORM;
	ck_assert_double_gt(small.mean, 0.5);
	if (constant) {
		ck_assert_double_le(large.most, 1);
		ck_assert_double_eq(large.mean, small.mean);
		ck_assert_double_le(large_growing, 3);
	} else {
		ck_assert_double_le(small.most, 10 + 2);        /* levels of 1,000; of 100,000 there are 17 */
		ck_assert_double_le(large.most, 17 + 2);
		ck_assert_double_le(large.mean / small.mean, 17.0 / 10);
		ck_assert_double_le(large_growing, 17 + 3);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay_selectors");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 200);
	tcase_add_loop_test(all, every_kind_is_like_its_model, 0, VARIANTS);
	tcase_add_loop_test(all, draws_have_their_distribution, 0, 1 + (int)(sizeof exponents / sizeof *exponents));
	tcase_add_test(all, without_any_weight_each_is_alike);
	tcase_add_test(all, huge_priorities_leave_the_sum_finite);
	tcase_add_test(all, one_of_the_smallest_priority_is_drawn);
	tcase_add_test(all, sums_do_not_drift);
	tcase_add_loop_test(all, costs_grow_as_they_should, 0, VARIANTS);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
