/* SPDX-License-Identifier: MIT */
/* Leaves a process behind that has a session of its own and keeps every descriptor. */
#include <unistd.h>

#include <lpad/node.h>

__attribute__((constructor)) static void detach(void)
{
	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	for (;;)
		pause();
}

LPAD_MODULE({ .name = "node" });
