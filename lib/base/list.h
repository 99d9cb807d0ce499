/* SPDX-License-Identifier: MIT */
/*
 * A growable array of any type:
 *
 *     struct { struct edge *at; size_t count, room; } edges;   // or LIST(struct edge) edges;
 *     *list_add(&edges) = (struct edge){ ... };
 *     for (size_t i = 0; i < edges.count; i++) ... edges.at[i] ...
 *     list_release(&edges);
 *
 * Adding may move the items: keep indexes, not pointers, across an add.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define LIST(type) struct { type *at; size_t count, room; }

/* A zeroed new last item's address. */
#define list_add(list) \
	((list)->count < (list)->room ? (void)0 : \
	    (void)((list)->room = (list)->room ? (list)->room * 2 : 8, \
	           (list)->at = memory_resize((list)->at, (list)->room, sizeof *(list)->at)), \
	 (__typeof__((list)->at))memset(&(list)->at[(list)->count++], 0, sizeof *(list)->at))

#define list_release(list) \
	(free((list)->at), (void)((list)->at = NULL, (list)->count = (list)->room = 0))

#endif
