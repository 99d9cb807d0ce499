/* SPDX-License-Identifier: MIT */
/* Servers of tests/link_peers.h in processes of their own: they are forked before nng is used here, and begin when they are told. */
#ifndef TESTS_LINK_CHILDREN_H
#define TESTS_LINK_CHILDREN_H

#include <fcntl.h>

#include "link_peers.h"

#define ck_assert_fault(code, expected) \
	do { \
		ck_assert_int_eq(code, expected); \
		ck_assert_int_eq(fault_code(), expected); \
	} while (0)

struct child {
	pid_t pid;
	int go;                         /* it opens its link when a byte comes, and ends when this is closed */
};

/* It has everything, does nothing, and ends with the test. */
static inline void child_fork(void)
{
	char path[200];
	if (fork())
		return;
	snprintf(path, sizeof path, "%s/forked", peers_folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static inline void await_fork(void)
{
	char path[200];
	snprintf(path, sizeof path, "%s/forked", peers_folder);
	while (access(path, F_OK))
		usleep(1000);
}

static inline __attribute__((noreturn)) void child_serve(struct peer *peer, int incarnation, int go, bool forks)
{
	char byte;
	if (read(go, &byte, 1) != 1)
		_exit(0);
	peer_bind(peer, 1, incarnation, NULL);
	peer_connect(peer);
	peer_go(peer);
	if (forks)
		child_fork();
	if (read(go, &byte, 1) != 0)
		_exit(2);
	_exit(0);
}

static inline struct child fork_child(struct peer *peer, int incarnation, bool forks)
{
	int pipes[2];
	transport_needs("processes");
	ck_assert_int_eq(pipe(pipes), 0);
	struct child child = { .pid = fork(), .go = pipes[1] };
	ck_assert_int_ge(child.pid, 0);
	if (!child.pid) {
		close(pipes[1]);
		child_serve(peer, incarnation, pipes[0], forks);
	}
	close(pipes[0]);
	return child;
}

/* The child is number 1, with the incarnation given. */
static inline struct child fork_server(struct peer *peer, int incarnation)
{
	return fork_child(peer, incarnation, false);
}

/* When it dies, a child of its own has its sockets still. */
static inline struct child fork_server_that_forks(struct peer *peer)
{
	return fork_child(peer, 1, true);
}

static inline void let_go(const struct child *child)
{
	ck_assert_int_eq(write(child->go, "", 1), 1);
}

static inline void kill_child(const struct child *child)
{
	int status;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, &status, 0);
}

/* Returns when it has stopped. */
static inline void stop_child(const struct child *child)
{
	int status;
	kill(child->pid, SIGSTOP);
	waitpid(child->pid, &status, WUNTRACED);
}

static inline void let_child_end(const struct child *child)
{
	close(child->go);
}

static inline void end_child(const struct child *child)
{
	kill_child(child);
	let_child_end(child);
}

/* This process is number 0 and calls; number 1 is in the child. */
static inline void open_caller(struct peer *peer)
{
	peer_bind(peer, 0, 1, NULL);
	peer_connect(peer);
	peer_go(peer);
	link_run_thread(peer->link);
}

static inline void close_caller(struct peer *peer)
{
	peer_close(peer);
	files_remove_tree(peers_folder);
}

#endif
