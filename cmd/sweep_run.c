/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "command.h"
#include "sweep.h"

enum { REASON_LONGEST = 4096, REASON_LINES = 4, LAST_WORDS_MS = 5000 };
static const int64_t PROGRESS_EVERY_MS = 1000;

struct running {
	struct sweep *sweep;
	sigset_t before;                /* the mask of what is started */
	int signals;
	int stopped_by;                 /* the first signal; 0: none */
	int next;                       /* the first trial that may not have been started */
	LIST(struct trial *) active;    /* those under way: of all there may be very many */
	const struct trial *best;       /* of those done; NULL: none has a value */
	int done, failed, total, mine;  /* mine: done by this command, whose times count */
	int64_t taken_ns;               /* of those in `mine` */
	bool told;                      /* that `by` is not reported */
	bool terminal, shown;           /* a line of progress stands there */
	size_t width;
	struct error broken;            /* no launch can be started */
};

/* ---- starting one ---- */

static char *errors_of(const struct sweep *sweep, const struct trial *trial)
{
	return memory_format("%s/trial-%d.err", sweep->place, trial->number);
}

/* lpad launch --json --record R --set a=1 ... TOPOLOGY -- ARGUMENT ...; the caller frees the list and what is in it. */
char **sweep_command_line(const struct sweep *sweep, const struct trial *trial)
{
	LIST(char *) words = { 0 };
	const char *const fixed[] = { "lpad", "launch", "--json", "--record", sweep->records };
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		*list_add(&words) = memory_copy_text(fixed[i]);
	if (sweep->time_limit)
		*list_add(&words) = memory_format("--time-limit=%s", sweep->time_limit);
	for (size_t i = 0; i < sweep->set.count; i++)
		*list_add(&words) = memory_format("--set=%s", sweep->set.at[i]);
	for (size_t i = 0; i < sweep->vary.count; i++)
		*list_add(&words) = memory_format("--set=%s=%s", sweep->vary.at[i].name, vary_value(sweep, trial->number, i));
	if (*sweep->topology)
		*list_add(&words) = memory_copy_text(sweep->topology);
	if (sweep->arguments.count)
		*list_add(&words) = memory_copy_text("--");
	for (size_t i = 0; i < sweep->arguments.count; i++)
		*list_add(&words) = memory_copy_text(sweep->arguments.at[i]);
	*list_add(&words) = NULL;
	return words.at;
}

void sweep_free_words(char **words)
{
	for (char **at = words; *at; at++)
		free(*at);
	free(words);
}

/* In the child. It leads a group of its own: Ctrl-C is for the sweep, which stops all in good order. */
static void become(const struct running *running, const struct sweep *sweep, char **words, int events, int errors, pid_t parent)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int nothing = open("/dev/null", O_RDONLY);
	if (getppid() != parent || chdir(sweep->folder) || nothing < 0 || dup2(nothing, 0) < 0 || dup2(events, 1) < 0 ||
	    dup2(errors, 2) < 0)
		_exit(EXIT_START);
	sigprocmask(SIG_SETMASK, &running->before, NULL);
	execv("/proc/self/exe", words);
	_exit(EXIT_START);
}

static int start(struct running *running, struct trial *trial, struct error *error)
{
	struct sweep *sweep = running->sweep;
	char *cleanup_free path = errors_of(sweep, trial);
	char **words = sweep_command_line(sweep, trial);
	int ends[2] = { -1, -1 };
	pid_t parent = getpid();
	int errors = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (errors < 0 || pipe2(ends, O_CLOEXEC) || (trial->process = fork()) < 0) {
		int code = errno;
		if (errors >= 0)
			close(errors);
		if (ends[0] >= 0)
			close(ends[0]), close(ends[1]);
		trial->process = 0;
		sweep_free_words(words);
		return error_code(error, code, "cannot start a launch: %s", strerror(code));
	}
	if (!trial->process)
		become(running, sweep, words, ends[1], errors, parent);
	sweep_free_words(words);
	close(ends[1]);
	close(errors);
	files_nonblocking(ends[0]);
	channel_init(&trial->events, ends[0]);
	trial->state = TRIAL_RUNNING;
	trial->begun_ns = clock_ns();
	trial->halted = false;
	free(trial->run);
	free(trial->record);
	free(trial->status);
	free(trial->why);
	json_decref(trial->figures);
	trial->run = trial->record = trial->status = trial->why = NULL;
	trial->figures = NULL;
	*list_add(&running->active) = trial;
	return 0;
}

static void start_some(struct running *running)
{
	struct sweep *sweep = running->sweep;
	while (!running->stopped_by && !running->broken.text[0] && (int)running->active.count < sweep->jobs &&
	       running->next < (int)sweep->trials.count) {
		struct trial *trial = &sweep->trials.at[running->next];
		if (trial->state == TRIAL_WAITING && start(running, trial, &running->broken))
			return;
		running->next++;
	}
}

/* ---- what it says ---- */

/* "topo.yaml:5:40: ..."; what the command line has wrong has no place. */
static char *problem_words(const json_t *problem)
{
	const char *file = json_string_value(json_object_get(problem, "file"));
	const char *message = json_string_value(json_object_get(problem, "message"));
	if (!file || text_starts(file, "--"))
		return memory_format("%s%s%s", file ? file : "", file ? ": " : "", message ? message : "");
	return memory_format("%s:%d:%d: %s", file, (int)json_integer_value(json_object_get(problem, "line")),
		(int)json_integer_value(json_object_get(problem, "column")), message ? message : "");
}

static void take_event(struct trial *trial, const json_t *event)
{
	const char *what = json_string_value(json_object_get(event, "event"));
	if (text_equal(what, "start")) {
		trial->run = memory_copy_text(json_string_value(json_object_get(event, "run")));
		trial->record = memory_copy_text(json_string_value(json_object_get(event, "record")));
	} else if (text_equal(what, "result")) {
		free(trial->status);
		trial->status = memory_copy_text(json_string_value(json_object_get(event, "status")));
	} else if (!what && !trial->why && text_equal(json_string_value(json_object_get(event, "severity")), "error")) {
		trial->why = problem_words(event);
	}
}

static void read_events(struct trial *trial)
{
	struct error error;
	json_t *event;
	int got, bad = channel_read(&trial->events, &error);
	while ((got = channel_next(&trial->events, &event, &error)) != 0)
		if (got > 0) {
			take_event(trial, event);
			json_decref(event);
		}
	if (bad || trial->events.ended)
		channel_close(&trial->events);
}

/* ---- progress ---- */

static void wipe(struct running *running)
{
	if (running->shown)
		fputs("\r\033[K", stderr);
	running->shown = false;
}

/* Of the rest, if it goes on as so far; as many at once as now. */
static int64_t left_ms(const struct running *running)
{
	if (!running->mine)
		return -1;
	int64_t each = running->taken_ns / running->mine / 1000000, now = clock_ns();
	int64_t rest = each * (running->total - running->done);
	for (size_t i = 0; i < running->active.count; i++) {
		int64_t so_far = (now - running->active.at[i]->begun_ns) / 1000000;
		rest -= so_far < each ? so_far : each;
	}
	return rest / (running->sweep->jobs < 1 ? 1 : running->sweep->jobs);
}

/* One that is done: is it the best so far? */
static void judge(struct running *running, const struct trial *trial)
{
	const struct trial *best = running->best;
	if (!trial->code && !isnan(trial->value) && (!best || (running->sweep->lowest ? trial->value < best->value : trial->value > best->value)))
		running->best = trial;
}

static char *best_words(const struct running *running)
{
	if (!running->best)
		return NULL;
	char *cleanup_free words = vary_words(running->sweep, running->best->number);
	return memory_format("best %g with %s", running->best->value, words);
}

static void show_progress(struct running *running)
{
	struct text cleanup_text line = { 0 };
	char span[32];
	if (!running->terminal)
		return;
	text_format(&line, "lpad: %d of %d done", running->done, running->total);
	if (running->failed)
		text_format(&line, ", %d failed", running->failed);
	text_format(&line, ", %zu running", running->active.count);
	int64_t left = running->stopped_by ? -1 : left_ms(running);
	if (left >= 0) {
		clock_span(span, left);
		text_format(&line, ", about %s left", span);
	}
	if (running->stopped_by)
		text_add(&line, ": stopping");
	char *cleanup_free best = running->sweep->by ? best_words(running) : NULL;
	if (best)
		text_format(&line, "; %s", best);
	wipe(running);
	size_t most = running->width > 1 ? running->width - 1 : 79;
	fprintf(stderr, "%.*s", (int)most, text_string(&line));
	fflush(stderr);
	running->shown = true;
}

/* Why a launch did not begin: its first problem, or the first lines of what it said. */
static void show_reason(const struct sweep *sweep, const struct trial *trial)
{
	char *cleanup_free path = errors_of(sweep, trial);
	struct text cleanup_text text = { 0 };
	struct error error;
	if (trial->why) {
		fprintf(stderr, "lpad:   %s\n", trial->why);
		return;
	}
	files_read(path, &text, 0, &error);
	const char *at = text_string(&text);
	for (int lines = 0; *at && lines < REASON_LINES && at - text_string(&text) < REASON_LONGEST; lines++) {
		int length = (int)strcspn(at, "\n");
		fprintf(stderr, "lpad:   %.*s\n", length, at);
		at += length + (at[length] == '\n');
	}
	if (*at)
		fprintf(stderr, "lpad:   ... (all of it in %s)\n", path);
}

/* "worker/3" and "worker/0": what one replica reports, the others do. */
static bool same_group(const char *node, const char *other)
{
	size_t length = strcspn(node, "/");
	return length == strcspn(other, "/") && !strncmp(node, other, length);
}

/* Soon enough to begin again. */
static void say_not_reported(struct running *running, const struct trial *trial)
{
	struct text cleanup_text names = { 0 };
	const char *node, *name, *shown = "";
	json_t *metrics, *metric;
	json_object_foreach(trial->figures, node, metrics) {
		if (!json_object_size(metrics) || same_group(node, shown))
			continue;
		shown = node;
		json_object_foreach(metrics, name, metric)
			if (names.length < REASON_LONGEST / 8)
				text_format(&names, "%s%s.%s", names.length ? ", " : "", node, name);
	}
	fprintf(stderr, "lpad: run %s has not reported %s; it has reported: %s\n", trial->run, running->sweep->by,
		names.length ? text_string(&names) : "nothing");
	running->told = true;
}

static void say_done(struct running *running, const struct trial *trial)
{
	const struct sweep *sweep = running->sweep;
	char span[32];
	char *cleanup_free words = vary_words(sweep, trial->number);
	clock_span(span, trial->taken_ns / 1000000);
	wipe(running);
	fprintf(stderr, "lpad: %d of %d: %s: %s", running->done, running->total, words, trial->status ? trial->status : "not started");
	if (trial->code)
		fprintf(stderr, ", exit %d", trial->code);
	if (!isnan(trial->value))
		fprintf(stderr, ", %s %g", sweep->by, trial->value);
	fprintf(stderr, ", %s%s%s\n", span, trial->run ? ", run " : "", trial->run ? trial->run : "");
	if (!trial->run)
		show_reason(sweep, trial);
	else if (sweep->by && !trial->code && isnan(trial->value) && !running->told)
		say_not_reported(running, trial);
}

/* ---- the end of one ---- */

static void take_out(struct running *running, const struct trial *trial)
{
	size_t at = 0;
	while (running->active.at[at] != trial)
		at++;
	running->active.at[at] = running->active.at[--running->active.count];
}

static void finish(struct running *running, struct trial *trial, int status)
{
	struct sweep *sweep = running->sweep;
	while (trial->events.fd >= 0) {                 /* nobody writes there any more: it ends */
		struct pollfd poll_fd = { .fd = trial->events.fd, .events = POLLIN };
		if (poll(&poll_fd, 1, LAST_WORDS_MS) == 0)
			channel_close(&trial->events);
		else
			read_events(trial);
	}
	trial->process = 0;
	trial->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	trial->taken_ns = clock_ns() - trial->begun_ns;
	trial->halted = running->stopped_by && trial->code;
	take_out(running, trial);
	trial->state = trial->halted ? TRIAL_WAITING : TRIAL_DONE;
	sweep_read_figures(sweep, trial);
	trial->value = sweep_value(sweep, trial);
	sweep_note(sweep, trial);
	char *cleanup_free path = errors_of(sweep, trial);
	if (!trial->code)
		unlink(path);
	if (trial->halted)
		return;
	running->done++;
	running->mine++;
	running->taken_ns += trial->taken_ns;
	running->failed += trial->code != 0;
	judge(running, trial);
	say_done(running, trial);
}

static void reap(struct running *running)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0; )
		for (size_t i = 0; i < running->active.count; i++)
			if (running->active.at[i]->process == pid) {
				finish(running, running->active.at[i], status);
				break;
			}
}

/* ---- signals ---- */

static void hand_on(struct running *running, int number)
{
	for (size_t i = 0; i < running->active.count; i++)
		kill(running->active.at[i]->process, number);
}

static void take_signals(struct running *running)
{
	struct signalfd_siginfo info;
	while (read(running->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		wipe(running);
		if (!running->stopped_by)
			fprintf(stderr, "lpad: stopping %zu run%s (once more kills at once); `lpad sweep --resume %s` goes on\n",
				running->active.count, running->active.count == 1 ? "" : "s", running->sweep->id);
		running->stopped_by = running->stopped_by ? running->stopped_by : (int)info.ssi_signo;
		hand_on(running, SIGTERM);
	}
	reap(running);
}

/* ---- the loop ---- */

static void wait_for_something(struct running *running)
{
	LIST(struct pollfd) polls = { 0 };
	LIST(struct trial *) owners = { 0 };
	*list_add(&polls) = (struct pollfd){ .fd = running->signals, .events = POLLIN };
	*list_add(&owners) = NULL;
	for (size_t i = 0; i < running->active.count; i++)
		if (running->active.at[i]->events.fd >= 0) {
			*list_add(&polls) = (struct pollfd){ .fd = running->active.at[i]->events.fd, .events = POLLIN };
			*list_add(&owners) = running->active.at[i];
		}
	poll(polls.at, polls.count, running->terminal ? (int)PROGRESS_EVERY_MS : -1);
	for (size_t i = 1; i < polls.count; i++)
		if (polls.at[i].revents)
			read_events(owners.at[i]);
	list_release(&polls);
	list_release(&owners);
	take_signals(running);
}

static void begin(struct running *running)
{
	sigset_t mask;
	sigemptyset(&mask);
	for (const int *at = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGCHLD, 0 }; *at; at++)
		sigaddset(&mask, *at);
	sigprocmask(SIG_BLOCK, &mask, &running->before);
	running->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	running->width = table_width(STDERR_FILENO);
	running->terminal = running->width > 0;
	running->total = (int)running->sweep->trials.count;
	for (int i = 0; i < running->total; i++) {
		struct trial *trial = &running->sweep->trials.at[i];
		trial->value = sweep_value(running->sweep, trial);
		running->done += trial->state == TRIAL_DONE;
		running->failed += trial->state == TRIAL_DONE && trial->code;
		judge(running, trial);
	}
}

int sweep_run(struct sweep *sweep, struct error *error)
{
	struct running running = { .sweep = sweep };
	begin(&running);
	start_some(&running);
	while (running.active.count) {
		show_progress(&running);
		wait_for_something(&running);
		start_some(&running);
	}
	wipe(&running);
	list_release(&running.active);
	close(running.signals);
	sigprocmask(SIG_SETMASK, &running.before, NULL);
	if (!running.broken.text[0])
		return running.stopped_by;
	*error = running.broken;
	return -1;
}
