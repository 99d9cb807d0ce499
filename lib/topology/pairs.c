/* SPDX-License-Identifier: MIT */
/* Which replicas an edge joins. */
#include <stdlib.h>

#include "base/memory.h"
#include "topology/topology.h"

/* One edge, seen from one of its sides: `here` looks for its partners `there`. */
struct view {
	const struct edge *edge;
	const struct group *here, *there;
	bool forward;
	bool skip_self;                 /* a topic within one group does not come back to its own publisher */
};

static struct view view_of(const struct topology *topology, const struct edge *edge, bool forward)
{
	const struct group *from = &topology->groups.at[edge->from], *to = &topology->groups.at[edge->to];
	bool skip_self = edge->to_port && edge->from == edge->to;
	return (struct view){ edge, forward ? from : to, forward ? to : from, forward, skip_self };
}

/* Replicas from one to the next along an axis, and how many it has; without an axis the whole group is one. */
static void stride_of(const struct group *group, const char *axis, int *stride, int *extent)
{
	*stride = 1;
	*extent = group->replicas;
	for (size_t i = group->axes.count; axis && i-- > 0; ) {
		*extent = group->axes.at[i].extent;
		if (!strcmp(group->axes.at[i].name, axis))
			return;
		*stride *= *extent;
	}
}

struct found {
	const struct view *view;
	int self;
	int *at;
	size_t count;
};

static void add(struct found *found, int index)
{
	if (!(found->view->skip_self && index == found->self))
		found->at[found->count++] = index;
}

/* Round robin deals the longer side over the shorter: a short side has every so many'th of the long one. */
static void deal(struct found *found, int index)
{
	int mine = found->view->here->replicas, theirs = found->view->there->replicas;
	if (mine >= theirs)
		add(found, index % theirs);
	else
		for (int i = index; i < theirs; i += mine)
			add(found, i);
}

/* The neighbour so many steps on in the ring; -1 is the one before. */
static void step(struct found *found, int index, int by)
{
	int stride, extent;
	stride_of(found->view->here, found->view->edge->axis, &stride, &extent);
	int place = index / stride % extent;
	add(found, index + ((place + by + extent) % extent - place) * stride);
}

static void line(struct found *found, int index)
{
	int stride, extent;
	stride_of(found->view->here, found->view->edge->axis, &stride, &extent);
	int first = index - index / stride % extent * stride;
	for (int i = 0; i < extent; i++)
		add(found, first + i * stride);
}

/* At most so many partners: a group may have a million. */
static size_t room(const struct view *view)
{
	size_t mine = (size_t)view->here->replicas, theirs = (size_t)view->there->replicas;
	switch (view->edge->map) {
	case MAP_ALL:
	case MAP_ALONG:
		return theirs;
	case MAP_ROUND_ROBIN:
		return theirs / mine + 1;
	case MAP_ONE_TO_ONE:
	case MAP_NEXT:
	case MAP_PREVIOUS:
		return 1;
	}
	return theirs;
}

static int *partners(const struct view *view, int index, size_t *count)
{
	struct found found = { view, index, memory_array(room(view), sizeof(int)), 0 };
	int ahead = view->forward ? 1 : -1;
	switch (view->edge->map) {
	case MAP_ALL:
		for (int i = 0; i < view->there->replicas; i++)
			add(&found, i);
		break;
	case MAP_ONE_TO_ONE:
		add(&found, index);
		break;
	case MAP_ROUND_ROBIN:
		deal(&found, index);
		break;
	case MAP_NEXT:
		step(&found, index, ahead);
		break;
	case MAP_PREVIOUS:
		step(&found, index, -ahead);
		break;
	case MAP_ALONG:
		line(&found, index);
		break;
	}
	*count = found.count;
	return found.at;
}

int *edge_servers(const struct topology *topology, const struct edge *edge, int index, size_t *count)
{
	struct view view = view_of(topology, edge, true);
	return partners(&view, index, count);
}

int *edge_callers(const struct topology *topology, const struct edge *edge, int index, size_t *count)
{
	struct view view = view_of(topology, edge, false);
	return partners(&view, index, count);
}

int64_t edge_pairs(const struct topology *topology, const struct edge *edge)
{
	struct view view = view_of(topology, edge, true);
	int64_t from = view.here->replicas, to = view.there->replicas, self = view.skip_self ? from : 0;
	int stride, extent;
	stride_of(view.here, edge->axis, &stride, &extent);
	switch (edge->map) {
	case MAP_ALL:
		return from * to - self;
	case MAP_ONE_TO_ONE:
		return from - self;
	case MAP_ROUND_ROBIN:
		return (from > to ? from : to) - self;
	case MAP_NEXT:
	case MAP_PREVIOUS:
		return extent == 1 ? from - self : from;
	case MAP_ALONG:
		return from * extent - self;
	}
	return 0;
}
