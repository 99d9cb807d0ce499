/* SPDX-License-Identifier: MIT */
/* Nodes that say how they are. */
#include <lpad/node.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int plain(lpad_node *node)
{
	lpad_status(node, "transitions", "%d of %d items", 1, 1000);
	lpad_status(node, "gone", "will go");
	lpad_status(node, "", "without a name");
	lpad_status(node, "odd", "%s", "a\tb\033[1mc\ntwo");
	while (access("go-on", F_OK))
		if (!lpad_wait_stop(node, lpad_in(0.02)))
			return LPAD_ESTOPPED;
	lpad_status(node, "gone", "%s", "");
	for (int i = 2; i <= 312; i++)
		lpad_status(node, "transitions", "%d of %d items", i, 1000);
	return lpad_wait_stop(node, lpad_never());
}

static void plain_fini(lpad_node *node)
{
	lpad_status(node, "end", "has seen it all");
}

/* Its first life leaves something that the second does not say. */
static int again(lpad_node *node)
{
	if (lpad_incarnation(node) == 1)
		lpad_status(node, "first", "only of the first life");
	lpad_status(node, "life", "%d", lpad_incarnation(node));
	return lpad_wait_stop(node, lpad_never());
}

static int many(lpad_node *node)
{
	char name[8];
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof name, "n%d", i);
		lpad_status(node, name, "%d", i);
	}
	return lpad_wait_stop(node, lpad_never());
}

static int check(lpad_node *node)
{
	lpad_status(node, "check", "nobody listens");
	return 0;
}

LPAD_MODULE(
	{ .name = "plain", .check = check, .run = plain, .fini = plain_fini },
	{ .name = "again", .run = again },
	{ .name = "many", .run = many });
