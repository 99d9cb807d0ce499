/* SPDX-License-Identifier: MIT */
/* A struct that contains itself, several times: reading its fields must end all the same. */
#include <lpad/node.h>

#define INSIDE(n) { .name = n, .type = LPAD_T_OBJECT, .room = 8, .fields = fields }
static const lpad_param fields[9];
static const lpad_param fields[9] = { INSIDE("a"), INSIDE("b"), INSIDE("c"), INSIDE("d"), INSIDE("e"), INSIDE("f"), INSIDE("g"),
	INSIDE("h"), LPAD_END };

LPAD_MODULE({ .name = "node", .state = 64, .params = fields });
