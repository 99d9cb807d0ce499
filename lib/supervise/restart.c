/* SPDX-License-Identifier: MIT */
#include "supervise/restart.h"

#include <stdio.h>
#include <string.h>

static const int64_t FIRST_DOUBLING = 1000000;  /* what no wait at all grows to */

static void forget_before(struct restart_history *history, int64_t ns)
{
	size_t old = 0;
	while (old < history->failures.count && history->failures.at[old] <= ns)
		old++;
	history->failures.count -= old;
	memmove(history->failures.at, history->failures.at + old, history->failures.count * sizeof history->failures.at[0]);
}

/* low, 2 low, 4 low, ... up to high. */
static int64_t whole_wait(const struct policy *policy, int doublings)
{
	int64_t wait = policy->backoff_low_ns;
	for (int i = 0; i < doublings && wait < policy->backoff_high_ns; i++)
		wait = !wait ? FIRST_DOUBLING : wait > policy->backoff_high_ns / 2 ? policy->backoff_high_ns : wait * 2;
	return wait < policy->backoff_high_ns ? wait : policy->backoff_high_ns;
}

/* Between half of it and all of it: what died together does not come back together. */
static int64_t with_jitter(int64_t whole, uint64_t random)
{
	int64_t half = whole / 2;
	return whole - (int64_t)(random % (uint64_t)(whole - half + 1));
}

struct restart_verdict restart_judge(struct restart_history *history, const struct policy *policy, int64_t now_ns,
	int64_t healthy_ns, uint64_t random)
{
	if (history->failures.count)
		forget_before(history, now_ns - policy->within_ns);
	if (healthy_ns >= policy->within_ns)
		history->doublings = 0;
	*list_add(&history->failures) = now_ns;
	int64_t whole = whole_wait(policy, history->doublings);
	if (whole < policy->backoff_high_ns)
		history->doublings++;
	int failures = (int)history->failures.count;
	return (struct restart_verdict){ .failures = failures, .wait_ns = with_jitter(whole, random),
		.again = policy->restarts < 0 || failures <= policy->restarts };
}

void restart_shift(struct restart_history *history, int64_t by_ns)
{
	for (size_t i = 0; i < history->failures.count; i++)
		history->failures.at[i] += by_ns;
}

void restart_release(struct restart_history *history)
{
	list_release(&history->failures);
}

void restart_span(char out[32], int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = { { 3600000000000, "h" }, { 60000000000, "m" }, { 1000000000, "s" }, { 1000000, "ms" } };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (ns && ns % units[i].ns == 0) {
			snprintf(out, 32, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
			return;
		}
	snprintf(out, 32, "%g s", (double)ns / 1e9);
}
