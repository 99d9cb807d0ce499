/* SPDX-License-Identifier: MIT */
#include "topology/interface.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "topology/value.h"

enum {
	DEEPEST = 8,            /* fields within fields of a parameter */
	MANY_LAST = 3
};

static const char *const param_types[] = {
	"int", "real", "bool", "text", "choice", "path", "duration", "size", "list", "object", "map"
};

/* ---- members ---- */

static int text_member(json_t *from, const char *key, char **out, struct error *error)
{
	json_t *value = json_object_get(from, key);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(error, "`%s` is no text", key);
	*out = memory_copy_text(json_string_value(value));
	return 0;
}

static int name_member(json_t *from, char **out, struct error *error)
{
	if (!json_is_object(from))
		return error_set(error, "an entry is no object");
	if (text_member(from, "name", out, error))
		return -1;
	return *out && **out ? 0 : error_set(error, "an entry has no name");
}

static int int_member(json_t *from, const char *key, int low, int high, int *out, struct error *error)
{
	json_t *value = json_object_get(from, key);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high)
		return error_set(error, "`%s` is no number from %d to %d", key, low, high);
	*out = (int)json_integer_value(value);
	return 0;
}

static bool bool_member(json_t *from, const char *key)
{
	return json_is_true(json_object_get(from, key));
}

/* NULL when there is none; an empty array is fine too. */
static int array_member(json_t *from, const char *key, json_t **out, struct error *error)
{
	*out = json_object_get(from, key);
	if (json_is_null(*out))
		*out = NULL;
	return *out && !json_is_array(*out) ? error_set(error, "`%s` is no list", key) : 0;
}

/* ---- the parts of an implementation ---- */

static bool is_type(const char *type)
{
	for (size_t i = 0; i < sizeof param_types / sizeof param_types[0]; i++)
		if (!strcmp(type, param_types[i]))
			return true;
	return false;
}

static int check_types(const struct param_spec *param, struct error *error)
{
	if (!param->type || !is_type(param->type))
		return error_set(error, "unknown type `%s`", param->type ? param->type : "");
	if (strcmp(param->type, "list"))
		return 0;
	if (!param->element || !is_type(param->element) || !strcmp(param->element, "list") || value_is_nested(param->element))
		return error_set(error, "unknown type of elements `%s`", param->element ? param->element : "");
	return 0;
}

static int read_param(json_t *json, struct param_spec *param, int depth, struct error *error)
{
	json_t *fields = NULL;
	if (name_member(json, &param->name, error))
		return -1;
	if (text_member(json, "help", &param->help, error) || text_member(json, "type", &param->type, error) ||
	    text_member(json, "element", &param->element, error) || text_member(json, "value", &param->value, error) ||
	    text_member(json, "range", &param->range, error) || array_member(json, "fields", &fields, error) ||
	    check_types(param, error))
		return error_wrap(error, "parameter `%s`", param->name);
	if (depth > DEEPEST)
		return error_set(error, "parameter `%s` is nested more than %d deep", param->name, DEEPEST);
	for (size_t i = 0; i < json_array_size(fields); i++)
		if (read_param(json_array_get(fields, i), list_add(&param->fields), depth + 1, error))
			return error_wrap(error, "parameter `%s`", param->name);
	return 0;
}

static int read_params(json_t *array, struct implementation_spec *spec, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (read_param(json_array_get(array, i), list_add(&spec->params), 0, error))
			return -1;
	return 0;
}

static int read_calls(json_t *array, struct handle_spec *handle, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *method = json_string_value(json_array_get(array, i));
		if (!method)
			return error_set(error, "`calls` holds something that is no text");
		*list_add(&handle->calls) = memory_copy_text(method);
	}
	return 0;
}

static int read_handle(json_t *json, struct handle_spec *handle, struct error *error)
{
	json_t *calls;
	if (name_member(json, &handle->name, error))
		return -1;
	if (text_member(json, "help", &handle->help, error) || int_member(json, "many", 1, MANY_LAST, &handle->many, error) ||
	    array_member(json, "calls", &calls, error) || read_calls(calls, handle, error))
		return error_wrap(error, "handle `%s`", handle->name);
	if (!handle->many)
		return error_set(error, "handle `%s` does not say how many servers it takes", handle->name);
	return 0;
}

static int read_handles(json_t *array, struct implementation_spec *spec, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (read_handle(json_array_get(array, i), list_add(&spec->handles), error))
			return -1;
	return 0;
}

static int read_method(json_t *json, struct method_spec *method, struct error *error)
{
	if (name_member(json, &method->name, error))
		return -1;
	if (text_member(json, "help", &method->help, error) || text_member(json, "request", &method->request, error) ||
	    text_member(json, "reply", &method->reply, error) ||
	    int_member(json, "threads", 0, INT32_MAX, &method->threads, error) ||
	    int_member(json, "queue", 0, INT32_MAX, &method->queue, error) ||
	    int_member(json, "batch", 0, INT32_MAX, &method->batch, error))
		return error_wrap(error, "method `%s`", method->name);
	method->inbox = bool_member(json, "inbox");
	method->idempotent = bool_member(json, "idempotent");
	return 0;
}

static int read_methods(json_t *array, struct implementation_spec *spec, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (read_method(json_array_get(array, i), list_add(&spec->methods), error))
			return -1;
	return 0;
}

static int read_topics(json_t *array, struct implementation_spec *spec, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *json = json_array_get(array, i);
		struct topic_spec *topic = list_add(&spec->topics);
		if (name_member(json, &topic->name, error))
			return -1;
		if (text_member(json, "help", &topic->help, error) ||
		    text_member(json, "signature", &topic->signature, error))
			return error_wrap(error, "topic `%s`", topic->name);
	}
	return 0;
}

static int read_subscription(json_t *json, struct subscription_spec *subscription, struct error *error)
{
	if (name_member(json, &subscription->name, error))
		return -1;
	if (text_member(json, "help", &subscription->help, error) ||
	    text_member(json, "signature", &subscription->signature, error) ||
	    int_member(json, "keep", -2, INT32_MAX, &subscription->keep, error))
		return error_wrap(error, "subscription `%s`", subscription->name);
	if (!subscription->keep)
		return error_set(error, "subscription `%s` does not say what it keeps: LPAD_LATEST, LPAD_ALL or a number",
			subscription->name);
	subscription->optional = bool_member(json, "optional");
	subscription->callback = bool_member(json, "callback");
	return 0;
}

static int read_subscriptions(json_t *array, struct implementation_spec *spec, struct error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (read_subscription(json_array_get(array, i), list_add(&spec->subscriptions), error))
			return -1;
	return 0;
}

static const struct {
	const char *key;
	int (*read)(json_t *array, struct implementation_spec *spec, struct error *error);
} parts[] = {
	{ "params", read_params },
	{ "handles", read_handles },
	{ "methods", read_methods },
	{ "topics", read_topics },
	{ "subscriptions", read_subscriptions },
};

static int read_parts(json_t *json, struct implementation_spec *spec, struct error *error)
{
	json_t *array;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (array_member(json, parts[i].key, &array, error) || parts[i].read(array, spec, error))
			return -1;
	return text_member(json, "help", &spec->help, error) || text_member(json, "mirrors", &spec->mirrors, error) ? -1 : 0;
}

static int read_implementation(json_t *json, struct implementation_spec *spec, struct error *error)
{
	if (name_member(json, &spec->name, error))
		return -1;
	if (read_parts(json, spec, error))
		return error_wrap(error, "implementation `%s`", spec->name);
	spec->has_check = bool_member(json, "has_check");
	spec->has_run = bool_member(json, "has_run");
	spec->service = bool_member(json, "service");
	return 0;
}

static int read_interface(json_t *json, struct interface *interface, struct error *error)
{
	json_t *array;
	if (text_member(json, "globals", &interface->globals, error) ||
	    array_member(json, "implementations", &array, error))
		return -1;
	if (!json_array_size(array))
		return error_set(error, "it offers no implementation");
	for (size_t i = 0; i < json_array_size(array); i++)
		if (read_implementation(json_array_get(array, i), list_add(&interface->implementations), error))
			return -1;
	return 0;
}

struct interface *interface_from_json(json_t *json, const char *path, const char *shown, struct error *error)
{
	struct interface *interface = memory_new(sizeof *interface);
	interface->path = memory_copy_text(path);
	interface->shown = memory_copy_text(shown);
	if (!read_interface(json, interface, error))
		return interface;
	error_wrap(error, "%s", shown);
	interface_free(interface);
	return NULL;
}

/* ---- release ---- */

static void release_param(struct param_spec *param)
{
	free(param->name), free(param->help), free(param->type), free(param->element);
	free(param->value), free(param->range);
	for (size_t i = 0; i < param->fields.count; i++)
		release_param(&param->fields.at[i]);
	list_release(&param->fields);
}

static void release_handle(struct handle_spec *handle)
{
	free(handle->name), free(handle->help);
	for (size_t i = 0; i < handle->calls.count; i++)
		free(handle->calls.at[i]);
	list_release(&handle->calls);
}

static void release_method(struct method_spec *method)
{
	free(method->name), free(method->help), free(method->request), free(method->reply);
}

static void release_topic(struct topic_spec *topic)
{
	free(topic->name), free(topic->help), free(topic->signature);
}

static void release_subscription(struct subscription_spec *subscription)
{
	free(subscription->name), free(subscription->help), free(subscription->signature);
}

#define RELEASE_ALL(list, release) \
	do { \
		for (size_t each_ = 0; each_ < (list).count; each_++) \
			release(&(list).at[each_]); \
		list_release(&(list)); \
	} while (0)

void implementation_release(struct implementation_spec *spec)
{
	free(spec->name), free(spec->help), free(spec->mirrors);
	RELEASE_ALL(spec->params, release_param);
	RELEASE_ALL(spec->handles, release_handle);
	RELEASE_ALL(spec->methods, release_method);
	RELEASE_ALL(spec->topics, release_topic);
	RELEASE_ALL(spec->subscriptions, release_subscription);
}

void interface_free(struct interface *interface)
{
	if (!interface)
		return;
	free(interface->path), free(interface->shown), free(interface->globals);
	RELEASE_ALL(interface->implementations, implementation_release);
	free(interface);
}

/* ---- looking up; declarations are short lists ---- */

#define FIND(list, wanted) \
	do { \
		for (size_t each_ = 0; each_ < (list).count; each_++) \
			if (!strcmp((list).at[each_].name, wanted)) \
				return &(list).at[each_]; \
		return NULL; \
	} while (0)

const struct implementation_spec *interface_find(const struct interface *interface, const char *name)
{
	FIND(interface->implementations, name);
}

const struct param_spec *implementation_param(const struct implementation_spec *spec, const char *name)
{
	FIND(spec->params, name);
}

const struct handle_spec *implementation_handle(const struct implementation_spec *spec, const char *name)
{
	FIND(spec->handles, name);
}

const struct method_spec *implementation_method(const struct implementation_spec *spec, const char *name)
{
	FIND(spec->methods, name);
}

const struct topic_spec *implementation_topic(const struct implementation_spec *spec, const char *name)
{
	FIND(spec->topics, name);
}

const struct subscription_spec *implementation_subscription(const struct implementation_spec *spec, const char *name)
{
	FIND(spec->subscriptions, name);
}
