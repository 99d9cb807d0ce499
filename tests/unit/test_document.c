/* SPDX-License-Identifier: MIT */
#include "topology/document.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "fake_lookup.h"

/* ---- a topology bound to modules, from texts ---- */

static struct problems problems;
static struct fake_lookup fake;
static struct settings settings = { .folder = "/here" };
static struct source *source;
static struct topology *topology;
static struct processes *processes;

static const char interfaces[] =
	"{\"m.c\": {\"implementations\": ["
	"  {\"name\": \"server\", \"methods\": [{\"name\": \"get\"}], \"topics\": [{\"name\": \"said\"}, {\"name\": \"news\"}],"
	"   \"has_run\": true},"
	"  {\"name\": \"client\", \"has_run\": true, \"service\": true, \"has_check\": true,"
	"   \"handles\": [{\"name\": \"one\", \"many\": 2, \"calls\": [\"get\"]},"
	"               {\"name\": \"many\", \"many\": 3, \"calls\": [\"get\"]}],"
	"   \"methods\": [{\"name\": \"get\", \"idempotent\": true}],"
	"   \"subscriptions\": [{\"name\": \"in\", \"keep\": 16, \"optional\": true}],"
	"   \"params\": [{\"name\": \"n\", \"type\": \"int\", \"value\": \"3\"},"
	"              {\"name\": \"out\", \"type\": \"path\", \"value\": \"\"},"
	"              {\"name\": \"rates\", \"type\": \"list\", \"element\": \"real\", \"value\": \"0.5\"}]},"
	"  {\"name\": \"peer\", \"has_run\": true, \"handles\": [{\"name\": \"row\", \"many\": 3, \"calls\": [\"get\"]}],"
	"   \"methods\": [{\"name\": \"get\"}], \"topics\": [{\"name\": \"said\"}],"
	"   \"subscriptions\": [{\"name\": \"heard\", \"keep\": -2, \"optional\": true}]},"
	"  {\"name\": \"front\", \"mirrors\": \"behind\", \"handles\": [{\"name\": \"behind\", \"many\": 1}],"
	"   \"methods\": [{\"name\": \"age\"}]},"
	"  {\"name\": \"back\", \"methods\": [{\"name\": \"age\"},"
	"    {\"name\": \"get\", \"idempotent\": true, \"request\": \"x f32[*]\"}]}"
	"]}}";

static void bind_text(const char *text)
{
	struct error error = { 0 };
	bool unreadable = false;
	ck_assert(!files_replace("topo.yaml", text, strlen(text), 0644, &error));
	struct module_lookup lookup = fake_open(&fake, json_loads(interfaces, 0, NULL));
	source = source_read("topo.yaml", &settings, &problems, &unreadable);
	topology = source ? topology_resolve(source, NULL, &problems) : NULL;
	if (topology)
		topology_bind(topology, &lookup, &problems);
	problems_print(&problems, stderr, false);
	ck_assert_uint_eq(problems.errors, 0);
}

static void teardown(void)
{
	processes_free(processes);
	topology_free(topology);
	source_free(source);
	problems_release(&problems);
	fake_close(&fake);
}

static const char *module_of(void *context, const struct group *group)
{
	ck_assert_ptr_eq(context, &fake);
	(void)group;
	return "/record/modules/m.so";
}

static const struct run_places places = { .run = "test-1", .token = "00000000000000ff", .sockets = "/sockets/7",
	.nodes = "/record/nodes", .module = module_of, .context = &fake };

static struct run_places with_processes(bool threads, enum carrier carrier)
{
	struct run_places with = places;
	processes_free(processes);
	with.processes = processes = processes_new(topology, threads);
	with.carrier = carrier;
	return with;
}

static json_t *document(const char *label, int index)
{
	struct run_places with = with_processes(false, CARRIER_BEST);
	return document_node(topology, &with, topology_group(topology, label), index);
}

static json_t *at(json_t *json, const char *keys)
{
	char *cleanup_free copy = memory_copy_text(keys), *rest = copy;
	for (char *key; json && (key = strsep(&rest, ".")); )
		json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10)) : json_object_get(json, key);
	return json;
}

static void same(json_t *actual, const char *expected_text)
{
	json_error_t error;
	json_t *expected = json_loads(expected_text, JSON_DECODE_ANY, &error);
	ck_assert_msg(expected, "%s", error.text);
	char *cleanup_free shown = actual ? json_dumps(actual, JSON_ENCODE_ANY | JSON_INDENT(1)) : NULL;
	ck_assert_msg(json_equal(actual, expected), "expected %s\nactual %s", expected_text, shown);
	json_decref(expected);
}

/* ---- tests ---- */

static const char small[] =
	"lpad: 1\nname: small\ndefaults: {module: m.c}\n"
	"nodes:\n"
	"  server: {background: true}\n"
	"  client: {replicas: 2, params: {n: $index, out: $folder/x, rates: [1, .inf, $index]}, stop_within: 2s}\n"
	"edges:\n"
	"  - client.one -> server: {deadline: 500ms}\n"
	"  - client.many -> client\n"
	"  - server.news -> client.in: {keep: {all: 500}}\n";

START_TEST(a_whole_document)
{
	bind_text(small);
	json_t *json = document("client", 1);
	same(json, "{\"node\": \"client/1\", \"group\": \"client\", \"number\": 1, \"index\": 1, \"replicas\": 2,"
		"\"incarnation\": 1, \"id\": 2, \"axes\": [], \"shown\": \"m.c\", \"implementation\": \"client\","
		"\"waited\": false, \"start_within\": -1, \"stop_within\": 2.0, \"folder\": \"/record/nodes/client/1\","
		"\"module\": \"/record/modules/m.so\", \"serve\": [\"inproc://2.1.0\", \"ipc:///sockets/7/2.1.0\"], \"max_message\": 1073741824,"
		"\"params\": {\"n\": 1, \"out\": \"/record/nodes/client/1/x\", \"rates\": [1.0, \".inf\", 1.0]},"
		"\"handles\": {"
		"  \"one\": {\"place\": -1, \"deadline\": 0.5, \"servers\": [{\"node\": \"server\", \"number\": 0,"
		"    \"index\": 0, \"incarnation\": 1, \"address\": \"ipc:///sockets/7/0.1.0\"}],"
		"    \"methods\": {\"0\": [{\"name\": \"get\", \"idempotent\": false}]}},"
		"  \"many\": {\"place\": 1, \"deadline\": null, \"servers\": ["
		"    {\"node\": \"client/0\", \"number\": 1, \"index\": 0, \"incarnation\": 1, \"address\": \"ipc:///sockets/7/1.1.0\"},"
		"    {\"node\": \"client/1\", \"number\": 1, \"index\": 1, \"incarnation\": 1, \"address\": \"inproc://2.1.0\"}],"
		"    \"methods\": {\"1\": [{\"name\": \"get\", \"idempotent\": true}]}}},"
		"\"callers\": [{\"node\": \"client/0\", \"number\": 1, \"index\": 0, \"incarnation\": 1},"
		"  {\"node\": \"client/1\", \"number\": 1, \"index\": 1, \"incarnation\": 1}],"
		"\"topics\": {}, \"subscriptions\": {\"in\": {\"keep\": -2, \"window\": 500, \"cycle\": false, \"publishers\": ["
		"  {\"node\": \"server\", \"number\": 0, \"index\": 0, \"incarnation\": 1, \"topic\": \"news\", \"keep\": -2,"
		"   \"window\": 500, \"buffer\": 564, \"eager\": false, \"address\": \"ipc:///sockets/7/0.1.3\","
		"   \"notice\": null, \"serve\": \"ipc:///sockets/7/0.1.0\"}]}}}");
	json_decref(json);
	json = document("server", 0);
	same(at(json, "topics"), "{\"news\": {\"bodies\": [\"ipc:///sockets/7/0.1.3\"], \"notices\": [], \"buffer\": 564, \"window\": 500,"
		"\"subscribers\": ["
		"{\"node\": \"client/0\", \"number\": 1, \"index\": 0, \"incarnation\": 1, \"port\": \"in\", \"keep\": -2, \"window\": 500, \"eager\": false},"
		"{\"node\": \"client/1\", \"number\": 1, \"index\": 1, \"incarnation\": 1, \"port\": \"in\", \"keep\": -2, \"window\": 500, \"eager\": false}]}}");
	same(at(json, "waited"), "false");
	same(at(json, "folder"), "\"/record/nodes/server\"");
	json_decref(json);
}
END_TEST

static int third(void *supervisor, int replica)
{
	ck_assert_ptr_eq(supervisor, &fake);
	return replica == 1 ? 3 : 1;
}

START_TEST(a_process_names_the_run)
{
	bind_text(small);
	struct run_places with = with_processes(false, CARRIER_BEST);
	with.incarnation = third;
	with.supervisor = &fake;
	json_t *json = document_process(topology, &with, 1);
	same(at(json, "process"), "\"client/0\"");
	same(at(json, "lpad"), "1");
	same(at(json, "run"), "\"test-1\"");
	same(at(json, "name"), "\"small\"");
	same(at(json, "token"), "\"00000000000000ff\"");
	same(at(json, "sockets"), "\"/sockets/7\"");
	same(at(json, "seed"), "1");
	/* Its own third life, also where it stands among its own servers; the others are in their first. */
	same(at(json, "nodes.0.incarnation"), "3");
	same(at(json, "nodes.0.serve"), "[\"inproc://1.3.0\", \"ipc:///sockets/7/1.3.0\"]");
	same(at(json, "nodes.0.handles.many.servers.0.address"), "\"inproc://1.3.0\"");
	same(at(json, "nodes.0.handles.many.servers.1.address"), "\"ipc:///sockets/7/2.1.0\"");
	json_decref(json);
}
END_TEST

START_TEST(a_check_has_no_addresses)
{
	bind_text(small);
	ck_assert_int_eq(fake.checks, 2);       /* two replicas whose parameters differ */
	json_t *json = document_check(topology, topology_group(topology, "client"), 1);
	same(at(json, "index"), "1");
	same(at(json, "params.n"), "1");
	same(at(json, "handles.many.place"), "1");
	same(at(json, "handles.many.servers"), "[{\"node\": \"client/0\", \"number\": 1, \"index\": 0, \"incarnation\": 1},"
		"{\"node\": \"client/1\", \"number\": 1, \"index\": 1, \"incarnation\": 1}]");
	ck_assert_ptr_null(at(json, "serve"));
	ck_assert_ptr_null(at(json, "callers"));
	ck_assert_ptr_null(at(json, "module"));
	ck_assert_ptr_null(at(json, "subscriptions.in.publishers.0.address"));
	same(at(json, "subscriptions.in.publishers.0.topic"), "\"news\"");
	json_decref(json);
}
END_TEST

START_TEST(grids_have_rows)
{
	bind_text("lpad: 1\nname: grid\ndefaults: {module: m.c}\n"
		"nodes:\n  peer: {replicas: {depth: 2, row: 2, column: 3}}\n"
		"edges:\n  - peer.row -> peer: {map: {along: column}}\n");
	json_t *json = document("peer", 10);
	same(at(json, "node"), "\"peer/1/1/1\"");
	same(at(json, "axes"), "[{\"name\": \"depth\", \"extent\": 2, \"coordinate\": 1},"
		"{\"name\": \"row\", \"extent\": 2, \"coordinate\": 1}, {\"name\": \"column\", \"extent\": 3, \"coordinate\": 1}]");
	same(at(json, "handles.row.place"), "1");
	ck_assert_uint_eq(json_array_size(at(json, "handles.row.servers")), 3);
	same(at(json, "handles.row.servers.0.index"), "9");
	same(at(json, "handles.row.servers.2.index"), "11");
	ck_assert_uint_eq(json_array_size(at(json, "callers")), 3);
	json_decref(json);
}
END_TEST

START_TEST(one_handle_holds_its_servers_in_edge_order)
{
	bind_text("lpad: 1\nname: order\ndefaults: {module: m.c}\n"
		"nodes:\n  a: {implementation: server}\n  b: {implementation: server, replicas: 2}\n  client: {}\n"
		"edges:\n  - client.many -> b: {max_message: 1KiB}\n  - client.many -> a: {deadline: 2s, max_message: 2KiB}\n"
		"  - client.one -> a: {deadline: 3s, max_message: 1KiB}\n");
	json_t *json = document("client", 0);
	same(at(json, "handles.many.servers.0.node"), "\"b/0\"");
	same(at(json, "handles.many.servers.1.node"), "\"b/1\"");
	same(at(json, "handles.many.servers.2.node"), "\"a\"");
	same(at(json, "handles.many.deadline"), "2.0");
	same(at(json, "handles.one.deadline"), "3.0");
	same(at(json, "max_message"), "2048");
	same(at(json, "serve"), "[]");
	json_decref(json);
	/* Two handles of one client: it says HELLO once. */
	json = document("a", 0);
	same(at(json, "callers"), "[{\"node\": \"client\", \"number\": 2, \"index\": 0, \"incarnation\": 1}]");
	json_decref(json);
}
END_TEST

START_TEST(a_topic_does_not_come_back)
{
	bind_text("lpad: 1\nname: gossip\ndefaults: {module: m.c}\n"
		"nodes:\n  peer: {replicas: 3}\n"
		"edges:\n  - peer.said -> peer.heard\n  - peer.row -> peer\n");
	json_t *json = document("peer", 1);
	ck_assert_uint_eq(json_array_size(at(json, "topics.said.subscribers")), 2);
	same(at(json, "topics.said.subscribers.0.index"), "0");
	same(at(json, "topics.said.subscribers.1.index"), "2");
	same(at(json, "topics.said.buffer"), "192");
	ck_assert_uint_eq(json_array_size(at(json, "subscriptions.heard.publishers")), 2);
	same(at(json, "subscriptions.heard.cycle"), "true");
	json_decref(json);
}
END_TEST

/* keep on the edge, the windows that result, and the buffer that the topic needs for the most demanding of them. */
static const struct { const char *first, *second; int buffer, windows[2]; } keeps[] = {
	{ "1", "2", 192, { 128, 128 } },
	{ "200", "2", 264, { 128, 128 } },
	{ "all", "2", 192, { 128, 128 } },
	{ "{all: 300}", "1000", 1064, { 300, 128 } },
	{ "{all: 4096}", "all", 4160, { 4096, 128 } },
	{ "9000", "latest", 8192, { 128, 128 } },
};

START_TEST(buffers_are_as_large_as_needed)
{
	char *text = memory_format("lpad: 1\nname: buffers\ndefaults: {module: m.c}\n"
		"nodes:\n  server: {}\n  other: {implementation: client}\n  client: {}\n"
		"edges:\n  - server.said -> client.in: {keep: %s}\n  - server.said -> other.in: {keep: %s}\n"
		"  - server.news -> other.in: {keep: 1}\n  - client.many -> server\n  - other.many -> server\n",
		keeps[_i].first, keeps[_i].second);
	bind_text(text);
	free(text);
	json_t *json = document("server", 0);
	ck_assert_int_eq(json_integer_value(at(json, "topics.said.buffer")), keeps[_i].buffer);
	ck_assert_int_eq(json_integer_value(at(json, "topics.said.subscribers.0.window")), keeps[_i].windows[0]);
	ck_assert_int_eq(json_integer_value(at(json, "topics.said.subscribers.1.window")), keeps[_i].windows[1]);
	same(at(json, "topics.news.buffer"), "192");
	same(at(json, "topics.said.bodies"), "[\"ipc:///sockets/7/0.1.1\"]");
	json_decref(json);
	json = document("client", 0);
	ck_assert_int_eq(json_integer_value(at(json, "subscriptions.in.publishers.0.buffer")), keeps[_i].buffer);
	json_decref(json);
}
END_TEST

START_TEST(thousands_of_neighbours)
{
	bind_text("lpad: 1\nname: many\ndefaults: {module: m.c}\n"
		"nodes:\n  server: {}\n  client: {replicas: 1000, params: {n: $index}}\n"
		"edges:\n  - client.many -> server\n  - server.said -> client.in\n");
	json_t *json = document("server", 0);
	ck_assert_uint_eq(json_array_size(at(json, "callers")), 1000);
	ck_assert_uint_eq(json_array_size(at(json, "topics.said.subscribers")), 1000);
	same(at(json, "callers.999.node"), "\"client/999\"");
	json_decref(json);
	for (int i = 0; i < 1000; i++) {
		json = document("client", i);
		ck_assert_uint_eq(json_array_size(at(json, "handles.many.servers")), 1);
		ck_assert_int_eq(json_integer_value(at(json, "id")), i + 1);
		ck_assert_int_eq(json_integer_value(at(json, "params.n")), i);
		json_decref(json);
	}
	ck_assert_int_eq(fake.finds, 1);
}
END_TEST

/* ---- several replicas in one process, and what carries their edges ---- */

static const char packed[] =
	"lpad: 1\nname: packed\ndefaults: {module: m.c}\n"
	"nodes:\n  peer: {replicas: 3, per_process: 2}\n  client: {}\n"
	"edges:\n  - peer.row -> peer\n  - peer.said -> peer.heard\n  - client.many -> peer\n  - peer.said -> client.in\n";

static json_t *process_of(const char *label, bool threads, enum carrier carrier)
{
	struct run_places with = with_processes(threads, carrier);
	return document_process(topology, &with, processes->of[topology_group(topology, label)->first]);
}

START_TEST(neighbours_in_a_process_and_outside)
{
	bind_text(packed);
	json_t *json = process_of("peer", false, CARRIER_BEST);
	same(at(json, "process"), "\"peer/0-1\"");
	ck_assert_uint_eq(json_array_size(at(json, "nodes")), 2);
	same(at(json, "nodes.1.node"), "\"peer/1\"");
	same(at(json, "nodes.1.serve"), "[\"inproc://1.1.0\", \"ipc:///sockets/7/1.1.0\"]");
	same(at(json, "nodes.1.topics.said.bodies"), "[\"inproc://1.1.1\", \"ipc:///sockets/7/1.1.1\"]");
	same(at(json, "nodes.1.handles.row.servers.0.address"), "\"inproc://0.1.0\"");
	same(at(json, "nodes.1.handles.row.servers.1.address"), "\"inproc://1.1.0\"");
	same(at(json, "nodes.1.handles.row.servers.2.address"), "\"ipc:///sockets/7/2.1.0\"");
	same(at(json, "nodes.1.subscriptions.heard.publishers.0.address"), "\"inproc://0.1.1\"");
	same(at(json, "nodes.1.subscriptions.heard.publishers.0.serve"), "\"inproc://0.1.0\"");
	same(at(json, "nodes.1.subscriptions.heard.publishers.1.address"), "\"ipc:///sockets/7/2.1.1\"");
	json_decref(json);
	/* Alone in its process: nobody is inside but itself, and no topic comes back. */
	json = document("peer", 2);
	same(at(json, "serve"), "[\"inproc://2.1.0\", \"ipc:///sockets/7/2.1.0\"]");
	same(at(json, "handles.row.servers.2.address"), "\"inproc://2.1.0\"");
	same(at(json, "topics.said.bodies"), "[\"ipc:///sockets/7/2.1.1\"]");
	json_decref(json);
}
END_TEST

START_TEST(forced_transports)
{
	bind_text(packed);
	json_t *json = process_of("peer", false, CARRIER_IPC);
	same(at(json, "nodes.1.serve"), "[\"ipc:///sockets/7/1.1.0\"]");
	same(at(json, "nodes.1.handles.row.servers.0.address"), "\"ipc:///sockets/7/0.1.0\"");
	json_decref(json);
	json = process_of("peer", false, CARRIER_TCP);
	same(at(json, "nodes.1.serve"), "[\"tcp://127.0.0.1:0\"]");
	same(at(json, "nodes.1.topics.said.bodies"), "[\"tcp://127.0.0.1:0\"]");
	same(at(json, "nodes.1.handles.row.servers.0.address"), "null");
	same(at(json, "nodes.1.subscriptions.heard.publishers.0.serve"), "null");
	json_decref(json);
	json = process_of("client", true, CARRIER_BEST);
	same(at(json, "process"), "\"packed\"");
	ck_assert_uint_eq(json_array_size(at(json, "nodes")), 4);
	same(at(json, "nodes.3.handles.many.servers.2.address"), "\"inproc://2.1.0\"");
	same(at(json, "nodes.0.serve"), "[\"inproc://0.1.0\"]");
	json_decref(json);
}
END_TEST

START_TEST(neighbours_are_found_where_they_are_now)
{
	bind_text(packed);
	struct run_places with = with_processes(false, CARRIER_BEST);
	with.incarnation = third;
	with.supervisor = &fake;
	json_t *json = document_process(topology, &with, 1);
	same(at(json, "nodes.0.handles.row.servers.1.incarnation"), "3");
	same(at(json, "nodes.0.handles.row.servers.1.address"), "\"ipc:///sockets/7/1.3.0\"");
	same(at(json, "nodes.0.callers.1.incarnation"), "3");
	json_decref(json);
}
END_TEST

START_TEST(lazy_subscribers_have_notices)
{
	bind_text("lpad: 1\nname: lazy\ndefaults: {module: m.c}\n"
		"nodes:\n  server: {}\n  near: {implementation: client, process: p}\n  other: {implementation: server, process: p}\n"
		"  far: {implementation: client}\n"
		"edges:\n  - server.said -> near.in: {keep: latest}\n  - other.said -> near.in: {keep: latest, fetch: lazy}\n"
		"  - other.said -> far.in: {keep: latest, fetch: eager}\n  - server.news -> far.in: {keep: 4}\n"
		"  - near.many -> server\n  - far.many -> server\n");
	json_t *json = document("server", 0);
	same(at(json, "topics.said.notices"), "[\"ipc:///sockets/7/0.1.2\"]");
	same(at(json, "topics.said.bodies"), "[\"ipc:///sockets/7/0.1.1\"]");
	same(at(json, "topics.news.notices"), "[]");
	json_decref(json);
	json = document("other", 0);
	same(at(json, "topics.said.bodies"), "[\"inproc://2.1.1\", \"ipc:///sockets/7/2.1.1\"]");
	same(at(json, "topics.said.notices"), "[\"inproc://2.1.2\"]");
	same(at(json, "topics.said.subscribers.1.eager"), "true");
	json_decref(json);
	json = document("far", 0);
	same(at(json, "subscriptions.in.publishers.0.eager"), "true");
	same(at(json, "subscriptions.in.publishers.0.notice"), "null");
	json_decref(json);
	json = document("near", 0);
	same(at(json, "subscriptions.in.publishers.0.notice"), "\"ipc:///sockets/7/0.1.2\"");
	same(at(json, "subscriptions.in.publishers.1.notice"), "\"inproc://2.1.2\"");
	json_decref(json);
}
END_TEST

/* Through two of them; one's own method goes before one of the same name behind it. */
START_TEST(mirrors_offer_what_is_behind_them)
{
	bind_text("lpad: 1\nname: mirrors\ndefaults: {module: m.c}\n"
		"nodes:\n  front: {}\n  second: {implementation: front}\n  back: {}\n  client: {}\n"
		"edges:\n  - front.behind -> second\n  - second.behind -> back\n  - client.many -> front\n");
	json_t *json = document("front", 0);
	same(at(json, "mirrored"), "[{\"name\": \"get\", \"idempotent\": true, \"request\": \"x f32[*]\", \"reply\": null}]");
	json_decref(json);
	json = document("client", 0);
	same(at(json, "handles.many.methods.0"), "[{\"name\": \"age\", \"idempotent\": false},"
		"{\"name\": \"get\", \"idempotent\": true}]");
	ck_assert_ptr_null(at(json, "mirrored"));
	json_decref(json);
}
END_TEST

START_TEST(what_a_file_makes)
{
	struct topology_size size;
	bind_text("lpad: 1\nname: size\ndefaults: {module: m.c}\n"
		"nodes:\n"
		"  peer: {replicas: 64}\n"
		"  client: {replicas: 10, per_process: 4}\n"
		"  a: {implementation: server, process: shared}\n"
		"  b: {implementation: server, process: shared}\n"
		"  plot: {command: [plot]}\n"
		"edges:\n"
		"  - peer.row -> peer\n"
		"  - client.many -> client: {map: next}\n"
		"  - a.said -> client.in\n");
	size = topology_measure(topology, NULL);
	ck_assert_int_eq(size.nodes, 5);
	ck_assert_int_eq(size.replicas, 64 + 10 + 2 + 1);
	ck_assert_int_eq(size.processes, 64 + 3 + 1 + 1);
	/* One's own place is no connection, nor is a neighbour in the same process: of a ring of ten in packs of 4, 4 and 2 three
	   pairs lead out. A topic's pair is two. */
	ck_assert_int_eq(size.connections, 64 * 63 + 3 + 2 * 10);
	ck_assert_int_gt(size.threads, 64 * 4);
	struct processes *one = processes_new(topology, true);
	struct topology_size packed_size = topology_measure(topology, one);
	processes_free(one);
	ck_assert_int_eq(packed_size.processes, 2);
	ck_assert_int_eq(packed_size.connections, 0);
	ck_assert_int_lt(packed_size.threads, size.threads);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *cases = tcase_create("document");
	tcase_add_checked_fixture(cases, NULL, teardown);
	tcase_add_test(cases, a_whole_document);
	tcase_add_test(cases, a_process_names_the_run);
	tcase_add_test(cases, a_check_has_no_addresses);
	tcase_add_test(cases, grids_have_rows);
	tcase_add_test(cases, one_handle_holds_its_servers_in_edge_order);
	tcase_add_test(cases, a_topic_does_not_come_back);
	tcase_add_loop_test(cases, buffers_are_as_large_as_needed, 0, sizeof keeps / sizeof keeps[0]);
	tcase_add_test(cases, thousands_of_neighbours);
	tcase_add_test(cases, neighbours_in_a_process_and_outside);
	tcase_add_test(cases, forced_transports);
	tcase_add_test(cases, neighbours_are_found_where_they_are_now);
	tcase_add_test(cases, lazy_subscribers_have_notices);
	tcase_add_test(cases, mirrors_offer_what_is_behind_them);
	tcase_add_test(cases, what_a_file_makes);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
