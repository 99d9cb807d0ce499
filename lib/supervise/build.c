/* SPDX-License-Identifier: MIT */
#include "supervise/build.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <sha2.h>

#include "base/files.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/helper.h"
#include "supervise/isolate.h"
#include "topology/places.h"

/* -ftabstop=1: columns in characters. Hidden: a module exports its table and nothing else. */
static const char *const base_flags[] = { "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-ftabstop=1" };
enum { BASE_FLAGS = sizeof base_flags / sizeof base_flags[0] };

/* C++ is linked by its own compiler, which knows its libraries, so it is the greater. */
enum { C, CXX, LANGUAGES };
static const struct language {
	const char *standard, *name;            /* name: for -x */
	const char *variable, *compiler;        /* unless `build: {compiler: ...}` says */
	const char *endings[4];
} languages[LANGUAGES] = {
	[C] = { "-std=gnu11", "c", "CC", "cc", { ".c" } },
	[CXX] = { "-std=gnu++20", "c++", "CXX", "c++", { ".cc", ".cpp", ".cxx" } },
};

/* ---- where compiled modules are kept ---- */

char *builder_cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	if (cache && cache[0] == '/')
		return memory_format("%s/lpad/modules", cache);
	if (!home || home[0] != '/') {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	return home && home[0] == '/' ? memory_format("%s/.cache/lpad/modules", home) : NULL;
}

static char *temporary_folder(struct error *error)
{
	const char *parent = getenv("TMPDIR");
	char *folder = memory_format("%s/lpad-build.XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");
	if (mkdtemp(folder))
		return folder;
	error_code(error, errno, "cannot make a folder for compiled modules in %s: %s",
		parent && parent[0] == '/' ? parent : "/tmp", strerror(errno));
	free(folder);
	return NULL;
}

int builder_open(struct builder *builder, struct error *error)
{
	struct places places;
	if (places_find(&places, error))
		return -1;
	*builder = (struct builder){ .cache = builder_cache_folder(), .include = memory_copy_text(places.include) };
	places_release(&places);
	if (builder->cache && !files_make_folders(builder->cache, 0700, NULL) && !access(builder->cache, W_OK | X_OK))
		return 0;
	free(builder->cache);
	builder->cache = temporary_folder(error);
	builder->temporary = builder->cache != NULL;
	if (builder->cache)
		return 0;
	builder_close(builder);
	return -1;
}

void builder_close(struct builder *builder)
{
	if (builder->temporary)
		files_remove_tree(builder->cache);
	free(builder->cache);
	free(builder->include);
	*builder = (struct builder){ 0 };
}

/* ---- one module ---- */

/* LANGUAGES: it is no source. */
static int language_of(const char *name)
{
	int language = 0;
	for (; language < LANGUAGES; language++)
		for (const char *const *ending = languages[language].endings; *ending; ending++)
			if (text_ends(name, *ending))
				return language;
	return language;
}

bool build_is_source(const char *name)
{
	return language_of(name) != LANGUAGES;
}

static bool has_language(const struct build *build, int language)
{
	for (size_t i = 0; i < build->source_count; i++)
		if (language_of(build->sources[i]) == language)
			return true;
	return false;
}

/* Of the linker, and of every source of a module that is not mixed. */
static int main_language(const struct build *build)
{
	return has_language(build, CXX) ? CXX : C;
}

static bool is_mixed(const struct build *build)
{
	return has_language(build, CXX) && has_language(build, C);
}

struct words {
	LIST(char *) list;
};

static void add_word(struct words *words, const char *word)
{
	*list_add(&words->list) = memory_copy_text(word);
}

static void add_words(struct words *words, char *const *more, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_word(words, more[i]);
}

static void add_split(struct words *words, const char *text)
{
	for (const char *at = text; *(at += strspn(at, " ")); at += strcspn(at, " "))
		*list_add(&words->list) = memory_copy_span(at, strcspn(at, " "));
}

static void words_release(struct words *words)
{
	for (size_t i = 0; i < words->list.count; i++)
		free(words->list.at[i]);
	list_release(&words->list);
}
#define cleanup_words __attribute__((cleanup(words_release)))

/* Runs the words; the NULL at their end is for this time only. */
static int run(struct words *words, const char *folder, struct text *out, struct text *err, struct error *error)
{
	*list_add(&words->list) = NULL;
	struct helper_order order = { .words = (const char *const *)words->list.at, .folder = folder, .apart = true };
	int status = helper_run(&order, out, err, error);
	words->list.count--;
	return status;
}

static void add_compiler(struct words *words, const struct build *build, int language)
{
	const char *environment = getenv(languages[language].variable);
	add_split(words, build->compiler ? build->compiler : "");
	if (!words->list.count)
		add_split(words, environment ? environment : "");
	if (!words->list.count)
		add_word(words, languages[language].compiler);
}

static void add_flags(struct words *words, const struct builder *builder, const struct build *build, int language)
{
	add_words(words, (char *const *)base_flags, BASE_FLAGS);
	add_word(words, languages[language].standard);
	char *cleanup_free include = memory_format("-I%s", builder->include);
	add_word(words, include);
	add_split(words, LPAD_SANITIZE);
	add_words(words, build->flags, build->flag_count);
}

/* One source; -x, because `build: {compiler: g++}` would take C for C++. */
static void add_source(struct words *words, const char *source, int language)
{
	add_word(words, "-x");
	add_word(words, languages[language].name);
	add_word(words, source);
}

static void add_link(struct words *words, const struct build *build, char *const *inputs, const char *object)
{
	add_word(words, "-shared");
	if (!*LPAD_SANITIZE)
		add_word(words, "-Wl,-z,defs");         /* a sanitizer's functions come from the program */
	add_words(words, inputs, build->source_count);
	add_words(words, build->libs, build->lib_count);
	add_word(words, "-lm");
	add_word(words, "-o");
	add_word(words, object);
}

/* The sources as the compiler sees them, into the hash. 0; or -1, and `err` says why. */
static int hash_sources(SHA2_CTX *hash, const struct builder *builder, const struct build *build, struct text *err)
{
	for (size_t i = 0; i < build->source_count; i++) {
		struct words cleanup_words words = { 0 };
		struct text cleanup_text source = { 0 };
		int language = language_of(build->sources[i]);
		add_compiler(&words, build, language);
		add_flags(&words, builder, build, language);
		add_word(&words, "-E");
		add_source(&words, build->sources[i], language);
		if (run(&words, build->folder, &source, err, NULL))
			return -1;
		SHA256Update(hash, (const uint8_t *)text_string(&source), source.length);
	}
	return 0;
}

static void hash_words(SHA2_CTX *hash, const struct words *words)
{
	for (size_t i = 0; i < words->list.count; i++)
		SHA256Update(hash, (const uint8_t *)words->list.at[i], strlen(words->list.at[i]) + 1);
}

/* The object's path without ".so": its name is what it is made of. NULL: `err` says why not. */
static char *object_stem(const struct builder *builder, const struct build *build, const struct text *version,
	struct text *err)
{
	SHA2_CTX hash;
	char digest[SHA256_DIGEST_STRING_LENGTH];
	struct words cleanup_words words = { 0 };
	for (int language = 0; language < LANGUAGES; language++)
		if (has_language(build, language)) {
			add_compiler(&words, build, language);
			add_flags(&words, builder, build, language);
		}
	add_link(&words, build, build->sources, "");
	SHA256Init(&hash);
	SHA256Update(&hash, (const uint8_t *)text_string(version), version->length);
	hash_words(&hash, &words);
	if (hash_sources(&hash, builder, build, err))
		return NULL;
	SHA256End(&hash, digest);
	return memory_format("%s/%s", builder->cache, digest);
}

static int link_inputs(const struct builder *builder, const struct build *build, char *const *inputs,
	const char *object, struct text *err)
{
	struct words cleanup_words words = { 0 };
	struct text cleanup_text out = { 0 };
	add_compiler(&words, build, main_language(build));
	add_flags(&words, builder, build, main_language(build));
	add_link(&words, build, inputs, object);
	return run(&words, build->folder, &out, err, NULL);
}

static int compile_source(const struct builder *builder, const struct build *build, size_t place, const char *object,
	struct text *err)
{
	struct words cleanup_words words = { 0 };
	struct text cleanup_text out = { 0 };
	int language = language_of(build->sources[place]);
	add_compiler(&words, build, language);
	add_flags(&words, builder, build, language);
	add_word(&words, "-c");
	add_source(&words, build->sources[place], language);
	add_word(&words, "-o");
	add_word(&words, object);
	return run(&words, build->folder, &out, err, NULL);
}

/* Each by its language, so that all say what is wrong with them; then all together. */
static int compile_mixed(const struct builder *builder, const struct build *build, const char *object, struct text *err)
{
	struct words cleanup_words parts = { 0 };
	int bad = 0;
	for (size_t i = 0; i < build->source_count; i++) {
		*list_add(&parts.list) = memory_format("%s.%zu.o", object, i);
		bad |= compile_source(builder, build, i, parts.list.at[i], err);
	}
	if (!bad)
		bad = link_inputs(builder, build, parts.list.at, object, err);
	for (size_t i = 0; i < parts.list.count; i++)
		unlink(parts.list.at[i]);
	return bad;
}

static int compile(const struct builder *builder, const struct build *build, const char *object, struct text *err)
{
	return is_mixed(build) ? compile_mixed(builder, build, object, err)
		: link_inputs(builder, build, build->sources, object, err);
}

/* What the compiler warned of stands beside the object, to be said again. */
static void keep_output(const char *stem, const struct text *err)
{
	char *cleanup_free path = memory_format("%s.log", stem);
	if (err->length)
		files_replace(path, err->data, err->length, 0600, NULL);
	else
		unlink(path);
}

static int compile_beside(const struct builder *builder, const struct build *build, const char *stem,
	const char *object, struct text *err)
{
	char *cleanup_free beside = memory_format("%s.new.%d", object, (int)isolate_outside(getpid()));
	if (compile(builder, build, beside, err)) {
		unlink(beside);
		return -1;
	}
	keep_output(stem, err);
	if (!rename(beside, object))
		return 0;
	text_format(err, "cannot write %s: %s\n", object, strerror(errno));
	unlink(beside);
	return -1;
}

/* What each compiler says of itself, one behind the other. */
static enum build_outcome ask_versions(struct build *build, struct text *version, struct text *err)
{
	for (int language = 0; language < LANGUAGES; language++) {
		struct words cleanup_words words = { 0 };
		struct text cleanup_text out = { 0 };
		struct error error = { 0 };
		if (!has_language(build, language))
			continue;
		add_compiler(&words, build, language);
		free(build->used);
		build->used = memory_copy_text(words.list.at[0]);
		add_word(&words, "--version");
		if (run(&words, NULL, &out, err, &error) < 0) {
			text_format(err, "%s\n", error.text);
			return error.code == ENOENT ? BUILD_NO_COMPILER : BUILD_FAILED;
		}
		text_add_span(version, text_string(&out), out.length);
	}
	text_clear(err);
	return BUILD_DONE;
}

static enum build_outcome build_into(const struct builder *builder, struct build *build, struct text *err)
{
	struct text cleanup_text version = { 0 };
	enum build_outcome asked = ask_versions(build, &version, err);
	if (asked != BUILD_DONE)
		return asked;
	char *cleanup_free stem = object_stem(builder, build, &version, err);
	if (!stem)
		return BUILD_REFUSED;
	text_clear(err);        /* compiling says it again */
	build->object = memory_format("%s.so", stem);
	char *cleanup_free log = memory_format("%s.log", stem);
	if (files_is_file(build->object)) {
		files_read(log, err, 0, NULL);
		return BUILD_DONE;
	}
	return compile_beside(builder, build, stem, build->object, err) ? BUILD_REFUSED : BUILD_DONE;
}

static void build_one(const struct builder *builder, struct build *build)
{
	struct text err = { 0 };
	build->outcome = build_into(builder, build, &err);
	if (build->outcome != BUILD_DONE) {
		free(build->object);
		build->object = NULL;
	}
	build->output = text_take(&err);
}

void build_release(struct build *build)
{
	free(build->object);
	free(build->output);
	free(build->used);
	build->object = build->output = build->used = NULL;
}

/* ---- several at once: a worker process each, its result as JSON through a pipe ---- */

struct worker {
	pid_t pid;
	int fd;
	struct build *build;
};

__attribute__((noreturn))
static void work(const struct builder *builder, struct build *build, int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	build_one(builder, build);
	json_t *output = json_string(build->output);
	json_t *result = json_pack("{s:i, s:s?, s:s, s:o}", "outcome", (int)build->outcome, "object", build->object,
		"used", build->used, "output", output ? output : json_string("(not UTF-8)\n"));
	char *text = json_dumps(result, JSON_COMPACT);
	_exit(text && !files_write_all(fd, text, strlen(text)) ? 0 : 1);
}

static int start_worker(struct worker *worker, const struct builder *builder, struct build *build)
{
	int ends[2];
	pid_t parent = getpid();
	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		work(builder, build, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	*worker = (struct worker){ pid, ends[0], build };
	return 0;
}

static void finish_worker(struct worker *worker)
{
	struct text cleanup_text text = { 0 };
	struct build *build = worker->build;
	files_read_fd(worker->fd, "a compiler's result", &text, 0, NULL);
	close(worker->fd);
	waitpid(worker->pid, NULL, 0);
	json_t *result = json_loadb(text_string(&text), text.length, 0, NULL);
	build->outcome = result ? (enum build_outcome)json_integer_value(json_object_get(result, "outcome")) : BUILD_FAILED;
	build->object = memory_copy_text(json_string_value(json_object_get(result, "object")));
	build->used = memory_copy_text(json_string_value(json_object_get(result, "used")));
	const char *output = json_string_value(json_object_get(result, "output"));
	build->output = memory_copy_text(output ? output : "the compiler's process ended early\n");
	json_decref(result);
}

void build_all(const struct builder *builder, struct build *builds, size_t count)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = processors > 1 ? (size_t)processors : 1, running = 0, next = 0;
	struct worker *cleanup_free workers = memory_array(most, sizeof *workers);
	while (count > 1 && next < count) {
		if (running == most) {          /* the oldest ends first, or nearly so */
			finish_worker(&workers[0]);
			memmove(workers, workers + 1, --running * sizeof *workers);
		}
		if (start_worker(&workers[running], builder, &builds[next]))
			break;
		running++;
		next++;
	}
	for (size_t i = 0; i < running; i++)
		finish_worker(&workers[i]);
	for (; next < count; next++)
		build_one(builder, &builds[next]);
}
