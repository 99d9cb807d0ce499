/* SPDX-License-Identifier: MIT */
/*
 * The node replay, between its files. In prose: lpad-replay(7).
 *
 *   settings.c  params -> tables, and what is contradictory     requests.c  messages -> what is wanted, all of it checked
 *   appends.c   a writer's calls, item by item                  waiting.c   who is held, and who goes on
 *   replies.c   what was drawn -> messages                      status.c    how it is: JSON, lines, numbers
 *   rows.c      columns of messages -> rows of steps            flat.c      JSON as people type it
 *   saving.c    checkpoints: when, where, for whom              why.c       why calls wait, and for whom
 *   replay.c    the module: methods, init, run, fini
 *
 * Callbacks run on the service thread; they and `run` use what is here under the node's lock, for a short time.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <stdio.h>

#include <lpad/node.h>

#include "stream.h"
#include "table.h"

enum side { SIDE_INSERT, SIDE_SAMPLE, SIDES };

struct append;
struct rows;
struct place;

/* A call that is kept. */
struct held {
	lpad_call *call;
	lpad_message *request;          /* what its columns and items lie in: a call that the host has ended has let it go; NULL: a sample */
	struct place *place;            /* in whose line it is; NULL: in none */
	enum side side;
	struct held *next, *before;     /* in that line */
	double since;                   /* seconds; in this line */
	uint64_t event;                 /* in which it joined the line */
	int64_t count;                  /* a sample's */
	double priority;                /* a plain insert's; and its columns */
	struct rows *columns;
	struct append *append;          /* NULL: a plain insert, or a sample */
};

struct line {
	struct held *first, *last;
	size_t count;
};

/* Who inserted or sampled last, since this incarnation began; "": nobody. */
struct last {
	char caller[120];
	double at;
};

/* A table, and who waits for it. */
struct place {
	struct table *table;
	const char *name;
	struct line lines[SIDES];
	struct last last[SIDES];
	int64_t waited[SIDES];          /* calls that had to wait, and have been granted */
	double waited_seconds[SIDES];
	int64_t repeated;               /* items that were here already */
	int64_t reported;               /* events at the last report, and 1; 0: there was none */
	int64_t unknown;                /* keys of updates and deletes that were not there */
};

struct replay_checkpoint {
	double every;
	bool at_stop;
	const char *from;               /* "": none */
};

/* The newest checkpoint. The thread of `run` writes it, under the lock. */
struct saved {
	char *path;
	int64_t count;                  /* written by this incarnation */
	uint64_t bytes;
	double seconds, at;             /* how long it took; when */
	char failure[400];              /* of the last try; "": it was written */
};

struct replay {
	/* params */
	lpad_map tables;
	struct replay_checkpoint checkpoint;
	lpad_inbox *checkpoints;
	/* the lock */
	lpad_node *node;
	struct place *places;
	size_t count;
	struct streams *streams;
	lpad_rng rng;
	uint64_t events;                /* calls so far */
	struct saved saved;
};

static inline double seconds_now(void)
{
	return (double)lpad_in(0).at / 1e9;
}

/* In quotes, escaped. */
static inline void put_json_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			putc(*text, out);
	putc('"', out);
}

#endif
