/* SPDX-License-Identifier: MIT */
/* Runs one decoder over the files that are named, and over each of them cut short at every length. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"

static void run(const char *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);        /* of exactly this length, so that reading past it is found */
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

int main(int count, char **names)
{
	enum { MOST = 64 << 20, CUT_BELOW = 4096 };
	if (count < 2) {
		fprintf(stderr, "usage: %s FILE...\n", names[0]);
		return 2;
	}
	for (int i = 1; i < count; i++) {
		struct text text = { 0 };
		struct error error = { 0 };
		if (files_read(names[i], &text, MOST, &error)) {
			fprintf(stderr, "%s\n", error.text);
			return 1;
		}
		run(text_string(&text), text.length);
		for (size_t length = 0; text.length < CUT_BELOW && length < text.length; length++)
			run(text_string(&text), length);
		text_release(&text);
	}
	printf("%d files\n", count - 1);
	return 0;
}
