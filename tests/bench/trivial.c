/* SPDX-License-Identifier: MIT */
/* The smallest nodes, for timing the launcher: one that ends at once, one that stays, one that writes lines. */
#include <lpad/node.h>

#include <stdio.h>

struct writer {
	int64_t lines;
};

static int nothing(lpad_node *node)
{
	(void)node;
	return 0;
}

static int stay(lpad_node *node)
{
	return lpad_wait_stop(node, lpad_never());
}

static int lines(lpad_node *node)
{
	const struct writer *me = lpad_state(node);
	setvbuf(stdout, NULL, _IOFBF, 65536);
	for (int64_t i = 0; i < me->lines; i++)
		printf("line %lld of a log that is neither short nor long, as logs are\n", (long long)i);
	return fflush(stdout) ? 1 : 0;
}

static const lpad_param params[] = { LPAD_INT(struct writer, lines, "1000000", "1..", "lines to write"), LPAD_END };

LPAD_MODULE(
	{ .name = "nothing", .run = nothing },
	{ .name = "stay", .run = stay },
	{ .name = "lines", .state = sizeof(struct writer), .params = params, .run = lines });
