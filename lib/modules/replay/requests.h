/* SPDX-License-Identifier: MIT */
/*
 * What callers want, out of their messages; lpad-replay(7) has their forms. Whatever comes is checked here: types, ranks, lengths,
 * signs, overflow. All of it borrows from the message. Functions return 0, or a code with this thread's error set.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "inside.h"

/* Columns of a message, sorted by name as a pool's are. */
struct rows {
	size_t count;
	struct column *at;
	const unsigned char **data;
	int64_t rows;                   /* steps; 1 of an insert */
};

struct append {
	struct held held;
	struct append *next, *before;   /* of those of its stream that are held */
	struct stream *stream;
	bool begun;                     /* its steps are in; an earlier one of its stream has ended */
	struct rows columns;
	int64_t first, keep;            /* number of the first step; the oldest that later items may want */
	size_t count, done;             /* items; those dealt with */
	struct place **tables;          /* by number in this message */
	const int64_t *number, *first_step;
	const int32_t *table, *steps;
	const double *priority;
	uint64_t *keys;
};

struct keys {
	struct place *place;
	size_t count;
	const uint64_t *keys;
	const double *priorities;       /* NULL unless they were asked for */
	void *own[2];                   /* what of it does not lie in the message */
};

void rows_release(struct rows *columns);
void requests_free_append(struct append *append);
void requests_release_keys(struct keys *keys);

/* A plain insert: its columns, its table, its priority. */
int requests_insert(struct replay *me, const lpad_message *message, struct rows *columns, struct place **place, double *priority);
int requests_append(struct replay *me, const lpad_message *message, struct append **out);
/* The name of the stream that a message is about, and the writer's token; 0: it has none. */
int requests_stream(struct replay *me, const lpad_message *message, const char **name, uint64_t *writer);
int requests_sample(struct replay *me, const lpad_message *message, struct place **place, int64_t *count);
int requests_keys(struct replay *me, const lpad_message *message, bool priorities, struct keys *out);
int requests_table(struct replay *me, const lpad_message *message, struct place **place);

#endif
