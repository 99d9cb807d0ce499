/* SPDX-License-Identifier: MIT */
/*
 * What two runs have not in common: variables, the topology with its parameters, the files that they were made of, where they ran,
 * and what came of it. Times, process numbers and use of the machine differ always, and are left out.
 */
#ifndef SUPERVISE_COMPARE_H
#define SUPERVISE_COMPARE_H

#include <jansson.h>

#include "supervise/runs.h"

/* All that is compared, of each thing by name: {"run": {"vars.lr": "0.1"}, "learner": {"learner.params.lr": 0.1}, "learner/0":
   {"learner/0.loss.last": 0.25}, "a.b -> c": {...}}. New reference. */
json_t *compare_facts(struct run *run);
/* Of two of these: [{"what": "vars.lr", "a": "0.1", "b": "0.01"}, ...]; a or b is missing where a run has it not. Of a thing that only
   one run has, no more than that: {"what": "learner/1", "a": true}. New reference. */
json_t *compare_differences(const json_t *a, const json_t *b);

#endif
