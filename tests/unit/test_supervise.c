/* SPDX-License-Identifier: MIT */
/* The life of a run with false nodes. */
#include "fake_nodes.h"

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
	{ { FAKE("driver", "bind-hang", 1) }, 125, "not started", "driver failed in bind: not done within 1.5 s" },
	{ { FAKE("driver", "wire-hang", 1) }, 125, "not started", "driver failed in wire: not done within" },
	{ { FAKE("driver", "end", 1), FAKE("server", "stop-ignore", 1, .background = true, .stop_within_ms = 100) }, 137, "failed", "sent TERM" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service finish-hang term-ignore deaf", 1, .no_run = true, .stop_within_ms = 100) },
		137, "failed", "server has not ended after TERM: killed" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service drain-hang", 1, .no_run = true, .stop_within_ms = 500) }, 0, "completed", "exit 0" },
	{ { FAKE("driver", "end", 1), FAKE("server", "service left", 1, .no_run = true) }, 0, "completed", "3 messages of reading to keep" },
	{ { FAKE("driver", "crash", 1, .policy.kind = POLICY_IGNORE) }, 0, "completed", "the run goes on without it" },
	{ { FAKE("driver", "end", 1), FAKE("server", "crash", 2, .policy.kind = POLICY_IGNORE) }, 0, "completed", "exit 0" },
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
		FAKE("server", "escape crash", 3, .policy.kind = POLICY_IGNORE), { 0 } };
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
