/* SPDX-License-Identifier: MIT */
/* Compiled, it seems, for a later version of the contract. */
#include <lpad/node.h>

__attribute__((visibility("default"))) extern const lpad_module_table lpad_module;

static const lpad_implementation implementations[] = { { .name = "node" } };

const lpad_module_table lpad_module = { .abi_major = LPAD_ABI_MAJOR + 1, .size = sizeof(lpad_module_table),
	.implementation_size = sizeof(lpad_implementation), .count = 1, .implementations = implementations,
	.host = &lpad_host_ };
