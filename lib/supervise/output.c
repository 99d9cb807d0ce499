/* SPDX-License-Identifier: MIT */
#include "supervise/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/dump.h"
#include "base/memory.h"

enum {
	PIECE_NAMED = 64 << 10,
	PIECE_BARE = 16 << 20,
	WIDEST = 32,            /* names are padded up to here */
	JUST_SHOWN = 10         /* lines of others that may stand below */
};

static bool same_file(int a, int b)
{
	struct stat one, two;
	return !fstat(a, &one) && !fstat(b, &two) && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

void output_init(struct output *output, const struct output_style *style, struct record *record)
{
	*output = (struct output){ .style = *style, .record = record };
	if (output->style.width > WIDEST)
		output->style.width = WIDEST;
	const char *kind = getenv("TERM");
	output->together = !style->json && same_file(1, 2);
	output->terminal = !style->json && !style->quiet && !style->steady && isatty(2) && kind && !text_equal(kind, "dumb");
	sink_init(&output->out, 1);
	sink_init(&output->err, 2);
}

void output_release(struct output *output)
{
	sink_release(&output->out);
	sink_release(&output->err);
	text_release(&output->log);
	text_release(&output->progress);
}

void outlet_init(struct output *output, struct outlet *outlet, const char *name, int number)
{
	bool bare = output->style.quiet && !output->style.json && !output->style.files;
	size_t longest = bare ? PIECE_BARE : PIECE_NAMED;
	*outlet = (struct outlet){ .name = name, .number = number, .log = LOG_CLOSED,
		.lines = { { .longest = longest }, { .longest = longest } } };
}

void outlet_release(struct output *output, struct outlet *outlet)
{
	lines_release(&outlet->lines[0]);
	lines_release(&outlet->lines[1]);
	if (output->record)
		record_close_log(output->record, &outlet->log);
}

struct sink *output_sink(struct output *output, int stream)
{
	bool errors = stream != 0 && !output->style.json;
	return errors || (output->terminal && output->together) ? &output->err : &output->out;
}

bool output_closed(const struct output *output)
{
	return output->terminal && output->together ? output->err.failed : output->out.failed;
}

/* ---- the line of progress ---- */

/* A line is about to come where it stands. */
static void make_way(struct output *output, const struct sink *sink)
{
	if (!output->progress_shown || sink != &output->err)
		return;
	sink_add(&output->err, "\r\033[K", 4);
	output->progress_shown = false;
}

void output_progress(struct output *output, const char *text)
{
	if (!output->terminal || text_equal(text ? text : "", text_string(&output->progress)))
		return;
	make_way(output, &output->err);
	text_clear(&output->progress);
	text_add(&output->progress, text ? text : "");
}

/* No wider than the terminal: of a line that wraps, only the last part could be rewritten. */
void output_settle(struct output *output)
{
	struct winsize size = { 0 };
	if (!output->progress.length || output->progress_shown)
		return;
	size_t width = ioctl(2, TIOCGWINSZ, &size) || size.ws_col < 8 ? 80 : size.ws_col;
	bool fits = output->progress.length < width;
	sink_add(&output->err, output->progress.data, fits ? output->progress.length : width - 4);
	if (!fits)
		sink_add(&output->err, "...", 3);
	output->progress_shown = true;
}

/* ---- one piece ---- */

static void show_named(struct output *output, const struct outlet *outlet, int stream, const struct piece *piece)
{
	static const char colours[][8] = { "36", "33", "32", "35", "34", "96", "93", "92", "95", "94" };
	struct sink *sink = output_sink(output, stream);
	bool colour = stream == 0 ? output->style.colour_out : output->style.colour_err;
	size_t length = strlen(outlet->name), width = output->style.width;
	static const char blanks[WIDEST + 1] = "                                ";
	make_way(output, sink);
	if (colour) {
		sink_add(sink, "\033[0;", 4);
		sink_add(sink, colours[(size_t)outlet->number % (sizeof colours / sizeof colours[0])], 2);
		sink_add(sink, "m", 1);
	}
	sink_add(sink, outlet->name, length);
	if (length < width)
		sink_add(sink, blanks, width - length);
	sink_add(sink, piece->continued ? " +" : " |", 2);
	if (colour)
		sink_add(sink, "\033[0m", 4);
	sink_add(sink, " ", 1);
	sink_add(sink, piece->at, piece->length);
	sink_add(sink, "\n", 1);
}

static void show_json(struct output *output, const struct outlet *outlet, int stream, const struct piece *piece)
{
	json_t *event = json_pack("{ss ss ss so}", "event", "output", "node", outlet->name,
		"stream", stream == 0 ? "stdout" : "stderr", "text", output_json_text(piece->at, piece->length));
	if (piece->continued)
		json_object_set_new(event, "continued", json_true());
	output_event(output, event);
}

static void show_bare(struct output *output, int stream, const struct piece *piece)
{
	struct sink *sink = output_sink(output, stream);
	sink_add(sink, piece->at, piece->length);
	sink_add(sink, "\n", 1);
}

/* The log holds what came, byte for byte; only where the other stream cuts in is a line ended early. */
static void note_in_log(struct output *output, struct outlet *outlet, int stream, const struct piece *piece)
{
	if (outlet->open_line && outlet->open_line != stream + 1)
		text_add_char(&output->log, '\n');
	text_add_span(&output->log, piece->at, piece->length);
	if (piece->whole)
		text_add_char(&output->log, '\n');
	outlet->open_line = piece->whole ? 0 : stream + 1;
}

static void note_shown(struct output *output, struct outlet *outlet, int stream)
{
	if (output_sink(output, stream) == &output->err || output->together)
		outlet->shown_at = ++output->shown, outlet->elsewhere = 0;
	else
		outlet->elsewhere++;
}

bool output_just_shown(const struct output *output, const struct outlet *outlet)
{
	return outlet->shown_at && outlet->elsewhere < JUST_SHOWN && output->shown - outlet->shown_at < JUST_SHOWN;
}

struct taking {
	struct output *output;
	struct outlet *outlet;
	int stream;
};

static void take_piece(void *context, const struct piece *piece)
{
	const struct taking *taking = context;
	struct output *output = taking->output;
	note_in_log(output, taking->outlet, taking->stream, piece);
	if (output->style.files)
		return;
	note_shown(output, taking->outlet, taking->stream);
	if (output->style.json)
		show_json(output, taking->outlet, taking->stream, piece);
	else if (output->style.quiet)
		show_bare(output, taking->stream, piece);
	else
		show_named(output, taking->outlet, taking->stream, piece);
}

static void write_log(struct output *output, struct outlet *outlet)
{
	if (output->log.length && output->record)
		record_log(output->record, &outlet->log, outlet->name, output->log.data, output->log.length);
	text_clear(&output->log);
}

void output_feed(struct output *output, struct outlet *outlet, int stream, const char *data, size_t size)
{
	struct taking taking = { .output = output, .outlet = outlet, .stream = stream };
	lines_feed(&outlet->lines[stream], data, size, take_piece, &taking);
	write_log(output, outlet);
}

void output_end(struct output *output, struct outlet *outlet, int stream)
{
	struct taking taking = { .output = output, .outlet = outlet, .stream = stream };
	lines_end(&outlet->lines[stream], take_piece, &taking);
	write_log(output, outlet);
	lines_release(&outlet->lines[stream]);
}

/* ---- lpad's own lines ---- */

__attribute__((format(printf, 2, 0)))
static void add_line(struct output *output, const char *format, va_list list)
{
	char *cleanup_free line = memory_format_list(format, list);
	make_way(output, &output->err);
	sink_add(&output->err, "lpad: ", 6);
	sink_add(&output->err, line, strlen(line));
	sink_add(&output->err, "\n", 1);
}

void output_say(struct output *output, const char *format, ...)
{
	va_list list;
	if (output->style.quiet)
		return;
	va_start(list, format);
	add_line(output, format, list);
	va_end(list);
}

void output_error(struct output *output, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	add_line(output, format, list);
	va_end(list);
}

void output_event(struct output *output, json_t *event)
{
	if (output->tap)
		output->tap(output->tap_context, event);
	char *cleanup_free line = output->style.json ? dump_json(event, JSON_COMPACT) : NULL;
	json_decref(event);
	if (!line)
		return;
	sink_add(&output->out, line, strlen(line));
	sink_add(&output->out, "\n", 1);
}

json_t *output_json_text(const char *text, size_t length)
{
	return channel_text(text, length);
}
