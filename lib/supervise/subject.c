/* SPDX-License-Identifier: MIT */
#include "supervise/subject.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum { STEP_LIMIT_S = 30, OUTPUT_MOST = 1 << 20, DESCRIPTORS = 3 };
enum { CLOSED_MS = 2000 };      /* from the end of its channel to its own */

double subject_step_limit(void)
{
	const char *text = getenv("LPAD_STEP_LIMIT");
	double seconds = text ? strtod(text, NULL) : 0;
	return seconds > 0 && seconds < 1e6 ? seconds : STEP_LIMIT_S;
}

static int start(struct subject *subject)
{
	const char *words[] = { "/proc/self/exe", "node", "--probe", subject->path, NULL };
	struct helper_order order = { .words = words, .channel = true };
	text_clear(&subject->output);
	if (helper_start(&subject->helper, &order, &subject->error))
		return -1;
	channel_init(&subject->channel, subject->helper.channel);
	subject->helper.channel = -1;   /* the channel closes it */
	return 0;
}

void subject_ask(struct subject *subject, json_t *request)
{
	json_decref(subject->reply);
	subject->reply = NULL;
	if (subject->helper.pid <= 0 && start(subject)) {
		json_decref(request);
		subject->state = SUBJECT_FAILED;
		return;
	}
	channel_send(&subject->channel, request);
	channel_flush(&subject->channel);
	subject->limit_ms = clock_ms() + (int64_t)(subject_step_limit() * 1000);
	subject->state = SUBJECT_ASKED;
}

static void stop_child(struct subject *subject)
{
	subject->status = helper_kill(&subject->helper);
	channel_close(&subject->channel);
}

static void read_output(struct subject *subject)
{
	if (!helper_read(subject->helper.out, &subject->output)) {
		memory_close_at(&subject->helper.out);
		subject->helper.out = -1;
	}
	if (subject->output.length > OUTPUT_MOST)
		text_drop_front(&subject->output, subject->output.length - OUTPUT_MOST / 2);
}

/* The answer, if it has come. */
static void read_reply(struct subject *subject)
{
	channel_read(&subject->channel, NULL);
	if (channel_next(&subject->channel, &subject->reply, NULL) > 0)
		subject->state = SUBJECT_ANSWERED;
	else
		subject->reply = NULL;
}

/* `polls`: channel, output, end of the process. */
static void attend(struct subject *subject, const struct pollfd *polls)
{
	if (polls[0].revents & POLLOUT)
		channel_flush(&subject->channel);
	if ((polls[0].revents & ~POLLOUT) || polls[2].revents)
		read_reply(subject);
	if ((polls[1].revents || subject->state == SUBJECT_ANSWERED || polls[2].revents) && subject->helper.out >= 0)
		read_output(subject);
	if (subject->state == SUBJECT_ANSWERED)
		return;
	int64_t now = clock_ms();
	if (subject->channel.ended && subject->limit_ms > now + CLOSED_MS)
		subject->limit_ms = now + CLOSED_MS;
	if (polls[2].revents || now >= subject->limit_ms) {
		stop_child(subject);
		subject->state = polls[2].revents ? SUBJECT_DIED : SUBJECT_LATE;
	}
}

/* Milliseconds until the first of them is late; -1: nobody is asked. */
static int next_limit(struct subject *const *subjects, size_t count)
{
	int64_t now = clock_ms(), least = -1;
	for (size_t i = 0; i < count; i++) {
		if (subjects[i]->state != SUBJECT_ASKED)
			continue;
		int64_t left = subjects[i]->limit_ms > now ? subjects[i]->limit_ms - now : 0;
		if (least < 0 || left < least)
			least = left;
	}
	return least > 1000000 ? 1000000 : (int)least;
}

static void fill_polls(struct pollfd *polls, const struct subject *subject)
{
	bool asked = subject->state == SUBJECT_ASKED;
	short wanted = (short)(POLLIN | (channel_pending(&subject->channel) ? POLLOUT : 0));
	polls[0] = (struct pollfd){ asked && !subject->channel.ended ? subject->channel.fd : -1, wanted, 0 };
	polls[1] = (struct pollfd){ asked ? subject->helper.out : -1, POLLIN, 0 };
	polls[2] = (struct pollfd){ asked ? subject->helper.pidfd : -1, POLLIN, 0 };
}

void subjects_wait(struct subject *const *subjects, size_t count)
{
	struct pollfd *cleanup_free polls = memory_array(count * DESCRIPTORS, sizeof *polls);
	for (int left; (left = next_limit(subjects, count)) >= 0; ) {
		for (size_t i = 0; i < count; i++)
			fill_polls(&polls[i * DESCRIPTORS], subjects[i]);
		if (poll(polls, count * DESCRIPTORS, left + 1) < 0 && errno != EINTR)
			BUG("poll: errno %d", errno);
		for (size_t i = 0; i < count; i++)
			if (subjects[i]->state == SUBJECT_ASKED)
				attend(subjects[i], &polls[i * DESCRIPTORS]);
	}
}

void subject_end(struct subject *subject)
{
	if (subject->helper.pid > 0)
		stop_child(subject);
	json_decref(subject->reply);
	subject->reply = NULL;
	text_release(&subject->output);
	subject->state = SUBJECT_IDLE;
}

bool subject_forked(const struct subject *subject)
{
	struct pids children = { 0 };
	if (subject->helper.pid > 0)
		helper_children(subject->helper.pid, &children);
	bool forked = children.list.count > 0;
	list_release(&children.list);
	return forked;
}
