/* SPDX-License-Identifier: MIT */
/* What the files behind topology_bind share: bind.c (modules, order of work), params.c, typing.c, ports.c, signatures.c, declared.c,
   callbacks.c. */
#ifndef TOPOLOGY_BIND_H
#define TOPOLOGY_BIND_H

#include "topology/joins.h"
#include "topology/topology.h"

/* Of one handle or subscription of a group. */
struct port_use {
	int64_t most, least;    /* servers of the first and of the last replica: of all the most and the fewest */
	int first;              /* edge that joins it; -1: none */
	bool meant;             /* a wrong edge seems to mean it: no second complaint that it is open */
};

struct bound_group {
	const struct implementation_spec *spec; /* of the module, or what the file declares of a command; NULL: unknown */
	const char *shown;                      /* "dqn.c"; NULL: a command */
	bool broken;                            /* something of it is wrong: its check callback would see nonsense */
	struct port_use *handles, *subscriptions;       /* by place in spec */
};

struct binder {
	struct topology *topology;
	const struct module_lookup *lookup;
	struct problems *problems;
	struct joins *joins;
	struct bound_group *groups;     /* by number */
	json_t *param_names;            /* a set: what any implementation of the topology declares */
	bool all_known;                 /* every group has a spec */
};

/* params.c: types all given and default values of a module's group into group->values. */
void bind_params(struct binder *binder, struct group *group);
/* ports.c: all edges against ports, then ports left open. */
void bind_ports(struct binder *binder);
/* signatures.c: a topic's signature against its subscription's; NULL is anything. */
void bind_signatures(struct binder *binder, const struct edge *edge, const char *sent, const char *expected);
/* declared.c: the ports that the file declares of a command, for group->declared; and the end of those. */
struct implementation_spec *declared_ports(const struct group *group);
void group_forget_ports(struct group *group);
/* callbacks.c: the implementations' own checks. */
void bind_callbacks(struct binder *binder);

/* "did you mean `x`?" or NULL. Caller frees. */
char *bind_suggestion(const char *word, const char *const *words, size_t count);
/* A parameter that the file gives a group, its own or from `defaults`. */
struct given_param {
	struct tree *value;
	struct mark key_mark;
	bool from_defaults;
};
bool bind_given(const struct group *group, const char *name, struct given_param *out);

#endif
