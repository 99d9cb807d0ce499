/* SPDX-License-Identifier: MIT */
/* The format as a JSON Schema, for editors: draft 2020-12, made from the tables of schema.h. */
#ifndef TOPOLOGY_JSON_SCHEMA_H
#define TOPOLOGY_JSON_SCHEMA_H

#include <jansson.h>

/* New reference. YAML is taken as version 1.2 with its core types: a plain 10 is a number, a plain yes a text. */
json_t *json_schema(void);

#endif
