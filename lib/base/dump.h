/* SPDX-License-Identifier: MIT */
/* JSON for people and files: numbers with as few digits as read back the same, 0.1 and not 0.10000000000000001. */
#ifndef BASE_DUMP_H
#define BASE_DUMP_H

#include <jansson.h>

/* As json_dumps with these flags. Caller frees; NULL: not valid as JSON. */
char *dump_json(const json_t *value, size_t flags);

#endif
