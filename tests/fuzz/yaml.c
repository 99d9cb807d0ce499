/* SPDX-License-Identifier: MIT */
/* A topology file, through everything that `lpad check` does before it opens modules: all its combinations, printed too. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "topology/topology.h"

enum { LONGEST = 1 << 16, REPLICAS_PRINTED = 1000 };

static void look_at(struct source *source, const struct combination *combination, FILE *nowhere)
{
	struct problems problems = { .file = source->file };
	struct topology *topology = topology_resolve(source, combination, &problems);
	if (topology && !problems.errors && topology->total <= REPLICAS_PRINTED) {
		topology_print_yaml(topology, nowhere);
		topology_print_mermaid(topology, nowhere);
		json_decref(topology_to_json(topology));
	}
	topology_free(topology);
	problems_release(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	static FILE *nowhere;
	struct problems problems = { 0 };
	struct settings settings = { .folder = "/" };
	struct combinations combinations = { 0 };
	bool unreadable = false;
	if (fd < 0) {
		fd = memfd_create("topo.yaml", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		nowhere = fopen("/dev/null", "w");
	}
	if (size > LONGEST || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	struct source *source = source_read(path, &settings, &problems, &unreadable);
	if (unreadable || (!source && !problems.errors))
		abort();
	if (source && !problems.errors) {
		source_combinations(source, &combinations, &problems);
		for (size_t i = 0; i < combinations.list.count; i++)
			look_at(source, &combinations.list.at[i], nowhere);
		combinations_release(&combinations);
		source_report_unused(source, &problems);
	}
	problems_release(&problems);
	source_free(source);
	return 0;
}
