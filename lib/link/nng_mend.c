/* SPDX-License-Identifier: MIT */
/*
 * nng 1.5.2 stops listening for ever, without a word, when a peer dies at the moment in which it connects: the first eight bytes that
 * are written to the new connection fail with EPIPE, which nng takes for the closing of its own socket ("no further action"). Any
 * other error of a peer it survives. nng's calls of sendmsg come here, for a function of the program goes before that of the C
 * library; for those eight bytes alone EPIPE becomes what the same death is called over tcp.
 */
#include "link/nng_frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __clang__
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEFT_TO_THE_SANITIZER           /* it has a sendmsg of its own in the program */
#endif
#endif

#ifndef LEFT_TO_THE_SANITIZER

enum { GREETING_BYTES = 8 };

static bool is_greeting(const struct msghdr *message)
{
	return message->msg_iovlen == 1 && message->msg_iov[0].iov_len == GREETING_BYTES &&
		!memcmp(message->msg_iov[0].iov_base, "\0SP\0", 4);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
	ssize_t sent = syscall(SYS_sendmsg, socket, message, flags);
	if (sent < 0 && errno == EPIPE && is_greeting(message))
		errno = ECONNRESET;
	return sent;
}

#endif

/* A file of which nothing is used would not become part of the program. */
void nng_mend(void)
{
}
