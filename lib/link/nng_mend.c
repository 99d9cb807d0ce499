/* SPDX-License-Identifier: MIT */
/*
 * What nng 1.5.2 does not survive, kept from it: its calls of sendmsg, readv and epoll_wait come here, for a function of the program
 * goes before that of the C library. All of it is about a peer that dies, or a connection that does.
 *
 * - The first eight bytes that are written to a new connection fail with EPIPE: nng takes that for the closing of its own socket and
 *   never accepts again. Any other error of a peer it survives: it gets the name that the same death has over tcp.
 * - A connection that fails on one side while the other is between two halves of a message (its header has come, not yet its body; a
 *   part has gone) is never done with: the thread that ends all connections waits for it, for good, and with it every close. So
 *   only reading tells of a death: what is written to the dead counts as sent, as if it were still on its way, and the end is
 *   read when no message is half sent. A death that comes as an error of the descriptor (tcp: what came for the closed end was
 *   answered by a reset) would end the connection at once: it is told as something to be read, and to be written.
 */
#include "link/nng_frame.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef __clang__
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEFT_TO_THE_SANITIZER           /* it has functions of these names in the program */
#endif
#endif

#ifndef LEFT_TO_THE_SANITIZER

enum {
	GREETING_BYTES = 8,
	DESCRIPTORS = 1 << 16,          /* beyond: as nng is */
	ENDS_HELD_BACK = 10000          /* of one connection: the other half comes within some of them */
};

/* Connections of nng, by descriptor; their first bytes show which they are. */
static struct connection {
	atomic_ulong inode;             /* 0: none */
	atomic_bool half_sent;
	atomic_uint held_back;
} connections[DESCRIPTORS];

static unsigned long inode_of(int fd)
{
	struct stat status;
	return fstat(fd, &status) ? 0 : status.st_ino;
}

static bool is_greeting(const struct msghdr *message)
{
	return message->msg_iovlen == 1 && message->msg_iov[0].iov_len == GREETING_BYTES &&
		!memcmp(message->msg_iov[0].iov_base, "\0SP\0", 4);
}

/* NULL: not one of nng's. `certain`: the number was not given to another file since. */
static struct connection *connection_of(int fd, bool certain)
{
	struct connection *connection = fd >= 0 && fd < DESCRIPTORS ? &connections[fd] : NULL;
	if (!connection || !connection->inode || (certain && connection->inode != inode_of(fd)))
		return NULL;
	return connection;
}

static void greet(int fd)
{
	if (fd < 0 || fd >= DESCRIPTORS)
		return;
	connections[fd].half_sent = false;
	connections[fd].held_back = 0;
	connections[fd].inode = inode_of(fd);
}

static ssize_t size_of(const struct msghdr *message)
{
	ssize_t size = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		size += (ssize_t)message->msg_iov[i].iov_len;
	return size;
}

static ssize_t sent_greeting(int fd, ssize_t sent)
{
	if (sent < 0 && errno == EPIPE)
		errno = ECONNRESET;
	else if (sent > 0)
		greet(fd);
	return sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = syscall(SYS_sendmsg, fd, message, flags);
	if (is_greeting(message))
		return sent_greeting(fd, sent);
	struct connection *connection = connection_of(fd, sent < 0);
	if (!connection || (sent < 0 && errno != EPIPE && errno != ECONNRESET))
		return sent;
	ssize_t size = size_of(message);
	if (sent < 0)
		sent = size;
	if (connection->half_sent != (sent < size))
		connection->half_sent = sent < size;
	return sent;
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
	ssize_t got = syscall(SYS_readv, fd, parts, count);
	if (got > 0 || (got < 0 && errno != ECONNRESET))
		return got;
	int why = errno;
	struct connection *connection = connection_of(fd, true);
	if (connection)
		shutdown(fd, SHUT_RDWR);        /* over tcp a part could still be sent: from here on all counts as sent */
	if (connection && connection->half_sent && connection->held_back++ < ENDS_HELD_BACK) {
		errno = EAGAIN;         /* it asks again at once */
		return -1;
	}
	errno = why;
	return got;
}

#ifndef __SANITIZE_THREAD__             /* it must see who waits for what */

/* The name that nng gives its thread; whoever else waits is told all. */
static bool is_poller(void)
{
	static _Thread_local enum { UNKNOWN, POLLER, OTHER } self;
	char name[16];
	if (self == UNKNOWN)
		self = !pthread_getname_np(pthread_self(), name, sizeof name) && !strcmp(name, "nng:poll:epoll") ? POLLER : OTHER;
	return self == POLLER;
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
	int count = (int)syscall(SYS_epoll_pwait, fd, events, most, timeout_ms, NULL, 0);
	for (int i = 0; i < count && is_poller(); i++)
		if (events[i].events & EPOLLERR)
			events[i].events = (events[i].events & ~(uint32_t)EPOLLERR) | EPOLLIN | EPOLLOUT;
	return count;
}

#endif
#endif

/* A file of which nothing is used would not become part of the program. */
void nng_mend(void)
{
}
