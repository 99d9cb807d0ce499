/* SPDX-License-Identifier: MIT */
/*
 * What is inserted. An append is done item by item, each when its table's limiter allows; one that is held holds back the later ones
 * of its stream, and nobody else. What is in stays in when its caller goes.
 */
#ifndef APPENDS_H
#define APPENDS_H

#include "requests.h"

/* The caller's stream; an older incarnation of it is refused, with this thread's error set, and so is a writer (0: it does not say which)
   that is not the one that opened it last; a newer one takes the stream over. */
int appends_stream(struct replay *me, lpad_call *call, const char *name, uint64_t writer, struct stream **out);
/* The same for a writer that opens it, from now on the only one: what another one of this incarnation had waiting is refused. */
int appends_open(struct replay *me, lpad_call *call, const char *name, uint64_t writer, struct stream **out);
/* A call that has come; from now on the append belongs to these functions. */
void appends_arrive(struct replay *me, struct append *append);
/* The limiter allows its next item. */
void appends_go_on(struct replay *me, struct append *append);
/* Refused, what is not in yet is given up. */
void appends_end(struct replay *me, struct append *append, int code, const char *why);
/* All that are held, at the end: their calls have been ended. */
void appends_forget(struct replay *me);
struct held *appends_find(struct replay *me, const lpad_call *call);
/* The one that it waits behind: the first of its stream. */
const struct held *appends_first(const struct append *append);
/* 0, or a code and its text. */
int appends_insert_plain(struct replay *me, struct held *held, uint64_t *key, char *text, size_t room);

#endif
