/* SPDX-License-Identifier: MIT */
/*
 * The life of a run with false nodes: this program, executed as `PROGRAM node`, speaks node/control.h and does what the
 * script in its document says.
 */
#include <check.h>
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

static const char *script, *node;
static FILE *control;

/* Whether the script has this word. */
static bool does(const char *word)
{
	const char *at = script;
	size_t length = strlen(word);
	for (; (at = strstr(at, word)); at += length)
		if ((at == script || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
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
	misbehave();
	if (does("stop5"))
		say("stop", ", \"code\": 5, \"why\": \"enough\"");
	if (does("stop0"))
		say("stop", ", \"code\": 0, \"why\": \"done\"");
	if (does("end"))
		say("ended", ", \"code\": 0");
	if (does("end3"))
		say("ended", ", \"code\": 3");
	if (does("fail")) {
		say("failed", ", \"step\": \"run\", \"code\": 4, \"text\": \"no more data\"");
		_exit(4);
	}
}

static void hear_peer(const json_t *message)
{
	char text[300];
	const char *peer = json_string_value(json_object_get(message, "node"));
	if (!does("needs-peer"))
		return;
	snprintf(text, sizeof text, ", \"step\": \"run\", \"code\": 1, \"text\": \"lost %s\", \"peer\": \"%s\"", peer, peer);
	say("failed", text);
	_exit(1);
}

static void serve(void)
{
	json_t *message = NULL;
	bool runs = !does("end") && !does("service");
	for (const char *word; (word = next_word(&message)); ) {
		if (!strcmp(word, "connect") && !does("wire-hang"))
			say("wired", "");
		else if (!strcmp(word, "go"))
			begin_run();
		else if (!strcmp(word, "peer"))
			hear_peer(message);
		else if (!strcmp(word, "stop") && does("stop-crash"))
			crash();
		else if (!strcmp(word, "stop") && runs && !does("stop-ignore"))
			say("ended", ", \"code\": 0");
		else if (!strcmp(word, "drain") && !does("drain-hang"))
			say("drained", does("left") ? ", \"left\": 3, \"text\": \"3 messages of reading to keep\"" : ", \"left\": 0");
		else if (!strcmp(word, "finish") && !does("finish-hang"))
			_exit(0);
	}
	while (does("deaf"))
		pause();
	_exit(1);
}

static int be_node(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	control = fdopen(dup(3), "r");
	json_t *document = json_loadf(control, JSON_DISABLE_EOF_CHECK, NULL);
	script = json_string_value(json_object_get(document, "script"));
	node = json_string_value(json_object_get(document, "node"));
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
	say("bound", "");
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
	enum policy_kind policy;
	int64_t start_within_ms, stop_within_ms;        /* 0: none; 2 s */
};

static char folder[64];
static const struct fake *fakes;
static int64_t time_limit_ns;
static pid_t launched;

static json_t *write_document(void *context, const struct group *group, int index, int incarnation)
{
	const struct topology *topology = context;
	(void)incarnation;
	char *name = group_replica_name(&topology->groups.at[group->number], index);
	json_t *out = json_pack("{ss ss}", "script", fakes[group->number].script, "node", name);
	free(name);
	return out;
}

static void add_group(struct topology *topology, const struct fake *fake)
{
	static const struct implementation_spec with_run = { .has_run = true }, without_run = { .has_run = false };
	struct group *group = list_add(&topology->groups);
	*group = (struct group){ .label = (char *)(uintptr_t)fake->label, .number = (int)topology->groups.count - 1,
		.replicas = fake->replicas, .first = topology->total, .per_process = 1, .policy.kind = fake->policy,
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
	if (guardian_begin(&guardian, &code))
		_exit(code);
	static char name[] = "fake";
	struct topology topology = { .name = name, .seed = 7, .time_limit_ns = -1 };
	for (const struct fake *fake = fakes; fake->label; fake++)
		add_group(&topology, fake);
	add_edges(&topology);
	struct record record;
	struct error error = { 0 };
	char runs[80], sockets[80];
	snprintf(runs, sizeof runs, "%s/runs", folder);
	snprintf(sockets, sizeof sockets, "%s/sockets", folder);
	mkdir(sockets, 0700);
	if (record_create(&record, runs, name, &error))
		abort();
	struct launch launch = { .topology = &topology, .record = &record, .sockets = sockets, .program = "/proc/self/exe",
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
	struct processes children = { 0 };
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
	reap_become_subreaper();        /* what a launch leaves behind comes here and is counted */
}

static void teardown(void)
{
	ck_assert_int_eq(alive(), 0);
	ck_assert(reap_everything(NULL, 5000));
	files_remove_tree(folder);
}

/* ---- ends ---- */

START_TEST(completes)
{
	const struct fake list[] = { FAKE("driver", "end print", 1), FAKE("server", "service", 3, .no_run = true), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	assert_says("err", "lpad: run fake-1, seed 7, ");
	assert_says("out", "driver   | out of driver\n");
	assert_status("completed");
	char sockets[100];
	snprintf(sockets, sizeof sockets, "%s/sockets", folder);
	ck_assert(access(sockets, F_OK) != 0);
}
END_TEST

static const struct {
	struct fake list[3];
	int code;
	const char *status, *says;
} ends[] = {
	{ { FAKE("driver", "end3", 1) }, 3, "failed", "driver failed: its run returned 3" },
	{ { FAKE("driver", "fail", 1), FAKE("server", "", 4) }, 4, "failed", "4 others ended because of it" },
	{ { FAKE("driver", "crash", 1) }, 139, "failed", "signal 11 (segmentation fault)" },
	{ { FAKE("driver", "exit7", 1) }, 7, "failed", "driver failed: exit 7" },
	{ { FAKE("driver", "exit0", 1) }, 1, "failed", "exited with 0 before" },
	{ { FAKE("driver", "close", 1) }, 1, "failed", "closed its control channel" },
	{ { FAKE("driver", "garbage", 1) }, 1, "failed", "not JSON" },
	{ { FAKE("driver", "stop5", 1) }, 5, "stopped", "driver stops the run with 5: enough" },
	{ { FAKE("driver", "stop0", 1), FAKE("server", "", 2) }, 0, "stopped", "stops the run with 0: done" },
	{ { FAKE("driver", "stop0", 1), FAKE("server", "stop-crash", 1) }, 139, "failed", "server failed" },
	{ { FAKE("driver", "stop5", 1), FAKE("server", "stop-crash", 1) }, 5, "stopped", "exit 5" },
	{ { FAKE("driver", "load-fail", 1), FAKE("server", "", 2) }, 125, "not started", "driver failed in load: no such symbol" },
	{ { FAKE("driver", "init-crash", 1) }, 139, "failed", "driver failed in init: signal 11" },
	{ { FAKE("driver", "init-hang", 1, .start_within_ms = 100) }, 125, "not started", "init has not returned within 100 ms" },
	{ { FAKE("driver", "bind-hang", 1) }, 125, "not started", "driver failed in bind: not done within 1 s" },
	{ { FAKE("driver", "wire-hang", 1) }, 125, "not started", "driver failed in wire: not done within" },
	{ { FAKE("driver", "end", 1), FAKE("server", "stop-ignore", 1, .background = true, .stop_within_ms = 100) }, 137, "failed", "sent TERM" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service finish-hang term-ignore deaf", 1, .no_run = true, .stop_within_ms = 100) },
		137, "failed", "server has not ended after TERM: killed" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service drain-hang", 1, .no_run = true, .stop_within_ms = 500) }, 0, "completed", "exit 0" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service left", 1, .no_run = true) }, 0, "completed", "3 messages of reading to keep" },
	{ { FAKE("driver", "crash", 1, .policy = POLICY_IGNORE) }, 0, "completed", "the run goes on without it" },
	{ { FAKE("driver", "end", 1), FAKE("server", "crash", 2, .policy = POLICY_IGNORE) }, 0, "completed", "exit 0" },
	{ { FAKE("driver", "end", 1), FAKE("plot", "", 1, .background = true) }, 0, "completed", "exit 0" },
	/* The cascade: the driver's error names the server, whose crash it was. */
	{ { FAKE("driver", "needs-peer", 1), FAKE("server", "crash print", 1) }, 139, "failed",
		"server failed: signal 11 (segmentation fault)\nlpad: last lines of server:\nlpad:   out of server\n"
		"lpad: 1 other ended because of it" },
	/* What stands just above is not shown once more. */
	{ { FAKE("driver", "needs-peer", 1), FAKE("server", "crash complain", 1) }, 139, "failed",
		"server   | err of server\nlpad: server failed: signal 11 (segmentation fault)\nlpad: 1 other ended" },
	/* The cause comes before what it did to others. */
	{ { FAKE("driver", "fail", 1), FAKE("server", "stop-ignore", 1, .stop_within_ms = 100) }, 4, "failed",
		"driver failed: no more data\nlpad: 1 other ended because of it\nlpad: server has not ended in time (run): sent TERM" },
	{ { FAKE("driver", "init-crash", 1), FAKE("server", "finish-hang", 1, .stop_within_ms = 100) }, 139, "failed",
		"driver failed in init: signal 11 (segmentation fault)\nlpad: 1 other ended because of it\nlpad: server has not ended in time (bind)" },
};

START_TEST(ends_as_it_should)
{
	int code = launch(ends[_i].list);
	ck_assert_msg(code == ends[_i].code, "row %d: exit %d, not %d:\n%s", _i, code, ends[_i].code, written("err"));
	assert_says("err", ends[_i].says);
	assert_status(ends[_i].status);
}
END_TEST

START_TEST(ends_at_the_time_limit)
{
	const struct fake list[] = { FAKE("driver", "", 2), { 0 } };
	time_limit_ns = 300000000;
	ck_assert_int_eq(launch(list), 124);
	assert_says("err", "the time limit of 300 ms is reached");
	assert_status("time limit");
}
END_TEST

START_TEST(says_which_limit_is_too_low)
{
	struct rlimit few = { .rlim_cur = 20, .rlim_max = 20 };
	setrlimit(RLIMIT_NOFILE, &few);
	struct error error = { 0 };
	ck_assert_int_eq(supervise_can_start(2000, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "the hard limit is 20"));
	ck_assert_ptr_nonnull(strstr(error.text, "ulimit -Hn 6320"));
}
END_TEST

/* ---- signals ---- */

static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP };

START_TEST(stops_on_a_signal)
{
	const struct fake list[] = { FAKE("driver", "print", 2), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/1");
	kill(launched, end_signals[_i]);
	ck_assert_int_eq(end_launch(), 128 + end_signals[_i]);
	assert_status("stopped");
}
END_TEST

/* Two that never stop talking leave the supervisor time for everybody else. */
START_TEST(stops_those_that_talk_all_the_time)
{
	const struct fake list[] = { FAKE("driver", "print flood", 2, .stop_within_ms = 100), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/1");
	kill(launched, SIGINT);
	ck_assert_int_eq(end_launch(), 130);
}
END_TEST

static pid_t supervisor_process(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)launched, (int)launched);
	struct text cleanup_text text = { 0 };
	ck_assert(!files_read(path, &text, 0, NULL));
	return (pid_t)atoi(text_string(&text));
}

START_TEST(a_second_signal_kills)
{
	const struct fake list[] = { FAKE("driver", "print stop-ignore term-ignore deaf", 2, .stop_within_ms = 100000), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/1");
	kill(launched, SIGINT);
	wait_for_text("err", "stopping");
	kill(launched, SIGINT);         /* too soon: `timeout` does that */
	poll(NULL, 0, 600);
	kill(launched, SIGINT);
	ck_assert_int_eq(end_launch(), 130);
	assert_says("err", "killing");
}
END_TEST

START_TEST(nothing_outlives_the_guardian)
{
	const struct fake list[] = { FAKE("driver", "print escape term-ignore", 5), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/4");
	int64_t at = clock_ms();
	kill(_i ? -launched : launched, SIGKILL);
	ck_assert_int_eq(end_launch(), 137);
	while (alive() && clock_ms() < at + 10000)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	ck_assert_int_eq(alive(), 0);
	wait_for_text("runs/fake-1/result.json", "guardian killed");
}
END_TEST

START_TEST(nothing_outlives_the_supervisor)
{
	const struct fake list[] = { FAKE("driver", "print escape term-ignore", 5), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/4");
	kill(supervisor_process(), SIGKILL);
	ck_assert_int_eq(end_launch(), 137);
	ck_assert_int_eq(alive(), 0);
	assert_says("err", "the supervisor was killed");
	assert_status("killed");
}
END_TEST

START_TEST(nothing_outlives_a_node)
{
	const struct fake list[] = { FAKE("driver", "print", 1),
		FAKE("server", "escape crash", 3, .policy = POLICY_IGNORE), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("err", "the run goes on without it");
	pid_t supervisor = supervisor_process();
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	struct text text = { 0 };
	for (int64_t end = clock_ms() + 10000; clock_ms() < end; poll(NULL, 0, 5)) {
		text_clear(&text);
		files_read(path, &text, 0, NULL);
		if (strcspn(text_string(&text), " ") + 1 == text.length)
			break;                  /* one: the driver */
	}
	ck_assert_msg(strcspn(text_string(&text), " ") + 1 == text.length, "left: %s", text_string(&text));
	text_release(&text);
	kill(launched, SIGTERM);
	ck_assert_int_eq(end_launch(), 143);
}
END_TEST

START_TEST(stops_and_continues)
{
	const struct fake list[] = { FAKE("driver", "print", 2), { 0 } };
	int status;
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("out", "out of driver/1");
	kill(launched, SIGTSTP);
	ck_assert(waitpid(launched, &status, WUNTRACED) == launched && WIFSTOPPED(status));
	kill(launched, SIGCONT);
	kill(launched, SIGINT);
	ck_assert_int_eq(end_launch(), 130);
}
END_TEST

/* ---- what is recorded and shown ---- */

START_TEST(records_reports)
{
	const struct fake list[] = { FAKE("driver", "report end", 1), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	json_t *json = result(), *loss;
	loss = json_object_get(json_object_get(json_object_get(json_object_get(json, "nodes"), "driver"), "metrics"), "loss");
	ck_assert_int_eq(json_integer_value(json_object_get(loss, "count")), 2);
	ck_assert_double_eq(json_number_value(json_object_get(loss, "last")), 1.5);
	ck_assert_double_eq(json_number_value(json_object_get(loss, "min")), 0.5);
	ck_assert_double_eq(json_number_value(json_object_get(loss, "mean")), 1.0);
	json_decref(json);
}
END_TEST

/* What a killed caller could not say any more, the other side has counted. */
START_TEST(counts_calls_on_the_more_complete_side)
{
	const struct fake list[] = { FAKE("driver", "calls end", 1), FAKE("server", "service answers", 1, .no_run = true), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	json_t *json = result(), *edge = json_array_get(json_object_get(json, "edges"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(edge, "messages")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(edge, "bytes")), 700);
	ck_assert_int_eq(json_integer_value(json_object_get(edge, "errors")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(edge, "from"), "messages")), 5);
	ck_assert_ptr_null(json_object_get(edge, "published"));
	ck_assert_ptr_null(json_object_get(json_object_get(edge, "to"), "dropped"));
	json_decref(json);
}
END_TEST

START_TEST(is_quiet)
{
	const struct fake list[] = { FAKE("driver", "end print complain", 1), { 0 } };
	begin_launch(list, &(struct output_style){ .quiet = true });
	ck_assert_int_eq(end_launch(), 0);
	ck_assert_str_eq(written("out"), "out of driver\n");
	ck_assert_str_eq(written("err"), "err of driver\n");
}
END_TEST

START_TEST(speaks_json)
{
	const struct fake list[] = { FAKE("driver", "end print report", 1), { 0 } };
	begin_launch(list, &(struct output_style){ .json = true });
	ck_assert_int_eq(end_launch(), 0);
	struct text lines = { 0 };
	text_add(&lines, written("out"));
	const char *events[] = { "start", "output", "report", "end", "result" };
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		char piece[40];
		snprintf(piece, sizeof piece, "{\"event\":\"%s\"", events[i]);
		if (!strcmp(events[i], "report"))
			snprintf(piece, sizeof piece, "\"event\":\"report\"");
		assert_says("out", piece);
	}
	for (char *line = lines.data, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		*end++ = '\0';
		json_t *json = json_loads(line, 0, NULL);
		ck_assert_msg(json != NULL, "not JSON: %s", line);
		json_decref(json);
	}
	text_release(&lines);
}
END_TEST

START_TEST(starts_many)
{
	const struct fake list[] = { FAKE("driver", "end", 1), FAKE("server", "service", 300, .no_run = true), { 0 } };
	ck_assert_int_eq(launch(list), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("supervise");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, completes);
	tcase_add_loop_test(tcase, ends_as_it_should, 0, sizeof ends / sizeof ends[0]);
	tcase_add_test(tcase, ends_at_the_time_limit);
	tcase_add_test(tcase, says_which_limit_is_too_low);
	tcase_add_loop_test(tcase, stops_on_a_signal, 0, 3);
	tcase_add_test(tcase, stops_those_that_talk_all_the_time);
	tcase_add_test(tcase, a_second_signal_kills);
	tcase_add_loop_test(tcase, nothing_outlives_the_guardian, 0, 2);
	tcase_add_test(tcase, nothing_outlives_the_supervisor);
	tcase_add_test(tcase, nothing_outlives_a_node);
	tcase_add_test(tcase, stops_and_continues);
	tcase_add_test(tcase, records_reports);
	tcase_add_test(tcase, counts_calls_on_the_more_complete_side);
	tcase_add_test(tcase, is_quiet);
	tcase_add_test(tcase, speaks_json);
	tcase_add_test(tcase, starts_many);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int count, char **arguments)
{
	if (count > 1 && !strcmp(arguments[1], "node"))
		return be_node();
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
