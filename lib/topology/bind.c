/* SPDX-License-Identifier: MIT */
/* Modules of groups, their implementations, and the order in which everything about them is checked. */
#include "topology/bind.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/document.h"
#include "topology/mirrors.h"
#include "topology/shares.h"

/* ---- modules ---- */

static void add_words(struct text *key, char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_format(key, "%s%c", words[i], i + 1 < count ? ' ' : '\n');
}

/* The same for groups whose module is the same, built in the same way. */
static char *module_key(const struct group *group)
{
	struct text key = { 0 };
	for (size_t i = 0; i < group->module.count; i++)
		text_format(&key, "%s\n%s\n", group->module.at[i].base ? group->module.at[i].base : "",
			group->module.at[i].text);
	text_format(&key, "\n%s\n", group->build.compiler ? group->build.compiler : "");
	add_words(&key, group->build.flags.at, group->build.flags.count);
	text_add_char(&key, '\n');
	add_words(&key, group->build.libs.at, group->build.libs.count);
	return text_take(&key);
}

/* From module_key to the place in `all`, for one call of find per module. */
struct modules {
	json_t *places;
	LIST(const struct interface *) all;
};

static const struct interface *find_module(struct binder *binder, struct modules *modules, const struct group *group)
{
	char *cleanup_free key = module_key(group);
	json_t *place = json_object_get(modules->places, key);
	if (place)
		return modules->all.at[json_integer_value(place)];
	const struct interface *found = binder->lookup->find(binder->lookup->context, binder->topology->source, group,
		binder->problems);
	if (found)
		interface_check_defaults(found, group->module.at[0].mark, binder->problems);
	json_object_set_new_nocheck(modules->places, key, json_integer((json_int_t)modules->all.count));
	*list_add(&modules->all) = found;
	return found;
}

/* ---- implementations ---- */

static void no_implementation(struct binder *binder, const struct group *group, const struct interface *interface)
{
	size_t count = interface->implementations.count;
	const char **cleanup_free names = memory_array(count, sizeof *names);
	struct text cleanup_text list = { 0 };
	for (size_t i = 0; i < count; i++) {
		names[i] = interface->implementations.at[i].name;
		text_format(&list, "%s%s", i ? ", " : "", names[i]);
	}
	if (group->implementation.text) {
		char *cleanup_free hint = bind_suggestion(group->implementation.text, names, count);
		problem_add(binder->problems, group->implementation.mark, "implementation", hint,
			"%s has no implementation `%s`; it has: %s", interface->shown, group->implementation.text, list.data);
		return;
	}
	const char *nearest = text_nearest(group->label, names, count);
	char *cleanup_free hint = nearest ? memory_format("did you mean `implementation: %s`?", nearest) :
		memory_format("add `implementation: NAME`");
	problem_add(binder->problems, group->mark, "implementation", hint,
		"%s has several implementations and none is called `%s`; it has: %s", interface->shown, group->label, list.data);
}

/* The one named, else the one of the label's name, else the only one. */
const struct implementation_spec *group_implementation(const struct group *group, const struct interface *interface)
{
	if (group->implementation.text)
		return interface_find(interface, group->implementation.text);
	const struct implementation_spec *found = interface_find(interface, group->label);
	if (!found && interface->implementations.count == 1)
		found = &interface->implementations.at[0];
	return found;
}

static void bind_module(struct binder *binder, struct modules *modules, struct group *group)
{
	struct bound_group *bound = &binder->groups[group->number];
	group->spec = NULL;
	group->interface = group->module.count ? find_module(binder, modules, group) : NULL;
	if (!group->interface)
		return;
	group->spec = bound->spec = group_implementation(group, group->interface);
	bound->shown = group->interface->shown;
	if (!group->spec)
		no_implementation(binder, group, group->interface);
}

/* The ports of an earlier binding are made anew. */
static void bind_command(struct bound_group *bound, struct group *group)
{
	group_forget_ports(group);
	group->spec = bound->spec = group->declared = declared_ports(group);
}

static void bind_modules(struct binder *binder)
{
	struct modules modules = { .places = json_object() };
	for (size_t i = 0; i < binder->topology->groups.count; i++) {
		struct group *group = &binder->topology->groups.at[i];
		struct bound_group *bound = &binder->groups[i];
		if (group->command)
			bind_command(bound, group);
		else
			bind_module(binder, &modules, group);
		binder->all_known &= bound->spec != NULL;
		bound->broken = !bound->spec;
		if (!bound->spec)
			continue;
		bound->handles = memory_array(bound->spec->handles.count, sizeof *bound->handles);
		bound->subscriptions = memory_array(bound->spec->subscriptions.count, sizeof *bound->subscriptions);
		for (size_t j = 0; j < bound->spec->handles.count; j++)
			bound->handles[j].first = -1;
		for (size_t j = 0; j < bound->spec->subscriptions.count; j++)
			bound->subscriptions[j].first = -1;
	}
	json_decref(modules.places);
	list_release(&modules.all);
}

/* ---- parameters ---- */

static void collect_param_names(struct binder *binder)
{
	for (size_t i = 0; i < binder->topology->groups.count; i++) {
		const struct implementation_spec *spec = binder->topology->groups.at[i].spec;
		for (size_t j = 0; spec && j < spec->params.count; j++)
			json_object_set_new_nocheck(binder->param_names, spec->params.at[j].name, json_true());
	}
}

static void bind_all_params(struct binder *binder)
{
	collect_param_names(binder);
	for (size_t i = 0; i < binder->topology->groups.count; i++)
		if (binder->topology->groups.at[i].spec && !binder->topology->groups.at[i].command)
			bind_params(binder, &binder->topology->groups.at[i]);
}

/* ---- does it end? ---- */

static void warn_of_no_end(struct binder *binder)
{
	const struct topology *topology = binder->topology;
	if (!binder->all_known || !topology->groups.count || topology->time_limit_ns >= 0)
		return;
	for (size_t i = 0; i < topology->groups.count; i++)
		if (document_waited(&topology->groups.at[i]))
			return;
	problem_warn(binder->problems, topology->groups.at[0].mark, "never-ends", NULL,
		"no node here has a run that is waited for: the run ends only when it is stopped");
}

static void release_groups(struct binder *binder)
{
	for (size_t i = 0; i < binder->topology->groups.count; i++) {
		struct bound_group *bound = &binder->groups[i];
		free(bound->handles);
		free(bound->subscriptions);
	}
	free(binder->groups);
}

size_t topology_bind(struct topology *topology, const struct module_lookup *lookup, struct problems *problems)
{
	size_t before = problems->errors;
	struct binder binder = { .topology = topology, .lookup = lookup, .problems = problems, .all_known = true };
	binder.groups = memory_array(topology->groups.count, sizeof *binder.groups);
	binder.param_names = json_object();
	joins_free(topology->joins);
	topology->joins = binder.joins = joins_new(topology);
	bind_modules(&binder);
	mirrors_bind(&binder);
	shares_warn_of_globals(topology, false, problems);
	bind_all_params(&binder);
	bind_ports(&binder);
	joins_set_buffers(binder.joins, topology);
	bind_callbacks(&binder);
	warn_of_no_end(&binder);
	json_decref(binder.param_names);
	release_groups(&binder);
	return problems->errors - before;
}
