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

/* One implementation in today's structs; arrays end with a row without a name, as the author's do, and are never NULL. */
struct implementation {
	lpad_implementation declared;   /* its arrays are the ones below */
	lpad_param *params;
	lpad_handle_decl *handles;
	lpad_method *methods;
	lpad_topic_decl *topics;
	lpad_subscription_decl *subscriptions;
	size_t param_count, handle_count, method_count, topic_count, subscription_count;
};

struct module {
	char *path;
	const lpad_host **host;         /* the module's slot; module_load leaves it alone */
	struct implementation *implementations;
	size_t count;
};

/* `shown`: the name for messages. NULL and an error that says what to do: not a shared object, no symbol, another ABI. */
struct module *module_load(const char *path, const char *shown, struct error *error);
void module_free(struct module *module);                /* our copies; the object stays loaded */
const struct implementation *module_find(const struct module *module, const char *name);

/* Mistakes in the declarations (validate.c): overlapping offsets, beyond the state, bad or double names... 0 or -1. */
int implementation_validate(const struct implementation *implementation, struct error *error);

#endif
