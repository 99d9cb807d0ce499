/* SPDX-License-Identifier: MIT */
/* What a node says of how it is: lpad_status, and what its threads wait for. Shown, and never acted upon. */
#include "base/clock.h"
#include "base/memory.h"
#include "supervise/inside.h"

static bool is_text_list(const json_t *texts)
{
	const char *name;
	json_t *text;
	json_object_foreach((json_t *)(uintptr_t)texts, name, text)
		if (!json_is_string(text))
			return false;
	return json_is_object(texts);
}

void words_heard(struct supervisor *supervisor, struct member *member, const json_t *message)
{
	json_t *texts = json_object_get(message, "texts"), *waits = json_object_get(message, "waits");
	if (is_text_list(texts)) {
		json_decref(member->texts);
		member->texts = json_incref(texts);
	}
	if (json_is_array(waits)) {
		json_decref(member->waits);
		member->waits = json_incref(waits);
		member->waits_ns = supervisor_now(supervisor);
	}
}

void words_forget(struct member *member)
{
	json_decref(member->texts);
	json_decref(member->waits);
	member->texts = member->waits = NULL;
}

json_t *words_texts(const struct member *member)
{
	return member->texts ? json_incref(member->texts) : json_object();
}

/* "replay.sample (12 s): table transitions: 312 of 1000 items" */
static void add_wait(struct text *out, const json_t *wait, double since)
{
	char span[32];
	const char *what = json_string_value(json_object_get(wait, "for")), *why = json_string_value(json_object_get(wait, "why"));
	double seconds = json_number_value(json_object_get(wait, "seconds")) + since;
	if (!what || !(seconds >= 0 && seconds < 1e9))
		return;
	clock_span(span, (int64_t)seconds * 1000);
	text_format(out, "%s%s (%s)%s%s", out->length ? "; " : "", what, span, why && *why ? ": " : "", why ? why : "");
}

char *words_waits(const struct supervisor *supervisor, const struct member *member)
{
	struct text out = { 0 };
	size_t i;
	json_t *wait;
	if (member->waits_for)
		text_add(&out, member->waits_for);
	double since = (double)(supervisor_now(supervisor) - member->waits_ns) / 1e9;
	if (member->child->pid)
		json_array_foreach(member->waits, i, wait)
			add_wait(&out, wait, since);
	return out.length ? text_take(&out) : NULL;
}
