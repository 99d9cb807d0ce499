/* SPDX-License-Identifier: MIT */
/* What a server keeps of callers that come again, cancel, or end: a false caller says HELLO as often as a test wants. */
#include "link_peers.h"
#include "link/inproc_mail.h"
#include "link/transport.h"

static struct peer peers[PEERS_MOST];

static void two(void)
{
	peers_open(peers, 2);
	link_run_thread(peers[0].link);
}

static void close_two(void)
{
	peers_close(peers, 2);
}

/* ---- a false caller ---- */

enum { FALSE_GROUP = 77, FALSE_SENDS = 32 };

struct false_caller {
	const struct transport *transport;
	struct asking *asking;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool up;
	uint32_t index, incarnation;
	uint64_t session, number, hellos;       /* hellos 0: they are not counted */
	uint64_t retry;                         /* of the next call; 0: none */
	bool again, observer;
	int sent;
	struct wire answers[FALSE_SENDS];       /* lock: kind 0: none yet */
};

static void false_up(void *context)
{
	struct false_caller *caller = context;
	pthread_mutex_lock(&caller->lock);
	caller->up = true;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
}

static void false_down(void *context)
{
	(void)context;
}

static void false_reply(void *context, void *token, struct frame *frame)
{
	struct false_caller *caller = context;
	pthread_mutex_lock(&caller->lock);
	*(struct wire *)token = frame->wire;
	pthread_cond_broadcast(&caller->changed);
	pthread_mutex_unlock(&caller->lock);
	frame->transport->frame_drop(frame);
}

static void false_failed(void *context, void *token)
{
	(void)context, (void)token;
}

static void false_malformed(void *context, void *token, const char *why)
{
	(void)context, (void)token, (void)why;
}

static void false_open(struct false_caller *caller, const char *address)
{
	static const struct asking_events events = { false_up, false_down, false_reply, false_failed, false_malformed };
	struct error error = { 0 };
	*caller = (struct false_caller){ .incarnation = 1 };
	pthread_mutex_init(&caller->lock, NULL);
	pthread_cond_init(&caller->changed, NULL);
	caller->transport = transport_for(address, NULL);
	caller->asking = caller->transport->ask_open(address, LONGEST, &events, caller, &error);
	ck_assert_msg(caller->asking != NULL, "%s", error.text);
	inproc_deliver();
	pthread_mutex_lock(&caller->lock);
	while (!caller->up)
		pthread_cond_wait(&caller->changed, &caller->lock);
	pthread_mutex_unlock(&caller->lock);
}

static void false_close(struct false_caller *caller)
{
	caller->transport->ask_close(caller->asking);
	pthread_mutex_destroy(&caller->lock);
	pthread_cond_destroy(&caller->changed);
}

/* Where the answer will be. */
static struct wire *false_send(struct false_caller *caller, int kind, int port, uint64_t version, lpad_message *body)
{
	ck_assert_int_lt(caller->sent, FALSE_SENDS);
	struct wire *answer = &caller->answers[caller->sent++];
	struct frame frame = { .wire = { .kind = (uint8_t)kind, .role = caller->observer ? WIRE_OBSERVER : WIRE_MEMBER,
		.group = FALSE_GROUP, .index = caller->index, .incarnation = caller->incarnation,
		.port = (uint32_t)port, .token = PEERS_TOKEN, .session = caller->session, .version = version,
		.deadline_ms = -1 }, .message = body };
	frame.wire.retry = caller->retry;
	frame.wire.flags = (caller->retry ? WIRE_IDEMPOTENT : 0) | (caller->again ? WIRE_RETRY : 0);
	frame.wire.number = kind == WIRE_HELLO ? caller->hellos : ++caller->number;
	caller->transport->ask(caller->asking, &frame, answer);
	inproc_deliver();
	return answer;
}

static struct wire false_answer(struct false_caller *caller, const struct wire *answer)
{
	pthread_mutex_lock(&caller->lock);
	while (!answer->kind)
		pthread_cond_wait(&caller->changed, &caller->lock);
	struct wire out = *answer;
	pthread_mutex_unlock(&caller->lock);
	return out;
}

/* Was it accepted? */
static bool false_hello(struct false_caller *caller)
{
	static const char body[] = "{\"node\": \"false\"}";
	const struct wire *answer = false_send(caller, WIRE_HELLO, 0, 0, message_bytes(body, sizeof body - 1));
	struct wire wire = false_answer(caller, answer);
	if (wire.kind == WIRE_REPLY) {
		caller->session = wire.session;
		caller->number = 0;
	}
	return wire.kind == WIRE_REPLY;
}

static void false_echo(struct false_caller *caller)
{
	const struct wire *answer = false_send(caller, WIRE_CALL, ECHO, 0, NULL);
	ck_assert_int_eq(false_answer(caller, answer).kind, WIRE_REPLY);
}

/* ---- callers that come again ---- */

START_TEST(a_cancel_is_of_its_session)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_echo(&caller);
	false_send(&caller, WIRE_CALL, HOLD, 0, NULL);          /* number 2 of the first session: kept, never answered */
	await_count(&peers[1].entered, 1);
	false_hello(&caller);
	await_count(&peers[1].gone, 1);
	false_send(&caller, WIRE_CALL, HOLD, 0, NULL);
	await_count(&peers[1].entered, 2);
	false_send(&caller, WIRE_CANCEL, 0, 1, NULL);
	false_echo(&caller);                    /* the service thread does it behind what the cancel has caused */
	ck_assert_int_eq(peers[1].gone, 2);
	false_close(&caller);
}
END_TEST

START_TEST(a_kept_call_is_gone_once)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_send(&caller, WIRE_CALL, HOLD, 0, NULL);
	await_count(&peers[1].entered, 1);
	false_send(&caller, WIRE_CANCEL, 0, 1, NULL);
	await_count(&peers[1].gone, 1);
	false_hello(&caller);
	false_echo(&caller);
	link_peer_lost(peers[1].link, FALSE_GROUP, 0, 1, true);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	ck_assert_int_eq(peers[1].gone, 1);
	false_close(&caller);
}
END_TEST

START_TEST(the_next_incarnation_ends_the_one_before)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	ck_assert(false_hello(&caller));
	false_send(&caller, WIRE_CALL, HOLD, 0, NULL);
	await_count(&peers[1].entered, 1);
	uint64_t session = caller.session;
	caller.incarnation = 2;
	ck_assert(false_hello(&caller));
	await_count(&peers[1].gone, 1);
	false_echo(&caller);
	caller.incarnation = 1;                 /* late frames of the first one */
	caller.session = session;
	caller.number = 1;
	struct wire answer = false_answer(&caller, false_send(&caller, WIRE_CALL, ECHO, 0, NULL));
	ck_assert_int_eq(answer.kind, WIRE_ERROR);
	ck_assert_int_eq(answer.code, LPAD_EINVALID);
	ck_assert(!false_hello(&caller));
	ck_assert_int_eq(peers[1].executed, 1);
	false_close(&caller);
}
END_TEST

START_TEST(an_older_hello_that_comes_late_is_refused)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	caller.hellos = 2;
	ck_assert(false_hello(&caller));
	caller.hellos = 1;
	ck_assert(!false_hello(&caller));
	false_echo(&caller);                    /* the session stands */
	caller.hellos = 2;
	ck_assert(!false_hello(&caller));
	caller.hellos = 3;
	ck_assert(false_hello(&caller));
	false_close(&caller);
}
END_TEST

/* It is known by the number of its process, which another one has later: each counts its HELLOs from 1. */
START_TEST(an_observer_may_have_the_number_of_an_earlier_one)
{
	struct false_caller first, second;
	false_open(&first, peers[1].address);
	first.observer = true;
	first.hellos = 1;
	ck_assert(false_hello(&first));
	first.hellos = 2;
	ck_assert(false_hello(&first));
	false_echo(&first);
	false_close(&first);
	false_open(&second, peers[1].address);
	second.observer = true;
	second.hellos = 1;
	ck_assert(false_hello(&second));
	false_echo(&second);
	false_close(&second);
}
END_TEST

static void add_echoes(void *context, const struct port_counters *row)
{
	if (!strcmp(row->kind, "method") && !strcmp(row->port, "echo") && !strcmp(row->peer, "false"))
		*(int64_t *)context += row->messages;
}

/* Of many that have come and gone the places are given again, whatever their numbers; what is kept for one keeps its own. */
START_TEST(observers_that_have_gone_make_room)
{
	struct false_caller caller;
	uint64_t most = 0;
	false_open(&caller, peers[1].address);
	caller.observer = true;
	for (uint32_t i = 0; i < 300; i++) {
		caller.index = i;
		caller.hellos = 1;
		caller.sent = 0;
		memset(caller.answers, 0, sizeof caller.answers);
		ck_assert(false_hello(&caller));
		uint64_t place = caller.session & 0xfffff;
		most = place > most ? place : most;
		if (i % 100)
			false_echo(&caller);
		else
			false_send(&caller, WIRE_CALL, HOLD, 0, NULL);
	}
	ck_assert_uint_lt(most, 70);
	await_count(&peers[1].entered, 3);
	ck_assert_int_eq(peers[1].gone, 0);
	int64_t echoes = 0;
	link_counters(peers[1].link, add_echoes, &echoes);
	ck_assert_int_eq(echoes, 297);
	false_close(&caller);
}
END_TEST

/* What the answers to one were is nothing to the next. */
START_TEST(an_observer_gets_no_answer_of_an_earlier_one)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	caller.observer = true;
	caller.again = true;
	caller.retry = 1;
	for (int i = 1; i <= 2; i++) {
		caller.hellos = 1;
		ck_assert(false_hello(&caller));
		ck_assert_int_eq(false_answer(&caller, false_send(&caller, WIRE_CALL, SAFE, 0, NULL)).kind, WIRE_REPLY);
		ck_assert_int_eq(peers[1].entered, i);
	}
	false_close(&caller);
}
END_TEST

static void *listen_again(void *context)
{
	struct error error = { 0 };
	(void)context;
	for (int i = 0; i < 20; i++) {
		char *cleanup_free name = memory_format("%s/more.%d", peers_folder, i);
		char *cleanup_free address = memory_format("inproc://%s", name);
		if (link_listen(peers[1].link, address, &error)) {
			ck_assert_str_eq(error.text, "n1 is leaving");
			break;
		}
	}
	return NULL;
}

START_TEST(one_that_leaves_may_be_asked_to_listen)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, listen_again, NULL), 0);
	link_leave(peers[1].link);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(the_dead_say_no_hello)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	ck_assert(false_hello(&caller));
	link_peer_lost(peers[1].link, FALSE_GROUP, 0, 1, false);
	ck_assert(!false_hello(&caller));
	caller.incarnation = 2;
	ck_assert(false_hello(&caller));
	link_peer_lost(peers[1].link, FALSE_GROUP, 0, 1, false);        /* old news */
	false_echo(&caller);
	link_peer_lost(peers[1].link, FALSE_GROUP, 0, 2, true);
	ck_assert(!false_hello(&caller));
	caller.incarnation = 3;         /* it was started again after all */
	ck_assert(false_hello(&caller));
	false_echo(&caller);
	false_close(&caller);
}
END_TEST

/* ---- idempotent calls that come again ---- */

static const struct wire *false_safe(struct false_caller *caller, uint64_t retry, bool again, bool keep)
{
	caller->retry = retry;
	caller->again = again;
	const struct wire *answer = false_send(caller, WIRE_CALL, SAFE, 0, keep ? message_bytes("keep", 4) : NULL);
	caller->retry = caller->again = 0;
	return answer;
}

START_TEST(what_is_kept_is_not_begun_again)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_safe(&caller, 7, false, true);
	false_safe(&caller, 8, false, true);
	false_send(&caller, WIRE_CALL, HOLD, 0, NULL);
	await_count(&peers[1].entered, 3);
	false_hello(&caller);
	await_count(&peers[1].gone, 1);         /* the one that is not idempotent */
	const struct wire *one = false_safe(&caller, 7, true, true), *two = false_safe(&caller, 8, true, true);
	const struct wire *three = false_safe(&caller, 9, false, true);
	await_count(&peers[1].entered, 4);
	false_send(&caller, WIRE_CANCEL, 0, 2, NULL);           /* by its number of now */
	await_count(&peers[1].gone, 2);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_int_eq(false_answer(&caller, one).kind, WIRE_REPLY);
	ck_assert_uint_eq(false_answer(&caller, one).size, 4);
	ck_assert_uint_eq(false_answer(&caller, two).size, 4);
	ck_assert_uint_eq(false_answer(&caller, three).size, 4);
	ck_assert_int_eq(peers[1].entered, 4);
	ck_assert_int_eq(peers[1].gone, 2);
	false_close(&caller);
}
END_TEST

START_TEST(an_answer_that_got_lost_is_given_again)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	struct wire first = false_answer(&caller, false_safe(&caller, 7, false, false));
	false_safe(&caller, 8, false, true);
	await_count(&peers[1].entered, 2);
	false_hello(&caller);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);      /* answered while nobody waits */
	struct wire again = false_answer(&caller, false_safe(&caller, 7, true, false));
	struct wire kept = false_answer(&caller, false_safe(&caller, 8, true, true));
	ck_assert_int_eq(first.kind, WIRE_REPLY);
	ck_assert_int_eq(again.kind, WIRE_REPLY);
	ck_assert_uint_eq(again.size, first.size);
	ck_assert_uint_eq(kept.size, 4);
	ck_assert_int_eq(peers[1].entered, 2);
	false_answer(&caller, false_safe(&caller, 9, true, false));     /* of which nothing is known: it was lost on its way */
	ck_assert_int_eq(peers[1].entered, 3);
	caller.incarnation = 2;                                         /* its ids are others */
	false_hello(&caller);
	false_answer(&caller, false_safe(&caller, (UINT64_C(2) << 40) + 7, true, false));
	ck_assert_int_eq(peers[1].entered, 4);
	false_close(&caller);
}
END_TEST

START_TEST(old_answers_are_forgotten)
{
	enum { CALLS = 600 };
	lpad_message *reply;
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_answer(&caller, false_safe(&caller, 7, false, false));
	for (int i = 0; i < CALLS; i++) {
		ck_assert_int_eq(peer_call(&peers[0], 1, SAFE, NULL, &reply), 0);
		message_free(reply);
	}
	false_hello(&caller);
	ck_assert_int_eq(false_answer(&caller, false_safe(&caller, 7, true, false)).kind, WIRE_REPLY);
	ck_assert_int_eq(peers[1].entered, CALLS + 2);          /* executed again: that is what idempotent means */
	false_close(&caller);
}
END_TEST

START_TEST(what_does_not_come_again_is_gone)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_safe(&caller, 7, false, true);
	await_count(&peers[1].entered, 1);
	false_hello(&caller);
	if (_i == 0)                            /* after a second */
		;
	else if (_i == 1)
		link_peer_lost(peers[1].link, FALSE_GROUP, 0, 1, false);
	else {
		caller.incarnation = 2;
		false_hello(&caller);
	}
	await_count(&peers[1].gone, 1);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	false_close(&caller);
}
END_TEST

/* ---- in batches ---- */

static void two_with_batches(void)
{
	static struct method_link methods[METHODS];
	memcpy(methods, peer_methods, sizeof methods);
	methods[SAFE].batch = 2;
	methods[SAFE].batch_wait = 1e10;
	served = methods;
	two();
}

static const struct wire *false_batched(struct false_caller *caller, uint64_t retry, bool again)
{
	caller->retry = retry;
	caller->again = again;
	const struct wire *answer = false_send(caller, WIRE_CALL, SAFE, 0, message_json(retry == 7 ? "7" : "[8, 8]"));
	caller->retry = caller->again = 0;
	return answer;
}

START_TEST(what_comes_again_stays_in_its_batch)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_batched(&caller, 7, false);
	false_batched(&caller, 8, false);
	await_count(&peers[1].entered, 1);
	false_hello(&caller);
	const struct wire *seven = false_batched(&caller, 7, true), *eight = false_batched(&caller, 8, true);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_uint_eq(false_answer(&caller, seven).size, 1);
	ck_assert_uint_eq(false_answer(&caller, eight).size, 6);
	false_hello(&caller);                   /* the answers got lost */
	eight = false_batched(&caller, 8, true);
	seven = false_batched(&caller, 7, true);
	ck_assert_uint_eq(false_answer(&caller, seven).size, 1);
	ck_assert_uint_eq(false_answer(&caller, eight).size, 6);
	ck_assert_int_eq(peers[1].entered, 1);
	ck_assert_int_eq(peers[1].gone, 0);
	false_close(&caller);
}
END_TEST

/* What gathers has not begun: it is sent again, and gathers again. */
START_TEST(what_comes_again_may_gather_again)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	false_batched(&caller, 7, false);
	false_echo(&caller);
	false_hello(&caller);
	const struct wire *seven = false_batched(&caller, 7, true), *eight = false_batched(&caller, 8, false);
	await_count(&peers[1].entered, 1);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_uint_eq(false_answer(&caller, seven).size, 1);
	ck_assert_uint_eq(false_answer(&caller, eight).size, 6);
	false_close(&caller);
}
END_TEST

/* ---- queues ---- */

START_TEST(what_waits_behind_a_cancelled_call_goes_on)
{
	lpad_future *futures[4];
	for (int i = 0; i < 4; i++)             /* one runs, two are queued, the last waits for room */
		futures[i] = peer_start(&peers[0], 1, WIDE, NULL);
	lpad_future *behind = handle_start(peers[0].peers, 1, "echo", NULL, in_ms(5000));
	await_count(&peers[1].entered, 1);
	ck_assert_int_eq(future_ready(behind), 0);
	future_cancel(futures[3]);
	ck_assert_int_eq(future_wait(behind, NULL), 0);
	for (int i = 0; i < 3; i++)
		sem_post(&peers[1].gate);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(future_wait(futures[i], NULL), 0);
}
END_TEST

START_TEST(a_caller_that_comes_again_does_not_wait_for_room)
{
	struct false_caller caller;
	false_open(&caller, peers[1].address);
	false_hello(&caller);
	for (int i = 0; i < 4; i++)
		false_send(&caller, WIRE_CALL, WIDE, 0, NULL);
	await_count(&peers[1].entered, 1);
	false_hello(&caller);
	false_echo(&caller);
	sem_post(&peers[1].gate);
	false_close(&caller);
}
END_TEST

/* ---- ends ---- */

static void *wait_in_box(void *context)
{
	atomic_int *code = context;
	lpad_call *call;
	*code = inbox_next(link_inbox(peers[0].link, BOX), &call, never);
	return NULL;
}

START_TEST(the_end_of_run_wakes_other_threads)
{
	pthread_t thread;
	atomic_int code = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_box, &code), 0);
	usleep(50000);
	link_end_run(peers[0].link);
	pthread_join(thread, NULL);
	ck_assert_int_eq(code, LPAD_EGONE);
}
END_TEST

static void *wait_for_future(void *context)
{
	static lpad_future *two[2];
	two[0] = context;
	int place = future_wait_any(two, 2, never);
	return (void *)(intptr_t)(place ? place : future_wait(context, NULL));
}

START_TEST(the_end_of_run_leaves_what_other_threads_wait_for)
{
	pthread_t thread;
	void *code;
	lpad_future *future = peer_start(&peers[0], 1, HOLD, NULL);
	await_count(&peers[1].entered, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_future, future), 0);
	usleep(50000);
	link_end_run(peers[0].link);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	pthread_join(thread, &code);
	ck_assert_ptr_null(code);
}
END_TEST

START_TEST(nothing_begins_after_the_end_of_a_drain)
{
	lpad_future *futures[3];
	for (int i = 0; i < 3; i++)
		futures[i] = peer_start(&peers[1], 0, WIDE, NULL);
	await_count(&peers[0].entered, 1);
	while (peer_counters(&peers[0], "method", "wide", "n1").messages < 3)
		sched_yield();
	link_drain(peers[0].link, clock_ns() + 10000000);
	peer_await(&peers[0], &peers[0].drained);
	link_work_close(peers[0].link);
	sem_post(&peers[0].gate);
	ck_assert_int_eq(future_wait(futures[0], NULL), 0);
	pthread_join(peers[0].workers[2], NULL);                /* of WIDE */
	peers[0].workers[2] = peers[0].workers[--peers[0].worker_count];
	ck_assert_int_eq(peers[0].executed, 1);
	link_leave(peers[0].link);
	for (int i = 1; i < 3; i++) {
		ck_assert_int_eq(future_wait(futures[i], NULL), LPAD_ESTOPPED);
		ck_assert_str_eq(fault_text(), "n0.wide: n0 is stopping");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_sessions");
	TCase *sessions = tcase_create("sessions");
	tcase_add_checked_fixture(sessions, two, close_two);
	tcase_set_timeout(sessions, 30);
	tcase_add_test(sessions, a_cancel_is_of_its_session);
	tcase_add_test(sessions, a_kept_call_is_gone_once);
	tcase_add_test(sessions, the_next_incarnation_ends_the_one_before);
	tcase_add_test(sessions, an_older_hello_that_comes_late_is_refused);
	tcase_add_test(sessions, an_observer_may_have_the_number_of_an_earlier_one);
	tcase_add_test(sessions, observers_that_have_gone_make_room);
	tcase_add_test(sessions, an_observer_gets_no_answer_of_an_earlier_one);
	tcase_add_test(sessions, one_that_leaves_may_be_asked_to_listen);
	tcase_add_test(sessions, the_dead_say_no_hello);
	tcase_add_test(sessions, what_is_kept_is_not_begun_again);
	tcase_add_test(sessions, an_answer_that_got_lost_is_given_again);
	tcase_add_test(sessions, old_answers_are_forgotten);
	tcase_add_loop_test(sessions, what_does_not_come_again_is_gone, 0, 3);
	tcase_add_test(sessions, what_waits_behind_a_cancelled_call_goes_on);
	tcase_add_test(sessions, a_caller_that_comes_again_does_not_wait_for_room);
	tcase_add_test(sessions, the_end_of_run_wakes_other_threads);
	tcase_add_test(sessions, the_end_of_run_leaves_what_other_threads_wait_for);
	tcase_add_test(sessions, nothing_begins_after_the_end_of_a_drain);
	suite_add_tcase(suite, sessions);
	TCase *batches = tcase_create("batches");
	tcase_add_checked_fixture(batches, two_with_batches, close_two);
	tcase_set_timeout(batches, 30);
	tcase_add_test(batches, what_comes_again_stays_in_its_batch);
	tcase_add_test(batches, what_comes_again_may_gather_again);
	suite_add_tcase(suite, batches);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
