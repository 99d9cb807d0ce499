/* SPDX-License-Identifier: MIT */
/* Nodes that fail in their first incarnations, and tell what became of them. For the tests of restarts. */
#include <lpad/node.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one that waits in a step, in its first incarnation, to be killed there ---- */

struct victim {
	int32_t step;
	bool stays;
};
enum { IN_INIT, IN_RUN, IN_FINI, NOWHERE };

static void wait_there(lpad_node *node, int step)
{
	const struct victim *me = lpad_state(node);
	if (me->step != step || lpad_incarnation(node) > 1)
		return;
	printf("%s waits in step %d\n", lpad_name(node), step);
	fflush(stdout);
	for (;;)
		pause();
}

static int victim_init(lpad_node *node)
{
	wait_there(node, IN_INIT);
	return 0;
}

static int victim_run(lpad_node *node)
{
	const struct victim *me = lpad_state(node);
	printf("%s runs as %d\n", lpad_name(node), lpad_incarnation(node));
	fflush(stdout);
	wait_there(node, IN_RUN);
	return me->stays ? lpad_wait_stop(node, lpad_never()) : 0;
}

static void victim_fini(lpad_node *node)
{
	wait_there(node, IN_FINI);
}

/* ---- one that returns a code ---- */

struct failing {
	int64_t code, times;            /* so many incarnations of it */
};

static int damaged_init(lpad_node *node)
{
	lpad_fail(node, "the file is damaged");
	return LPAD_EBROKEN;
}

static int failing_run(lpad_node *node)
{
	const struct failing *me = lpad_state(node);
	return lpad_incarnation(node) <= me->times ? (int)me->code : 0;
}

/* ---- one that leaves a child with all its descriptors, and something in its folder ---- */

static void stay_behind(const char *path)
{
	if (fork())
		return;
	setsid();
	if (fork())
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	FILE *out = fopen(path, "we");
	fprintf(out, "%d\n", (int)getpid());
	fclose(out);
	for (;;)
		pause();
}

static int haunted_init(lpad_node *node)
{
	char path[4096], text[64] = "";
	snprintf(path, sizeof path, "%s/child", lpad_folder(node));
	FILE *in = fopen(path, "re");
	if (!in)
		return 0;
	if (!fgets(text, sizeof text, in))
		return lpad_fail(node, "%s is empty", path);
	fclose(in);
	printf("the child of the first is %s\n", kill(atoi(text), 0) ? "gone" : "there");
	return 0;
}

static int who(lpad_node *node, lpad_call *call)
{
	int64_t incarnation = lpad_incarnation(node);
	return lpad_answer(call, lpad_bytes(&incarnation, sizeof incarnation));
}

/* Dies with the caller's request in its hands, once. */
static int die(lpad_node *node, lpad_call *call)
{
	char path[4096];
	if (lpad_incarnation(node) > 1)
		return who(node, call);
	snprintf(path, sizeof path, "%s/child", lpad_folder(node));
	stay_behind(path);
	while (access(path, F_OK))
		usleep(1000);
	fflush(stdout);
	raise(SIGKILL);
	return 0;
}

/* ---- one that calls it ---- */

struct asker {
	lpad_handle *server;
	const char *method;
};

static int ask(lpad_node *node)
{
	struct asker *me = lpad_state(node);
	for (int i = 0; i < 2; i++) {
		lpad_message *reply = NULL;
		int code = lpad_call_to(me->server, 0, i ? "who" : me->method, NULL, &reply, lpad_default());
		const int64_t *incarnation = code ? NULL : lpad_body(reply, sizeof *incarnation);
		printf("%s: %d %lld\n", i ? "who" : me->method, code, incarnation ? (long long)*incarnation : 0);
		lpad_free(reply);
	}
	return 0;
}

/* ---- one that has it restarted ---- */

static int replace(lpad_node *node)
{
	struct asker *me = lpad_state(node);
	int code = lpad_restart_server(me->server, 0, "missed its deadline");
	if (code)
		return code;
	int incarnation;
	while ((incarnation = lpad_await_server(me->server, 0, lpad_in(20))) == 1)
		usleep(1000);
	printf("now it is %d\n", incarnation);
	return incarnation > 0 ? ask(node) : incarnation;
}

static const lpad_param victim_params[] = {
	LPAD_CHOICE(struct victim, step, "nowhere", "init run fini nowhere", "where it waits"),
	LPAD_BOOL(struct victim, stays, "false", "until the program stops"),
	LPAD_END
};
static const lpad_param failing_params[] = {
	LPAD_INT(struct failing, code, "1", "0..255", "what its run returns"),
	LPAD_INT(struct failing, times, "1000000", "0..", "in so many incarnations"),
	LPAD_END
};
static const lpad_param asker_params[] = { LPAD_TEXT(struct asker, method, "die", "its first call"), LPAD_END };
static const lpad_handle_decl asker_handles[] = { LPAD_HANDLE(struct asker, server, LPAD_ONE, "", "whom to call"), LPAD_END };
static const lpad_method haunted_methods[] = {
	LPAD_METHOD(who, "its incarnation", .idempotent = true),
	LPAD_METHOD(die, "kills the first incarnation, which leaves a child"),
	{ .name = "retry", .call = die, .idempotent = true, .help = "the same, and may be called again" },
	LPAD_END
};

LPAD_MODULE(
	{ .name = "victim", .state = sizeof(struct victim), .params = victim_params, .init = victim_init, .run = victim_run,
	  .fini = victim_fini },
	{ .name = "damaged", .init = damaged_init },
	{ .name = "failing", .state = sizeof(struct failing), .params = failing_params, .run = failing_run },
	{ .name = "haunted", .methods = haunted_methods, .init = haunted_init },
	{ .name = "asker", .state = sizeof(struct asker), .params = asker_params, .handles = asker_handles, .run = ask },
	{ .name = "replacer", .state = sizeof(struct asker), .params = asker_params, .handles = asker_handles, .run = replace });
