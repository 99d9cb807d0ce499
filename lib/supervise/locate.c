/* SPDX-License-Identifier: MIT */
#include "supervise/locate.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "supervise/build.h"

struct folders {
	LIST(char *) list;
};

static void release(struct folders *folders)
{
	for (size_t i = 0; i < folders->list.count; i++)
		free(folders->list.at[i]);
	list_release(&folders->list);
}

/* In the order of the search. An absolute word has no folders; nor has one that says where it is ("./x", "../x") any
   but its own. */
static void search_path(const struct places *places, const char *base, const char *word, struct folders *out)
{
	if (word[0] == '/')
		return;
	*list_add(&out->list) = memory_copy_text(base);
	if (word[0] == '.')
		return;
	const char *path = getenv("LPAD_PATH");
	char *cleanup_free current = files_current_folder();
	for (const char *at = path ? path : ""; *(at += strspn(at, ":")); at += strcspn(at, ":")) {
		char *cleanup_free folder = memory_copy_span(at, strcspn(at, ":"));
		*list_add(&out->list) = files_absolute(current ? current : "/", folder);
	}
	*list_add(&out->list) = memory_copy_text(places->nodes);
}

char *locate(const struct places *places, const char *base, const char *word)
{
	struct folders folders = { 0 };
	char *found = NULL;
	if (word[0] == '/' && files_is_file(word))
		found = memory_copy_text(word);
	search_path(places, base, word, &folders);
	for (size_t i = 0; i < folders.list.count && !found; i++) {
		found = files_absolute(folders.list.at[i], word);
		if (!files_is_file(found)) {
			free(found);
			found = NULL;
		}
	}
	release(&folders);
	return found;
}

static bool is_module_name(const char *name)
{
	return name[0] != '.' && (build_is_source(name) || text_ends(name, ".so"));
}

static void add_modules(const char *folder, struct folders *names)
{
	DIR *open = opendir(folder);
	for (struct dirent *entry; open && (entry = readdir(open)); )
		if (is_module_name(entry->d_name))
			*list_add(&names->list) = memory_copy_text(entry->d_name);
	if (open)
		closedir(open);
}

char *locate_nearest(const struct places *places, const char *base, const char *word)
{
	struct folders folders = { 0 }, names = { 0 };
	char *cleanup_free below = files_folder_of(word);
	const char *name = files_name_of(word);
	if (word[0] == '/')
		add_modules(below, &names);
	search_path(places, base, word, &folders);
	for (size_t i = 0; i < folders.list.count; i++) {
		char *cleanup_free folder = files_absolute(folders.list.at[i], below);
		add_modules(folder, &names);
	}
	const char *nearest = names.list.count
		? text_nearest(name, (const char *const *)names.list.at, names.list.count) : NULL;
	char *result = !nearest ? NULL : name == word ? memory_copy_text(nearest)
		: memory_format("%.*s%s", (int)(name - word), word, nearest);
	release(&folders);
	release(&names);
	return result;
}

char *locate_folders(const struct places *places, const char *base, const char *word)
{
	char *cleanup_free of = files_folder_of(word);
	if (word[0] == '/')
		return memory_copy_text(of);
	char *cleanup_free own = files_absolute(base, of);
	if (word[0] == '.')
		return memory_copy_text(own);
	return memory_format("%s, $LPAD_PATH or %s", own, places->nodes);
}

static bool is_newer(const char *source, const char *object)
{
	struct stat of_object, of_source;
	return !stat(object, &of_object) && !stat(source, &of_source)
	    && (of_source.st_mtim.tv_sec > of_object.st_mtim.tv_sec
	        || (of_source.st_mtim.tv_sec == of_object.st_mtim.tv_sec
	            && of_source.st_mtim.tv_nsec > of_object.st_mtim.tv_nsec));
}

char *locate_newer_source(const char *object)
{
	static const char *const endings[] = { "c", "cc", "cpp", "cxx" };
	for (size_t i = 0; text_ends(object, ".so") && i < sizeof endings / sizeof endings[0]; i++) {
		char *source = memory_format("%.*s%s", (int)(strlen(object) - strlen("so")), object, endings[i]);
		if (is_newer(source, object))
			return source;
		free(source);
	}
	return NULL;
}
