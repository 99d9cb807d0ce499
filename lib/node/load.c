/* SPDX-License-Identifier: MIT */
#include "node/load.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "node/validate.h"

enum {
	STRIDE_MOST = 1 << 16,  /* a larger element is garbage, not a newer header */
	ROWS_MOST = 4096,       /* of one array: beyond it the end is missing */
	NESTING_MOST = 8        /* of objects in objects: beyond it a struct contains itself */
};

struct module {
	lpad_implementation *implementations;   /* copies in this program's sizes, as are the arrays they point to */
	size_t count;
};

/* One kind of array element: where its size stands in the table, and how much of it is the least that has a meaning. */
struct element {
	const char *name;
	size_t stride_at, least, size;
};
#define ELEMENT(kind, type, last) { \
	#kind, offsetof(lpad_module_table, kind##_size), offsetof(type, last) + sizeof(((type *)0)->last), sizeof(type) }

enum { IMPLEMENTATION, PARAM, HANDLE, METHOD, TOPIC, SUBSCRIPTION, ELEMENTS };
static const struct element elements[ELEMENTS] = {
	[IMPLEMENTATION] = ELEMENT(implementation, lpad_implementation, fini),
	[PARAM] = ELEMENT(param, lpad_param, range),
	[HANDLE] = ELEMENT(handle, lpad_handle_decl, many),
	[METHOD] = ELEMENT(method, lpad_method, into),
	[TOPIC] = ELEMENT(topic, lpad_topic_decl, into),
	[SUBSCRIPTION] = ELEMENT(subscription, lpad_subscription_decl, keep),
};

static size_t stride(const lpad_module_table *table, const struct element *element)
{
	uint32_t value;
	memcpy(&value, (const char *)table + element->stride_at, sizeof value);
	return value;
}

static int check_table(const lpad_module_table *table, struct error *error)
{
	if (table->abi_major != LPAD_ABI_MAJOR)
		return error_set(error, "it was compiled for version %u of the node contract, this lpad has version %d: "
			"compile it again with this lpad's lpad/node.h", table->abi_major, LPAD_ABI_MAJOR);
	if (table->size < sizeof *table)
		return error_set(error, "its table has %u bytes, version %d.0 of the node contract has %zu: "
			"it was not made by LPAD_MODULE of lpad/node.h", table->size, LPAD_ABI_MAJOR, sizeof *table);
	for (const struct element *element = elements; element < elements + ELEMENTS; element++) {
		size_t length = stride(table, element);
		if (length < element->least || length > STRIDE_MOST || length % sizeof(void *))
			return error_set(error, "its table says that one %s has %zu bytes, which cannot be: "
				"it was not made by LPAD_MODULE of lpad/node.h", element->name, length);
	}
	if (!table->count || table->count > ROWS_MOST || !table->implementations || !table->host)
		return error_set(error, "its table offers no implementation: LPAD_MODULE({ .name = \"...\", ... }) does");
	return 0;
}

/* A row of the author's size in one of ours: what he has more is cut off, what he lacks stays zero. */
static void copy_row(const struct element *element, size_t length, void *out, const void *row)
{
	memcpy(out, row, length < element->size ? length : element->size);
}

/* An array that ends with a row without a name; every row begins with its name. NULL stays NULL. */
static void *copy_rows(const lpad_module_table *table, int kind, const void *rows, struct error *error)
{
	const struct element *element = &elements[kind];
	size_t length = stride(table, element), count = 0;
	if (!rows)
		return NULL;
	for (const char *row = rows; *(const char *const *)row; row += length)
		if (++count > ROWS_MOST) {
			error_set(error, "an array of %ss has no end: LPAD_END is its last row", element->name);
			return NULL;
		}
	char *copies = memory_array(count + 1, element->size);
	for (size_t i = 0; i < count; i++)
		copy_row(element, length, copies + i * element->size, (const char *)rows + i * length);
	return copies;
}

static lpad_param *copy_params(const lpad_module_table *table, const lpad_param *params, int depth, struct error *error)
{
	lpad_param *copies = copy_rows(table, PARAM, params, error);
	for (lpad_param *param = copies; param && param->name; param++) {
		const lpad_param *fields = param->fields;
		param->fields = NULL;
		if (!fields || error->text[0])  /* rows that lead back to themselves end at the first that is too deep */
			continue;
		if (depth == NESTING_MOST)
			error_set(error, "parameter `%s` is nested more than %d deep", param->name, NESTING_MOST);
		else
			param->fields = copy_params(table, fields, depth + 1, error);
	}
	return copies;
}

static void free_params(const lpad_param *params)
{
	for (const lpad_param *param = params; param && param->name; param++)
		free_params(param->fields);
	free((void *)params);
}

static void copy_implementation(const lpad_module_table *table, size_t place, lpad_implementation *to,
	struct error *error)
{
	size_t length = stride(table, &elements[IMPLEMENTATION]);
	copy_row(&elements[IMPLEMENTATION], length, to, (const char *)table->implementations + place * length);
	to->params = copy_params(table, to->params, 0, error);
	to->handles = copy_rows(table, HANDLE, to->handles, error);
	to->methods = copy_rows(table, METHOD, to->methods, error);
	to->topics = copy_rows(table, TOPIC, to->topics, error);
	to->subscriptions = copy_rows(table, SUBSCRIPTION, to->subscriptions, error);
}

static int check_names(const struct module *module, struct error *error)
{
	for (size_t i = 0; i < module->count; i++) {
		const char *name = module->implementations[i].name;
		if (name && module_find(module, name) != &module->implementations[i])
			return error_set(error, "it has two implementations `%s`", name);
	}
	return 0;
}

static struct module *copy_module(const lpad_module_table *table, struct error *error)
{
	struct module *module = memory_new(sizeof *module);
	struct error wrong = { 0 };
	module->count = table->count;
	module->implementations = memory_array(module->count, sizeof *module->implementations);
	for (size_t i = 0; i < module->count; i++)
		copy_implementation(table, i, &module->implementations[i], &wrong);
	for (size_t i = 0; i < module->count && !wrong.text[0]; i++)
		implementation_validate(&module->implementations[i], &wrong);
	if (!wrong.text[0] && !check_names(module, &wrong))
		return module;
	module_free(module);
	error_set(error, "%s", wrong.text);
	return NULL;
}

/* Opens it for good and finds its table. */
static const lpad_module_table *open_table(const char *path, struct error *error)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object) {
		const char *why = dlerror();
		size_t length = strlen(path);
		if (!strncmp(why, path, length) && !strncmp(why + length, ": ", 2))
			why += length + 2;
		error_set(error, "it cannot be opened: %s", why);
		return NULL;
	}
	const lpad_module_table *table = dlsym(object, "lpad_module");
	if (!table) {
		error_set(error, "it exports no lpad_module: write LPAD_MODULE({ .name = ... }) at the end of one of its sources");
		return NULL;
	}
	return check_table(table, error) ? NULL : table;
}

/* Written once: another replica of this process may run in it already. */
static void give_host(const lpad_module_table *table, const lpad_host *host)
{
	if (*table->host != host)
		*table->host = host;
}

struct module *module_of_table(const lpad_module_table *table, const lpad_host *host, struct error *error)
{
	struct module *module = check_table(table, error) ? NULL : copy_module(table, error);
	if (module)
		give_host(table, host);
	return module;
}

struct module *module_load(const char *path, const lpad_host *host, struct error *error)
{
	const lpad_module_table *table = open_table(path, error);
	struct module *module = table ? copy_module(table, error) : NULL;
	if (module)
		give_host(table, host);
	return module;
}

void module_free(struct module *module)
{
	if (!module)
		return;
	for (lpad_implementation *one = module->implementations; one < module->implementations + module->count; one++) {
		free_params(one->params);
		free((void *)one->handles);
		free((void *)one->methods);
		free((void *)one->topics);
		free((void *)one->subscriptions);
	}
	free(module->implementations);
	free(module);
}

size_t module_count(const struct module *module)
{
	return module->count;
}

const lpad_implementation *module_at(const struct module *module, size_t place)
{
	return &module->implementations[place];
}

const lpad_implementation *module_find(const struct module *module, const char *name)
{
	for (size_t i = 0; i < module->count; i++)
		if (text_equal(module->implementations[i].name, name))
			return &module->implementations[i];
	return NULL;
}
