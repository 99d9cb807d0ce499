/* SPDX-License-Identifier: MIT */
/* What the user hears of long waits: who waits for whom, and why it takes so long. */
#include <regex.h>
#include <sched.h>

#include "link_children.h"
#include "link/inside.h"

enum { BUSY, PATIENT, LET, OWN, IN, NARROW_ONE, MUTE, TRIO, OWN_METHODS };
enum { AFTER_NS = 30000000 };

static struct peer peers[PEERS_MOST];

static int do_busy(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	while (sem_wait(&peer->gate))
		;
	return call_answer(call, NULL);
}

static int do_own(struct peer *peer, lpad_call *call)
{
	peer->entered++;
	int code = handle_call(peer->peers, 0, "in", NULL, NULL, never);
	return code ? code : call_answer(call, NULL);
}

static int held(struct peer *peer, lpad_call *call, char *text, size_t room)
{
	if (!strcmp(call_method(call), "mute"))
		return LPAD_EFAILED;
	if (peer->held_count == 3)
		return snprintf(text, room, "three\nlines\033[1mand bold") < 0;
	snprintf(text, room, "table transitions, %d of 1000 items", peer->held_count);
	return 0;
}

static int (*const own_callbacks[OWN_METHODS])(struct peer *, lpad_call *) = {
	[BUSY] = do_busy, [PATIENT] = do_hold, [LET] = do_release, [OWN] = do_own, [NARROW_ONE] = do_busy, [MUTE] = do_hold, [TRIO] = do_hold,
};
static const struct method_link own_methods[OWN_METHODS] = {
	[BUSY] = { .name = "busy" }, [PATIENT] = { .name = "sample", .has_held = true }, [LET] = { .name = "let" },
	[OWN] = { .name = "own", .threads = 1 }, [IN] = { .name = "in", .inbox = true },
	[NARROW_ONE] = { .name = "narrow", .threads = 1, .queue = 1 }, [MUTE] = { .name = "mute", .has_held = true },
	[TRIO] = { .name = "trio", .batch = 3, .batch_wait = 1e10, .has_held = true },
};

static void prepare(void)
{
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN_METHODS;
	held_by = held;
	peers_note_after_ns = AFTER_NS;
	peers_prepare(2);
}

static void two(void)
{
	prepare();
	for (int i = 0; i < 2; i++)
		peer_bind(&peers[i], i, 1, NULL);
	for (int i = 0; i < 2; i++)
		peer_connect(&peers[i]);
	for (int i = 0; i < 2; i++)
		peer_go(&peers[i]);
}

static void close_two(void)
{
	peers_close(peers, 2);
}

/* The next note of n0 is like this. */
static void await_note(const char *pattern)
{
	char note[500];
	regex_t regex;
	pthread_mutex_lock(&peers[0].lock);
	int before = peers[0].notes;
	while (peers[0].notes == before)
		pthread_cond_wait(&peers[0].changed, &peers[0].lock);
	memcpy(note, peers[0].note, sizeof note);
	pthread_mutex_unlock(&peers[0].lock);
	char *more = strstr(note, " (and ");                    /* on a slow machine several come at once */
	if (more && strstr(more, "more like it before"))
		*more = 0;
	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(!regexec(&regex, note, 0, NULL, 0), "%s", note);
	regfree(&regex);
}

struct waiting {
	pthread_t thread;
	lpad_future *futures[3];
	int count, code;
};

static void *wait_for_them(void *context)
{
	struct waiting *waiting = context;
	if (waiting->count == 1)
		waiting->code = future_wait(waiting->futures[0], NULL);
	else
		waiting->code = future_wait_any(waiting->futures, waiting->count, never);
	return NULL;
}

static void begin(struct waiting *waiting)
{
	pthread_create(&waiting->thread, NULL, wait_for_them, waiting);
}

static int join(struct waiting *waiting)
{
	pthread_join(waiting->thread, NULL);
	return waiting->code;
}

#define WAITED "^n0 has waited [0-9]+ m?s for n1\\."

static lpad_future *start(int place, const char *method)
{
	return handle_start(peers[0].peers, place, method, NULL, never);
}

START_TEST(the_author_says_why_it_is_held)
{
	struct waiting waiting = { .futures = { start(1, "sample") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "sample: table transitions, 1 of 1000 items$");
	lpad_future *more = start(1, "sample");
	await_note(WAITED "sample: table transitions, 2 of 1000 items$");       /* asked again each time */
	lpad_future *most = start(1, "sample");
	await_note(WAITED "sample: three\\?lines\\?\\[1mand bold$");           /* a note is one line, and does nothing to a terminal */
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(join(&waiting), 0);
	ck_assert_int_eq(future_wait(more, NULL), 0);
	ck_assert_int_eq(future_wait(most, NULL), 0);
}
END_TEST

static void count_told(void *context, const struct told_wait *wait)
{
	++*(int *)context;
	ck_assert_str_eq(wait->what, "n1.sample");
	ck_assert_str_eq(wait->why, "table transitions, 1 of 1000 items");
	ck_assert_double_gt(wait->seconds, 0);
}

/* What has been told of can be asked for as long as it lasts. */
START_TEST(waits_that_were_told_of)
{
	struct waiting waiting = { .futures = { start(1, "sample") }, .count = 1 };
	int count = 0;
	uint64_t before = link_told_waits(peers[0].link, count_told, &count);
	ck_assert_int_eq(count, 0);
	begin(&waiting);
	await_note(WAITED "sample: table transitions, 1 of 1000 items$");
	ck_assert_uint_ne(link_told_waits(peers[0].link, count_told, &count), before);
	ck_assert_int_eq(count, 1);
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(join(&waiting), 0);
	before = link_told_waits(peers[0].link, count_told, &count);
	ck_assert_int_eq(count, 1);
	ck_assert_uint_eq(link_told_waits(peers[0].link, NULL, NULL), before);
}
END_TEST

START_TEST(an_author_may_have_nothing_to_say)
{
	struct waiting waiting = { .futures = { start(1, "mute") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "mute: kept by the node$");
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(join(&waiting), 0);
}
END_TEST

START_TEST(running_and_behind_it)
{
	lpad_future *first = start(1, "busy");
	await_count(&peers[1].entered, 1);
	struct waiting waiting = { .futures = { start(1, "busy") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "busy: behind 1 call in the queue$");
	sem_post(&peers[1].gate);
	await_count(&peers[1].entered, 2);
	await_note(WAITED "busy: running for [0-9]+ m?s$");
	sem_post(&peers[1].gate);
	ck_assert_int_eq(join(&waiting), 0);
	ck_assert_int_eq(future_wait(first, NULL), 0);
}
END_TEST

START_TEST(behind_a_full_queue)
{
	lpad_future *before[3] = { start(1, "narrow"), NULL, NULL };
	await_count(&peers[1].entered, 1);
	before[1] = start(1, "narrow");
	before[2] = start(1, "narrow");
	struct waiting waiting = { .futures = { start(1, "let") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "let: behind 2 calls in the queue, which is full$");
	for (int i = 0; i < 3; i++)
		sem_post(&peers[1].gate);
	ck_assert_int_eq(join(&waiting), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(future_wait(before[i], NULL), 0);
}
END_TEST

START_TEST(gathering_and_then_in_a_batch)
{
	struct waiting waiting = { .futures = { start(1, "trio") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "trio: waits for 2 more callers \\(batch of 3\\)$");
	lpad_future *others[2] = { start(1, "trio"), start(1, "trio") };
	pthread_mutex_lock(&peers[0].lock);
	while (!strstr(peers[0].note, "trio: table transitions, 1 of 1000 items"))
		pthread_cond_wait(&peers[0].changed, &peers[0].lock);
	pthread_mutex_unlock(&peers[0].lock);
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(join(&waiting), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(future_wait(others[i], NULL), 0);
}
END_TEST

START_TEST(one_that_waits_itself)
{
	struct waiting waiting = { .futures = { start(1, "own") }, .count = 1 };
	lpad_call *call;
	begin(&waiting);
	await_note(WAITED "own: running for [0-9]+ m?s, and waits for n0.in$");
	ck_assert_int_eq(inbox_next(link_inbox(peers[0].link, IN), &call, never), 0);
	ck_assert_int_eq(call_answer(call, NULL), 0);
	ck_assert_int_eq(join(&waiting), 0);
}
END_TEST

START_TEST(calls_of_an_inbox)
{
	lpad_call *call;
	struct waiting waiting = { .futures = { start(1, "in") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "in: first in the queue; run has not taken it yet$");
	ck_assert_int_eq(inbox_next(link_inbox(peers[1].link, IN), &call, never), 0);
	await_note(WAITED "in: kept by the node$");
	ck_assert_int_eq(call_answer(call, NULL), 0);
	ck_assert_int_eq(join(&waiting), 0);
}
END_TEST

START_TEST(any_of_several)
{
	struct waiting waiting = { .futures = { start(1, "sample"), start(1, "mute"), start(0, "mute") }, .count = 3 };
	begin(&waiting);
	await_note(WAITED "sample and 2 others: table transitions, 2 of 1000 items$");
	ck_assert_int_eq(handle_call(peers[0].peers, 0, "let", NULL, NULL, never), 0);
	ck_assert_int_eq(join(&waiting), 2);
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(future_wait(waiting.futures[i], NULL), 0);
}
END_TEST

START_TEST(one_that_is_not_there)
{
	prepare();
	struct child server = fork_server(&peers[1], 1), successor = fork_server(&peers[1], 2);
	let_go(&server);
	open_caller(&peers[0]);
	stop_child(&server);                    /* says nothing, not even why: the note comes all the same */
	struct waiting waiting = { .futures = { start(1, "busy") }, .count = 1 };
	begin(&waiting);
	await_note(WAITED "busy$");
	end_child(&server);
	ck_assert_int_eq(join(&waiting), LPAD_ELOST);
	waiting.futures[0] = start(1, "let");
	begin(&waiting);
	await_note(WAITED "let: there is no connection to it$");
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	await_note(WAITED "let: it died, and is not back yet$");
	let_go(&successor);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(join(&waiting), 0);
	end_child(&successor);
	close_caller(&peers[0]);
}
END_TEST

static bool is_asked(void)
{
	link_lock(peers[1].link);
	bool asked = link_work_queued(peers[1].link, -1);
	link_unlock(peers[1].link);
	return asked;
}

/* The call ends while the author's function is to be asked. */
START_TEST(an_answer_may_overtake_the_question)
{
	struct waiting waiting = { .futures = { start(1, "sample") }, .count = 1 };
	lpad_future *busy = start(1, "busy");           /* so that nobody is asked for a while */
	await_count(&peers[1].entered, 2);
	begin(&waiting);
	while (!is_asked())
		sched_yield();
	call_answer(peers[1].held[0], NULL);
	peers[1].held_count = 0;
	ck_assert_int_eq(join(&waiting), 0);
	sem_post(&peers[1].gate);
	ck_assert_int_eq(future_wait(busy, NULL), 0);
	ck_assert_int_eq(handle_call(peers[0].peers, 1, "let", NULL, NULL, never), 0);
}
END_TEST

/* Nobody takes work any more: the link ends, and the question with it. */
START_TEST(a_question_that_nobody_takes)
{
	struct waiting waiting = { .futures = { start(1, "sample") }, .count = 1 };
	await_count(&peers[1].entered, 1);
	link_work_close(peers[1].link);
	while (peers[1].worker_count)
		pthread_join(peers[1].workers[--peers[1].worker_count], NULL);
	begin(&waiting);
	while (!is_asked())
		sched_yield();
	link_stop(peers[0].link);
	ck_assert_int_eq(join(&waiting), LPAD_ESTOPPED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_notes");
	TCase *notes = tcase_create("notes"), *dead = tcase_create("dead");
	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(notes, two, close_two);
	tcase_set_timeout(notes, 60);
	tcase_set_timeout(dead, 60);
	tcase_add_test(notes, the_author_says_why_it_is_held);
	tcase_add_test(notes, a_question_that_nobody_takes);
	tcase_add_test(notes, waits_that_were_told_of);
	tcase_add_test(notes, an_author_may_have_nothing_to_say);
	tcase_add_test(notes, running_and_behind_it);
	tcase_add_test(notes, behind_a_full_queue);
	tcase_add_test(notes, gathering_and_then_in_a_batch);
	tcase_add_test(notes, one_that_waits_itself);
	tcase_add_test(notes, calls_of_an_inbox);
	tcase_add_test(notes, any_of_several);
	tcase_add_test(notes, an_answer_may_overtake_the_question);
	tcase_add_test(dead, one_that_is_not_there);
	suite_add_tcase(suite, notes);
	suite_add_tcase(suite, dead);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
