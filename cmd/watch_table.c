/* SPDX-License-Identifier: MIT */
/* Everything at once: on a terminal a table that is drawn anew in its place, without one a line of JSON, each interval. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "watching.h"

enum { CONTROL_C = 3 };
static const int64_t PATIENCE_NS = INT64_C(10000000000);
static const char home[] = "\033[H", rest_of_line[] = "\033[K", rest_of_screen[] = "\033[J", clear[] = "\033[2J";

static volatile sig_atomic_t told_to_end;

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* ---- cells ---- */

__attribute__((format(printf, 2, 3)))
static void cell(struct table *table, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	table_cell(table, text);
}

/* 1.5M, 12k, 7 */
static void amount(struct table *table, double value, const char *unit)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T" };
	size_t at = 0;
	for (; value >= 1000 && at < 4; at++)
		value /= 1000;
	cell(table, value && value < 10 ? "%.1f%s%s" : "%.0f%s%s", value, prefixes[at], unit);
}

/* 1.5 MiB, as lpad status says it */
static void memory(struct table *table, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t at = 0;
	for (; bytes >= 1024 && at < 4; at++)
		bytes /= 1024;
	cell(table, at && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[at]);
}

/* What it was at the last look; NULL: it was not there. */
static const json_t *before(const json_t *last, const char *list, const char *key, const char *name)
{
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(last, list), i, entry)
		if (!strcmp(word(entry, key), name))
			return entry;
	return NULL;
}

/* Per second, since the last look, or since the start. */
static double rate(const json_t *now, const json_t *old, const char *key, double seconds)
{
	double more = number(now, key) - number(old, key);
	return seconds > 0 && more > 0 ? more / seconds : 0;
}

/* ---- the tables ---- */

/* Who needs to be looked at comes first. */
static int rank(const json_t *node)
{
	static const char *const order[] = { "failing", "waiting", "starting", "wiring", "stopping", "draining", "finishing", "running" };
	const char *state = word(node, "state");
	if (!strcmp(state, "dead") && json_is_object(json_object_get(node, "failure")))
		return -1;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		if (!strcmp(order[i], state))
			return (int)i;
	return 100;
}

struct place {
	const json_t *node;
	int rank;
	size_t at;
};

static int by_rank(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	return one->rank != two->rank ? one->rank - two->rank : one->at < two->at ? -1 : 1;
}

static void add_node(struct table *table, const json_t *node, const json_t *old, double seconds)
{
	const char *waits = word(node, "waits_for");
	table_cell(table, word(node, "node"));
	table_cell(table, word(node, "state"));
	cell(table, *waits ? "%s: waits for %s" : "%s", word(node, "step"), waits);
	cell(table, "%.0f", number(node, "restarts"));
	cell(table, "%.0f%%", 100 * rate(node, old, "cpu", seconds));
	memory(table, number(node, "memory"));
}

static void print_nodes(const json_t *status, const json_t *last, double seconds, FILE *out, size_t width)
{
	const json_t *nodes = json_object_get(status, "nodes");
	size_t count = json_array_size(nodes);
	struct place *cleanup_free places = memory_array(count + 1, sizeof *places);
	struct table table = { 0 };
	static const char *const heads[] = { "node", "state", "step", "restarts", "cpu", "memory" };
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		table_column(&table, heads[i], i > 2);
	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){ json_array_get(nodes, i), rank(json_array_get(nodes, i)), i };
	qsort(places, count, sizeof *places, by_rank);
	for (size_t i = 0; i < count; i++)
		add_node(&table, places[i].node, before(last, "nodes", "node", word(places[i].node, "node")), seconds);
	table_print(&table, out, width);
	table_release(&table);
}

static void print_edges(const json_t *status, const json_t *last, double seconds, FILE *out, size_t width)
{
	static const char *const heads[] = { "edge", "messages/s", "bytes/s", "messages", "dropped", "lost" };
	struct table table = { 0 };
	size_t i;
	json_t *edge;
	for (i = 0; i < sizeof heads / sizeof heads[0]; i++)
		table_column(&table, heads[i], i > 0);
	json_array_foreach(json_object_get(status, "edges"), i, edge) {
		const json_t *old = before(last, "edges", "edge", word(edge, "edge"));
		table_cell(&table, word(edge, "edge"));
		amount(&table, rate(edge, old, "messages", seconds), "");
		amount(&table, rate(edge, old, "bytes", seconds), "");
		cell(&table, "%.0f", number(edge, "messages"));
		cell(&table, "%.0f", number(edge, "dropped"));
		cell(&table, "%.0f", number(edge, "lost"));
	}
	if (json_array_size(json_object_get(status, "edges"))) {
		fputc('\n', out);
		table_print(&table, out, width);
	}
	table_release(&table);
}

/* lpad_status, of all that say something. */
static void print_words(const json_t *status, FILE *out, size_t width)
{
	struct table table = { 0 };
	size_t i;
	json_t *node, *text;
	const char *name;
	table_column(&table, "status", false);
	table_column(&table, "", false);
	json_array_foreach(json_object_get(status, "nodes"), i, node)
		json_object_foreach(json_object_get(node, "status"), name, text) {
			cell(&table, "%s%s%s", word(node, "node"), *name ? " " : "", name);
			table_cell(&table, json_string_value(text));
		}
	if (table.cells.count) {
		fputc('\n', out);
		table_print(&table, out, width);
	}
	table_release(&table);
}

/* Caller frees. */
static char *make_screen(const json_t *status, const json_t *last, size_t width)
{
	char *text = NULL, span[32];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	double time = number(status, "time"), seconds = time - number(last, "time");
	clock_span(span, (int64_t)(time * 1000));
	fprintf(out, "%s: %s for %s, %.0f of %.0f to wait for%s%s\n\n", word(status, "run"), word(status, "phase"), span,
		number(status, "unfinished"), number(status, "waited"), *word(status, "cause") ? "; " : "", word(status, "cause"));
	print_nodes(status, last, seconds, out, width);
	print_edges(status, last, seconds, out, width);
	print_words(status, out, width);
	fclose(out);
	return text;
}

/* ---- the terminal ---- */

static size_t screen_height(void)
{
	struct winsize size;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row > 1 ? size.ws_row : 24;
}

/* In its place; what does not fit is counted. */
static void draw(const char *screen)
{
	struct text cleanup_text out = { 0 };
	size_t lines = 0, room = screen_height() - 1, all = 0;
	for (const char *at = screen; *at; at += strcspn(at, "\n") + 1)
		all++;
	text_add(&out, home);
	for (const char *at = screen; *at && (lines + 1 < room || all <= room); lines++) {
		size_t length = strcspn(at, "\n");
		text_add_span(&out, at, length);
		text_format(&out, "%s\n", rest_of_line);
		at += length + 1;
	}
	if (lines < all)
		text_format(&out, "... and %zu lines more%s\n", all - lines, rest_of_line);
	text_add(&out, rest_of_screen);
	fwrite(out.data, 1, out.length, stdout);
	fflush(stdout);
}

static void on_signal(int signal)
{
	told_to_end = signal;
}

/* Keys come at once and unseen. False: standard input is no terminal of ours. */
static bool take_keys(struct termios *saved)
{
	struct termios keys;
	if (tcgetattr(STDIN_FILENO, saved) || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return false;
	keys = *saved;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	return !tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

/* ---- time ---- */

enum pause { PAUSE_OVER, PAUSE_RUN_OVER, PAUSE_QUIT, PAUSE_TIME };

static bool wants_to_quit(void)
{
	char keys[16];
	ssize_t got = read(STDIN_FILENO, keys, sizeof keys);
	for (ssize_t i = 0; i < got; i++)
		if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == CONTROL_C)
			return true;
	return got == 0;
}

static enum pause pause_until(const struct watching *watching, int64_t at_ns, bool keys)
{
	int64_t until = at_ns < watching->until_ns ? at_ns : watching->until_ns, now;
	while ((now = clock_ns()) < until && !told_to_end) {
		struct pollfd polls[] = { { .fd = watching->run.console.fd, .events = POLLRDHUP },
			{ .fd = keys ? STDIN_FILENO : -1, .events = POLLIN } };
		poll(polls, 2, (int)((until - now + 999999) / 1000000));
		if (polls[0].revents)
			return PAUSE_RUN_OVER;
		if (polls[1].revents && wants_to_quit())
			return PAUSE_QUIT;
	}
	return told_to_end ? PAUSE_QUIT : until == watching->until_ns ? PAUSE_TIME : PAUSE_OVER;
}

/* ---- the whole of it ---- */

static void show(const struct watching *watching, const json_t *status, const json_t *last, bool terminal)
{
	char *cleanup_free text = terminal ? make_screen(status, last, table_width(STDOUT_FILENO)) : dump_json(status, JSON_COMPACT);
	(void)watching;
	if (terminal)
		draw(text);
	else
		puts(text);
}

static int conclude(const struct watching *watching, enum pause how)
{
	if (how == PAUSE_RUN_OVER)
		watching_say("run %s has ended", watching->run.id);
	if (how == PAUSE_TIME)
		watching_say("the time is up");
	return how == PAUSE_TIME ? EXIT_TIME : EXIT_OK;
}

static int look_on(struct watching *watching, bool terminal, bool keys)
{
	struct error error = { 0 };
	json_t *last = NULL, *status;
	enum pause how = PAUSE_OVER;
	int64_t next = clock_ns();
	while (how == PAUSE_OVER) {
		status = runs_ask(&watching->run, json_pack("{ss sb sb}", "ask", "status", "metrics", !terminal, "edges", 1),
			clock_ns() + PATIENCE_NS, &error);
		if (!status)
			break;
		show(watching, status, last, terminal);
		json_decref(last);
		last = status;
		if (watching_enough(watching))
			break;
		next += watching->interval_ns;
		how = pause_until(watching, next > clock_ns() ? next : (next = clock_ns()), keys);
	}
	json_decref(last);
	if (error.code == EPIPE)
		how = PAUSE_RUN_OVER;
	else if (*error.text) {
		watching_say("%s", error.text);
		return EXIT_PROBLEMS;
	}
	return conclude(watching, how);
}

int watch_table(struct watching *watching)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios saved;
	bool terminal = !watching->json && isatty(STDOUT_FILENO), keys = terminal && take_keys(&saved);
	for (size_t i = 0; terminal && i < 3; i++)
		sigaction((const int[]){ SIGTERM, SIGHUP, SIGINT }[i], &action, NULL);
	if (terminal)
		fputs(clear, stdout);
	int code = look_on(watching, terminal, keys);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	return code;
}
