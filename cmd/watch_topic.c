/* SPDX-License-Identifier: MIT */
/*
 * Messages of a topic, as an observer: nobody waits for it, and it is in no count. The console says where the replicas publish, and
 * where their successors do; a thread listens to it, and keeps time for the link.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "link/message_convert.h"
#include "watching.h"

enum { QUEUE = 4096 };                  /* messages that wait to be printed */
static const int64_t SAY_EVERY_NS = 1000000000;

struct looking {
	struct watching *watching;
	struct link *link;
	lpad_subscription *subscription;
	int wake;
	bool over;                      /* the console has ended; of the thread */
	int64_t missed_said, said_ns;
};

static int64_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *word(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ---- the thread ---- */

static void on_note(void *context, const char *text)
{
	(void)context;
	watching_say("%s", text);
}

static void on_wake(void *context)
{
	uint64_t one = 1;
	ssize_t ignored = write(((struct looking *)context)->wake, &one, sizeof one);
	(void)ignored;
}

static void ignore(void *context)
{
	(void)context;
}

static void hear_listening(const struct looking *looking, const json_t *line)
{
	struct error error = { 0 };
	const json_t *replica = json_object_get(line, "replica");
	struct topic_address topic = { looking->watching->port, word(line, "address"), NULL };
	struct peer_up up = { .group = (uint32_t)integer(replica, "number"), .index = (uint32_t)integer(replica, "index"),
		.incarnation = (uint32_t)integer(replica, "incarnation"), .serve = word(line, "serve"), .topics = &topic,
		.topic_count = 1 };
	if (link_peer_up(looking->link, &up, &error))
		watching_say("%s: %s", word(replica, "node"), error.text);
}

/* Of all replicas, or of the one with that name. */
static void lose(const struct looking *looking, const char *node, uint32_t incarnation, bool gone)
{
	size_t i;
	json_t *replica;
	json_array_foreach(json_object_get(looking->watching->answer, "replicas"), i, replica)
		if (!node || text_equal(node, word(replica, "node")))
			link_peer_lost(looking->link, (uint32_t)integer(replica, "number"), (uint32_t)integer(replica, "index"),
				incarnation, gone);
}

static void hear(const struct looking *looking, const json_t *line)
{
	const char *event = word(line, "event");
	if (text_equal(event, "listening"))
		hear_listening(looking, line);
	else if (text_equal(event, "lost"))
		lose(looking, word(line, "node"), (uint32_t)integer(line, "incarnation"), false);
	else if (text_equal(event, "failed"))
		watching_say("%s: %s", word(json_object_get(line, "replica"), "node"), word(line, "text"));
}

/* When the run has ended nothing new comes from anybody; what is on its way still does. */
static void listen_to_console(struct looking *looking)
{
	struct channel *console = &looking->watching->run.console;
	struct error error = { 0 };
	json_t *line;
	bool broken = channel_read(console, &error);
	while (channel_next(console, &line, &error) > 0) {
		hear(looking, line);
		json_decref(line);
	}
	if (!broken && !console->ended)
		return;
	looking->over = true;
	lose(looking, NULL, UINT32_MAX, true);
}

static void *keep_time(void *context)
{
	struct looking *looking = context;
	listen_to_console(looking);             /* lines may have come with the answer */
	for (;;) {
		int64_t ms = link_tick(looking->link);
		struct pollfd polls[] = {
			{ .fd = looking->wake, .events = POLLIN },
			{ .fd = looking->over ? -1 : looking->watching->run.console.fd, .events = POLLIN },
		};
		poll(polls, 2, ms < 0 || ms > 1000000 ? 1000000 : (int)ms);
		uint64_t ignored;
		ssize_t got = polls[0].revents ? read(looking->wake, &ignored, sizeof ignored) : 0;
		(void)got;
		if (polls[1].revents)
			listen_to_console(looking);
	}
	return NULL;
}

/* ---- the link ---- */

static struct publisher_link publisher_of(const struct watching *watching, const json_t *replica)
{
	bool latest = json_is_true(json_object_get(watching->answer, "latest"));
	return (struct publisher_link){ .peer = { .node = word(replica, "node"), .group = (uint32_t)integer(replica, "number"),
		.index = (uint32_t)integer(replica, "index"), .incarnation = (uint32_t)integer(replica, "incarnation") },
		.topic = watching->port, .buffer = (int)integer(watching->answer, "buffer"), .keep = latest ? LPAD_LATEST : QUEUE,
		.eager = true };
}

static int open_link(struct looking *looking, struct error *error)
{
	const struct watching *watching = looking->watching;
	const json_t *replicas = json_object_get(watching->answer, "replicas");
	size_t count = json_array_size(replicas);
	struct publisher_link *cleanup_free publishers = memory_array(count, sizeof *publishers);
	for (size_t i = 0; i < count; i++)
		publishers[i] = publisher_of(watching, json_array_get(replicas, i));
	struct subscription_link subscription = { .name = "watch", .publishers = publishers, .count = count };
	struct link_spec spec = { .self = { .node = "lpad watch", .group = UINT32_MAX, .index = (uint32_t)getpid(), .incarnation = 1 },
		.observer = true, .token = strtoull(word(watching->answer, "token"), NULL, 16),
		.longest = (size_t)integer(watching->answer, "max_message"), .subscriptions = &subscription, .subscription_count = 1 };
	struct link_hooks hooks = { .context = looking, .wired = ignore, .drained = ignore, .note = on_note, .wake = on_wake };
	pthread_t thread;
	looking->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	looking->link = link_new(&spec, &hooks, error);
	if (!looking->link || link_connect(looking->link, error))
		return -1;
	looking->subscription = link_subscription(looking->link, "watch");
	return pthread_create(&thread, NULL, keep_time, looking) ? error_set(error, "cannot start a thread") : 0;
}

/* ---- messages ---- */

static void print(const struct watching *watching, const struct observation *seen)
{
	struct text cleanup_text line = { 0 };
	char time[32];
	clock_stamp(time, seen->at_ms);
	char *cleanup_free shown = message_show(seen->message, watching->full);
	text_format(&line, "{\"node\":\"%s\",\"incarnation\":%u,\"topic\":\"%s\",\"number\":%llu,\"time\":\"%s\",\"message\":%s}\n",
		seen->node, seen->incarnation, watching->port, (unsigned long long)seen->number, time, shown);
	fwrite(line.data, 1, line.length, stdout);
}

static void say_missed(struct looking *looking, bool last)
{
	int64_t now = clock_ns();
	if (!last && now - looking->said_ns < SAY_EVERY_NS)
		return;
	looking->said_ns = now;
	int64_t missed = watch_tally(looking->link).missed, news = missed - looking->missed_said;
	looking->missed_said = missed;
	if (news > 0)
		watching_say("missed %lld message%s of %s, %lld in all", (long long)news, news == 1 ? "" : "s",
			looking->watching->target, (long long)missed);
}

static int print_all(struct looking *looking)
{
	struct watching *watching = looking->watching;
	struct observation seen;
	int code;
	bool enough = false;
	while (!enough && !(code = subscription_observe(looking->subscription, &seen, true, (lpad_deadline){ watching->until_ns }))) {
		if (clock_ns() >= watching->until_ns) {         /* messages may come faster than they can be printed */
			message_free(seen.message);
			return LPAD_ETIMEDOUT;
		}
		print(watching, &seen);
		message_free(seen.message);
		say_missed(looking, false);
		enough = watching_enough(watching);
	}
	say_missed(looking, true);
	return enough ? 0 : code;
}

/* ---- the whole of it ---- */

/* Nothing comes from one that does not run: who waits should know. */
static void say_who_is_away(const struct watching *watching)
{
	static const char *const present[] = { "running", "ended", "stopping", "draining" };
	struct text cleanup_text away = { 0 };
	size_t i;
	json_t *replica;
	json_array_foreach(json_object_get(watching->answer, "replicas"), i, replica) {
		const char *state = word(replica, "state");
		bool here = false;
		for (size_t k = 0; k < sizeof present / sizeof present[0]; k++)
			here |= text_equal(state, present[k]);
		if (!here)
			text_format(&away, "%s%s (%s)", away.length ? ", " : "", word(replica, "node"), state);
	}
	if (away.length)
		watching_say("waiting until they run: %s", text_string(&away));
}

static int conclude(const struct watching *watching, int code)
{
	switch (code) {
	case 0:
		return EXIT_OK;
	case LPAD_EENDED:
		watching_say("%s has ended", watching->target);
		return EXIT_OK;
	case LPAD_ETIMEDOUT:
		watching_say("the time is up");
		return EXIT_TIME;
	default:
		watching_say("%s", fault_text());
		return EXIT_PROBLEMS;
	}
}

/* The link is not closed: the program ends, and that is left to the kernel. */
int watch_topic(struct watching *watching)
{
	static struct looking looking;
	struct error error = { 0 };
	looking = (struct looking){ .watching = watching, .said_ns = clock_ns() };
	say_who_is_away(watching);
	if (open_link(&looking, &error)) {
		watching_say("%s", error.text);
		return EXIT_PROBLEMS;
	}
	int code = watching->rate ? watch_rate(watching, looking.link, looking.subscription) : print_all(&looking);
	fflush(stdout);
	return conclude(watching, code);
}
