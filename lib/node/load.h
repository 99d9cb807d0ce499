/* SPDX-License-Identifier: MIT */
/*
 * Modules: shared objects with the symbol lpad_module. Its arrays are walked by the strides of the author's header and
 * copied into structs of ours, members that the author's header did not have yet staying zero; so the rest of lib/node
 * sees one version only. A module is never closed: its code may still run on a thread.
 */
#ifndef NODE_LOAD_H
#define NODE_LOAD_H

#include <lpad/node.h>

#include "base/error.h"

struct module;

/* Opens it and fills its host slot. NULL and an error that says what to do: not a shared object, no symbol, another ABI. */
struct module *module_load(const char *path, const lpad_host *host, struct error *error);
/* One that is linked into this program. */
struct module *module_of_table(const lpad_module_table *table, const lpad_host *host, struct error *error);
void module_free(struct module *module);                /* our copies; the object stays loaded */
size_t module_count(const struct module *module);
/* Today's structs; an array ends with a row without a name, or is NULL. Borrowed from the module. */
const lpad_implementation *module_at(const struct module *module, size_t place);
const lpad_implementation *module_find(const struct module *module, const char *name);  /* NULL: none */

#endif
