/* SPDX-License-Identifier: MIT */
#include <lpad/node.h>

static int run(lpad_node *node)
{
	lpad_log(node, "hello from %s", lpad_name(node));
	return 0;
}

LPAD_MODULE({ .name = "hello", .run = run });
