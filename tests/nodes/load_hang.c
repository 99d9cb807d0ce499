/* SPDX-License-Identifier: MIT */
/* Never comes back from being loaded. */
#include <unistd.h>

#include <lpad/node.h>

__attribute__((constructor)) static void hang(void)
{
	for (;;)
		pause();
}

LPAD_MODULE({ .name = "node" });
