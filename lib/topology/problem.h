/* SPDX-License-Identifier: MIT */
/*
 * Problems of a topology: where, what was expected, what to do. Collected, never
 * printed here; causes come before consequences because they are found first.
 */
#ifndef TOPOLOGY_PROBLEM_H
#define TOPOLOGY_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/list.h"
#include "base/text.h"

/* A stretch of source. Lines and columns count from 1, in characters (UTF-8), as editors do; end is exclusive. line 0: nowhere. */
struct mark {
	const char *file;       /* borrowed: "topo.yaml", "-", or "--set actors" (then line 1, column of the value) */
	int line, column, end_line, end_column;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct problem {
	enum severity severity;
	const char *rule;       /* static, "edge-arity": what `--json` and scripts match */
	struct mark mark;
	char *message, *hint;   /* hint may be NULL */
};

struct problems {
	LIST(struct problem) list;
	size_t errors, warnings;
	/* The text that carets are drawn from, by file name; borrowed. */
	const char *file, *source;
	size_t source_length;
	/* Put in front of every message while set: "with mode=ring, ". Borrowed. */
	const char *prefix;
	LIST(char *) kept;      /* texts that marks point to when their source is gone: freed by problems_release */
};

/* Adds one; the same rule at the same mark with the same text is kept once (a later one with a prefix is dropped
   when the plain one is there). Always returns -1. */
int problem_add(struct problems *problems, struct mark mark, const char *rule, const char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
int problem_warn(struct problems *problems, struct mark mark, const char *rule, const char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
void problems_release(struct problems *problems);

/* All of them: "file:line:column: error: message [rule]", the source line, carets, "      hint: ...". */
void problems_print(const struct problems *problems, FILE *out, bool colour);
/* JSON lines: {file,line,column,end_line,end_column,severity,rule,message,hint}. */
void problems_print_json(const struct problems *problems, FILE *out);

#endif
