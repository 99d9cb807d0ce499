/* SPDX-License-Identifier: MIT */
/*
 * What a text means where it is used: YAML 1.2 core rules, durations, sizes. All return 0, or -1 with an error
 * whose text says what was expected ("a duration needs a unit: 10s, 10ms, 10m").
 */
#ifndef TOPOLOGY_SCALAR_H
#define TOPOLOGY_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

int scalar_int(const char *text, int64_t *out, struct error *error);            /* -12, +3, 0x1F, 0o17 */
int scalar_real(const char *text, double *out, struct error *error);            /* 1e-3, .5, .inf, -.inf, .nan, and every int */
int scalar_bool(const char *text, bool *out, struct error *error);              /* true True TRUE false False FALSE */
int scalar_duration(const char *text, int64_t *ns, struct error *error);        /* 500us 500ms 1.5s 10m 2h 1d; 0 alone is fine */
int scalar_size(const char *text, int64_t *bytes, struct error *error);         /* 64, 64B, 1KiB 64MiB 1GiB 1TiB, 1kB 1MB 1GB 1TB */
/* "LOW..HIGH", either may be missing. Checks `value` against it; `what` renders bounds (ints, durations in s, bytes). */
bool scalar_in_range(const char *range, double value);

#endif
