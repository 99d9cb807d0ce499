/* SPDX-License-Identifier: MIT */
/* Prints while it is loaded. */
#include <stdio.h>

#include <lpad/node.h>

__attribute__((constructor)) static void greet(void)
{
	puts("welcome to the library of great things");
}

LPAD_MODULE({ .name = "node" });
