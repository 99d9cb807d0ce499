/* SPDX-License-Identifier: MIT */
/* Servers that die and come again: what the supervisor says, and what callers see of it. */
#include <sys/mman.h>

#include "link_children.h"

static struct peer peers[PEERS_MOST];

START_TEST(each_incarnation_has_its_line)
{
	peers_prepare(2);
	struct child first = fork_server(&peers[1], 1), second = fork_server(&peers[1], 2), third = fork_server(&peers[1], 3);
	let_go(&first);
	open_caller(&peers[0]);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, never), 1);
	lpad_future *plain = peer_start(&peers[0], 1, HOLD, NULL);
	let_go(&second);
	peer_up(&peers[0], 1, 2);               /* what is older is lost by this, though its socket says nothing */
	ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, never), 2);
	link_peer_lost(peers[0].link, 1, 0, 1, false);          /* old news */
	peer_up(&peers[0], 1, 1);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, in_ms(0)), 2);
	end_child(&second);
	link_peer_lost(peers[0].link, 1, 0, 2, false);
	peer_up(&peers[0], 1, 2);               /* the dead stay dead */
	ck_assert_fault(handle_await_server(peers[0].peers, 1, in_ms(5)), LPAD_ETIMEDOUT);
	let_go(&third);
	peer_up(&peers[0], 1, 3);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, never), 3);
	link_peer_lost(peers[0].link, 1, 0, 3, true);
	peer_up(&peers[0], 1, 3);               /* that one is gone for good */
	ck_assert_fault(handle_await_server(peers[0].peers, 1, never), LPAD_EGONE);
	end_child(&third);
	end_child(&first);
	close_caller(&peers[0]);
}
END_TEST

START_TEST(many_restarts)
{
	enum { TIMES = 8 };
	struct child servers[TIMES];
	peers_prepare(2);
	for (int i = 0; i < TIMES; i++)
		servers[i] = fork_server(&peers[1], i + 1);
	let_go(&servers[0]);
	open_caller(&peers[0]);
	for (int i = 1; i < TIMES; i++) {
		lpad_future *kept = peer_start(&peers[0], 1, SAFE, message_bytes("keep", 4));
		lpad_future *plain = peer_start(&peers[0], 1, HOLD, NULL);
		ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
		end_child(&servers[i - 1]);
		link_peer_lost(peers[0].link, 1, 0, (uint32_t)i, false);
		ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
		let_go(&servers[i]);
		peer_up(&peers[0], 1, i + 1);
		ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
		ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
		ck_assert_int_eq(future_wait(kept, NULL), 0);
	}
	end_child(&servers[TIMES - 1]);
	close_caller(&peers[0]);
}
END_TEST

/* ---- before the first connection ---- */

START_TEST(the_dead_do_not_hold_up_wiring)
{
	peers_prepare(2);
	struct child successor = fork_server(&peers[1], 2);
	const char *names[4];
	peer_bind(&peers[0], 0, 1, NULL);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	peer_connect(&peers[0]);
	peer_go(&peers[0]);
	link_run_thread(peers[0].link);
	lpad_future *waiting = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_uint_eq(link_waits_for(peers[0].link, names, 4), 0);
	ck_assert_int_eq(future_ready(waiting), 0);
	let_go(&successor);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(future_wait(waiting, NULL), 0);
	end_child(&successor);
	close_caller(&peers[0]);
}
END_TEST

/* As over tcp: where a peer listens is not known before it does. */
START_TEST(a_line_without_an_address_waits_for_one)
{
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1);
	let_go(&server);
	peer_bind(&peers[0], 0, 1, "");
	if (_i)
		peer_up(&peers[0], 1, 1);
	peer_connect(&peers[0]);
	lpad_future *early = peer_start(&peers[0], 1, ECHO, message_bytes("early", 5));
	if (!_i) {
		ck_assert_int_eq(future_wait_any(&early, 1, in_ms(5)), LPAD_ETIMEDOUT);
		peer_up(&peers[0], 1, 1);
	}
	peer_go(&peers[0]);
	lpad_message *reply;
	ck_assert_int_eq(future_wait(early, &reply), 0);
	ck_assert_int_eq(memcmp(message_content(reply), "early", 5), 0);
	message_free(reply);
	end_child(&server);
	close_caller(&peers[0]);
}
END_TEST

START_TEST(an_address_that_none_speaks_is_an_error)
{
	struct error error = { 0 };
	peers_prepare(2);
	peer_bind(&peers[0], 0, 1, NULL);
	struct peer_up up = { .group = 1, .incarnation = 2, .serve = "pigeon://1" };
	ck_assert_int_eq(link_peer_up(peers[0].link, &up, &error), -1);
	ck_assert_msg(!strncmp(error.text, "n1: no transport speaks pigeon://1", 34), "%s", error.text);
	up = (struct peer_up){ .group = 9, .incarnation = 1, .serve = "pigeon://1" };           /* no neighbour of ours */
	ck_assert_int_eq(link_peer_up(peers[0].link, &up, &error), 0);
	link_free(peers[0].link);
	files_remove_tree(peers_folder);
}
END_TEST

/* ---- a child that keeps the sockets of the dead ---- */

START_TEST(a_forked_child_hides_nothing)
{
	peers_prepare(2);
	struct child server = fork_server_that_forks(&peers[1]), successor = fork_server(&peers[1], 2);
	let_go(&server);
	open_caller(&peers[0]);
	lpad_future *plain = peer_start(&peers[0], 1, HOLD, NULL);
	lpad_future *safe = peer_start(&peers[0], 1, SAFE, message_bytes("keep", 4));
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	await_fork();
	kill_child(&server);                    /* its own child has the connection still */
	lpad_future *into_the_void = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_int_eq(future_wait_any(&into_the_void, 1, in_ms(20)), LPAD_ETIMEDOUT);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	ck_assert_int_eq(future_ready(plain), 1);
	ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
	ck_assert_fault(future_wait(into_the_void, NULL), LPAD_ELOST);
	lpad_future *unsent = peer_start(&peers[0], 1, ECHO, NULL);
	let_go(&successor);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(future_wait(unsent, NULL), 0);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_int_eq(future_wait(safe, NULL), 0);
	end_child(&successor);
	close_caller(&peers[0]);                /* does not wait for that connection either */
	let_child_end(&server);
}
END_TEST

/* ---- at most once, whatever happens ---- */

enum { LEDGER = 20000, ROUNDS = 12, AT_ONCE = 40 };
enum { PLAIN, IDEMPOTENT, OWN_METHODS };

static atomic_int *ledger;                      /* shared by all processes: how often each call was executed */

static int do_ledger(struct peer *peer, lpad_call *call)
{
	const int *id = message_body(call_request(call), sizeof *id);
	peer->executed++;
	ledger[*id]++;
	if (*id % 7 == 0)
		usleep(500);
	if (*id % 11 == 0)
		peer->held[peer->held_count++] = call;
	while (peer->held_count && *id % 5 == 0)
		call_answer(peer->held[--peer->held_count], NULL);
	return *id % 11 == 0 ? LPAD_LATER : call_answer(call, NULL);
}

static int (*const own_callbacks[OWN_METHODS])(struct peer *, lpad_call *) = { do_ledger, do_ledger };
static const struct method_link own_methods[OWN_METHODS] = {
	[PLAIN] = { .name = "plain" }, [IDEMPOTENT] = { .name = "idempotent", .idempotent = true },
};

/* One incarnation: calls are made while it is stopped, goes on, and dies; its successor gets what it may get. */
static int make_calls(lpad_future **futures, int *ids, int next, uint64_t *random)
{
	for (int i = 0; i < AT_ONCE; i++, next++) {
		*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		bool idempotent = *random >> 63, hurried = (*random >> 60 & 7) == 0;
		ids[i] = idempotent ? -next : next;
		futures[i] = handle_start(peers[0].peers, 1, own_methods[idempotent].name, message_bytes(&next, sizeof next),
			hurried ? in_ms((int64_t)(*random >> 55 & 15)) : never);
	}
	return next;
}

static void check_call(lpad_future *future, int id)
{
	int code = future_wait(future, NULL), executed = ledger[abs(id)];
	ck_assert_msg(!code || code == LPAD_ELOST || code == LPAD_ETIMEDOUT, "%s", fault_text());
	ck_assert_msg(code || executed, "call %d succeeded and was not executed", id);
	ck_assert_msg(id < 0 || executed <= 1, "call %d was executed %d times", id, executed);
	ck_assert_msg(id > 0 || code != LPAD_ELOST, "call %d is idempotent and was lost", id);
}

START_TEST(nothing_is_executed_twice)
{
	struct child servers[ROUNDS];
	lpad_future *futures[ROUNDS][AT_ONCE];
	int ids[ROUNDS][AT_ONCE], next = 1;
	uint64_t random = 815 + (uint64_t)_i;
	ledger = mmap(NULL, LEDGER * sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ledger, MAP_FAILED);
	served = own_methods;
	served_by = own_callbacks;
	served_count = OWN_METHODS;
	peers_prepare(2);
	for (int i = 0; i < ROUNDS; i++)
		servers[i] = fork_server(&peers[1], i + 1);
	let_go(&servers[0]);
	open_caller(&peers[0]);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 1)
			stop_child(&servers[i]);
		next = make_calls(futures[i], ids[i], next, &random);
		if (i % 3 == 1)
			kill(servers[i].pid, SIGCONT);
		if (i % 2)
			usleep((useconds_t)(random >> 54));
		if (i + 1 == ROUNDS)
			break;
		if (i % 4 == 3)                 /* the word comes first: as if the socket lived on */
			link_peer_lost(peers[0].link, 1, 0, (uint32_t)i + 1, false);
		end_child(&servers[i]);
		link_peer_lost(peers[0].link, 1, 0, (uint32_t)i + 1, false);
		let_go(&servers[i + 1]);
		peer_up(&peers[0], 1, i + 2);
	}
	lpad_future *last = NULL;               /* lets all go that is kept */
	for (int i = 0; i < ROUNDS; i++)
		for (int k = 0; k < AT_ONCE; k++) {
			while (!future_ready(futures[i][k])) {
				next += 5 - next % 5;
				last = handle_start(peers[0].peers, 1, "idempotent", message_bytes(&next, sizeof next), never);
				ck_assert_int_eq(next % 11 ? future_wait(last, NULL) : 0, 0);
			}
			check_call(futures[i][k], ids[i][k]);
		}
	for (int i = 1; i < next; i++)
		ck_assert_int_le(ledger[i], ROUNDS);
	end_child(&servers[ROUNDS - 1]);
	close_caller(&peers[0]);
	munmap(ledger, LEDGER * sizeof *ledger);
}
END_TEST

/* ---- asked for by a caller ---- */

START_TEST(a_caller_may_have_its_server_restarted)
{
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1), successor = fork_server(&peers[1], 2);
	let_go(&server);
	open_caller(&peers[0]);
	lpad_future *late = peer_start(&peers[0], 1, HOLD, NULL);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	ck_assert_int_eq(handle_restart_server(peers[0].peers, 1, "missed its deadline"), 0);
	ck_assert_int_eq(peers[0].restarts, 1);
	ck_assert_str_eq(peers[0].restarted.node, "n1");
	ck_assert_uint_eq(peers[0].restarted.group, 1);
	ck_assert_uint_eq(peers[0].restarted.incarnation, 1);
	ck_assert_str_eq(peers[0].why, "missed its deadline");
	ck_assert_fault(future_wait(late, NULL), LPAD_ELOST);
	ck_assert_fault(handle_await_server(peers[0].peers, 1, in_ms(5)), LPAD_ETIMEDOUT);
	ck_assert_int_eq(handle_restart_server(peers[0].peers, 1, NULL), 0);    /* it is on its way */
	ck_assert_int_eq(peers[0].restarts, 1);
	end_child(&server);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	let_go(&successor);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, never), 2);
	ck_assert_int_eq(handle_restart_server(peers[0].peers, 1, NULL), 0);
	ck_assert_uint_eq(peers[0].restarted.incarnation, 2);
	ck_assert_str_eq(peers[0].why, "no reason given");
	link_peer_lost(peers[0].link, 1, 0, 2, true);
	ck_assert_fault(handle_restart_server(peers[0].peers, 1, "again"), LPAD_EGONE);
	ck_assert_str_eq(fault_text(), "n1 will never come back");
	end_child(&successor);
	close_caller(&peers[0]);
}
END_TEST

START_TEST(what_cannot_be_restarted)
{
	peers_prepare(2);
	peer_bind(&peers[0], 0, 1, NULL);
	ck_assert_fault(handle_restart_server(NULL, 0, "x"), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "the handle is not connected");
	ck_assert_fault(handle_restart_server(peers[0].peers, 2, "x"), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "peers has no place 2: it has 2");
	ck_assert_fault(handle_restart_server(peers[0].peers, LPAD_ANY, "x"), LPAD_EINVALID);
	ck_assert_fault(handle_restart_server(peers[0].peers, 1, "x"), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "n1: servers can be restarted from run on, not in init");
	ck_assert_fault(handle_await_server(peers[0].peers, 2, never), LPAD_EINVALID);
	ck_assert_str_eq(fault_text(), "peers has no place 2: it has 2");
	ck_assert_int_eq(peers[0].restarts, 0);
	link_free(peers[0].link);
	struct peer_spec server = { .node = "s", .group = 1 };
	struct handle_link handle = { .name = "h", .place = -1, .deadline_ns = -1, .servers = &server, .count = 1 };
	struct link_spec spec = { .self = { .node = "alone" }, .longest = 1000, .handles = &handle, .handle_count = 1 };
	struct link_hooks hooks = { .context = &peers[0], .wired = peer_wired, .drained = peer_drained, .note = peer_note,
		.wake = peer_wake };
	struct error error = { 0 };
	struct link *link = link_new(&spec, &hooks, &error);
	ck_assert_fault(handle_restart_server(link_handle(link, "h"), 0, "x"), LPAD_EUNSUPPORTED);
	ck_assert_str_eq(fault_text(), "s cannot be restarted: nobody here restarts anything");
	link_free(link);
	files_remove_tree(peers_folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_restart");
	TCase *restart = tcase_create("restart");
	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(restart, 120);
	tcase_add_test(restart, each_incarnation_has_its_line);
	tcase_add_test(restart, many_restarts);
	tcase_add_test(restart, the_dead_do_not_hold_up_wiring);
	tcase_add_loop_test(restart, a_line_without_an_address_waits_for_one, 0, 2);
	tcase_add_test(restart, an_address_that_none_speaks_is_an_error);
	tcase_add_test(restart, a_forked_child_hides_nothing);
	tcase_add_loop_test(restart, nothing_is_executed_twice, 0, 4);
	tcase_add_test(restart, a_caller_may_have_its_server_restarted);
	tcase_add_test(restart, what_cannot_be_restarted);
	suite_add_tcase(suite, restart);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
