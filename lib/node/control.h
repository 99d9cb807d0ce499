/* SPDX-License-Identifier: MIT */
/*
 * The control channel between the supervisor and one `lpad node` process: JSON lines on a stream socket, descriptor 3
 * of the node. The first line the supervisor sends is the document (topology/document.h). Unknown members are ignored.
 * Every line of the node names its replica in "node".
 *
 * supervisor to node                                  when
 * Every order but "peer" names its replica in "node"; an order without is for all of the process.
 *
 *   {"do": "connect", "node": N}                      all are bound: dial the neighbours
 *   {"do": "go", "hold": false}                       all are wired: start run; hold: serve, but do not start it
 *   {"do": "stop", "within": 10.0}                    the program stops; seconds until TERM;
 *                                                     "alone": true: only this process stops, its neighbours go on
 *   {"do": "drain", "within": 8.5}                    all runs have ended: no new calls, send queues and ENDs;
 *                                                     "alone": true: only this process ends, its neighbours go on
 *   {"do": "listen", "node": N, "address": "ipc://..."}    for an observer (lpad call)
 *   {"do": "ping"}                                    it has been silent for long: a sign of life is wanted
 *   {"do": "listen", "node": N, "address": "ipc://...", "topic": "weights", "bodies": "ipc://..."}
 *                                                     for an observer of a topic (lpad watch), too; bodies: where, unless others
 *                                                     of this host can dial it already
 *   {"do": "finish"}                                  all are drained, or time is up: fini and exit
 *   {"do": "peer", "node": "worker/2", "number": 3, "index": 2, "incarnation": 1, "state": "lost" | "gone"}
 *                                                     a neighbour of one of them died; gone: it will not come back
 *   {"do": "peer", ..., "incarnation": 2, "state": "up", "serve": "ipc://...", "topics": {"reading": {"address": "ipc://...",
 *      "notice": "ipc://..."}}}                       a neighbour listens there: restarted, or (before connect) over tcp; members
 *                                                     that do not exist are absent
 *
 * node to supervisor
 *   {"is": "step", "node": N, "step": "load" | "init" | "bind" | "wire" | "run" | "serve" | "drain" | "fini",
 *    "waits_for": ["learner"]}                        waits_for: only in wire and drain, at most 8 names
 *   {"is": "bound", "node": N, "serve": "tcp://127.0.0.1:40001", "topics": {"reading": {"address": "tcp://...", "notice": "..."}}}
 *                                                     module loaded, init returned 0, listeners exist. Addresses only where
 *                                                     the document asked for a free port
 *   {"is": "wired", "node": N}                        HELLO exchanged with every neighbour, both directions
 *   {"is": "ended", "node": N, "code": 0}             run returned well (0 or stopped). The supervisor takes 1..125 as a bad
 *                                                     end too; our own nodes say "failed" then
 *   {"is": "failed", "node": N, "step": "init", "code": 1, "text": "…", "peer": "learner"}
 *                                                     init, run or a subscription's callback failed; the process exits
 *                                                     with the code next. peer: the failed peer it names, so that this
 *                                                     is a consequence; absent otherwise. Of a command
 *                                                     "signal": 9 too, if that ended its program; its code may be up to 255
 *   {"is": "stop", "node": N, "code": 0, "why": "…"}  lpad_stop
 *   {"is": "restart", "node": N, "peer": "worker/2", "number": 3, "index": 2, "incarnation": 1, "why": "…"}
 *                                                     lpad_restart_server: that incarnation is to be ended; a failure of it, and
 *                                                     its policy acts. Nothing happens if it is dead already
 *   {"is": "reports", "node": N, "list": [["loss", 0.3, 120, 1763812800000]], "dropped": 0}
 *                                                     lpad_report, in batches: name, value, step, wall clock in ms
 *   {"is": "status", "node": N, "texts": {"transitions": "312 of 1000 items"},
 *      "waits": [{"for": "replay.sample", "why": "table transitions: 312 of 1000 items", "seconds": 10.2}]}
 *                                                     lpad_status: all that there is now; and the waits that a note has told of
 *                                                     and that last. Either is absent if it has not changed. At most once a second
 *   {"is": "counters", "node": N, "ports": [{"port": "value", "kind": "handle" | "method" | "topic" | "subscription",
 *      "peer": "sensor", "peer_port": "reading", "messages": 10, "bytes": 640, "delivered_bytes": 1280, "dropped": 0, "lost": 0,
 *      "published": 10, "received": 10, "errors": 0,
 *      "latency": [p50, p90, p99, max]}]}             a second after the last one that had changed, later while nothing
 *                                                     changes (8 s at most), and before drained; latency in seconds,
 *                                                     handles only; one entry per port and peer replica
 *   {"is": "note", "node": N, "text": "has waited 10 s for replay.sample"}      shown to the user, behind the name unless it begins with it
 *   {"is": "listening", "node": N, "address": "ipc://...", "text": "..."}     address absent: it cannot, and text says why
 *   {"is": "pong", "node": N}                         after ping, if nothing else is to be said; the first replica's name
 *   {"is": "listening", "node": N, "topic": "weights", "address": "ipc://...", "bodies": "ipc://...", "text": "..."}
 *   {"is": "drained", "node": N, "left": 3, "text": "3 messages of reading to keep"}     left 0: nothing was left
 *
 * Exit of the process: 0 after finish; the failure's code after "failed"; 1 if the channel ended without a word.
 */
#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

enum {
	CONTROL_FD = 3
};

#endif
