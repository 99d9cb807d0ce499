/* SPDX-License-Identifier: MIT */
/* The supervisor's document (topology/document.h writes it) as structs. Texts are borrowed from the JSON, which it owns. */
#ifndef NODE_DOCUMENT_H
#define NODE_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "link/link.h"
#include "node/load.h"

struct axis_document {
	const char *name;
	int extent, coordinate;
};

struct replica_document {
	json_t *json;                   /* borrowed from the process's */
	const char *node, *group, *folder, *module, *shown, *implementation;
	int index, replicas, incarnation;
	bool waited;
	json_t *command;                /* borrowed: a program instead of a module; NULL */
	struct axis_document *axes;
	size_t axis_count;
	json_t *params;                 /* borrowed */
};

struct node_document {
	json_t *json;                   /* owned */
	const char *run, *name;
	int64_t seed;
	uint64_t token;
	struct replica_document *nodes;
	size_t count;                   /* more than one: they share the process */
};

/* Takes the reference of `json`, also on failure. */
int document_read(json_t *json, struct node_document *out, struct error *error);
/* Of a check: only the replica's part is there. Takes the reference. */
int document_read_check(json_t *json, struct node_document *out, struct error *error);
void document_release(struct node_document *document);

/*
 * The edges of one replica for lib/link, in the implementation's order: methods all, topics all (unconnected ones without an
 * address), handles and subscriptions those that an edge joins. `subscription_places` gets, for each subscription of the
 * spec, its place among the implementation's declarations. Arrays are owned by `out`.
 */
struct edges {
	struct link_spec spec;
	size_t *subscription_places;
	void **blocks;                  /* what edges_release frees */
	size_t block_count;
};
int edges_read(const struct node_document *process, const struct replica_document *replica,
	const lpad_implementation *implementation, struct edges *out, struct error *error);
void edges_release(struct edges *edges);

#endif
