/* SPDX-License-Identifier: MIT */
#include "supervise/candidate.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/diagnostics.h"
#include "supervise/locate.h"

enum { DIAGNOSTICS_MOST = 30, LAST_LINES = 3 };

/* ---- findings ---- */

struct finding *candidate_add(struct candidate *candidate, size_t word, const char *rule, char *hint,
	const char *format, ...)
{
	va_list list;
	va_start(list, format);
	struct finding *finding = list_add(&candidate->findings);
	*finding = (struct finding){ SEVERITY_ERROR, rule, { 0 }, word, memory_format_list(format, list), hint };
	va_end(list);
	return finding;
}

/* "its last lines: ..."; NULL: it said nothing. */
char *candidate_last_lines(const char *output)
{
	size_t length = strlen(output);
	while (length && output[length - 1] == '\n')
		length--;
	size_t from = length;
	for (int lines = 0; from && (output[from - 1] != '\n' || ++lines < LAST_LINES); from--)
		;
	if (!length)
		return NULL;
	char *text = memory_format("its last lines: %.*s", (int)(length - from), output + from);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = *at == '\n' ? '|' : ' ';
	return text;
}

static struct mark word_mark(const struct group *group, size_t word)
{
	return word < group->module.count ? group->module.at[word].mark : group->mark;
}

void candidate_tell(const struct candidate *candidate, const struct group *group, struct problems *problems)
{
	for (size_t i = 0; i < candidate->findings.count; i++) {
		const struct finding *one = &candidate->findings.at[i];
		struct mark mark = one->mark.line ? one->mark : word_mark(group, one->word);
		if (one->severity == SEVERITY_ERROR)
			problem_add(problems, mark, one->rule, one->hint, "%s", one->message);
		else
			problem_warn(problems, mark, one->rule, one->hint, "%s", one->message);
	}
}

/* ---- which files ---- */

static bool is_object(const char *word)
{
	return text_ends(word, ".so") || strstr(word, ".so.");
}

/* The name of one of lpad's own without its ending is a mistake that is easily made. */
static char *kind_hint(const struct workshop *workshop, const char *word)
{
	char *cleanup_free own = workshop->places.nodes ? memory_format("%s/%s.so", workshop->places.nodes, word) : NULL;
	if (own && !strchr(word, '/') && !access(own, F_OK))
		return memory_format("lpad's own is `%s.so`", word);
	return memory_copy_text("another language's sources are compiled into a shared object by hand");
}

static void check_kind(const struct workshop *workshop, struct candidate *candidate, const struct group *group, size_t place)
{
	const char *word = group->module.at[place].text;
	if (!build_is_source(word) && !is_object(word))
		candidate_add(candidate, place, "module-kind", kind_hint(workshop, word),
			"`%s` is neither a C source (.c), nor a C++ source (.cc, .cpp, .cxx), nor a shared object (.so)", word);
	else if (is_object(word) && group->module.count > 1)
		candidate_add(candidate, place, "module-kind", NULL,
			"the shared object `%s` stands alone: a list names sources", word);
}

static void find_file(struct workshop *workshop, struct candidate *candidate, const struct group *group, size_t place)
{
	const struct word *word = &group->module.at[place];
	const char *base = word->base ? word->base : workshop->folder;
	char *path = locate(&workshop->places, base, word->text);
	if (path) {
		*list_add(&candidate->paths) = path;
		return;
	}
	char *cleanup_free folders = locate_folders(&workshop->places, base, word->text);
	char *cleanup_free nearest = locate_nearest(&workshop->places, base, word->text);
	candidate_add(candidate, place, "module-missing", nearest ? memory_format("did you mean %s?", nearest) : NULL,
		"there is no `%s` in %s", word->text, folders);
}

static void check_age(struct candidate *candidate)
{
	char *cleanup_free newer = locate_newer_source(candidate->paths.at[0]);
	if (!newer)
		return;
	const char *source = files_name_of(newer), *object = files_name_of(candidate->paths.at[0]);
	candidate_add(candidate, 0, "module-stale", NULL, "%s is newer than the %s named here: name %s, or build it",
		source, object, source);
}

static void find_files(struct workshop *workshop, struct candidate *candidate, const struct group *group)
{
	for (size_t i = 0; i < group->module.count; i++)
		check_kind(workshop, candidate, group, i);
	bool right = !candidate->findings.count;
	for (size_t i = 0; right && i < group->module.count; i++)
		find_file(workshop, candidate, group, i);
	if (candidate->findings.count)
		return;
	candidate->sources = build_is_source(candidate->paths.at[0]);
	if (candidate->sources)
		return;
	check_age(candidate);
	if (!candidate->findings.count)
		candidate->object = memory_copy_text(candidate->paths.at[0]);
}

/* ---- compiling ---- */

/* What one source lacks may stand in another. The linker finds it, or with a sanitizer the loader. */
char *candidate_undefined_hint(const struct candidate *candidate, const char *output)
{
	static const char *const words[] = { "undefined reference to ", "undefined symbol: ", "undefined symbols" };
	const char *name = files_name_of(candidate->shown);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strstr(output, words[i]))
			return memory_format("name all sources of the module: `module: [%s, OTHER.c]`, `lpad describe %s OTHER.c`; "
				"a library stands in `build: {libs: -lNAME}`", name, name);
	return NULL;
}

/* A path as a person here would write it, to stay as long as the probe. */
static const char *file_name(struct workshop *workshop, const char *path, size_t length)
{
	size_t folder = strlen(workshop->folder);
	if (length > folder + 1 && !strncmp(path, workshop->folder, folder) && path[folder] == '/') {
		path += folder + 1;
		length -= folder + 1;
	}
	for (size_t i = 0; i < workshop->names.count; i++)
		if (strlen(workshop->names.at[i]) == length && !strncmp(workshop->names.at[i], path, length))
			return workshop->names.at[i];
	return *list_add(&workshop->names) = memory_copy_span(path, length);
}

/* The header's own check of a member's type says no more than that a size is negative. */
static char *diagnostic_hint(const struct diagnostic *one)
{
	char *cleanup_free message = memory_copy_span(one->message, one->message_length);
	if (!strstr(message, "negative"))
		return NULL;
	if (!one->macro || one->macro_length < 5 || strncmp(one->macro, "LPAD_", 5))
		return memory_copy_text("of an LPAD_ macro: the member has another type than it binds");
	return memory_format("the member has another type than %.*s binds", (int)one->macro_length, one->macro);
}

static size_t add_diagnostics(struct workshop *workshop, struct candidate *candidate, const char *output)
{
	struct diagnostic one;
	size_t errors = 0;
	for (size_t count = 0; count < DIAGNOSTICS_MOST && diagnostic_next(&output, &one); count++) {
		const char *rule = one.error ? "compiler" : "compiler-warning";
		struct finding *finding = candidate_add(candidate, 0, rule, diagnostic_hint(&one), "%.*s",
			(int)one.message_length, one.message);
		finding->severity = one.error ? SEVERITY_ERROR : SEVERITY_WARNING;
		finding->mark = (struct mark){ file_name(workshop, one.file, one.file_length), one.line, one.column,
			one.line, one.column + 1 };
		errors += one.error;
	}
	return errors;
}

static void take_build(struct workshop *workshop, struct candidate *candidate, const struct build *build)
{
	static const char no_compiler[] =
		"apt install build-essential, or name a compiler: `build: {compiler: clang}`, $CC or, for C++, $CXX";
	size_t errors = 0;
	char *hint;
	switch (build->outcome) {
	case BUILD_DONE:
		candidate->object = memory_copy_text(build->object);
		add_diagnostics(workshop, candidate, build->output);
		break;
	case BUILD_NO_COMPILER:
		candidate_add(candidate, 0, "no-compiler", memory_copy_text(no_compiler),
			"there is no compiler `%s` to compile %s with", build->used, candidate->shown);
		break;
	case BUILD_REFUSED:
		errors = add_diagnostics(workshop, candidate, build->output);
		hint = candidate_undefined_hint(candidate, build->output);
		candidate_add(candidate, 0, "module-compile", hint || errors ? hint : candidate_last_lines(build->output),
			"%s does not compile", candidate->shown);
		break;
	case BUILD_FAILED:
		candidate_add(candidate, 0, "module-compile", candidate_last_lines(build->output),
			"%s could not be compiled", candidate->shown);
		break;
	}
}

static void order_build(const struct candidate *candidate, const struct group *group, struct build *out)
{
	*out = (struct build){
		.sources = candidate->paths.at, .source_count = candidate->paths.count,
		.flags = group->build.flags.at, .flag_count = group->build.flags.count,
		.libs = group->build.libs.at, .lib_count = group->build.libs.count,
		.compiler = group->build.compiler, .folder = group->module.at[0].base };
}

static bool to_compile(const struct candidate *candidate)
{
	return candidate->sources && !candidate->findings.count;
}

static void compile(struct workshop *workshop, struct candidate *const *candidates, const struct group *const *groups,
	size_t count)
{
	struct build *cleanup_free builds = memory_array(count, sizeof *builds);
	struct candidate **cleanup_free built = memory_array(count, sizeof *built);
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++)
		if (to_compile(candidates[i])) {
			order_build(candidates[i], groups[i], &builds[wanted]);
			built[wanted++] = candidates[i];
		}
	if (workshop->builder.cache)
		build_all(&workshop->builder, builds, wanted);
	for (size_t i = 0; i < wanted; i++) {
		if (workshop->builder.cache)
			take_build(workshop, built[i], &builds[i]);
		else
			candidate_add(built[i], 0, "module-compile", NULL, "%s", workshop->error.text);
		build_release(&builds[i]);
	}
}

void candidates_make(struct workshop *workshop, struct candidate *const *candidates, const struct group *const *groups,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		find_files(workshop, candidates[i], groups[i]);
	compile(workshop, candidates, groups, count);
}

/* ---- life ---- */

char *candidate_key(const struct group *group)
{
	struct text key = { 0 };
	for (size_t i = 0; i < group->module.count; i++)
		text_format(&key, "%s\n%s\n", group->module.at[i].base ? group->module.at[i].base : "",
			group->module.at[i].text);
	text_format(&key, "compiler %s\n", group->build.compiler ? group->build.compiler : "");
	for (size_t i = 0; i < group->build.flags.count; i++)
		text_format(&key, "flag %s\n", group->build.flags.at[i]);
	for (size_t i = 0; i < group->build.libs.count; i++)
		text_format(&key, "lib %s\n", group->build.libs.at[i]);
	return text_take(&key);
}

void candidate_init(struct candidate *candidate, const struct group *group)
{
	*candidate = (struct candidate){ .key = candidate_key(group), .shown = memory_copy_text(group->module.at[0].text) };
}

void candidate_release(struct candidate *candidate)
{
	for (size_t i = 0; i < candidate->findings.count; i++) {
		free(candidate->findings.at[i].message);
		free(candidate->findings.at[i].hint);
	}
	for (size_t i = 0; i < candidate->paths.count; i++)
		free(candidate->paths.at[i]);
	list_release(&candidate->findings);
	list_release(&candidate->paths);
	free(candidate->key);
	free(candidate->shown);
	free(candidate->object);
}

void workshop_open(struct workshop *workshop)
{
	*workshop = (struct workshop){ .folder = files_current_folder() };
	if (builder_open(&workshop->builder, &workshop->error))
		workshop->builder = (struct builder){ 0 };
	if (places_find(&workshop->places, NULL))
		workshop->places.nodes = memory_copy_text(LPAD_PREFIX "/lib/lpad/nodes");
	if (!workshop->folder)
		workshop->folder = memory_copy_text("/");
}

void workshop_close(struct workshop *workshop)
{
	for (size_t i = 0; i < workshop->names.count; i++)
		free(workshop->names.at[i]);
	list_release(&workshop->names);
	builder_close(&workshop->builder);
	places_release(&workshop->places);
	free(workshop->folder);
}
