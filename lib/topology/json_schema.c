/* SPDX-License-Identifier: MIT */
#include "topology/json_schema.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "topology/schema.h"

/*
 * How a value of each shape is written, as a schema. The shape is the text in the tables of schema.c; what belongs to one
 * key alone stands under the name of its level and the key. A text with a `$` in it is allowed beside all of them.
 */
#define NUMBER "([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?"
#define DURATION NUMBER "(ns|us|ms|s|m|h|d)|0"
#define NAME "[a-z][a-z0-9_-]*"
#define NODE_END "([$]([A-Za-z][A-Za-z0-9_]*|[{][^}]*[}])|" NAME ")"
#define EDGE_END NODE_END "([.][^ \\\\t\\\\n.$>]+)?"
#define ARROW "^[ \\\\t\\\\n]*" EDGE_END "[ \\\\t\\\\n]*->[ \\\\t\\\\n]*" EDGE_END "[ \\\\t\\\\n]*$"

#define SCALAR "{\"type\": [\"string\", \"number\", \"boolean\"]}"
#define NOT_EMPTY "{\"type\": [\"string\", \"number\", \"boolean\"], \"minLength\": 1}"
#define TEXTS "{\"anyOf\": [" NOT_EMPTY ", {\"type\": \"array\", \"minItems\": 1, \"items\": " NOT_EMPTY "}]}"
#define OF_WORDS(list) "{\"enum\": [" list "]}"
#define MATCHES(pattern) "{\"type\": \"string\", \"pattern\": \"^(" pattern ")$\"}"
#define WHOLE(limits) "{\"type\": \"integer\"" limits "}"
#define FROM_ONE ", \"minimum\": 1"
#define NAMES "{\"type\": [\"array\", \"object\"], \"items\": " MATCHES(NAME) ", \"propertyNames\": {\"pattern\": \"^" NAME "$\"}}"
#define MAP_OF(key, value) "{\"type\": \"object\", \"propertyNames\": {\"pattern\": \"^(" key ")$\"}, \"additionalProperties\": " value "}"

static const struct fragment {
	const char *of, *schema;
} fragments[] = {
	{ "the number 1", "{\"const\": 1}" },
	{ "a topology.name", "{\"type\": [\"string\", \"number\"], \"pattern\": \"^[A-Za-z0-9][A-Za-z0-9._-]*$\", \"maxLength\": 200}" },
	{ "a name", "{\"type\": \"string\", \"pattern\": \"^" NAME "$\", \"maxLength\": 200}" },
	{ "a node.implementation", "{\"type\": \"string\", \"minLength\": 1}" },
	{ "a map of variables", MAP_OF("[A-Za-z][A-Za-z0-9_]*", "{\"$ref\": \"#/$defs/variable\"}") },
	{ "a map of node keys", "{\"$ref\": \"#/$defs/node\"}" },
	{ "a map of nodes", "{\"type\": \"object\", \"minProperties\": 1, \"propertyNames\": {\"pattern\": \"^" NAME "$\", \"maxLength\": 200}, "
		"\"additionalProperties\": {\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": \"#/$defs/node\"}]}}" },
	{ "a list of edges", "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": \"string\", \"pattern\": \"" ARROW "\"}, "
		"{\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1, \"propertyNames\": {\"pattern\": \"" ARROW "\"}, "
		"\"additionalProperties\": {\"anyOf\": [{\"type\": \"null\"}, {\"$ref\": \"#/$defs/edge\"}]}}]}}" },
	{ "a duration", "{\"anyOf\": [{\"const\": 0}, " MATCHES(DURATION) "]}" },
	{ "a duration or off", "{\"anyOf\": [{\"const\": 0}, " MATCHES(DURATION "|off") "]}" },
	{ "durations like 100ms..10s", MATCHES("(" DURATION ")([.][.](" DURATION "))?") },
	{ "a size", "{\"anyOf\": [{\"type\": \"number\", \"minimum\": 0}, " MATCHES(NUMBER "(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)?") "]}" },
	{ "a number", "{\"type\": \"number\", \"exclusiveMinimum\": 0}" },
	{ "a whole number", WHOLE(FROM_ONE) },
	{ "`resources`.gpus", WHOLE(", \"minimum\": 0, \"maximum\": 1024") },
	{ "`resources`.nice", WHOLE(", \"minimum\": -20, \"maximum\": 19") },
	{ "`keep`.all", WHOLE(", \"minimum\": 1, \"maximum\": 4096") },
	{ "a whole number or a grid like {row: 4, column: 4}", "{\"anyOf\": [" WHOLE(", \"minimum\": 1, \"maximum\": 1000000") ", "
		"{\"type\": \"object\", \"minProperties\": 1, \"propertyNames\": {\"pattern\": \"^" NAME "$\"}, \"additionalProperties\": "
		"{\"anyOf\": [" WHOLE(", \"minimum\": 1, \"maximum\": 1000000") ", " MATCHES(".*[$].*") "]}}]}" },
	{ "true or false", "{\"type\": \"boolean\"}" },
	{ "stop or ignore", OF_WORDS("\"stop\", \"ignore\"") },
	{ "eager or lazy", OF_WORDS("\"eager\", \"lazy\"") },
	{ "start or fd", OF_WORDS("\"start\", \"fd\"") },
	{ "stop, ignore, restart or a map", "{\"anyOf\": [" OF_WORDS("\"stop\", \"ignore\", \"restart\"") ", {\"$ref\": \"#/$defs/policy\"}]}" },
	{ "all, one-to-one, round-robin, next, previous or {along: axis}", "{\"anyOf\": ["
		OF_WORDS("\"all\", \"one-to-one\", \"round-robin\", \"next\", \"previous\"") ", {\"type\": \"object\", \"minProperties\": 1, "
		"\"maxProperties\": 1, \"propertyNames\": {\"enum\": [\"along\", \"next\", \"previous\"]}, \"additionalProperties\": "
		SCALAR "}]}" },
	{ "latest, a number or all", "{\"anyOf\": [" OF_WORDS("\"latest\", \"all\"") ", " WHOLE(", \"minimum\": 1, \"maximum\": 1000000") ", "
		"{\"$ref\": \"#/$defs/all\"}]}" },
	{ "a text", SCALAR },
	{ "a program", NOT_EMPTY },
	{ "a file or a list of files", TEXTS },
	{ "a text or a list of texts", TEXTS },
	{ "`build`.flags", "{\"anyOf\": [" SCALAR ", {\"type\": \"array\", \"items\": " SCALAR "}]}" },
	{ "`build`.libs", "{\"anyOf\": [" SCALAR ", {\"type\": \"array\", \"items\": " SCALAR "}]}" },
	{ "a list of texts", "{\"type\": \"array\", \"minItems\": 1, \"maxItems\": 1000, \"uniqueItems\": true, \"items\": "
		"{\"type\": [\"string\", \"number\", \"boolean\"], \"pattern\": \"^[^$]*$\"}}" },
	{ "a text, a list or a map", "{}" },
	{ "a map", NULL },
	{ "a map of parameters", "{\"type\": \"object\"}" },
	{ "a map of texts", MAP_OF("[A-Za-z_][A-Za-z0-9_]*", "{\"type\": [\"string\", \"number\", \"boolean\", \"null\"]}") },
	{ "a map like {variable: value}", MAP_OF("[A-Za-z][A-Za-z0-9_]*", "{\"anyOf\": [" SCALAR ", {\"type\": \"array\", \"minItems\": 1, "
		"\"items\": " SCALAR "}]}") },
	{ "a map like {server: [method]}", MAP_OF(NAME, "{\"anyOf\": [{\"type\": \"null\"}, " MATCHES(NAME) ", {\"type\": \"array\", "
		"\"minItems\": 1, \"items\": " MATCHES(NAME) "}]}") },
	{ "a list of names", NAMES },
	{ "a map like {port: all}", MAP_OF(NAME, "{\"anyOf\": [{\"type\": \"null\"}, " OF_WORDS("\"latest\", \"all\"") ", "
		WHOLE(", \"minimum\": 1") "]}") },
};

static const char *const level_names[SCHEMA_LEVELS] = {
	[SCHEMA_TOP] = "topology", [SCHEMA_VARIABLE] = "variable", [SCHEMA_NODE] = "node", [SCHEMA_BUILD] = "build",
	[SCHEMA_RESOURCES] = "resources", [SCHEMA_POLICY] = "policy", [SCHEMA_EDGE] = "edge", [SCHEMA_ALL] = "all",
};

/* The row that is about this key alone, else that of its shape. */
static const struct fragment *find_fragment(const struct schema_table *table, const struct schema_key *key)
{
	char *cleanup_free own = memory_format("%s.%s", table->what, key->name);
	const struct fragment *found = NULL;
	for (size_t i = 0; i < sizeof fragments / sizeof fragments[0]; i++) {
		if (!strcmp(fragments[i].of, own))
			return &fragments[i];
		if (!strcmp(fragments[i].of, key->shape))
			found = &fragments[i];
	}
	return found;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, 0, &error);
	if (!value)
		BUG("the schema `%s`: %s", text, error.text);
	return value;
}

static json_t *reference(enum schema_level level)
{
	char *cleanup_free path = memory_format("#/$defs/%s", level_names[level]);
	return json_pack("{ss}", "$ref", path);
}

/* Nothing at all, where that means as much as a missing key; and a variable that stands for it. */
static json_t *any_of(const struct schema_key *key, json_t *value)
{
	json_t *any = json_pack("[o]", value);
	if (key->kinds & KIND_NOTHING)
		json_array_append_new(any, json_pack("{ss}", "type", "null"));
	json_array_append_new(any, json_pack("{ss ss}", "type", "string", "pattern", "[$]"));
	return json_pack("{so}", "anyOf", any);
}

static json_t *value_schema(const struct schema_table *table, const struct schema_key *key)
{
	const struct fragment *fragment = find_fragment(table, key);
	if (!fragment)
		BUG("no schema for %s", key->shape);
	json_t *value = fragment->schema ? parse(fragment->schema) : reference(key->level);
	json_t *out = key->kinds == KIND_MAP ? json_pack("{s[o]}", "allOf", value) : any_of(key, value);
	char *cleanup_free help = key->fallback ? memory_format("%s (default: %s)", key->help, key->fallback) :
		memory_copy_text(key->help);
	json_object_set_new(out, "description", json_string(help));
	return out;
}
/* A map with these keys, and whatever begins with x-. */
static json_t *table_schema(enum schema_level level)
{
	const struct schema_table *table = &schema_tables[level];
	json_t *properties = json_object();
	for (size_t i = 0; i < table->count; i++)
		json_object_set_new(properties, table->keys[i].name, value_schema(table, &table->keys[i]));
	return json_pack("{ss so s{s{}} sb}", "type", "object", "properties", properties, "patternProperties", "^x-",
		"additionalProperties", 0);
}

static void require(json_t *schema, const char *key)
{
	json_t *list = json_object_get(schema, "required");
	if (!list)
		json_object_set_new(schema, "required", list = json_array());
	json_array_append_new(list, json_string(key));
}

/* What a table cannot say. */
static void add_rules(json_t *definitions)
{
	json_t *node = json_object_get(definitions, "node"), *variable = json_object_get(definitions, "variable");
	json_object_set_new(node, "allOf", parse(
		"[{\"not\": {\"required\": [\"module\", \"command\"]}}, {\"not\": {\"required\": [\"process\", \"per_process\"]}},"
		" {\"not\": {\"required\": [\"command\", \"build\"]}}, {\"not\": {\"required\": [\"command\", \"implementation\"]}}]"));
	require(json_object_get(definitions, "policy"), "restart");
	require(variable, "default");
	json_t *plain = parse("{\"type\": [\"string\", \"number\", \"boolean\", \"null\", \"array\"]}");
	json_object_set_new(definitions, "variable", json_pack("{s[oO]}", "anyOf", plain, variable));
}

json_t *json_schema(void)
{
	json_t *definitions = json_object();
	for (int level = SCHEMA_TOP + 1; level < SCHEMA_LEVELS; level++)
		json_object_set_new(definitions, level_names[level], table_schema((enum schema_level)level));
	add_rules(definitions);
	json_t *top = table_schema(SCHEMA_TOP);
	require(top, "lpad");
	require(top, "name");
	require(top, "nodes");
	json_t *out = json_pack("{ss ss}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
		"lpad topology, version 1");
	json_object_update(out, top);
	json_decref(top);
	json_object_set_new(out, "$defs", definitions);
	return out;
}
