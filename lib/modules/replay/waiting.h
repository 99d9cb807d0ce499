/* SPDX-License-Identifier: MIT */
/*
 * Calls that are kept until a limiter allows them: a line for each side of each table, in order of arrival. The first of a line
 * holds the others back, also smaller ones.
 */
#ifndef WAITING_H
#define WAITING_H

#include "inside.h"

void waiting_join(struct replay *me, struct held *held, struct place *place, enum side side);
void waiting_leave(struct held *held);          /* if it is in one */
/* 0, or why so many samples at once can never be had as it is now: code and text. */
int waiting_impossible(const struct place *place, int64_t count, char *text, size_t room);
/* After every event: grants whatever the limiters allow. */
void waiting_settle(struct replay *me);
/* Of a kept call; NULL: it is not kept here. */
struct held *waiting_find(struct replay *me, const lpad_call *call);
/* Nobody wants its answer any more: out of its line, refused, freed. */
void waiting_end(struct replay *me, struct held *held, int code, const char *why);
/* The same of one, not an append's, whose call has ended already. */
void waiting_forget(struct held *held);

#endif
