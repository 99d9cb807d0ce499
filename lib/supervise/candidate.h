/* SPDX-License-Identifier: MIT */
/*
 * A module on its way to being one: from the words of `module:` to a shared object that may be opened (probe.c does), with
 * all that is wrong with it.
 */
#ifndef SUPERVISE_CANDIDATE_H
#define SUPERVISE_CANDIDATE_H

#include "supervise/build.h"
#include "topology/places.h"
#include "topology/topology.h"

/* A problem to be told wherever the module is named. */
struct finding {
	enum severity severity;
	const char *rule;
	struct mark mark;       /* line 0: at the module's word */
	size_t word;
	char *message, *hint;   /* owned; hint may be NULL */
};

struct candidate {
	char *key;              /* all that makes it this module: words, folders, flags */
	char *shown;            /* as the author named it: "dqn.c" */
	bool sources;           /* else a shared object */
	LIST(char *) paths;     /* of its words */
	char *object;           /* absolute; NULL: findings say why */
	LIST(struct finding) findings;
};

/* What finding and compiling need. */
struct workshop {
	struct places places;
	struct builder builder;         /* cache NULL: error says why there is none */
	struct error error;
	char *folder;                   /* the current one */
	LIST(char *) names;             /* of files in marks */
};
void workshop_open(struct workshop *workshop);
void workshop_close(struct workshop *workshop);

char *candidate_key(const struct group *group);         /* caller frees */
void candidate_init(struct candidate *candidate, const struct group *group);
void candidate_release(struct candidate *candidate);
/* Finds the files of all, compiles what is to be compiled. groups[i] names candidates[i]. */
void candidates_make(struct workshop *workshop, struct candidate *const *candidates, const struct group *const *groups,
	size_t count);

/* Takes the hint. The finding may be changed until the next is added. */
struct finding *candidate_add(struct candidate *candidate, size_t word, const char *rule, char *hint,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/* All findings as problems, at the words of this group. */
void candidate_tell(const struct candidate *candidate, const struct group *group, struct problems *problems);
/* "its last lines: ...", for a hint; NULL: there are none. Caller frees. */
char *candidate_last_lines(const char *output);
/* To name all sources, if `output` tells of undefined symbols; else NULL. Caller frees. */
char *candidate_undefined_hint(const struct candidate *candidate, const char *output);

#endif
