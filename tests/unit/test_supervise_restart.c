/* SPDX-License-Identifier: MIT */
/* Failed processes are started again, as their policy says: with false nodes. */
#include "fake_nodes.h"

#define MS(n) ((int64_t)(n) * 1000000)
/* So many restarts within a minute, after a wait that nobody notices. */
#define AGAIN(n, ...) .policy = { .kind = POLICY_RESTART, .restarts = n, .within_ns = MS(60000), .backoff_low_ns = MS(1), \
	.backoff_high_ns = MS(1), __VA_ARGS__ }

static json_t *node_result(json_t *result, const char *name)
{
	json_t *out = json_object_get(json_object_get(result, "nodes"), name);
	ck_assert_msg(out != NULL, "%s is not in the result", name);
	return out;
}

static int restarts_of(const char *name)
{
	json_t *json = result();
	int restarts = (int)json_integer_value(json_object_get(node_result(json, name), "restarts"));
	json_decref(json);
	return restarts;
}

/* One failure in each step: the second incarnation does what the first did not come to. */
static const struct {
	const char *script, *says;
} steps[] = {
	{ "init-crash@1 end", "driver: signal 11 (segmentation fault) (in init); starting it again in " },
	{ "init-hang@1 end", "driver: init has not returned within 100 ms (start_within) (in init); starting it again" },
	{ "bound-crash@1 end", "driver: signal 11 (segmentation fault) (in " },         /* by then it may have been told to dial */
	{ "wire-crash@1 end", "driver: signal 11 (segmentation fault) (in wire); starting it again in " },
	{ "wire-hang@1 end", "driver: not done within 1.5 s (in wire); starting it again in " },
	{ "wired-crash@1 end", "driver: signal 11 (segmentation fault)" },
	{ "crash@1 end@2", "driver: signal 11 (segmentation fault); starting it again in " },
	{ "exit7@1 end@2", "driver: exit 7; starting it again in " },
	{ "exit0@1 end@2", "driver: its process exited with 0 before it was told to finish; starting it again in " },
	{ "fail@1 end@2", "driver: no more data; starting it again in " },
	{ "end3@1 end@2", "driver: its run returned 3; starting it again in " },
	{ "close@1 end@2", "driver: its process closed its control channel; starting it again in " },
	{ "garbage@1 end@2", "not JSON" },
};

START_TEST(starts_again_in_each_step)
{
	const struct fake list[] = { FAKE("driver", steps[_i].script, 1, .start_within_ms = 100, AGAIN(5)),
		FAKE("server", "service", 2, .no_run = true), { 0 } };
	int code = launch(list);
	ck_assert_msg(code == 0, "%s: exit %d\n%s", steps[_i].script, code, written("err"));
	assert_says("err", steps[_i].says);
	assert_says("err", "(1 of 5 within 1m)");
	assert_status("completed");
	json_t *json = result(), *driver = node_result(json, "driver");
	json_t *past = json_object_get(driver, "incarnations");
	ck_assert_int_eq(json_integer_value(json_object_get(driver, "restarts")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(driver, "exit")), 0);
	ck_assert(!json_object_get(driver, "failure"));
	ck_assert_int_eq(json_array_size(past), 1);
	ck_assert(json_is_object(json_object_get(json_array_get(past, 0), "failure")));
	json_decref(json);
}
END_TEST

/* Where the policy comes to its end, or does not count. */
static const struct {
	struct fake list[3];
	int code, restarts;
	const char *status, *says;
} ends[] = {
	{ { FAKE("driver", "exit7", 1, AGAIN(2)) }, 7, 2, "failed",
		"driver failed 3 times within 1m: last exit 7; program stopped (on_failure.then: stop)" },
	{ { FAKE("driver", "init-crash", 1, AGAIN(1)) }, 139, 1, "failed",
		"driver failed 2 times within 1m: last signal 11 (segmentation fault) (in init); program stopped" },
	{ { FAKE("driver", "exit7", 1, AGAIN(1, .then = POLICY_IGNORE)), FAKE("server", "service", 1, .no_run = true) }, 0, 1,
		"completed", "driver failed 2 times within 1m: last exit 7; the run goes on without it (on_failure.then: ignore)" },
	{ { FAKE("driver", "load-fail", 1, AGAIN(5)) }, 125, 0, "not started", "driver failed in load: no such symbol" },
	{ { FAKE("driver", "load-fail@2 exit7@1", 1, AGAIN(5)) }, 125, 1, "not started", "driver failed in load: no such symbol" },
	{ { FAKE("driver", "stop-crash", 1, AGAIN(5)), FAKE("server", "stop0", 1) }, 139, 0, "failed",
		"driver failed: signal 11 (segmentation fault)" },
	{ { FAKE("driver", "needs-peer", 1), FAKE("server", "crash", 1, AGAIN(5)) }, 1, 0, "failed", "driver failed: lost server" },
	{ { FAKE("driver", "needs-peer@1 end@2", 1, AGAIN(5)), FAKE("server", "crash@1 end", 1, AGAIN(5)) }, 0, 1, "completed",
		"driver: lost server; starting it again" },
	/* One that had ended well runs again when it dies while it serves. */
	{ { FAKE("driver", "end-on-up", 1), FAKE("server", "end-crash@1 end", 1, AGAIN(5)) }, 0, 0, "completed", "exit 0" },
};

START_TEST(ends_as_it_should)
{
	int code = launch(ends[_i].list);
	ck_assert_msg(code == ends[_i].code, "row %d: exit %d, not %d:\n%s", _i, code, ends[_i].code, written("err"));
	assert_says("err", ends[_i].says);
	assert_status(ends[_i].status);
	ck_assert_msg(restarts_of("driver") == ends[_i].restarts, "row %d: %d restarts", _i, restarts_of("driver"));
}
END_TEST

/* ---- what the neighbours hear ---- */

/* The pieces stand in the file in this order. */
static void assert_order(const char *name, const char *const *pieces)
{
	const char *text = written(name), *at = text;
	for (; *pieces; pieces++) {
		at = strstr(at, *pieces);
		ck_assert_msg(at != NULL, "\"%s\" does not come in its place in %s:\n%s", *pieces, name, text);
	}
}

START_TEST(tells_the_neighbours)
{
	const struct fake list[] = { FAKE("driver", "peers end-on-gone", 1),
		FAKE("server", "crash@1 crash@2 init-crash@3 crash@4", 1, .background = true, AGAIN(3, .then = POLICY_IGNORE)), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	assert_order("err", (const char *[]){ "driver hears server 1 lost\n", "driver hears server 2 up at ipc://1.2\n",
		"driver hears server 2 lost\n", "driver hears server 4 up at ipc://1.4\n", "driver hears server 4 gone\n", NULL });
	ck_assert_ptr_null(strstr(written("err"), "server 3 "));        /* it was never bound: nobody knew of it */
}
END_TEST

/* Who is started while a neighbour is dead is told so, and of its successor. */
START_TEST(tells_the_newcomer)
{
	const struct fake list[] = { FAKE("driver", "exit7@1 peers@2 end-on-up", 1, AGAIN(5)),
		FAKE("server", "crash@1", 1, .background = true, .policy = { .kind = POLICY_RESTART, .restarts = 1, .within_ns = MS(60000),
			.backoff_low_ns = MS(1000), .backoff_high_ns = MS(1000) }), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	assert_order("err", (const char *[]){ "driver hears server 1 lost\n", "driver hears server 2 up at ipc://1.2\n", NULL });
}
END_TEST

/* Addresses that only the nodes can find are handed on before anybody dials, and again to each successor. */
START_TEST(hands_addresses_on)
{
	const struct fake list[] = { FAKE("driver", "peers exit7@1 end@2", 1, AGAIN(5)), FAKE("server", "tcp service", 1,
		.no_run = true), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	assert_order("err", (const char *[]){ "driver hears server 1 up at tcp://127.0.0.1:7\n", "driver: exit 7; starting it",
		"driver hears server 1 up at tcp://127.0.0.1:7\n", NULL });
}
END_TEST

START_TEST(restarts_on_request)
{
	const struct fake list[] = { FAKE("driver", "restart-server peers end-on-up", 1), FAKE("server", "", 1, .background = true,
		AGAIN(5)), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	assert_says("err", "server: restarted by driver: it is late; starting it again in ");
	ck_assert_int_eq(restarts_of("server"), 1);
}
END_TEST

/* Without a policy that starts it again, that is the end. */
START_TEST(a_request_can_be_the_end)
{
	const struct fake list[] = { FAKE("driver", "restart-server", 1), FAKE("server", "", 1), { 0 } };
	ck_assert_int_eq(launch(list), 1);
	assert_says("err", "server failed: restarted by driver: it is late");
}
END_TEST

/* A successor that does not come up is not waited for without a word. */
START_TEST(says_who_is_slow)
{
	const struct fake list[] = { FAKE("driver", "", 1), FAKE("server", "crash@1 init-hang@2", 2, AGAIN(5)), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("err", "2 of 3 not ready after 10 s: server/0, server/1 in init");
	kill(launched, SIGTERM);
	wait_for_text("err", "stopping");
	kill(launched, SIGKILL);        /* they are deaf */
	ck_assert_int_eq(end_launch(), 137);
}
END_TEST

/* ---- stops ---- */

START_TEST(stops_while_one_waits)
{
	const struct fake list[] = { FAKE("driver", "peers", 1), FAKE("server", "crash", 1, .policy = { .kind = POLICY_RESTART,
		.restarts = 5, .within_ns = MS(60000), .backoff_low_ns = MS(3600000), .backoff_high_ns = MS(3600000) }), { 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("err", "hears server 1 lost");
	kill(launched, SIGINT);
	ck_assert_int_eq(end_launch(), 130);
	assert_order("err", (const char *[]){ "starting it again in ", "stopping", "hears server 1 gone", NULL });
	assert_status("stopped");
	ck_assert_int_eq(restarts_of("server"), 0);
}
END_TEST

/* At any moment of a storm of restarts. */
START_TEST(stops_while_all_fail)
{
	const struct fake list[] = { FAKE("driver", "crash", 6, AGAIN(1000000)), FAKE("server", "init-crash@2 crash", 6, AGAIN(1000000)),
		{ 0 } };
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("err", _i % 2 ? "server/5: " : "driver/5: ");
	for (int i = 0; i < _i; i++)
		poll(NULL, 0, 7);
	kill(launched, _i % 3 ? SIGINT : SIGTERM);
	ck_assert_int_eq(end_launch(), _i % 3 ? 130 : 143);
}
END_TEST

/* ---- what escaped, what was printed, what was counted ---- */

START_TEST(kills_what_escaped_first)
{
	const struct fake list[] = { FAKE("driver", "escape@1 term-ignore@1 crash@1 alone@2 end", 3, AGAIN(5)), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	for (int i = 0; i < 3; i++) {
		char piece[60];
		snprintf(piece, sizeof piece, "driver/%d is alone", i);
		assert_says("err", piece);
	}
}
END_TEST

START_TEST(adds_up)
{
	const struct fake list[] = { FAKE("driver", "calls report print crash@1 exit7@2 end", 1, AGAIN(5)),
		FAKE("server", "service", 1, .no_run = true), { 0 } };
	ck_assert_int_eq(launch(list), 0);
	json_t *json = result(), *edge = json_array_get(json_object_get(json, "edges"), 0), *driver = node_result(json, "driver");
	ck_assert_int_eq(json_integer_value(json_object_get(edge, "messages")), 15);
	ck_assert_int_eq(json_integer_value(json_object_get(edge, "errors")), 3);
	json_t *loss = json_object_get(json_object_get(driver, "metrics"), "loss");
	ck_assert_int_eq(json_integer_value(json_object_get(loss, "count")), 6);
	json_t *past = json_object_get(driver, "incarnations");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(past, 0), "signal")), 11);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(past, 1), "exit")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(past, 1), "incarnation")), 2);
	json_decref(json);
	ck_assert_str_eq(written("out"), "driver   | out of driver\ndriver   | out of driver\ndriver   | out of driver\n");
	ck_assert_str_eq(written("runs/fake-1/logs/driver.log"), "out of driver\nout of driver\nout of driver\n");
}
END_TEST

/* The waits grow as the policy says: each between half and all of what is due. */
START_TEST(backs_off)
{
	const struct fake list[] = { FAKE("driver", "crash", 1, .policy = { .kind = POLICY_RESTART, .restarts = 5,
		.within_ns = MS(60000), .backoff_low_ns = MS(2), .backoff_high_ns = MS(16) }), { 0 } };
	static const double whole[] = { 0.002, 0.004, 0.008, 0.016, 0.016 };
	begin_launch(list, &(struct output_style){ .json = true });
	ck_assert_int_eq(end_launch(), 139);
	int restarts = 0, spawned = 0;
	for (const char *at = written("out"), *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		json_t *event = json_loadb(at, (size_t)(end - at), 0, NULL);
		const char *what = json_string_value(json_object_get(event, "event"));
		if (!strcmp(what, "spawn"))
			ck_assert_int_eq(json_integer_value(json_object_get(event, "incarnation")), ++spawned);
		if (!strcmp(what, "restart")) {
			double wait = json_number_value(json_object_get(event, "wait"));
			ck_assert_msg(wait >= whole[restarts] / 2 && wait <= whole[restarts], "wait %d: %g", restarts, wait);
			ck_assert_int_eq(json_integer_value(json_object_get(event, "failures")), ++restarts);
			ck_assert_int_eq(json_integer_value(json_object_get(event, "incarnation")), restarts + 1);
		}
		json_decref(event);
	}
	ck_assert_int_eq(restarts, 5);
	ck_assert_int_eq(spawned, 6);
}
END_TEST

/* ---- several in one process, and those that are held ---- */

START_TEST(shares_a_process)
{
	const struct fake list[] = { FAKE("driver", "end print", 2), FAKE("server", "service", 3, .no_run = true), { 0 } };
	threads = true;
	ck_assert_int_eq(launch(list), 0);
	assert_says("out", "fake     | out of driver/0\nfake     | out of driver/1\n");
	json_t *json = result();
	int64_t pid = json_integer_value(json_object_get(node_result(json, "driver/0"), "pid"));
	ck_assert_int_eq(json_integer_value(json_object_get(node_result(json, "server/2"), "pid")), pid);
	ck_assert_str_eq(json_string_value(json_object_get(node_result(json, "server/1"), "process")), "fake");
	json_decref(json);
}
END_TEST

/* Both drivers fail; the first to speak is driver/0. Who crashed cannot be known. */
static const struct {
	struct fake list[3];
	int code;
	const char *says, *cause, *other;
} together[] = {
	{ { FAKE("first", "", 1), FAKE("driver", "fail", 2) }, 4, "driver/0 failed: no more data\n", "driver/0",
		"shared its process with driver/0" },
	{ { FAKE("first", "", 1), FAKE("driver", "crash", 2) }, 139, "fake failed: signal 11 (segmentation fault)\n", "fake",
		"signal 11" },
	{ { FAKE("first", "", 1), FAKE("driver", "end3", 2) }, 3, "driver/0 failed: its run returned 3\n", "driver/0",
		"shared its process with driver/0" },
};

START_TEST(fails_together)
{
	threads = true;
	int code = launch(together[_i].list);
	ck_assert_msg(code == together[_i].code, "exit %d:\n%s", code, written("err"));
	assert_says("err", together[_i].says);
	json_t *json = result();
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "cause"), "node")), together[_i].cause);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(node_result(json, "first"), "failure"), "text")),
		together[_i].other);
	json_decref(json);
}
END_TEST

START_TEST(restarts_together)
{
	const struct fake list[] = { FAKE("driver", "fail@1 end", 3, AGAIN(5)), { 0 } };
	packed = 3;
	ck_assert_int_eq(launch(list), 0);
	assert_says("err", "driver/0: no more data; starting it again in ");
	for (int i = 0; i < 3; i++) {
		char name[20];
		snprintf(name, sizeof name, "driver/%d", i);
		ck_assert_int_eq(restarts_of(name), 1);
	}
}
END_TEST

START_TEST(holds)
{
	const struct fake list[] = { FAKE("driver", "end", 1), FAKE("server", "peers crash@1", 1), { 0 } };
	static const bool second[] = { false, true };
	held = second;
	ck_assert_int_eq(launch(list), 0);
	assert_says("err", "server is held");
	assert_status("completed");
}
END_TEST

START_TEST(holds_all)
{
	const struct fake list[] = { FAKE("driver", "", 1), { 0 } };
	static const bool all[] = { true };
	held = all;
	begin_launch(list, &(struct output_style){ 0 });
	wait_for_text("err", "driver is held");
	assert_says("err", "no node is waited for: the run ends when it is stopped");
	kill(launched, SIGTERM);
	ck_assert_int_eq(end_launch(), 143);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("restart");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, starts_again_in_each_step, 0, sizeof steps / sizeof steps[0]);
	tcase_add_loop_test(tcase, ends_as_it_should, 0, sizeof ends / sizeof ends[0]);
	tcase_add_test(tcase, tells_the_neighbours);
	tcase_add_test(tcase, tells_the_newcomer);
	tcase_add_test(tcase, hands_addresses_on);
	tcase_add_test(tcase, restarts_on_request);
	tcase_add_test(tcase, a_request_can_be_the_end);
	tcase_add_test(tcase, says_who_is_slow);
	tcase_add_test(tcase, stops_while_one_waits);
	tcase_add_loop_test(tcase, stops_while_all_fail, 0, 12);
	tcase_add_test(tcase, kills_what_escaped_first);
	tcase_add_test(tcase, adds_up);
	tcase_add_test(tcase, backs_off);
	tcase_add_test(tcase, shares_a_process);
	tcase_add_loop_test(tcase, fails_together, 0, sizeof together / sizeof together[0]);
	tcase_add_test(tcase, restarts_together);
	tcase_add_test(tcase, holds);
	tcase_add_test(tcase, holds_all);
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
