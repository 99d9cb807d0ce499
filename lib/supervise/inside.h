/* SPDX-License-Identifier: MIT */
/*
 * What the files of the supervisor share. One thread, one epoll; everything is an event of one replica (member.c), of
 * the process that it lives in, alone or with others (child.c), or of the run (run.c), and costs the same however many
 * there are.
 *
 *     guardian.c    the first process; signals, Ctrl-Z, and the end of everything when the supervisor dies
 *     supervisor.c  the loop: who has something to say, which deadline has passed
 *     member.c      one replica: a table of states and events
 *     child.c       one process: its channel, its end
 *     control.c     what a node says, read and taken apart
 *     start.c       spawning, the first time and again
 *     slow.c        who is not ready yet
 *     foreground.c  the node that has the terminal
 *     progress.c    the same on a terminal, in a line that changes
 *     run.c         barriers, completion, stop, drain
 *     peers.c       what neighbours learn of each other
 *     children.c    deaths, and what escaped from the dead
 *     console.c     other commands of the user (questions.h: status.c, acts.c, follow.c, observe.c)
 *     ordered.c     one process that the user wants to end, or to begin again
 *     health.c      who does not answer
 *     policy.c      what a failure leads to: stop, going on without, starting again (restart.c)
 *     limits.c      what a process may use, and whether that ended it
 *     failure.c     who began it; exit code; the report
 *     handover.c    --detach: from who waits for the start to the run alone
 *     notices.c     what the service manager hears of it
 *     words.c       what a node says of how it is
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
#include "supervise/restart.h"
#include "supervise/supervise.h"
#include "supervise/timers.h"

struct supervisor;
struct child;
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
	/* From here on all replicas of a process are in the same one. */
	MEMBER_FINISHING,       /* told to finish: fini and exit */
	MEMBER_FAILING,         /* one failed; the process should be ending */
	MEMBER_TERMINATED,      /* its group was sent TERM */
	MEMBER_KILLED,          /* its group was sent KILL */
	MEMBER_WAITING,         /* the process has been reaped, and will be started again */
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
	struct child *child;
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
	bool start;             /* it could not be started: 125 */
	bool refused;           /* no policy helps: its module, or its process, cannot be had */
	bool final;             /* it would be the same each time: not started again */
	bool stops;             /* it let the run end, or would have: others may be its consequences */
	int times;              /* so often within the window, which was too often; 0: not asked */
	bool whole;             /* of the process: which of its replicas it was is not known */
	char *text;             /* without the name */
	char *peer;             /* the failed peer that it names: a consequence; NULL */
	char *limit;            /* of resources, that was reached, "memory limit of 1GiB"; NULL: none is known */
	bool limit_is_sure;
};

struct member {
	const struct group *group;
	struct child *child;
	int index, id, incarnation;
	int first;                      /* its first incarnation in this launch */
	char *name;
	enum member_state state;        /* written by member_set_state alone */
	const char *step;               /* static: what the node last said that it does */
	char *waits_for;                /* with it; "learner, actor/2" or NULL */
	bool waited, has_run, held;     /* the run waits for it; it has one; which is not started */
	bool run_over;                  /* ended well, failed for good, or dead */
	bool alive_at_stop;
	struct timer timer;             /* what for: by its state */
	struct failure *failure;        /* of this incarnation; NULL: none */
	json_t *serving;                /* where it listens: {"serve", "topics"} of the news that it is up */
	bool found;                     /* ... which only it could know (tcp) */
	json_t *past;                   /* how its incarnations before this one ended; NULL: there were none */
	int64_t left;                   /* could not be drained */
	json_t *texts;                  /* {name: text}: lpad_status of this incarnation, or the last; NULL: none */
	json_t *waits;                  /* for what its threads have waited for long, as in node/control.h; NULL: nothing */
	int64_t waits_ns;               /* when it told */
	LIST(struct metric) metrics;    /* by name */
	json_t *ports;                  /* counters: {"handle\tpeers\tworker/3": {...}} */
	json_t *earlier_ports;          /* the same of the incarnations before; NULL: none */
	unsigned told;                  /* a mark of slow_who and of peers.c */
};

void member_set_state(struct supervisor *supervisor, struct member *member, enum member_state state);
void member_happens(struct supervisor *supervisor, struct member *member, enum member_event event);
bool member_alive(const struct member *member);                 /* has a process */
struct member *member_named(const struct supervisor *supervisor, const char *name);     /* NULL: none */
/* What the run tells its members. */
void member_restart(struct member *member);                     /* the next incarnation begins */
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

/* What the user wants of a process, whatever its policy says. */
enum order { ORDER_NONE, ORDER_STOP, ORDER_RESTART };

enum verdict { VERDICT_NONE, VERDICT_STOP, VERDICT_IGNORE, VERDICT_AGAIN };

struct child {
	const struct process *plan;     /* its policy and times */
	int number;                     /* place in the supervisor's list, and in that of the plans */
	const char *name;               /* its replica's, or what its replicas are called together */
	struct member **members;
	int count;
	pid_t pid;                      /* 0: none */
	pid_t last_pid;                 /* the same as others know it (isolate.h), also when it has ended */
	int next_same_hash;             /* in the table of pids; -1: last */
	bool had_to_be_killed;          /* by a deadline */
	struct channel control;
	struct watch control_watch, stream_watch[2];
	struct outlet outlet;
	struct timer end_timer;         /* failing, terminated, waiting: what comes next */
	struct timer closed_timer;      /* after its channel closed */
	struct timer health_timer;      /* when it is looked at whether it answers */
	int64_t heard_ns, pinged_ns;    /* it said something; it was asked, and has not yet (0) */
	int64_t started_ns, ended_ns;
	int exit_code, exit_signal;
	struct rusage usage;            /* of all incarnations */
	int64_t lived_ns;               /* of those before this one */
	/* Failing, and starting again. */
	enum verdict verdict;           /* on the failure of this incarnation */
	struct restart_history history;
	int64_t running_ns;             /* since when all of it runs; 0: not yet */
	int64_t wait_ns;                /* VERDICT_AGAIN: the backoff */
	bool due, clean;                /* waiting: the backoff is over; nothing that escaped from the dead is left */
	bool haunted;                   /* something was, at the last look */
	int looks;                      /* with processes there that do not say whose they are */
	/* Ending, or ended, because the user wants it. */
	enum order order;
	int64_t told_ns;                /* when it was told to stop by itself; 0: it stops with the run */
	unsigned told;                  /* of the last news of a peer */
	int64_t memory_kills;           /* by its cgroup, that are known */
};

/* One line to all of its replicas; takes the reference. */
void child_send(struct supervisor *supervisor, struct child *child, json_t *message);
bool child_is_shared(const struct child *child);
const struct launch_way *child_way(const struct supervisor *supervisor, const struct child *child);
bool child_has_failed(const struct child *child);
/* All of its replicas come to this state, and their deadlines are off. */
void child_set_state(struct supervisor *supervisor, struct child *child, enum member_state state);
/* A replica of it has failed: it should end. */
void child_begin_failing(struct supervisor *supervisor, struct child *child);
/* Some of it, or all, have come one step on; past the first barrier a process goes on by itself. */
void child_is_bound(struct supervisor *supervisor, struct member *member);
void child_is_wired(struct supervisor *supervisor, struct child *child);
/* It has no process: for good, or until it is started again. */
void child_settle(struct supervisor *supervisor, struct child *child);
void child_give_up(struct supervisor *supervisor, struct child *child);
void child_terminate(struct supervisor *supervisor, struct child *child);
void child_kill(struct supervisor *supervisor, struct child *child);
/* The end timer: what was told to end has not. */
void child_overdue(struct supervisor *supervisor, struct child *child);
/* A failure that no replica said was its own. */
void child_fail(struct supervisor *supervisor, struct child *child, struct failure *failure);
void child_died(struct supervisor *supervisor, struct child *child, int status, const struct rusage *usage);
/* What it was in the middle of, as far as it told. */
const char *child_step(const struct child *child);

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
	CAUSE_USER,             /* lpad stop */
	CAUSE_TIME,
	CAUSE_STDOUT,
	CAUSE_GUARDIAN          /* it was killed */
};

enum { TIMER_MEMBER, TIMER_END, TIMER_CLOSED, TIMER_HEALTH, TIMER_LIMIT, TIMER_SLOW, TIMER_OTHERS, TIMER_SWEEP, TIMER_OVER, TIMER_PROGRESS, TIMER_WATCHDOG };

struct supervisor {
	const struct launch *launch;
	const struct topology *topology;
	struct member *members;         /* by id */
	struct member **by_name;        /* the same, sorted */
	int total;
	struct child *children;
	struct child *foreground;       /* that has the terminal; NULL: none has */
	int child_count, spawned;
	int in_state[MEMBER_STATES];
	int waited, unfinished;         /* members that are waited for; of them those whose run is not over */
	enum phase phase;
	/* The stop. */
	enum cause cause;
	int stop_code;                  /* of lpad_stop or lpad stop, or the signal */
	struct member *stop_by;
	char *stop_why;
	int64_t started_ns, running_ns, stopped_ns, first_signal_ns;    /* 0: not yet */
	bool killing;                   /* everything has been sent KILL */
	LIST(struct member *) failures; /* in order, policy stop only */
	/* The loop. */
	int epoll, signals, guardian;
	struct watch signals_watch, guardian_watch, sink_watch[2], console_watch;
	struct guest *guests;           /* console.c's */
	struct act *acts;               /* acts.c's: what guests wait for */
	int followers;                  /* guests that are told what happens */
	int guest_count;
	struct watch *held[2];          /* streams not read until their sink is taken from */
	struct timers timers;
	bool others_said;                      /* slow_others has said it */
	struct timer limit_timer, slow_timer, others_timer, sweep_timer, over_timer, watchdog_timer, progress_timer;
	int64_t progress_since_ns;      /* of this start, or stop */
	struct output output;
	struct rlimit descriptors;      /* the children's */
	int *known;                     /* by replica: the incarnation that was announced to the others */
	int *pids;                      /* hash table: pid to number of process */
	size_t pid_mask;
	int64_t paused_ns;              /* since; 0: not paused */
	int64_t stop_paused_ns;         /* of the stop so much did not count */
	unsigned news;                  /* of peers, so far */
	bool anyone_died, anyone_found; /* addresses */
	int streams_open;
	int sweeps_left;                /* looks for escaped processes, while one cannot be told */
	bool children_gone;
	bool guardian_lost;
	/* The end. */
	int64_t over_ns, output_moved_ns;       /* since when; when output was last taken */
	bool cause_reported, reported;
	bool handed_over;               /* detached, and nobody waits for its start any more */
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
void supervisor_read_stream(struct supervisor *supervisor, struct child *child, int stream, bool wait);
/* Reads what is left and closes both. False: not all of it can be taken now. */
bool supervisor_end_streams(struct supervisor *supervisor, struct child *child);

/* ordered.c */
/* Its replicas stop, drain and end as with the run, whatever they do now; not a failure. `order` is not NONE. */
void ordered_end(struct supervisor *supervisor, struct child *child, enum order order);
/* One of its replicas has come one step on. */
void ordered_advance(struct supervisor *supervisor, struct child *child);

/* policy.c */
/* A replica of it has failed, the first of it or not. */
void policy_act(struct supervisor *supervisor, struct member *failed);

/* start.c */
int start_prepare(struct supervisor *supervisor);
void start_some(struct supervisor *supervisor);
/* The next incarnation, if it is due, and nothing is left of the one before. */
void start_again(struct supervisor *supervisor, struct child *child);
void start_release(struct supervisor *supervisor);

/* health.c */
void health_begin(struct supervisor *supervisor, struct child *child);
void health_heard(struct supervisor *supervisor, struct child *child);
void health_look(struct supervisor *supervisor, struct child *child);
void health_end(struct supervisor *supervisor, struct child *child);
/* So much time did not count (Ctrl-Z). */
void health_shift(struct child *child, int64_t by_ns);

/* slow.c */
/* Something is being started: who is slow will be said. */
void slow_expect(struct supervisor *supervisor);
void slow_say(struct supervisor *supervisor);
/* Some that are waited for have ended: for whom the run still waits is said once, a while after the last of them. */
void slow_others_expect(struct supervisor *supervisor);
void slow_others(struct supervisor *supervisor);
/* "learner in init; actor/2, actor/3 dialling learner": who is awaited now, appended. How many. */
int slow_who(struct supervisor *supervisor, struct text *out);

/* foreground.c */
void foreground_started(struct supervisor *supervisor, struct child *child);
void foreground_ended(struct supervisor *supervisor, const struct child *child);
/* The run was stopped, and goes on. */
void foreground_goes_on(struct supervisor *supervisor);
/* A child has ended or stopped. */
void foreground_look(struct supervisor *supervisor);

/* progress.c */
/* The run begins to start, or to stop. */
void progress_begin(struct supervisor *supervisor);
void progress_show(struct supervisor *supervisor);

/* control.c */
void control_readable(struct supervisor *supervisor, struct child *child);

/* run.c */
void run_advance(struct supervisor *supervisor);
void run_stop(struct supervisor *supervisor, enum cause cause, int code, struct member *by, const char *why);
void run_kill_all(struct supervisor *supervisor);
void run_member_over(struct supervisor *supervisor, struct member *member);
void run_member_again(struct supervisor *supervisor, struct member *member);
void run_pause(struct supervisor *supervisor);
void run_resume(struct supervisor *supervisor);

/* peers.c */
void peers_tell_lost(struct supervisor *supervisor, const struct member *dead);
void peers_tell_gone(struct supervisor *supervisor, const struct member *dead);
void peers_tell_up(struct supervisor *supervisor, const struct member *member);
/* To one that was just started: which of its neighbours are dead. */
void peers_tell_the_dead(struct supervisor *supervisor, struct child *child);
/* To one that is about to dial: where its neighbours are, as far as they had to find that out. */
void peers_tell_found(struct supervisor *supervisor, struct child *child);
/* Takes the addresses out of a process's document, and out of what a replica says when it is bound. */
void peers_learn(struct child *child, const json_t *document);
void peers_find(struct supervisor *supervisor, struct member *member, const json_t *message);

/* children.c */
void children_remember(struct supervisor *supervisor, struct child *child);
void children_reap(struct supervisor *supervisor);
/* A little later: what escaped from the dead is looked for, and killed. */
void children_look(struct supervisor *supervisor);
void children_sweep(struct supervisor *supervisor);
/* True once nothing is left below. */
bool children_end(struct supervisor *supervisor);

/* limits.c */
/* Never NULL. */
const struct allotment *limits_of(const struct supervisor *supervisor, const struct child *child);
bool limits_by_cgroup(const struct supervisor *supervisor, const struct child *child);
/* Of a process that has just died: whether its failure, or the one about to become it, is its limit of memory. */
void limits_explain(struct supervisor *supervisor, struct child *child, struct failure *judged,
	const struct rusage *usage);

/* failure.c */
struct member *failure_root(const struct supervisor *supervisor);
int failure_exit_code(const struct supervisor *supervisor);
const char *failure_status(const struct supervisor *supervisor);
void failure_report(struct supervisor *supervisor);
/* Why the run ends, once; if it was a failure that began it. */
void failure_report_cause(struct supervisor *supervisor);
/* What ended, or ends, the run, in words; nothing if nothing does. */
void failure_cause(const struct supervisor *supervisor, struct text *out);
void failure_describe(const struct member *member, struct text *out);
/* "signal 11 (segmentation fault)", and in which step if that is not the usual one. */
void failure_describe_reason(const struct failure *failure, struct text *out);
/* Who failed: the replica, or the process if that is all that is known. */
const char *failure_name(const struct member *member);
void failure_free(struct failure *failure);

/* statistics.c */
void statistics_report(struct supervisor *supervisor, struct member *member, const json_t *message);
void statistics_count(struct member *member, const json_t *message);
/* What comes now is added to what the incarnation before had counted. */
void statistics_restart(struct member *member);
void statistics_release(struct member *member);
json_t *statistics_metrics(const struct member *member);
json_t *statistics_edges(const struct supervisor *supervisor);

/* follow.c */
/* For the guests that follow; borrows the event. */
void follow_event(void *supervisor, json_t *event);
void follow_state(struct supervisor *supervisor, const struct member *member);

/* words.c: what a node says of how it is. */
void words_heard(struct supervisor *supervisor, struct member *member, const json_t *message);
void words_forget(struct member *member);
json_t *words_texts(const struct member *member);       /* {name: text}; new reference */
/* For whom it waits now, and how long, in words: "replay.sample (12 s): ..."; NULL: nobody. Caller frees. */
char *words_waits(const struct supervisor *supervisor, const struct member *member);

/* status.c */
const char *status_phase(enum phase phase);
/* "running": a state as it is called outside. */
const char *status_state(const struct member *member);

/* notices.c */
void notices_phase(struct supervisor *supervisor);      /* one has begun */
void notices_end(struct supervisor *supervisor);
void notices_watchdog(struct supervisor *supervisor);

/* handover.c: nothing of it does anything without --detach. */
void handover_prepare(struct supervisor *supervisor);   /* before the output is opened */
void handover_open(struct supervisor *supervisor);
void handover_done(struct supervisor *supervisor);      /* everything runs, or has ended well */
/* The exit code of the launch, for the one that waits if it still does. */
int handover_code(struct supervisor *supervisor, int code);

/* result.c */
json_t *result_failure(const struct failure *failure);  /* NULL: null */
/* How an incarnation ended, for the record. */
json_t *result_incarnation(const struct member *member);
void result_write(struct supervisor *supervisor);

#endif
