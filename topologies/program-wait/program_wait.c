/* SPDX-License-Identifier: MIT */
/* Four nodes that wait for the end of the program in four ways, and one that brings it about. */
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include <lpad/node.h>

struct waiter {
	double pause;                   /* how long its own clean-up takes */
	sem_t stopped;
	atomic_bool stop;
};

static void pause_for(double seconds)
{
	struct timespec time = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
	nanosleep(&time, NULL);
}

static int terminate(lpad_node *node)
{
	const struct waiter *me = lpad_state(node);
	lpad_log(node, "Clean termination");
	pause_for(me->pause);
	return 0;
}

static int timed(lpad_node *node)
{
	while (lpad_wait_stop(node, lpad_in(1)) == LPAD_ETIMEDOUT)
		;       /* once a second there would be something to do */
	return terminate(node);
}

static int blocking(lpad_node *node)
{
	lpad_wait_stop(node, lpad_never());
	return terminate(node);
}

static void post(lpad_node *node, void *semaphore)
{
	(void)node;
	sem_post(semaphore);
}

static int event(lpad_node *node)
{
	struct waiter *me = lpad_state(node);
	sem_init(&me->stopped, 0, 0);
	lpad_on_stop(node, post, &me->stopped);
	while (sem_wait(&me->stopped))
		;       /* interrupted by a signal */
	return terminate(node);
}

static void set(lpad_node *node, void *flag)
{
	(void)node;
	atomic_store((atomic_bool *)flag, true);
}

static int handler(lpad_node *node)
{
	struct waiter *me = lpad_state(node);
	lpad_on_stop(node, set, &me->stop);
	while (!atomic_load(&me->stop))
		pause_for(0.01);        /* stands for a piece of work */
	return terminate(node);
}

struct stopper {
	double after;
};

static int stop(lpad_node *node)
{
	const struct stopper *me = lpad_state(node);
	if (lpad_wait_stop(node, lpad_in(me->after)) == LPAD_ETIMEDOUT)
		lpad_stop(node, 0, "it was time");
	return 0;
}

static const lpad_param waiter_params[] = {
	LPAD_DURATION(struct waiter, pause, "2s", "0..", "how long cleaning up takes"),
	LPAD_END
};
static const lpad_param stopper_params[] = {
	LPAD_DURATION(struct stopper, after, "4s", "0..", "when to stop the program"),
	LPAD_END
};

#define WAITER(function, sentence) \
	{ .name = #function, .help = sentence, .state = sizeof(struct waiter), .params = waiter_params, .run = function }

LPAD_MODULE(
	WAITER(timed, "looks once a second"),
	WAITER(blocking, "waits until the program stops"),
	WAITER(event, "waits for a semaphore that a stop handler posts"),
	WAITER(handler, "works until a stop handler sets a flag"),
	{ .name = "stopper", .help = "stops the program", .state = sizeof(struct stopper), .params = stopper_params,
	  .run = stop });
