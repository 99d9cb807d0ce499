/* SPDX-License-Identifier: MIT */
#include "node/statuses.h"

#include <stdlib.h>
#include <string.h>

#include "base/channel.h"
#include "base/memory.h"
#include "base/text.h"

void statuses_init(struct statuses *statuses)
{
	*statuses = (struct statuses){ 0 };
	pthread_mutex_init(&statuses->lock, NULL);
}

void statuses_release(struct statuses *statuses)
{
	for (size_t i = 0; i < statuses->list.count; i++) {
		free(statuses->list.at[i].name);
		free(statuses->list.at[i].text);
	}
	list_release(&statuses->list);
	pthread_mutex_destroy(&statuses->lock);
}

/* One line for a terminal, no longer than allowed, and not cut off inside a character. Caller frees. */
static char *shortened(const char *text)
{
	size_t length = strnlen(text, STATUS_LONGEST + 1);
	if (length > STATUS_LONGEST)
		for (length = STATUS_LONGEST; length && ((unsigned char)text[length] & 0xc0) == 0x80; )
			length--;
	return text_printable(memory_copy_span(text, length));
}

static size_t place_of(const struct statuses *statuses, const char *name)
{
	size_t i = 0;
	while (i < statuses->list.count && strcmp(statuses->list.at[i].name, name))
		i++;
	return i;
}

static void forget(struct statuses *statuses, size_t place)
{
	struct status *at = statuses->list.at + place;
	free(at->name);
	free(at->text);
	memmove(at, at + 1, (--statuses->list.count - place) * sizeof *at);
}

/* The lock is held. Whether anything is different now; takes the text. */
static bool change(struct statuses *statuses, const char *name, char *text)
{
	size_t place = place_of(statuses, name);
	bool known = place < statuses->list.count;
	if (!*text || (known && !strcmp(statuses->list.at[place].text, text))) {
		bool goes = known && !*text;
		if (goes)
			forget(statuses, place);
		free(text);
		return goes;
	}
	if (!known)
		list_add(&statuses->list)->name = memory_copy_text(name);
	free(statuses->list.at[place].text);
	statuses->list.at[place].text = text;
	return true;
}

enum status_outcome statuses_set(struct statuses *statuses, const char *name, const char *text)
{
	enum status_outcome outcome = STATUS_KEPT;
	char *cleanup_free key = shortened(name ? name : ""), *value = shortened(text ? text : "");
	pthread_mutex_lock(&statuses->lock);
	if (*value && statuses->list.count == STATUSES_MOST && place_of(statuses, key) == STATUSES_MOST) {
		outcome = statuses->refused ? STATUS_KEPT : STATUS_REFUSED;
		statuses->refused = true;
		free(value);
	} else if (change(statuses, key, value)) {
		outcome = statuses->changed ? STATUS_KEPT : STATUS_CHANGED;
		statuses->changed = true;
	}
	pthread_mutex_unlock(&statuses->lock);
	return outcome;
}

json_t *statuses_take(struct statuses *statuses)
{
	pthread_mutex_lock(&statuses->lock);
	json_t *out = statuses->changed ? json_object() : NULL;
	for (size_t i = 0; out && i < statuses->list.count; i++) {
		json_t *name = channel_text(statuses->list.at[i].name, strlen(statuses->list.at[i].name));
		json_object_set_new(out, json_string_value(name), channel_text(statuses->list.at[i].text, strlen(statuses->list.at[i].text)));
		json_decref(name);
	}
	statuses->changed = false;
	pthread_mutex_unlock(&statuses->lock);
	return out;
}

const char *statuses_text(const struct statuses *statuses, const char *name)
{
	size_t place = place_of(statuses, name);
	return place < statuses->list.count ? statuses->list.at[place].text : "";
}
