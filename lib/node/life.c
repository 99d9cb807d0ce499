/* SPDX-License-Identifier: MIT */
#include "node/life.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/files.h"
#include "node/descriptors.h"
#include "node/inside.h"

enum {
	REPORT_MS = 100,                /* how long a report may wait for others */
	STATUS_MS = 1000,               /* between two lines of statuses */
	COUNTERS_SLOWEST_MS = 8000,     /* between two looks at the counters while nothing changes */
	FLUSH_MS = 3000                 /* for the last words to the supervisor */
};

/* ---- what other threads leave ---- */

static void wake(void *context)
{
	struct life *life = context;
	uint64_t one = 1;
	ssize_t ignored = write(life->wake_fd, &one, sizeof one);
	(void)ignored;
}

static void say(void *context, const struct replica_document *document, json_t *line)
{
	struct life *life = context;
	json_object_set_new(line, "node", json_string(document->node));
	pthread_mutex_lock(&life->lock);
	*list_add(&life->outbox) = line;
	pthread_mutex_unlock(&life->lock);
	wake(life);
}

static void failed(void *context, int code)
{
	struct life *life = context;
	pthread_mutex_lock(&life->lock);
	if (!life->failed)
		life->failed_code = code;
	life->failed = true;
	pthread_mutex_unlock(&life->lock);
	wake(life);
}

/* Moves the outbox to the channel. true: this process has failed. */
static bool take_outbox(struct life *life)
{
	pthread_mutex_lock(&life->lock);
	for (size_t i = 0; i < life->outbox.count; i++)
		channel_send(&life->channel, life->outbox.at[i]);
	life->outbox.count = 0;
	bool is_failed = life->failed;
	pthread_mutex_unlock(&life->lock);
	return is_failed;
}

/* ---- by the clock ---- */

static void send_reports(struct life *life)
{
	for (size_t i = 0; i < life->count; i++) {
		json_t *line = life->replicas[i].node ? reports_take(&life->replicas[i].node->reports) : NULL;
		if (!line)
			continue;
		json_object_set_new(line, "node", json_string(life->replicas[i].document->node));
		channel_send(&life->channel, line);
	}
	life->report_at = INT64_MAX;
}

static void add_wait(void *list, const struct told_wait *wait)
{
	json_array_append_new(list, json_pack("{s:o, s:o, s:f}", "for", channel_text(wait->what, strlen(wait->what)),
		"why", channel_text(wait->why, strlen(wait->why)), "seconds", wait->seconds));
}

/* NULL: nothing has changed. */
static json_t *status_line(struct replica *replica)
{
	json_t *texts = statuses_take(&replica->node->statuses), *waits = NULL;
	if (link_told_waits(replica->node->link, NULL, NULL) != replica->told_waits)
		replica->told_waits = link_told_waits(replica->node->link, add_wait, waits = json_array());
	if (!texts && !waits)
		return NULL;
	json_t *line = json_pack("{s:s, s:s}", "is", "status", "node", replica->document->node);
	if (texts)
		json_object_set_new(line, "texts", texts);
	if (waits)
		json_object_set_new(line, "waits", waits);
	return line;
}

static void send_statuses(struct life *life)
{
	for (size_t i = 0; i < life->count; i++) {
		json_t *line = life->replicas[i].node ? status_line(&life->replicas[i]) : NULL;
		if (line)
			channel_send(&life->channel, line);
	}
	life->status_last = clock_ms();
	life->status_at = INT64_MAX;
}

/* true: something had changed. */
static bool send_counters(struct life *life)
{
	bool changed = false;
	for (size_t i = 0; i < life->count; i++) {
		struct replica *replica = &life->replicas[i];
		json_t *line = replica->node ? counters_line(replica->node->link, replica->document->node, &replica->counters) : NULL;
		if (line)
			channel_send(&life->channel, line);
		changed |= line != NULL;
	}
	return changed;
}

static void send_waits(struct life *life)
{
	enum { MOST = 8 };
	for (size_t i = 0; i < life->count; i++) {
		const char *names[MOST];
		struct replica *replica = &life->replicas[i];
		if (!replica->connected)
			continue;
		size_t count = link_waits_for(replica->node->link, names, MOST);
		json_t *list = json_array();
		for (size_t k = 0; k < count && k < MOST; k++)
			json_array_append_new(list, json_string(names[k]));
		channel_send(&life->channel, json_pack("{s:s, s:s, s:s, s:o}", "is", "step", "node", replica->document->node,
			"step", replica->draining ? "drain" : "wire", "waits_for", list));
	}
}

static void pass_time(struct life *life)
{
	int64_t now = clock_ms();
	if (now >= life->report_at)
		send_reports(life);
	if (now >= life->status_at)
		send_statuses(life);
	if (now >= life->counters_at) {
		bool changed = send_counters(life);
		life->counters_every = changed ? COUNTERS_MS
			: life->counters_every * 2 > COUNTERS_SLOWEST_MS ? COUNTERS_SLOWEST_MS : life->counters_every * 2;
		life->counters_at = now + life->counters_every;
	}
	if (now >= life->waits_at) {
		send_waits(life);
		life->waits_at = now + WAITS_MS;
	}
}

static void note_reports(struct life *life)
{
	if (life->report_at == INT64_MAX)
		life->report_at = clock_ms() + REPORT_MS;
}

static void note_statuses(struct life *life)
{
	if (life->status_at == INT64_MAX)
		life->status_at = life->status_last + STATUS_MS;
}

/* Milliseconds to sleep; -1: until something happens. */
static int time_left(struct life *life)
{
	int64_t next = life->report_at;
	next = life->status_at < next ? life->status_at : next;
	next = life->counters_at < next ? life->counters_at : next;
	next = life->waits_at < next ? life->waits_at : next;
	for (size_t i = 0; i < life->count; i++) {
		int64_t tick = life->replicas[i].node ? link_tick(life->replicas[i].node->link) : -1;
		if (tick >= 0 && clock_ms() + tick < next)
			next = clock_ms() + tick;
	}
	if (next == INT64_MAX)
		return -1;
	int64_t left = next - clock_ms();
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static void tell_drained(struct life *life)
{
	for (size_t i = 0; i < life->count; i++) {
		struct replica *replica = &life->replicas[i];
		if (!replica->drained || replica->drained_said)
			continue;
		replica->drained_said = true;
		int64_t left = 0;
		char *text = link_left(replica->node->link, &left);
		send_reports(life);
		send_statuses(life);
		send_counters(life);
		json_t *line = json_pack("{s:s, s:s, s:I}", "is", "drained", "node", replica->document->node,
			"left", (json_int_t)left);
		if (text)
			json_object_set_new(line, "text", json_string(text));
		free(text);
		channel_send(&life->channel, line);
		life->waits_at = INT64_MAX;
	}
}

/* ---- the loop ---- */

static void flush_last_words(struct life *life)
{
	int64_t until = clock_ms() + FLUSH_MS;
	while (channel_pending(&life->channel) && clock_ms() < until) {
		struct pollfd poll_out = { .fd = life->channel.fd, .events = POLLOUT };
		poll(&poll_out, 1, (int)(until - clock_ms()));
		channel_flush(&life->channel);
	}
}

/* The author's code may still run on other threads, so nothing is freed. */
static void leave(struct life *life, int code)
{
	send_reports(life);
	send_statuses(life);
	send_counters(life);
	fflush(NULL);
	flush_last_words(life);
	_exit(code);
}

/* What has come and was not obeyed yet. */
static void obey_all(struct life *life)
{
	struct error error = { 0 };
	json_t *line;
	int got;
	while ((got = channel_next(&life->channel, &line, &error)) > 0) {
		orders_obey(life, line);
		json_decref(line);
	}
	if (got < 0 || (life->channel.ended && !life->finishing))
		leave(life, 1);         /* the supervisor is gone, and with it the run */
}

static void read_orders(struct life *life)
{
	struct error error = { 0 };
	channel_read(&life->channel, &error);
	obey_all(life);
}

static void wait_for_something(struct life *life)
{
	struct pollfd polls[2] = {
		{ .fd = life->channel.fd, .events = POLLIN | (channel_pending(&life->channel) ? POLLOUT : 0) },
		{ .fd = life->wake_fd, .events = POLLIN },
	};
	poll(polls, 2, time_left(life));
	if (polls[1].revents) {
		uint64_t ignored;
		ssize_t got = read(life->wake_fd, &ignored, sizeof ignored);
		(void)got;
		note_reports(life);
		note_statuses(life);
	}
	if (polls[0].revents & (POLLIN | POLLHUP | POLLERR))
		read_orders(life);
}

/* What was said is on its way before the author's code runs: if that crashes, the supervisor knows in which step. */
static void tell_now(struct life *life)
{
	if (take_outbox(life))
		leave(life, life->failed_code);
	channel_flush(&life->channel);
}

/* The supervisor tells other processes where a replica was found. */
static void bind_the_ready(struct life *life)
{
	for (size_t i = 0; i < life->count; i++) {
		struct replica *replica = &life->replicas[i];
		replica_bind_when_ready(replica);
		if (replica->found)
			orders_peer_is_up(life, replica->found);
		json_decref(replica->found);
		replica->found = NULL;
	}
}

/* Until the supervisor says finish. Does not return: links are left as they are, see link_leave. */
static __attribute__((noreturn)) void live(struct life *life)
{
	obey_all(life);                 /* what came in one piece with the document */
	while (!life->finishing) {
		wait_for_something(life);
		bind_the_ready(life);
		pass_time(life);
		if (take_outbox(life))
			leave(life, life->failed_code);
		tell_drained(life);
		channel_flush(&life->channel);
	}
	for (size_t i = 0; i < life->count; i++)        /* all of them: one may wait for another */
		replica_stop(&life->replicas[i], false);
	for (size_t i = 0; i < life->count; i++)
		replica_end_work(&life->replicas[i]);
	tell_now(life);
	for (size_t i = 0; i < life->count; i++)
		replica_begin_fini(&life->replicas[i]);
	for (size_t i = 0; i < life->count; i++)
		replica_finish(&life->replicas[i]);
	bool bad = take_outbox(life);
	send_reports(life);             /* of fini */
	send_statuses(life);
	fflush(NULL);
	flush_last_words(life);
	exit(bad ? life->failed_code : 0);
}

static int read_document(struct life *life, struct error *error)
{
	json_t *line = NULL;
	for (;;) {
		struct pollfd poll_in = { .fd = life->channel.fd, .events = POLLIN };
		poll(&poll_in, 1, -1);
		if (channel_read(&life->channel, error))
			return -1;
		int got = channel_next(&life->channel, &line, error);
		if (got > 0)
			return document_read(line, &life->document, error);
		if (got < 0 || life->channel.ended)
			return error_set(error, "no document came from the supervisor");
	}
}

static void start(struct life *life, size_t place)
{
	struct replica *replica = &life->replicas[place];
	replica_new(replica, &life->document.nodes[place], &life->events);
	tell_now(life);
	int failed_to_load = replica_load(replica, &life->document);
	tell_now(life);
	if (!failed_to_load)
		replica_init(replica);
}

/* A write to what nobody reads is an error, not death; unlike SIG_IGN, programs that the node starts do not inherit it. */
static void survive(int signal_number)
{
	(void)signal_number;
}

int life_main(int fd)
{
	struct error error = { 0 };
	struct life life = { .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .report_at = INT64_MAX, .status_at = INT64_MAX,
		.counters_at = INT64_MAX, .counters_every = COUNTERS_MS, .waits_at = INT64_MAX };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "lpad node");
	signal(SIGPIPE, survive);
	descriptors_raise();
	memory_keep_large();
	setvbuf(stdout, NULL, _IOLBF, 0);       /* lines appear when they are written, though it is a pipe */
	pthread_mutex_init(&life.lock, NULL);
	channel_init(&life.channel, fd);
	files_close_on_exec(fd);
	life.events = (struct replica_events){ .context = &life, .say = say, .wake = wake, .failed = failed };
	if (read_document(&life, &error)) {
		fprintf(stderr, "lpad node: %s\n", error.text);
		return 1;
	}
	life.count = life.document.count;
	life.replicas = memory_array(life.count, sizeof *life.replicas);
	for (size_t i = 0; i < life.count; i++)
		start(&life, i);
	live(&life);
}
