/* SPDX-License-Identifier: MIT */
/* Ends the process while it is loaded. */
#include <stdlib.h>

#include <lpad/node.h>

__attribute__((constructor)) static void leave(void)
{
	exit(3);
}

LPAD_MODULE({ .name = "node" });
