/* SPDX-License-Identifier: MIT */
#include "link/nng_topics.h"

#include <pthread.h>
#include <stdlib.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>

#include "base/list.h"
#include "base/memory.h"
#include "link/background.h"
#include "link/nng_frame.h"

enum {
	BUFFER_MOST = 8192,             /* nng's own limit */
	FROM_SUBSCRIBERS_MOST = 64      /* they have nothing to say on this socket: a forged length must not cost memory */
};

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
/* The threads that send one message to several subscribers share it by an atomic count inside nng, which is not instrumented: the
   last one's free looks like a race with another one's sendmsg. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void)
{
	return "race:sendmsg\n";
}

/* The suppression goes by the stack of the older access, which must not have been forgotten. */
const char *__tsan_default_options(void)
{
	return "history_size=7";
}
#endif

static int buffer_within(int buffer)
{
	return buffer < 1 ? 1 : buffer > BUFFER_MOST ? BUFFER_MOST : buffer;
}

/* ---- publishing ---- */

struct publishing {
	nng_socket socket;
	/* Without a callback: nng completes it on the calling thread, so that publishing costs no other thread's wake-up. */
	nng_aio *sending;
	void (*joined)(void *context, bool added);
	void *context;
	pthread_mutex_t lock;
	LIST(int) connections;          /* lock: nng also tells the end of one that it refused before it was added */
};

static void on_join(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	struct publishing *publishing = context;
	pthread_mutex_lock(&publishing->lock);
	*list_add(&publishing->connections) = nng_pipe_id(pipe);
	pthread_mutex_unlock(&publishing->lock);
	publishing->joined(publishing->context, true);
	(void)event;
}

static void on_leave(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	struct publishing *publishing = context;
	size_t at = 0;
	pthread_mutex_lock(&publishing->lock);
	while (at < publishing->connections.count && publishing->connections.at[at] != nng_pipe_id(pipe))
		at++;
	bool known = at < publishing->connections.count;
	if (known)
		publishing->connections.at[at] = publishing->connections.at[--publishing->connections.count];
	pthread_mutex_unlock(&publishing->lock);
	if (known)
		publishing->joined(publishing->context, false);
	(void)event;
}

static void free_publishing(struct publishing *publishing)
{
	pthread_mutex_destroy(&publishing->lock);
	list_release(&publishing->connections);
	free(publishing);
}

static int start_publishing(struct publishing *publishing, const char *address, int buffer, char **bound)
{
	nng_socket socket = publishing->socket;
	int code = nng_socket_set_int(socket, NNG_OPT_SENDBUF, buffer_within(buffer));
	if (!code)
		code = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, FROM_SUBSCRIBERS_MOST);
	if (!code)
		code = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_join, publishing);
	if (!code)
		code = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_leave, publishing);
	if (!code)
		code = nng_aio_alloc(&publishing->sending, NULL, NULL);
	return code ? code : nng_listen_privately(socket, address, bound);
}

struct publishing *nng_topics_publish_open(const char *address, int buffer, void (*joined)(void *context, bool added),
	void *context, char **bound, struct error *error)
{
	struct publishing *publishing = memory_new(sizeof *publishing);
	publishing->joined = joined;
	publishing->context = context;
	pthread_mutex_init(&publishing->lock, NULL);
	int code = nng_pub0_open(&publishing->socket);
	bool opened = !code;
	if (opened)
		code = start_publishing(publishing, address, buffer, bound);
	if (!code)
		return publishing;
	error_set(error, "cannot listen on %s: %s", address, nng_strerror(code));
	if (opened)
		nng_topics_publish_close(publishing);
	else
		free_publishing(publishing);
	return NULL;
}

/* A message that finds no memory is missing in the sequence: subscribers count it as dropped. */
void nng_topics_publish(struct publishing *publishing, struct frame *frame)
{
	nng_msg *packed = nng_frame_pack(frame);
	if (!packed)
		return;
	nng_aio_set_msg(publishing->sending, packed);
	nng_send_aio(publishing->socket, publishing->sending);
	nng_aio_wait(publishing->sending);
	if (nng_aio_result(publishing->sending))
		nng_msg_free(packed);
}

void nng_topics_publish_close(struct publishing *publishing)
{
	nng_close(publishing->socket);
	nng_aio_free(publishing->sending);
	free_publishing(publishing);
}

/* ---- subscribing ---- */

struct subscribing {
	nng_socket socket;
	nng_aio *receiving;
	struct subscribing_events events;
	void *context;
	struct departure departure;
};

static void on_subscribe_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	struct subscribing *subscribing = context;
	(void)pipe;
	departure_count(&subscribing->departure, event == NNG_PIPE_EV_ADD_POST);
	if (event == NNG_PIPE_EV_REM_POST)
		subscribing->events.down(subscribing->context);
}

static void deliver(struct subscribing *subscribing, nng_msg *message)
{
	struct frame frame;
	const char *why = NULL;
	if (nng_frame_unpack(message, &frame, &why)) {
		subscribing->events.message(subscribing->context, &frame);
		return;
	}
	nng_msg_free(message);
	subscribing->events.malformed(subscribing->context, why);
}

/* Runs inside nng's own receive: the next frame is read after it, so frames come one by one, in order, and before the connection's end. */
static void on_receive(void *context)
{
	struct subscribing *subscribing = context;
	int code = nng_aio_result(subscribing->receiving);
	if (code == NNG_ECLOSED || code == NNG_ECANCELED)
		return;
	if (!code)
		deliver(subscribing, nng_aio_get_msg(subscribing->receiving));
	nng_recv_aio(subscribing->socket, subscribing->receiving);
}

/* All of it before the dial: a connection must never carry a message that is not wanted yet. */
static int start_subscribing(struct subscribing *subscribing, const char *address, int buffer, size_t longest)
{
	nng_socket socket = subscribing->socket;
	int code = nng_aio_alloc(&subscribing->receiving, on_receive, subscribing);
	if (!code)
		code = nng_socket_set_int(socket, NNG_OPT_RECVBUF, buffer_within(buffer));
	if (!code)
		code = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, longest + WIRE_SIZE);
	if (!code)
		code = nng_socket_set(socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);
	if (!code)
		code = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_subscribe_pipe, subscribing);
	if (!code)
		code = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_subscribe_pipe, subscribing);
	if (code)
		return code;
	nng_recv_aio(socket, subscribing->receiving);
	return nng_dial_steadily(socket, address);
}

static void free_subscribing(struct subscribing *subscribing)
{
	departure_release(&subscribing->departure);
	free(subscribing);
}

struct subscribing *nng_topics_subscribe_open(const char *address, int buffer, size_t longest,
	const struct subscribing_events *events, void *context, struct error *error)
{
	struct subscribing *subscribing = memory_new(sizeof *subscribing);
	subscribing->events = *events;
	subscribing->context = context;
	departure_init(&subscribing->departure);
	int code = nng_sub0_open(&subscribing->socket);
	bool opened = !code;
	if (opened)
		code = start_subscribing(subscribing, address, buffer, longest);
	if (!code)
		return subscribing;
	error_set(error, "cannot connect to %s: %s", address, nng_strerror(code));
	if (opened)
		nng_topics_subscribe_close(subscribing);
	else
		free_subscribing(subscribing);
	return NULL;
}

/* Closing waits for the connections' events; stopping the receive waits for its callback. */
void nng_topics_subscribe_close(struct subscribing *subscribing)
{
	nng_close(subscribing->socket);
	nng_aio_stop(subscribing->receiving);
	nng_aio_free(subscribing->receiving);
	free_subscribing(subscribing);
}

static void close_subscribing(void *context)
{
	struct subscribing *subscribing = context;
	departure_await(&subscribing->departure);
	nng_topics_subscribe_close(subscribing);
}

void nng_topics_subscribe_abandon(struct subscribing *subscribing, void (*closed)(void *context), void *context)
{
	background_close(close_subscribing, subscribing, closed, context);
}
