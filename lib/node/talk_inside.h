/* SPDX-License-Identifier: MIT */
/* What the files of talk share. A JSON value is in the hands of one thread: what is handed on is copied or given away. Lines for the program bear the number of the connection that they are meant for: a later one does
   not hear them. */
#ifndef NODE_TALK_INSIDE_H
#define NODE_TALK_INSIDE_H

#include <pthread.h>
#include <stdint.h>

#include "base/channel.h"
#include "base/list.h"
#include "node/talk.h"

/* A call that the program is to answer. */
struct kept {
	int64_t id;
	lpad_call *call;
	json_t *line;           /* not sent yet; NULL: it was */
};

/* What a program has said to a port. */
struct job {
	json_t *line;
	size_t size;            /* it had so many bytes */
};

/* A thread for what may wait at one port. */
struct lane {
	struct talk *talk;
	pthread_t thread;
	bool running;
	const char *name;
	lpad_topic *topic;                      /* or: */
	lpad_subscription *subscription;
	const char *signature;                  /* of the topic; NULL: JSON */
	bool cycle;
	pthread_cond_t changed;
	LIST(struct job) jobs;                  /* talk's lock */
	size_t next;                            /* of the jobs: those before it are done or under way */
	struct mishaps mishaps;                 /* the lane's own */
	int64_t patient_until_ns;               /* command_publish; the lane's own */
	LIST(lpad_message *) unclaimed;         /* taken for a connection that ended; the lane's own */
};

struct talk {
	struct command *command;
	char *path;
	int listener, wake;
	pthread_t thread;
	struct channel channel;                 /* the thread's own; fd -1: nobody is connected */
	size_t heard;                           /* bytes of the line that is obeyed; the thread's own */
	pthread_mutex_t lock;                   /* guards what is below */
	bool begun, ended, stopping;
	bool failed;            /* ended badly: a successor may come */
	size_t undone;          /* bytes of the lines that wait in lanes */
	int64_t visit;                          /* number of the connection; it counts up at its end too: odd while there is one */
	LIST(json_t *) outbox;
	LIST(struct kept) kept;
	int64_t ids;
	struct lane *lanes;                     /* the topics, then the subscriptions */
	size_t lane_count;
};

enum { UNDONE_MOST = 16 << 20 };        /* bytes that wait in lanes: nothing more is heard of the program until some are done */

/* talk.c; any thread. Takes the line. */
void talk_say(struct talk *talk, int64_t visit, json_t *line);
void talk_wake(const struct talk *talk);                /* something was added to the outbox */
/* {"is": "error", "id": ..., "code": "ELOST", "text": "..."}; id NULL: none. */
void talk_say_error(struct talk *talk, int64_t visit, const json_t *id, int code, const char *text);
int64_t talk_visit(struct talk *talk);

/* talk_orders.c: one line of the program; takes it. The talk's thread. */
void talk_obey(struct talk *talk, json_t *line);
/* One that is not JSON, of so many bytes: who waits for what it was about is told, if that can be seen. */
void talk_misheard(struct talk *talk, const char *line, size_t length, const char *why);
/* "value" of the line as a message: JSON, or what "as", else `signature`, says. NULL, and the program was told. */
lpad_message *talk_message(struct talk *talk, int64_t visit, const json_t *line, const char *signature);
/* A message as a value. NULL and the error: it is too large. */
json_t *talk_value(const lpad_message *message, struct error *error);

/* talk_calls.c */
void talk_call(struct talk *talk, int64_t visit, json_t *line);
void talk_answer(struct talk *talk, int64_t visit, json_t *line);
void talk_refuse(struct talk *talk, int64_t visit, json_t *line);
void talk_send_kept(struct talk *talk);         /* lock: what came before anybody was connected */
/* The program has answered with what cannot be read: the call fails. */
void talk_fail_kept(struct talk *talk, const json_t *id, const char *why);
/* Those that were sent to a connection that has ended, or all. */
void talk_refuse_kept(struct talk *talk, bool all, int code, const char *why);

/* talk_lanes.c */
void lanes_new(struct talk *talk);
/* Both take the line. */
void talk_publish(struct talk *talk, int64_t visit, json_t *line);
void talk_take(struct talk *talk, int64_t visit, json_t *line);
void lanes_close(struct talk *talk);            /* after `ended` was set */
bool lanes_join(struct talk *talk, const struct timespec *until);

/* talk_hello.c */
json_t *talk_hello(const struct talk *talk);

#endif
