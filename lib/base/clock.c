/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

struct timespec clock_timespec(int64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME) / 1000000;
}

void clock_stamp(char out[32], int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	gmtime_r(&seconds, &parts);
	size_t used = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out + used, 32 - used, ".%03dZ", (int)(wall_ms % 1000));
}

void clock_span(char out[32], int64_t ms)
{
	long long tenths = (ms + 50) / 100, s = (ms + 500) / 1000, minutes = (s + 30) / 60;
	if (ms < 1000)
		snprintf(out, 32, "%lld ms", (long long)ms);
	else if (tenths < 100 && tenths % 10)
		snprintf(out, 32, "%lld.%lld s", tenths / 10, tenths % 10);
	else if (s < 60)
		snprintf(out, 32, "%lld s", s);
	else if (s < 3600)
		snprintf(out, 32, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(out, 32, "%lld h %lld min", minutes / 60, minutes % 60);
}
