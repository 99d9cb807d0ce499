/* SPDX-License-Identifier: MIT */
/* Time: int64_t milliseconds or nanoseconds of CLOCK_MONOTONIC, and wall-clock texts. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

int64_t clock_ms(void);
int64_t clock_ns(void);
struct timespec clock_timespec(int64_t ns);             /* for pthread_cond_timedwait on CLOCK_MONOTONIC */
int64_t clock_wall_ms(void);                            /* since 1970 */
void clock_stamp(char out[32], int64_t wall_ms);        /* 2026-11-22T12:00:00.123Z */
/* "350 ms", "12 s", "3 min 20 s", "2 h 5 min" */
void clock_span(char out[32], int64_t ms);

#endif
