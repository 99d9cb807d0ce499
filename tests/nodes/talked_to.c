/* SPDX-License-Identifier: MIT */
/* Nodes that are stopped, killed and started again while others talk to them. */
#include <lpad/node.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- a server, which publishes too ---- */

struct server { lpad_topic *beat; };

static int who(lpad_node *node, lpad_call *call)
{
	int64_t incarnation = lpad_incarnation(node);
	return lpad_answer(call, lpad_bytes(&incarnation, sizeof incarnation));
}

static int serve(lpad_node *node)
{
	struct server *me = lpad_state(node);
	lpad_report(node, "loss", 0.5, 1);
	for (int64_t i = 0; !lpad_stopping(node); i++) {
		int code = lpad_publish(me->beat, lpad_bytes(&i, sizeof i));
		if (code)
			return code;
		lpad_wait_stop(node, lpad_in(0.02));
	}
	return 0;
}

static void serve_fini(lpad_node *node)
{
	lpad_log(node, "fini of %d", lpad_incarnation(node));
}

static const lpad_method server_methods[] = { LPAD_METHOD(who, "its incarnation"), LPAD_END };
static const lpad_topic_decl server_topics[] = { LPAD_TOPIC(struct server, beat, "numbers"), LPAD_END };

/* ---- who asks it, and says what changes ---- */

struct asker { lpad_handle *server; lpad_subscription *beat; };

static void say(const char *what, int64_t *last, int64_t value)
{
	if (*last != value)
		printf("%s %lld\n", what, (long long)value);
	*last = value;
	fflush(stdout);
}

static int64_t answer_of(struct asker *me)
{
	lpad_message *reply;
	int code = lpad_call_to(me->server, 0, "who", NULL, &reply, lpad_in(5));
	const int64_t *body = code ? NULL : lpad_body(reply, sizeof *body);
	int64_t value = code ? code : body ? *body : 0;
	if (!code)
		lpad_free(reply);
	return value;
}

static int ask(lpad_node *node)
{
	struct asker *me = lpad_state(node);
	int64_t answer = -100, taken = -100;
	while (!lpad_stopping(node)) {
		lpad_message *message;
		say("who", &answer, answer_of(me));
		int code = lpad_take(me->beat, &message, lpad_in(0.2));
		if (!code)
			lpad_free(message);
		if (code != LPAD_ETIMEDOUT)
			say("take", &taken, code);
		lpad_wait_stop(node, lpad_in(0.01));
	}
	return 0;
}

static const lpad_handle_decl asker_handles[] = { LPAD_HANDLE(struct asker, server, LPAD_ONE, "who", "whom"), LPAD_END };
static const lpad_subscription_decl asker_subscriptions[] = {
	LPAD_SUBSCRIPTION(struct asker, beat, 10, "numbers"), LPAD_END };

/* ---- those that do little ---- */

static int steady(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

static int once(lpad_node *node)
{
	(void)node;
	return 0;
}

static int deaf(lpad_node *node)
{
	(void)node;
	signal(SIGTERM, SIG_IGN);
	puts("deaf");
	fflush(stdout);
	for (;;)
		pause();
}

static int crash_at_stop(lpad_node *node)
{
	lpad_wait_stop(node, lpad_never());
	raise(SIGABRT);
	return 0;
}

/* Needs a file to end. */
static int late_at_stop(lpad_node *node)
{
	lpad_wait_stop(node, lpad_never());
	while (access("release", F_OK))
		usleep(10000);
	return 0;
}

static int fail_again(lpad_node *node)
{
	return lpad_incarnation(node) > 1 ? lpad_fail(node, "not twice") : 0;
}

/* ---- those that compute for long, in init, in run and in a callback ---- */

static void compute(double seconds)
{
	for (double end = now() + seconds; now() < end; )
		;
}

static int busy_init(lpad_node *node)
{
	compute(1.5);
	lpad_log(node, "init is over");
	return 0;
}

static int busy_run(lpad_node *node)
{
	compute(1.5);
	lpad_log(node, "run is over");
	return lpad_wait_stop(node, lpad_never());
}

static int busy(lpad_node *node, lpad_call *call)
{
	(void)node;
	compute(1.5);
	return lpad_answer(call, NULL);
}

static const lpad_method busy_methods[] = { LPAD_METHOD(busy, "computes"), LPAD_END };

LPAD_MODULE(
	{ .name = "server", .state = sizeof(struct server), .methods = server_methods, .topics = server_topics, .run = serve,
	  .fini = serve_fini },
	{ .name = "asker", .state = sizeof(struct asker), .handles = asker_handles, .subscriptions = asker_subscriptions,
	  .run = ask },
	{ .name = "steady", .run = steady },
	{ .name = "once", .run = once },
	{ .name = "deaf", .run = deaf },
	{ .name = "crash_at_stop", .run = crash_at_stop },
	{ .name = "late_at_stop", .run = late_at_stop },
	{ .name = "fail_again", .init = fail_again, .run = steady },
	{ .name = "busy", .methods = busy_methods, .init = busy_init, .run = busy_run });
