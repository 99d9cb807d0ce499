/* SPDX-License-Identifier: MIT */
#include "topology/mirrors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { OPTIONAL = 2 };

/* ---- who stands in front of whom ---- */

/* The edge of the mirroring handle; NULL: not connected. One server, so one edge. */
static const struct edge *mirror_edge(const struct binder *binder, int group)
{
	const struct implementation_spec *spec = binder->groups[group].spec;
	size_t count;
	const int *edges = joins_from(binder->joins, group, &count);
	for (size_t i = 0; spec && spec->mirrors && i < count; i++) {
		const struct edge *edge = &binder->topology->edges.at[edges[i]];
		if (text_equal(edge->from_port, spec->mirrors))
			return edge;
	}
	return NULL;
}

static void find_behind(struct binder *binder, int group)
{
	const struct edge *edge = mirror_edge(binder, group);
	if (edge)
		binder->joins->behind[group] = edge->to;
}

static void report_circle(struct binder *binder, int start)
{
	const struct group *groups = binder->topology->groups.at;
	struct text cleanup_text way = { 0 };
	int at = start;
	do {
		text_format(&way, at == start ? "%s passes on to " : "%s, which passes on to ", groups[at].label);
		binder->groups[at].broken = true;
		at = binder->joins->behind[at];
	} while (at != start);
	text_add(&way, groups[start].label);
	problem_add(binder->problems, mirror_edge(binder, start)->mark, "mirror-circle", NULL,
		"%s: no node is behind them", way.data);
}

/* Follows each chain once. The last link of a circle is cut, at its first group in the file. */
static void cut_circles(struct binder *binder)
{
	int groups = (int)binder->joins->groups, *behind = binder->joins->behind;
	int *cleanup_free seen = memory_array((size_t)groups, sizeof *seen);    /* the walk that came by; 0: none */
	for (int g = 0; g < groups; g++) {
		int at = g;
		while (at >= 0 && !seen[at]) {
			seen[at] = g + 1;
			at = behind[at];
		}
		if (at < 0 || seen[at] != g + 1)
			continue;
		report_circle(binder, at);
		behind[at] = -1;
	}
}

void mirrors_bind(struct binder *binder)
{
	for (size_t g = 0; g < binder->joins->groups; g++)
		find_behind(binder, (int)g);
	cut_circles(binder);
}

/* ---- what they offer ---- */

/* Its handle is not connected, which is fine, and no edge that could not be made may have meant it. */
static bool is_open(const struct binder *binder, int group)
{
	const struct implementation_spec *spec = binder->groups[group].spec;
	const struct handle_spec *handle = implementation_handle(spec, spec->mirrors);
	for (size_t i = 0; i < binder->topology->lost.count; i++) {
		const struct lost_edge *lost = &binder->topology->lost.at[i];
		if (lost->illegible || lost->from < 0 || lost->from == group)
			return false;
	}
	return handle && handle->many == OPTIONAL && !binder->groups[group].broken;
}

bool mirrors_serve(const struct binder *binder, int group, const char *method)
{
	for (int at = group; at >= 0; at = binder->joins->behind[at]) {
		const struct implementation_spec *spec = binder->groups[at].spec;
		if (!spec || implementation_method(spec, method))
			return true;
		/* Not connected: an error of its own, unless it may be so. */
		if (spec->mirrors && binder->joins->behind[at] < 0)
			return !is_open(binder, at);
	}
	return false;
}

static void list_methods(const struct implementation_spec *spec, const char *none, struct text *out)
{
	for (size_t i = 0; i < spec->methods.count; i++)
		text_format(out, "%s%s", i ? ", " : "", spec->methods.at[i].name);
	if (!spec->methods.count)
		text_add(out, none);
}

void mirrors_describe(const struct binder *binder, int group, struct text *out)
{
	const struct bound_group *bound = &binder->groups[group];
	const struct group *groups = binder->topology->groups.at;
	int at = group;
	text_format(out, bound->shown ? "%s (%s)" : "%s", groups[group].label, bound->shown);
	for (bool first = true; bound->spec && bound->spec->mirrors; first = false, bound = &binder->groups[at]) {
		if (bound->spec->methods.count) {
			text_add(out, first ? " serves " : ", which serves ");
			list_methods(bound->spec, "", out);
			text_add(out, " and");
		} else if (!first) {
			text_add(out, ", which");
		}
		if (binder->joins->behind[at] < 0) {
			text_format(out, " passes on to nobody: `%s.%s` is not connected", groups[at].label, bound->spec->mirrors);
			return;
		}
		at = binder->joins->behind[at];
		text_format(out, " passes on to %s", groups[at].label);
	}
	text_add(out, at == group ? " serves " : ", which serves ");
	if (bound->spec)
		list_methods(bound->spec, "no methods", out);
}

static bool has(const struct method_list *methods, const char *name)
{
	for (size_t i = 0; i < methods->list.count; i++)
		if (!strcmp(methods->list.at[i]->name, name))
			return true;
	return false;
}

void mirrors_methods(const struct topology *topology, int group, struct method_list *out)
{
	*out = (struct method_list){ 0 };
	for (int at = group; at >= 0; at = topology->joins->behind[at]) {
		const struct implementation_spec *spec = topology->groups.at[at].spec;
		for (size_t i = 0; spec && i < spec->methods.count; i++)
			if (!has(out, spec->methods.at[i].name))
				*list_add(&out->list) = &spec->methods.at[i];
		if (at == group)
			out->own = out->list.count;
	}
}
