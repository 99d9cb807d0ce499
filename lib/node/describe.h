/* SPDX-License-Identifier: MIT */
/* A module's declarations as the JSON that topology/interface.h reads and describes; both change together. */
#ifndef NODE_DESCRIBE_H
#define NODE_DESCRIBE_H

#include <jansson.h>

#include "node/load.h"

json_t *describe_module(const struct module *module);           /* new reference */
const char *describe_type(int type);                            /* of enum lpad_type; NULL: there is no such type */

#endif
