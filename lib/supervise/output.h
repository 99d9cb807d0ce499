/* SPDX-License-Identifier: MIT */
/*
 * What a launch shows: the nodes' lines under their names, lpad's own lines, or JSON lines of both. Lines come whole;
 * one longer than 64 KiB comes in pieces, those that go on marked by + instead of | (16 MiB without names). Every
 * node's output is also written as it came to its log in the record.
 *
 * With quiet, neither names nor lpad's own lines but errors: what nodes print can be piped on. With files the nodes' lines go
 * to their logs alone, and lpad's own are shown.
 */
#ifndef SUPERVISE_OUTPUT_H
#define SUPERVISE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervise/lines.h"
#include "supervise/record.h"
#include "supervise/sink.h"

struct output_style {
	bool quiet, json, files;
	bool steady;                    /* no line of progress */
	bool colour_out, colour_err;
	size_t width;                   /* of the longest node name */
};
struct output {
	struct sink out, err;
	struct output_style style;
	struct record *record;
	struct text log;                /* pieces on their way to a log */
	bool together;                  /* stdout and stderr are the same terminal or file */
	bool terminal;                  /* stderr is one where a line may be rewritten; with stdout together, all goes there */
	struct text progress;           /* that line; empty: none */
	bool progress_shown;            /* the cursor stands behind it */
	void (*tap)(void *context, json_t *event);      /* sees all events, and borrows them; NULL: nobody does */
	void *tap_context;
	int64_t shown;                  /* nodes' lines shown where lpad's own are */
};

/* One replica's output: two streams into one log. */
struct outlet {
	const char *name;               /* borrowed */
	int number;                     /* chooses the colour */
	struct lines lines[2];          /* of stdout, stderr */
	struct log log;
	int64_t shown_at;               /* the number in `shown` of its last line; 0: none */
	int elsewhere;                  /* so many of its lines were shown elsewhere since */
	int open_line;                  /* the stream, 1 or 2, whose unfinished line ends the log; 0: none */
};

void output_init(struct output *output, const struct output_style *style, struct record *record);
void output_release(struct output *output);
void outlet_init(struct output *output, struct outlet *outlet, const char *name, int number);
void outlet_release(struct output *output, struct outlet *outlet);

/* Bytes of a node; stream 0 is its stdout, 1 its stderr. */
void output_feed(struct output *output, struct outlet *outlet, int stream, const char *data, size_t size);
/* The stream has ended. */
void output_end(struct output *output, struct outlet *outlet, int stream);
/* Whether the last lines of a node still stand just above, where lpad's own lines are. */
bool output_just_shown(const struct output *output, const struct outlet *outlet);
/* The sink that this stream of a node ends in; with files none of it does. */
struct sink *output_sink(struct output *output, int stream);

/* Nobody reads standard output any more. */
bool output_closed(const struct output *output);

/* On a terminal: a last line that is rewritten, kept below all others; NULL: none. */
void output_progress(struct output *output, const char *text);
/* Puts it there again, if lines have come since; before what waits is written. */
void output_settle(struct output *output);

/* "lpad: ..." on stderr; say: not with quiet. */
void output_say(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
void output_error(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With --json: one line on stdout; takes the reference. */
void output_event(struct output *output, json_t *event);
/* Text as JSON can carry it: bytes that are no UTF-8 become U+FFFD. New reference. */
json_t *output_json_text(const char *text, size_t length);

#endif
