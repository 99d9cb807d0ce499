/* SPDX-License-Identifier: MIT */
/* Crashes while it is loaded. */
#include <stdio.h>

#include <lpad/node.h>

__attribute__((constructor)) static void crash(void)
{
	fprintf(stderr, "about to crash\n");
	__builtin_trap();
}

LPAD_MODULE({ .name = "node" });
