/* SPDX-License-Identifier: MIT */
/* Rows of a size that cannot be. */
#include <lpad/node.h>

__attribute__((visibility("default"))) extern const lpad_module_table lpad_module;

static const lpad_implementation implementations[] = { { .name = "node" } };

const lpad_module_table lpad_module = { .abi_major = LPAD_ABI_MAJOR, .size = sizeof(lpad_module_table),
	.implementation_size = sizeof(lpad_implementation), .param_size = 3, .handle_size = sizeof(lpad_handle_decl),
	.method_size = sizeof(lpad_method), .topic_size = sizeof(lpad_topic_decl),
	.subscription_size = sizeof(lpad_subscription_decl), .count = 1, .implementations = implementations,
	.host = &lpad_host_ };
