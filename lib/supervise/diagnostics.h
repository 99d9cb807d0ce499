/* SPDX-License-Identifier: MIT */
/* What a C compiler and its linker say, line by line. */
#ifndef SUPERVISE_DIAGNOSTICS_H
#define SUPERVISE_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>

struct diagnostic {
	const char *file;       /* with length; borrowed from the output */
	size_t file_length;
	int line, column;       /* column 1 when it was not said */
	bool error;             /* else a warning */
	const char *message;
	size_t message_length;
	const char *macro;      /* of a mistake in a macro's use: its name, and the place is where it is used; NULL */
	size_t macro_length;
};

/* The next one at or behind *at, which moves on. Everything that is no error or warning is passed over. */
bool diagnostic_next(const char **at, struct diagnostic *out);

#endif
