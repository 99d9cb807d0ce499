/* SPDX-License-Identifier: MIT */
#include "supervise/tmux.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/helper.h"

enum { PATIENCE_MS = 10000, NOT_FOUND = 127 };

struct words {
	LIST(const char *) list;        /* owned, but typed as execvp's callers have them */
};

static void add(struct words *words, const char *word)
{
	*list_add(&words->list) = memory_copy_text(word);
}

static void add_all(struct words *words, const char *const *more)
{
	for (; *more; more++)
		add(words, *more);
}

static void release(struct words *words)
{
	for (size_t i = 0; i < words->list.count; i++)
		free((char *)words->list.at[i]);
	list_release(&words->list);
}

static char *socket_path(const char *sockets)
{
	return memory_format("%s/tmux", sockets);
}

/* Without a shell: several words are executed as they are. */
static void add_window(struct words *words, const struct tmux_session *session, int number)
{
	const struct process *process = &session->processes->at[number];
	const struct topology *topology = session->topology;
	const struct group *group = NULL;
	for (size_t i = 0; i < topology->groups.count && topology->groups.at[i].first <= process->members[0]; i++)
		group = &topology->groups.at[i];
	char *cleanup_free node = group_replica_name(group, process->members[0] - group->first);
	if (number == 0)
		add_all(words, (const char *[]){ "new-session", "-d", "-x", "200", "-y", "50", "-P", "-F", "#{pid}", NULL });
	else
		add_all(words, (const char *[]){ ";", "new-window", "-d", NULL });
	add_all(words, (const char *[]){ "-n", process->name, session->program, "logs", "-r", session->record->folder, "-f", node,
		NULL });
}

/* LPAD_NODE: it is none of the run's nodes, and not one of whom that cannot be told. TMUX: who is inside of another tmux may
   have one of his own here. */
static void make_words(const struct tmux_session *session, struct words *words)
{
	char *cleanup_free path = socket_path(session->sockets);
	add_all(words, (const char *[]){ "env", "-u", "TMUX", "-u", "TMUX_PANE", "LPAD_NODE=tmux", "tmux", "-S", path, NULL });
	for (int i = 0; i < session->processes->count && i < TMUX_WINDOWS; i++)
		add_window(words, session, i);
	*list_add(&words->list) = NULL;
}

/* False: it has not ended in time, and was killed. */
static bool wait_for(struct helper *helper, struct text *said, int *status)
{
	int64_t end = clock_ms() + PATIENCE_MS;
	struct pollfd ended = { .fd = helper->pidfd, .events = POLLIN };
	for (int64_t left; (left = end - clock_ms()) > 0 && poll(&ended, 1, (int)left) <= 0; )
		;
	if (!ended.revents) {
		helper_kill(helper);
		return false;
	}
	helper_read(helper->out, said);
	*status = helper_wait(helper);
	return true;
}

static pid_t refused(struct error *error, int status, struct text *said)
{
	while (said->length && isspace((unsigned char)said->data[said->length - 1]))
		said->data[--said->length] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return error_set(error, "there is no program `tmux` in PATH");
	return error_set(error, "tmux cannot start a session: %s", said->length ? text_string(said) : "it does not say why");
}

pid_t tmux_start(const struct tmux_session *session, struct error *error)
{
	struct words words = { 0 };
	struct text cleanup_text said = { 0 };
	struct helper helper;
	int status = 0;
	make_words(session, &words);
	int failed = helper_start(&helper, &(struct helper_order){ .words = words.list.at }, error);
	release(&words);
	if (failed)
		return -1;
	if (!wait_for(&helper, &said, &status))
		return error_set(error, "tmux has not made a session within %d s", PATIENCE_MS / 1000);
	pid_t server = said.length ? (pid_t)atoi(said.data) : 0;
	return status || server <= 0 ? refused(error, status, &said) : server;
}

char *tmux_command(const char *sockets)
{
	char *cleanup_free path = socket_path(sockets);
	return memory_format("%stmux -S %s attach", getenv("TMUX") ? "TMUX= " : "", path);
}

void tmux_end(pid_t server)
{
	if (tmux_is_there(server))
		kill(server, SIGTERM);
}

bool tmux_is_there(pid_t server)
{
	siginfo_t info = { 0 };
	return server > 0 && !waitid(P_PID, (id_t)server, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}
