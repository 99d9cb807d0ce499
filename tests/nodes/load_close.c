/* SPDX-License-Identifier: MIT */
/* Closes its descriptors while it is loaded. */
#include <unistd.h>

#include <lpad/node.h>

__attribute__((constructor)) static void close_all(void)
{
	for (int fd = 0; fd < 64; fd++)
		close(fd);
}

LPAD_MODULE({ .name = "node" });
