/* SPDX-License-Identifier: MIT */
/*
 * Values of parameters as JSON: int, size integer; real real (or ".inf", "-.inf", ".nan"); bool; text, choice, path text;
 * duration seconds; a list an array of these; an object one of its fields; a map one of objects, in the file's order. What still
 * holds $index or $folder is a template until a replica's values are wanted: {"$template": text, "base": folder}. (No name in an
 * object or map has a dollar.)
 */
#ifndef TOPOLOGY_VALUE_H
#define TOPOLOGY_VALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "topology/interface.h"

/* The kinds that one text can be, as a table: see value.c. `range`: bounds, or a choice's words; may be NULL. */
struct value_kind {
	const char *type, *name, *range;        /* name: the parameter's, for messages */
};

enum { VALUE_OUT_OF_RANGE = 1 };        /* code of an error that is about a range, else 0 */

/* New reference, or NULL with what was expected. `base`: folder of a relative path. */
json_t *value_typed(const struct value_kind *kind, const char *text, const char *base, struct error *error);
bool value_type_known(const char *type);                /* one of those that a text can be */
const char *value_type_noun(const char *type);          /* "an integer", "a list" */
bool value_refuses_quotes(const char *type);            /* a quoted text is never one of these: int, real, bool */

/* $index, $folder and $$ of a template's text put in (tree->template, word->template). Caller frees. */
char *value_fill(const char *text, int index, const char *folder);
json_t *value_template(const char *text, const char *base);
/* A path that is a template as one that means the same file wherever it stands. Caller frees. */
char *value_template_path(const char *text, const char *base);
bool value_is_template(const json_t *value);
char *value_template_text(const json_t *template, bool is_path);        /* as value_template_path, of a value. Caller frees. */
bool value_names_index(const json_t *value);            /* somewhere in it is a template that $index stands in */
bool value_is_nested(const char *type);                 /* an object or a map */
/* With $index and $folder put in. New reference, or NULL with an error. */
json_t *value_filled(const struct param_spec *param, json_t *value, int index, const char *folder, struct error *error);
/* All of a group's values for one replica; shares what holds no template. New reference. */
json_t *values_filled(const struct implementation_spec *spec, json_t *values, int index, const char *folder);

#endif
