/* SPDX-License-Identifier: MIT */
/*
 * The JSON document that the supervisor hands one `lpad node` process: its resolved part of the topology, so that
 * editing the file under a run changes nothing. lib/node/document.c reads it; both change together.
 *
 * {
 *   "lpad": 1, "run": "wordcount-3", "name": "wordcount", "token": "16 hex digits", "seed": 1,
 *   "sockets": "/run/user/1000/lpad/7",           folder of all sockets of the run
 *   "process": "worker/0",                        what the process is called: its replica, `process: NAME`, "worker/0-3", the
 *                                                 topology's name under --threads
 *   "nodes": [{                                   several when replicas share a process
 *     "node": "mapper/2", "group": "mapper", "number": 5,           number: the group's
 *     "index": 2, "replicas": 4, "incarnation": 1, "id": 12,        id: global replica number
 *     "axes": [{"name": "row", "extent": 2, "coordinate": 1}],
 *     "folder": "/…/nodes/mapper/2", "waited": true,                waited: the program waits for its run
 *     "module": "/…/modules/x.so", "shown": "dqn.c", "implementation": "mapper",
 *     "command": {"words": ["python3", "/…/tuner.py"], "shell": false, "ready": false,      instead of "module": a program. shell: one
 *        "handles": ["sensor"], "methods": ["ask"], "topics": [{"name": "stdout", "signature": null}],  word, for sh. What the file declares,
 *        "subscriptions": [{"name": "stdin", "keep": -2}]},                                 in the order of its ports; signature: what all
 *                                                                                           subscribers of the topic want; null: any JSON
 *     "params": {"steps": 500, "lr": 0.001, "text": ["/abs/a"]},     every declared one, typed; $index, $folder put in
 *     "start_within": -1, "stop_within": 10.0,
 *     "serve": ["ipc:///…/12.1.0"],             its REP addresses, one for neighbours in the same process and one for
 *                                               others; empty: nobody calls it or subscribes
 *     "max_message": 1073741824,
 *     "callers": [{"node": "driver", "number": 2, "index": 0, "incarnation": 1}],   members that will say HELLO
 *     "handles": {"peers": {"place": 2, "deadline": null,           deadline: seconds or null
 *        "servers": [{"node": "mapper/0", "number": 0, "index": 0, "incarnation": 1, "address": "ipc://…"}],
 *        "methods": {"0": [{"name": "map", "idempotent": true}]}}},          by the servers' group number; for a command with
 *                                               "request" and "reply" as in "mirrored"
 *     "mirrored": [{"name": "pull", "idempotent": true, "request": null, "reply": null}],  methods of the node behind it; absent: none
 *     "topics": {"reading": {"bodies": ["ipc:///…/12.1.1"], "notices": [], "buffer": 192, "window": 128,
 *        "subscribers": [{"node": "smooth", "number": 3, "index": 0, "incarnation": 1, "port": "value", "keep": -2, "window": 128,
 *                         "eager": false}]}},
 *     "subscriptions": {"value": {"keep": -2, "window": 128, "cycle": false,
 *        "publishers": [{"node": "sensor", "number": 1, "index": 0, "incarnation": 1, "topic": "reading",
 *                        "address": "ipc://… (topic)", "notice": "ipc://…" of a lazy `latest`, else null,
 *                        "serve": "ipc://… (REP)", "buffer": 192,
 *                        "keep": -2, "window": 128, "eager": false}]}}
 *   }]
 * }
 *
 * In "params" a choice is its text, a duration seconds, a size bytes; a real that JSON cannot hold is one of the texts
 * ".inf", "-.inf", ".nan". An empty path stays empty. "max_message" is the largest of the node's edges. "callers" holds
 * each member once, those that hold a handle onto their own group included (a member calls its own place too).
 *
 * A handle joined by several edges holds their servers in edge order; the deadline is the first one given. A port that
 * no edge names is absent. Addresses are ipc://SOCKETS/ID.INCARNATION.N: N = 0 for calls, 1 + 2 * place of the topic for its bodies,
 * 2 + 2 * place for its notices; between replicas of one process inproc://ID.INCARNATION.N; over tcp one listens on
 * tcp://127.0.0.1:0 and the peers' addresses are null until the supervisor sends them (control.h, "peer").
 * A topic without subscribers is absent. keep and window stand per subscriber (an edge may change them): in
 * "subscriptions" each publisher entry carries its own "keep" and "window" as well.
 */
#ifndef TOPOLOGY_DOCUMENT_H
#define TOPOLOGY_DOCUMENT_H

#include <jansson.h>

#include "topology/carriers.h"
#include "topology/processes.h"
#include "topology/topology.h"

struct run_places {                     /* what a document needs to know of the run */
	const char *run, *token;
	const char *sockets, *nodes;    /* folders */
	/* The shared object in the record for a group; borrowed. */
	const char *(*module)(void *context, const struct group *group);
	void *context;
	/* Of a replica by its global number, as it is now; NULL: all are in their first. */
	int (*incarnation)(void *supervisor, int replica);
	void *supervisor;
	const struct processes *processes;
	enum carrier carrier;
};

/* Of one replica. New reference. */
json_t *document_node(const struct topology *topology, const struct run_places *places, const struct group *group, int index);
/* Of a whole process, by its number: {"lpad": 1, ..., "nodes": [document_node]}. New reference. */
json_t *document_process(const struct topology *topology, const struct run_places *places, int process);
/* What the `check` callback sees of one replica, index 0 or each one whose parameters differ: handles with their
   servers, topics, subscriptions, axes; no addresses, no callers. */
json_t *document_check(const struct topology *topology, const struct group *group, int index);
/* Does the program wait for this node's run? Services and what runs in the background end when the others have. */
bool document_waited(const struct group *group);

#endif
