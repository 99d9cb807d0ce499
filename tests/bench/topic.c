/* SPDX-License-Identifier: MIT */
/*
 * topic [SECONDS-WORTH]: messages a second from one publisher to 1 and 4 subscribers, each a process of its own, for a queue of 100
 * and for `all`; from the first publication to the last acknowledgement of the end. The factor scales the counts (default 1).
 */
#define WORLD_MUST(is_so, ...) \
	do { if (!(is_so)) { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); _exit(1); } } while (0)
#include <stdio.h>
#include <unistd.h>

#include "../link_world.h"

#include <sys/wait.h>

enum { SUBSCRIBERS_MOST = 4, QUEUE = 100, WINDOW = 128 };

struct setting {
	int subscribers, keep;
	size_t size;
	int64_t count;
};

static void run_subscriber(struct world *world, int number)
{
	lpad_message *message;
	lpad_subscription *in = link_subscription(world->party[number].link, "in");
	while (!subscription_take(in, &message, (lpad_deadline){ INT64_MAX }))
		message_free(message);
}

static void run_publisher(struct world *world, const struct setting *setting)
{
	lpad_topic *topic = link_topic(world->party[0].link, "value");
	lpad_message *message = message_bytes(NULL, setting->size);
	int64_t begin = clock_ns();
	for (int64_t i = 0; i < setting->count; i++)
		WORLD_MUST(!topic_publish(topic, message_share(message)), "%s", fault_text());
	int64_t published = clock_ns();
	message_free(message);
	world_drain(world);
	int64_t end = clock_ns(), received = 0, dropped = 0;
	for (int i = 1; i <= setting->subscribers; i++) {
		struct port_counters row = world_count(&world->party[0], "topic", "value", world->party[i].name);
		received += row.received;
		dropped += row.dropped;
		WORLD_MUST(row.published == row.received + row.dropped, "the account is wrong");
	}
	char keep[16];
	snprintf(keep, sizeof keep, "%d", setting->keep);
	printf("%8zu B  1 -> %d  keep %-4s  published %9.0f/s  delivered %9.0f/s each  dropped %6.2f %%\n", setting->size,
		setting->subscribers, setting->keep == LPAD_ALL ? "all" : keep,
		(double)setting->count / ((double)(published - begin) / 1e9),
		(double)received / setting->subscribers / ((double)(end - begin) / 1e9),
		100.0 * (double)dropped / (double)(received + dropped));
	fflush(stdout);
}

/* One process per party: nng is used in children only. */
static void measure(const struct setting *setting)
{
	struct edge edges[SUBSCRIBERS_MOST];
	struct world world;
	for (int i = 0; i < setting->subscribers; i++)
		edges[i] = (struct edge){ 0, "value", i + 1, "in", setting->keep, WINDOW, false, false };
	world_make(&world, setting->subscribers + 1, edges, (size_t)setting->subscribers);
	for (int number = 0; number <= setting->subscribers; number++) {
		if (fork())
			continue;
		for (int i = 0; i <= setting->subscribers; i++)
			world.party[i].remote = i != number;
		world_start(&world);
		if (number) {
			run_subscriber(&world, number);
			world_drain(&world);
		} else {
			run_publisher(&world, setting);
		}
		link_free(world.party[number].link);
		_exit(0);
	}
	for (int i = 0; i <= setting->subscribers; i++) {
		int status;
		wait(&status);
		WORLD_MUST(!status, "a party failed");
	}
	for (int i = 0; i < world.count; i++)
		world.party[i].remote = true;
	world_free(&world);
}

int main(int argc, char **argv)
{
	static const struct { size_t size; int64_t count; } sizes[] = { { 64, 200000 }, { 64 << 10, 20000 } };
	static const int subscribers[] = { 1, 4 }, keeps[] = { QUEUE, LPAD_ALL };
	double factor = argc > 1 ? atof(argv[1]) : 1;
	for (size_t s = 0; s < 2; s++)
		for (size_t n = 0; n < 2; n++)
			for (size_t k = 0; k < 2; k++)
				measure(&(struct setting){ subscribers[n], keeps[k], sizes[s].size,
					(int64_t)((double)sizes[s].count * factor) });
	return 0;
}
