/* SPDX-License-Identifier: MIT */
/*
 * Incarnations of a party as processes: all LIVES of them, which the includer names, are forked before nng was ever used and wait for
 * their turn.
 */
#ifndef TESTS_LINK_LIVES_H
#define TESTS_LINK_LIVES_H

#include "link_topics.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum step { STEP_BOUND, STEP_CONNECTED, STEP_WIRED, STEP_WORKING, STEPS };

/* What the lives tell the parent; zeroed in time for each test. */
static struct board {
	atomic_int step;                        /* how far the present life is, + 1 */
	atomic_uint_fast64_t count, first, last;/* of what it has received */
	atomic_bool finished;
} *board;

static pid_t lives[LIVES + 1];
static int turns[LIVES + 1][2];

static inline void setup(void)
{
	transport_needs("processes");
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
}

static inline void bury(int life)
{
	if (lives[life] <= 0)
		return;
	kill(lives[life], SIGKILL);
	waitpid(lives[life], NULL, 0);
	lives[life] = 0;
}

static inline void bury_all(void)
{
	for (int life = 1; life <= LIVES; life++)
		bury(life);
	teardown();
}

/* ---- in a life ---- */

static inline void reached(enum step step)
{
	atomic_store(&board->step, (int)step + 1);
}

static inline void start_by_steps(int number)
{
	struct party *party = &world.party[number];
	world_bind(&world);
	reached(STEP_BOUND);
	world_connect(&world);
	reached(STEP_CONNECTED);
	world_wait(party, &party->wired);
	reached(STEP_WIRED);
	link_go(party->link);
}

static inline void live(int number, int life, void (*work)(int life))
{
	char word;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ck_assert_int_eq(read(turns[life][0], &word, 1), 1);
	for (int i = 0; i < world.count; i++)
		world.party[i].remote = i != number;
	world_set_incarnation(&world, number, (uint32_t)life);
	start_by_steps(number);
	work(life);
	for (;;)
		pause();
}

/* ---- in the parent ---- */

static inline void fork_lives(int number, void (*work)(int life))
{
	for (int life = 1; life <= LIVES; life++) {
		ck_assert_int_eq(pipe(turns[life]), 0);
		lives[life] = fork();
		ck_assert_int_ge(lives[life], 0);
		if (!lives[life])
			live(number, life, work);
	}
	world.party[number].remote = true;
	world.killed = true;            /* the sockets that the dead were connected to are left to the kernel */
}

static inline void let_live(int life)
{
	atomic_store(&board->step, 0);
	atomic_store(&board->count, 0);
	ck_assert_int_eq(write(turns[life][1], "x", 1), 1);
}

static inline void await_step(enum step step)
{
	while (atomic_load(&board->step) <= (int)step)
		sched_yield();
}

/* What the supervisor does between one life and the next. */
static inline void restart(int number, int life)
{
	bury(life);
	world_tell_lost(&world, number, false);
	world_set_incarnation(&world, number, (uint32_t)life + 1);
	let_live(life + 1);
	world_tell_up(&world, number);
}

static inline void assert_whole(struct port_counters row)
{
	ck_assert_msg(row.published == row.received + row.dropped + row.lost, "%s %s, %s: published %lld, received %lld, dropped %lld, "
		"lost %lld", row.kind, row.port, row.peer, (long long)row.published, (long long)row.received,
		(long long)row.dropped, (long long)row.lost);
}

static inline struct port_counters sent(void)
{
	return world_count(&world.party[0], "topic", "value", "p1");
}

#endif
