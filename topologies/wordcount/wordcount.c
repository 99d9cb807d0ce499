/* SPDX-License-Identifier: MIT */
/*
 * MapReduce: mapper i counts the i-th part of the text, reducer r fetches partition r of the words from every mapper and
 * adds up, the driver tells both when, and prints.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lpad/node.h>

#include "words.h"

/* ---- mapper: no state that is worth saving, so that a new one only counts its part again ---- */

struct mapper {
	lpad_texts text, files;
	bool counted;
	struct words words;
};
struct partition {
	int32_t part, parts;
};

static const lpad_texts *inputs(const struct mapper *me)
{
	return me->files.count ? &me->files : &me->text;
}

static int find_files(lpad_node *node, const struct mapper *me, struct files *files)
{
	const lpad_texts *paths = inputs(me);
	const char *name = me->files.count ? "files" : "text";
	for (size_t i = 0; i < paths->count; i++)
		if (files_find(files, paths->at[i]))
			return lpad_fail(node, "params.%s: cannot read %s: %s", name, paths->at[i], strerror(errno));
	if (!files->count)
		return lpad_fail(node, "params.%s: there is no regular file in it", name);
	return 0;
}

static int mapper_check(lpad_node *node)
{
	struct files files = { 0 };
	int code = find_files(node, lpad_state(node), &files);
	files_free(&files);
	return code;
}

/* Where the i-th of n parts begins. */
static int64_t part_begin(int64_t bytes, int64_t i, int64_t n)
{
	return bytes / n * i + bytes % n * i / n;
}

static int count_part(lpad_node *node, struct mapper *me)
{
	struct files files = { 0 };
	const char *failed = "the text";
	int64_t index = lpad_index(node), replicas = lpad_replicas(node);
	if (me->counted)
		return 0;
	int code = find_files(node, me, &files);
	words_free(&me->words);
	if (!code && files_count(&files, part_begin(files.bytes, index, replicas),
	    part_begin(files.bytes, index + 1, replicas), &me->words, &failed))
		code = lpad_fail(node, "cannot read %s: %s", failed, strerror(errno));
	me->counted = !code;
	if (!code)
		lpad_report(node, "words", (double)me->words.total, lpad_incarnation(node));
	files_free(&files);
	return code;
}

static int map(lpad_node *node, lpad_call *call)
{
	struct mapper *me = lpad_state(node);
	int code = count_part(node, me);
	return code ? code : lpad_answer(call, lpad_bytes(&me->words.total, sizeof me->words.total));
}

static int fetch(lpad_node *node, lpad_call *call)
{
	struct mapper *me = lpad_state(node);
	const struct partition *wanted = lpad_body(lpad_request(call), sizeof *wanted);
	int code = wanted ? count_part(node, me) : LPAD_EINVALID;
	if (code)
		return code;
	if (wanted->parts < 1)
		return lpad_refuse(call, LPAD_EINVALID, "%d partitions cannot be", wanted->parts);
	size_t length;
	char *text = words_write(&me->words, wanted->part, wanted->parts, &length);
	if (!text)
		return lpad_refuse(call, LPAD_EFAILED, "out of memory");
	code = lpad_answer(call, lpad_bytes(text, length));
	free(text);
	return code;
}

static void mapper_fini(lpad_node *node)
{
	struct mapper *me = lpad_state(node);
	words_free(&me->words);
}

/* ---- one call to every server of a handle, all at once; `take` gets the replies in order ---- */

typedef int (*take_function)(lpad_node *node, void *context, const lpad_message *reply);

static int call_all(lpad_node *node, lpad_handle *handle, const char *method, const lpad_message *request,
	take_function take, void *context)
{
	int count = lpad_count(handle), code = 0;
	lpad_future **futures = calloc((size_t)count, sizeof(lpad_future *));
	if (!futures)
		return lpad_fail(node, "out of memory");
	for (int i = 0; i < count; i++)
		futures[i] = lpad_start(handle, i, method, request ? lpad_share(request) : NULL, lpad_default());
	for (int i = 0; i < count; i++) {
		lpad_message *reply = NULL;
		if (code) {
			lpad_cancel(futures[i]);
			continue;
		}
		code = lpad_wait(futures[i], &reply);
		if (!code)
			code = take(node, context, reply);
		lpad_free(reply);
	}
	free(futures);
	return code;
}

static int take_words(lpad_node *node, void *words, const lpad_message *reply)
{
	size_t length = lpad_size(reply);
	const char *text = lpad_body(reply, length);
	if (length && words_read(words, text, length))
		return lpad_fail(node, "%s sent what are no counts of words", lpad_sender(reply));
	return 0;
}

/* ---- reducer ---- */

struct reducer {
	lpad_handle *mappers;
};

static int reduce(lpad_node *node, lpad_call *call)
{
	struct reducer *me = lpad_state(node);
	struct partition mine = { lpad_index(node), lpad_replicas(node) };
	struct words words = { 0 };
	size_t length;
	lpad_message *request = lpad_bytes(&mine, sizeof mine);
	int code = call_all(node, me->mappers, "fetch", request, take_words, &words);
	lpad_free(request);
	char *text = code ? NULL : words_write(&words, 0, 1, &length);
	words_free(&words);
	if (code)
		return code;
	code = text ? lpad_answer(call, lpad_bytes(text, length)) : lpad_refuse(call, LPAD_EFAILED, "out of memory");
	free(text);
	return code;
}

/* ---- driver ---- */

enum { SHOWN = 10 };

struct driver {
	const char *out;
	lpad_handle *mappers, *reducers;
};

static int add_total(lpad_node *node, void *sum, const lpad_message *reply)
{
	const int64_t *total = lpad_body(reply, sizeof *total);
	(void)node;
	if (!total)
		return LPAD_EBROKEN;
	*(int64_t *)sum += *total;
	return 0;
}

static int write_counts(lpad_node *node, const char *path, const struct entry *entries)
{
	FILE *out = fopen(path, "we");
	for (const struct entry *entry = entries; out && entry->word; entry++)
		fprintf(out, "%" PRId64 "\t%s\n", entry->count, entry->word);
	int bad = !out || ferror(out);
	if ((out && fclose(out)) || bad)
		return lpad_fail(node, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

static int print(lpad_node *node, const struct driver *me, const struct words *words)
{
	struct entry *entries = words_sorted(words);
	if (!entries)
		return lpad_fail(node, "out of memory");
	printf("%" PRId64 " words, %zu different\n", words->total, words->used);
	for (int i = 0; i < SHOWN && entries[i].word; i++)
		printf("%8" PRId64 "  %s\n", entries[i].count, entries[i].word);
	int code = *me->out ? write_counts(node, me->out, entries) : 0;
	free(entries);
	return code;
}

static int drive(lpad_node *node)
{
	struct driver *me = lpad_state(node);
	struct words words = { 0 };
	int64_t mapped = 0;
	int code = call_all(node, me->mappers, "map", NULL, add_total, &mapped);
	if (!code)
		code = call_all(node, me->reducers, "reduce", NULL, take_words, &words);
	if (!code && words.total != mapped)
		code = lpad_fail(node, "%" PRId64 " words were mapped, %" PRId64 " reduced", mapped, words.total);
	if (!code)
		code = print(node, me, &words);
	words_free(&words);
	return code;
}

/* ---- what the three declare ---- */

static const lpad_param mapper_params[] = {
	LPAD_PATHS(struct mapper, text, "[]", "files and folders to count"),
	LPAD_PATHS(struct mapper, files, "[]", "the same; if there are any, they win"),
	LPAD_END
};
static const lpad_method mapper_methods[] = {
	LPAD_METHOD(map, "counts its part of the text, and says how many words it has", .idempotent = true),
	LPAD_METHOD(fetch, "the counts of one partition; counts first if need be", .idempotent = true),
	LPAD_END
};
static const lpad_handle_decl reducer_handles[] = {
	LPAD_HANDLE(struct reducer, mappers, LPAD_MANY, "fetch", "whose partitions to add up"),
	LPAD_END
};
static const lpad_method reducer_methods[] = {
	LPAD_METHOD(reduce, "the counts of its partition from all mappers", .idempotent = true),
	LPAD_END
};
static const lpad_param driver_params[] = {
	LPAD_PATH(struct driver, out, "", "where to write all counts"),
	LPAD_END
};
static const lpad_handle_decl driver_handles[] = {
	LPAD_HANDLE(struct driver, mappers, LPAD_MANY, "map", "who counts"),
	LPAD_HANDLE(struct driver, reducers, LPAD_MANY, "reduce", "who adds up"),
	LPAD_END
};

LPAD_MODULE(
	{ .name = "mapper", .help = "counts the words of one part of the text", .state = sizeof(struct mapper),
	  .params = mapper_params, .methods = mapper_methods, .check = mapper_check, .fini = mapper_fini },
	{ .name = "reducer", .help = "adds up one partition of the words", .state = sizeof(struct reducer),
	  .handles = reducer_handles, .methods = reducer_methods },
	{ .name = "driver", .help = "maps, reduces, prints", .state = sizeof(struct driver), .params = driver_params,
	  .handles = driver_handles, .run = drive });
