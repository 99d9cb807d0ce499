/* SPDX-License-Identifier: MIT */
#include "node/descriptors.h"

static struct rlimit given;

void descriptors_raise(void)
{
	if (getrlimit(RLIMIT_NOFILE, &given) || given.rlim_cur == given.rlim_max)
		return;
	struct rlimit raised = given;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

struct rlimit descriptors_given(void)
{
	struct rlimit now = given;
	if (!now.rlim_max)
		getrlimit(RLIMIT_NOFILE, &now);
	return now;
}
