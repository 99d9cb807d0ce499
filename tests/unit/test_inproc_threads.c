/* SPDX-License-Identifier: MIT */
/* Calls within a process while both ends come and go on threads of their own. */
#include <pthread.h>
#include <sched.h>

#include "inproc_ends.h"

struct closer {
	struct server *server;
	atomic_bool begun, done;
};

static void *close_server(void *context)
{
	struct closer *closer = context;
	closer->begun = true;
	inproc_calls_answer_close(closer->server->answering);
	closer->done = true;
	return NULL;
}

static void *deliver_one(void *context)
{
	ask(context, 0, message_bytes("x", 1));
	inproc_deliver();
	return NULL;
}

START_TEST(closing_waits_for_the_event_that_runs)
{
	sem_t entered, gate;
	struct server server = { .entered = &entered, .gate = &gate };
	struct client client = { 0 };
	struct closer closer = { .server = &server };
	pthread_t sender, closing;
	sem_init(&entered, 0, 0);
	sem_init(&gate, 0, 0);
	listen_at(&server, address);
	dial(&client, address);
	inproc_deliver();
	pthread_create(&sender, NULL, deliver_one, &client);
	while (sem_wait(&entered))
		;
	pthread_create(&closing, NULL, close_server, &closer);
	while (!client.downs && !closer.done)           /* the connection ends at once... */
		sched_yield();
	ck_assert(!closer.done);                        /* ...but an event is still running */
	sem_post(&gate);
	pthread_join(closing, NULL);
	pthread_join(sender, NULL);
	ck_assert_int_eq(client.ended[0], 1);
	hang_up(&client);
}
END_TEST

enum { COMERS = 3, TIMES = 300, QUESTIONS = 5 };

/* Connects or not, as it happens; whatever it asked has ended when it is closed, once. */
static void *come_and_go(void *context)
{
	atomic_int *wrong = context;
	for (int i = 0; i < TIMES; i++) {
		struct client *client = memory_new(sizeof *client);
		dial(client, address);
		if (i % 3)
			inproc_deliver();
		for (int q = 0; q < QUESTIONS; q++)
			ask(client, q, message_bytes("x", 1));
		if (i % 2)
			inproc_deliver();
		hang_up(client);
		for (int q = 0; q < QUESTIONS; q++)
			*wrong += client->ended[q] != 1;
		*wrong += client->overlaps;
		free(client);
	}
	return NULL;
}

struct host {
	atomic_bool done;
	atomic_int overlaps;
};

static void *listen_again_and_again(void *context)
{
	struct host *host = context;
	for (int i = 0; !host->done; i++) {
		struct server *server = memory_new(sizeof *server);
		server->drop = i % 4 == 0;
		listen_at(server, address);
		inproc_deliver();
		sched_yield();
		inproc_calls_answer_close(server->answering);
		host->overlaps += server->overlaps;
		free(server);
	}
	return NULL;
}

START_TEST(both_sides_come_and_go)
{
	struct host host = { 0 };
	atomic_int wrong = 0;
	pthread_t server, clients[COMERS];
	pthread_create(&server, NULL, listen_again_and_again, &host);
	for (int i = 0; i < COMERS; i++)
		pthread_create(&clients[i], NULL, come_and_go, &wrong);
	for (int i = 0; i < COMERS; i++)
		pthread_join(clients[i], NULL);
	host.done = true;
	pthread_join(server, NULL);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(host.overlaps, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inproc_threads");
	TCase *all = tcase_create("all");
	suite_add_tcase(suite, all);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, closing_waits_for_the_event_that_runs);
	tcase_add_test(all, both_sides_come_and_go);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
