/* SPDX-License-Identifier: MIT */
/* The YAML parser's complaints in the words of somebody who looks at the file. */
#ifndef TOPOLOGY_SYNTAX_H
#define TOPOLOGY_SYNTAX_H

#include "topology/problem.h"

struct syntax_error {
	const char *problem, *context;  /* the parser's; may be NULL */
	struct mark at, opened;         /* where it stopped; where what it was reading began */
	const char *text;               /* the whole source */
	size_t length;
	int column;                     /* of its first character */
};

void syntax_report(const struct syntax_error *error, struct problems *problems);
/* The byte at `offset` (behind a byte order mark) is not text. */
void syntax_bad_byte(const struct syntax_error *error, size_t offset, struct problems *problems);

#endif
