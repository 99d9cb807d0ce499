/* SPDX-License-Identifier: MIT */
/*
 * Starting a program. By fork, not posix_spawn: the child asks to be killed when this process dies before it becomes the program,
 * and in between it only calls what may be called there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "node/command_inside.h"
#include "node/descriptors.h"

/* ---- TERM: the group gets it, the program acts on it, this process sees to the end ---- */

static volatile sig_atomic_t lives, fate;       /* a program is there; TERM has come from outside */

static void die_of_term(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

/* One's own may come late, on another thread: it is told by its sender. */
static void note_term(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	if (info->si_pid == getpid())
		return;
	fate = 1;
	if (!lives)
		die_of_term();
}

static void outlive_term(void)
{
	struct sigaction action = { .sa_sigaction = note_term, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigemptyset(&action.sa_mask);
	lives = 1;
	sigaction(SIGTERM, &action, NULL);
}

void program_share_fate(void)
{
	lives = 0;
	if (fate)
		die_of_term();
}

void program_terminate(const struct program *program)
{
	if (getpgrp() == getpid())
		kill(0, SIGTERM);
	else
		kill(program->pid, SIGTERM);
}

/* ---- the child ---- */

struct birth {
	const char *path;
	char *const *words, *const *environment;
	pid_t parent;
	int in, out, ready;             /* the child's ends; -1: none */
	int said;                       /* errno of what failed goes there */
	struct rlimit descriptors;
};

static void be_default(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static __attribute__((noreturn)) void be_born(const struct birth *birth)
{
	be_default();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != birth->parent)
		_exit(1);
	if (birth->in >= 0)
		dup2(birth->in, 0);
	if (birth->out >= 0)
		dup2(birth->out, 1);
	if (birth->ready >= 0)
		dup2(birth->ready, PROGRAM_READY_FD);
	setrlimit(RLIMIT_NOFILE, &birth->descriptors);
	execve(birth->path, birth->words, birth->environment);
	int code = errno;
	ssize_t ignored = write(birth->said, &code, sizeof code);
	(void)ignored;
	_exit(127);
}

/* ---- the parent ---- */

/* No signal handler of this process may run in the child. 0, or errno. */
static int give_birth(struct birth *birth, pid_t *pid)
{
	sigset_t all, before;
	int said[2], code = 0;
	if (pipe2(said, O_CLOEXEC))
		return errno;
	birth->said = said[1];
	birth->parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	*pid = fork();
	if (!*pid)
		be_born(birth);
	code = *pid < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(said[1]);
	if (!code && read(said[0], &code, sizeof code) != sizeof code)
		code = 0;
	close(said[0]);
	if (code && *pid > 0)
		waitpid(*pid, NULL, 0);
	return code;
}

static const char *hint(int code)
{
	return code == ENOEXEC ? ": a script needs a first line like #!/bin/sh"
		: code == EAGAIN ? " (the limit of processes, `ulimit -u`, pids.max of the cgroup or kernel.pid_max)" : "";
}

struct pipes {
	int in[2], out[2], ready[2];
};

static void close_both(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static int open_pipes(struct pipes *pipes, const struct program_order *order)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if ((order->in && pipe2(pipes->in, O_CLOEXEC)) || (order->out && pipe2(pipes->out, O_CLOEXEC)) ||
	    (order->ready && pipe2(pipes->ready, O_CLOEXEC)))
		return errno;
	return (order->in && files_nonblocking(pipes->in[1])) || (order->out && files_nonblocking(pipes->out[0])) ||
		(order->ready && files_nonblocking(pipes->ready[0])) ? errno : 0;
}

/* The ends of the child are its own now; on failure ours go too. */
static void settle_pipes(struct pipes *pipes, struct program *program, bool failed)
{
	if (failed) {
		close_both(pipes->in);
		close_both(pipes->out);
		close_both(pipes->ready);
		return;
	}
	int childs[] = { pipes->in[0], pipes->out[1], pipes->ready[1] };
	for (size_t i = 0; i < sizeof childs / sizeof childs[0]; i++)
		if (childs[i] >= 0)
			close(childs[i]);
	program->in = pipes->in[1];
	program->out = pipes->out[0];
	program->ready = pipes->ready[0];
}

int program_start(struct program *program, const struct program_order *order, struct error *error)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	char *of_shell[] = { shell, option, order->words[0], NULL };
	struct pipes pipes;
	struct birth birth = { .words = order->shell ? of_shell : order->words, .environment = order->environment,
		.descriptors = descriptors_given() };
	char *cleanup_free path = order->shell ? memory_copy_text(shell) : files_find_program(order->words[0],
		getenv("PATH") ? getenv("PATH") : "/usr/local/bin:/usr/bin:/bin");
	int code = path ? open_pipes(&pipes, order) : errno;
	if (!path)
		return error_code(error, code, "cannot start %s: %s", order->words[0], strerror(code));
	birth.path = path;
	birth.in = pipes.in[0], birth.out = pipes.out[1], birth.ready = pipes.ready[1];
	outlive_term();
	if (!code)
		code = give_birth(&birth, &program->pid);
	settle_pipes(&pipes, program, code);
	if (code) {
		program->pid = 0;
		return error_code(error, code, "cannot start %s: %s%s", path, strerror(code), hint(code));
	}
	program->ended = pidfd_open(program->pid, 0);
	return program->ended < 0 ? error_code(error, errno, "cannot watch %s: %s", path, strerror(errno)) : 0;
}

int program_reap(struct program *program)
{
	int status = 0;
	while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
		;
	program->pid = 0;
	return status;
}
