/* SPDX-License-Identifier: MIT */
/*
 * Which process may use what of this machine, decided once before the first is started: a restarted one gets the same.
 *
 *     struct machine machine;
 *     machine_read(&machine, MACHINE_PROCESSORS | MACHINE_GPUS);              // resources_machine.c
 *     struct allotments *all = allotments_new(topology, processes, &machine, &problems);      // resources.c
 *     ... all->at[i].processors_text, all->at[i].gpus ...
 *     allotments_free(all), machine_release(&machine);
 *
 * The rules are those of lpad-topology(5), "resources".
 */
#ifndef SUPERVISE_RESOURCES_H
#define SUPERVISE_RESOURCES_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "topology/processes.h"
#include "topology/topology.h"

/* ---- what there is ---- */

struct processor {
	int number, core, node;         /* as Linux counts them; its core and its NUMA node */
};

enum gpu_vendor { GPU_NVIDIA, GPU_AMD, GPU_INTEL, GPU_VENDORS };
/* The variable by which a program of the vendor sees some of them only; "NVIDIA". */
const char *gpu_variable(enum gpu_vendor vendor);
const char *gpu_vendor_name(enum gpu_vendor vendor);

struct machine {
	LIST(struct processor) processors;      /* that lpad itself may use, by number */
	enum gpu_vendor vendor;
	LIST(char *) gpus;                      /* as the vendor's variable names them */
	const char *gpus_by;                    /* static: what they are known by, "/dev/nvidia*" */
	uint64_t nofile;                        /* the hard limit */
	int nice_least;                         /* no lower one is allowed */
	uint64_t stack;                         /* of a thread */
	bool counts_memory;                     /* RLIMIT_DATA can be used: see resources_machine.c */
	char *cgroup;                           /* where ones for the run can be made; NULL: nowhere, because: */
	char *no_cgroup;
};

enum { MACHINE_PROCESSORS = 1, MACHINE_GPUS = 2, MACHINE_CGROUP = 4 };
void machine_read(struct machine *out, int what);
/* No more than the topology asks for. */
void machine_read_for(struct machine *out, const struct processes *processes);
void machine_release(struct machine *machine);

/* ---- who gets what ---- */

struct allotment {                      /* of one process */
	const struct resources *asked;  /* borrowed; NULL: nothing */
	cpu_set_t *processors;          /* NULL: as lpad's own */
	size_t processors_size;
	char *processors_text;          /* "0-3,8"; NULL with it */
	char *gpus;                     /* "0,1"; "": none; NULL: as lpad's own */
	bool gpus_asked;                /* else they are what the others left: the file's `env` wins */
	uint64_t data;                  /* RLIMIT_DATA; 0: none */
};
struct allotments {
	int count;                      /* by process, as in struct processes */
	struct allotment *at;
	enum gpu_vendor vendor;
	char *cgroup;                   /* for the memory limits; NULL: RLIMIT_DATA is, or there are none */
	bool any_memory;
};

/* What cannot be given is an error at the mark of who asks; the result is as good as it can be. */
struct allotments *allotments_new(const struct topology *topology, const struct processes *processes,
	const struct machine *machine, struct problems *problems);
void allotments_free(struct allotments *allotments);            /* NULL is fine */

/* The same as warnings: the file may be meant for another machine. */
void resources_warn(const struct topology *topology, struct problems *problems);

/* "cpus 0-1, gpus 0, memory 512MiB by rlimit, nice 5"; nothing if it has nothing of its own. */
void allotment_describe(const struct allotments *allotments, int process, struct text *out);
/* "512MiB", "1500000 bytes". */
void resources_size(int64_t bytes, struct text *out);
/* "0-3,8" of ascending numbers. */
void resources_ranges(const int *numbers, size_t count, struct text *out);

/* ---- processors.c: pure arithmetic ---- */

/* Thousandths of a processor for each of `count` wishes; 0: none of its own. `out[i]`: the numbers that wish i gets,
   ascending, to be freed; wishes of 0 get what is left, or NULL when nothing is. Returns the first wish that cannot be
   met, or `count`; `needed` is then how many processors would do. */
struct processor_set {
	int *numbers;
	size_t count;
};
size_t processors_deal(const struct machine *machine, const int64_t *wishes, size_t count, struct processor_set *out,
	int64_t *needed);

#endif
