/* SPDX-License-Identifier: MIT */
#include "link/inproc_mail.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
	SHARE = 32,                     /* letters that an owner opens before others may relieve it, or its next mailbox has its turn */
	FEW = 8
};

/* This thread's mailboxes, each with a reference; among them may be some that another thread has taken over. */
static _Thread_local struct round {
	struct mailbox *few[FEW];
	struct mailbox **more;          /* instead, once they are more; freed when the round is over: threads end without a word */
	size_t begin, end, room;
	bool delivering;
} mine;

/* ---- the round ---- */

static struct mailbox **round_list(void)
{
	return mine.more ? mine.more : mine.few;
}

static void make_room(void)
{
	size_t count = mine.end - mine.begin;
	size_t room = mine.more ? mine.room : FEW;
	struct mailbox **list = round_list();
	if (mine.end < room)
		return;
	if (count > room / 2) {
		mine.room = room * 2;
		mine.more = memory_array(mine.room, sizeof(struct mailbox *));
	}
	for (size_t i = 0; i < count; i++)
		round_list()[i] = list[mine.begin + i];
	if (list != round_list() && list != mine.few)
		free(list);
	mine.begin = 0;
	mine.end = count;
}

static void round_add(struct mailbox *mailbox)
{
	make_room();
	mailbox_share(mailbox);
	round_list()[mine.end++] = mailbox;
}

static void round_over(void)
{
	free(mine.more);
	mine.more = NULL;
	mine.begin = mine.end = 0;
}

/* ---- letters ---- */

struct letter *letter_new(enum letter_kind kind)
{
	struct letter *letter = memory_new(sizeof *letter);
	letter->kind = kind;
	return letter;
}

static void throw_away(struct mailbox *mailbox, struct letter *letter)
{
	if (letter->frame.raw)
		letter->frame.transport->frame_drop(&letter->frame);
	if (mailbox->kind->discard)
		mailbox->kind->discard(letter);
	free(letter);
}

/* Lock held. */
static void unlink_letter(struct mailbox *mailbox, struct letter **at)
{
	struct letter *letter = *at;
	*at = letter->next;
	if (!*at)
		mailbox->last = at;
	mailbox->messages -= letter->kind == LETTER_MESSAGE;
}

static struct letter *take_first(struct mailbox *mailbox)
{
	struct letter *letter = mailbox->first;
	if (letter)
		unlink_letter(mailbox, &mailbox->first);
	return letter;
}

static struct letter *take_oldest_message(struct mailbox *mailbox)
{
	struct letter **at = &mailbox->first;
	while ((*at)->kind != LETTER_MESSAGE)
		at = &(*at)->next;
	struct letter *letter = *at;
	unlink_letter(mailbox, at);
	return letter;
}

/* ---- mailboxes ---- */

void mailbox_init(struct mailbox *mailbox, const struct mailbox_kind *kind)
{
	*mailbox = (struct mailbox){ .kind = kind, .last = &mailbox->first };
	atomic_init(&mailbox->references, 1);
	pthread_mutex_init(&mailbox->lock, NULL);
	pthread_cond_init(&mailbox->left, NULL);
}

void mailbox_share(struct mailbox *mailbox)
{
	atomic_fetch_add_explicit(&mailbox->references, 1, memory_order_relaxed);
}

void mailbox_release(struct mailbox *mailbox)
{
	if (atomic_fetch_sub_explicit(&mailbox->references, 1, memory_order_acq_rel) != 1)
		return;
	pthread_cond_destroy(&mailbox->left);
	pthread_mutex_destroy(&mailbox->lock);
	mailbox->kind->free(mailbox);
}

/* Lock held. */
static bool can_relieve(const struct mailbox *mailbox)
{
	return mailbox->owner != &mine && mailbox->opened >= SHARE && !mailbox->closing;
}

void mailbox_post_within(struct mailbox *mailbox, struct letter *letter, size_t most)
{
	struct letter *unwanted = letter;
	pthread_mutex_lock(&mailbox->lock);
	if (!mailbox->closed) {
		letter->next = NULL;
		*mailbox->last = letter;
		mailbox->last = &letter->next;
		mailbox->messages += letter->kind == LETTER_MESSAGE;
		unwanted = mailbox->messages > most ? take_oldest_message(mailbox) : NULL;
		if (!mailbox->owner || can_relieve(mailbox)) {
			mailbox->owner = &mine;
			mailbox->opened = 0;
			round_add(mailbox);
		}
	}
	pthread_mutex_unlock(&mailbox->lock);
	if (unwanted)
		throw_away(mailbox, unwanted);
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
	mailbox_post_within(mailbox, letter, SIZE_MAX);
}

/* ---- opening ---- */

/* Lock held. The event that another thread is in must end first. An event of this thread's own, which called for this, cannot. */
static void await_event(struct mailbox *mailbox)
{
	while (mailbox->inside && mailbox->inside != &mine) {
		mailbox->awaited++;
		pthread_cond_wait(&mailbox->left, &mailbox->lock);
		mailbox->awaited--;
	}
}

/* Lock held, and released while the event runs. */
static void open_letter(struct mailbox *mailbox, struct letter *letter)
{
	const void *around = mailbox->inside;
	mailbox->inside = &mine;
	mailbox->opened++;
	pthread_mutex_unlock(&mailbox->lock);
	mailbox->kind->open(mailbox, letter);
	free(letter);
	pthread_mutex_lock(&mailbox->lock);
	mailbox->inside = around;
	if (mailbox->awaited)
		pthread_cond_broadcast(&mailbox->left);
}

/* Until it is empty, or another thread's, or has had its share: then it comes to the end of the round. */
static void open_letters(struct mailbox *mailbox)
{
	struct letter *letter;
	unsigned count = 0;
	pthread_mutex_lock(&mailbox->lock);
	while (mailbox->owner == &mine) {
		await_event(mailbox);
		if (mailbox->owner != &mine || count++ == SHARE)
			break;
		letter = take_first(mailbox);
		if (letter)
			open_letter(mailbox, letter);
		else
			mailbox->owner = NULL;
	}
	if (mailbox->owner == &mine)
		round_add(mailbox);
	pthread_mutex_unlock(&mailbox->lock);
}

void inproc_deliver(void)
{
	if (mine.delivering || mine.begin == mine.end)
		return;
	mine.delivering = true;
	while (mine.begin < mine.end) {
		struct mailbox *mailbox = round_list()[mine.begin++];
		open_letters(mailbox);
		mailbox_release(mailbox);
	}
	round_over();
	mine.delivering = false;
}

void mailbox_close(struct mailbox *mailbox, bool open_rest)
{
	bool delivering = mine.delivering;
	struct letter *letter;
	mine.delivering = true;         /* what these events send is delivered after them */
	pthread_mutex_lock(&mailbox->lock);
	mailbox->owner = &mine;
	mailbox->closing = true;
	await_event(mailbox);
	while (open_rest && (letter = take_first(mailbox)))
		open_letter(mailbox, letter);
	mailbox->closed = true;
	mailbox->owner = NULL;
	letter = mailbox->first;
	mailbox->first = NULL;
	pthread_mutex_unlock(&mailbox->lock);
	mine.delivering = delivering;
	for (struct letter *next; letter; letter = next) {
		next = letter->next;
		throw_away(mailbox, letter);
	}
}
