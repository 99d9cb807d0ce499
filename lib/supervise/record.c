/* SPDX-License-Identifier: MIT */
#include "supervise/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dump.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/isolate.h"

enum { LOGS_MOST = 256 };

void record_complain(struct record *record, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	char *cleanup_free text = memory_format_list(format, list);
	va_end(list);
	if (record->trouble)
		record->trouble(record->context, text);
}

/* ---- who holds it ---- */

int record_hold(const char *folder)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fcntl(fd, F_OFD_SETLK, &lock);
	return fd;
}

bool record_others_hold(int hold)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return hold >= 0 && !fcntl(hold, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

bool record_is_held(const char *folder)
{
	int cleanup_close fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return record_others_hold(fd);
}

/* ---- making it ---- */

static long highest_run(const char *folder, const char *name)
{
	size_t length = strlen(name);
	long highest = 0;
	DIR *runs = opendir(folder);
	if (!runs)
		return 0;
	for (struct dirent *entry; (entry = readdir(runs)); ) {
		const char *digits = entry->d_name + length + 1;
		if (strncmp(entry->d_name, name, length) || entry->d_name[length] != '-' ||
		    !*digits || digits[strspn(digits, "0123456789")])
			continue;
		long number = strtol(digits, NULL, 10);
		if (number > highest && number < LONG_MAX)
			highest = number;
	}
	closedir(runs);
	return highest;
}

static int make_numbered(struct record *record, const char *folder, const char *name, struct error *error)
{
	for (long number = highest_run(folder, name) + 1; ; number++) {
		record->id = memory_format("%s-%ld", name, number);
		record->folder = memory_format("%s/%s", folder, record->id);
		if (!mkdir(record->folder, 0777))
			return 0;
		int code = errno;
		if (code != EEXIST)
			return error_code(error, code, "cannot make folder %s: %s", record->folder, strerror(code));
		free(record->id);
		free(record->folder);
	}
}

static int name_option(const char *folder, struct error *error)
{
	return error_wrap(error, "the record cannot be kept in %s (--record FOLDER names another place)", folder);
}

int record_create(struct record *record, const char *folder, const char *name, struct error *error)
{
	*record = (struct record){ .metrics = -1, .logs_most = LOGS_MOST };
	if (files_make_folders(folder, 0777, error) || make_numbered(record, folder, name, error)) {
		record_release(record);
		return name_option(folder, error);
	}
	record->hold = record_hold(record->folder);
	record->nodes = memory_format("%s/nodes", record->folder);
	return 0;
}

int record_open(struct record *record, const char *folder, struct error *error)
{
	*record = (struct record){ .metrics = -1, .logs_most = LOGS_MOST, .continued = true, .folder = memory_copy_text(folder),
		.id = memory_copy_text(files_name_of(folder)), .nodes = memory_format("%s/nodes", folder) };
	record->hold = record_hold(record->folder);
	if (!record_others_hold(record->hold))
		return 0;
	error_set(error, "run %s is under way: it cannot be continued before it has ended", record->id);
	record_release(record);
	return -1;
}

void record_release(struct record *record)
{
	for (size_t i = 0; i < record->modules.count; i++) {
		free(record->modules.at[i].from);
		free(record->modules.at[i].to);
	}
	list_release(&record->modules);
	if (record->metrics >= 0)
		close(record->metrics);
	if (record->hold > 0)
		close(record->hold);
	free(record->id);
	free(record->folder);
	free(record->nodes);
	*record = (struct record){ .metrics = -1 };
}

static void put_back(const struct record *record, const char *name)
{
	char *cleanup_free now = memory_format("%s/%s.json", record->folder, name);
	char *cleanup_free before = memory_format("%s/%s-%d.json", record->folder, name, record->kept);
	if (!rename(before, now))
		unlink(before);                                 /* two links to one file stay */
}

void record_discard(struct record *record)
{
	if (record->folder && !record->continued)
		files_remove_tree(record->folder);
	if (!record->kept)
		return;
	put_back(record, "result");                             /* first: with it the run has ended */
	put_back(record, "manifest");
	record->kept = 0;
}

/* Not synced: the record of a run that loses its power is not worth seconds of every start. */
static int write_file(const struct record *record, const char *name, const char *data, size_t size, struct error *error)
{
	char *cleanup_free path = memory_format("%s/%s", record->folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int bad = fd < 0 || files_write_all(fd, data, size);
	int code = errno;
	if (fd >= 0 && close(fd) && !bad)
		bad = 1, code = errno;
	return bad ? error_code(error, code, "cannot write %s: %s", path, strerror(code)) : 0;
}

static int write_json(const struct record *record, const char *name, json_t *value, struct error *error)
{
	char *cleanup_free text = dump_json(value, JSON_INDENT(2));
	json_decref(value);
	if (!text)
		return error_set(error, "cannot write %s/%s: not valid as JSON", record->folder, name);
	return write_file(record, name, text, strlen(text), error);
}

static struct module_copy *copy_of(const struct record *record, const char *from)
{
	for (size_t i = 0; i < record->modules.count; i++)
		if (text_equal(record->modules.at[i].from, from))
			return &record->modules.at[i];
	return NULL;
}

static bool name_taken(const struct record *record, const char *path)
{
	for (size_t i = 0; i < record->modules.count; i++)
		if (text_equal(record->modules.at[i].to, path))
			return true;
	return false;
}

static void note_copy(struct record *record, const char *from, const char *to, const struct text *content)
{
	struct module_copy *copy = list_add(&record->modules);
	copy->from = memory_copy_text(from);
	copy->to = memory_copy_text(to);
	manifest_hash(content->data, content->length, copy->hash);
}

static bool is_below(const char *path, const char *folder)
{
	return text_starts(path, folder) && path[strlen(folder)] == '/';
}

static int copy_module(struct record *record, const char *from, struct error *error)
{
	struct text cleanup_text content = { 0 };
	if (files_read(from, &content, 0, error))
		return -1;
	if (is_below(from, record->folder)) {
		note_copy(record, from, from, &content);
		return 0;
	}
	char *cleanup_free name = memory_format("modules/%s", files_name_of(from));
	for (int i = 2; ; i++) {
		char *cleanup_free path = memory_format("%s/%s", record->folder, name);
		if (!name_taken(record, path))
			break;
		free(name);
		name = memory_format("modules/%d-%s", i, files_name_of(from));
	}
	if (write_file(record, name, text_string(&content), content.length, error))
		return -1;
	char *cleanup_free to = memory_format("%s/%s", record->folder, name);
	note_copy(record, from, to, &content);
	return 0;
}

static int copy_modules(struct record *record, const struct topology *topology, struct error *error)
{
	for (size_t i = 0; i < topology->groups.count; i++) {
		const struct interface *interface = topology->groups.at[i].interface;
		if (interface && !copy_of(record, interface->path) && copy_module(record, interface->path, error))
			return -1;
	}
	return 0;
}

const char *record_module(void *context, const struct group *group)
{
	const struct record *record = context;
	const struct module_copy *copy = group->interface ? copy_of(record, group->interface->path) : NULL;
	return copy ? copy->to : NULL;
}

/* FOLDER/latest -> ID; not worth failing for. */
static void point_latest(const struct record *record)
{
	char *cleanup_free folder = files_folder_of(record->folder);
	char *cleanup_free latest = memory_format("%s/latest", folder);
	char *cleanup_free beside = memory_format("%s.new.%d", latest, (int)isolate_outside(getpid()));
	if (!symlink(record->id, beside) && rename(beside, latest))
		unlink(beside);
}

void record_mark_sockets(const struct record *record, const char *sockets)
{
	char *cleanup_free mark = memory_format("%s/record", sockets);
	int ignored = symlink(record->folder, mark);
	(void)ignored;
}

static int make_folders(const struct record *record, struct error *error)
{
	static const char *const folders[] = { "modules", "logs", "nodes" };
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *cleanup_free path = memory_format("%s/%s", record->folder, folders[i]);
		if (mkdir(path, 0777) && !(record->continued && errno == EEXIST))
			return error_code(error, errno, "cannot make folder %s: %s", path, strerror(errno));
	}
	return 0;
}

/* A line that a lost machine left half written ends here. */
static int open_metrics(struct record *record, struct error *error)
{
	char last = '\n';
	char *cleanup_free metrics = memory_format("%s/metrics.jsonl", record->folder);
	record->metrics = open(metrics, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (record->metrics < 0)
		return error_code(error, errno, "cannot write %s: %s", metrics, strerror(errno));
	off_t size = lseek(record->metrics, 0, SEEK_END);
	if (size > 0 && pread(record->metrics, &last, 1, size - 1) == 1 && last != '\n')
		return files_write_all(record->metrics, "\n", 1);
	return 0;
}

/* Values that are nobody else's business: only the owner reads them. */
static int write_variables(const struct record *record, const struct envfile *variables, struct error *error)
{
	if (!variables || !variables->list.count)
		return 0;
	char *cleanup_free text = envfile_text(variables);
	char *cleanup_free path = memory_format("%s/environment", record->folder);
	return files_replace(path, text, strlen(text), 0600, error);
}

static int write_git(const struct record *record, const struct manifest *manifest, struct error *error)
{
	const struct text *diff = manifest->diff;
	return diff && diff->length ? write_file(record, "git.diff", text_string(diff), diff->length, error) : 0;
}

/* The first number that neither of the two has yet. */
static int next_number(const struct record *record)
{
	for (int number = 1; ; number++) {
		char *cleanup_free manifest = memory_format("%s/manifest-%d.json", record->folder, number);
		char *cleanup_free result = memory_format("%s/result-%d.json", record->folder, number);
		if (access(manifest, F_OK) && access(result, F_OK))
			return number;
	}
}

/* As long as NAME.json is there, it is whole: the old one is linked, and then replaced. */
static int keep_earlier(const struct record *record, const char *name, int number, bool move, struct error *error)
{
	char *cleanup_free from = memory_format("%s/%s.json", record->folder, name);
	char *cleanup_free to = memory_format("%s/%s-%d.json", record->folder, name, number);
	bool linked = !move && !link(from, to);
	if (!linked && rename(from, to))                        /* or it is a file system without links */
		return errno == ENOENT ? 0 : error_code(error, errno, "cannot keep %s as %s: %s", from, to, strerror(errno));
	return 0;
}

static int fill_again(struct record *record, const struct manifest *manifest, struct error *error)
{
	int number = next_number(record);
	record->kept = number;
	if (record_write_json(record, "resolved.json", topology_to_json(manifest->topology), error) ||
	    copy_modules(record, manifest->topology, error) || keep_earlier(record, "manifest", number, false, error) ||
	    record_write_json(record, "manifest.json", manifest_json(record, manifest), error))
		return -1;
	return keep_earlier(record, "result", number, true, error);
}

static int fill_new(struct record *record, const struct manifest *manifest, struct error *error)
{
	const struct text *text = &manifest->topology->source->text;
	if (write_file(record, "topology.yaml", text_string(text), text->length, error) ||
	    write_json(record, "resolved.json", topology_to_json(manifest->topology), error) ||
	    copy_modules(record, manifest->topology, error) || write_git(record, manifest, error))
		return -1;
	return write_json(record, "manifest.json", manifest_json(record, manifest), error);
}

static int replicas_of(const struct topology *topology)
{
	int count = 0;
	for (size_t i = 0; i < topology->groups.count; i++)
		count += topology->groups.at[i].replicas;
	return count;
}

static int fill(struct record *record, const struct manifest *manifest, struct error *error)
{
	if (make_folders(record, error) || write_variables(record, manifest->variables, error) || open_metrics(record, error) ||
	    (record->continued ? fill_again : fill_new)(record, manifest, error) ||
	    record_reserve_result(record, replicas_of(manifest->topology), error))
		return -1;
	return 0;
}

int record_fill(struct record *record, const struct manifest *manifest, struct error *error)
{
	if (fill(record, manifest, error))
		return name_option(record->folder, error);
	point_latest(record);
	return 0;
}

int record_read_variables(const char *folder, struct envfile *out, struct error *error)
{
	char *cleanup_free path = memory_format("%s/environment", folder);
	return access(path, F_OK) ? 0 : envfile_read(out, path, error);
}

/* ---- incarnations ---- */

void record_incarnation(struct record *record, const char *node, int incarnation)
{
	char *cleanup_free path = memory_format("%s/incarnations.jsonl", record->folder);
	json_t *line = json_pack("{ss si sI}", "node", node, "incarnation", incarnation, "time", (json_int_t)clock_wall_ms());
	char *cleanup_free text = json_dumps(line, JSON_COMPACT);
	char *cleanup_free whole = memory_format("%s\n", text);
	json_decref(line);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int bad = fd < 0 || files_write_all(fd, whole, strlen(whole)), code = errno;
	if (fd >= 0)
		close(fd);
	if (bad && !record->incarnations_broken)
		record_complain(record, "cannot write %s: %s; a run that is continued may count incarnations wrong", path, strerror(code));
	record->incarnations_broken |= bad;
}

json_t *record_incarnations(const char *folder)
{
	struct text cleanup_text lines = { 0 };
	char *cleanup_free path = memory_format("%s/incarnations.jsonl", folder);
	json_t *out = json_object();
	files_read(path, &lines, 0, NULL);
	for (const char *at = text_string(&lines), *end; *at; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
		const char *node = json_string_value(json_object_get(line, "node"));
		json_t *incarnation = json_object_get(line, "incarnation");
		if (node && json_integer_value(incarnation) > json_integer_value(json_object_get(out, node)))
			json_object_set(out, node, incarnation);
		json_decref(line);
	}
	return out;
}

/* ---- while it runs ---- */

char *record_node_folder(struct record *record, const char *name, struct error *error)
{
	char *path = memory_format("%s/%s", record->nodes, name);
	if (!mkdir(path, 0777) || errno == EEXIST || !files_make_folders(path, 0777, error))
		return path;
	free(path);
	return NULL;
}

/* The last line is only half there. */
static void end_with_whole_line(int fd)
{
	char piece[4096];
	off_t end = lseek(fd, 0, SEEK_END);
	while (end > 0) {
		off_t from = end > (off_t)sizeof piece ? end - (off_t)sizeof piece : 0;
		ssize_t got = pread(fd, piece, (size_t)(end - from), from);
		if (got <= 0)
			return;
		const char *last = memrchr(piece, '\n', (size_t)got);
		end = from;
		if (last) {
			end += last - piece + 1;
			break;
		}
	}
	(void)!ftruncate(fd, end);
}

void record_metrics(struct record *record, const char *lines, size_t size)
{
	if (record->metrics < 0 || !files_write_all(record->metrics, lines, size))
		return;
	int code = errno;
	end_with_whole_line(record->metrics);
	close(record->metrics);
	record->metrics = -1;
	record_complain(record, "cannot write %s/metrics.jsonl: %s; the run goes on without it", record->folder, strerror(code));
}

int record_write_json(struct record *record, const char *name, json_t *value, struct error *error)
{
	char *cleanup_free text = dump_json(value, JSON_INDENT(2));
	json_decref(value);
	char *cleanup_free path = memory_format("%s/%s", record->folder, name);
	if (!text)
		return error_set(error, "cannot write %s: not valid as JSON", path);
	return files_replace(path, text, strlen(text), 0666, error);
}
