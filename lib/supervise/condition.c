/* SPDX-License-Identifier: MIT */
#include "supervise/condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/scalar.h"

/* Longer ones before those that they begin with. */
static const struct operator {
	const char *word;
	bool less, equal, greater;
} operators[] = {
	{ "<=", true, true, false },
	{ ">=", false, true, true },
	{ "==", false, true, false },
	{ "!=", true, false, true },
	{ "<", true, false, false },
	{ ">", false, false, true },
};
enum { OPERATORS = sizeof operators / sizeof operators[0], NOT_EQUAL = 3 };

static const char *const states[] = { "starting", "wiring", "running", "ended", "stopping", "stopped", "draining", "finishing",
	"failing", "waiting", "dead" };

static char *trimmed(const char *text, size_t length)
{
	while (length && strchr(" \t\n", text[length - 1]))
		length--;
	for (; length && strchr(" \t\n", *text); length--)
		text++;
	return memory_copy_span(text, length);
}

static int not_a_condition(const char *text, struct error *error)
{
	return error_set(error, "`%s` is no condition: NODE.METRIC, one of < <= > >= == !=, and a number (learner.loss<0.1), "
		"or NODE STATE (actor/3 running)", text);
}

static int parse_comparison(const char *text, const char *at, struct condition *out, struct error *error)
{
	int found = 0;
	while (found < OPERATORS && !text_starts(at, operators[found].word))
		found++;
	if (found == OPERATORS)
		return at[0] == '=' ? error_set(error, "`%s`: one = is none of < <= > >= == !=: write ==", text) :
			not_a_condition(text, error);
	const char *number = at + strlen(operators[found].word);
	char *cleanup_free left = trimmed(text, (size_t)(at - text));
	char *cleanup_free right = trimmed(number, strlen(number));
	out->operator = found;
	if (!figure_parse(left, &out->figure))
		return not_a_condition(text, error);
	return scalar_real(right, &out->number, error) ? error_wrap(error, "`%s`", text) : 0;
}

static int parse_state(const char *text, struct condition *out, struct error *error)
{
	char *cleanup_free whole = trimmed(text, strlen(text));
	size_t length = strcspn(whole, " \t\n");
	out->figure.node = memory_copy_span(whole, length);
	out->state = trimmed(whole + length, strlen(whole + length));
	if (!length || !out->state[0] || strchr(whole, '.'))
		return not_a_condition(text, error);
	size_t count = sizeof states / sizeof states[0];
	for (size_t i = 0; i < count; i++)
		if (!strcmp(out->state, states[i]))
			return 0;
	const char *nearest = text_nearest(out->state, states, count);
	return error_set(error, "`%s`: a node is never `%s`%s%s%s", text, out->state, nearest ? ": did you mean " : "",
		nearest ? nearest : "", nearest ? "?" : "");
}

int condition_parse(const char *text, struct condition *out, struct error *error)
{
	size_t at = strcspn(text, "<>=!");
	*out = (struct condition){ 0 };
	if (!(text[at] ? parse_comparison(text, text + at, out, error) : parse_state(text, out, error)))
		return 0;
	condition_release(out);
	return -1;
}

void condition_release(struct condition *condition)
{
	figure_release(&condition->figure);
	free(condition->state);
	condition->state = NULL;
}

static bool holds(const struct condition *condition, double value)
{
	const struct operator *operator = &operators[condition->operator];
	if (value != value || condition->number != condition->number)
		return condition->operator == NOT_EQUAL;
	return value < condition->number ? operator->less : value > condition->number ? operator->greater : operator->equal;
}

bool condition_met_by_figures(const struct condition *condition, const json_t *figures)
{
	const char *name;
	json_t *metrics;
	double value;
	json_object_foreach((json_t *)figures, name, metrics)
		if (figure_has_node(&condition->figure, name) && figure_of_node(&condition->figure, metrics, &value) &&
		    holds(condition, value))
			return true;
	return false;
}

bool condition_met_by_states(const struct condition *condition, const json_t *status)
{
	size_t i;
	json_t *node;
	json_array_foreach(json_object_get(status, "nodes"), i, node) {
		const char *name = json_string_value(json_object_get(node, "node"));
		if (name && figure_has_node(&condition->figure, name) &&
		    text_equal(json_string_value(json_object_get(node, "state")), condition->state))
			return true;
	}
	return false;
}
