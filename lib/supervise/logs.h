/* SPDX-License-Identifier: MIT */
/*
 * The logs of a record, read from outside, of several processes in the order in which their lines came: as exact as their times
 * are noted (record_log), which is a quarter of a second.
 *
 *     logs_open(&logs, record, processes, &from);
 *     logs_read(&logs, false, take, context);         // again and again while they grow
 *     logs_read(&logs, true, take, context);          // at last: also a line that has no end
 *     logs_close(&logs);
 */
#ifndef SUPERVISE_LOGS_H
#define SUPERVISE_LOGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "supervise/tail.h"

/* A line written later than `ms`, as far as is noted. */
struct log_moment {
	int64_t ms;                     /* since 1970 */
	off_t offset;
};
struct log_source {
	const char *process;            /* borrowed */
	int number;
	struct tail log, times;
	LIST(struct log_moment) moments;
	size_t at;                      /* the moment of what is read next */
	struct logs *logs;
};
struct log_line {
	const char *process;
	int number;                     /* of the process, among those that were asked for */
	const char *text;
	size_t length;
	int64_t ms;                     /* 0: not known */
};
typedef void logs_take(void *context, const struct log_line *line);
struct logs {
	struct log_source *at;
	size_t count;
	logs_take *take;
	void *context;
	int watch;                      /* inotify; -1: none */
	char **folders;                 /* by source: that is watched; NULL: not yet */
};

/* Where to begin; of two, the later one. */
struct logs_from {
	long last;                      /* with so many lines of each; -1: all */
	int64_t since_ms;               /* since 1970; 0: all */
};

/* `processes`: a list of names, which must live as long. */
void logs_open(struct logs *logs, const char *record, const json_t *processes, const struct logs_from *from);
void logs_close(struct logs *logs);
/* What is there by now. True if there was anything. */
bool logs_read(struct logs *logs, bool all, logs_take *take, void *context);
/* Until something may have been written, or the time is over. */
void logs_wait(struct logs *logs, int most_ms);

/* "10m" ago, "2026-11-22T14:36:27Z", "2026-11-22 14:36", "14:36": local time without Z, today without a date. */
int logs_read_moment(const char *text, int64_t now_ms, int64_t *out_ms, struct error *error);

#endif
