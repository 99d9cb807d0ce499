/* SPDX-License-Identifier: MIT */
#include "node/describe.h"

#include <string.h>

static const char *const types[] = {
	[LPAD_T_INT] = "int",
	[LPAD_T_REAL] = "real",
	[LPAD_T_BOOL] = "bool",
	[LPAD_T_TEXT] = "text",
	[LPAD_T_CHOICE] = "choice",
	[LPAD_T_PATH] = "path",
	[LPAD_T_DURATION] = "duration",
	[LPAD_T_SIZE] = "size",
	[LPAD_T_LIST] = "list",
	[LPAD_T_OBJECT] = "object",
	[LPAD_T_MAP] = "map",
};

const char *describe_type(int type)
{
	return type > 0 && type < (int)(sizeof types / sizeof types[0]) ? types[type] : NULL;
}

/* A text that is no UTF-8 cannot stand in JSON. */
static json_t *readable(const char *text)
{
	json_t *value = json_string(text);
	return value ? value : json_string("(not UTF-8)");
}

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, readable(text));
}

static json_t *named(const char *name, const char *help)
{
	json_t *object = json_object();
	put_text(object, "name", name);
	put_text(object, "help", help);
	return object;
}

static json_t *describe_params(const lpad_param *params)
{
	json_t *list = json_array();
	for (const lpad_param *param = params; param && param->name; param++) {
		json_t *object = named(param->name, param->help);
		put_text(object, "type", describe_type(param->type));
		put_text(object, "element", describe_type(param->element));
		put_text(object, "value", param->value);
		put_text(object, "range", param->range);
		if (param->fields)
			json_object_set_new(object, "fields", describe_params(param->fields));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *words(const char *text)
{
	json_t *list = json_array();
	for (const char *at = text ? text : ""; *(at += strspn(at, " ,")); at += strcspn(at, " ,"))
		json_array_append_new(list, json_stringn(at, strcspn(at, " ,")));
	return list;
}

static json_t *describe_handles(const lpad_handle_decl *handles)
{
	json_t *list = json_array();
	for (const lpad_handle_decl *handle = handles; handle && handle->name; handle++) {
		json_t *object = named(handle->name, handle->help);
		json_object_set_new(object, "many", json_integer(handle->many));
		json_object_set_new(object, "calls", words(handle->calls));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *describe_methods(const lpad_method *methods)
{
	json_t *list = json_array();
	for (const lpad_method *method = methods; method && method->name; method++) {
		json_t *object = named(method->name, method->help);
		put_text(object, "request", method->request);
		put_text(object, "reply", method->reply);
		json_object_set_new(object, "inbox", json_boolean(!method->call));
		json_object_set_new(object, "idempotent", json_boolean(method->idempotent));
		json_object_set_new(object, "threads", json_integer(method->threads));
		json_object_set_new(object, "queue", json_integer(method->queue));
		json_object_set_new(object, "batch", json_integer(method->batch));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *describe_topics(const lpad_topic_decl *topics)
{
	json_t *list = json_array();
	for (const lpad_topic_decl *topic = topics; topic && topic->name; topic++) {
		json_t *object = named(topic->name, topic->help);
		put_text(object, "signature", topic->signature);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *describe_subscriptions(const lpad_subscription_decl *subscriptions)
{
	json_t *list = json_array();
	for (const lpad_subscription_decl *one = subscriptions; one && one->name; one++) {
		json_t *object = named(one->name, one->help);
		put_text(object, "signature", one->signature);
		json_object_set_new(object, "keep", json_integer(one->keep));
		json_object_set_new(object, "optional", json_boolean(one->optional));
		json_object_set_new(object, "callback", json_boolean(one->on != NULL));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *describe_implementation(const lpad_implementation *declared)
{
	json_t *object = named(declared->name, declared->help);
	json_object_set_new(object, "has_check", json_boolean(declared->check != NULL));
	json_object_set_new(object, "has_run", json_boolean(declared->run != NULL));
	json_object_set_new(object, "service", json_boolean(declared->service));
	put_text(object, "mirrors", declared->mirrors);
	json_object_set_new(object, "params", describe_params(declared->params));
	json_object_set_new(object, "handles", describe_handles(declared->handles));
	json_object_set_new(object, "methods", describe_methods(declared->methods));
	json_object_set_new(object, "topics", describe_topics(declared->topics));
	json_object_set_new(object, "subscriptions", describe_subscriptions(declared->subscriptions));
	return object;
}

json_t *describe_module(const struct module *module)
{
	json_t *list = json_array();
	for (size_t i = 0; i < module_count(module); i++)
		json_array_append_new(list, describe_implementation(module_at(module, i)));
	return json_pack("{s:o}", "implementations", list);
}
