/* SPDX-License-Identifier: MIT */
/*
 * Modules without compiling any: interfaces.json maps what a topology calls a module to its interface. An
 * implementation in it may have "complains": ["params.k: ..."], what its check callback would say; "{index}" in it stands
 * for the index it is asked for.
 */
#ifndef TESTS_FAKE_LOOKUP_H
#define TESTS_FAKE_LOOKUP_H

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/topology.h"

struct fake_lookup {
	json_t *modules;
	LIST(struct interface *) made;
	int finds, checks;
	json_t *documents;              /* all that checks were called with */
};

static inline const struct interface *fake_find(void *context, const struct source *source, const struct group *group,
	struct problems *problems)
{
	struct fake_lookup *fake = context;
	const struct word *word = &group->module.at[0];
	struct error error = { 0 };
	json_t *json = json_object_get(fake->modules, word->text);
	(void)source;
	fake->finds++;
	if (!json) {
		problem_add(problems, word->mark, "module", NULL, "there is no module %s", word->text);
		return NULL;
	}
	char *cleanup_free path = memory_format("/modules/%s", word->text);
	struct interface *interface = interface_from_json(json, path, word->text, &error);
	if (interface)
		*list_add(&fake->made) = interface;
	else
		problem_add(problems, word->mark, "module", NULL, "%s", error.text);
	return interface;
}

static inline char *fake_complaint(const char *text, int index)
{
	const char *place = strstr(text, "{index}");
	if (!place)
		return memory_copy_text(text);
	return memory_format("%.*s%d%s", (int)(place - text), text, index, place + strlen("{index}"));
}

static inline char **fake_check(void *context, const struct interface *interface, json_t *document)
{
	struct fake_lookup *fake = context;
	const char *wanted = json_string_value(json_object_get(document, "implementation"));
	int asked = (int)json_integer_value(json_object_get(document, "index"));
	json_t *list = json_object_get(json_object_get(fake->modules, interface->shown), "implementations"), *each;
	size_t i;
	fake->checks++;
	json_array_append(fake->documents, document);
	json_array_foreach(list, i, each) {
		json_t *complaints = json_object_get(each, "complains");
		if (!text_equal(json_string_value(json_object_get(each, "name")), wanted) || !complaints)
			continue;
		char **out = memory_array(json_array_size(complaints) + 1, sizeof *out);
		for (size_t j = 0; j < json_array_size(complaints); j++)
			out[j] = fake_complaint(json_string_value(json_array_get(complaints, j)), asked);
		return out;
	}
	return NULL;
}

/* Takes the reference. */
static inline struct module_lookup fake_open(struct fake_lookup *fake, json_t *modules)
{
	*fake = (struct fake_lookup){ .modules = modules, .documents = json_array() };
	return (struct module_lookup){ .context = fake, .find = fake_find, .check = fake_check };
}

static inline void fake_close(struct fake_lookup *fake)
{
	for (size_t i = 0; i < fake->made.count; i++)
		interface_free(fake->made.at[i]);
	list_release(&fake->made);
	json_decref(fake->modules);
	json_decref(fake->documents);
}

#endif
