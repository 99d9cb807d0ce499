/* SPDX-License-Identifier: MIT */
#include "topology/places.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

enum { PARENTS = 3 };   /* CHECKOUT/build/VARIANT/lpad */

/* A binary that was replaced while it runs is still found where it was. */
static char *own_binary(struct error *error)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0) {
		error_code(error, errno, "cannot read /proc/self/exe: %s", strerror(errno));
		return NULL;
	}
	path[length] = '\0';
	static const char deleted[] = " (deleted)";
	if (text_ends(path, deleted))
		path[length - (ssize_t)(sizeof deleted - 1)] = '\0';
	return memory_copy_text(path);
}

static bool has_header(const char *folder)
{
	char *cleanup_free header = memory_format("%s/lpad/node.h", folder);
	return files_is_file(header);
}

static bool in_checkout(struct places *places)
{
	char *cleanup_free build = files_folder_of(places->binary);
	char *root = memory_copy_text(build);
	for (int i = 0; i < PARENTS; i++) {
		char *cleanup_free below = root;
		root = files_folder_of(below);
		char *include = memory_format("%s/lib/include", root);
		if (has_header(include)) {
			places->include = include;
			places->nodes = memory_format("%s/nodes", build);
			places->topologies = memory_format("%s/topologies", root);
			free(root);
			return true;
		}
		free(include);
	}
	free(root);
	return false;
}

/* PREFIX of PREFIX/bin/lpad, if its header lies beside it; caller frees. It may lie in a checkout, whose modules are others. */
static char *installed_prefix(const struct places *places)
{
	char *cleanup_free bin = files_folder_of(places->binary);
	char *cleanup_free above = files_folder_of(bin);
	char *cleanup_free beside = memory_format("%s/include", above);
	return text_equal(files_name_of(bin), "bin") && has_header(beside) ? memory_copy_text(above) : NULL;
}

static void under_prefix(struct places *places, const char *prefix)
{
	places->include = memory_format("%s/include", prefix);
	places->nodes = memory_format("%s/lib/lpad/nodes", prefix);
	places->topologies = memory_format("%s/share/lpad/topologies", prefix);
}

int places_find(struct places *places, struct error *error)
{
	*places = (struct places){ .binary = own_binary(error) };
	if (!places->binary)
		return -1;
	char *cleanup_free prefix = installed_prefix(places);
	if (prefix || !in_checkout(places))
		under_prefix(places, prefix ? prefix : LPAD_PREFIX);
	return 0;
}

void places_release(struct places *places)
{
	free(places->binary);
	free(places->include);
	free(places->nodes);
	free(places->topologies);
	*places = (struct places){ 0 };
}

static void add_example(struct text *names, const char *topologies, const char *name)
{
	char *cleanup_free file = memory_format("%s/%s/topo.yaml", topologies, name);
	if (name[0] != '.' && files_is_file(file))
		text_format(names, "%s%s", names->length ? ", " : "", name);
}

char *places_examples(void)
{
	struct places places;
	struct dirent **entries = NULL;
	struct text names = { 0 };
	if (places_find(&places, NULL))
		return NULL;
	int count = scandir(places.topologies, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		add_example(&names, places.topologies, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	places_release(&places);
	return names.length ? text_take(&names) : NULL;
}
