/* SPDX-License-Identifier: MIT */
/* As if compiled with an older header, whose implementations ended before `service` and whose parameters had no `fields`. */
#include <lpad/node.h>

struct old_param {
	const char *name, *help;
	int32_t type, element;
	size_t into, room;
	const char *value, *range;
};
struct old_implementation {
	const char *name, *help;
	size_t state;
	const struct old_param *params;
	const lpad_handle_decl *handles;
	const lpad_method *methods;
	const lpad_topic_decl *topics;
	const lpad_subscription_decl *subscriptions;
	int (*check)(lpad_node *);
	int (*init)(lpad_node *);
	int (*run)(lpad_node *);
	void (*fini)(lpad_node *);
};

struct state {
	int64_t first, second;
};

static int run(lpad_node *node)
{
	(void)node;
	return 0;
}

static const struct old_param params[] = {
	{ "first", "one", LPAD_T_INT, 0, offsetof(struct state, first), sizeof(int64_t), "1", NULL },
	{ "second", "two", LPAD_T_INT, 0, offsetof(struct state, second), sizeof(int64_t), "2", NULL },
	{ .name = NULL }
};
static const struct old_implementation implementations[] = {
	{ .name = "early", .state = sizeof(struct state), .params = params, .run = run },
	{ .name = "late", .run = run }
};

__attribute__((visibility("default"))) extern const lpad_module_table lpad_module;

const lpad_module_table lpad_module = { .abi_major = LPAD_ABI_MAJOR, .size = sizeof(lpad_module_table),
	.implementation_size = sizeof(struct old_implementation), .param_size = sizeof(struct old_param),
	.handle_size = sizeof(lpad_handle_decl), .method_size = sizeof(lpad_method),
	.topic_size = sizeof(lpad_topic_decl), .subscription_size = sizeof(lpad_subscription_decl),
	.count = 2, .implementations = (const lpad_implementation *)implementations, .host = &lpad_host_ };
