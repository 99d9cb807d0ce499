/* SPDX-License-Identifier: MIT */
/*
 * What a module offers, as the throw-away child described it (JSON, see lib/node/describe.h), or what a command
 * node declares in the file. Never holds a pointer into a module.
 *
 * {"globals": "cache, n_calls",                              absent or null: none
 *  "implementations": [{"name", "help", "has_check": bool, "has_run": bool, "service": bool, "mirrors": "server",
 *    "params": [{"name", "help", "type": "list", "element": "int", "value": "1, 2", "range": "1..", "fields": [params]}],
 *    "handles": [{"name", "help", "many": 1 | 2 | 3, "calls": ["task", "weights"]}],
 *    "methods": [{"name", "help", "inbox": bool, "idempotent": bool, "threads", "queue", "batch", "request", "reply"}],
 *    "topics": [{"name", "help", "signature"}],
 *    "subscriptions": [{"name", "help", "keep": -1 | -2 | N, "optional": bool, "callback": bool, "signature"}]}]}
 *
 * Members that are absent or null are NULL, 0, false, empty; unknown members are ignored.
 */
#ifndef TOPOLOGY_INTERFACE_H
#define TOPOLOGY_INTERFACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

struct param_spec {
	char *name, *help, *type, *element;     /* type: "int" "real" "bool" "text" "choice" "path" "duration" "size" "list" "object" "map" */
	char *value, *range;                    /* NULL: none */
	LIST(struct param_spec) fields;
};
struct handle_spec {
	char *name, *help;
	int many;                               /* 1 one, 2 optional, 3 many */
	LIST(char *) calls;
};
struct method_spec {
	char *name, *help, *request, *reply;
	bool inbox, idempotent;
	int threads, queue, batch;
};
struct topic_spec {
	char *name, *help, *signature;
};
struct subscription_spec {
	char *name, *help, *signature;
	int keep;                               /* -1 latest, -2 all, > 0 a queue */
	bool optional, callback;
};
struct implementation_spec {
	char *name, *help;
	bool has_check, has_run, service;
	char *mirrors;                          /* the handle to the node whose methods it offers too; NULL: none */
	LIST(struct param_spec) params;
	LIST(struct handle_spec) handles;
	LIST(struct method_spec) methods;
	LIST(struct topic_spec) topics;
	LIST(struct subscription_spec) subscriptions;
};
/* One shared object. */
struct interface {
	char *path;                             /* the shared object, absolute */
	char *shown;                            /* as the author named it: "dqn.c" */
	char *globals;                          /* writable globals, "cache, n_calls"; NULL: none */
	LIST(struct implementation_spec) implementations;
};

struct interface *interface_from_json(json_t *json, const char *path, const char *shown, struct error *error);
void interface_free(struct interface *interface);
void implementation_release(struct implementation_spec *spec);         /* what it points to, not itself */
const struct implementation_spec *interface_find(const struct interface *interface, const char *name);
const struct param_spec *implementation_param(const struct implementation_spec *spec, const char *name);
const struct handle_spec *implementation_handle(const struct implementation_spec *spec, const char *name);
const struct method_spec *implementation_method(const struct implementation_spec *spec, const char *name);
const struct topic_spec *implementation_topic(const struct implementation_spec *spec, const char *name);
const struct subscription_spec *implementation_subscription(const struct implementation_spec *spec, const char *name);

#endif
