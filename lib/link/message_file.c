/* SPDX-License-Identifier: MIT */
/*
 * Messages as files: every one is a safetensors file. Bytes and JSON are one tensor of U8 in it, and the metadata says
 * what it was, so that each kind comes back as itself.
 */
#include "link/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/memory.h"
#include "link/body.h"

#define WRAPPED "body"          /* the tensor that holds bytes or JSON */

static const char *const kind_names[] = { [LPAD_BYTES] = "bytes", [LPAD_JSON] = "json" };

/* ---- saving ---- */

/* The header for a body of bytes or JSON, whose tensor is the body. */
static void wrap(const lpad_message *message, struct text *out)
{
	struct tensors tensors = { 0 };
	*list_add(&tensors.list) = (struct tensor){ .name = memory_copy_text(WRAPPED), .type = LPAD_U8, .rank = 1,
		.shape = { (int64_t)message->size }, .size = message->size };
	*list_add(&tensors.meta) = (struct meta){ memory_copy_text(BODY_KIND), memory_copy_text(kind_names[message->kind]) };
	tensors_encode(&tensors, out);
	tensors_release(&tensors);
}

static int write_file(const char *path, const lpad_message *message)
{
	struct text cleanup_text header = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return -1;
	if (message->kind != LPAD_TENSORS)
		wrap(message, &header);
	int bad = files_write_all(fd, text_string(&header), header.length)
		|| files_write_all(fd, message->body, message->size) || fsync(fd);
	int code = errno;
	if (close(fd) && !bad) {
		bad = -1;
		code = errno;
	}
	errno = code;
	return bad;
}

/* The rename lasts only once its folder is on the disk. Folders that cannot be opened or synced are not ours to mend. */
static int sync_folder(const char *path)
{
	char *cleanup_free folder = files_folder_of(path);
	int cleanup_close fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !fsync(fd))
		return 0;
	return errno == EIO || errno == ENOSPC || errno == EDQUOT ? -1 : 0;
}

int message_save(const lpad_message *message, const char *path)
{
	static atomic_uint serial;      /* two threads may save to one path */
	if (!message || !path || !*path)
		return fault_set(LPAD_EINVALID, "saving needs a message and a path");
	int refused = message_refused(message);
	if (refused)
		return refused;
	char *cleanup_free beside = memory_format("%s.new.%d.%u", path, (int)getpid(), atomic_fetch_add(&serial, 1));
	if (!write_file(beside, message) && !rename(beside, path) && !sync_folder(path))
		return 0;
	int code = errno;
	unlink(beside);
	return fault_set(LPAD_EIO, "cannot save %s: %s", path, strerror(code));
}

/* ---- loading ---- */

static int fault_errno(const char *path)
{
	int code = errno == ENOENT || errno == ENOTDIR ? LPAD_ENOTFOUND : LPAD_EIO;
	return fault_set(code, "cannot load %s: %s", path, strerror(errno));
}

/* Fills the body from the file. 1: all of it, 0: the file is shorter, -1: errno. */
static int read_body(int fd, lpad_message *message)
{
	for (size_t done = 0; done < message->size; ) {
		ssize_t got = read(fd, message->body + done, message->size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		done += (size_t)got;
	}
	return 1;
}

/* Bytes or JSON that were wrapped become themselves: the body is the data section. */
static int unwrap(lpad_message *message, const char *kind, struct error *error)
{
	const struct tensors *tensors = &message->tensors;
	int type = !strcmp(kind, kind_names[LPAD_BYTES]) ? LPAD_BYTES : !strcmp(kind, kind_names[LPAD_JSON]) ? LPAD_JSON : 0;
	if (!type)
		return error_set(error, "the kind in its metadata is unknown");
	if (tensors->list.count != 1 || tensors->list.at[0].type != LPAD_U8 || strcmp(tensors->list.at[0].name, WRAPPED))
		return error_set(error, "it says that it holds %s, but is no single tensor of u8 named \"" WRAPPED "\"", kind);
	message->kind = type;
	message->body += tensors->data;
	message->size -= tensors->data;
	tensors_release(&message->tensors);
	return type == LPAD_JSON ? body_check_json(message, error) : 0;
}

static int decode_file(lpad_message *message, struct error *error)
{
	if (tensors_decode(message, error))
		return -1;
	const char *kind = tensors_meta(&message->tensors, BODY_KIND);
	return kind ? unwrap(message, kind, error) : 0;
}

static int load_open(int fd, const char *path, lpad_message **out)
{
	struct stat status;
	struct error error = { 0 };
	if (fstat(fd, &status))
		return fault_errno(path);
	if (!S_ISREG(status.st_mode))
		return fault_set(LPAD_EIO, "cannot load %s: not a regular file", path);
	if (!body_fits((size_t)status.st_size))
		return fault_set(LPAD_ETOOBIG, "cannot load %s: %lld bytes are more than this machine's memory", path,
			(long long)status.st_size);
	lpad_message *message = body_new(LPAD_TENSORS, (size_t)status.st_size);
	int got = read_body(fd, message), code = 0;
	if (got < 0)
		code = fault_errno(path);
	else if (!got)
		code = fault_set(LPAD_EBROKEN, "cannot load %s: it became shorter while it was read", path);
	else if (decode_file(message, &error))
		code = fault_set(LPAD_EBROKEN, "%s is damaged: %s", path, error.text);
	if (code)
		message_free(message);
	else
		*out = message;
	return code;
}

int message_load(const char *path, lpad_message **out)
{
	*out = NULL;
	if (!path)
		return fault_set(LPAD_EINVALID, "loading needs a path");
	/* Not blocking: a FIFO is refused, not waited for. */
	int cleanup_close fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? fault_errno(path) : load_open(fd, path, out);
}
