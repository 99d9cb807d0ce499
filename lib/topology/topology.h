/* SPDX-License-Identifier: MIT */
/*
 * A topology for one combination of its variables: everything substituted, `when` applied, replicas counted.
 *
 *     struct problems problems = { 0 };
 *     struct source *source = source_read("topo.yaml", settings, &problems);   // read.c: YAML, keys, variables
 *     struct topology *t = topology_resolve(source, NULL, &problems);          // resolve.c: the default combination
 *     topology_bind(t, lookup, context, &problems);                            // bind.c: modules, ports, params
 *     ... t->groups, t->edges ...
 *     topology_free(t), source_free(source), problems_release(&problems);
 *
 * Edges are held by group; pairs of replicas are computed on demand (edge_peers), so a file of 10,000 by 10,000
 * costs nothing until it is launched.
 */
#ifndef TOPOLOGY_TOPOLOGY_H
#define TOPOLOGY_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "topology/interface.h"
#include "topology/problem.h"
#include "topology/tree.h"

enum {
	LABEL_LONGEST = 200,            /* characters of a name */
	REPLICAS_MOST = 1000000,
	COMBINATIONS_MOST = 64
};

/* ---- settings from the command line ---- */

struct setting {
	const char *name, *value;       /* --set name=value */
	const char *folder;             /* base of relative paths in it; NULL: that of all settings */
};
struct settings {
	const struct setting *at;
	size_t count;
	const char *const *arguments;   /* what stood behind --, NULL-terminated or NULL */
	const char *folder;             /* the current folder: base of relative paths in settings and arguments */
	const char *run;                /* the run's id for $run; NULL in check: a placeholder */
	const char *name;               /* --name: replaces the file's; NULL: not given */
	const char *here;               /* of a copy: the folder that the file was in; NULL: the one that it is in */
};

/* ---- the file, read ---- */

struct variable {
	char *name;
	struct mark mark;
	struct tree *value;             /* after --set and $args */
	struct tree *fallback;          /* the file's own default */
	bool set, used;                 /* given by --set; seen in a use */
	LIST(char *) one_of;
	char *help;
};
struct source {
	char *file;                     /* as shown in messages */
	char *folder;                   /* absolute, of the file ("-": the current one): $here */
	struct text text;               /* the file's bytes, for carets and the record */
	struct tree *root;
	LIST(struct variable) variables;
	const struct settings *settings;        /* borrowed */
	bool arguments_used;            /* $args stands somewhere in it */
	LIST(char *) names;             /* owned strings that marks and trees point to */
};

/* Reads a file ("-": standard input). NULL if there is nothing to go on with; problems say why. `unreadable` is set
   when the file could not be read at all (exit 3 of check, 125 of launch). A folder means its topo.yaml. */
struct source *source_read(const char *path, const struct settings *settings, struct problems *problems,
	bool *unreadable);
void source_free(struct source *source);

/* One choice of every one_of variable. */
struct combination {
	size_t count;
	const char **names, **values;
};
/* All combinations, the default one first; above COMBINATIONS_MOST the default and each value alone, with a warning.
   A variable given by --set has only that value. */
struct combinations {
	LIST(struct combination) list;
};
void source_combinations(struct source *source, struct combinations *out, struct problems *problems);
void combinations_release(struct combinations *combinations);

/* ---- one combination, resolved ---- */

struct axis {
	char *name;
	int extent;
	struct mark mark;
};

enum policy_kind { POLICY_STOP, POLICY_IGNORE, POLICY_RESTART };
struct policy {
	enum policy_kind kind, then;    /* then: after the last restart, STOP or IGNORE */
	int restarts;                   /* most within the window; -1: no limit */
	int64_t within_ns, backoff_low_ns, backoff_high_ns;
	struct mark mark;               /* line 0: the default */
};

struct resources {
	double cpus;                    /* 0: not given; the same for the others */
	int64_t memory;
	int gpus, nofile;
	bool has_nice;
	int nice;
	struct mark mark;               /* line 0: none given */
};

struct word {                           /* a text with its place */
	char *text;
	struct mark mark;
	const char *base;               /* borrowed: folder for a relative path */
	bool template;                  /* as in struct tree */
};

struct group {
	char *label;
	struct mark mark;               /* of the label */
	int number;                     /* place among the groups of this combination */
	int replicas;                   /* product of the axes */
	struct mark replicas_mark;
	bool unsure;                    /* `replicas` is not what the file means, which was reported: nothing may follow from it */
	LIST(struct axis) axes;         /* empty: a plain number; last axis fastest */
	int first;                      /* global number of replica 0: sum of the replicas before */
	bool service_declared;
	LIST(struct word) module;       /* C sources or one shared object, as written; empty for a command */
	struct word implementation;     /* text NULL: not given */
	struct { LIST(char *) flags, libs; char *compiler; struct mark mark; } build;
	struct tree *command;           /* list or text; NULL */
	struct tree *params;            /* map of the node's own, substituted ($index, $folder kept: tree->template); NULL */
	struct tree *defaults;          /* map of params from `defaults` that `params` does not name; strangers are skipped */
	struct tree *handles, *methods, *subscriptions, *topics;        /* of a command; NULL */
	bool says_ready;                /* of a command: by $LPAD_READY_FD */
	struct policy policy;
	struct resources resources;
	char *process;                  /* NULL: a process per replica */
	int per_process;                /* 1 */
	struct mark process_mark;
	int64_t start_within_ns, stop_within_ns;        /* -1: no limit; default -1 and 10 s */
	int64_t health_ns;                      /* it answers within that; 0: it need not; default 30 s */
	LIST(struct word) env;          /* "NAME=value" */
	bool background;
	struct implementation_spec *declared;           /* of a command: what the keys above say; NULL before topology_bind */
	/* Filled by topology_bind; NULL before. */
	const struct interface *interface;              /* owned by the lookup; of a command NULL */
	const struct implementation_spec *spec;         /* of a command `declared` */
	json_t *values;                 /* typed values of every declared param, see value.h; $index, $folder not yet put in */
};

enum map_kind { MAP_ALL, MAP_ONE_TO_ONE, MAP_ROUND_ROBIN, MAP_NEXT, MAP_PREVIOUS, MAP_ALONG };
struct edge {
	struct mark mark, from_mark, to_mark;   /* the arrow's text; its ends */
	int from, to;                           /* groups by number */
	char *from_port;                        /* handle or topic; NULL: not written, which topology_bind explains */
	char *to_port;                          /* subscription; NULL: calls */
	enum map_kind map;
	struct mark map_mark;
	char *axis;                             /* along, or of next and previous; NULL */
	bool has_keep;
	int keep;                               /* -1 latest, -2 all, > 0 a queue */
	int64_t keep_window;                    /* {all: N}; 0: the default of 128 */
	struct mark keep_mark;
	bool eager;                             /* fetch: eager */
	bool has_fetch;
	int64_t deadline_ns;                    /* -1: none */
	int64_t max_message;                    /* bytes; 1 GiB */
	bool cycle;                             /* a topic edge on a circle of topics: drain does not wait for its end */
};

/* An edge that could not be made, which was reported: the ports that it means are not forgotten. */
struct lost_edge {
	int from, to;                           /* -1: it may be any group */
	char *from_port, *to_port;              /* NULL: none written */
	bool illegible;                         /* nothing is known of it */
};

struct topology {
	const struct source *source;            /* borrowed */
	char *name;
	int64_t seed;
	LIST(struct group) groups;
	LIST(struct edge) edges;
	LIST(struct lost_edge) lost;
	struct policy policy;
	int64_t time_limit_ns;                  /* -1: none */
	struct mark time_limit_mark;
	int total;                              /* replicas in all */
	struct joins *joins;                    /* joins.h: made by topology_bind, freed (joins_free) by topology_free */
};

/* NULL combination: the default one. NULL if nothing could be made of it. Marks variables as used. */
struct topology *topology_resolve(struct source *source, const struct combination *combination,
	struct problems *problems);
void topology_free(struct topology *topology);
/* After every combination was resolved: variables that nothing uses, arguments that no $args takes. */
void source_report_unused(struct source *source, struct problems *problems);
/* The latter alone: known once the file is read. */
void source_report_arguments(struct source *source, struct problems *problems);
struct group *topology_group(const struct topology *topology, const char *label);      /* NULL: none */

/* "worker/3", "proc/1/0/2", "learner" (one replica without axes and `replicas:` absent). Caller frees. */
char *group_replica_name(const struct group *group, int index);
void group_coordinates(const struct group *group, int index, int *out);

/* The replicas that `index` of `edge`'s left (forward) or right (backward) group is joined with, ascending; for
   calls: the order of places in the handle. Caller frees with free(); count through `count`. A topic never comes
   back to its own publisher. */
int *edge_servers(const struct topology *topology, const struct edge *edge, int index, size_t *count);
int *edge_callers(const struct topology *topology, const struct edge *edge, int index, size_t *count);
int64_t edge_pairs(const struct topology *topology, const struct edge *edge);          /* without enumerating all-to-all */

struct processes;

/* ---- modules, ports and parameters ---- */

/*
 * Gives the interface of a module. `words` is the module list of a group. NULL with problems added (at the words'
 * marks) if it cannot be had. Called once per different module list; the result must live until the lookup's owner
 * ends. See supervise/probe.h for the real one.
 */
struct module_lookup {
	void *context;
	const struct interface *(*find)(void *context, const struct source *source, const struct group *group,
		struct problems *problems);
	/* The implementation's `check` callback with these typed values; document as document_check() makes it.
	   Returns a list of complaints: "params.x.y: text", "replicas: text", "edges.PORT: text" or plain text;
	   NULL-terminated, caller frees each and the list; NULL: none. */
	char **(*check)(void *context, const struct interface *interface, json_t *document);
};
/* Resolves implementation, types and checks params, checks edges against ports, arities, required ports, calls
   `check`. Returns the number of errors it added. `skip_check_callbacks` for launch --dry-run's sake: never. */
size_t topology_bind(struct topology *topology, const struct module_lookup *lookup, struct problems *problems);

/* The implementation of its module that a group runs; NULL: the file does not say which. */
const struct implementation_spec *group_implementation(const struct group *group, const struct interface *interface);
/* Defaults that their own declarations do not allow: errors of the module, at `mark`. */
void interface_check_defaults(const struct interface *interface, struct mark mark, struct problems *problems);

/* Programs of commands that cannot be found: errors if `refuse`, else warnings. Returns their number. */
size_t topology_check_programs(const struct topology *topology, bool refuse, struct problems *problems);

/* Processes, threads and connections it makes. */
struct topology_size {
	int64_t nodes, replicas, processes, threads, connections;
};
/* `processes`: who shares one, processes.h; NULL: as the file says. */
struct topology_size topology_measure(const struct topology *topology, const struct processes *processes);

struct machine_limits {
	int64_t threads, pids, of_user;         /* 0: not known, or none */
};
void machine_limits_read(struct machine_limits *out);
/* A warning if the threads are more than that. */
void topology_check_limits(const struct topology *topology, const struct machine_limits *limits,
	struct problems *problems);

/* ---- printing ---- */

void topology_print_text(const struct topology *topology, FILE *out);           /* lpad graph */
void topology_print_mermaid(const struct topology *topology, FILE *out);        /* lpad graph --format mermaid */
void topology_print_dot(const struct topology *topology, FILE *out);            /* ... dot, for Graphviz */
void topology_print_graph_json(const struct topology *topology, FILE *out);     /* ... json: nodes and edges alone */
/* The resolved topology as one JSON document ({"schema": 1, ...}): lpad expand, resolved.json; paths absolute. */
json_t *topology_to_json(const struct topology *topology);
/* The same as YAML that lpad reads again: no variables, no when, no defaults. lpad expand without --json. */
void topology_print_yaml(const struct topology *topology, FILE *out);

#endif
