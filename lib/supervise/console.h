/* SPDX-License-Identifier: MIT */
/*
 * What a run offers to other commands of the same user: a stream socket in its folder of sockets, JSON lines in both directions,
 * one answer to each question, in order of their readiness. "id", if a question has one, stands in its answer too. "nodes" are
 * replicas, or groups for all of theirs; absent: all. The connection ends with the run.
 *
 *   {"ask": "node", "node": "actor/3"}
 *     {"schema": 1, "node": "actor/3", "number": 2, "index": 3, "incarnation": 1, "state": "running", "address": "ipc://...",
 *      "token": "16 hex digits", "max_message": 1073741824,
 *      "methods": [{"name": "work", "help": "...", "idempotent": true, "request": "x i64", "reply": null}]}
 *     The node listens at the address for observers; methods of a node that has none declared in the file: absent.
 *   {"ask": "topic", "node": "actor", "topic": "weights"}     a replica, or a group for all of its replicas
 *     {"schema": 1, "run": "dqn-17", "group": "actor", "topic": "weights", "token": "16 hex digits", "max_message": 1073741824,
 *      "topics": ["weights"], "metrics": ["loss"], "buffer": 192, "latest": true, "replicas": [{"node": "actor/3", "number": 2,
 *      "index": 3, "incarnation": 1, "state": "running"}]}
 *     topics and metrics: which there are; "topic" is null, and nothing follows, if there is no such topic. Otherwise, as soon as a
 *     replica runs, and again with each incarnation:
 *     {"event": "listening", "replica": {as above}, "serve": "ipc://...", "address": "ipc://..."}     serve: REP; address: PUB
 *     {"event": "failed", "replica": {...}, "text": "..."}     it cannot listen
 *     {"event": "lost", "node": "actor/3", "incarnation": 1}     its process has ended
 *   {"ask": "status", "nodes": ["actor"], "metrics": true, "edges": true}     how everything is; metrics and edges only if true
 *     lpad-record(5) has the answer, which is what `lpad status --json` prints
 *   {"ask": "stop", "code": 0, "why": "..."}     the run; code: of the launch, 0 to 125; absent: 143, as by TERM
 *     {"schema": 1, "stopping": true, "already": false}     already: it was stopping, and code and why change nothing
 *   {"ask": "stop", "nodes": ["actor/3"]}     their processes end orderly, which is no failure, and do not come back
 *     {"schema": 1, "nodes": ["actor/3"], "failures": {}, "killed": []}     when they are down; nodes: with those that share a
 *     process with one; failures: by node, as in result.json, of those that ended badly nevertheless; killed: those that did
 *     not end in time
 *   {"ask": "restart", "nodes": ["learner"]}     the same end, and the next incarnation at once; what was down is started again
 *     {"schema": 1, "nodes": ["learner"]}     when all run again; or an error: one fails meanwhile, is stopped, the run stops
 *   {"ask": "kill", "nodes": ["actor/3"], "signal": 9}     a signal to the groups of their processes; the policy sees to the rest
 *     {"schema": 1, "nodes": ["actor/3"], "without": []}     without: those that have no process
 *   {"ask": "kill"}     everything, at once, as by a second Ctrl-C; the launch ends with 137
 *     {"schema": 1, "stopping": true}
 *   {"ask": "follow", "events": ["report", "state", "phase"], "nodes": ["actor"]}     what happens; events absent: all
 *     {"schema": 1, "following": true}, then a line for each event, as of `lpad launch --json` (lpad-record(5); "output" only
 *     if that is what the launch prints), and
 *     {"event": "state", "node": "actor/3", "state": "running", "incarnation": 2}     as in status
 *     {"event": "dropped", "count": 7}     the guest did not read fast enough, and missed so many
 *     The last one, which nobody has to ask for, is "result".
 *   anything else, or what cannot be done
 *     {"error": "there is no node `actr`; did you mean actor?", "unknown": true}     unknown: what is missing is a node
 *
 * Only processes of the same user are let in.
 */
#ifndef SUPERVISE_CONSOLE_H
#define SUPERVISE_CONSOLE_H

#include <jansson.h>

#include "base/error.h"

#define CONSOLE_NAME "control"

struct supervisor;
struct member;
struct guest;

/* Listens. -1 with an error: the run goes on without it. */
int console_open(struct supervisor *supervisor, struct error *error);
void console_close(struct supervisor *supervisor);
void console_accept(struct supervisor *supervisor);
void console_readable(struct supervisor *supervisor, struct guest *guest);
/* The node has said where it listens, or (NULL) why it does not; `text` is only read then. */
void console_listening(struct supervisor *supervisor, struct member *member, const char *address, const char *text);
/* Answers those whose wishes have been fulfilled, or will not be. */
void acts_settle(struct supervisor *supervisor);
/* Whoever waits for the member hears that it is dead. */
void console_lost(struct supervisor *supervisor, struct member *member);

#endif
