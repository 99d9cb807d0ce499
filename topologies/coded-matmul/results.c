/* SPDX-License-Identifier: MIT */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "times.h"

static void mix(uint64_t *sum, double value)
{
	*sum = (*sum ^ (uint64_t)llround(value)) * 0x100000001b3u;
}

void result_add(struct result *result, double drawn, double measured, const double *y, const double *z)
{
	double most = 0, error = 0;
	for (int i = 0; i < ROWS; i++) {
		most = fmax(most, fabs(z[i]));
		error = fmax(error, fabs(y[i] - z[i]));
		mix(&result->product, y[i]);
		mix(&result->exact, z[i]);
	}
	result->worst = fmax(result->worst, error / most);
	result->drawn += drawn;
	result->measured += measured;
	result->trials++;
}

static const char *label(const struct code *code, char *room, size_t size)
{
	snprintf(room, size, "%s%d", code->replicated ? "replicated" : code->k == code->workers ? "uncoded" : "mds", code->k);
	return room;
}

static double mean(const struct result *result)
{
	return result->measured / result->trials;
}

/* Whether it is better than the other: by measured mean, or by the formula if mu is given. */
static const struct result *best(const struct result *results, int count, bool replicated, double mu)
{
	const struct result *found = NULL;
	for (const struct result *at = results; at < results + count; at++) {
		if (at->code.replicated != replicated)
			continue;
		bool better = !found || (mu > 0 ? times_expected(&at->code, mu) < times_expected(&found->code, mu) : mean(at) < mean(found));
		found = better ? at : found;
	}
	return found;
}

static const struct result *uncoded(const struct result *results, int count)
{
	for (const struct result *at = results; at < results + count; at++)
		if (!at->code.replicated && at->code.k == at->code.workers)
			return at;
	return NULL;
}

/* Times of a busy machine are not worth much: whoever reads them should know. */
static void print_load(void)
{
	double load;
	if (getloadavg(&load, 1) == 1)
		printf("load of this machine: %.1f on %ld processors\n", load, sysconf(_SC_NPROCESSORS_ONLN));
}

void results_print(const struct result *results, int count, double mu)
{
	const struct result *base = uncoded(results, count);
	char room[32];
	printf("%-14s %4s %8s %8s %8s %8s %9s %9s %9s\n", "code", "k", "trials", "formula", "drawn", "measured", "speed-up", "formula", "error");
	for (const struct result *at = results; at < results + count; at++) {
		double expected = times_expected(&at->code, mu);
		printf("%-14s %4d %8d %8.4f %8.4f %8.4f %9.3f %9.3f %9.1e\n", label(&at->code, room, sizeof room), at->code.k, at->trials, expected,
			at->drawn / at->trials, mean(at), base ? mean(base) / mean(at) : NAN,
			base ? times_expected(&base->code, mu) / expected : NAN, at->worst);
	}
	print_load();
}

static void check_product(const struct result *result, const char *code, struct checks *checks)
{
	char name[64];
	snprintf(name, sizeof name, "product_%s", code);
	checks_equal(checks, name, (int64_t)(result->product >> 1), (int64_t)(result->exact >> 1));
	snprintf(name, sizeof name, "decode_error_%s", code);
	checks_most(checks, name, result->worst, 1e-6);
}

/* Three standard errors, so that one seed in 370 fails by chance. */
static void check_draws(const struct result *result, const char *code, double mu, struct checks *checks)
{
	char name[64];
	snprintf(name, sizeof name, "drawn_%s", code);
	checks_near(checks, name, result->drawn / result->trials, times_expected(&result->code, mu),
		3 * times_deviation(&result->code, mu) / sqrt(result->trials));
}

static void check_times(const struct result *result, const struct result *base, const char *code, double mu, struct checks *checks)
{
	char name[64];
	snprintf(name, sizeof name, "measured_over_drawn_%s", code);
	checks_most(checks, name, result->measured / result->drawn, 1.06);
	if (!base || base == result || result->code.replicated)
		return;
	snprintf(name, sizeof name, "speedup_%s", code);
	checks_within(checks, name, mean(base) / mean(result), times_expected(&base->code, mu) / times_expected(&result->code, mu), 0.08);
}

static void check_best(const struct result *results, int count, double mu, struct checks *checks)
{
	const struct result *mds = best(results, count, false, 0), *copies = best(results, count, true, 0);
	if (mds && copies)
		checks_least(checks, "replication_over_best_mds", mean(copies) / mean(mds), 1);
	int codes = 0;
	for (int i = 0; i < count; i++)
		codes += !results[i].code.replicated;
	if (codes > 2)
		checks_near(checks, "best_k", mds->code.k, best(results, count, false, mu)->code.k, 1);
}

void results_check(const struct result *results, int count, double mu, bool timing, struct checks *checks)
{
	const struct result *base = uncoded(results, count);
	char room[32];
	for (const struct result *at = results; at < results + count; at++) {
		const char *code = label(&at->code, room, sizeof room);
		check_product(at, code, checks);
		check_draws(at, code, mu, checks);
		if (timing)
			check_times(at, base, code, mu, checks);
	}
	if (timing)
		check_best(results, count, mu, checks);
}
