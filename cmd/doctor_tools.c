/* SPDX-License-Identifier: MIT */
/* Programs that lpad starts, or that its users do, and the libraries that it runs with. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "doctor.h"
#include "supervise/helper.h"

static const int64_t PATIENCE_NS = 300000000;          /* with one program that should say its version */

/* Its first line. False: it does not start. One that says nothing in time is there all the same. */
static bool ask_version(const char *program, const char *option, struct text *out)
{
	const char *words[] = { program, option, NULL };
	struct helper_order order = { .words = words };
	struct helper helper;
	struct error error = { 0 };
	if (helper_start(&helper, &order, &error))
		return false;
	int64_t until = clock_ns() + PATIENCE_NS;
	bool ended = false;
	for (int64_t left; !ended && (left = until - clock_ns()) > 0; ) {
		struct pollfd watched = { .fd = helper.out, .events = POLLIN };
		ended = poll(&watched, 1, (int)(left / 1000000) + 1) > 0 && !helper_read(helper.out, out);
	}
	helper_kill(&helper);
	char *end = out->length ? strchr(out->data, '\n') : NULL;
	if (end) {
		*end = '\0';
		out->length = (size_t)(end - out->data);
	}
	return true;
}

static void look_for(struct finding *finding, const char *program, const char *option, enum finding_verdict verdict,
	const char *meaning, const char *remedy)
{
	struct text cleanup_text version = { 0 };
	if (ask_version(program, option, &version)) {
		finding_value(finding, "%s: %.80s", program, version.length ? version.data : "it does not say which version");
		return;
	}
	finding_value(finding, "%s: not found", program);
	finding_raise(finding, verdict, meaning, remedy);
}

static const char *or_variable(const char *name, const char *usual)
{
	const char *value = getenv(name);
	return value && *value ? value : usual;
}

static void look_at_c(struct finding *finding)
{
	look_for(finding, or_variable("CC", "cc"), "--version", FINDING_PROBLEM,
		"modules that are C sources cannot be compiled", "apt install gcc libc6-dev, or set CC to another compiler");
}

static void look_at_cxx(struct finding *finding)
{
	look_for(finding, or_variable("CXX", "c++"), "--version", FINDING_WARNING,
		"modules that are C++ sources cannot be compiled", "apt install g++, or set CXX to another compiler");
}

static void look_at_git(struct finding *finding)
{
	look_for(finding, "git", "--version", FINDING_WARNING, "records do not say of which commit a run was", "apt install git");
}

static void look_at_python(struct finding *finding)
{
	look_for(finding, "python3", "--version", FINDING_WARNING, "commands that are Python programs cannot be started",
		"apt install python3");
}

static void look_at_tmux(struct finding *finding)
{
	look_for(finding, "tmux", "-V", FINDING_WARNING, "--output tmux cannot be had", "apt install tmux");
}

static bool is_in_path(const char *program)
{
	const char *path = or_variable("PATH", "/usr/bin:/bin");
	for (const char *at = path; *(at += strspn(at, ":")); at += strcspn(at, ":")) {
		char *cleanup_free file = memory_format("%.*s/%s", (int)strcspn(at, ":"), at, program);
		if (!access(file, X_OK) && files_is_file(file))
			return true;
	}
	return false;
}

/* Nobody needs them until a node crashes, is slow, or hangs. */
static void look_at_debuggers(struct finding *finding)
{
	static const char *const programs[] = { "gdb", "valgrind", "strace", "perf" };
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		finding_value(finding, "%s%s %s", i ? ", " : "", programs[i], is_in_path(programs[i]) ? "yes" : "no");
}

/* By the names of the files that are mapped: "libnng.so.1.5.2". */
static void add_library(struct finding *finding, const char *maps, const char *name)
{
	const char *at = strstr(maps, name);
	while (at && at[-1] != '/')
		at = strstr(at + 1, name);
	finding_value(finding, "%s%.*s", finding->value.length ? ", " : "", at ? (int)strcspn(at, "\n ") : (int)strlen(name) - 1,
		at ? at : name);
	if (!at)
		finding_value(finding, " built in");
}

static void look_at_libraries(struct finding *finding)
{
	static const char *const names[] = { "libnng.", "libyaml-", "libjansson.", "libhwloc.", "libc." };
	struct text cleanup_text maps = { 0 };
	if (files_read("/proc/self/maps", &maps, 0, NULL))
		return;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		add_library(finding, text_string(&maps), names[i]);
}

static void look_at_lpad(struct finding *finding)
{
	finding_value(finding, "%s%s%s", LPAD_VERSION, *LPAD_SANITIZE ? ", built with " : "", LPAD_SANITIZE);
}

const struct doctor_check doctor_tools[] = {
	{ "lpad", look_at_lpad },
	{ "libraries", look_at_libraries },
	{ "c compiler", look_at_c },
	{ "c++ compiler", look_at_cxx },
	{ "git", look_at_git },
	{ "python", look_at_python },
	{ "tmux", look_at_tmux },
	{ "debuggers", look_at_debuggers },
	{ .name = NULL },
};
