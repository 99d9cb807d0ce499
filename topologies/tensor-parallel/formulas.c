/* SPDX-License-Identifier: MIT */
#include "formulas.h"

static struct costs of_line(int64_t p, int64_t a, int64_t b, int64_t c)
{
	return (struct costs){
		.forward = 2 * (p - 1) * (a * c / p),
		.forward_messages = 2 * (p - 1) * p,
		.held = a * b / p + b * c / p + a * c,
		.latency = 2 * (p - 1),
		.copies = { p, 1, 1 },
	};
}

static struct costs of_grid(int64_t q, int64_t d, int64_t a, int64_t b, int64_t c)
{
	int64_t x = a * b / (d * q * q), weights = b * c / (q * q), y = a * c / (d * q * q);
	return (struct costs){
		.forward = (q - 1) * (x + weights),
		.backward = 2 * (q - 1) * (x + weights) + 2 * (d - 1) * (weights / d),
		.forward_messages = 2 * q * q * d * (q - 1),
		.backward_messages = 4 * q * q * d * (q - 1) + 2 * (d - 1) * q * q * d,
		.held = x + weights + y,
		.latency = q,
		.copies = { 1, 1, d },
	};
}

struct costs formulas_costs(struct layout layout, int64_t a, int64_t b, int64_t c)
{
	return layout.q ? of_grid(layout.q, layout.d, a, b, c) : of_line(layout.processes, a, b, c);
}
