/* SPDX-License-Identifier: MIT */
/* Objects as deep as they may be. */
#include <lpad/node.h>

struct inner { int64_t n; };
static const lpad_param at8[] = { LPAD_INT(struct inner, n, "1", NULL, "the innermost"), LPAD_END };
#define LEVEL(n, below) static const lpad_param at##n[] = { \
	{ .name = "o", .type = LPAD_T_OBJECT, .into = 0, .room = sizeof(struct inner), .fields = below }, LPAD_END }
LEVEL(7, at8);
LEVEL(6, at7);
LEVEL(5, at6);
LEVEL(4, at5);
LEVEL(3, at4);
LEVEL(2, at3);
LEVEL(1, at2);
LEVEL(0, at1);

LPAD_MODULE({ .name = "node", .state = sizeof(struct inner), .params = at0 });
