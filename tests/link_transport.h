/* SPDX-License-Identifier: MIT */
/*
 * Where the links of unit tests and benchmarks listen. LPAD_TRANSPORT says over what: ipc (when it is unset), tcp or inproc, so that
 * one test shows each of them. A test that needs more than a transport has leaves with a word.
 */
#ifndef TESTS_LINK_TRANSPORT_H
#define TESTS_LINK_TRANSPORT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

static inline bool transport_is(const char *name)
{
	const char *forced = getenv("LPAD_TRANSPORT");
	return !strcmp(forced && *forced ? forced : "ipc", name);
}

/* Leaves the test, which is a process of its own: it passes, and its output says what it would have needed. */
static inline void transport_skip(const char *what)
{
	printf("skipped: %s\n", what);
	fflush(stdout);
	_exit(0);
}

/* For tests that fork parties, or that speak to a link through a socket of their own. */
static inline void transport_needs(const char *what)
{
	if (transport_is("inproc"))
		transport_skip(what);
}

/* ---- ports ---- */

enum { TRANSPORT_PORTS = 256, PORT_FIRST = 12000, PORT_SPAN = 20000 };  /* below those that the kernel deals out to callers */
struct transport_port {
	char name[200];
	int port, fd;
	pid_t owner;                    /* of fd */
};

/* Shared with processes that are forked after the first use: a name has one port in all of them. */
struct transport_ports {
	pthread_mutex_t lock;
	int next;                       /* to be given anew: the oldest */
	struct transport_port at[TRANSPORT_PORTS];
};

static inline struct transport_ports *transport_ports(void)
{
	static struct transport_ports *shared;
	if (!shared) {
		pthread_mutexattr_t attributes;
		shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED)
			abort();
		pthread_mutexattr_init(&attributes);
		pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&shared->lock, &attributes);
		pthread_mutexattr_destroy(&attributes);
	}
	return shared;
}

/* Takes the port until this process ends: other tests find it taken, a listener that may reuse it does not. -1: somebody has it. */
static inline int transport_take_port(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address)
	    && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
		return fd;
	close(fd);
	return -1;
}

static inline void transport_new_port(struct transport_port *at, const char *name)
{
	static int next;
	if (!next)
		next = PORT_FIRST + (int)(getpid() * 41u % PORT_SPAN);
	if (at->owner == getpid())
		close(at->fd);
	do {
		at->port = next;
		next = next + 1 < PORT_FIRST + PORT_SPAN ? next + 1 : PORT_FIRST;
		at->fd = transport_take_port(at->port);
	} while (at->fd < 0);
	at->owner = getpid();
	snprintf(at->name, sizeof at->name, "%s", name);
}

static inline int transport_port(const char *name)
{
	struct transport_ports *ports = transport_ports();
	int i = 0;
	pthread_mutex_lock(&ports->lock);
	while (i < TRANSPORT_PORTS && strcmp(ports->at[i].name, name) != 0)
		i++;
	if (i == TRANSPORT_PORTS) {
		i = ports->next++ % TRANSPORT_PORTS;
		transport_new_port(&ports->at[i], name);
	}
	int port = ports->at[i].port;
	pthread_mutex_unlock(&ports->lock);
	return port;
}

/* ---- addresses ---- */

/* Before a fork whose processes are to meet. */
static inline void transport_prepare(void)
{
	transport_ports();
}

/* The address of what is called NAME beside others in the folder; caller frees. */
static inline char *transport_address(const char *folder, const char *name)
{
	char *cleanup_free path = memory_format("%s/%s", folder, name);
	if (transport_is("tcp"))
		return memory_format("tcp://127.0.0.1:%d", transport_port(path));
	return memory_format("%s://%s", transport_is("inproc") ? "inproc" : "ipc", path);
}

/* The same for a socket of one's own. */
struct transport_place {
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in internet;
	} at;
	socklen_t length;
};

static inline struct transport_place transport_place(const char *address)
{
	const char *path = strstr(address, "://") + 3;
	struct transport_place place = { .length = sizeof place.at.local };
	if (!strncmp(address, "tcp:", 4)) {
		place.at.internet = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)atoi(strchr(path, ':') + 1)) };
		place.length = sizeof place.at.internet;
		return place;
	}
	place.at.local.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof place.at.local.sun_path)
		abort();
	memcpy(place.at.local.sun_path, path, strlen(path) + 1);
	return place;
}

#endif
