/* SPDX-License-Identifier: MIT */
/*
 * A program as a node (`command:` of the topology, "command" of the document): an implementation whose ports are those that the
 * file declares, and whose run is the program. The program is a child of the node's process and of its process group: it gets what
 * signals the group gets, and dies with the process (lpad-command(7) is the user's side of all this).
 */
#ifndef NODE_COMMAND_H
#define NODE_COMMAND_H

#include <jansson.h>
#include <lpad/node.h>

struct command;

/* How the program ended, or why it could not be started. */
struct command_end {
	int code;               /* of the node: 1 to 255; 128 + signal */
	int signal;             /* 0: it exited */
	const char *text;       /* "exit 3" */
};

/* `document` is borrowed. */
struct command *command_new(json_t *document);
const lpad_implementation *command_implementation(const struct command *command);
/* Once init or run has failed; NULL: not because of the program. */
const struct command_end *command_end(const struct command *command);

#endif
