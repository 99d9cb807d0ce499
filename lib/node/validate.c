/* SPDX-License-Identifier: MIT */
#include "node/validate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/memory.h"
#include "base/signature.h"
#include "base/text.h"
#include "node/describe.h"

enum { NAME_LONGEST = 200, THREADS_MOST = 1024, SENTENCES_MOST = 5, BATCH_MOST = 65536 };
static const size_t STATE_MOST = (size_t)1 << 40;

/* A member of the state, or of a struct in it, that lpad fills. */
struct member {
	const char *kind, *name;
	size_t from, to;
};

struct validation {
	const lpad_implementation *implementation;
	const char *prefix;             /* of the names of fields: "tables.limiter."; "" of the state's own */
	size_t size;                    /* of the struct that is looked at */
	LIST(struct member) members;    /* of it */
	struct text sentences;
	int count;
};

__attribute__((format(printf, 2, 3)))
static void complain(struct validation *v, const char *format, ...)
{
	if (v->count++ >= SENTENCES_MOST)
		return;
	va_list list;
	va_start(list, format);
	char *cleanup_free sentence = memory_format_list(format, list);
	va_end(list);
	text_format(&v->sentences, "%s%s", v->count > 1 ? "; " : "", sentence);
}

/* ---- names ---- */

static bool good_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t length = strlen(name);
	return length && length <= NAME_LONGEST && strchr(letters, name[0])
	    && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

static void check_name(struct validation *v, const char *kind, const char *name)
{
	if (!good_name(name))
		complain(v, "%s `%s%.40s` has no proper name: a letter, then letters, digits, _ and -", kind, v->prefix, name);
}

/* Of an array whose rows begin with their names and which ends with a row without one; or NULL. */
static void check_names(struct validation *v, const char *kind, const void *rows, size_t stride)
{
	const char *first = rows, *name, *before;
	for (const char *row = first; row && (name = *(const char *const *)row); row += stride) {
		check_name(v, kind, name);
		for (const char *other = first; other != row; other += stride) {
			before = *(const char *const *)other;
			if (!strcmp(name, before)) {
				complain(v, "%s `%s%s` is declared twice", kind, v->prefix, name);
				break;
			}
		}
	}
}

/* Both stand to the left of an arrow. */
static void check_left_sides(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	for (const lpad_handle_decl *handle = one->handles; handle && handle->name; handle++)
		for (const lpad_topic_decl *topic = one->topics; topic && topic->name; topic++)
			if (!strcmp(handle->name, topic->name))
				complain(v, "`%s` is both a handle and a topic: give one another name (LPAD_TOPIC_AS)",
					topic->name);
}

/* ---- places in the state ---- */

static void occupy(struct validation *v, const char *kind, const char *name, size_t into, size_t room)
{
	if (into > v->size || room > v->size - into)
		complain(v, *v->prefix ? "%s `%s%s` lies beyond its object (bytes %zu to %zu of %zu): "
			"are these the fields of the struct that it is?" : "%s `%s%s` lies beyond the state (bytes %zu to %zu of %zu): "
			"is .state the sizeof of the struct it is declared in?", kind, v->prefix, name, into, into + room, v->size);
	*list_add(&v->members) = (struct member){ kind, name, into, into + room };
}

static int by_place(const void *a, const void *b)
{
	const struct member *one = a, *two = b;
	return one->from < two->from ? -1 : one->from > two->from;
}

static void check_overlaps(struct validation *v)
{
	if (v->members.count)
		qsort(v->members.at, v->members.count, sizeof *v->members.at, by_place);
	for (size_t i = 1; i < v->members.count; i++) {
		const struct member *one = &v->members.at[i - 1], *two = &v->members.at[i];
		if (one->to > two->from)
			complain(v, "%s `%s%s` and %s `%s%s` share a member of the %s", one->kind, v->prefix, one->name, two->kind,
				v->prefix, two->name, *v->prefix ? "object" : "state");
	}
	list_release(&v->members);
}

/* ---- each kind ---- */

static size_t room_of(int type)
{
	switch (type) {
	case LPAD_T_INT: case LPAD_T_SIZE: return sizeof(int64_t);
	case LPAD_T_REAL: case LPAD_T_DURATION: return sizeof(double);
	case LPAD_T_BOOL: return sizeof(bool);
	case LPAD_T_TEXT: case LPAD_T_PATH: return sizeof(const char *);
	case LPAD_T_CHOICE: return sizeof(int32_t);
	case LPAD_T_LIST: return sizeof(lpad_ints);
	case LPAD_T_MAP: return sizeof(lpad_map);
	default: return 0;      /* object: of any size */
	}
}

static bool list_of(int element)
{
	return element == LPAD_T_INT || element == LPAD_T_SIZE || element == LPAD_T_REAL || element == LPAD_T_DURATION
	    || element == LPAD_T_TEXT || element == LPAD_T_PATH;
}

static bool has_word(const char *words, const char *word)
{
	for (const char *at = words; *(at += strspn(at, " ")); at += strcspn(at, " "))
		if (strcspn(at, " ") == strlen(word) && !strncmp(at, word, strlen(word)))
			return true;
	return false;
}

static void check_choice(struct validation *v, const lpad_param *param)
{
	if (!param->range || !param->range[strspn(param->range, " ")])
		complain(v, "parameter `%s%s` is a choice of nothing: \"call topic cache\" in place of its range",
			v->prefix, param->name);
	else if (param->value && !has_word(param->range, param->value))
		complain(v, "parameter `%s%s` has the default `%s`, which is not one of %s", v->prefix, param->name,
			param->value, param->range);
}

static void check_rows(struct validation *v, const lpad_param *params);

/* The fields of an object or a map as if their struct were a state of its own. */
static void check_fields(struct validation *v, const lpad_param *param)
{
	struct validation outer = *v;
	char *cleanup_free prefix = memory_format("%s%s.", v->prefix, param->name);
	size_t size = param->type == LPAD_T_MAP ? param->fields_size : param->room;
	if (!param->fields || !param->fields->name)
		complain(v, "parameter `%s%s` is %s without fields", v->prefix, param->name,
			param->type == LPAD_T_MAP ? "a map" : "an object");
	else if (size > STATE_MOST)
		complain(v, "the objects of parameter `%s%s` cannot have %zu bytes", v->prefix, param->name, size);
	if (v->count > outer.count)
		return;
	v->prefix = prefix;
	v->size = size;
	memset(&v->members, 0, sizeof v->members);
	check_rows(v, param->fields);
	v->prefix = outer.prefix;
	v->size = outer.size;
	v->members = outer.members;
}

static void check_param(struct validation *v, const lpad_param *param)
{
	size_t room = room_of(param->type);
	bool nested = param->type == LPAD_T_OBJECT || param->type == LPAD_T_MAP;
	if (!describe_type(param->type))
		complain(v, "parameter `%s%s` has the unknown type %d", v->prefix, param->name, param->type);
	else if (param->type == LPAD_T_LIST && !list_of(param->element))
		complain(v, "parameter `%s%s` is a list of nothing that can be in a list", v->prefix, param->name);
	else if (room && param->room != room)
		complain(v, "parameter `%s%s` is %s of %zu bytes, its member has %zu", v->prefix, param->name,
			describe_type(param->type), room, param->room);
	else if (nested)
		check_fields(v, param);
	else if (param->fields)
		complain(v, "parameter `%s%s` has fields, but is no object and no map", v->prefix, param->name);
	if (param->type == LPAD_T_CHOICE)
		check_choice(v, param);
}

static void occupy_params(struct validation *v, const lpad_param *params)
{
	check_names(v, "parameter", params, sizeof *params);
	for (const lpad_param *param = params; param && param->name; param++) {
		check_param(v, param);
		occupy(v, "parameter", param->name, param->into, param->room);
	}
}

static void check_rows(struct validation *v, const lpad_param *params)
{
	occupy_params(v, params);
	check_overlaps(v);
}

static void check_handles(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	check_names(v, "handle", one->handles, sizeof *one->handles);
	for (const lpad_handle_decl *handle = one->handles; handle && handle->name; handle++) {
		if (handle->many < LPAD_ONE || handle->many > LPAD_MANY)
			complain(v, "handle `%s` does not say LPAD_ONE, LPAD_OPTIONAL or LPAD_MANY", handle->name);
		occupy(v, "handle", handle->name, handle->into, sizeof(lpad_handle *));
	}
}

/* The server whose methods it offers too stands behind one of its handles. */
static void check_mirror(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	const lpad_handle_decl *handle = one->handles;
	while (one->mirrors && handle && handle->name && strcmp(handle->name, one->mirrors))
		handle++;
	if (!one->mirrors && one->forward)
		complain(v, "it has .forward, but .mirrors does not say the handle whose methods it passes on");
	else if (one->mirrors && (!handle || !handle->name))
		complain(v, "it mirrors `%.40s`, which is none of its handles", one->mirrors);
	else if (one->mirrors && handle->many == LPAD_MANY)
		complain(v, "it mirrors `%.40s`, which is LPAD_MANY: one server's methods are meant", one->mirrors);
	else if (one->mirrors && !one->forward)
		complain(v, "it mirrors `%.40s`, but nothing passes the calls on: .forward is missing", one->mirrors);
}

static void check_numbers(struct validation *v, const lpad_method *method)
{
	if (method->threads < 0 || method->threads > THREADS_MOST)
		complain(v, "method `%s` wants %d threads: 0 to %d", method->name, method->threads, THREADS_MOST);
	if (method->queue < 0 || method->batch < 0 || method->batches < 0 || !(method->batch_wait >= 0))
		complain(v, "method `%s` has a negative queue or batch", method->name);
	if (method->full != LPAD_WAIT && method->full != LPAD_REFUSE)
		complain(v, "method `%s`: .full is LPAD_WAIT or LPAD_REFUSE, not %d", method->name, method->full);
}

/* Of a batched method: there is no form of many bytes at once. */
static void check_batch_signature(struct validation *v, const lpad_method *method, const char *text, const char *what)
{
	struct signature signature;
	if (signature_parse(text, &signature, NULL))
		return;
	if (signature.kind == SIGNATURE_BYTES && signature.size)
		complain(v, "method `%s` is batched, so its %s is tensors or json, not `%s`", method->name, what, text);
	signature_release(&signature);
}

static void check_batch(struct validation *v, const lpad_method *method)
{
	if (!method->batch) {
		if (method->batch_wait || method->batches || method->pad)
			complain(v, "method `%s` is not batched: .batch says how many calls make one", method->name);
		return;
	}
	if (method->batch > BATCH_MOST)
		complain(v, "method `%s` wants batches of %d: 1 to %d", method->name, method->batch, BATCH_MOST);
	if (method->queue && method->queue < method->batch)
		complain(v, "method `%s` has a queue of %d, which never holds a batch of %d", method->name, method->queue,
			method->batch);
	if (!method->call && method->batches)
		complain(v, "method `%s` is an inbox, whose run takes as many batches as it likes: drop .batches", method->name);
	if (method->call && method->threads > 0 && method->batches > 0 && method->batches < method->threads)
		complain(v, "method `%s` has %d threads, but %d at once: the others would never run", method->name,
			method->threads, method->batches);
	check_batch_signature(v, method, method->request, "request");
	check_batch_signature(v, method, method->reply, "reply");
}

static void check_inbox(struct validation *v, const lpad_method *method)
{
	if (method->threads)
		complain(v, "method `%s` is an inbox, which has no threads: .call says what they run", method->name);
	if (!v->implementation->run)
		complain(v, "method `%s` is an inbox, but there is no run to take its calls", method->name);
	occupy(v, "inbox", method->name, method->into, sizeof(lpad_inbox *));
}

static void check_signature(struct validation *v, const char *what, const char *name, const char *text)
{
	struct signature signature;
	struct error error = { 0 };
	if (signature_parse(text, &signature, &error))
		complain(v, "%s of `%s` cannot be read: \"%.100s\": %s", what, name, text, error.text);
	else
		signature_release(&signature);
}

static void check_methods(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	check_names(v, "method", one->methods, sizeof *one->methods);
	for (const lpad_method *method = one->methods; method && method->name; method++) {
		check_numbers(v, method);
		check_batch(v, method);
		check_signature(v, "the request's signature", method->name, method->request);
		check_signature(v, "the reply's signature", method->name, method->reply);
		if (!method->call)
			check_inbox(v, method);
		else if (method->into)
			complain(v, "method `%s` has both a callback and an inbox: drop .call or .into", method->name);
	}
}

static void check_topics(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	check_names(v, "topic", one->topics, sizeof *one->topics);
	for (const lpad_topic_decl *topic = one->topics; topic && topic->name; topic++) {
		occupy(v, "topic", topic->name, topic->into, sizeof(lpad_topic *));
		check_signature(v, "the signature", topic->name, topic->signature);
	}
}

static void check_subscriptions(struct validation *v)
{
	const lpad_implementation *one = v->implementation;
	check_names(v, "subscription", one->subscriptions, sizeof *one->subscriptions);
	for (const lpad_subscription_decl *row = one->subscriptions; row && row->name; row++) {
		if (!row->keep || row->keep < LPAD_ALL)
			complain(v, "subscription `%s` does not say what it keeps: LPAD_LATEST, LPAD_ALL or a number",
				row->name);
		check_signature(v, "the signature", row->name, row->signature);
		if (!row->on)
			occupy(v, "subscription", row->name, row->into, sizeof(lpad_subscription *));
		else if (row->into)
			complain(v, "subscription `%s` has both a callback and a member: drop .on or .into", row->name);
	}
}

int implementation_validate(const lpad_implementation *implementation, struct error *error)
{
	struct validation v = { .implementation = implementation, .prefix = "", .size = implementation->state };
	const char *name = implementation->name;
	if (!name || !good_name(name))
		complain(&v, "its name is no proper one: a letter, then letters, digits, _ and -");
	if (implementation->state > STATE_MOST)
		complain(&v, "its state of %zu bytes cannot be", implementation->state);
	occupy_params(&v, implementation->params);
	check_handles(&v);
	check_mirror(&v);
	check_methods(&v);
	check_topics(&v);
	check_subscriptions(&v);
	check_left_sides(&v);
	check_overlaps(&v);
	if (v.count > SENTENCES_MOST)
		text_format(&v.sentences, "; and %d more", v.count - SENTENCES_MOST);
	if (v.count)
		error_set(error, "implementation `%.40s`: %s", name ? name : "", text_string(&v.sentences));
	text_release(&v.sentences);
	return v.count ? -1 : 0;
}
