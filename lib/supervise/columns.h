/* SPDX-License-Identifier: MIT */
/*
 * What can be shown of a run in a column: run, state, exit, status, name, seed, time, started, nodes, folder, record,
 * vars.NAME, and NODE.METRIC (figures.h).
 */
#ifndef SUPERVISE_COLUMNS_H
#define SUPERVISE_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "supervise/figures.h"
#include "supervise/runs.h"

struct column {
	char *name;                     /* as given */
	int field;                      /* place in the table of fields; -1: one of the next two */
	const char *variable;           /* in `name`; NULL: none */
	struct figure figure;
};
struct columns {
	LIST(struct column) list;
};
/* One run, and all that is known of it. */
struct row {
	struct run *run;
	const json_t *status;           /* its supervisor's answer; NULL: none */
	json_t *figures;                /* of figures_of; NULL: no column wants them */
};

/* Names between commas are added. -1 with an error: one of them is no column. */
int columns_add(struct columns *columns, const char *list, struct error *error);
void columns_release(struct columns *columns);
bool columns_want_figures(const struct columns *columns);
/* -1 with an error: no run has such a variable, node or metric, which is no wonder only before it was reported. */
int columns_check(const struct columns *columns, const struct row *rows, size_t count, struct error *error);
bool column_is_number(const struct column *column);

/* For JSON: new reference; null: the run has none. */
json_t *column_value(const struct column *column, const struct row *row);
/* For people. Caller frees. */
char *column_text(const struct column *column, const struct row *row);
/* As for qsort; numbers by value, texts with the numbers in them by value, what is not there last in either direction. */
int column_compare(const json_t *a, const json_t *b, bool descending);

#endif
