/* SPDX-License-Identifier: MIT */
#include "link/message.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

static char folder[] = "message_file.XXXXXX";

static void enter(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void leave(void)
{
	ck_assert_int_eq(chdir(".."), 0);
	ck_assert_int_eq(files_remove_tree(folder), 0);
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
}

static int files_here(void)
{
	int count = 0;
	DIR *here = opendir(".");
	for (struct dirent *entry; (entry = readdir(here)); )
		count += entry->d_name[0] != '.';
	closedir(here);
	return count;
}

static void write_file(const char *path, const void *data, size_t size)
{
	struct error error = { 0 };
	ck_assert_msg(!files_replace(path, data, size, 0600, &error), "%s", error.text);
}

static lpad_message *sample(void)
{
	lpad_tensor list[] = { { "weights", LPAD_F32, 2, { 2, 3 } }, { "step", LPAD_I64, 0, { 0 } }, { "none", LPAD_U8, 1, { 0 } } };
	lpad_message *message = message_tensors(3, list);
	ck_assert_int_eq(message_set_meta(message, "note", "caf\xc3\xa9"), 0);
	float *weights = message_data(message, "weights");
	for (int i = 0; i < 6; i++)
		weights[i] = (float)i / 2;
	*(int64_t *)message_data(message, "step") = -7;
	return message;
}

static lpad_message *load(const char *path)
{
	lpad_message *message = NULL;
	ck_assert_msg(!message_load(path, &message), "%s", fault_text());
	return message;
}

static void load_fails(const char *path, int code, const char *text)
{
	lpad_message *message = (lpad_message *)folder;
	ck_assert_int_eq(message_load(path, &message), code);
	ck_assert_ptr_null(message);
	ck_assert_msg(strstr(fault_text(), text), "%s\nexpected: %s", fault_text(), text);
}

START_TEST(tensors_come_back)
{
	lpad_message *message = sample();
	ck_assert_int_eq(message_save(message, "model.safetensors"), 0);
	lpad_message *loaded = load("model.safetensors");
	ck_assert_int_eq(message_kind(loaded), LPAD_TENSORS);
	ck_assert_uint_eq(message_size(loaded), message_size(message));
	ck_assert(!memcmp(message_content(loaded), message_content(message), message_size(message)));
	ck_assert_str_eq(message_meta(loaded, "note"), "caf\xc3\xa9");
	ck_assert_str_eq(message_sender(loaded), "");
	/* A loaded message is one's own: it may be changed until it is sent. */
	float *weights = message_data(loaded, "weights");
	ck_assert_ptr_nonnull(weights);
	ck_assert(weights[5] == 2.5f);
	ck_assert_int_eq(files_here(), 1);
	message_free(message);
	message_free(loaded);
}
END_TEST

START_TEST(every_kind_comes_back_as_itself)
{
	static const struct { int kind; const char *data; size_t size; } rows[] = {
		{ LPAD_BYTES, "", 0 }, { LPAD_BYTES, "a\0b\377", 4 }, { LPAD_JSON, "{\"a\": [1, 2]}", 13 }, { LPAD_JSON, "0", 1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lpad_message *message = rows[i].kind == LPAD_JSON ? message_json(rows[i].data) : message_bytes(rows[i].data, rows[i].size);
		ck_assert_int_eq(message_save(message, "file"), 0);
		lpad_message *loaded = load("file");
		ck_assert_int_eq(message_kind(loaded), rows[i].kind);
		ck_assert_uint_eq(message_size(loaded), rows[i].size);
		ck_assert(!memcmp(message_content(loaded), rows[i].data, rows[i].size));
		ck_assert((uintptr_t)message_content(loaded) % 64 == 0);
		if (rows[i].kind == LPAD_JSON)
			ck_assert_str_eq(message_json_text(loaded), rows[i].data);
		message_free(message);
		message_free(loaded);
	}
}
END_TEST

START_TEST(saving_replaces_and_leaves_nothing_beside)
{
	lpad_message *first = message_bytes("first", 5), *second = message_bytes("second", 6);
	ck_assert_int_eq(message_save(first, "file"), 0);
	ck_assert_int_eq(message_save(second, "file"), 0);
	lpad_message *loaded = load("file");
	ck_assert_uint_eq(message_size(loaded), 6);
	ck_assert_int_eq(files_here(), 1);
	message_free(first);
	message_free(second);
	message_free(loaded);
}
END_TEST

START_TEST(failed_saves_leave_the_old_file)
{
	lpad_message *message = message_bytes("x", 1);
	ck_assert_int_eq(message_save(message, "missing/file"), LPAD_EIO);
	ck_assert_ptr_nonnull(strstr(fault_text(), "cannot save missing/file: No such file or directory"));
	ck_assert_int_eq(mkdir("taken", 0700), 0);
	ck_assert_int_eq(message_save(message, "taken"), LPAD_EIO);
	ck_assert_int_eq(files_here(), 1);
	ck_assert_int_eq(message_save(message, ""), LPAD_EINVALID);
	ck_assert_int_eq(message_save(message, NULL), LPAD_EINVALID);
	ck_assert_int_eq(message_save(NULL, "file"), LPAD_EINVALID);
	message_free(message);
}
END_TEST

/* A bound on the size of files stands for a full disk: the write fails half-way. */
START_TEST(a_full_disk_leaves_the_old_file)
{
	struct rlimit before, bound;
	lpad_message *old = message_bytes("old", 3), *large = message_bytes(NULL, 1 << 20);
	ck_assert_int_eq(message_save(old, "file"), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	bound = (struct rlimit){ 100000, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &bound), 0);
	int code = message_save(large, "file");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	ck_assert_int_eq(code, LPAD_EIO);
	ck_assert_ptr_nonnull(strstr(fault_text(), "cannot save file: File too large"));
	lpad_message *loaded = load("file");
	ck_assert(!memcmp(message_body(loaded, 3), "old", 3));
	ck_assert_int_eq(files_here(), 1);
	message_free(old);
	message_free(large);
	message_free(loaded);
}
END_TEST

START_TEST(missing_files_are_told_from_damaged_ones)
{
	load_fails("missing", LPAD_ENOTFOUND, "cannot load missing: No such file or directory");
	write_file("file", "text", 4);
	load_fails("file/below", LPAD_ENOTFOUND, "Not a directory");
	load_fails("file", LPAD_EBROKEN, "file is damaged: too short for a header");
	write_file("file", "", 0);
	load_fails("file", LPAD_EBROKEN, "too short for a header");
	load_fails(".", LPAD_EIO, "cannot load .: not a regular file");
	ck_assert_int_eq(mkfifo("pipe", 0600), 0);
	load_fails("pipe", LPAD_EIO, "not a regular file");
	load_fails("/dev/null", LPAD_EIO, "not a regular file");
	load_fails(NULL, LPAD_EINVALID, "loading needs a path");
}
END_TEST

START_TEST(files_larger_than_memory_are_refused)
{
	int fd = open("huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	off_t size = (off_t)1 << 43;
	if (ftruncate(fd, size)) {
		printf("skipped: this file system has no files of 8 TiB: %s\n", strerror(errno));
		close(fd);
		return;
	}
	close(fd);
	load_fails("huge", LPAD_ETOOBIG, "cannot load huge: 8796093022208 bytes are more than this machine's memory");
}
END_TEST

START_TEST(every_truncated_file_is_broken)
{
	lpad_message *messages[] = { sample(), message_json("{\"a\": 1}"), message_bytes("abc", 3) };
	for (size_t i = 0; i < 3; i++) {
		struct text cleanup_text content = { 0 };
		struct error error;
		ck_assert_int_eq(message_save(messages[i], "whole"), 0);
		ck_assert_int_eq(files_read("whole", &content, 0, &error), 0);
		for (size_t size = 0; size < content.length; size++) {
			write_file("cut", content.data, size);
			load_fails("cut", LPAD_EBROKEN, "cut is damaged: ");
		}
		message_free(messages[i]);
	}
}
END_TEST

static void write_wrapped(const char *meta, const char *tensors, const char *data)
{
	char content[600], header[400];
	snprintf(header, sizeof header, "{\"__metadata__\":{\"lpad.kind\":\"%s\"},%s}", meta, tensors);
	memset(content, 0, 8);
	content[0] = (char)(strlen(header) & 0xff);
	content[1] = (char)(strlen(header) >> 8);
	snprintf(content + 8, sizeof content - 8, "%s%s", header, data);
	write_file("file", content, 8 + strlen(content + 8));
}

START_TEST(wrapped_kinds_are_checked)
{
	static const char body[] = "\"body\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";
	write_wrapped("json", body, "[12]");
	lpad_message *message = load("file");
	ck_assert_str_eq(message_json_text(message), "[12]");
	message_free(message);
	write_wrapped("json", body, "[12}");
	load_fails("file", LPAD_EBROKEN, "file is damaged: not one JSON text");
	write_wrapped("text", body, "[12]");
	load_fails("file", LPAD_EBROKEN, "the kind in its metadata is unknown");
	write_wrapped("bytes", "\"body\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", "[12]");
	load_fails("file", LPAD_EBROKEN, "no single tensor of u8");
	write_wrapped("bytes", "\"other\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}", "[12]");
	load_fails("file", LPAD_EBROKEN, "no single tensor of u8");
	write_wrapped("bytes", "\"body\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
		"\"more\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}", "[12]");
	load_fails("file", LPAD_EBROKEN, "no single tensor of u8");
}
END_TEST

/* ---- the format as others read it: Python, with nothing but its standard library ---- */

static bool has_python(void)
{
	if (!system("python3 -c pass > /dev/null 2>&1"))
		return true;
	printf("skipped: there is no python3 to read and write files by the format's own rules\n");
	return false;
}

static void python(const char *script)
{
	write_file("script.py", script, strlen(script));
	FILE *out = popen("python3 script.py 2>&1", "r");
	char text[4000];
	size_t got = fread(text, 1, sizeof text - 1, out);
	text[got] = '\0';
	int status = pclose(out);
	ck_assert_msg(status == 0, "python3 ended with %d: %s", status, text);
	ck_assert_str_eq(text, "good\n");
}

START_TEST(python_reads_what_we_write)
{
	if (!has_python())
		return;
	lpad_message *message = sample(), *json = message_json("[1, 2]");
	ck_assert_int_eq(message_save(message, "model.safetensors"), 0);
	ck_assert_int_eq(message_save(json, "json.safetensors"), 0);
	message_free(message);
	message_free(json);
	python(
		"import json, struct\n"
		"sizes = dict(BOOL=1, U8=1, I8=1, U16=2, I16=2, F16=2, BF16=2, U32=4, I32=4, F32=4, U64=8, I64=8, F64=8)\n"
		"def unique(pairs):\n"
		"    assert len(dict(pairs)) == len(pairs)\n"
		"    return dict(pairs)\n"
		"def read(path):\n"
		"    content = open(path, 'rb').read()\n"
		"    length = struct.unpack('<Q', content[:8])[0]\n"
		"    raw = content[8:8 + length]\n"
		"    assert raw[:1] == b'{' and len(raw) == length and raw.rstrip(b' ').endswith(b'}')\n"
		"    header = json.loads(raw.decode('utf-8'), object_pairs_hook=unique)\n"
		"    meta = header.pop('__metadata__', {})\n"
		"    assert all(isinstance(v, str) for v in meta.values())\n"
		"    data, out, spans = content[8 + length:], {}, []\n"
		"    for name, info in header.items():\n"
		"        begin, end = info['data_offsets']\n"
		"        count = 1\n"
		"        for extent in info['shape']:\n"
		"            count *= extent\n"
		"        assert end - begin == count * sizes[info['dtype']]\n"
		"        assert (8 + length + begin) % sizes[info['dtype']] == 0\n"
		"        spans.append((begin, end))\n"
		"        out[name] = (info['dtype'], info['shape'], data[begin:end])\n"
		"    at = 0\n"
		"    for begin, end in sorted(spans):\n"
		"        assert begin == at\n"
		"        at = end\n"
		"    assert at == len(data) and (8 + length) % 64 == 0\n"
		"    return meta, out\n"
		"meta, tensors = read('model.safetensors')\n"
		"assert meta == {'note': 'caf\\u00e9'}, meta\n"
		"assert list(tensors) == ['weights', 'step', 'none']\n"
		"assert tensors['weights'][:2] == ('F32', [2, 3])\n"
		"assert struct.unpack('<6f', tensors['weights'][2]) == (0, .5, 1, 1.5, 2, 2.5)\n"
		"assert tensors['step'] == ('I64', [], struct.pack('<q', -7))\n"
		"assert tensors['none'] == ('U8', [0], b'')\n"
		"meta, tensors = read('json.safetensors')\n"
		"assert meta == {'lpad.kind': 'json'} and tensors == {'body': ('U8', [6], b'[1, 2]')}\n"
		"print('good')\n");
}
END_TEST

/* Laid out as the Python packages do it: sorted by name, header padded to 8, elements not aligned in the file. */
START_TEST(we_read_what_python_writes)
{
	if (!has_python())
		return;
	python(
		"import json, struct\n"
		"header = {'__metadata__': {'format': 'pt'},\n"
		"    'a.bias': {'dtype': 'U8', 'shape': [3], 'data_offsets': [0, 3]},\n"
		"    'b.weight': {'dtype': 'F32', 'shape': [2, 2], 'data_offsets': [3, 19]},\n"
		"    'c': {'dtype': 'F64', 'shape': [], 'data_offsets': [19, 27]}}\n"
		"raw = json.dumps(header).encode()\n"
		"raw += b' ' * (-len(raw) % 8)\n"
		"data = bytes([1, 2, 3]) + struct.pack('<4f', 1, 2, 3, 4) + struct.pack('<d', .25)\n"
		"open('foreign.safetensors', 'wb').write(struct.pack('<Q', len(raw)) + raw + data)\n"
		"print('good')\n");
	lpad_message *message = load("foreign.safetensors");
	const uint8_t *bias = message_view(message, "a.bias", LPAD_U8, 1, (int64_t[]){ 3 });
	const float *weight = message_view(message, "b.weight", LPAD_F32, 2, (int64_t[]){ 2, 2 });
	const double *c = message_view(message, "c", LPAD_F64, 0, NULL);
	ck_assert_ptr_nonnull(bias);
	ck_assert_ptr_nonnull(weight);
	ck_assert_ptr_nonnull(c);
	ck_assert((uintptr_t)weight % sizeof *weight == 0 && (uintptr_t)c % sizeof *c == 0);
	ck_assert(bias[2] == 3 && weight[3] == 4 && *c == .25);
	ck_assert_str_eq(message_meta(message, "format"), "pt");
	message_free(message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message_file");
	TCase *cases = tcase_create("file");
	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 120);
	tcase_add_checked_fixture(cases, enter, leave);
	tcase_add_test(cases, tensors_come_back);
	tcase_add_test(cases, every_kind_comes_back_as_itself);
	tcase_add_test(cases, saving_replaces_and_leaves_nothing_beside);
	tcase_add_test(cases, failed_saves_leave_the_old_file);
	tcase_add_test(cases, a_full_disk_leaves_the_old_file);
	tcase_add_test(cases, missing_files_are_told_from_damaged_ones);
	tcase_add_test(cases, files_larger_than_memory_are_refused);
	tcase_add_test(cases, every_truncated_file_is_broken);
	tcase_add_test(cases, wrapped_kinds_are_checked);
	tcase_add_test(cases, python_reads_what_we_write);
	tcase_add_test(cases, we_read_what_python_writes);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
