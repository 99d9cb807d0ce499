/* SPDX-License-Identifier: MIT */
/*
 * C and C++ sources into shared objects, kept in ${XDG_CACHE_HOME:-~/.cache}/lpad/modules/HASH.so, HASH over the preprocessed
 * sources, the flags and the compiler's version. A module links with nothing of lpad.
 */
#ifndef SUPERVISE_BUILD_H
#define SUPERVISE_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct builder {
	char *cache;            /* folder */
	bool temporary;         /* ours alone, removed in the end */
	char *include;          /* of lpad/node.h */
};
/* Of compiled modules; NULL: there is none. Caller frees. */
char *builder_cache_folder(void);
int builder_open(struct builder *builder, struct error *error);
void builder_close(struct builder *builder);

bool build_is_source(const char *name);         /* by its ending */
enum build_outcome { BUILD_DONE, BUILD_REFUSED, BUILD_NO_COMPILER, BUILD_FAILED };
struct build {
	/* wanted; borrowed */
	char *const *sources, *const *flags, *const *libs;
	size_t source_count, flag_count, lib_count;
	const char *compiler;   /* NULL: $CC, else cc; for C++ $CXX, else c++ */
	const char *folder;     /* where the compiler runs: relative flags are meant from there */
	/* made; build_release frees */
	enum build_outcome outcome;
	char *object;           /* BUILD_DONE: the shared object */
	char *output;           /* what the compiler said, also with BUILD_DONE; never NULL */
	char *used;             /* the compiler's name */
};
/* All of them, as many at once as there are processors. */
void build_all(const struct builder *builder, struct build *builds, size_t count);
void build_release(struct build *build);

#endif
