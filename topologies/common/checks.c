/* SPDX-License-Identifier: MIT */
#include "checks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* One write, so that lines of nodes in one process do not mix; seen at once by whoever follows the run. */
static bool judge(struct checks *checks, bool pass, const char *name, const char *figures)
{
	printf("CHECK %s %s %s\n", name, figures, pass ? "PASS" : "FAIL");
	fflush(stdout);
	*(pass ? &checks->passed : &checks->failed) += 1;
	return pass;
}

enum { ROOM = 128 };

bool checks_near(struct checks *checks, const char *name, double measured, double expected, double tolerance)
{
	char figures[ROOM];
	snprintf(figures, sizeof figures, "%.6g %.6g %g", measured, expected, tolerance);
	return judge(checks, fabs(measured - expected) <= tolerance, name, figures);
}

bool checks_within(struct checks *checks, const char *name, double measured, double expected, double fraction)
{
	char figures[ROOM];
	snprintf(figures, sizeof figures, "%.6g %.6g %g%%", measured, expected, fraction * 100);
	return judge(checks, fabs(measured - expected) <= fraction * fabs(expected), name, figures);
}

bool checks_most(struct checks *checks, const char *name, double measured, double limit)
{
	char figures[ROOM];
	snprintf(figures, sizeof figures, "%.6g <=%.6g 0", measured, limit);
	return judge(checks, measured <= limit, name, figures);
}

bool checks_least(struct checks *checks, const char *name, double measured, double limit)
{
	char figures[ROOM];
	snprintf(figures, sizeof figures, "%.6g >=%.6g 0", measured, limit);
	return judge(checks, measured >= limit, name, figures);
}

bool checks_equal(struct checks *checks, const char *name, int64_t measured, int64_t expected)
{
	char figures[ROOM];
	snprintf(figures, sizeof figures, "%" PRId64 " %" PRId64 " 0", measured, expected);
	return judge(checks, measured == expected, name, figures);
}

int checks_code(const struct checks *checks)
{
	return checks->failed || !checks->passed;
}

uint64_t checks_digest(const void *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
	return hash;
}
