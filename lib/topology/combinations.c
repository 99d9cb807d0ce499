/* SPDX-License-Identifier: MIT */
/* Which values of the `one_of` variables a check must go through. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "topology/topology.h"

/* The variables that can have several values. */
struct choices {
	LIST(struct variable *) list;
	size_t product;                 /* COMBINATIONS_MOST + 1 when it is more */
};

static void find(struct source *source, struct choices *choices)
{
	choices->product = 1;
	for (size_t i = 0; i < source->variables.count; i++) {
		struct variable *variable = &source->variables.at[i];
		if (variable->one_of.count < 2 || variable->set)
			continue;
		*list_add(&choices->list) = variable;
		choices->product *= variable->one_of.count;
		if (choices->product > COMBINATIONS_MOST)
			choices->product = COMBINATIONS_MOST + 1;
	}
}

/* A new combination in which every variable has its default. */
static struct combination *add(struct combinations *out, const struct choices *choices)
{
	struct combination *combination = list_add(&out->list);
	combination->count = choices->list.count;
	combination->names = memory_array(choices->list.count, sizeof *combination->names);
	combination->values = memory_array(choices->list.count, sizeof *combination->values);
	for (size_t i = 0; i < choices->list.count; i++) {
		combination->names[i] = choices->list.at[i]->name;
		combination->values[i] = choices->list.at[i]->value->text;
	}
	return combination;
}

static bool is_default(const struct choices *choices, size_t which, const char *value)
{
	return !strcmp(choices->list.at[which]->value->text, value);
}

/* The `number`th of all combinations, in which the last variable changes fastest; nothing if it is the default one. */
static void add_numbered(struct combinations *out, const struct choices *choices, size_t number)
{
	struct combination *combination = add(out, choices);
	bool all_default = true;
	for (size_t i = choices->list.count; i-- > 0; ) {
		size_t values = choices->list.at[i]->one_of.count;
		combination->values[i] = choices->list.at[i]->one_of.at[number % values];
		all_default &= is_default(choices, i, combination->values[i]);
		number /= values;
	}
	if (!all_default)
		return;
	free(combination->names);
	free(combination->values);
	out->list.count--;
}

static void add_alone(struct combinations *out, const struct choices *choices)
{
	for (size_t i = 0; i < choices->list.count; i++)
		for (size_t j = 0; j < choices->list.at[i]->one_of.count; j++)
			if (!is_default(choices, i, choices->list.at[i]->one_of.at[j]))
				add(out, choices)->values[i] = choices->list.at[i]->one_of.at[j];
}

void source_combinations(struct source *source, struct combinations *out, struct problems *problems)
{
	struct choices choices = { .product = 1 };
	find(source, &choices);
	add(out, &choices);
	if (choices.product <= COMBINATIONS_MOST) {
		for (size_t i = 0; i < choices.product; i++)
			add_numbered(out, &choices, i);
	} else {
		problem_warn(problems, choices.list.at[0]->mark, "combinations", NULL,
			"the variables with `one_of` have more than %d combinations: only the default one and each value alone "
			"are checked", COMBINATIONS_MOST);
		add_alone(out, &choices);
	}
	list_release(&choices.list);
}

void combinations_release(struct combinations *combinations)
{
	for (size_t i = 0; i < combinations->list.count; i++) {
		free(combinations->list.at[i].names);
		free(combinations->list.at[i].values);
	}
	list_release(&combinations->list);
}
