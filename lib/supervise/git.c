/* SPDX-License-Identifier: MIT */
#include "supervise/git.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "supervise/helper.h"

enum {
	UNTRACKED_MOST = 1000,          /* names */
	STATUS_MOST = 16 << 20,
	DIFF_MOST = 1 << 20,
	PATH_MOST = 1 << 16
};
static const int64_t PATIENCE_MS = 3000;        /* for each question; a folder over a network may be slow */

/* Where git would find a repository. Without one the program need not be started. */
static bool may_be_repository(const char *folder)
{
	if (getenv("GIT_DIR"))
		return true;
	for (char *at = memory_copy_text(folder); ; ) {
		char *cleanup_free place = memory_format("%s/.git", at);
		bool found = !access(place, F_OK), top = !strcmp(at, "/") || !strcmp(at, ".");
		char *above = found || top ? NULL : files_folder_of(at);
		free(at);
		if (!above)
			return found;
		at = above;
	}
}

/* Its output, at most so much; -1 with an error: it cannot be started, takes too long, or fails. */
static int ask(const char *folder, const char *const *question, size_t most, struct text *out, struct error *error)
{
	const char *words[24] = { "git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-optional-locks" };
	size_t count = 6;
	while (*question && count < sizeof words / sizeof words[0] - 1)
		words[count++] = *question++;
	struct helper helper;
	struct helper_order order = { .words = words, .folder = folder, .apart = true };
	struct text cleanup_text complaint = { 0 };
	if (helper_start(&helper, &order, error))
		return -1;
	int64_t until = clock_ms() + PATIENCE_MS;
	struct pollfd polls[2] = { { helper.out, POLLIN, 0 }, { helper.err, POLLIN, 0 } };
	while ((polls[0].fd >= 0 || polls[1].fd >= 0) && out->length <= most) {
		int64_t left = until - clock_ms();
		if (left <= 0 || (poll(polls, 2, (int)left) < 0 && errno != EINTR)) {
			helper_kill(&helper);
			return error_code(error, ETIMEDOUT, "git did not answer within %d s", (int)(PATIENCE_MS / 1000));
		}
		if (polls[0].revents && !helper_read(helper.out, out))
			polls[0].fd = -1;
		if (polls[1].revents && !helper_read(helper.err, &complaint))
			polls[1].fd = -1;
	}
	if (out->length > most) {
		helper_kill(&helper);
		return 0;
	}
	int status = helper_wait(&helper);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return error_set(error, "git: %.*s", (int)strcspn(text_string(&complaint), "\n"), text_string(&complaint));
}

static json_t *text_json(const char *text)
{
	return channel_text(text, strlen(text));
}

/* "# branch.oid …", "# branch.head …", "? NAME", and everything else is a change; each ends with NUL. */
static void take_status(json_t *git, const struct text *status)
{
	json_t *untracked = json_array();
	size_t strangers = 0, changes = 0;
	const char *end = text_string(status) + status->length;
	for (const char *at = text_string(status); at < end; at += strlen(at) + 1)
		if (text_starts(at, "# branch.oid "))
			json_object_set_new(git, "commit", strcmp(at + 13, "(initial)") ? text_json(at + 13) : json_null());
		else if (text_starts(at, "# branch.head "))
			json_object_set_new(git, "branch", strcmp(at + 14, "(detached)") ? text_json(at + 14) : json_null());
		else if (text_starts(at, "? ") && strangers++ < UNTRACKED_MOST)
			json_array_append_new(untracked, text_json(at + 2));
		else if (*at != '#' && *at != '?')
			changes++;
	json_object_set_new(git, "dirty", json_boolean(changes || strangers));
	json_object_set_new(git, "changed", json_boolean(changes));
	json_object_set_new(git, "untracked", untracked);
}

static void cut(json_t *git, struct text *diff)
{
	if (diff->length <= DIFF_MOST)
		return;
	diff->length = DIFF_MOST;
	while (diff->length && diff->data[diff->length - 1] != '\n')
		diff->length--;
	diff->data[diff->length] = '\0';
	json_object_set_new(git, "diff_cut", json_true());
}

static void take_diff(json_t *git, const char *folder, struct text *diff)
{
	static const char *const question[] = { "diff", "--no-color", "--no-ext-diff", "--binary", "HEAD", "--", ".", NULL };
	struct error error = { 0 };
	bool wanted = json_is_true(json_object_get(git, "changed")) && json_is_string(json_object_get(git, "commit"));
	if (wanted && ask(folder, question, DIFF_MOST, diff, &error)) {
		text_clear(diff);
		json_object_set_new(git, "error", text_json(error.text));
	}
	cut(git, diff);
	json_object_del(git, "changed");
	json_object_set_new(git, "diff", json_boolean(diff->length));
}

json_t *git_describe(const char *folder, struct text *diff)
{
	static const char *const where[] = { "rev-parse", "--show-toplevel", NULL };
	static const char *const how[] = { "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--", ".", NULL };
	struct error error = { 0 };
	struct text cleanup_text root = { 0 };
	struct text cleanup_text status = { 0 };
	if (!may_be_repository(folder))
		return json_null();
	if (ask(folder, where, PATH_MOST, &root, &error) || ask(folder, how, STATUS_MOST, &status, &error))
		return error.code == ENOENT ? json_null() : json_pack("{so}", "error", text_json(error.text));
	json_t *git = json_object();
	char *cleanup_free top = memory_copy_span(text_string(&root), strcspn(text_string(&root), "\n"));
	json_object_set_new(git, "root", text_json(top));
	take_status(git, &status);
	take_diff(git, folder, diff);
	return git;
}
