/* SPDX-License-Identifier: MIT */
/* What a topic sends against what its subscription expects. (Handles declare no signatures: methods are checked by the link.) */
#include <stdlib.h>

#include "base/memory.h"
#include "base/signature.h"
#include "topology/bind.h"

static void refuse(struct binder *binder, const struct edge *edge, const struct signature *sent,
	const struct signature *expected, const char *difference)
{
	char *cleanup_free left = signature_print(sent), *cleanup_free right = signature_print(expected);
	bool several = sent->tensors.count > 1 || expected->tensors.count > 1;
	problem_add(binder->problems, edge->mark, "edge-signature", several ? difference : NULL,
		"%s.%s sends `%s`, %s.%s expects `%s`", binder->topology->groups.at[edge->from].label, edge->from_port, left,
		binder->topology->groups.at[edge->to].label, edge->to_port, right);
}

/* One that cannot be read was refused with its module. */
void bind_signatures(struct binder *binder, const struct edge *edge, const char *sent, const char *expected)
{
	struct signature left, right;
	if (signature_parse(sent, &left, NULL))
		return;
	if (!signature_parse(expected, &right, NULL)) {
		char *cleanup_free difference = signature_difference(&left, &right);
		if (difference)
			refuse(binder, edge, &left, &right, difference);
		signature_release(&right);
	}
	signature_release(&left);
}
