/* SPDX-License-Identifier: MIT */
#include "launching.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static void make_token(struct launching *launching)
{
	uint64_t bits = 0;
	if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
		bits = (uint64_t)getpid() << 32 | (uint64_t)(uintptr_t)launching;
	snprintf(launching->token, sizeof launching->token, "%016" PRIx64, bits);
}

static int known_incarnation(void *context, int replica)
{
	const struct launching *launching = context;
	return launching->known[replica];
}

static json_t *write_document(void *context, int process, const int *known)
{
	struct launching *launching = context;
	launching->known = known;
	return document_process(launching->topology, &launching->places, process);
}

static size_t longest_name(const struct processes *processes)
{
	size_t longest = 0;
	for (int i = 0; i < processes->count; i++)
		if (strlen(processes->at[i].name) > longest)
			longest = strlen(processes->at[i].name);
	return longest;
}

/* For tests: nobody else waits for 30 s of lpad's own steps on purpose. */
static int64_t step_limit_ns(void)
{
	const char *text = getenv("LPAD_STEP_LIMIT");
	double seconds = text ? strtod(text, NULL) : 0;
	return (int64_t)((seconds > 0 ? seconds : 30) * 1e9);
}

int launching_run(struct launching *launching)
{
	make_token(launching);
	launching->places = (struct run_places){ .run = launching->record.id, .token = launching->token,
		.sockets = launching->sockets, .nodes = launching->record.nodes, .module = record_module,
		.context = &launching->record, .incarnation = known_incarnation, .supervisor = launching,
		.processes = launching->processes, .carrier = launching->carrier };
	launching->style.width = longest_name(launching->processes);
	if (launching->detach)
		launching->style.colour_out = launching->style.colour_err = false;
	struct launch launch = { .ways = launching->ways.of, .any_wrapped = launching->ways.wraps.count,
		.terminal = launching->ways.terminal, .tmux = launching->tmux, .note = launching->note,
		.topology = launching->topology, .processes = launching->processes, .held = launching->held,
		.allotments = launching->allotments, .cgroup = launching->cgroup,
		.record = &launching->record,
		.sockets = launching->sockets, .token = launching->token, .program = "/proc/self/exe", .document = write_document,
		.context = launching, .style = launching->style, .guardian = launching->guardian,
		.variables = &launching->variables, .incarnations = launching->incarnations, .detached = launching->detach, .step_limit_ns = step_limit_ns(),
		.time_limit_ns = launching->time_limit_ns >= 0 ? launching->time_limit_ns :
			launching->topology->time_limit_ns };
	return supervise(&launch);
}
