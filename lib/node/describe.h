/* SPDX-License-Identifier: MIT */
/*
 * A module's declarations as JSON, which lib/topology/interface.h reads:
 *
 * {"implementations": [{
 *    "name": "worker", "help": "...", "has_check": true, "has_run": true, "service": false,
 *    "params": [{"name", "help", "type": "list", "element": "int", "value": "1", "range": "1..", "fields": [...]}],
 *    "handles": [{"name", "help", "many": 1, "calls": ["pull", "push"]}],
 *    "methods": [{"name", "help", "request", "reply", "inbox", "idempotent", "threads", "queue", "batch"}],
 *    "topics": [{"name", "help", "signature"}],
 *    "subscriptions": [{"name", "help", "signature", "keep", "optional", "callback"}]}]}
 *
 * What the author left out is absent.
 */
#ifndef NODE_DESCRIBE_H
#define NODE_DESCRIBE_H

#include <jansson.h>

#include "node/load.h"

json_t *describe_module(const struct module *module);           /* new reference */
const char *describe_type(int type);                            /* enum lpad_type; NULL: unknown */

#endif
