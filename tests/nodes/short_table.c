/* SPDX-License-Identifier: MIT */
/* A table that ends too early. */
#include <lpad/node.h>

struct head {
	uint32_t abi_major, abi_minor, size;
};

__attribute__((visibility("default"))) extern const struct head lpad_module;

const struct head lpad_module = { LPAD_ABI_MAJOR, 0, sizeof(struct head) };
