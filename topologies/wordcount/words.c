/* SPDX-License-Identifier: MIT */
/* Words, their counts, and the files they come from: what does not need lpad. */
#define _GNU_SOURCE
#include "words.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a table of words ---- */

static uint64_t fnv1a(const char *word, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)word[i]) * 0x100000001b3u;
	return hash;
}

static struct entry *place_of(const struct words *words, const char *word, size_t length, uint64_t hash)
{
	for (size_t i = hash & (words->room - 1); ; i = (i + 1) & (words->room - 1)) {
		struct entry *entry = &words->at[i];
		if (!entry->word || (entry->hash == hash && !strncmp(entry->word, word, length) && !entry->word[length]))
			return entry;
	}
}

static int grow(struct words *words)
{
	struct words larger = { .used = words->used, .room = words->room ? words->room * 2 : 1024, .total = words->total };
	larger.at = calloc(larger.room, sizeof *larger.at);
	if (!larger.at)
		return -1;
	for (size_t i = 0; i < words->room; i++) {
		const struct entry *entry = &words->at[i];
		if (entry->word)
			*place_of(&larger, entry->word, strlen(entry->word), entry->hash) = *entry;
	}
	free(words->at);
	*words = larger;
	return 0;
}

int words_add(struct words *words, const char *word, size_t length, int64_t count)
{
	if (words->used * 2 >= words->room && grow(words))
		return -1;
	uint64_t hash = fnv1a(word, length);
	struct entry *entry = place_of(words, word, length, hash);
	if (!entry->word) {
		char *copy = strndup(word, length);
		if (!copy)
			return -1;
		*entry = (struct entry){ .word = copy, .hash = hash };
		words->used++;
	}
	entry->count += count;
	words->total += count;
	return 0;
}

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->room; i++)
		free(words->at[i].word);
	free(words->at);
	*words = (struct words){ 0 };
}

static int by_count(const void *a, const void *b)
{
	const struct entry *one = a, *two = b;
	if (one->count != two->count)
		return one->count > two->count ? -1 : 1;
	return strcmp(one->word, two->word);
}

struct entry *words_sorted(const struct words *words)
{
	struct entry *list = calloc(words->used + 1, sizeof *list);
	size_t count = 0;
	for (size_t i = 0; list && i < words->room; i++)
		if (words->at[i].word)
			list[count++] = words->at[i];
	if (list)
		qsort(list, count, sizeof *list, by_count);
	return list;
}

/* ---- as text ---- */

char *words_write(const struct words *words, int part, int parts, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	for (size_t i = 0; out && i < words->room; i++)
		if (words->at[i].word && words->at[i].hash % (uint64_t)parts == (uint64_t)part)
			fprintf(out, "%" PRId64 " %s\n", words->at[i].count, words->at[i].word);
	if (out && !fclose(out))
		return text;
	free(text);
	return NULL;
}

int words_read(struct words *words, const char *text, size_t length)
{
	const char *end = text + length;
	while (text < end) {
		const char *line = memchr(text, '\n', (size_t)(end - text));
		char *word;
		int64_t count = line ? strtoll(text, &word, 10) : 0;    /* the newline ends it, whatever stands there */
		if (count <= 0 || word >= line || *word != ' ' || words_add(words, word + 1, (size_t)(line - word - 1), count))
			return -1;
		text = line + 1;
	}
	return 0;
}

/* ---- files ---- */

static int add_file(struct files *files, const char *path, int64_t size)
{
	if (files->count == files->room) {
		size_t room = files->room ? files->room * 2 : 64;
		void *larger = realloc(files->at, room * sizeof *files->at);
		if (!larger)
			return -1;
		files->at = larger;
		files->room = room;
	}
	char *copy = strdup(path);
	if (!copy)
		return -1;
	files->at[files->count].path = copy;
	files->at[files->count++].size = size;
	files->bytes += size;
	return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All mappers see the same files in the same order. */
int files_find(struct files *files, const char *path)
{
	char *const paths[] = { (char *)path, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	int code = walk ? 0 : -1;
	for (FTSENT *entry; !code && (entry = fts_read(walk)); ) {
		if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode))
			code = add_file(files, entry->fts_path, entry->fts_statp->st_size);
		else if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
			code = -1;
			errno = entry->fts_errno;
		}
	}
	int why = errno;
	if (walk)
		fts_close(walk);
	errno = why;
	return code;
}

void files_free(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->at[i].path);
	free(files->at);
	*files = (struct files){ 0 };
}

/* ---- counting ---- */

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The word that begins with `c`, to its end. */
static int count_word(FILE *in, int c, int64_t *at, char **word, size_t *room, struct words *words)
{
	size_t length = 0;
	for (; is_letter(c); c = getc_unlocked(in), ++*at) {
		if (length == *room) {
			char *larger = realloc(*word, *room = *room ? *room * 2 : 256);
			if (!larger)
				return -1;
			*word = larger;
		}
		(*word)[length++] = (char)(c | 0x20);
	}
	return words_add(words, *word, length, 1);
}

/* The words that begin in [from, to): one that began before `from` is another's, one that goes on behind `to` is ours. */
static int count_range(FILE *in, int64_t from, int64_t to, struct words *words)
{
	char *word = NULL;
	size_t room = 0;
	int64_t at = from;      /* of c */
	int c = 0, code = 0;
	if (fseeko(in, from ? from - 1 : 0, SEEK_SET))
		return -1;
	if (from && is_letter(getc_unlocked(in)))
		while (is_letter(c = getc_unlocked(in)))
			at++;
	else
		c = getc_unlocked(in);
	while (!code && c != EOF && at < to) {
		if (is_letter(c)) {
			code = count_word(in, c, &at, &word, &room, words);
			at++;           /* count_word has read, and passed, what ends the word */
		} else {
			at++;
		}
		c = getc_unlocked(in);
	}
	free(word);
	return code || ferror(in) ? -1 : 0;
}

int files_count(const struct files *files, int64_t from, int64_t to, struct words *words, const char **failed)
{
	int64_t start = 0;
	for (size_t i = 0; i < files->count && start < to; i++) {
		int64_t size = files->at[i].size, first = from > start ? from - start : 0;
		int64_t last = to - start < size ? to - start : size;
		start += size;
		if (first >= last)
			continue;
		*failed = files->at[i].path;
		FILE *in = fopen(files->at[i].path, "re");
		if (!in)
			return -1;
		int code = count_range(in, first, last, words);
		int why = errno;
		fclose(in);
		errno = why;
		if (code)
			return -1;
	}
	return 0;
}
