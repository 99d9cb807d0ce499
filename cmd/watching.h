/* SPDX-License-Identifier: MIT */
/*
 * `lpad watch`, file by file:
 *
 *     watch.c         options, and which of the others is meant
 *     watch_topic.c   messages of a topic, as an observer of it
 *     watch_rate.c    how many messages those are
 *     watch_events.c  what a node does and reports, or one of its metrics
 *     watch_table.c   everything, again and again
 */
#ifndef CMD_WATCHING_H
#define CMD_WATCHING_H

#include <jansson.h>

#include "command.h"
#include "link/link.h"
#include "supervise/runs.h"

struct watching {
	const struct command *command;
	const char *run_name, *target;
	bool json, rate, full;
	int64_t most;                   /* lines; -1: no limit */
	int64_t interval_ns, until_ns;  /* until: INT64_MAX: no limit */
	char *node, *port;              /* of the target; NULL: none */
	struct run run;
	json_t *answer;                 /* of the console, to {"ask": "topic"} */
};

/* "lpad watch: TEXT" on stderr. */
void watching_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Asks the console; NULL: said why, and *code is the exit code. Takes the question. */
json_t *watching_ask(struct watching *watching, json_t *question, int *code);
/* One more line was printed. True: that was the last. */
bool watching_enough(struct watching *watching);

/* Each returns the exit code. */
int watch_topic(struct watching *watching);
int watch_events(struct watching *watching);
int watch_table(struct watching *watching);

/* Of all publishers of the subscription, since it began. */
struct tally {
	int64_t published, bytes, missed;
};
struct tally watch_tally(struct link *link);
/* Lines with rates until it ends: `observe` as the loop of watch_topic.c, which counts without bodies. A code of node.h. */
int watch_rate(struct watching *watching, struct link *link, lpad_subscription *subscription);

#endif
