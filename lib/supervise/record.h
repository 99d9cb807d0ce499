/* SPDX-License-Identifier: MIT */
/*
 * The record of a run: FOLDER/ID/ with topology.yaml, resolved.json, manifest.json, modules/, logs/, nodes/,
 * metrics.jsonl, result.json. Writing while the run goes on never fails it: what cannot be written is said once,
 * through `trouble`, and left out.
 */
#ifndef SUPERVISE_RECORD_H
#define SUPERVISE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "supervise/envfile.h"
#include "supervise/inputs.h"
#include "topology/processes.h"
#include "topology/topology.h"

struct module_copy {
	char *from, *to;                /* absolute */
	char hash[65];                  /* SHA-256 of it, hexadecimal */
};
struct record {
	char *id;                       /* "wordcount-3" */
	char *folder;                   /* absolute */
	char *nodes;                    /* folder/nodes */
	LIST(struct module_copy) modules;
	bool continued;                 /* it was there before */
	int kept;                       /* the number under which what it said before is kept; 0: not yet */
	int hold;                       /* of record_hold; 0: none */
	int metrics;                    /* descriptor of metrics.jsonl; -1: closed or broken */
	int logs_open, logs_most;       /* logs held open; more are opened for each write */
	bool logs_broken, incarnations_broken;
	void (*trouble)(void *context, const char *text);
	void *context;
};
/* Through `trouble`. */
void record_complain(struct record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes FOLDER/NAME-N, N the first free number above all there are; mkdir decides between launches. -1 with an error
   that names --record. */
int record_create(struct record *record, const char *folder, const char *name, struct error *error);
/* One that is there, to go on in. -1 with an error: it is under way. */
int record_open(struct record *record, const char *folder, struct error *error);
void record_release(struct record *record);
/* Removes the folder again: nothing was started. One that was there before says again what it said. */
void record_discard(struct record *record);

/*
 * While a launch lives, its two processes hold the folder of its record: a shared lock, which the kernel lets go when they
 * die, however they do. A descriptor to close; -1 with errno.
 */
int record_hold(const char *folder);
bool record_is_held(const char *folder);
/* Whether anybody holds it but this descriptor. */
bool record_others_hold(int hold);

/* What manifest.json says of this launch. */
struct manifest {
	const struct topology *topology;
	const struct processes *processes;      /* NULL: each replica has one */
	int argument_count;
	char **arguments;               /* the command line */
	const char *current_folder, *sockets;
	bool detached;
	const struct envfile *variables;        /* of --env-file */
	const struct inputs *inputs;            /* what else it was given */
	const char *file;                       /* the topology file, as the user called it */
	const char *again;                      /* the run that is repeated; NULL */
	const json_t *git;
	const struct text *diff;                /* of git */
};
/* Whose folder of sockets it is; who finds it later knows whether it is left over. Not worth failing for. */
void record_mark_sockets(const struct record *record, const char *sockets);
/* Everything that is known before the start; `latest` points here afterwards. Of one that is continued, manifest.json and
   result.json become manifest-N.json and result-N.json. */
int record_fill(struct record *record, const struct manifest *manifest, struct error *error);
/* The variables that --env-file gave to the run of a record. */
int record_read_variables(const char *folder, struct envfile *out, struct error *error);

/*
 * Every incarnation but a replica's first is noted in incarnations.jsonl when it is started, so that a run that is continued
 * goes on counting, however it ended. The last one that is noted of a replica: 1 if none is. An object by name, new reference.
 */
void record_incarnation(struct record *record, const char *node, int incarnation);
json_t *record_incarnations(const char *folder);
/* The copy of a group's shared object; for struct run_places. NULL if the group has none. */
const char *record_module(void *record, const struct group *group);

/* nodes/NAME, made if it is missing. Caller frees; NULL with an error. */
char *record_node_folder(struct record *record, const char *name, struct error *error);

/* ---- log.c ---- */

struct log {
	int fd;                         /* -1: not open */
	bool held;                      /* counted in logs_open */
	int64_t noted_ms;               /* the last line of its times */
};
#define LOG_CLOSED ((struct log){ .fd = -1 })
/* Appends to logs/NAME.log; before it, at most four times a second, "MILLISECONDS-SINCE-1970 LENGTH" to logs/NAME.times. */
void record_log(struct record *record, struct log *log, const char *name, const char *data, size_t size);
void record_close_log(struct record *record, struct log *log);
/* The last `most` lines of a node's log. Caller frees; NULL: none. */
char *record_log_tail(const struct record *record, const char *name, int most);

/* Appends to metrics.jsonl. */
void record_metrics(struct record *record, const char *lines, size_t size);
/* ---- record_result.c ---- */

/* Keeps room for result.json, so that a full disk does not lose it. -1 with an error: there is none any more. */
int record_reserve_result(const struct record *record, int replicas, struct error *error);
/* Writes it whole or not at all; takes the reference. -1 with an error; if the disk is full and the room does not suffice,
   what it says of nodes and edges is left out. */
int record_write_result(const struct record *record, json_t *result, struct error *error);

/* Writes NAME (resolved.json) whole or not at all; takes the reference. */
int record_write_json(struct record *record, const char *name, json_t *value, struct error *error);

/* ---- manifest.c ---- */
json_t *manifest_json(struct record *record, const struct manifest *manifest);
void manifest_hash(const void *data, size_t size, char out[65]);

#endif
