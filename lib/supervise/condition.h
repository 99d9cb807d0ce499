/* SPDX-License-Identifier: MIT */
/* What `lpad wait --until` waits for: "learner.loss < 0.1", "actor.return.max>=200", "actor/3 running". */
#ifndef SUPERVISE_CONDITION_H
#define SUPERVISE_CONDITION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "supervise/figures.h"

struct condition {
	struct figure figure;           /* `metric` NULL: a state is waited for */
	int operator;
	double number;
	char *state;
};

/* Blanks are free. -1 with an error that says what a condition looks like. */
int condition_parse(const char *text, struct condition *out, struct error *error);
void condition_release(struct condition *condition);
/* Whether any replica that is meant has such a value: in what figures_of gives. NaN is less and greater than nothing. */
bool condition_met_by_figures(const struct condition *condition, const json_t *figures);
/* Whether any that is meant is in that state, by the answer of a supervisor to "status". */
bool condition_met_by_states(const struct condition *condition, const json_t *status);

#endif
