/* SPDX-License-Identifier: MIT */
/* Throw-away children: a compiler, a probe. Standard input is /dev/null, output is captured, they die with us. */
#ifndef SUPERVISE_HELPER_H
#define SUPERVISE_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/list.h"
#include "base/text.h"

struct helper_order {
	const char *const *words;       /* NULL-terminated; the first is looked for in $PATH */
	const char *folder;             /* where it runs; NULL: here */
	bool apart;                     /* standard error has a pipe of its own */
	bool channel;                   /* descriptor 3 is a stream socket to us, and it leads a process group */
};
struct helper {
	pid_t pid;
	int pidfd;
	bool leads;                     /* a process group */
	int out, err, channel;          /* ours, not blocking; -1: none */
};

/* -1 with an error, code errno, when the program cannot be executed. */
int helper_start(struct helper *helper, const struct helper_order *order, struct error *error);
/* Reads of what is there, at most 1 MiB. false: the pipe has ended. */
bool helper_read(int fd, struct text *into);
/* Waits for its end, closes all. The status of waitpid. */
int helper_wait(struct helper *helper);
/* Kills it (with a channel: its process group), then the same. */
int helper_kill(struct helper *helper);

/* To its end: all of standard output and error. -1 with an error, as helper_start; else the status of waitpid. */
int helper_run(const struct helper_order *order, struct text *out, struct text *err, struct error *error);
/* "signal 11 (segmentation fault)", "exit 3"; caller frees. */
char *helper_status_text(int status);

struct pids {
	LIST(pid_t) list;
};
void helper_children(pid_t parent, struct pids *out);   /* appends; zombies too */

#endif
