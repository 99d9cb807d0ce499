# SPDX-License-Identifier: MIT
# A write to a pipe that nobody reads is an error in a node; the programs that it starts die of it as everywhere.
source "$TESTS/lib.sh"
cat > pipes.c <<'END'
#include <lpad/node.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(lpad_node *node)
{
	int ends[2], status = system("kill -s PIPE $$");
	if (pipe(ends) || close(ends[0]))
		return lpad_fail(node, "no pipe");
	if (write(ends[1], "x", 1) != -1 || errno != EPIPE)
		return lpad_fail(node, "no error");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGPIPE)
		return lpad_fail(node, "the shell did not die: %x", status);
	return 0;
}

LPAD_MODULE({ .name = "pipes", .run = run });
END
printf 'lpad: 1\nname: pipes\nnodes:\n  pipes: {module: pipes.c}\n' > topo.yaml
run_lpad launch
assert_equal '' "$(grep failed: err)"
assert_exit 0
