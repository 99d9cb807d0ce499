/* SPDX-License-Identifier: MIT */
/* The ports of a command: stdin and stdout, and what the file declares. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/bind.h"
#include "topology/scalar.h"

static void add_calls(struct handle_spec *handle, const struct tree *tree)
{
	if (tree->kind == TREE_SCALAR && !tree_is_null(tree))
		*list_add(&handle->calls) = memory_copy_text(tree->text);
	for (size_t i = 0; tree->kind == TREE_LIST && i < tree->count; i++)
		if (tree->items[i]->kind == TREE_SCALAR)
			*list_add(&handle->calls) = memory_copy_text(tree->items[i]->text);
}

static void add_handles(struct implementation_spec *spec, const struct tree *map)
{
	for (size_t i = 0; map && map->kind == TREE_MAP && i < map->count; i++) {
		struct handle_spec *handle = list_add(&spec->handles);
		handle->name = memory_copy_text(map->keys[i]);
		handle->many = 3;
		add_calls(handle, map->items[i]);
	}
}

static int keep_of(const struct tree *tree)
{
	int64_t count;
	if (tree->kind != TREE_SCALAR || !strcmp(tree->text, "all"))
		return KEEP_ALL;
	if (!strcmp(tree->text, "latest"))
		return KEEP_LATEST;
	return scalar_int(tree->text, &count, NULL) || count < 1 || count > INT32_MAX ? KEEP_ALL : (int)count;
}

static void add_subscription(struct implementation_spec *spec, const char *name, int keep, bool optional)
{
	*list_add(&spec->subscriptions) = (struct subscription_spec){
		.name = memory_copy_text(name), .keep = keep, .optional = optional };
}

/* Names of a list, or the keys of a map. */
static const char *name_at(const struct tree *tree, size_t i)
{
	if (tree->kind == TREE_MAP)
		return tree->keys[i];
	return tree->kind == TREE_LIST && tree->items[i]->kind == TREE_SCALAR ? tree->items[i]->text : NULL;
}

struct implementation_spec *declared_ports(const struct group *group)
{
	struct implementation_spec *spec = memory_new(sizeof *spec);
	const struct tree *subscriptions = group->subscriptions, *topics = group->topics, *methods = group->methods;
	spec->name = memory_copy_text(group->label);
	spec->has_run = true;
	add_handles(spec, group->handles);
	add_subscription(spec, "stdin", KEEP_ALL, true);
	for (size_t i = 0; subscriptions && subscriptions->kind == TREE_MAP && i < subscriptions->count; i++)
		add_subscription(spec, subscriptions->keys[i], keep_of(subscriptions->items[i]), false);
	*list_add(&spec->topics) = (struct topic_spec){ .name = memory_copy_text("stdout") };
	for (size_t i = 0; topics && i < topics->count; i++)
		if (name_at(topics, i))
			*list_add(&spec->topics) = (struct topic_spec){ .name = memory_copy_text(name_at(topics, i)) };
	for (size_t i = 0; methods && i < methods->count; i++)
		if (name_at(methods, i))
			*list_add(&spec->methods) = (struct method_spec){ .name = memory_copy_text(name_at(methods, i)) };
	return spec;
}

void group_forget_ports(struct group *group)
{
	if (!group->declared)
		return;
	implementation_release(group->declared);
	free(group->declared);
	group->declared = NULL;
}
