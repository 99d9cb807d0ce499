/* SPDX-License-Identifier: MIT */
/* Threads that wait for each other's calls in a circle, and those that only seem to. */
#include <regex.h>
#include <sched.h>

#include "link_children.h"

enum { STEP, PAIR, KEEP, LET, IN, QUICK, OWN_METHODS };

static struct peer peers[PEERS_MOST];
static pthread_barrier_t meeting;

/* A call that makes the next one itself, and so on. */
struct way {
	int32_t method, place;
	bool meet, gate, future;                /* first wait for the other at the meeting; for the gate; call by a future */
};
struct ways {
	int32_t count;
	struct way at[8];
};

static lpad_message *way_message(const struct ways *ways)
{
	return message_bytes(ways, sizeof *ways);
}

static int go(struct peer *peer, struct ways ways, lpad_deadline deadline)
{
	const struct way way = ways.at[0];
	const char *method = served[way.method].name;
	memmove(ways.at, ways.at + 1, sizeof ways.at - sizeof ways.at[0]);
	ways.count--;
	if (way.meet)
		pthread_barrier_wait(&meeting);
	while (way.gate && sem_wait(&peer->gate))
		;
	if (!way.future)
		return handle_call(peer->peers, way.place, method, way_message(&ways), NULL, deadline);
	lpad_future *futures[2] = { NULL, handle_start(peer->peers, way.place, method, way_message(&ways), deadline) };
	int place = future_wait_any(futures, 2, never);
	return place < 0 ? place : future_wait(futures[1], NULL);
}

static int do_step(struct peer *peer, lpad_call *call)
{
	const struct ways *ways = message_body(call_request(call), sizeof *ways);
	peer->entered++;
	int code = ways && ways->count ? go(peer, *ways, never) : 0;
	return code ? code : call_answer(call, NULL);
}

static int do_quick(struct peer *peer, lpad_call *call)
{
	(void)peer;
	return call_answer(call, NULL);
}

static int (*const own_callbacks[OWN_METHODS])(struct peer *, lpad_call *) = {
	[STEP] = do_step, [PAIR] = do_step, [KEEP] = do_hold, [LET] = do_release, [QUICK] = do_quick,
};
static const struct method_link own_methods[OWN_METHODS] = {
	[STEP] = { .name = "step" }, [PAIR] = { .name = "pair", .threads = 2 }, [KEEP] = { .name = "keep", .has_gone = true },
	[LET] = { .name = "let", .threads = 1 }, [IN] = { .name = "in", .inbox = true }, [QUICK] = { .name = "quick", .threads = 1 },
};

static void prepare(int count)
{
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN_METHODS;
	pthread_barrier_init(&meeting, NULL, 2);
	peers_prepare(count);
}

static void open_peers(int count)
{
	prepare(count);
	for (int i = 0; i < count; i++)
		peer_bind(&peers[i], i, 1, NULL);
	for (int i = 0; i < count; i++)
		peer_connect(&peers[i]);
	for (int i = 0; i < count; i++)
		peer_go(&peers[i]);
}

static void ck_assert_like(const char *text, const char *pattern)
{
	regex_t regex;
	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(!regexec(&regex, text, 0, NULL, 0), "%s", text);
	regfree(&regex);
}

#define TIME "[0-9]+ m?s"

/* ---- circles ---- */

START_TEST(two_callbacks)
{
	open_peers(2);
	struct ways ways = { 2, { { .method = STEP, .place = 1, .future = _i }, { .method = STEP, .place = 0, .future = _i } } };
	ck_assert_fault(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), LPAD_EDEADLK);
	/* either of both calls may be the one that fails first */
	ck_assert_like(fault_text(), "waiting in a circle: (n0 \\(step, " TIME "\\) → step on n1 \\(busy in step\\) → step on n0"
		"|n1 \\(step, " TIME "\\) → step on n0 \\(busy in step\\) → step on n1)$");
	ways.count = 0;
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), 0);   /* all is well again */
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "step", way_message(&ways), NULL, never), 0);
	peers_close(peers, 2);
}
END_TEST

START_TEST(a_long_chain)
{
	open_peers(4);
	struct ways ways = { 4, { { .method = STEP, .place = 1 }, { .method = STEP, .place = 2 }, { .method = STEP, .place = 3 }, { .method = STEP, .place = 0 } } };
	ck_assert_fault(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), LPAD_EDEADLK);
	ck_assert_like(fault_text(), "waiting in a circle: n. \\(step, " TIME "\\)( → step on n. \\(busy in step\\)){3} → step on n.$");
	peers_close(peers, 4);
}
END_TEST

START_TEST(by_way_of_oneself)
{
	open_peers(1);
	struct ways ways = { 1, { { .method = STEP, .place = 0, .future = true } } };
	ck_assert_fault(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), LPAD_EDEADLK);
	ck_assert_like(fault_text(), "waiting in a circle: n0 \\(step, " TIME "\\) → step on n0$");
	peers_close(peers, 1);
}
END_TEST

START_TEST(a_circle_that_closes_later)
{
	open_peers(2);
	struct ways ways = { 2, { { .method = STEP, .place = 1 }, { .method = STEP, .place = 0, .gate = true } } };
	lpad_future *behind, *future = handle_start(peers[0].peers, 0, "step", way_message(&ways), never);
	await_count(&peers[1].entered, 1);
	ways.count = 0;
	behind = handle_start(peers[1].peers, 0, "step", way_message(&ways), never);    /* something waits for the first of them */
	ck_assert_int_eq(future_wait_any(&behind, 1, in_ms(150)), LPAD_ETIMEDOUT);
	sem_post(&peers[1].gate);
	ck_assert_fault(future_wait(future, NULL), LPAD_EDEADLK);
	ck_assert_int_eq(future_wait(behind, NULL), 0);
	peers_close(peers, 2);
}
END_TEST

START_TEST(a_circle_through_two_processes)
{
	prepare(2);
	struct child server = fork_server(&peers[1], 1);
	let_go(&server);
	open_caller(&peers[0]);
	struct ways ways = { 2, { { .method = STEP, .place = 1 }, { .method = STEP, .place = 0 } } };
	ck_assert_fault(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), LPAD_EDEADLK);
	end_child(&server);
	close_caller(&peers[0]);
}
END_TEST

/* ---- run, and inboxes ---- */

struct runner {
	struct peer *peer;
	int code;
	char text[500];
	bool takes;                             /* a call first */
};

static void *run_calls(void *context)
{
	struct runner *runner = context;
	struct peer *peer = runner->peer;
	lpad_call *call = NULL;
	link_run_thread(peer->link);
	if (runner->takes)
		ck_assert_int_eq(inbox_next(link_inbox(peer->link, IN), &call, never), 0);
	runner->code = handle_call(peer->peers, !peer->number, "in", NULL, NULL, never);
	snprintf(runner->text, sizeof runner->text, "%s", fault_text());
	link_end_run(peer->link);
	return NULL;
}

START_TEST(two_runs)
{
	open_peers(2);
	struct runner runners[2] = { { .peer = &peers[0] }, { .peer = &peers[1], .takes = _i } };
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_calls, &runners[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	/* one of them may have gone on when the other one's call failed: its run ended then, and refused the call */
	ck_assert(runners[0].code == LPAD_EDEADLK || runners[0].code == LPAD_EGONE);
	ck_assert(runners[1].code == LPAD_EDEADLK || runners[1].code == LPAD_EGONE);
	ck_assert(runners[0].code == LPAD_EDEADLK || runners[1].code == LPAD_EDEADLK);
	const char *busy = _i ? "in" : "run";
	char pattern[400];
	snprintf(pattern, sizeof pattern, "^waiting in a circle: (n0 \\(run, " TIME "\\) → in on n1 \\(busy in %s\\) → in on n0"
		"|n1 \\(%s, " TIME "\\) → in on n0 \\(busy in run\\) → in on n1)$", busy, busy);
	ck_assert_like(runners[runners[0].code != LPAD_EDEADLK].text, pattern);
	peers_close(peers, 2);
}
END_TEST

/* ---- several threads ---- */

START_TEST(one_of_two_threads_is_no_circle)
{
	open_peers(2);
	struct ways ways = { 3, { { .method = PAIR, .place = 1 }, { .method = PAIR, .place = 0 }, { .method = PAIR, .place = 1 } } };
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "pair", way_message(&ways), NULL, never), 0);
	peers_close(peers, 2);
}
END_TEST

/* Of two declared threads one has not come yet: it will have the call answered. */
START_TEST(a_thread_that_is_yet_to_come_is_no_circle)
{
	peers_late = PAIR;
	peers_note_after_ns = 200000000;
	open_peers(2);
	struct ways ways = { 2, { { .method = PAIR, .place = 1 }, { .method = PAIR, .place = 0 } } };
	lpad_future *call = handle_start(peers[0].peers, 0, "pair", way_message(&ways), never);
	peer_await_notes(&peers[1], 1);         /* long after a circle would have been found */
	peer_start_worker(&peers[0], PAIR);
	ck_assert_int_eq(future_wait(call, NULL), 0);
	peers_close(peers, 2);
}
END_TEST

START_TEST(all_of_two_threads_are)
{
	open_peers(2);
	struct ways ways = { 2, { { .method = PAIR, .place = 1, .meet = true }, { .method = PAIR, .place = 0, .meet = true } } };
	lpad_future *one = handle_start(peers[0].peers, 0, "pair", way_message(&ways), never);
	lpad_future *two = handle_start(peers[0].peers, 0, "pair", way_message(&ways), never);
	int first = future_wait(one, NULL), second = future_wait(two, NULL);
	/* the end of one call lets the other go on, perhaps */
	ck_assert(first == LPAD_EDEADLK || second == LPAD_EDEADLK);
	ck_assert_like(fault_text(), "waiting in a circle: n. \\(pair, " TIME "\\) → pair on n. \\(busy in pair\\) → ");
	peers_close(peers, 2);
}
END_TEST

/* ---- no circles ---- */

START_TEST(a_kept_call_blocks_no_thread)
{
	open_peers(2);
	struct ways ways = { 1, { { .method = KEEP, .place = 1 } } };
	lpad_future *first = handle_start(peers[0].peers, 0, "step", way_message(&ways), never);
	await_count(&peers[1].entered, 1);
	ways = (struct ways){ 1, { { .method = STEP, .place = 0 } } };
	lpad_future *second = handle_start(peers[0].peers, 1, "step", way_message(&ways), never);
	ck_assert_int_eq(future_wait_any((lpad_future *[]){ first, second }, 2, in_ms(300)), LPAD_ETIMEDOUT);
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(future_wait(first, NULL), 0);
	ck_assert_int_eq(future_wait(second, NULL), 0);
	peers_close(peers, 2);
}
END_TEST

/* Both threads of PAIR wait: one in what looks like a circle, the other for what is kept; when that is let go, all goes on. */
START_TEST(a_blocked_thread_with_a_way_out_is_no_circle)
{
	open_peers(2);
	struct ways to_kept = { 1, { { .method = KEEP, .place = 0 } } }, to_service = { 1, { { .method = STEP, .place = 0, .gate = true } } };
	struct ways to_pair = { 1, { { .method = PAIR, .place = 1 } } };
	lpad_future *kept = handle_start(peers[0].peers, 1, "pair", way_message(&to_kept), never);
	await_count(&peers[0].entered, 1);
	lpad_future *service = handle_start(peers[0].peers, 1, "pair", way_message(&to_service), never);
	await_count(&peers[1].entered, 2);
	lpad_future *circle = handle_start(peers[0].peers, 0, "step", way_message(&to_pair), never);
	await_count(&peers[0].entered, 2);
	sem_post(&peers[1].gate);
	lpad_future *all[] = { kept, service, circle };
	ck_assert_int_eq(future_wait_any(all, 3, in_ms(300)), LPAD_ETIMEDOUT);
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "let", NULL, NULL, never), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(future_wait(all[i], NULL), 0);
	peers_close(peers, 2);
}
END_TEST

/* Who looks again after a while, and takes what has come meanwhile, waits in no circle. */
static void *run_polls(void *context)
{
	struct runner *runner = context;
	struct peer *peer = runner->peer;
	lpad_call *call;
	link_run_thread(peer->link);
	lpad_future *future = handle_start(peer->peers, !peer->number, "in", NULL, never);
	int place = future_wait_any(&future, 1, in_ms(200));    /* 0: the other one was earlier */
	ck_assert(place == 0 || place == LPAD_ETIMEDOUT);
	ck_assert_int_eq(inbox_next(link_inbox(peer->link, IN), &call, never), 0);
	ck_assert_int_eq(call_answer(call, NULL), 0);
	runner->code = future_wait(future, NULL);
	return NULL;
}

START_TEST(who_waits_for_a_while_is_in_no_circle)
{
	open_peers(2);
	struct runner runners[2] = { { .peer = &peers[0], .code = 1 }, { .peer = &peers[1], .code = 1 } };
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_polls, &runners[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(runners[i].code, 0);
	}
	peers_close(peers, 2);
}
END_TEST

START_TEST(a_deadline_may_come_first)
{
	open_peers(2);
	lpad_future *kept = handle_start(peers[0].peers, 1, "keep", NULL, in_ms(100));
	struct ways ways = { 1, { { .method = QUICK, .place = 1 } } };
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "step", way_message(&ways), NULL, never), 0);
	ck_assert_fault(future_wait(kept, NULL), LPAD_ETIMEDOUT);
	await_count(&peers[1].gone, 1);
	peers_close(peers, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_circles");
	TCase *circles = tcase_create("circles");
	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(circles, 60);
	tcase_add_loop_test(circles, two_callbacks, 0, 2);
	tcase_add_test(circles, a_long_chain);
	tcase_add_test(circles, by_way_of_oneself);
	tcase_add_test(circles, a_circle_that_closes_later);
	tcase_add_test(circles, a_circle_through_two_processes);
	tcase_add_loop_test(circles, two_runs, 0, 2);
	tcase_add_test(circles, one_of_two_threads_is_no_circle);
	tcase_add_test(circles, a_thread_that_is_yet_to_come_is_no_circle);
	tcase_add_test(circles, all_of_two_threads_are);
	tcase_add_test(circles, a_kept_call_blocks_no_thread);
	tcase_add_test(circles, a_blocked_thread_with_a_way_out_is_no_circle);
	tcase_add_test(circles, who_waits_for_a_while_is_in_no_circle);
	tcase_add_test(circles, a_deadline_may_come_first);
	suite_add_tcase(suite, circles);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
