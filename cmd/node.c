/* SPDX-License-Identifier: MIT */
/* lpad node: hidden. What the supervisor starts once per process, and check once per module. */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node/control.h"
#include "node/life.h"
#include "node/probe.h"

static int run(const struct command *command, int count, char **arguments)
{
	struct stat status;
	if (fstat(CONTROL_FD, &status) || !S_ISSOCK(status.st_mode))
		return command_usage_error(command, "it is started by lpad itself, not by hand: descriptor %d is no socket",
			CONTROL_FD);
	if (count == 0 || (count == 1 && arguments[0][0] != '-'))      /* the node's name, shown by ps; the document says it too */
		return life_main(CONTROL_FD);
	if (count == 2 && !strcmp(arguments[0], "--probe"))
		return probe_main(CONTROL_FD, arguments[1]);
	return command_usage_error(command, "it is started by lpad itself, not by hand");
}

static const struct option_row options[] = { { .name = NULL } };

const struct command command_node = { .name = "node", .summary = "become one process of a run (internal)",
	.usage = "", .options = options, .hidden = true, .run = run };
