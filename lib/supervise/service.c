/* SPDX-License-Identifier: MIT */
#include "supervise/service.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* In microseconds: nobody is kept busy by telling more often, and a year is for ever. */
static const long long WATCHDOG_LEAST = 20000, WATCHDOG_MOST = 31536000000000;

static struct sockaddr_un address;
static socklen_t address_size;          /* 0: nobody listens */
static int64_t watchdog_ns;
static bool complained;

static void take_watchdog(void)
{
	const char *interval = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	long long microseconds = interval ? atoll(interval) : 0;
	if (microseconds > WATCHDOG_MOST)
		microseconds = WATCHDOG_MOST;
	if (microseconds > 0 && (!whose || atoll(whose) == getpid()))
		watchdog_ns = (microseconds < WATCHDOG_LEAST ? WATCHDOG_LEAST : microseconds) * 1000;
}

void service_take(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	if (length > 1 && length < sizeof address.sun_path && (path[0] == '/' || path[0] == '@')) {
		address.sun_family = AF_UNIX;
		memcpy(address.sun_path, path, length);
		if (path[0] == '@')                             /* an abstract one: no file, and no NUL at its end */
			address.sun_path[0] = '\0';
		address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
		take_watchdog();
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

bool service_listens(void)
{
	return address_size;
}

int64_t service_watchdog_ns(void)
{
	return watchdog_ns;
}

void service_tell(const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool told = fd >= 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		address_size) >= 0;
	if (!told && !complained)
		fprintf(stderr, "lpad: warning: $NOTIFY_SOCKET cannot be told what the run does: %s\n", strerror(errno));
	complained |= !told;
	if (fd >= 0)
		close(fd);
}
