/* SPDX-License-Identifier: MIT */
/* The codes of topologies/coded-matmul: whichever k workers answer, the product is the same. */
#include "coded-matmul/matmul.c"

#include <check.h>
#include <stdlib.h>

enum { WORKERS = 10 };

static double a[ROWS * COLUMNS], x[COLUMNS], product[ROWS], parts[WORKERS][ROWS];

/* What every worker would answer. */
static void make(struct code *code, bool replicated, int k, uint64_t seed)
{
	double *block = malloc(sizeof a);
	ck_assert_ptr_nonnull(block);
	code_init(code, replicated, k, WORKERS, seed);
	matmul_matrix(seed, a);
	matmul_vector(seed, 3, x);
	matmul_product(a, ROWS, x, product);
	for (int i = 0; i < WORKERS; i++) {
		code_block(code, i, a, block);
		matmul_product(block, code_rows(code), x, parts[i]);
	}
	free(block);
}

static void decode(const struct code *code, unsigned set)
{
	static struct answers answers;
	bool enough = false;
	answers.count = 0;
	for (int i = WORKERS - 1; i >= 0; i--)          /* the random sums first */
		if (set >> i & 1)
			enough = code_take(code, &answers, i, parts[i]);
	ck_assert(enough);
	code_solve(code, &answers);
	int wrong = 0;
	for (int i = 0; i < ROWS; i++)
		wrong += !(fabs(answers.y[i] - product[i]) < 1e-4);     /* of thousands; what is not a number is wrong */
	ck_assert_msg(wrong == 0, "set %x: %d rows", set, wrong);
}

static const struct {
	int k, seed;
} rows[] = { { 10, 1 }, { 9, 1 }, { 7, 1 }, { 7, 2 }, { 6, 1 }, { 5, 1 }, { 5, 2 }, { 5, 3 }, { 4, 1 }, { 1, 1 } };

START_TEST(test_any_k_are_enough)
{
	struct code code;
	int k = rows[_i].k, sets = 0;
	make(&code, false, k, (uint64_t)rows[_i].seed);
	for (unsigned set = 0; set < 1u << WORKERS; set++)
		if (__builtin_popcount(set) == k) {
			decode(&code, set);
			sets++;
		}
	ck_assert_int_ge(sets, 1);
}
END_TEST

/* Blocks 0 .. 4 twice: five answers are enough only if they are of all blocks. */
START_TEST(test_replication)
{
	struct code code;
	struct answers answers = { 0 };
	make(&code, true, 5, 1);
	decode(&code, 0x1f);
	decode(&code, 0x3e0);
	decode(&code, 0x155);
	for (int i = 0; i < 4; i++)
		ck_assert(!code_take(&code, &answers, i, parts[i]) && !code_take(&code, &answers, i + 5, parts[i + 5]));
	ck_assert_int_eq(answers.count, 4);
	ck_assert(code_take(&code, &answers, 9, parts[9]));
}
END_TEST

START_TEST(test_possible)
{
	struct code code;
	struct answers answers = { .count = 2, .from = { 0, 6 } };
	bool coming[WORKERS] = { [2] = true, [3] = true };
	code_init(&code, false, 5, WORKERS, 1);
	ck_assert(!code_possible(&code, &answers, coming));
	coming[9] = true;
	ck_assert(code_possible(&code, &answers, coming));
	code_init(&code, true, 5, WORKERS, 1);
	ck_assert(code_possible(&code, &answers, coming));      /* 0, 1 (of 6), 2, 3, 4 (of 9) */
	coming[9] = false;
	coming[7] = true;
	ck_assert(!code_possible(&code, &answers, coming));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codes");
	TCase *tests = tcase_create("codes");
	tcase_add_loop_test(tests, test_any_k_are_enough, 0, (int)(sizeof rows / sizeof rows[0]));
	tcase_add_test(tests, test_replication);
	tcase_add_test(tests, test_possible);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
