/* SPDX-License-Identifier: MIT */
/* What this machine has, as far as lpad may use it. The one file that includes hwloc.h. */
#include <ctype.h>
#include <dirent.h>
#include <hwloc.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/cgroup.h"
#include "supervise/resources.h"

/* Sanitizers map terabytes of writable memory that nobody uses, and RLIMIT_DATA counts it. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define COUNTS_MEMORY false
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MEMORY false
#endif
#endif
#ifndef COUNTS_MEMORY
#define COUNTS_MEMORY true
#endif

static const struct {
	const char *name, *variable;
} vendors[GPU_VENDORS] = {
	[GPU_NVIDIA] = { "nvidia", "CUDA_VISIBLE_DEVICES" },
	[GPU_AMD] = { "amd", "ROCR_VISIBLE_DEVICES" },
	[GPU_INTEL] = { "intel", "ZE_AFFINITY_MASK" },
};

const char *gpu_variable(enum gpu_vendor vendor)
{
	return vendors[vendor].variable;
}

const char *gpu_vendor_name(enum gpu_vendor vendor)
{
	return vendors[vendor].name;
}

/* ---- processors ---- */

/* Plugins of hwloc find devices, which nobody asks for here, and would be opened into the supervisor. */
static int load_without_plugins(hwloc_topology_t topology)
{
	static const char name[] = "HWLOC_PLUGINS_PATH";
	char *cleanup_free before = memory_copy_text(getenv(name));
	setenv(name, "/nonexistent", 1);
	int result = hwloc_topology_load(topology);
	if (before)
		setenv(name, before, 1);
	else
		unsetenv(name);
	return result;
}

static int number_of(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_obj_t below)
{
	hwloc_obj_t above = hwloc_get_ancestor_obj_by_type(topology, type, below);
	return above ? (int)above->logical_index : -1;
}

/* A NUMA node stands beside the tree of cores, not in it. */
static int node_of(hwloc_topology_t topology, hwloc_obj_t unit)
{
	hwloc_obj_t node = NULL;
	while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)))
		if (hwloc_bitmap_isincluded(unit->cpuset, node->cpuset))
			return (int)node->logical_index;
	return 0;
}

/* Without hwloc's view each processor is a core. */
static void add_processor(struct machine *out, hwloc_topology_t topology, int number)
{
	hwloc_obj_t unit = topology ? hwloc_get_pu_obj_by_os_index(topology, (unsigned)number) : NULL;
	int core = unit ? number_of(topology, HWLOC_OBJ_CORE, unit) : -1;
	*list_add(&out->processors) = (struct processor){ .number = number, .core = core >= 0 ? core : INT_MAX - number,
		.node = unit ? node_of(topology, unit) : 0 };
}

/* The cpuset of the cgroup is in the affinity already. Caller frees. */
static cpu_set_t *own_affinity(int *most)
{
	for (*most = 1024; *most <= 1 << 20; *most *= 2) {
		cpu_set_t *set = memory_new(CPU_ALLOC_SIZE(*most));
		if (!sched_getaffinity(0, CPU_ALLOC_SIZE(*most), set))
			return set;
		free(set);
	}
	return NULL;
}

static void read_processors(struct machine *out)
{
	int most;
	hwloc_topology_t topology = NULL;
	cpu_set_t *cleanup_free allowed = own_affinity(&most);
	bool known = !hwloc_topology_init(&topology);
	bool loaded = known && !load_without_plugins(topology);
	for (int i = 0; allowed && i < most; i++)
		if (CPU_ISSET_S(i, CPU_ALLOC_SIZE(most), allowed))
			add_processor(out, loaded ? topology : NULL, i);
	if (known)
		hwloc_topology_destroy(topology);
}

/* ---- GPUs: no driver is asked, only what the kernel shows ---- */

static int count_files(const char *folder, bool (*counts)(const char *folder, const char *name))
{
	int count = 0;
	DIR *all = opendir(folder);
	for (struct dirent *entry; all && (entry = readdir(all)); )
		count += counts(folder, entry->d_name);
	if (all)
		closedir(all);
	return count;
}

static bool is_nvidia(const char *folder, const char *name)
{
	(void)folder;
	return text_starts(name, "nvidia") && name[6] && !name[6 + strspn(name + 6, "0123456789")];
}

/* A node of the topology of kfd is a GPU if it has SIMD units. */
static bool is_kfd(const char *folder, const char *name)
{
	char *cleanup_free path = memory_format("%s/%s/properties", folder, name);
	struct text cleanup_text text = { 0 };
	if (name[0] == '.' || files_read(path, &text, 65536, NULL))
		return false;
	const char *at = strstr(text_string(&text), "simd_count ");
	return at && atoi(at + strlen("simd_count ")) > 0;
}

static bool is_intel(const char *folder, const char *name)
{
	char *cleanup_free path = memory_format("%s/%s/device/vendor", folder, name);
	struct text cleanup_text text = { 0 };
	return text_starts(name, "renderD") && !files_read(path, &text, 64, NULL) &&
		text_starts(text_string(&text), "0x8086");
}

static int find_gpus(struct machine *out)
{
	static const struct {
		const char *folder, *by;
		bool (*counts)(const char *folder, const char *name);
	} rows[GPU_VENDORS] = {
		[GPU_NVIDIA] = { "/dev", "/dev/nvidia*", is_nvidia },
		[GPU_AMD] = { "/sys/class/kfd/kfd/topology/nodes", "/sys/class/kfd", is_kfd },
		[GPU_INTEL] = { "/sys/class/drm", "/sys/class/drm", is_intel },
	};
	for (int i = 0; i < GPU_VENDORS; i++) {
		int count = count_files(rows[i].folder, rows[i].counts);
		out->vendor = (enum gpu_vendor)i;
		out->gpus_by = rows[i].by;
		if (count)
			return count;
	}
	out->vendor = GPU_NVIDIA;
	out->gpus_by = "/dev/nvidia*, /sys/class/kfd and /sys/class/drm";
	return 0;
}

/* LPAD_GPUS=4, or amd:4: what is there, whatever is found. */
static int pretended_gpus(struct machine *out, const char *text)
{
	const char *colon = strchr(text, ':');
	out->gpus_by = "LPAD_GPUS";
	for (int i = 0; colon && i < GPU_VENDORS; i++)
		if (strlen(vendors[i].name) == (size_t)(colon - text) && text_starts(text, vendors[i].name))
			out->vendor = (enum gpu_vendor)i;
	int count = atoi(colon ? colon + 1 : text);
	return count > 0 ? count : 0;
}

/* As the drivers read it: the list ends before the first that is not there. */
static void add_visible(struct machine *out, const char *list, int count)
{
	char *cleanup_free copy = memory_copy_text(list);
	char *rest = copy;
	for (char *word; (word = strsep(&rest, ",")); ) {
		word += strspn(word, " ");
		word[strcspn(word, " ")] = '\0';
		bool is_number = isdigit((unsigned char)*word) && !word[strspn(word, "0123456789.")];   /* 0.1: a tile of Intel's */
		bool is_name = isalpha((unsigned char)*word) && strchr(word, '-');                      /* GPU-8932f937-... */
		if (!is_name && !(is_number && (!count || atoi(word) < count)))
			break;
		*list_add(&out->gpus) = memory_copy_text(word);
	}
}

static void read_gpus(struct machine *out)
{
	const char *pretended = getenv("LPAD_GPUS");
	int count = pretended && *pretended ? pretended_gpus(out, pretended) : find_gpus(out);
	for (int i = 0; !count && !pretended && i < GPU_VENDORS; i++)
		if (getenv(vendors[i].variable))                /* whoever set it knows of some that are not seen from here */
			out->vendor = (enum gpu_vendor)i;
	const char *visible = getenv(gpu_variable(out->vendor));
	if (visible) {
		out->gpus_by = gpu_variable(out->vendor);
		add_visible(out, visible, count);
		return;
	}
	for (int i = 0; i < count; i++)
		*list_add(&out->gpus) = memory_format("%d", i);
}

/* ---- limits ---- */

static bool may_raise_priority(void)
{
	enum { CAP_SYS_NICE_BIT = 23 };
	struct text cleanup_text text = { 0 };
	if (files_read("/proc/self/status", &text, 65536, NULL))
		return false;
	const char *at = strstr(text_string(&text), "CapEff:");
	return at && (strtoull(at + strlen("CapEff:"), NULL, 16) >> CAP_SYS_NICE_BIT & 1);
}

static int least_nice(void)
{
	struct rlimit limit;
	int now = getpriority(PRIO_PROCESS, 0);
	if (may_raise_priority())
		return -20;
	int allowed = getrlimit(RLIMIT_NICE, &limit) || limit.rlim_cur > 40 ? 20 : 20 - (int)limit.rlim_cur;
	return allowed < now ? allowed : now;
}

static uint64_t thread_stack(void)
{
	pthread_attr_t attributes;
	size_t size = 0;
	pthread_attr_init(&attributes);
	pthread_attr_getstacksize(&attributes, &size);
	pthread_attr_destroy(&attributes);
	return size;
}

static void read_limits(struct machine *out)
{
	struct rlimit limit;
	out->nofile = getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_max;
	out->nice_least = least_nice();
	out->stack = thread_stack();
	out->counts_memory = COUNTS_MEMORY;
}

void machine_read(struct machine *out, int what)
{
	*out = (struct machine){ .gpus_by = "" };
	read_limits(out);
	if (what & MACHINE_PROCESSORS)
		read_processors(out);
	if (what & MACHINE_GPUS)
		read_gpus(out);
	if (what & MACHINE_CGROUP)
		out->cgroup = cgroup_delegated(&out->no_cgroup);
}

void machine_read_for(struct machine *out, const struct processes *processes)
{
	int what = 0;
	for (int i = 0; i < processes->count; i++) {
		const struct resources *asked = processes->at[i].resources;
		if (asked)
			what |= (asked->cpus > 0 ? MACHINE_PROCESSORS : 0) | (asked->gpus ? MACHINE_GPUS : 0) |
				(asked->memory ? MACHINE_CGROUP : 0);
	}
	machine_read(out, what);
}

void machine_release(struct machine *machine)
{
	for (size_t i = 0; i < machine->gpus.count; i++)
		free(machine->gpus.at[i]);
	list_release(&machine->gpus);
	list_release(&machine->processors);
	free(machine->cgroup);
	free(machine->no_cgroup);
}
