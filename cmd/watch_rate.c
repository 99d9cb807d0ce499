/* SPDX-License-Identifier: MIT */
/* How many messages come over a topic, as a line each second. Those that were missed are counted by their numbers. */
#include <stdio.h>

#include "base/clock.h"
#include "watching.h"

static void add_row(void *context, const struct port_counters *row)
{
	struct tally *tally = context;
	tally->published += row->published;
	tally->bytes += row->bytes;
	tally->missed += row->dropped + row->lost;
}

struct tally watch_tally(struct link *link)
{
	struct tally tally = { 0 };
	link_counters(link, add_row, &tally);
	return tally;
}

/* "1.50 MB" */
static void scaled(char *out, size_t room, double value)
{
	static const char *const units[] = { "B", "kB", "MB", "GB" };
	size_t unit = 0;
	for (; value >= 1000 && unit < 3; unit++)
		value /= 1000;
	snprintf(out, room, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
}

static void print(const struct watching *watching, const struct tally *now, const struct tally *before, double seconds)
{
	long long messages = now->published - before->published, bytes = now->bytes - before->bytes,
		missed = now->missed - before->missed;
	char rate[32];
	scaled(rate, sizeof rate, (double)bytes / seconds);
	if (watching->json)
		printf("{\"node\":\"%s\",\"topic\":\"%s\",\"seconds\":%.3f,\"messages\":%lld,\"bytes\":%lld,\"missed\":%lld,"
			"\"messages_per_second\":%.1f,\"bytes_per_second\":%.0f}\n", watching->node, watching->port, seconds, messages,
			bytes, missed, (double)messages / seconds, (double)bytes / seconds);
	else
		printf("%s  %.1f messages/s  %s/s  missed %lld\n", watching->target, (double)messages / seconds, rate, missed);
}

/* Bodies are not looked at: those of a message that was missed are in no count of bytes. */
int watch_rate(struct watching *watching, struct link *link, lpad_subscription *subscription)
{
	struct tally before = { 0 };
	int64_t since = clock_ns(), due = since + watching->interval_ns;
	for (;;) {
		struct observation seen;
		int64_t deadline = due < watching->until_ns ? due : watching->until_ns;
		int code = subscription_observe(subscription, &seen, false, (lpad_deadline){ deadline });
		int64_t now = clock_ns();
		bool last = code && code != LPAD_ETIMEDOUT;
		if (now >= due || (last && watch_tally(link).published > before.published)) {
			struct tally tally = watch_tally(link);
			print(watching, &tally, &before, (double)(now - since) / 1e9);
			before = tally;
			since = now;
			due = now + watching->interval_ns;
			if (watching_enough(watching))
				return 0;
		}
		if (last || (code && now >= watching->until_ns))
			return code;
	}
}
