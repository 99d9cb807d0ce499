/* SPDX-License-Identifier: MIT */
/* What a program says: {"do": ...}. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "link/message_convert.h"
#include "node/talk_inside.h"

lpad_message *talk_message(struct talk *talk, int64_t visit, const json_t *line, const char *signature)
{
	struct error error = { 0 };
	const json_t *value = json_object_get(line, "value"), *id = json_object_get(line, "id");
	const char *as = json_string_value(json_object_get(line, "as"));
	char *cleanup_free text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : memory_copy_text("null");
	lpad_message *message = message_from_json(text, as ? as : signature, &error);
	if (!message)
		talk_say_error(talk, visit, id, LPAD_EINVALID, error.text);
	return message;
}

json_t *talk_value(const lpad_message *message, struct error *error)
{
	char *cleanup_free text = message_to_json(message, error);
	json_error_t where;
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, &where) : NULL;
	if (text && !value)                     /* an integer beyond 64 bits: as a real number rather than not at all */
		value = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &where);
	if (text && !value)
		error_set(error, "it cannot be read as JSON here: %s", where.text);
	return value;
}

/* ---- what concerns no edge ---- */

/* Those that JSON has no number for are texts, as in metrics.jsonl. */
static bool read_number(const json_t *value, double *out)
{
	static const struct { const char *text; double value; } others[] = { { "NaN", NAN }, { "Infinity", INFINITY },
		{ "-Infinity", -INFINITY } };
	*out = json_number_value(value);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (text_equal(json_string_value(value), others[i].text)) {
			*out = others[i].value;
			return true;
		}
	return json_is_number(value);
}

static void report(struct talk *talk, int64_t visit, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name"));
	const json_t *value = json_object_get(line, "value");
	double number;
	if (!name || !*name || !read_number(value, &number)) {
		talk_say_error(talk, visit, json_object_get(line, "id"), LPAD_EINVALID, "a report has a \"name\", a number as \"value\", and perhaps a \"step\"");
		return;
	}
	host_table.report(talk->command->node, name, number, json_integer_value(json_object_get(line, "step")));
}

static void say_status(struct talk *talk, int64_t visit, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name")), *text = json_string_value(json_object_get(line, "text"));
	if (name && text)
		host_table.status(talk->command->node, name, "%s", text);
	else
		talk_say_error(talk, visit, json_object_get(line, "id"), LPAD_EINVALID, "a status has a \"name\" and a \"text\"");
}

static void say_log(struct talk *talk, int64_t visit, json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "text"));
	if (text)
		host_table.log(talk->command->node, "%s", text);
	else
		talk_say_error(talk, visit, json_object_get(line, "id"), LPAD_EINVALID, "a log has a \"text\"");
}

static void stop(struct talk *talk, int64_t visit, json_t *line)
{
	const json_t *code = json_object_get(line, "code");
	const char *why = json_string_value(json_object_get(line, "why"));
	json_int_t number = json_integer_value(code);
	if ((code && !json_is_integer(code)) || number < 0 || number > 125)
		talk_say_error(talk, visit, json_object_get(line, "id"), LPAD_EINVALID, "the \"code\" of a stop is 0 to 125");
	else
		host_table.stop(talk->command->node, (int)number, why ? why : "");
}

/* ---- all of them ---- */

static const struct order {
	const char *word;
	bool answered;                  /* it needs an id: its answer is found by that */
	bool takes;                     /* the line is given away */
	void (*act)(struct talk *talk, int64_t visit, json_t *line);
} orders[] = {
	{ "call", true, false, talk_call },
	{ "publish", true, true, talk_publish },
	{ "take", true, true, talk_take },
	{ "answer", true, false, talk_answer },
	{ "refuse", true, false, talk_refuse },
	{ "report", false, false, report },
	{ "status", false, false, say_status },
	{ "log", false, false, say_log },
	{ "stop", false, false, stop },
};

static const struct order *order_named(const char *word)
{
	for (size_t i = 0; word && i < sizeof orders / sizeof orders[0]; i++)
		if (!strcmp(orders[i].word, word))
			return &orders[i];
	return NULL;
}

void talk_obey(struct talk *talk, json_t *line)
{
	const json_t *id = json_object_get(line, "id");
	const char *word = json_string_value(json_object_get(line, "do"));
	const struct order *order = order_named(word);
	int64_t visit = talk_visit(talk);
	if (!order) {
		talk_say_error(talk, visit, id, LPAD_EINVALID, word ? "there is no such \"do\": lpad-command(7) has the list"
			: "a line is an object with a \"do\": lpad-command(7) has the list");
	} else if (order->answered && !json_is_integer(id)) {
		talk_say_error(talk, visit, id, LPAD_EINVALID, "this line needs an \"id\", an integer");
	} else {
		order->act(talk, visit, line);
		if (order->takes)
			return;
	}
	json_decref(line);
}

/* ---- what is not JSON ---- */

/* The value of a key of the outermost object, as it stands there; NULL: it is not found. */
static const char *value_of(const char *at, const char *end, const char *key)
{
	int depth = 0;
	for (; at < end; at++) {
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		if (*at != '"')
			continue;
		const char *begin = ++at;
		while (at < end && *at != '"')
			at += *at == '\\' ? 2 : 1;
		if (at >= end)
			break;
		const char *colon = at + 1 + strspn(at + 1, " \t");
		if (depth == 1 && colon < end && *colon == ':' && (size_t)(at - begin) == strlen(key) && !memcmp(begin, key, strlen(key)))
			return colon + 1 + strspn(colon + 1, " \t");
	}
	return NULL;
}

/* As what Python takes for JSON may be none here: 1 << 64. Nobody shall wait in vain. */
void talk_misheard(struct talk *talk, const char *line, size_t length, const char *why)
{
	const char *end = line + length, *word = value_of(line, end, "do"), *number = value_of(line, end, "id");
	json_t *id = number && (*number == '-' || (*number >= '0' && *number <= '9')) ? json_integer(strtoll(number, NULL, 10)) : NULL;
	bool answers = word && (text_starts(word, "\"answer\"") || text_starts(word, "\"refuse\""));
	if (id && answers)
		talk_fail_kept(talk, id, why);
	talk_say_error(talk, talk_visit(talk), answers ? NULL : id, LPAD_EINVALID, why);
	json_decref(id);
}
