/* SPDX-License-Identifier: MIT */
/*
 * A topology around one node: its handles lead to servers that offer what the node says it calls, its subscriptions come from
 * publishers, its topics go to subscribers. So parameters, ranges, arities and ports are checked by what checks them in a launch.
 */
#include "fake/fake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "node/describe.h"
#include "topology/document.h"

struct setup {
	lpad_node *node;
	struct interface *own, *others;
};

static const struct interface *find_module(void *context, const struct source *source, const struct group *group,
	struct problems *problems)
{
	const struct setup *setup = context;
	(void)source, (void)problems;
	return text_equal(group->module.at[0].text, "others") ? setup->others : setup->own;
}

static int peers_of(const lpad_node *node, const char *port)
{
	for (size_t i = 0; i < node->ports.count; i++)
		if (text_equal(node->ports.at[i].name, port))
			return node->ports.at[i].peers;
	return -1;
}

/* ---- the others ---- */

static json_t *server_for(const lpad_node *node, const lpad_handle_decl *handle)
{
	json_t *methods = json_array();
	const char *at = handle->calls ? handle->calls : "";
	for (size_t length; *(at += strspn(at, " ,")); at += length) {
		length = strcspn(at, " ,");
		json_array_append_new(methods, json_pack("{s:s%}", "name", at, length));
	}
	for (size_t i = 0; i < node->offers.count; i++)
		if (text_equal(node->offers.at[i].handle, handle->name))
			json_array_append_new(methods, json_pack("{s:s, s:b}", "name", node->offers.at[i].method, "idempotent",
				(int)node->offers.at[i].idempotent));
	char *cleanup_free name = memory_format("server-of-%s", handle->name);
	return json_pack("{s:s, s:o}", "name", name, "methods", methods);
}

static struct interface *describe_others(const lpad_node *node, struct error *error)
{
	json_t *list = json_array();
	for (const lpad_handle_decl *handle = node->implementation->handles; handle && handle->name; handle++)
		json_array_append_new(list, server_for(node, handle));
	json_array_append_new(list, json_pack("{s:s, s:[{s:s}]}", "name", "publisher", "topics", "name", "out"));
	json_array_append_new(list, json_pack("{s:s, s:[{s:s, s:i}]}", "name", "subscriber", "subscriptions", "name", "in",
		"keep", LPAD_ALL));
	json_array_append_new(list, json_pack("{s:s, s:[{s:s, s:i}]}", "name", "nobody", "handles", "name", "out", "many",
		LPAD_MANY));
	json_t *json = json_pack("{s:o}", "implementations", list);
	struct interface *out = interface_from_json(json, "/others", "others", error);
	json_decref(json);
	return out;
}

/* ---- the file ---- */

static void write_params(const lpad_node *node, struct text *vars, struct text *params)
{
	for (size_t i = 0; i < node->params.count; i++) {
		const char *name = node->params.at[i].name, *fallback = "''";
		for (const lpad_param *param = node->implementation->params; param && param->name; param++)
			if (!strcmp(param->name, name))
				fallback = param->type == LPAD_T_LIST ? "[]" : param->type == LPAD_T_MAP || param->type == LPAD_T_OBJECT
					? "{default: {}}" : "''";
		text_format(vars, "%sv%zu: %s", i ? ", " : "", i, fallback);
		text_format(params, "%s%s: $v%zu", i ? ", " : "", name, i);
	}
}

static void write_replicas(const lpad_node *node, struct text *out)
{
	if (node->axes.count) {
		text_add(out, ", replicas: {");
		for (size_t i = 0; i < node->axes.count; i++)
			text_format(out, "%s%s: %d", i ? ", " : "", node->axes.at[i].name, node->axes.at[i].extent);
		text_add(out, "}");
	} else if (node->replicas > 1)
		text_format(out, ", replicas: %d", node->replicas);
}

static void add_edge(struct text *nodes, struct text *edges, const char *label, const char *implementation,
	const char *edge, int replicas)
{
	text_format(nodes, "  %s: {module: others, implementation: %s%s}\n", label, implementation, replicas > 1 ? ", replicas: " : "");
	if (replicas > 1) {
		nodes->length -= 2;             /* "}\n" */
		text_format(nodes, "%d}\n", replicas);
	}
	text_format(edges, "  - %s\n", edge);
}

static void write_ports(const lpad_node *node, const char *label, struct text *nodes, struct text *edges)
{
	const lpad_implementation *own = node->implementation;
	int number = 0, peers;
	for (const lpad_handle_decl *handle = own->handles; handle && handle->name; handle++) {
		if ((peers = peers_of(node, handle->name)) < 0)
			continue;
		char *cleanup_free other = memory_format("other%d", number++);
		char *cleanup_free implementation = memory_format("server-of-%s", handle->name);
		char *cleanup_free edge = memory_format("%s.%s -> %s", label, handle->name, peers ? other : label);
		if (peers)
			add_edge(nodes, edges, other, implementation, edge, peers);
		else
			text_format(edges, "  - %s\n", edge);
	}
	for (const lpad_subscription_decl *sub = own->subscriptions; sub && sub->name; sub++) {
		if ((peers = peers_of(node, sub->name)) <= 0)
			continue;
		char *cleanup_free other = memory_format("other%d", number++);
		char *cleanup_free edge = memory_format("%s.out -> %s.%s", other, label, sub->name);
		add_edge(nodes, edges, other, "publisher", edge, peers);
	}
	for (const lpad_topic_decl *topic = own->topics; topic && topic->name; topic++) {
		if ((peers = peers_of(node, topic->name)) <= 0)
			continue;
		char *cleanup_free other = memory_format("other%d", number++);
		char *cleanup_free edge = memory_format("%s.%s -> %s.in", label, topic->name, other);
		add_edge(nodes, edges, other, "subscriber", edge, peers);
	}
}

static char *write_file(const lpad_node *node)
{
	struct text vars = { 0 }, params = { 0 }, nodes = { 0 }, edges = { 0 }, replicas = { 0 };
	write_params(node, &vars, &params);
	write_replicas(node, &replicas);
	text_format(&nodes, "  node: {module: own, implementation: %s, params: {%s}%s}\n", node->implementation->name,
		text_string(&params), text_string(&replicas));
	write_ports(node, "node", &nodes, &edges);
	char *file = memory_format("lpad: 1\nname: test\nvars: {%s}\nnodes:\n%s%s%s", text_string(&vars), text_string(&nodes),
		edges.length ? "edges:\n" : "", text_string(&edges));
	struct text *all[] = { &vars, &params, &nodes, &edges, &replicas };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		text_release(all[i]);
	return file;
}

/* ---- to the document ---- */

/* The sentences, without the places of a file that nobody has written. */
static int fail_with(const struct problems *problems)
{
	struct text text = { 0 };
	for (size_t i = 0; i < problems->list.count; i++)
		if (problems->list.at[i].severity == SEVERITY_ERROR)
			text_format(&text, "%s%s", text.length ? "; " : "", problems->list.at[i].message);
	int code = fault_set(LPAD_EINVALID, "%s", text_string(&text));
	text_release(&text);
	return code;
}

static struct source *read_file(lpad_node *node, struct settings *settings, struct problems *problems)
{
	bool unreadable = false;
	char *cleanup_free file = write_file(node);
	int fd = memfd_create("test", MFD_CLOEXEC);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || files_write_all(fd, file, strlen(file)))
		fake_mistake("no memory for a file");
	struct source *source = source_read(path, settings, problems, &unreadable);
	close(fd);
	return source;
}

static json_t *make_document(struct setup *setup, struct source *source, struct problems *problems)
{
	lpad_node *node = setup->node;
	struct module_lookup lookup = { .context = setup, .find = find_module };
	struct topology *topology = topology_resolve(source, NULL, problems);
	json_t *document = NULL;
	if (topology && !problems->errors && !topology_bind(topology, &lookup, problems)) {
		struct group *group = topology_group(topology, "node");
		int index = node->index;
		for (size_t i = 0; i < node->axes.count; i++)
			index = (i ? index * node->axes.at[i].extent : 0) + node->axes.at[i].coordinate;
		if (index < 0 || index >= group->replicas)
			fake_mistake("there is no replica %d of %d", index, group->replicas);
		node->index = index;
		node->replicas = group->replicas;
		document = document_check(topology, group, index);
	}
	topology_free(topology);
	return document;
}

int fake_document(lpad_node *node)
{
	struct setup setup = { .node = node };
	struct problems problems = { 0 };
	struct error error = { 0 };
	char *cleanup_free current = files_current_folder();
	struct setting *settings = memory_array(node->params.count, sizeof *settings);
	char (*names)[24] = memory_array(node->params.count, sizeof *names);
	for (size_t i = 0; i < node->params.count; i++) {
		snprintf(names[i], sizeof names[i], "v%zu", i);
		settings[i] = (struct setting){ .name = names[i], .value = node->params.at[i].value };
	}
	json_t *described = describe_module(node->module);
	setup.own = interface_from_json(described, "/own", "the module", &error);
	setup.others = describe_others(node, &error);
	json_decref(described);
	if (!setup.own || !setup.others)
		fake_mistake("%s", error.text);
	struct settings all = { .at = settings, .count = node->params.count, .folder = current ? current : "/", .run = "test" };
	struct source *source = read_file(node, &all, &problems);
	node->document = source && !problems.errors ? make_document(&setup, source, &problems) : NULL;
	int code = node->document ? 0 : fail_with(&problems);
	problems_release(&problems);
	source_free(source);
	interface_free(setup.own);
	interface_free(setup.others);
	free(settings);
	free(names);
	return code;
}
