/* SPDX-License-Identifier: MIT */
/*
 * What the files of the supervisor share. One thread, one epoll; everything is an event of one replica (member.c), of
 * the process that it lives in, alone or with others (process.c), or of the run (run.c), and costs the same however many
 * there are.
 *
 *     guardian.c    the first process; signals, Ctrl-Z, and the end of everything when the supervisor dies
 *     supervisor.c  the loop: who has something to say, which deadline has passed
 *     member.c      one replica: a table of states and events
 *     process.c     one process: its channel, its end
 *     control.c     what a node says, read and taken apart
 *     start.c       spawning
 *     run.c         barriers, completion, stop, drain
 *     peers.c       what neighbours learn of each other
 *     children.c    deaths, and what escaped from the dead
 *     console.c     other commands of the user
 *     failure.c     who began it; exit code; the report
 *     statistics.c  reports and counters on their way to result.json
 */
#ifndef SUPERVISE_INSIDE_H
#define SUPERVISE_INSIDE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/channel.h"
#include "base/list.h"
#include "supervise/supervise.h"
#include "supervise/timers.h"

struct supervisor;
struct process;
struct member;

/* ---- replicas ---- */

enum member_state {
	MEMBER_NEW,             /* not started */
	MEMBER_STARTING,        /* loads, init, binds */
	MEMBER_BOUND,           /* its listeners exist */
	MEMBER_WIRING,          /* told to dial */
	MEMBER_WIRED,           /* has exchanged HELLO with every neighbour */
	MEMBER_RUNNING,         /* told to go */
	MEMBER_ENDED,           /* its run has ended well; it still serves */
	MEMBER_STOPPING,        /* told to stop while its run was under way */
	MEMBER_STOPPED,         /* told to stop; no run under way */
	MEMBER_DRAINING,        /* told to drain */
	MEMBER_DRAINED,
	MEMBER_FINISHING,       /* told to finish: fini and exit */
	/* From here on all replicas of a process are in the same one. */
	MEMBER_FAILING,         /* one failed; the process should be ending */
	MEMBER_TERMINATED,      /* its group was sent TERM */
	MEMBER_KILLED,          /* its group was sent KILL */
	MEMBER_DEAD,            /* the process has been reaped, or was never started */
	MEMBER_STATES
};

enum member_event {
	EVENT_BOUND, EVENT_WIRED, EVENT_ENDED, EVENT_DRAINED,   /* said by the node */
	EVENT_DEADLINE,
	MEMBER_EVENTS
};

/* What a descriptor in epoll is. */
enum watch_kind {
	WATCH_SIGNALS, WATCH_GUARDIAN, WATCH_SINK_OUT, WATCH_SINK_ERR,
	WATCH_CONTROL, WATCH_OUTPUT, WATCH_ERRORS, WATCH_CONSOLE, WATCH_GUEST
};
struct watch {
	enum watch_kind kind;
	struct process *process;
	struct guest *guest;
	int fd;                 /* -1: not watched */
	uint32_t events;        /* as epoll knows them */
	bool held;              /* not read while its sink is full */
	struct watch *next_held;
};

struct metric {
	char *name;
	int64_t count;
	double last, least, most, mean;
	int64_t step;
};

/* Why a replica failed. */
struct failure {
	const char *step;       /* static; "run" */
	int code, signal;       /* its own code, or the signal */
	bool start;             /* it was refused or could not be started: 125 */
	bool whole;             /* of the process: which of its replicas it was is not known */
	char *text;             /* without the name */
	char *peer;             /* the failed peer that it names: a consequence; NULL */
};

struct member {
	const struct group *group;
	struct process *process;
	int index, id, incarnation;
	char *name;
	enum member_state state;        /* written by member_set_state alone */
	const char *step;               /* static: what the node last said that it does */
	char *waits_for;                /* with it; "learner, actor/2" or NULL */
	bool waited, has_run;           /* the run waits for it; it has one */
	bool run_over;                  /* ended well, failed for good, or dead */
	bool alive_at_stop;
	struct timer timer;             /* what for: by its state */
	struct failure *failure;        /* NULL: none */
	int64_t left;                   /* could not be drained */
	LIST(struct metric) metrics;    /* by name */
	json_t *ports;                  /* counters: {"handle\tpeers\tworker/3": {...}} */
	unsigned told;                  /* a mark of start_who_is_slow */
};

void member_set_state(struct supervisor *supervisor, struct member *member, enum member_state state);
void member_happens(struct supervisor *supervisor, struct member *member, enum member_event event);
bool member_alive(const struct member *member);                 /* has a process */
struct member *member_named(const struct supervisor *supervisor, const char *name);     /* NULL: none */
/* What the run tells its members. */
void member_connect(struct supervisor *supervisor, struct member *member);
void member_go(struct supervisor *supervisor, struct member *member);
void member_stop(struct supervisor *supervisor, struct member *member);
void member_drain(struct supervisor *supervisor, struct member *member);
void member_finish(struct supervisor *supervisor, struct member *member);
/* A new step began: its own time limit. */
void member_begin_step(struct supervisor *supervisor, struct member *member);
/* It has failed, and so has its process; takes failure and its texts. The policy acts. */
void member_fail(struct supervisor *supervisor, struct member *member, struct failure *failure);
struct failure *failure_new(const char *step, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- processes ---- */

struct process {
	int number;                     /* place in the supervisor's list */
	char *name;                     /* its replica's, or what its replicas are called together */
	struct member **members;
	int count;
	pid_t pid;                      /* 0: none */
	pid_t last_pid;                 /* the same, also when it has ended */
	int next_same_hash;             /* in the table of pids; -1: last */
	bool had_to_be_killed;          /* by a deadline */
	struct channel control;
	struct watch control_watch, stream_watch[2];
	struct outlet outlet;
	struct timer end_timer;         /* failing, terminated: what comes next */
	struct timer closed_timer;      /* after its channel closed */
	int64_t start_within_ns, stop_within_ns;        /* the longest of its replicas; -1: no limit */
	int64_t started_ns, ended_ns;
	int exit_code, exit_signal;
	struct rusage usage;
	unsigned told;                  /* of the last news of a peer */
};

/* One line to all of its replicas; takes the reference. */
void process_send(struct supervisor *supervisor, struct process *process, json_t *message);
bool process_is_shared(const struct process *process);
bool process_has_failed(const struct process *process);
/* All of its replicas come to this state, and their deadlines are off. */
void process_set_state(struct supervisor *supervisor, struct process *process, enum member_state state);
/* The same for a failure: the others of it, too, come to their end. */
void process_begin_failing(struct supervisor *supervisor, struct process *process);
void process_terminate(struct supervisor *supervisor, struct process *process);
void process_kill(struct supervisor *supervisor, struct process *process);
/* The end timer: what was told to end has not. */
void process_overdue(struct supervisor *supervisor, struct process *process);
/* A failure that no replica said was its own. */
void process_fail(struct supervisor *supervisor, struct process *process, struct failure *failure);
void process_died(struct supervisor *supervisor, struct process *process, int status, const struct rusage *usage);
/* What it was in the middle of, as far as it told. */
const char *process_step(const struct process *process);

/* ---- the run ---- */

enum phase {
	PHASE_START,            /* spawning; until all are bound */
	PHASE_WIRE,
	PHASE_RUN,
	PHASE_STOP,             /* told to stop; until all runs have ended */
	PHASE_DRAIN,
	PHASE_FINISH,           /* until all processes have ended */
	PHASE_OVER              /* until their output is written and nothing is left below */
};

enum cause {
	CAUSE_NONE,
	CAUSE_COMPLETED,
	CAUSE_NODE,             /* lpad_stop */
	CAUSE_FAILURE,
	CAUSE_SIGNAL,
	CAUSE_TIME,
	CAUSE_STDOUT,
	CAUSE_GUARDIAN          /* it was killed */
};

enum { TIMER_MEMBER, TIMER_END, TIMER_CLOSED, TIMER_LIMIT, TIMER_SLOW, TIMER_SWEEP, TIMER_OVER };

struct supervisor {
	const struct launch *launch;
	const struct topology *topology;
	struct member *members;         /* by id */
	struct member **by_name;        /* the same, sorted */
	int total;
	struct process *processes;
	int process_count, spawned;
	int in_state[MEMBER_STATES];
	int waited, unfinished;         /* members that are waited for; of them those whose run is not over */
	enum phase phase;
	/* The stop. */
	enum cause cause;
	int stop_code;                  /* of lpad_stop, or the signal */
	struct member *stop_by;
	char *stop_why;
	int64_t started_ns, running_ns, stopped_ns, first_signal_ns;    /* 0: not yet */
	bool killing;                   /* everything has been sent KILL */
	LIST(struct member *) failures; /* in order, policy stop only */
	/* The loop. */
	int epoll, signals, guardian;
	struct watch signals_watch, guardian_watch, sink_watch[2], console_watch;
	struct guest *guests;           /* console.c's */
	int guest_count;
	struct watch *held[2];          /* streams not read until their sink is taken from */
	struct timers timers;
	struct timer limit_timer, slow_timer, sweep_timer, over_timer;
	struct output output;
	struct rlimit descriptors;      /* the children's */
	int *pids;                      /* hash table: pid to number of process */
	size_t pid_mask;
	int64_t paused_ns;              /* since; 0: not paused */
	unsigned news;                  /* of peers, so far */
	int streams_open;
	int sweeps_left;                /* looks for escaped processes, while one cannot be told */
	bool children_gone;
	bool guardian_lost;
	/* The end. */
	int64_t over_ns, output_moved_ns;       /* since when; when output was last taken */
	bool cause_reported, reported;
	bool give_up;                                      /* nobody waits for a reader that takes nothing */
	struct text metrics;            /* lines on their way to metrics.jsonl */
	char *buffer;                   /* one read */
};

/* supervisor.c */
int64_t supervisor_now(const struct supervisor *supervisor);
/* From the start of the launch to `at_ns`, to the microsecond. */
double supervisor_seconds(const struct supervisor *supervisor, int64_t at_ns);
void supervisor_watch(struct supervisor *supervisor, struct watch *watch, int fd, uint32_t events);
void supervisor_unwatch(struct supervisor *supervisor, struct watch *watch);
/* Reads what is there of a stream; at its end, or without `wait` when nothing is there, closes it. */
void supervisor_read_stream(struct supervisor *supervisor, struct process *process, int stream, bool wait);

/* start.c */
int start_prepare(struct supervisor *supervisor);
void start_some(struct supervisor *supervisor);
void start_release(struct supervisor *supervisor);
/* "3 of 12 not ready after 10 s: learner in init; actor/2, actor/3 dialling learner". Caller frees. */
char *start_who_is_slow(const struct supervisor *supervisor, int64_t after_ms);

/* control.c */
void control_readable(struct supervisor *supervisor, struct process *process);

/* run.c */
void run_advance(struct supervisor *supervisor);
void run_stop(struct supervisor *supervisor, enum cause cause, int code, struct member *by, const char *why);
void run_kill_all(struct supervisor *supervisor);
void run_member_over(struct supervisor *supervisor, struct member *member);
void run_pause(struct supervisor *supervisor);
void run_resume(struct supervisor *supervisor);

/* peers.c */
void peers_tell_gone(struct supervisor *supervisor, const struct member *dead);

/* children.c */
void children_remember(struct supervisor *supervisor, struct process *process);
void children_reap(struct supervisor *supervisor);
void children_sweep(struct supervisor *supervisor);
/* True once nothing is left below. */
bool children_end(struct supervisor *supervisor);

/* failure.c */
struct member *failure_root(const struct supervisor *supervisor);
int failure_exit_code(const struct supervisor *supervisor);
const char *failure_status(const struct supervisor *supervisor);
void failure_report(struct supervisor *supervisor);
/* Why the run ends, once; if it was a failure that began it. */
void failure_report_cause(struct supervisor *supervisor);
void failure_describe(const struct member *member, struct text *out);
/* Who failed: the replica, or the process if that is all that is known. */
const char *failure_name(const struct member *member);
void failure_free(struct failure *failure);

/* statistics.c */
void statistics_report(struct supervisor *supervisor, struct member *member, const json_t *message);
void statistics_count(struct member *member, const json_t *message);
void statistics_release(struct member *member);
json_t *statistics_metrics(const struct member *member);
json_t *statistics_edges(const struct supervisor *supervisor);

/* result.c */
void result_write(struct supervisor *supervisor);

#endif
