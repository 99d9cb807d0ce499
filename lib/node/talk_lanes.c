/* SPDX-License-Identifier: MIT */
/* Topics and subscriptions of a program: what is said about one port is done in order, by a thread of the port, as it may wait. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "node/talk_inside.h"

static const double POLL_SECONDS = 0;

/* ---- the ports ---- */

static struct lane *lane_add(struct talk *talk, const char *name)
{
	struct lane *lane = &talk->lanes[talk->lane_count++];
	*lane = (struct lane){ .talk = talk, .name = name, .mishaps.name = name };
	pthread_cond_init(&lane->changed, NULL);
	return lane;
}

/* All but stdout and stdin. A subscription that no edge leads to has no lane. */
void lanes_new(struct talk *talk)
{
	const struct command *command = talk->command;
	struct link *link = command->node->link;
	json_t *topics = json_object_get(command->document, "topics"), *port;
	json_t *subscriptions = json_object_get(command->document, "subscriptions");
	size_t i;
	talk->lanes = memory_array(json_array_size(topics) + json_array_size(subscriptions), sizeof *talk->lanes);
	json_array_foreach(topics, i, port) {
		struct lane *lane = i ? lane_add(talk, json_string_value(json_object_get(port, "name"))) : NULL;
		if (!lane)
			continue;
		lane->topic = link_topic(link, lane->name);
		lane->signature = json_string_value(json_object_get(port, "signature"));
	}
	json_array_foreach(subscriptions, i, port) {
		const char *name = json_string_value(json_object_get(port, "name"));
		if (!strcmp(name, "stdin") || !link_subscription(link, name))
			continue;
		struct lane *lane = lane_add(talk, name);
		json_t *json = json_object_get(json_object_get(command->node->document->json, "subscriptions"), name);
		lane->subscription = link_subscription(link, name);
		lane->cycle = json_is_true(json_object_get(json, "cycle"));
	}
}

static struct lane *lane_named(struct talk *talk, const char *name, bool topic)
{
	for (size_t i = 0; i < talk->lane_count; i++)
		if (text_equal(talk->lanes[i].name, name) && !talk->lanes[i].topic != topic)
			return &talk->lanes[i];
	return NULL;
}

/* ---- topics ---- */

static void publish(struct lane *lane, int64_t visit, json_t *job)
{
	struct talk *talk = lane->talk;
	json_t *id = json_object_get(job, "id");
	lpad_message *message = talk_message(talk, visit, job, lane->signature);
	if (!message)
		return;
	if (command_publish(talk->command, lane->topic, message, &lane->patient_until_ns))
		talk_say_error(talk, visit, id, fault_code(), fault_text());
	else
		talk_say(talk, visit, json_pack("{s:s, s:o}", "is", "answer", "id", json_deep_copy(id)));
}

/* ---- subscriptions ---- */

static int take_one(struct lane *lane, lpad_deadline deadline, lpad_message **out)
{
	int64_t until_ns = 0;
	int code;
	if (lane->talk->command->node->alone)   /* as much as lies there: its publishers do not end */
		return fault_set(LPAD_ESTOPPED, "subscription \"%s\": this node is stopping", lane->name);
	if (lane->unclaimed.count) {
		*out = lane->unclaimed.at[0];
		memmove(lane->unclaimed.at, lane->unclaimed.at + 1, --lane->unclaimed.count * sizeof lane->unclaimed.at[0]);
		return 0;
	}
	do
		code = subscription_take(lane->subscription, out, deadline);
	while (code == LPAD_ESTOPPED && (deadline.at == INT64_MAX || clock_ns() < deadline.at) &&
		command_may_come(lane->talk->command, lane->cycle, &until_ns));
	return code;
}

static json_t *shown(const lpad_message *message, struct error *error)
{
	json_t *value = talk_value(message, error);
	return value ? json_pack("{s:o, s:s, s:i, s:i}", "value", value, "sender", message_sender(message), "index",
		message_sender_index(message), "incarnation", message_sender_incarnation(message)) : NULL;
}

/* The connection that asked is gone: the next one gets them. */
static void keep_unclaimed(struct lane *lane, lpad_message *const *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*list_add(&lane->unclaimed) = message_share(messages[i]);
}

static void say_taken(struct lane *lane, int64_t visit, const json_t *id, lpad_message *const *messages, size_t count)
{
	struct error error = { 0 };
	json_t *list = json_array(), *one;
	for (size_t i = 0; i < count; i++)
		if ((one = shown(messages[i], &error)))
			json_array_append_new(list, one);
		else
			mishap(lane->talk->command, &lane->mishaps, "a message of %s was dropped: %s", message_sender(messages[i]),
				error.text);
	if (error.text[0] && !json_array_size(list)) {
		json_decref(list);
		talk_say_error(lane->talk, visit, id, LPAD_ETOOBIG, error.text);
		return;
	}
	talk_say(lane->talk, visit, json_pack("{s:s, s:o, s:o}", "is", "answer", "id", json_deep_copy(id), "messages", list));
}

/* One, and what else is there, up to "most". */
static void take(struct lane *lane, int64_t visit, json_t *job)
{
	json_t *seconds = json_object_get(job, "deadline"), *id = json_object_get(job, "id");
	json_int_t most = json_integer_value(json_object_get(job, "most"));
	LIST(lpad_message *) taken = { 0 };
	lpad_message *message;
	lpad_deadline deadline = json_is_number(seconds) ? host_table.in(json_number_value(seconds)) : (lpad_deadline){ INT64_MAX };
	int code = take_one(lane, deadline, &message);
	while (!code) {
		*list_add(&taken) = message;
		if ((json_int_t)taken.count >= most)
			break;
		if (take_one(lane, host_table.in(POLL_SECONDS), &message))
			break;
	}
	if (visit != talk_visit(lane->talk))
		keep_unclaimed(lane, taken.at, taken.count);
	else if (code)
		talk_say_error(lane->talk, visit, id, code, fault_text());
	else
		say_taken(lane, visit, id, taken.at, taken.count);
	for (size_t i = 0; i < taken.count; i++)
		message_free(taken.at[i]);
	list_release(&taken);
}

/* ---- the thread ---- */

/* Lock. */
static struct job take_job(struct lane *lane)
{
	struct job job = lane->jobs.at[lane->next++];
	size_t left = lane->jobs.count - lane->next;
	if (left <= lane->next) {               /* seldom: as many were taken as are moved */
		memmove(lane->jobs.at, lane->jobs.at + lane->next, left * sizeof lane->jobs.at[0]);
		lane->jobs.count = left;
		lane->next = 0;
	}
	lane->talk->undone -= job.size;
	return job;
}

/* NULL: the program has ended, and nothing is left to be done. Of an ended one nothing is taken any more. */
static json_t *next_job(struct lane *lane)
{
	struct talk *talk = lane->talk;
	struct job job = { 0 };
	pthread_mutex_lock(&talk->lock);
	while (!lane->jobs.count && !talk->ended)
		pthread_cond_wait(&lane->changed, &talk->lock);
	bool full = talk->undone >= UNDONE_MOST;
	if (lane->jobs.count)
		job = take_job(lane);
	full &= talk->undone < UNDONE_MOST;
	pthread_mutex_unlock(&talk->lock);
	if (full)
		talk_wake(talk);        /* it hears again */
	return job.line;
}

static void *work(void *context)
{
	struct lane *lane = context;
	char name[16];
	json_t *job;
	snprintf(name, sizeof name, "%s", lane->name);
	pthread_setname_np(pthread_self(), name);
	while ((job = next_job(lane))) {
		int64_t visit = json_integer_value(json_object_get(job, "visit"));
		(lane->topic ? publish : take)(lane, visit, job);
		json_decref(job);
	}
	mishaps_sum_up(lane->talk->command, &lane->mishaps);
	for (size_t i = 0; i < lane->unclaimed.count; i++)
		message_free(lane->unclaimed.at[i]);
	list_release(&lane->unclaimed);
	return NULL;
}

/* Takes the line. */
static void add_job(struct talk *talk, int64_t visit, json_t *line, const char *key, bool topic)
{
	const char *name = json_string_value(json_object_get(line, key));
	struct lane *lane = lane_named(talk, name, topic);
	if (lane && !lane->running)
		lane->running = !pthread_create(&lane->thread, NULL, work, lane);
	if (!lane || !lane->running) {
		talk_say_error(talk, visit, json_object_get(line, "id"), lane ? LPAD_EFAILED : LPAD_EINVALID,
			lane ? "cannot start a thread: see ulimit -u"
			: topic ? "there is no such topic: the file declares them in `topics`"
			: "there is no such subscription, or no edge leads to it");
		json_decref(line);
		return;
	}
	json_object_set_new(line, "visit", json_integer(visit));
	pthread_mutex_lock(&talk->lock);
	*list_add(&lane->jobs) = (struct job){ line, talk->heard };
	talk->undone += talk->heard;
	pthread_cond_signal(&lane->changed);
	pthread_mutex_unlock(&talk->lock);
}

void talk_publish(struct talk *talk, int64_t visit, json_t *line)
{
	add_job(talk, visit, line, "topic", true);
}

void talk_take(struct talk *talk, int64_t visit, json_t *line)
{
	add_job(talk, visit, line, "subscription", false);
}

/* ---- the end ---- */

void lanes_close(struct talk *talk)
{
	for (size_t i = 0; i < talk->lane_count; i++)
		if (talk->lanes[i].subscription)
			subscription_close(talk->lanes[i].subscription);
	pthread_mutex_lock(&talk->lock);
	for (size_t i = 0; i < talk->lane_count; i++)
		pthread_cond_signal(&talk->lanes[i].changed);
	pthread_mutex_unlock(&talk->lock);
}

bool lanes_join(struct talk *talk, const struct timespec *until)
{
	bool all = true;
	for (size_t i = 0; i < talk->lane_count; i++) {
		struct lane *lane = &talk->lanes[i];
		if (lane->running && until)
			all &= !pthread_timedjoin_np(lane->thread, NULL, until);
		else if (lane->running)
			pthread_join(lane->thread, NULL);
	}
	return all;
}
