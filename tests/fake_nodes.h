/* SPDX-License-Identifier: MIT */
/*
 * Runs with false nodes, for the tests of lib/supervise: the test program, executed as `PROGRAM node`, speaks node/control.h and
 * does what the script of its replica says, in words. Whoever includes this begins main() with
 *
 *     if (count > 1 && !strcmp(arguments[1], "node"))
 *             return be_node();
 */
#ifndef TESTS_FAKE_NODES_H
#define TESTS_FAKE_NODES_H

#pragma GCC diagnostic ignored "-Wunused-function"

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/guardian.h"
#include "supervise/reap.h"
#include "supervise/supervise.h"

/* ---- the false node ---- */

static const char *script, *node;       /* of the replica that is meant just now */
static int incarnation;
static json_t *nodes;                   /* of the document */
static FILE *control;

static void be(const json_t *one)
{
	script = json_string_value(json_object_get(one, "script"));
	node = json_string_value(json_object_get(one, "node"));
	incarnation = (int)json_integer_value(json_object_get(one, "incarnation"));
}

/* NULL: the first. */
static void be_named(const char *name)
{
	size_t i;
	json_t *one;
	be(json_array_get(nodes, 0));
	json_array_foreach(nodes, i, one)
		if (name && !strcmp(name, json_string_value(json_object_get(one, "node"))))
			be(one);
}

/* Whether the script has this word; "word@2" is for the second incarnation alone. */
static bool does(const char *word)
{
	const char *at = script;
	size_t length = strlen(word);
	for (; (at = strstr(at, word)); at += length)
		if ((at == script || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' ' ||
		    (at[length] == '@' && atoi(at + length + 1) == incarnation)))
			return true;
	return false;
}

static void say(const char *is, const char *more)
{
	dprintf(3, "{\"is\": \"%s\", \"node\": \"%s\"%s}\n", is, node, more);
}

static void escape(void)
{
	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	for (int fd = 0; fd < 20; fd++)
		close(fd);
	for (;;)
		pause();
}

/* Is anybody there with the name of the incarnation before this one? */
static bool left_by_the_last(void)
{
	const char *own = getenv("LPAD_NODE");
	char before[300];
	bool found = false;
	snprintf(before, sizeof before, "%.*s/%d", (int)(strrchr(own, '/') - own), own, incarnation - 1);
	DIR *all = opendir("/proc");
	for (struct dirent *entry; (entry = readdir(all)); ) {
		char *name = isdigit((unsigned char)entry->d_name[0]) ? reap_variable(atoi(entry->d_name), "LPAD_NODE") : NULL;
		found |= name && !strcmp(name, before);
		free(name);
	}
	closedir(all);
	return found;
}

/* The next thing to do; NULL at the end of the channel. */
static const char *next_word(json_t **message)
{
	json_decref(*message);
	*message = json_loadf(control, JSON_DISABLE_EOF_CHECK, NULL);
	return json_string_value(json_object_get(*message, "do"));
}

static void crash(void)
{
	signal(SIGSEGV, SIG_DFL);       /* a sanitizer has its own */
	raise(SIGSEGV);
}

static void misbehave(void)
{
	if (does("crash"))
		crash();
	if (does("exit0"))
		_exit(0);
	if (does("exit7"))
		_exit(7);
	if (does("close"))
		for (close(3), fclose(control); ; )
			pause();
	if (does("garbage"))
		dprintf(3, "this is not JSON\n");
}

static void begin_run(void)
{
	say("step", ", \"step\": \"run\"");
	if (does("print"))
		printf("out of %s\n", node);
	if (does("complain"))
		fprintf(stderr, "err of %s\n", node);
	fflush(stdout);
	if (does("report"))
		say("reports", ", \"list\": [[\"loss\", 0.5, 1, 1000], [\"loss\", 1.5, 2, 2000], [\"odd\", \"NaN\", 3, 3000]], "
			"\"dropped\": 0");
	if (does("calls"))
		say("counters", ", \"ports\": [{\"port\": \"servers\", \"kind\": \"handle\", \"peer\": \"server\", "
			"\"messages\": 5, \"bytes\": 500, \"published\": 0, \"errors\": 1}]");
	if (does("answers"))
		say("counters", ", \"ports\": [{\"port\": \"ask\", \"kind\": \"method\", \"peer\": \"driver\", "
			"\"messages\": 7, \"bytes\": 700, \"published\": 0, \"dropped\": 0}]");
	while (does("flood"))
		for (int i = 0; i < 1000; i++)
			say("step", ", \"step\": \"run\"");
	if (does("escape"))
		escape();
	if (does("alone") && !left_by_the_last())
		fprintf(stderr, "%s is alone\n", node);
	misbehave();
	if (does("stop5"))
		say("stop", ", \"code\": 5, \"why\": \"enough\"");
	if (does("stop0"))
		say("stop", ", \"code\": 0, \"why\": \"done\"");
	if (does("restart-server"))
		say("restart", ", \"peer\": \"server\", \"number\": 1, \"index\": 0, \"incarnation\": 1, \"why\": \"it is late\"");
	if (does("end"))
		say("ended", ", \"code\": 0");
	if (does("end-crash"))
		crash();
	if (does("end3"))
		say("ended", ", \"code\": 3");
	if (does("fail")) {
		say("failed", ", \"step\": \"run\", \"code\": 4, \"text\": \"no more data\"");
		_exit(4);
	}
}

static void fail_without(const char *peer)
{
	char text[300];
	snprintf(text, sizeof text, ", \"step\": \"run\", \"code\": 1, \"text\": \"lost %s\", \"peer\": \"%s\"", peer, peer);
	say("failed", text);
	_exit(1);
}

static void hear_peer(const json_t *message)
{
	const char *peer = json_string_value(json_object_get(message, "node"));
	const char *state = json_string_value(json_object_get(message, "state"));
	const char *serve = json_string_value(json_object_get(message, "serve"));
	bool up = !strcmp(state, "up");
	if (does("peers"))
		fprintf(stderr, "%s hears %s %d %s%s%s\n", node, peer,
			(int)json_integer_value(json_object_get(message, "incarnation")), state, serve ? " at " : "", serve ? serve : "");
	if (does("needs-peer") && !up)
		fail_without(peer);
	if (does("end-on-up") && up)
		say("ended", ", \"code\": 0");
	if (does("end-on-gone") && !strcmp(state, "gone"))
		say("ended", ", \"code\": 0");
}

static void obey_stop(void)
{
	bool runs = !does("end") && !does("service") && !does("end-on-up") && !does("end-on-gone");
	if (does("stop-crash"))
		crash();
	if (runs && !does("stop-ignore"))
		say("ended", ", \"code\": 0");
}

static void connect_now(void)
{
	if (does("wire-crash"))
		crash();
	if (!does("wire-hang"))
		say("wired", "");
	if (does("wired-crash"))
		crash();
}

static void obey(const char *word, const json_t *message)
{
	size_t i;
	json_t *one;
	be_named(json_string_value(json_object_get(message, "node")));
	if (!strcmp(word, "connect"))
		connect_now();
	else if (!strcmp(word, "go") && json_is_true(json_object_get(message, "hold")))
		fprintf(stderr, "%s is held\n", node);
	else if (!strcmp(word, "go"))
		begin_run();
	else if (!strcmp(word, "stop"))
		obey_stop();
	else if (!strcmp(word, "drain") && !does("drain-hang"))
		say("drained", does("left") ? ", \"left\": 3, \"text\": \"3 messages of reading to keep\"" : ", \"left\": 0");
	else if (!strcmp(word, "finish") && !does("finish-hang"))
		_exit(0);
	else if (!strcmp(word, "peer"))
		json_array_foreach(nodes, i, one) {
			be(one);
			hear_peer(message);
		}
}

static void serve(void)
{
	json_t *message = NULL;
	for (const char *word; (word = next_word(&message)); )
		obey(word, message);
	while (does("deaf"))
		pause();
	_exit(1);
}

static void start(void)
{
	if (does("term-ignore"))
		signal(SIGTERM, SIG_IGN);
	say("step", ", \"step\": \"load\"");
	if (does("load-fail")) {
		say("failed", ", \"step\": \"load\", \"code\": 1, \"text\": \"no such symbol\"");
		_exit(1);
	}
	say("step", ", \"step\": \"init\"");
	if (does("init-crash"))
		crash();
	while (does("init-hang"))
		pause();
	say("step", ", \"step\": \"bind\"");
	while (does("bind-hang"))
		pause();
	say("bound", does("tcp") ? ", \"serve\": \"tcp://127.0.0.1:7\"" : "");
	if (does("bound-crash"))
		crash();
}

static int be_node(void)
{
	size_t i;
	json_t *one;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	control = fdopen(dup(3), "r");
	json_t *document = json_loadf(control, JSON_DISABLE_EOF_CHECK, NULL);
	nodes = json_object_get(document, "nodes");
	json_array_foreach(nodes, i, one) {
		be(one);
		start();
	}
	serve();
	return 1;
}

/* ---- launching some of them ---- */

/* A group: label, script, replicas, and then designators. */
#define FAKE(name, text, ...) { .label = name, .script = text, .replicas = __VA_ARGS__ }

struct fake {
	const char *label, *script;
	int replicas;
	bool no_run, background;
	struct policy policy;
	int64_t start_within_ms, stop_within_ms;        /* 0: none; 2 s */
};

static char folder[64];
static const struct fake *fakes;
static struct processes *processes;
static bool threads;                    /* all in one process */
static int packed;                      /* so many replicas of each group share one; 0: none do */
static const bool *held;
static int64_t time_limit_ns;
static pid_t launched;

static json_t *write_node(const struct topology *topology, int replica, int known)
{
	char serve[40];
	size_t group = topology->groups.count;
	while (topology->groups.at[--group].first > replica)
		;
	char *name = group_replica_name(&topology->groups.at[group], replica - topology->groups.at[group].first);
	snprintf(serve, sizeof serve, "ipc://%d.%d", replica, known);
	json_t *out = json_pack("{ss ss si s[s]}", "script", fakes[group].script, "node", name, "incarnation", known,
		"serve", serve);
	if (strstr(fakes[group].script, "tcp"))
		json_object_set_new(out, "serve", json_pack("[s]", "tcp://127.0.0.1:0"));
	free(name);
	return out;
}

static json_t *write_document(void *context, int process, const int *known)
{
	const struct process *plan = &processes->at[process];
	json_t *list = json_array();
	for (int i = 0; i < plan->count; i++)
		json_array_append_new(list, write_node(context, plan->members[i], known[plan->members[i]]));
	return json_pack("{so}", "nodes", list);
}

static void add_group(struct topology *topology, const struct fake *fake)
{
	static const struct implementation_spec with_run = { .has_run = true }, without_run = { .has_run = false };
	struct group *group = list_add(&topology->groups);
	*group = (struct group){ .label = (char *)(uintptr_t)fake->label, .number = (int)topology->groups.count - 1,
		.replicas = fake->replicas, .first = topology->total, .per_process = packed ? packed : 1, .policy = fake->policy,
		.start_within_ns = fake->start_within_ms ? fake->start_within_ms * 1000000 : -1,
		.stop_within_ns = (fake->stop_within_ms ? fake->stop_within_ms : 2000) * 1000000,
		.background = fake->background, .spec = fake->no_run ? &without_run : &with_run };
	topology->total += fake->replicas;
}

/* Everybody calls everybody in the next group. */
static void add_edges(struct topology *topology)
{
	static char handle[] = "servers";
	for (size_t i = 0; i + 1 < topology->groups.count; i++)
		*list_add(&topology->edges) = (struct edge){ .from = (int)i, .to = (int)i + 1, .from_port = handle,
			.map = MAP_ALL };
}

static _Noreturn void launch_here(const struct output_style *style)
{
	int guardian, code;
	struct detaching attached = { .report = -1 };
	if (guardian_begin(&(struct guarding){ .detaching = &attached }, &guardian, &code))
		_exit(code);
	static char name[] = "fake";
	struct topology topology = { .name = name, .seed = 7, .time_limit_ns = -1 };
	for (const struct fake *fake = fakes; fake->label; fake++)
		add_group(&topology, fake);
	add_edges(&topology);
	processes = processes_new(&topology, threads);
	struct record record;
	struct error error = { 0 };
	char runs[80], sockets[80];
	snprintf(runs, sizeof runs, "%s/runs", folder);
	snprintf(sockets, sizeof sockets, "%s/sockets", folder);
	mkdir(sockets, 0700);
	/* Without a manifest the guardian takes it for one that was never begun. */
	if (record_create(&record, runs, name, &error) || record_write_json(&record, "manifest.json", json_object(), &error))
		abort();
	struct launch launch = { .topology = &topology, .processes = processes, .held = held, .record = &record, .sockets = sockets, .program = "/proc/self/exe",
		.document = write_document, .context = &topology, .style = *style, .guardian = guardian, .time_limit_ns = time_limit_ns,
		.step_limit_ns = 1500000000 };
	_exit(supervise(&launch));
}

static void begin_launch(const struct fake *list, const struct output_style *style)
{
	fakes = list;
	launched = fork();
	ck_assert(launched >= 0);
	if (launched)
		return;
	char path[80];
	setpgid(0, 0);
	snprintf(path, sizeof path, "%s/out", folder);
	dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
	snprintf(path, sizeof path, "%s/err", folder);
	dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
	launch_here(style);
}

static int end_launch(void)
{
	int status;
	ck_assert(waitpid(launched, &status, 0) == launched);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int launch(const struct fake *list)
{
	begin_launch(list, &(struct output_style){ .width = 8 });
	return end_launch();
}

static const char *written(const char *name)
{
	static struct text text;
	char path[120];
	text_clear(&text);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	files_read(path, &text, 0, NULL);
	return text_string(&text);
}

static json_t *result(void)
{
	json_t *out = json_loads(written("runs/fake-1/result.json"), 0, NULL);
	ck_assert_ptr_nonnull(out);
	return out;
}

static void assert_says(const char *name, const char *piece)
{
	const char *text = written(name);
	ck_assert_msg(strstr(text, piece) != NULL, "\"%s\" is not in %s:\n%s", piece, name, text);
}

static void assert_status(const char *status)
{
	json_t *json = result();
	ck_assert_str_eq(json_string_value(json_object_get(json, "status")), status);
	json_decref(json);
}

/* Processes with this run's LPAD_NODE. */
static int alive(void)
{
	struct pids children = { 0 };
	int count = 0;
	reap_children(&children);
	for (size_t i = 0; i < children.list.count; i++) {
		char *name = reap_variable(children.list.at[i], "LPAD_NODE");
		count += name != NULL;
		free(name);
	}
	list_release(&children.list);
	return count;
}

static void wait_for_text(const char *name, const char *piece)
{
	for (int64_t end = clock_ms() + 20000; !strstr(written(name), piece); poll(NULL, 0, 5))
		ck_assert_msg(clock_ms() < end, "\"%s\" never came in %s:\n%s", piece, name, written(name));
}

static void setup(void)
{
	snprintf(folder, sizeof folder, "%s/lpad-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	time_limit_ns = -1;
	threads = false;
	held = NULL;
	packed = 0;
	reap_become_subreaper();        /* what a launch leaves behind comes here and is counted */
}

static void teardown(void)
{
	ck_assert_int_eq(alive(), 0);
	ck_assert(reap_everything(NULL, 5000));
	files_remove_tree(folder);
}

#endif
