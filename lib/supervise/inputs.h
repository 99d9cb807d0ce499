/* SPDX-License-Identifier: MIT */
/* What a launch was given, as its manifest keeps it and --again and --continue take it up: manifest.json's "launch". */
#ifndef SUPERVISE_INPUTS_H
#define SUPERVISE_INPUTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"

struct recorded_module {
	char *node, *path;              /* a label; the shared object in the record */
};
struct given_setting {                  /* of --set */
	char *name, *value, *folder;    /* relative paths are meant from there */
};
struct inputs {
	LIST(struct given_setting) set;
	LIST(char *) arguments;
	char *arguments_folder;         /* the same for them */
	bool has_arguments;             /* there was a -- */
	LIST(char *) hold;
	char *name;                     /* of --name; NULL */
	int64_t time_limit_ns;          /* of --time-limit; -1: none */
	bool threads;
	char *here;                     /* folder of the topology file */
	/* Only of one that was read. */
	char *file, *folder;            /* the file's name then; where the nodes ran */
	LIST(struct recorded_module) modules;
	json_t *git;
};

/* As the manifest has it; without the modules, which the record knows. New reference. */
json_t *inputs_json(const struct inputs *inputs);
/* Out of a manifest. -1 with an error: an older lpad's, which has not all of it. */
int inputs_read(struct inputs *inputs, const json_t *manifest, const char *record, struct error *error);
void inputs_release(struct inputs *inputs);

#endif
