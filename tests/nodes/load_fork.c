/* SPDX-License-Identifier: MIT */
/* Forks while it is loaded; the child goes on as if it were the module's process. */
#include <unistd.h>

#include <lpad/node.h>

__attribute__((constructor)) static void split(void)
{
	if (fork() < 0)
		_exit(1);
}

LPAD_MODULE({ .name = "node" });
