/* SPDX-License-Identifier: MIT */
/* Words and how often they occur: maximal runs of ASCII letters, in lower case. */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdint.h>

struct entry {
	char *word;
	int64_t count;
	uint64_t hash;          /* FNV-1a */
};
struct words {
	struct entry *at;       /* open addressing; a free place has no word */
	size_t used, room;      /* room: a power of two */
	int64_t total;
};

/* 0, or -1 when memory is out. */
int words_add(struct words *words, const char *word, size_t length, int64_t count);
void words_free(struct words *words);
/* The entries by count downwards, then by word; free() the list, not the words. NULL when memory is out. */
struct entry *words_sorted(const struct words *words);

/* Those of partition `part` of `parts` as text, a line "COUNT WORD" each; free() it. NULL when memory is out. */
char *words_write(const struct words *words, int part, int parts, size_t *length);
/* Adds such a text. -1 also when it is no such text. */
int words_read(struct words *words, const char *text, size_t length);

/* Regular files, also those below folders; links are left out. */
struct files {
	struct { char *path; int64_t size; } *at;
	size_t count, room;
	int64_t bytes;
};
/* -1, errno: a path is not there, or memory is out. */
int files_find(struct files *files, const char *path);
void files_free(struct files *files);
/* Counts the words that begin in the bytes [from, to) of all files one after the other; *failed: the file that could
   not be read. */
int files_count(const struct files *files, int64_t from, int64_t to, struct words *words, const char **failed);

#endif
