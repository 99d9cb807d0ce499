/* SPDX-License-Identifier: MIT */
/* What the files behind topology_resolve share: resolve.c (order of work), group.c, replicas.c, policy.c, edge.c, take.c. */
#ifndef TOPOLOGY_BUILD_H
#define TOPOLOGY_BUILD_H

#include "topology/names.h"
#include "topology/schema.h"
#include "topology/substitute.h"
#include "topology/topology.h"

struct builder {
	struct source *source;
	struct topology *topology;
	struct scope *scope;
	struct problems *problems;
	struct names nodes;             /* all labels of the file */
	struct names groups;            /* labels of this combination -> number */
	struct names edges;             /* what each edge joins, to find it a second time */
	LIST(char *) edge_names;
	int64_t start_within_ns, stop_within_ns;        /* for nodes that do not say */
};

/* ---- take.c: one value, variables put in; all return 0, or -1 with a problem and *out as it was ---- */

/* The value of `key`, or NULL: not there, empty, or not what the key wants (then `*bad` is set). tree_free. */
struct tree *take(struct builder *builder, enum schema_level level, const struct tree *map, const char *key,
	const struct use *use, bool *bad);
int take_int(struct builder *builder, const struct tree *value, const char *key, int64_t low, int64_t high, int64_t *out);
int take_real(struct builder *builder, const struct tree *value, const char *key, double *out);
int take_bool(struct builder *builder, const struct tree *value, const char *key, bool *out);
int take_duration(struct builder *builder, const struct tree *value, const char *key, int64_t *out);
int take_size(struct builder *builder, const struct tree *value, const char *key, int64_t *out);
/* The place of a text among words. */
int take_word(struct builder *builder, const struct tree *value, const char *key, const char *const *words, size_t count,
	int *out);
/* A text, or a list of texts; `each` is called with every one. An empty text is a problem. */
int take_texts(struct builder *builder, const struct tree *value, const char *key,
	void (*each)(void *context, const struct tree *text), void *context);

/* ---- the rest ---- */

/* policy.c: `on_failure`, from a text or a map, and `resources`. */
void policy_read(struct builder *builder, const struct tree *value, struct policy *out);
void resources_read(struct builder *builder, const struct tree *map, struct resources *out);
/* replicas.c: false if the size is not what the file says. */
bool replicas_read(struct builder *builder, const struct tree *value, struct group *group);
/* group.c: the group of one node of the file, which is on. */
void group_build(struct builder *builder, const char *label, struct mark mark, struct tree *own, struct tree *defaults);
void group_release(struct group *group);
/* edge.c: one item of `edges`. */
void edge_build(struct builder *builder, struct tree *item);
void edge_release(struct edge *edge);
/* The whole list of edges could not be read, or one of them. */
void edge_lose(struct builder *builder);
/* cycle.c: edge->cycle of all edges. */
void cycle_mark(struct topology *topology);

#endif
