/* SPDX-License-Identifier: MIT */
#include "link/nng_calls.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "base/clock.h"
#include "base/memory.h"
#include "link/background.h"
#include "link/nng_frame.h"

enum {
	PROTOCOL_BYTES = 64,            /* nng's own, in front of ours */
	RECEIVING = 2,                  /* contexts that wait for a request, so that a burst finds one */
	LOOKED_AT = 8                   /* answers on their way that are looked at for a context to use again */
};

static void check(int code, const char *what)
{
	if (code)
		BUG("%s: %s", what, nng_strerror(code));
}

static nng_msg *packed(struct frame *frame)
{
	size_t size = frame->wire.size;
	nng_msg *message = nng_frame_finish(frame);
	if (!message)
		BUG("no memory for a message of %zu bytes", size);
	return message;
}

static nng_aio *new_aio(void (*done)(void *), void *context)
{
	nng_aio *aio = NULL;
	check(nng_aio_alloc(&aio, done, context), "nng_aio_alloc");
	nng_aio_set_timeout(aio, NNG_DURATION_INFINITE);
	return aio;
}

/* A send without a callback that failed leaves its message in the aio. */
static void free_unsent(nng_aio *sending)
{
	nng_aio_wait(sending);
	if (nng_aio_result(sending))
		nng_msg_free(nng_aio_get_msg(sending));
	nng_aio_set_msg(sending, NULL);
}

/* ---- asking ---- */

/* A context of the REQ socket with its operations. */
struct question {
	struct question *next, *spare;
	struct asking *asking;
	nng_ctx context;
	nng_aio *sending, *receiving;
	void *token;
	bool busy;                      /* lock of the asking */
	bool closed;                    /* lock: the context; a new one is needed */
};

struct asking {
	nng_socket socket;
	const struct asking_events *events;
	void *context;
	pthread_mutex_t events_lock;            /* up and down are told in the order in which they happened */
	pthread_mutex_t lock;
	struct question *questions, *spare;     /* lock */
	int pipe;                       /* lock: nng's number of the connection; 0: none */
	struct departure departure;
};

/* Without a connection nng would keep the request and send it to whoever comes: closing the context makes it fail. */
static void give_up(struct question *question)
{
	if (!question->closed)
		nng_ctx_close(question->context);
	question->closed = true;
}

static void recycle_question(struct question *question)
{
	struct asking *asking = question->asking;
	free_unsent(question->sending);
	pthread_mutex_lock(&asking->lock);
	question->busy = false;
	question->spare = asking->spare;
	asking->spare = question;
	pthread_mutex_unlock(&asking->lock);
}

static void on_answer(void *context)
{
	struct question *question = context;
	struct asking *asking = question->asking;
	struct frame frame;
	const char *why;
	if (nng_aio_result(question->receiving))
		asking->events->failed(asking->context, question->token);
	else {
		nng_msg *message = nng_aio_get_msg(question->receiving);
		nng_aio_set_msg(question->receiving, NULL);
		if (nng_frame_unpack(message, &frame, &why))
			asking->events->reply(asking->context, question->token, &frame);
		else {
			nng_msg_free(message);
			asking->events->malformed(asking->context, question->token, why);
		}
	}
	recycle_question(question);
}

static struct question *take_question(struct asking *asking)
{
	pthread_mutex_lock(&asking->lock);
	struct question *question = asking->spare;
	if (question)
		asking->spare = question->spare;
	else {
		question = memory_new(sizeof *question);
		*question = (struct question){ .next = asking->questions, .asking = asking, .closed = true };
		question->sending = new_aio(NULL, NULL);
		question->receiving = new_aio(on_answer, question);
		asking->questions = question;
	}
	if (question->closed)
		check(nng_ctx_open(&question->context, asking->socket), "nng_ctx_open");
	question->closed = false;
	question->busy = true;
	if (!asking->pipe)
		give_up(question);
	pthread_mutex_unlock(&asking->lock);
	return question;
}

/* The receive is posted at once: an answer that finds none is thrown away when the connection closes. */
void nng_calls_ask(struct asking *asking, struct frame *frame, void *token)
{
	nng_msg *message = packed(frame);
	struct question *question = take_question(asking);
	question->token = token;
	nng_aio_set_msg(question->sending, message);
	nng_ctx_send(question->context, question->sending);
	nng_ctx_recv(question->context, question->receiving);
}

static void abandon_questions(struct asking *asking)
{
	for (struct question *question = asking->questions; question; question = question->next)
		if (question->busy)
			give_up(question);
}

static void on_ask_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
	struct asking *asking = context;
	bool added = event == NNG_PIPE_EV_ADD_POST;
	pthread_mutex_lock(&asking->events_lock);
	pthread_mutex_lock(&asking->lock);
	bool lost = asking->pipe && (added || asking->pipe == nng_pipe_id(pipe));
	if (lost)
		abandon_questions(asking);
	if (added || lost)
		asking->pipe = added ? nng_pipe_id(pipe) : 0;
	pthread_mutex_unlock(&asking->lock);
	departure_count(&asking->departure, added);
	if (lost)
		asking->events->down(asking->context);
	if (added)
		asking->events->up(asking->context);
	pthread_mutex_unlock(&asking->events_lock);
}

static void free_asking(struct asking *asking)
{
	pthread_mutex_destroy(&asking->lock);
	pthread_mutex_destroy(&asking->events_lock);
	departure_release(&asking->departure);
	free(asking);
}

static int start_asking(struct asking *asking, const char *address, size_t longest)
{
	static const nng_pipe_ev watched[] = { NNG_PIPE_EV_ADD_POST, NNG_PIPE_EV_REM_POST };
	nng_socket socket = asking->socket;
	int code = nng_socket_set_ms(socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	if (!code)
		code = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, longest + WIRE_SIZE + PROTOCOL_BYTES);
	for (size_t i = 0; !code && i < sizeof watched / sizeof watched[0]; i++)
		code = nng_pipe_notify(socket, watched[i], on_ask_pipe, asking);
	return code ? code : nng_dial_steadily(socket, address);
}

struct asking *nng_calls_ask_open(const char *address, size_t longest, const struct asking_events *events, void *context,
	struct error *error)
{
	struct asking *asking = memory_new(sizeof *asking);
	asking->events = events;
	asking->context = context;
	pthread_mutex_init(&asking->lock, NULL);
	pthread_mutex_init(&asking->events_lock, NULL);
	departure_init(&asking->departure);
	int code = nng_req0_open(&asking->socket);
	bool opened = !code;
	if (opened)
		code = start_asking(asking, address, longest);
	if (!code)
		return asking;
	error_set(error, "cannot call %s: %s", address, nng_strerror(code));
	if (opened)
		nng_close(asking->socket);
	free_asking(asking);
	return NULL;
}

void nng_calls_ask_close(struct asking *asking)
{
	struct question *next;
	nng_close(asking->socket);
	for (struct question *question = asking->questions; question; question = next) {
		next = question->next;
		nng_aio_stop(question->receiving);
		nng_aio_free(question->receiving);
		nng_aio_free(question->sending);
		free(question);
	}
	free_asking(asking);
}

static void close_asking(void *context)
{
	struct asking *asking = context;
	departure_await(&asking->departure);
	nng_calls_ask_close(asking);
}

void nng_calls_ask_abandon(struct asking *asking, void (*closed)(void *context), void *context)
{
	background_close(close_asking, asking, closed, context);
}

/* ---- answering ---- */

/* A context of the REP socket with its operations: receiving, taken (the link has it), answering, or spare. */
struct nng_request {
	struct request base;            /* first */
	struct nng_request *next;       /* all */
	struct nng_request *after;      /* spare, or answering */
	struct answering *answering;
	nng_ctx context;
	nng_aio *sending, *receiving;
};

struct answering {
	nng_socket socket;
	const struct answering_events *events;
	void *context;
	pthread_mutex_t lock;
	struct nng_request *requests, *spare;   /* lock */
	struct nng_request *first, **last; /* lock: answers that the connection has not accepted yet */
	int receiving;                  /* lock */
	bool closing;                   /* lock */
};

static void on_request(void *context);

/* nng takes the message out of the aio when the connection accepts it. */
static bool accepted(const struct nng_request *request)
{
	return !nng_aio_get_msg(request->sending);
}

static void put_last(struct answering *answering, struct nng_request *request)
{
	request->after = NULL;
	*answering->last = request;
	answering->last = &request->after;
}

static struct nng_request *take_first(struct answering *answering)
{
	struct nng_request *request = answering->first;
	answering->first = request->after;
	if (!answering->first)
		answering->last = &answering->first;
	return request;
}

static struct nng_request *spare_request(struct answering *answering)
{
	struct nng_request *request = answering->spare;
	if (request) {
		answering->spare = request->after;
		return request;
	}
	for (int i = 0; i < LOOKED_AT && answering->first; i++) {
		request = take_first(answering);
		if (accepted(request))
			return request;
		put_last(answering, request);
	}
	request = memory_new(sizeof *request);
	request->base.transport = &transport_nng;
	request->answering = answering;
	check(nng_ctx_open(&request->context, answering->socket), "nng_ctx_open");
	request->sending = new_aio(NULL, NULL);
	request->receiving = new_aio(on_request, request);
	request->next = answering->requests;
	answering->requests = request;
	return request;
}

/* Lock held. */
static void receive(struct answering *answering)
{
	while (answering->receiving < RECEIVING && !answering->closing) {
		answering->receiving++;
		struct nng_request *request = spare_request(answering);
		nng_ctx_recv(request->context, request->receiving);
	}
}

static void recycle_request(struct nng_request *request)
{
	struct answering *answering = request->answering;
	pthread_mutex_lock(&answering->lock);
	request->after = answering->spare;
	answering->spare = request;
	receive(answering);
	pthread_mutex_unlock(&answering->lock);
}

static void on_request(void *context)
{
	struct nng_request *request = context;
	struct answering *answering = request->answering;
	bool failed = nng_aio_result(request->receiving) != 0;
	struct frame frame;
	const char *why;
	pthread_mutex_lock(&answering->lock);
	answering->receiving--;
	if (!failed && !answering->receiving)
		receive(answering);
	pthread_mutex_unlock(&answering->lock);
	if (failed)
		return;                 /* only closing does that */
	nng_msg *message = nng_aio_get_msg(request->receiving);
	nng_aio_set_msg(request->receiving, NULL);
	if (nng_frame_unpack(message, &frame, &why))
		answering->events->request(answering->context, &request->base, &frame);
	else {
		nng_msg_free(message);
		answering->events->malformed(answering->context, why);
		recycle_request(request);
	}
	pthread_mutex_lock(&answering->lock);
	receive(answering);
	pthread_mutex_unlock(&answering->lock);
}

void nng_calls_answer(struct request *answered, struct frame *reply)
{
	struct nng_request *request = (struct nng_request *)answered;
	struct answering *answering = request->answering;
	nng_aio_wait(request->sending);         /* of the answer before; it was accepted */
	nng_aio_set_msg(request->sending, packed(reply));
	nng_ctx_send(request->context, request->sending);
	if (accepted(request)) {
		recycle_request(request);
		return;
	}
	pthread_mutex_lock(&answering->lock);
	put_last(answering, request);
	pthread_mutex_unlock(&answering->lock);
}

/* Receiving again makes nng forget whom it would have answered. */
void nng_calls_answer_drop(struct request *request)
{
	recycle_request((struct nng_request *)request);
}

static bool all_accepted(struct answering *answering)
{
	struct nng_request *waiting = NULL;
	pthread_mutex_lock(&answering->lock);
	while (answering->first && !waiting) {
		struct nng_request *request = take_first(answering);
		if (!accepted(request)) {
			put_last(answering, request);
			waiting = request;
			continue;
		}
		request->after = answering->spare;
		answering->spare = request;
	}
	pthread_mutex_unlock(&answering->lock);
	return !waiting;
}

void nng_calls_answer_flush(struct answering *answering, int64_t until_ns)
{
	const struct timespec moment = { .tv_nsec = 1000000 };          /* nng tells nobody; only at the very end */
	while (!all_accepted(answering) && clock_ns() < until_ns)
		nanosleep(&moment, NULL);
}

struct answering *nng_calls_answer_open(const char *address, size_t longest, const struct answering_events *events,
	void *context, char **bound, struct error *error)
{
	struct answering *answering = memory_new(sizeof *answering);
	answering->events = events;
	answering->context = context;
	answering->last = &answering->first;
	pthread_mutex_init(&answering->lock, NULL);
	int code = nng_rep0_open(&answering->socket);
	bool opened = !code;
	if (!code)
		code = nng_socket_set_size(answering->socket, NNG_OPT_RECVMAXSZ, longest + WIRE_SIZE + PROTOCOL_BYTES);
	if (!code)
		code = nng_listen_privately(answering->socket, address, bound);
	if (!code) {
		pthread_mutex_lock(&answering->lock);
		receive(answering);
		pthread_mutex_unlock(&answering->lock);
		return answering;
	}
	error_set(error, "cannot listen on %s: %s", address, nng_strerror(code));
	if (opened)
		nng_close(answering->socket);
	pthread_mutex_destroy(&answering->lock);
	free(answering);
	return NULL;
}

void nng_calls_answer_close(struct answering *answering)
{
	struct nng_request *next;
	pthread_mutex_lock(&answering->lock);
	answering->closing = true;
	pthread_mutex_unlock(&answering->lock);
	nng_close(answering->socket);
	for (struct nng_request *request = answering->requests; request; request = request->next) {
		nng_aio_stop(request->receiving);
		nng_aio_stop(request->sending);
	}
	for (struct nng_request *request = answering->requests; request; request = next) {
		next = request->next;
		free_unsent(request->sending);
		nng_aio_free(request->receiving);
		nng_aio_free(request->sending);
		free(request);
	}
	pthread_mutex_destroy(&answering->lock);
	free(answering);
}
