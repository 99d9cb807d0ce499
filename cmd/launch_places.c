/* SPDX-License-Identifier: MIT */
#include "launching.h"

#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "supervise/cgroup.h"
#include "supervise/folders.h"
#include "supervise/guardian.h"
#include "supervise/isolate.h"
#include "supervise/leftover.h"
#include "supervise/tmux.h"

static int refuse(const struct error *error)
{
	return launching_cannot("%s", error->text);
}

static int make_record(struct launching *launching)
{
	struct error error = { 0 };
	const char *given = launching->record_folder;
	const char *base = launching->caller_folder ? launching->caller_folder : launching->request.current_folder;
	if (launching->continued)
		return record_open(&launching->record, launching->earlier.record, &error) ? refuse(&error) : 0;
	char *cleanup_free folder = given ? files_absolute(base, given) :
		folders_records(&error);
	if (!folder || record_create(&launching->record, folder, launching->topology->name, &error))
		return refuse(&error);
	return 0;
}

static int fill_record(struct launching *launching)
{
	struct error error = { 0 };
	struct manifest manifest = { .topology = launching->topology, .processes = launching->processes,
		.argument_count = launching->argument_count, .arguments = launching->arguments,
		.current_folder = launching->request.current_folder, .sockets = launching->sockets, .detached = launching->detach,
		.variables = &launching->variables, .inputs = &launching->noted, .file = launching->inputs.file,
		.again = launching->again ? launching->earlier.id : NULL, .git = launching->git, .diff = &launching->diff };
	return record_fill(&launching->record, &manifest, &error) ? refuse(&error) : 0;
}

/* Those of runs that could not be removed by their own guards go first. */
static int make_sockets(struct launching *launching)
{
	struct error error = { 0 };
	char *cleanup_free passing = folders_sockets_base(false), *cleanup_free lasting = folders_sockets_base(true);
	leftover_remove_all(passing);
	leftover_remove_all(lasting);
	launching->sockets = folders_sockets(launching->detach, &error);
	guardian_tell_places(launching->guardian, launching->sockets, NULL);
	return launching->sockets ? 0 : refuse(&error);
}

/* The guardian knows of it before it is there. */
static int make_cgroup(struct launching *launching)
{
	struct error error = { 0 };
	const struct allotments *all = launching->allotments;
	if (!all->cgroup)
		return 0;
	launching->cgroup = cgroup_of_run(all->cgroup, isolate_outside(getpid()));
	guardian_tell_cgroup(launching->guardian, launching->cgroup);
	if (cgroup_make(launching->cgroup, &error))
		return refuse(&error);
	for (int i = 0; i < all->count; i++)
		if (all->at[i].asked && all->at[i].asked->memory &&
		    cgroup_limit(launching->cgroup, i, all->at[i].asked->memory, &error))
			return refuse(&error);
	return 0;
}

/* The nodes are told of both in JSON. */
static int must_be_utf8(const char *path, const char *remedy)
{
	json_t *text = json_string(path);
	json_decref(text);
	if (text)
		return 0;
	return launching_cannot("the path %s is not UTF-8; %s", path, remedy);
}

int launching_make_places(struct launching *launching)
{
	struct error error = { 0 };
	int code = 0;
	if (supervise_can_start(launching->processes->count, &error))
		return refuse(&error);
	guardian_leave_signals(launching->guardian);
	if ((code = make_sockets(launching)) || (code = make_record(launching)))
		return code;
	record_mark_sockets(&launching->record, launching->sockets);
	guardian_tell_places(launching->guardian, launching->sockets, &launching->record);
	if ((code = must_be_utf8(launching->sockets, "set XDG_RUNTIME_DIR to another")) ||
	    (code = must_be_utf8(launching->record.folder, "--record FOLDER names another place")) ||
	    (code = launching_resolve_with_run(launching)) || (code = fill_record(launching)) ||
	    (code = make_cgroup(launching)))
		record_discard(&launching->record);
	return code;
}

int launching_make_tmux(struct launching *launching)
{
	struct error error = { 0 };
	int processes = launching->processes->count;
	if (!text_equal(launching->output, "tmux"))
		return 0;
	char *cleanup_free program = launching_own_program();
	struct tmux_session session = { .program = program, .sockets = launching->sockets, .record = &launching->record,
		.topology = launching->topology, .processes = launching->processes };
	launching->tmux = tmux_start(&session, &error);
	if (launching->tmux < 0) {
		record_discard(&launching->record);
		return launching_cannot("--output tmux: %s", error.text);
	}
	char *cleanup_free command = tmux_command(launching->sockets);
	launching->note = processes <= TMUX_WINDOWS ? memory_format("the nodes' output: %s", command) :
		memory_format("the output of the first %d of %d processes: %s; of the others: lpad logs -r %s -f NODE", TMUX_WINDOWS,
			processes, command, launching->record.id);
	return 0;
}
