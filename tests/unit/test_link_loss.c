/* SPDX-License-Identifier: MIT */
/* Calls whose server dies or whose connection drops, and what strangers send. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "link_children.h"
#include "link/wire.h"

static struct peer peers[PEERS_MOST];

START_TEST(a_killed_server_loses_what_is_in_flight)
{
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1);
	lpad_future *futures[100];
	let_go(&server);
	open_caller(&peers[0]);
	for (int i = 0; i < 100; i++)
		futures[i] = peer_start(&peers[0], 1, HOLD, NULL);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	end_child(&server);
	for (int i = 0; i < 100; i++) {
		ck_assert_fault(future_wait(futures[i], NULL), LPAD_ELOST);
		ck_assert_str_eq(fault_text(), "n1.hold: n1 was lost with the call in flight; it may have been executed");
	}
	ck_assert_int_eq(peer_counters(&peers[0], "handle", "peers", "n1").lost, 100);
	/* what was never sent waits for a successor, until there will be none */
	lpad_future *waiting = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_int_eq(future_wait_any(&waiting, 1, in_ms(5)), LPAD_ETIMEDOUT);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	ck_assert_int_eq(future_ready(waiting), 0);
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	ck_assert_fault(future_wait(waiting, NULL), LPAD_EGONE);
	ck_assert_fault(handle_await_server(peers[0].peers, 1, never), LPAD_EGONE);
	close_caller(&peers[0]);
}
END_TEST

START_TEST(idempotent_calls_go_to_the_successor)
{
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1), successor = fork_server(&peers[1], 2);
	lpad_message *reply;
	let_go(&server);
	open_caller(&peers[0]);
	/* kept by the first; the successor gets them with the same bodies, keeps them as well, and answers at the release */
	lpad_future *kept = peer_start(&peers[0], 1, SAFE, message_bytes("keep", 4));
	lpad_future *plain = peer_start(&peers[0], 1, HOLD, NULL);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	end_child(&server);
	ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
	lpad_future *fresh = peer_start(&peers[0], 1, SAFE, NULL), *unsent = peer_start(&peers[0], 1, ECHO, NULL);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	ck_assert_int_eq(future_ready(kept), 0);
	ck_assert_int_eq(future_ready(unsent), 0);
	let_go(&successor);
	peer_up(&peers[0], 1, 2);
	ck_assert_int_eq(handle_await_server(peers[0].peers, 1, never), 2);
	ck_assert_int_eq(future_wait(unsent, NULL), 0);
	ck_assert_int_eq(future_wait(fresh, &reply), 0);
	const int32_t *who = message_body(reply, 8);
	ck_assert_int_eq(who[1], 2);
	ck_assert_int_eq(message_sender_incarnation(reply), 2);
	message_free(reply);
	ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
	ck_assert_int_eq(future_wait(kept, &reply), 0);
	ck_assert_int_eq(memcmp(message_content(reply), "keep", 4), 0);
	message_free(reply);
	end_child(&successor);
	close_caller(&peers[0]);
}
END_TEST

START_TEST(the_supervisors_word_ends_calls)
{
	peers_prepare(2);
	struct child server = fork_server(&peers[1], 1);
	let_go(&server);
	open_caller(&peers[0]);
	stop_child(&server);                    /* as if a child of it kept the connection: the socket says nothing */
	lpad_future *plain = peer_start(&peers[0], 1, ECHO, NULL), *safe = peer_start(&peers[0], 1, SAFE, NULL);
	link_peer_lost(peers[0].link, 1, 0, 1, false);
	ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
	ck_assert_int_eq(future_ready(safe), 0);
	link_peer_lost(peers[0].link, 1, 0, 1, true);
	ck_assert_fault(future_wait(safe, NULL), LPAD_EGONE);
	ck_assert_str_eq(fault_text(), "n1.safe: n1 will never come back; the call was lost with it");
	end_child(&server);
	close_caller(&peers[0]);
}
END_TEST

/* ---- a connection that drops while both live: a relay between them ---- */

static char relay_address[200];
static int relay_listener, relay_wake[2];
static atomic_bool relay_cut;
static pthread_t relay_thread;

static int connect_target(void)
{
	struct transport_place place = transport_place(peers[1].address);
	int fd = socket(place.at.any.sa_family, SOCK_STREAM, 0);
	if (!connect(fd, &place.at.any, place.length))
		return fd;
	close(fd);
	return -1;
}

/* false: one side has closed, or the relay was cut. */
static bool pass(int a, int b)
{
	char bytes[4096];
	struct pollfd watched[3] = { { a, POLLIN, 0 }, { b, POLLIN, 0 }, { relay_wake[0], POLLIN, 0 } };
	if (poll(watched, 3, -1) < 0 || relay_cut)
		return false;
	for (int i = 0; i < 2; i++) {
		if (!watched[i].revents)
			continue;
		ssize_t got = read(i ? b : a, bytes, sizeof bytes);
		if (got <= 0 || files_write_all(i ? a : b, bytes, (size_t)got))
			return false;
	}
	return true;
}

static void *relay(void *context)
{
	char byte;
	int in;
	(void)context;
	while ((in = accept(relay_listener, NULL, NULL)) >= 0) {
		int out = connect_target();
		while (out >= 0 && pass(in, out))
			;
		close(in);
		if (out >= 0)
			close(out);
		if (relay_cut && read(relay_wake[0], &byte, 1) == 1)
			relay_cut = false;
	}
	return NULL;
}

static void start_relay(void)
{
	int on = 1;
	struct transport_place place = transport_place(relay_address);
	ck_assert_int_eq(pipe(relay_wake), 0);
	relay_listener = socket(place.at.any.sa_family, SOCK_STREAM, 0);
	ck_assert_int_eq(setsockopt(relay_listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	ck_assert_int_eq(bind(relay_listener, &place.at.any, place.length), 0);
	ck_assert_int_eq(listen(relay_listener, 8), 0);
	ck_assert_int_eq(pthread_create(&relay_thread, NULL, relay, NULL), 0);
}

static void cut_relay(void)
{
	relay_cut = true;
	ck_assert_int_eq(write(relay_wake[1], "", 1), 1);
}

static void end_relay(void)
{
	shutdown(relay_listener, SHUT_RDWR);
	cut_relay();
	pthread_join(relay_thread, NULL);
	close(relay_listener);
	close(relay_wake[0]);
	close(relay_wake[1]);
}

START_TEST(a_dropped_connection_executes_nothing_twice)
{
	transport_needs("sockets");
	peers_prepare(2);
	char *cleanup_free via = transport_address(peers_folder, "relay");
	snprintf(relay_address, sizeof relay_address, "%s", via);
	peer_bind(&peers[1], 1, 1, NULL);
	start_relay();
	peer_bind(&peers[0], 0, 1, via);
	peer_connect(&peers[1]);
	peer_connect(&peers[0]);
	peer_go(&peers[0]);
	peer_go(&peers[1]);
	link_run_thread(peers[0].link);
	for (int round = 1; round <= 5; round++) {
		lpad_future *plain = peer_start(&peers[0], 1, HOLD, NULL);
		lpad_future *queued = peer_start(&peers[0], 1, NARROW, NULL);
		lpad_future *safe = peer_start(&peers[0], 1, SAFE, message_bytes("keep", 4));
		await_count(&peers[1].entered, 3 * round);              /* all three have begun */
		cut_relay();
		ck_assert_fault(future_wait(plain, NULL), LPAD_ELOST);
		ck_assert_fault(future_wait(queued, NULL), LPAD_ELOST);
		await_count(&peers[1].gone, round);                     /* plain; safe is asked for again, and goes on */
		sem_post(&peers[1].gate);
		ck_assert_int_eq(peer_call(&peers[0], 1, RELEASE, NULL, NULL), 0);
		ck_assert_int_eq(future_wait(safe, NULL), 0);
		ck_assert_int_eq(peers[1].entered, 3 * round);
		ck_assert_int_eq(peers[1].gone, round);
	}
	end_relay();
	peers_close(peers, 2);
}
END_TEST

/* ---- strangers ---- */

static void two(void)
{
	peers_open(peers, 2);
	link_run_thread(peers[0].link);
}

static void close_two(void)
{
	peers_close(peers, 2);
}

static nng_socket open_stranger(void)
{
	nng_socket stranger;
	transport_needs("sockets");
	ck_assert_int_eq(nng_req0_open_raw(&stranger), 0);
	ck_assert_int_eq(nng_dial(stranger, peers[1].address, NULL, 0), 0);
	return stranger;
}

static void send_bytes(nng_socket stranger, const void *bytes, size_t size)
{
	nng_msg *message;
	ck_assert_int_eq(nng_msg_alloc(&message, 0), 0);
	ck_assert_int_eq(nng_msg_header_append_u32(message, 0x80000001u), 0);
	ck_assert_int_eq(nng_msg_append(message, bytes, size), 0);
	ck_assert_int_eq(nng_sendmsg(stranger, message, 0), 0);
}

/* The answer to what was just sent. */
static struct wire receive_wire(nng_socket stranger, char *body, size_t room)
{
	nng_msg *message;
	struct wire wire;
	const char *why;
	ck_assert_int_eq(nng_recvmsg(stranger, &message, 0), 0);
	ck_assert(wire_decode(nng_msg_body(message), nng_msg_len(message), &wire, &why));
	ck_assert_uint_lt(wire.size, room);
	memcpy(body, (char *)nng_msg_body(message) + WIRE_SIZE, wire.size);
	body[wire.size] = '\0';
	nng_msg_free(message);
	return wire;
}

static void send_wire(nng_socket stranger, struct wire wire, const char *body)
{
	unsigned char bytes[WIRE_SIZE + 200];
	wire.size = strlen(body);
	wire_encode(&wire, bytes);
	memcpy(bytes + WIRE_SIZE, body, wire.size);
	send_bytes(stranger, bytes, WIRE_SIZE + wire.size);
}

START_TEST(garbage_is_dropped_and_told)
{
	nng_socket stranger = open_stranger();
	unsigned char bytes[400];
	enum { ROUNDS = 500 };
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (unsigned char)(i * 131 + (int)k * 7);
		if (i % 2)
			memcpy(bytes, "LPAD\1", 5);
		send_bytes(stranger, bytes, (size_t)(i % 400));
	}
	while (peer_counters(&peers[1], "method", "malformed", "").errors < ROUNDS)
		sched_yield();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	peer_await_notes(&peers[1], 1);
	ck_assert_int_lt(peers[1].notes, ROUNDS / 10);
	ck_assert_msg(!strncmp(peers[1].note, "n1: dropped a malformed request of an unknown sender: ", 54), "%s", peers[1].note);
	nng_close(stranger);
}
END_TEST

START_TEST(strangers_with_a_good_frame_are_refused)
{
	nng_socket stranger = open_stranger();
	struct wire wire = { .kind = WIRE_HELLO, .role = WIRE_MEMBER, .content = LPAD_BYTES, .group = 7, .index = 3,
		.incarnation = 1, .deadline_ms = -1, .token = PEERS_TOKEN + 1 };
	char body[600];
	send_wire(stranger, wire, "{\"node\": \"x\"}");
	struct wire answer = receive_wire(stranger, body, sizeof body);
	ck_assert_int_eq(answer.kind, WIRE_ERROR);
	ck_assert_str_eq(body, "not of this run");
	peer_await_notes(&peers[1], 1);
	ck_assert_str_eq(peers[1].note, "n1: dropped a malformed request of member 7/3: it is not of this run");
	wire.token = PEERS_TOKEN;
	send_wire(stranger, wire, "[]");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EBROKEN);
	wire.kind = WIRE_CALL;                  /* without a session */
	wire.number = 1;
	send_wire(stranger, wire, "");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EINVALID);
	wire.kind = WIRE_FETCH;                 /* of a topic that there is not */
	send_wire(stranger, wire, "");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EINVALID);
	static const char *const probes[] = { "", "[]", "{\"origin\": 3}", "{\"origin\": \"1\", \"path\": [{}], \"seen\": []}",
		"{\"origin\": \"1\", \"path\": [{\"node\": \"a\", \"busy\": \"b\", \"calls\": \"c\"}], \"seen\": {}}" };
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		wire.kind = WIRE_PROBE;
		send_wire(stranger, wire, probes[i]);
		ck_assert_int_eq(receive_wire(stranger, body, sizeof body).kind, WIRE_REPLY);
		ck_assert_str_eq(body, "{\"free\":true}");
	}
	wire.kind = WIRE_WHY;
	send_wire(stranger, wire, "");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).kind, WIRE_REPLY);
	ck_assert_str_eq(body, "neither here nor on its way");
	wire.kind = WIRE_REPLY;
	send_wire(stranger, wire, "");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EUNSUPPORTED);
	ck_assert_int_eq(peer_call(&peers[0], 1, ECHO, NULL, NULL), 0);
	nng_close(stranger);
}
END_TEST

START_TEST(malformed_bodies_name_their_sender)
{
	nng_socket stranger = open_stranger();
	struct wire wire = { .kind = WIRE_HELLO, .role = WIRE_MEMBER, .content = LPAD_JSON, .group = 7, .index = 3,
		.incarnation = 1, .deadline_ms = -1, .token = PEERS_TOKEN };
	char body[600];
	send_wire(stranger, wire, "{\"node\": \"actor/3\"}");
	struct wire hello = receive_wire(stranger, body, sizeof body);
	ck_assert_int_eq(hello.kind, WIRE_REPLY);
	ck_assert_msg(strstr(body, "\"methods\":[\"echo\",\"order\"") != NULL, "%s", body);
	ck_assert_msg(strstr(body, "\"idempotent\":[\"safe\"]") != NULL, "%s", body);
	wire.session = hello.session;
	wire.kind = WIRE_CALL;
	wire.number = 1;
	wire.port = ECHO;
	send_wire(stranger, wire, "{broken");
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EBROKEN);
	ck_assert_msg(!strncmp(body, "n1.echo: actor/3 sent a malformed message (json, 7 bytes): ", 59), "%s", body);
	peer_await_notes(&peers[1], 1);
	ck_assert_msg(!strncmp(peers[1].note, "n1: actor/3 sent a malformed message", 36), "%s", peers[1].note);
	send_wire(stranger, wire, "1");         /* the same number again */
	ck_assert_int_eq(receive_wire(stranger, body, sizeof body).code, LPAD_EINVALID);
	wire.number = 3;                        /* ahead of its turn: waits for the second */
	wire.port = METHODS;
	send_wire(stranger, wire, "1");
	wire.number = 2;
	wire.port = ECHO;
	send_wire(stranger, wire, "1");
	struct wire first = receive_wire(stranger, body, sizeof body), second = receive_wire(stranger, body, sizeof body);
	ck_assert_int_eq(first.kind == WIRE_REPLY ? second.code : first.code, LPAD_ENOMETHOD);
	ck_assert_int_eq(peers[1].executed, 1);
	nng_close(stranger);
}
END_TEST

/* Answers every request with these bytes, as number 1, until it is closed. */
static nng_socket fake;
static unsigned char fake_bytes[WIRE_SIZE + 100];
static atomic_size_t fake_size;

static void *answer_as_fake(void *context)
{
	nng_msg *message;
	(void)context;
	while (!nng_recvmsg(fake, &message, 0)) {
		nng_msg_clear(message);
		nng_msg_append(message, fake_bytes, fake_size);
		if (nng_sendmsg(fake, message, 0))
			nng_msg_free(message);
	}
	return NULL;
}

START_TEST(a_server_that_is_none_is_told)
{
	static const char *const notes[] = { "n1 sent a malformed answer: ",
		"what answers at the address of n1 does not belong to this run", "what answers at the address of n1 is another node",
		"what answers at the address of n1 answered HELLO with something else" };
	struct wire wire = { .kind = WIRE_REPLY, .role = WIRE_MEMBER, .group = _i == 2 ? 2 : 1, .incarnation = 1,
		.deadline_ms = -1, .token = PEERS_TOKEN + (_i == 1) };
	char address[200];
	pthread_t thread;
	transport_needs("sockets");
	peers_prepare(2);
	peer_address(address, sizeof address, 1, 1);
	wire_encode(&wire, fake_bytes);
	fake_size = _i ? WIRE_SIZE : WIRE_SIZE - 1;
	ck_assert_int_eq(nng_rep0_open(&fake), 0);
	ck_assert_int_eq(nng_listen(fake, address, NULL, 0), 0);
	pthread_create(&thread, NULL, answer_as_fake, NULL);
	peer_bind(&peers[0], 0, 1, NULL);
	peer_connect(&peers[0]);
	peer_await_notes(&peers[0], 1);
	ck_assert_msg(!strncmp(peers[0].note, notes[_i], strlen(notes[_i])), "%s", peers[0].note);
	lpad_future *waiting = peer_start(&peers[0], 1, ECHO, NULL);
	ck_assert_int_eq(future_wait_any(&waiting, 1, in_ms(5)), LPAD_ETIMEDOUT);       /* it was not sent there */
	future_cancel(waiting);
	peer_close(&peers[0]);
	nng_close(fake);
	pthread_join(thread, NULL);
	files_remove_tree(peers_folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link_loss");
	TCase *loss = tcase_create("loss"), *strangers = tcase_create("strangers");
	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(loss, 120);
	tcase_add_test(loss, a_killed_server_loses_what_is_in_flight);
	tcase_add_test(loss, idempotent_calls_go_to_the_successor);
	tcase_add_test(loss, the_supervisors_word_ends_calls);
	tcase_add_test(loss, a_dropped_connection_executes_nothing_twice);
	tcase_add_loop_test(loss, a_server_that_is_none_is_told, 0, 4);
	tcase_add_checked_fixture(strangers, two, close_two);
	tcase_set_timeout(strangers, 120);
	tcase_add_test(strangers, garbage_is_dropped_and_told);
	tcase_add_test(strangers, strangers_with_a_good_frame_are_refused);
	tcase_add_test(strangers, malformed_bodies_name_their_sender);
	suite_add_tcase(suite, loss);
	suite_add_tcase(suite, strangers);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
