/* SPDX-License-Identifier: MIT */
/*
 * bench/topic: messages a second from one publisher to 1, 10 and 100 subscribers over each transport, for a queue of 100 and for
 * `all`, from the first publication to the last acknowledgement of the end. Over ipc and tcp the subscribers share a process of
 * their own, each with a link and a thread that takes; within a process all are in one.
 *
 *     build/tests/bench/topic [FACTOR of the counts]
 */
#define WORLD_MUST(is_so, ...) \
	do { if (!(is_so)) { fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); _exit(1); } } while (0)
#define WORLD_PARTIES 101
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../link_world.h"

enum { QUEUE = 100, WINDOW = 128 };

struct setting {
	const char *transport;
	int subscribers, keep;
	size_t size;
	int64_t count;
};

static struct world world;

static void *take_all(void *context)
{
	const struct party *party = context;
	lpad_message *message;
	while (!subscription_take(link_subscription(party->link, "in"), &message, (lpad_deadline){ INT64_MAX }))
		message_free(message);
	return NULL;
}

static void publish_all(const struct setting *setting)
{
	lpad_topic *topic = link_topic(world.party[0].link, "value");
	lpad_message *message = message_bytes(NULL, setting->size);
	for (int64_t i = 0; i < setting->count; i++)
		WORLD_MUST(!topic_publish(topic, message_share(message)), "%s", fault_text());
	message_free(message);
}

static void print(const struct setting *setting, int64_t took_ns)
{
	int64_t received = 0, dropped = 0;
	char keep[16];
	for (int i = 1; i <= setting->subscribers; i++) {
		struct port_counters row = world_count(&world.party[0], "topic", "value", world.party[i].name);
		received += row.received;
		dropped += row.dropped;
		WORLD_MUST(row.published == row.received + row.dropped, "the account is wrong");
	}
	snprintf(keep, sizeof keep, "%d", setting->keep);
	printf("%6zu B  1 -> %-3d  %-6s  keep %-4s  published %9.0f/s  delivered %9.0f/s in all  dropped %6.2f %%\n", setting->size,
		setting->subscribers, setting->transport, setting->keep == LPAD_ALL ? "all" : keep,
		(double)setting->count * 1e9 / (double)took_ns, (double)received * 1e9 / (double)took_ns,
		100.0 * (double)dropped / (double)(received + dropped));
	fflush(stdout);
}

/* The parties that are not remote, as far as the end. */
static void live(const struct setting *setting)
{
	pthread_t threads[WORLD_PARTIES];
	bool publishes = !world.party[0].remote;
	int takers = publishes && !transport_is("inproc") ? 0 : setting->subscribers;
	world_start(&world);
	for (int i = 0; i < takers; i++)
		WORLD_MUST(!pthread_create(&threads[i], NULL, take_all, &world.party[i + 1]), "no thread");
	int64_t begin = clock_ns();
	if (publishes) {
		publish_all(setting);
		world_end_run(&world.party[0]);
	}
	for (int i = 0; i < takers; i++)
		pthread_join(threads[i], NULL);
	world_drain(&world);
	if (publishes)
		print(setting, clock_ns() - begin);
	_exit(0);
}

/* nng is used in children only. */
static void measure(const struct setting *setting)
{
	struct edge edges[WORLD_PARTIES];
	setenv("LPAD_TRANSPORT", setting->transport, 1);
	int processes = transport_is("inproc") ? 1 : 2;
	for (int i = 0; i < setting->subscribers; i++)
		edges[i] = (struct edge){ .from = 0, .topic = "value", .to = i + 1, .port = "in", .keep = setting->keep,
			.window = WINDOW };
	world_make(&world, setting->subscribers + 1, edges, (size_t)setting->subscribers);
	for (int p = 0; p < processes; p++) {
		if (fork())
			continue;
		for (int i = 0; i <= setting->subscribers; i++)
			world.party[i].remote = processes == 2 && p != (i > 0);
		live(setting);
	}
	for (int p = 0; p < processes; p++) {
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
	static const struct { size_t size; int64_t deliveries; } sizes[] = { { 64, 200000 }, { 64 << 10, 10000 } };
	static const int subscribers[] = { 1, 10, 100 }, keeps[] = { QUEUE, LPAD_ALL };
	static const char *const transports[] = { "ipc", "tcp", "inproc" };
	double factor = argc > 1 ? atof(argv[1]) : 1;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t s = 0; s < 2; s++)
		for (size_t n = 0; n < 3; n++)
			for (size_t k = 0; k < 2; k++)
				for (size_t t = 0; t < 3; t++)
					measure(&(struct setting){ transports[t], subscribers[n], keeps[k], sizes[s].size,
						(int64_t)((double)sizes[s].deliveries * factor) / subscribers[n] });
	return 0;
}
