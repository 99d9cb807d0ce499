/* SPDX-License-Identifier: MIT */
/* Calls of the program through its handles, and calls of others to its methods. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "node/talk_inside.h"

/* ---- its own ---- */

struct under_way {
	struct talk *talk;
	int64_t visit;
	json_t *id;
};

static void say_reply(const struct under_way *call, lpad_message *reply)
{
	struct error error = { 0 };
	json_t *value = talk_value(reply, &error);
	if (value)
		talk_say(call->talk, call->visit, json_pack("{s:s, s:o, s:o}", "is", "answer", "id", json_deep_copy(call->id), "value", value));
	else
		talk_say_error(call->talk, call->visit, call->id, LPAD_ETOOBIG, error.text);
}

/* On the service thread. */
static void done(lpad_node *node, lpad_future *future, void *context)
{
	struct under_way *call = context;
	lpad_message *reply = NULL;
	(void)node;
	int code = future_wait(future, &reply);
	if (code)
		talk_say_error(call->talk, call->visit, call->id, code, fault_text());
	else
		say_reply(call, reply);
	message_free(reply);
	json_decref(call->id);
	free(call);
}

/* By the group of the server, as the document lists them. */
static const char *signature_of(const struct talk *talk, const char *handle, size_t place, const char *method)
{
	size_t i;
	char group[24];
	json_t *one, *json = json_object_get(json_object_get(talk->command->node->document->json, "handles"), handle);
	json_t *server = json_array_get(json_object_get(json, "servers"), place);
	snprintf(group, sizeof group, "%lld", (long long)json_integer_value(json_object_get(server, "number")));
	json_array_foreach(json_object_get(json_object_get(json, "methods"), group), i, one)
		if (text_equal(json_string_value(json_object_get(one, "name")), method))
			return json_string_value(json_object_get(one, "request"));
	return NULL;
}

static lpad_deadline deadline_of(const json_t *line)
{
	const json_t *seconds = json_object_get(line, "deadline");
	return json_is_number(seconds) ? host_table.in(json_number_value(seconds)) : (lpad_deadline){ INT64_MIN };
}

void talk_call(struct talk *talk, int64_t visit, json_t *line)
{
	json_t *id = json_object_get(line, "id"), *at = json_object_get(line, "place");
	const char *name = json_string_value(json_object_get(line, "handle"));
	const char *method = json_string_value(json_object_get(line, "method"));
	lpad_handle *handle = name ? link_handle(talk->command->node->link, name) : NULL;
	json_int_t number = json_integer_value(at);
	int place = json_is_integer(at) ? (int)number : LPAD_ANY;
	if (!handle || !method || (json_is_integer(at) && (number < 0 || number >= handle_count(handle)))) {
		talk_say_error(talk, visit, id, LPAD_EINVALID, !method ? "a call names a \"handle\" and a \"method\""
			: handle ? "the handle has no such place" : "there is no such handle, or no edge begins at it");
		return;
	}
	lpad_message *request = talk_message(talk, visit, line, signature_of(talk, name, place < 0 ? 0 : (size_t)place, method));
	if (!request)
		return;
	struct under_way *call = memory_new(sizeof *call);
	*call = (struct under_way){ talk, visit, json_deep_copy(id) };
	int code = future_then(handle_start(handle, place, method, request, deadline_of(line)), done, call);
	if (!code)
		return;
	talk_say_error(talk, visit, id, code, fault_text());
	json_decref(call->id);
	free(call);
}

/* ---- those of others ---- */

int talk_request(struct talk *talk, lpad_call *call)
{
	struct error error = { 0 };
	json_t *value = talk_value(call_request(call), &error);
	if (!value)
		return fault_set(LPAD_ETOOBIG, "%s", error.text);
	pthread_mutex_lock(&talk->lock);
	bool ended = talk->ended, failed = talk->failed;
	if (!ended) {
		struct kept *kept = list_add(&talk->kept);
		*kept = (struct kept){ .id = ++talk->ids, .call = call };
		kept->line = json_pack("{s:s, s:I, s:s, s:o, s:s, s:i, s:i}", "is", "request", "id", (json_int_t)kept->id, "method",
			call_method(call), "value", value, "caller", call_caller(call), "caller_index", call_caller_index(call),
			"caller_incarnation", call_caller_incarnation(call));
		talk_send_kept(talk);
	}
	pthread_mutex_unlock(&talk->lock);
	if (ended) {
		json_decref(value);
		return fault_set(failed ? LPAD_ELOST : LPAD_EGONE, "its program has ended");
	}
	talk_wake(talk);
	return LPAD_LATER;
}

void talk_send_kept(struct talk *talk)
{
	for (size_t i = 0; talk->visit % 2 && i < talk->kept.count; i++)
		if (talk->kept.at[i].line) {
			*list_add(&talk->outbox) = talk->kept.at[i].line;
			talk->kept.at[i].line = NULL;
		}
}

/* Lock. */
static void remove_kept(struct talk *talk, size_t i)
{
	memmove(&talk->kept.at[i], &talk->kept.at[i + 1], (--talk->kept.count - i) * sizeof talk->kept.at[0]);
}

/* The program hears of it, and still answers or refuses; one that it has not heard of yet is over. */
void talk_gone(struct talk *talk, lpad_call *call)
{
	int64_t id = 0;
	json_t *unsaid = NULL;
	pthread_mutex_lock(&talk->lock);
	for (size_t i = 0; i < talk->kept.count && !id; i++) {
		if (talk->kept.at[i].call != call)
			continue;
		id = talk->kept.at[i].id;
		unsaid = talk->kept.at[i].line;
		if (unsaid)
			remove_kept(talk, i);
	}
	pthread_mutex_unlock(&talk->lock);
	if (unsaid)
		host_table.refuse(call, LPAD_EGONE, "its caller does not wait any more");
	else if (id)
		talk_say(talk, talk_visit(talk), json_pack("{s:s, s:I}", "is", "gone", "id", (json_int_t)id));
	json_decref(unsaid);
}

/* Out of the list; NULL: there is none. */
static lpad_call *take_kept(struct talk *talk, const json_t *id)
{
	lpad_call *call = NULL;
	pthread_mutex_lock(&talk->lock);
	for (size_t i = 0; i < talk->kept.count && !call; i++) {
		if (talk->kept.at[i].id != json_integer_value(id) || talk->kept.at[i].line)
			continue;
		call = talk->kept.at[i].call;
		remove_kept(talk, i);
	}
	pthread_mutex_unlock(&talk->lock);
	return call;
}

void talk_fail_kept(struct talk *talk, const json_t *id, const char *why)
{
	lpad_call *call = take_kept(talk, id);
	if (call)
		host_table.refuse(call, LPAD_EFAILED, "its program answered with what cannot be read: %s", why);
}

static lpad_call *asked(struct talk *talk, int64_t visit, const json_t *line)
{
	const json_t *id = json_object_get(line, "id");
	lpad_call *call = take_kept(talk, id);
	if (!call)
		talk_say_error(talk, visit, NULL, LPAD_EINVALID, "no request of this id waits for an answer");
	return call;
}

void talk_answer(struct talk *talk, int64_t visit, json_t *line)
{
	lpad_call *call = asked(talk, visit, line);
	if (!call)
		return;
	json_object_del(line, "id");    /* of the request: an error is not about one of the program's own */
	lpad_message *reply = talk_message(talk, visit, line, NULL);
	if (!reply)
		host_table.refuse(call, LPAD_EFAILED, "its program answered with what is no message");
	else if (call_answer(call, reply))
		talk_say_error(talk, visit, NULL, fault_code(), fault_text());
}

static int code_named(const char *name)
{
#define ROW(code, word, text) { code, #word },
	static const struct { int code; const char *name; } codes[] = { LPAD_CODES(ROW) };
#undef ROW
	for (size_t i = 0; name && i < sizeof codes / sizeof codes[0]; i++)
		if (!strcmp(codes[i].name, name))
			return codes[i].code;
	return LPAD_EFAILED;
}

void talk_refuse(struct talk *talk, int64_t visit, json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "text"));
	lpad_call *call = asked(talk, visit, line);
	if (call)
		host_table.refuse(call, code_named(json_string_value(json_object_get(line, "code"))), "%s", text ? text : "refused");
}

void talk_refuse_kept(struct talk *talk, bool all, int code, const char *why)
{
	LIST(lpad_call *) calls = { 0 };
	size_t left = 0;
	pthread_mutex_lock(&talk->lock);
	for (size_t i = 0; i < talk->kept.count; i++) {
		struct kept *kept = &talk->kept.at[i];
		if (!all && kept->line) {
			talk->kept.at[left++] = *kept;
			continue;
		}
		json_decref(kept->line);
		*list_add(&calls) = kept->call;
	}
	talk->kept.count = left;
	pthread_mutex_unlock(&talk->lock);
	for (size_t i = 0; i < calls.count; i++)
		host_table.refuse(calls.at[i], code, "%s", why);
	list_release(&calls);
}
