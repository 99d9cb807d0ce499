/* SPDX-License-Identifier: MIT */
/*
 * spawn N: what the machine itself needs to start N processes that open one nng socket each, and to end them: the figure
 * that `lpad launch` of N nodes is held against. Prints "started SECONDS" and "ended SECONDS", from the beginning.
 */
#include <errno.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

extern char **environ;

/* Opens its socket, says so on 1, and stays until 0 is closed. */
static int child(const char *address)
{
	nng_socket socket;
	char byte = '.';
	if (nng_rep0_open(&socket) || nng_listen(socket, address, NULL, 0) || write(1, &byte, 1) != 1)
		return 1;
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}

static pid_t start(int number, int stay, int say)
{
	char *cleanup_free address = memory_format("ipc:///tmp/lpad-bench-%d-%d", (int)getpid(), number);
	char name[] = "spawn", option[] = "--child", *arguments[] = { name, option, address, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stay, 0);
	posix_spawn_file_actions_adddup2(&actions, say, 1);
	if (posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void remove_sockets(int count)
{
	for (int i = 0; i < count; i++) {
		char *cleanup_free path = memory_format("/tmp/lpad-bench-%d-%d", (int)getpid(), i);
		unlink(path);
	}
}

int main(int count, char **arguments)
{
	if (count == 3 && !strcmp(arguments[1], "--child"))
		return child(arguments[2]);
	int stay[2], say[2], number = count > 1 ? atoi(arguments[1]) : 100, heard = 0;
	char byte;
	int64_t begin = clock_ns();
	if (pipe2(stay, O_CLOEXEC) || pipe2(say, O_CLOEXEC))
		return 1;
	for (int i = 0; i < number; i++)
		if (start(i, stay[0], say[1]) < 0)
			return 1;
	while (heard < number && read(say[0], &byte, 1) == 1)
		heard++;
	printf("started %.3f\n", (double)(clock_ns() - begin) / 1e9);
	close(stay[1]);
	for (int i = 0; i < number; i++)
		wait(NULL);
	printf("ended %.3f\n", (double)(clock_ns() - begin) / 1e9);
	remove_sockets(number);
	return heard != number;
}
