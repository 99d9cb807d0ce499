/* SPDX-License-Identifier: MIT */
/* Who gets which processors, on machines that are not here; where a limit of memory can be set, in folders that look like it. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "supervise/cgroup.h"
#include "supervise/resources.h"

enum { WISHES_MOST = 6 };

/* `nodes` NUMA nodes of `cores` cores of `threads` threads; numbered as Linux does it: first one thread of every core. */
struct shape {
	int nodes, cores, threads;
};

static void build(struct machine *out, struct shape shape)
{
	*out = (struct machine){ .gpus_by = "" };
	int number = 0;
	for (int thread = 0; thread < shape.threads; thread++)
		for (int node = 0; node < shape.nodes; node++)
			for (int core = 0; core < shape.cores; core++)
				*list_add(&out->processors) = (struct processor){ .number = number++, .node = node,
					.core = node * shape.cores + core };
}

static const struct {
	const char *what;
	struct shape shape;
	size_t count;
	int64_t wishes[WISHES_MOST];
	const char *sets[WISHES_MOST];          /* NULL: no set */
	size_t refused;                         /* 0: none; else the place of the wish, from 1 */
	int64_t needed;
} deals[] = {
	{ "one each", { 1, 4, 1 }, 3, { 1000, 1000, 1000 }, { "0", "1", "2" }, 0, 0 },
	{ "spread over nodes", { 2, 4, 1 }, 4, { 2000, 2000, 1000, 1000 }, { "0-1", "4-5", "2", "6" }, 0, 0 },
	{ "the rest is for the others", { 1, 4, 1 }, 3, { 0, 3000, 0 }, { "3", "0-2", "3" }, 0, 0 },
	{ "nothing is left: not bound", { 1, 2, 1 }, 2, { 2000, 0 }, { "0-1", NULL }, 0, 0 },
	{ "cores before threads", { 1, 4, 2 }, 2, { 3000, 2000 }, { "0-2", "3,7" }, 0, 0 },
	{ "one's own core before another's", { 1, 2, 2 }, 2, { 1000, 3000 }, { "0", "1-3" }, 0, 0 },
	{ "within one node", { 2, 2, 2 }, 2, { 4000, 4000 }, { "0-1,4-5", "2-3,6-7" }, 0, 0 },
	{ "over two nodes if it must be", { 2, 2, 1 }, 1, { 3000 }, { "0-2" }, 0, 0 },
	{ "fractions share", { 1, 2, 1 }, 4, { 500, 500, 500, 500 }, { "0", "0", "1", "1" }, 0, 0 },
	{ "beside whole ones", { 1, 3, 1 }, 4, { 250, 2000, 750, 0 }, { "2", "0-1", "2", NULL }, 0, 0 },
	{ "whole and a part", { 1, 3, 1 }, 2, { 1500, 1500 }, { "0,2", "1-2" }, 0, 0 },
	{ "large parts first", { 1, 2, 1 }, 4, { 300, 700, 600, 400 }, { "0", "0", "1", "1" }, 0, 0 },
	{ "too many", { 1, 2, 1 }, 3, { 1000, 1000, 1000 }, { NULL }, 3, 3 },
	{ "one too large", { 1, 2, 1 }, 2, { 3000, 1000 }, { NULL }, 1, 4 },
	{ "parts that do not pack", { 1, 2, 1 }, 3, { 600, 600, 600 }, { NULL }, 3, 3 },
	{ "no machine", { 0, 0, 0 }, 1, { 100 }, { NULL }, 1, 1 },
	{ "nobody asks", { 1, 2, 1 }, 2, { 0, 0 }, { "0-1", "0-1" }, 0, 0 },
};

static char *ranges(const struct processor_set *set)
{
	struct text text = { 0 };
	resources_ranges(set->numbers, set->count, &text);
	return text_take(&text);
}

START_TEST(processors_are_dealt)
{
	struct machine machine;
	struct processor_set sets[WISHES_MOST];
	int64_t needed = 0;
	build(&machine, deals[_i].shape);
	size_t refused = processors_deal(&machine, deals[_i].wishes, deals[_i].count, sets, &needed);
	ck_assert_msg(refused == (deals[_i].refused ? deals[_i].refused - 1 : deals[_i].count), "%s: refused %zu",
		deals[_i].what, refused);
	if (deals[_i].refused)
		ck_assert_msg(needed == deals[_i].needed, "%s: needed %lld", deals[_i].what, (long long)needed);
	for (size_t i = 0; i < deals[_i].count; i++) {
		char *text = ranges(&sets[i]);
		const char *expected = deals[_i].sets[i] ? deals[_i].sets[i] : "";
		if (!deals[_i].refused)
			ck_assert_msg(!strcmp(text, expected), "%s: %zu gets %s, not %s", deals[_i].what, i, text, expected);
		free(text);
		free(sets[i].numbers);
	}
	machine_release(&machine);
}
END_TEST

/* Whatever is asked, nobody gets what another has whole, and everybody gets as many as asked. */
START_TEST(a_large_machine_is_dealt_out)
{
	enum { COUNT = 64 };
	struct machine machine;
	struct processor_set sets[COUNT];
	int64_t wishes[COUNT], needed;
	int seen[256] = { 0 };
	build(&machine, (struct shape){ 4, 32, 2 });
	for (int i = 0; i < COUNT; i++)
		wishes[i] = 1000 * (1 + i % 7);
	ck_assert_uint_eq(processors_deal(&machine, wishes, COUNT, sets, &needed), COUNT);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(sets[i].count, (size_t)(1 + i % 7));
		for (size_t k = 0; k < sets[i].count; k++)
			ck_assert_int_eq(seen[sets[i].numbers[k]]++, 0);
		free(sets[i].numbers);
	}
	machine_release(&machine);
}
END_TEST

/* ---- GPUs, as the environment shows them ---- */

static const struct {
	const char *gpus, *variable, *visible, *seen, *by;
} views[] = {
	{ "4", "CUDA_VISIBLE_DEVICES", NULL, "0 1 2 3", "LPAD_GPUS" },
	{ "0", "CUDA_VISIBLE_DEVICES", NULL, "", "LPAD_GPUS" },
	{ "4", "CUDA_VISIBLE_DEVICES", "2,3", "2 3", "CUDA_VISIBLE_DEVICES" },
	{ "4", "CUDA_VISIBLE_DEVICES", "3, 1,9,0", "3 1", "CUDA_VISIBLE_DEVICES" },
	{ "4", "CUDA_VISIBLE_DEVICES", "", "", "CUDA_VISIBLE_DEVICES" },
	{ "4", "CUDA_VISIBLE_DEVICES", "-1", "", "CUDA_VISIBLE_DEVICES" },
	{ "4", "CUDA_VISIBLE_DEVICES", "NoDevFiles", "", "CUDA_VISIBLE_DEVICES" },
	{ "2", "CUDA_VISIBLE_DEVICES", "GPU-8932f937-d72c,MIG-1", "GPU-8932f937-d72c MIG-1", "CUDA_VISIBLE_DEVICES" },
	{ "amd:2", "ROCR_VISIBLE_DEVICES", NULL, "0 1", "LPAD_GPUS" },
	{ "amd:8", "ROCR_VISIBLE_DEVICES", "5", "5", "ROCR_VISIBLE_DEVICES" },
	{ "intel:2", "ZE_AFFINITY_MASK", "0.1,1.0", "0.1 1.0", "ZE_AFFINITY_MASK" },
};

START_TEST(gpus_are_what_the_launcher_sees)
{
	struct machine machine;
	struct text seen = { 0 };
	for (int i = 0; i < GPU_VENDORS; i++)
		unsetenv(gpu_variable((enum gpu_vendor)i));
	setenv("LPAD_GPUS", views[_i].gpus, 1);
	if (views[_i].visible)
		setenv(views[_i].variable, views[_i].visible, 1);
	machine_read(&machine, MACHINE_GPUS);
	for (size_t i = 0; i < machine.gpus.count; i++)
		text_format(&seen, "%s%s", i ? " " : "", machine.gpus.at[i]);
	ck_assert_str_eq(text_string(&seen), views[_i].seen);
	ck_assert_str_eq(machine.gpus_by, views[_i].by);
	ck_assert_str_eq(gpu_variable(machine.vendor), views[_i].variable);
	text_release(&seen);
	machine_release(&machine);
}
END_TEST

START_TEST(the_machine_is_read)
{
	struct machine machine;
	cpu_set_t own;
	machine_read(&machine, MACHINE_PROCESSORS);
	ck_assert_int_eq(sched_getaffinity(0, sizeof own, &own), 0);
	ck_assert_uint_eq(machine.processors.count, (size_t)CPU_COUNT(&own));
	for (size_t i = 0; i < machine.processors.count; i++)
		ck_assert(CPU_ISSET(machine.processors.at[i].number, &own));
	ck_assert_uint_gt(machine.nofile, 0);
	ck_assert_uint_gt(machine.stack, 0);
	machine_release(&machine);
}
END_TEST

/* ---- cgroups: plain folders with the files that are read ---- */

static char root[] = "/tmp/test_resources.XXXXXX";

static void put(const char *folder, const char *file, const char *content)
{
	char path[500];
	snprintf(path, sizeof path, "%s%s", root, folder);
	ck_assert_int_eq(files_make_folders(path, 0755, NULL), 0);
	snprintf(path, sizeof path, "%s%s/%s", root, folder, file);
	FILE *out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	fputs(content, out);
	fclose(out);
}

static void set_up(void)
{
	snprintf(root, sizeof root, "/tmp/test_resources.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
	files_remove_tree(root);
}

static void assert_chosen(const char *own, const char *expected)
{
	char *why, *chosen = cgroup_choose(root, own, &why);
	if (expected) {
		ck_assert_ptr_nonnull(chosen);
		ck_assert_str_eq(chosen + strlen(root), expected);
		ck_assert_ptr_null(why);
	} else {
		ck_assert_ptr_null(chosen);
		ck_assert_ptr_nonnull(why);
	}
	free(chosen);
	free(why);
}

START_TEST(the_nearest_cgroup_that_hands_out_memory_is_taken)
{
	put("", "cgroup.controllers", "cpu io memory pids\n");
	put("", "cgroup.subtree_control", "cpu memory\n");
	put("/user", "cgroup.subtree_control", "cpu memory pids\n");
	put("/user", "cgroup.procs", "");
	put("/user/app", "cgroup.subtree_control", "memory\n");
	put("/user/app", "cgroup.procs", "");
	put("/user/app/term.scope", "cgroup.subtree_control", "\n");
	put("/user/app/term.scope", "cgroup.procs", "1\n");
	assert_chosen("/user/app/term.scope", "/user/app");
	put("/user/app", "cgroup.subtree_control", "cpu\n");
	assert_chosen("/user/app/term.scope", "/user");
	put("/user", "cgroup.subtree_control", "memory_extra\n");
	assert_chosen("/user/app/term.scope", NULL);            /* the root has no cgroup.procs that could be written */
	put("", "cgroup.procs", "");
	assert_chosen("/user/app/term.scope", "");
	assert_chosen("/", "");
}
END_TEST

START_TEST(without_the_controller_there_is_none)
{
	put("", "cgroup.controllers", "hugetlb\n");
	put("", "cgroup.subtree_control", "memory\n");
	put("", "cgroup.procs", "");
	assert_chosen("/", NULL);
}
END_TEST

START_TEST(what_the_kernel_enforced_is_counted)
{
	put("/lpad-7/3", "memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 5\noom_group_kill 1\n");
	char run[200];
	snprintf(run, sizeof run, "%s/lpad-7", root);
	ck_assert_int_eq(cgroup_kills(run, 3), 5);
	ck_assert_int_eq(cgroup_kills(run, 4), -1);
	char *name = cgroup_of_run(root, 7);
	ck_assert_str_eq(name, run);
	free(name);
}
END_TEST

START_TEST(sizes_are_written_as_they_would_be_typed)
{
	static const struct { int64_t bytes; const char *text; } rows[] = { { 512 << 20, "512MiB" }, { 1 << 30, "1GiB" },
		{ 1500000, "1500000 bytes" }, { 1536, "1536 bytes" }, { 3 << 10, "3KiB" } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct text text = { 0 };
		resources_size(rows[i].bytes, &text);
		ck_assert_str_eq(text_string(&text), rows[i].text);
		text_release(&text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resources");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, processors_are_dealt, 0, sizeof deals / sizeof deals[0]);
	tcase_add_test(tcase, a_large_machine_is_dealt_out);
	tcase_add_loop_test(tcase, gpus_are_what_the_launcher_sees, 0, sizeof views / sizeof views[0]);
	tcase_add_test(tcase, the_machine_is_read);
	tcase_add_test(tcase, the_nearest_cgroup_that_hands_out_memory_is_taken);
	tcase_add_test(tcase, without_the_controller_there_is_none);
	tcase_add_test(tcase, what_the_kernel_enforced_is_counted);
	tcase_add_test(tcase, sizes_are_written_as_they_would_be_typed);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
