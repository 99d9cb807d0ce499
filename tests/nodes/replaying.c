/* SPDX-License-Identifier: MIT */
/* Samples once from replay, and says what came; without a deadline, whatever happens to replay. */
#include <inttypes.h>

#include <lpad/node.h>

struct learner {
	lpad_handle *replay;
};

static int run(lpad_node *node)
{
	struct learner *me = lpad_state(node);
	lpad_message *reply;
	int64_t two = 2;
	int code = lpad_call_to(me->replay, 0, "sample", lpad_json("{\"table\": \"transitions\", \"n\": 2}"), &reply, lpad_never());
	if (code)
		return code;
	const float *x = lpad_view(reply, "x", LPAD_F32, 1, &two);
	if (!x)
		return LPAD_EINVALID;
	lpad_log(node, "sampled %g %g", (double)x[0], (double)x[1]);
	lpad_free(reply);
	lpad_wait_stop(node, lpad_never());
	return 0;
}

static const lpad_handle_decl handles[] = {
	LPAD_HANDLE(struct learner, replay, LPAD_ONE, "sample", "what it samples from"),
	LPAD_END
};
LPAD_MODULE({ .name = "learner", .state = sizeof(struct learner), .handles = handles, .run = run });
