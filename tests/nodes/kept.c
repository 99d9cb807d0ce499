/* SPDX-License-Identifier: MIT */
/* Calls that a server has when it alone is stopped: kept, in an inbox, and while it ends. Its next incarnation answers them all. */
#include <lpad/node.h>
#include <stdio.h>
#include <unistd.h>

enum { TOLD = 5 };                      /* calls that its first life keeps before it says so */

/* ---- the server ---- */

struct server { lpad_inbox *box, *safe_box; int has; };

static int answer(lpad_node *node, lpad_call *call)
{
	int64_t incarnation = lpad_incarnation(node);
	return lpad_answer(call, lpad_bytes(&incarnation, sizeof incarnation));
}

static int keep(lpad_node *node, lpad_call *call)
{
	struct server *me = lpad_state(node);
	if (lpad_incarnation(node) > 1)
		return answer(node, call);
	if (++me->has == TOLD)
		lpad_log(node, "has them");
	return LPAD_LATER;
}

/* The first life takes one of each box, and leaves the others there. */
static int serve(lpad_node *node)
{
	struct server *me = lpad_state(node);
	lpad_inbox *const boxes[] = { me->box, me->safe_box };
	lpad_call *call;
	int code = 0;
	for (int i = 0; lpad_incarnation(node) == 1 && i < 2 && !code; i++)
		code = lpad_next(boxes[i], &call, lpad_never());
	if (lpad_incarnation(node) == 1) {
		lpad_log(node, "took two");
		return code ? code : lpad_wait_stop(node, lpad_never());
	}
	while (!lpad_stopping(node)) {
		for (int k = 0; k < 2; k++)
			while (!lpad_next(boxes[k], &call, lpad_in(0)))
				answer(node, call);
		lpad_wait_stop(node, lpad_in(0.005));
	}
	return 0;
}

/* Callers make more calls meanwhile. */
static void wait_for_file(lpad_node *node)
{
	lpad_log(node, "fini of %d", lpad_incarnation(node));
	while (lpad_incarnation(node) == 1 && access("release", F_OK))
		usleep(2000);
}

static const lpad_method server_methods[] = {
	LPAD_METHOD(keep, "kept in the first life"),
	LPAD_METHOD_AS("safe", keep, "the same", .idempotent = true),
	LPAD_INBOX(struct server, box, "taken, or left"),
	LPAD_INBOX(struct server, safe_box, "the same", .idempotent = true),
	LPAD_END
};

/* ---- who calls ---- */

struct caller { lpad_handle *server; };

static const char *const methods[] = { "keep", "safe", "box", "safe_box" };

static void say(const char *how, const char *method, int code, lpad_message *reply)
{
	const int64_t *body = code ? NULL : lpad_body(reply, sizeof *body);
	printf("%s %s %s%lld\n", how, method, code ? lpad_strerror(code) : "by ", (long long)(body ? *body : code));
	fflush(stdout);
	if (!code)
		lpad_free(reply);
}

/* Two futures of each method, then one synchronous call, which is held too. */
static int call(lpad_node *node)
{
	struct caller *me = lpad_state(node);
	lpad_future *futures[8];
	lpad_message *reply;
	for (int i = 0; i < 8; i++)
		futures[i] = lpad_start(me->server, 0, methods[i % 4], NULL, lpad_never());
	int code = lpad_call_to(me->server, 0, "safe", NULL, &reply, lpad_never());
	say("synchronous", "safe", code, reply);
	for (int i = 0; i < 8; i++) {
		code = lpad_wait(futures[i], &reply);
		say("future", methods[i % 4], code, reply);
	}
	code = lpad_call_to(me->server, 0, "keep", NULL, &reply, lpad_never());
	say("afterwards", "keep", code, reply);
	return lpad_wait_stop(node, lpad_never());
}

static const lpad_handle_decl caller_handles[] = {
	LPAD_HANDLE(struct caller, server, LPAD_ONE, "keep safe box safe_box", "whom"), LPAD_END };

LPAD_MODULE(
	{ .name = "server", .state = sizeof(struct server), .methods = server_methods, .run = serve, .fini = wait_for_file },
	{ .name = "caller", .state = sizeof(struct caller), .handles = caller_handles, .run = call });
