/* SPDX-License-Identifier: MIT */
/*
 * What a reproduction claims, one line each: `CHECK name measured expected tolerance PASS|FAIL`. Start with a zeroed struct; each
 * function prints its line, remembers a failure and returns whether it passed. What is not a number fails. At the end
 * `return checks_code(&checks)` from run is the exit code.
 */
#ifndef COMMON_CHECKS_H
#define COMMON_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct checks {
	int passed, failed;
};

bool checks_near(struct checks *checks, const char *name, double measured, double expected, double tolerance);
/* Within a fraction of what is expected: 0.08 is printed as 8%. */
bool checks_within(struct checks *checks, const char *name, double measured, double expected, double fraction);
/* Bounds: `expected` is printed as <=limit, >=limit, the tolerance as 0. */
bool checks_most(struct checks *checks, const char *name, double measured, double limit);
bool checks_least(struct checks *checks, const char *name, double measured, double limit);
/* Counts, exactly. */
bool checks_equal(struct checks *checks, const char *name, int64_t measured, int64_t expected);

/* 0 if there was a check and all passed, else 1. */
int checks_code(const struct checks *checks);

/* 64-bit FNV-1a: two runs that print the same have the same data, bit by bit. */
uint64_t checks_digest(const void *data, size_t size);

#endif
