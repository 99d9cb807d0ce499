/* SPDX-License-Identifier: MIT */
#include "base/channel.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int raw;
static struct channel channel;

static void setup(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	raw = pair[0];
	channel_init(&channel, pair[1]);
}

static void teardown(void)
{
	if (raw >= 0)
		close(raw);
	channel_close(&channel);
}

static void put(const char *text)
{
	ck_assert_int_eq(write(raw, text, strlen(text)), (ssize_t)strlen(text));
}

static int next(json_t **out)
{
	struct error error = { 0 };
	ck_assert_int_eq(channel_read(&channel, &error), 0);
	return channel_next(&channel, out, &error);
}

START_TEST(lines_come_whole_whatever_the_pieces)
{
	json_t *line;
	put("{\"a\":");
	ck_assert_int_eq(next(&line), 0);
	put(" 1}\n{\"b\": 2}\n{\"c");
	ck_assert_int_eq(next(&line), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "a")), 1);
	json_decref(line);
	ck_assert_int_eq(next(&line), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "b")), 2);
	json_decref(line);
	ck_assert_int_eq(next(&line), 0);
	put("\": 3}\n");
	ck_assert_int_eq(next(&line), 1);
	json_decref(line);
	ck_assert(!channel.ended);
}
END_TEST

START_TEST(a_line_that_is_no_json_is_skipped)
{
	json_t *line;
	put("nonsense\n{}\n");
	ck_assert_int_eq(next(&line), -1);
	ck_assert_int_eq(next(&line), 1);
	json_decref(line);
}
END_TEST

START_TEST(an_endless_line_ends_the_channel)
{
	json_t *line;
	channel.longest = 100;
	char flood[200];
	memset(flood, ' ', sizeof flood);
	ck_assert_int_eq(write(raw, flood, sizeof flood), sizeof flood);
	ck_assert_int_eq(next(&line), -1);
	ck_assert(channel.ended);
}
END_TEST

START_TEST(what_came_before_the_end_is_still_read)
{
	json_t *line;
	put("{\"last\": true}\n");
	close(raw);
	raw = -1;
	ck_assert_int_eq(next(&line), 1);
	json_decref(line);
	ck_assert_int_eq(next(&line), 0);
	ck_assert(channel.ended);
}
END_TEST

START_TEST(sending_never_blocks_and_loses_nothing)
{
	enum { COUNT = 20000 };
	size_t got = 0, lines = 0;
	char buffer[65536];
	for (int i = 0; i < COUNT; i++)
		channel_send(&channel, json_pack("{s:i, s:s}", "number", i, "padding", "abcdefghijklmnopqrstuvwxyz"));
	ck_assert(channel_pending(&channel));
	while (channel_pending(&channel)) {
		ck_assert_int_eq(channel_flush(&channel), 0);
		ssize_t part = recv(raw, buffer, sizeof buffer, MSG_DONTWAIT);
		for (ssize_t i = 0; i < part; i++)
			lines += buffer[i] == '\n';
		got += part > 0 ? (size_t)part : 0;
	}
	for (ssize_t part; (part = recv(raw, buffer, sizeof buffer, MSG_DONTWAIT)) > 0; )
		for (ssize_t i = 0; i < part; i++)
			lines += buffer[i] == '\n';
	ck_assert_uint_eq(lines, COUNT);
	ck_assert_uint_gt(got, 0);
}
END_TEST

START_TEST(what_is_no_utf8_is_replaced)
{
	static const struct { const char *bytes, *text; } rows[] = {
		{ "", "" }, { "r\xc3\xa9sum\xc3\xa9", "r\xc3\xa9sum\xc3\xa9" }, { "r\xe9sum\xe9", "r\xef\xbf\xbdsum\xef\xbf\xbd" },
		{ "cut \xe2\x80", "cut \xef\xbf\xbd\xef\xbf\xbd" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *value = channel_text(rows[i].bytes, strlen(rows[i].bytes));
		ck_assert_str_eq(json_string_value(value), rows[i].text);
		json_decref(value);
	}
}
END_TEST

START_TEST(a_closed_peer_is_an_end_not_a_signal)
{
	close(raw);
	raw = -1;
	channel_send(&channel, json_object());
	ck_assert_int_eq(channel_flush(&channel), -1);
	ck_assert(channel.unheard);
	channel_send(&channel, json_object());
	ck_assert(!channel_pending(&channel));
}
END_TEST

/* One that dies while it is spoken to has said why. */
START_TEST(last_words_are_heard_after_a_failed_write)
{
	json_t *line;
	channel_send(&channel, json_pack("{s:s}", "do", "go"));
	ck_assert_int_eq(channel_flush(&channel), 0);
	put("{\"is\": \"failed\"}\n");
	close(raw);
	raw = -1;
	channel_send(&channel, json_pack("{s:s}", "do", "stop"));
	ck_assert_int_eq(channel_flush(&channel), -1);
	ck_assert_int_eq(next(&line), 1);
	ck_assert_str_eq(json_string_value(json_object_get(line, "is")), "failed");
	json_decref(line);
	ck_assert_int_eq(next(&line), 0);
	ck_assert(channel.ended);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, lines_come_whole_whatever_the_pieces);
	tcase_add_test(all, a_line_that_is_no_json_is_skipped);
	tcase_add_test(all, an_endless_line_ends_the_channel);
	tcase_add_test(all, what_came_before_the_end_is_still_read);
	tcase_add_test(all, sending_never_blocks_and_loses_nothing);
	tcase_add_test(all, what_is_no_utf8_is_replaced);
	tcase_add_test(all, a_closed_peer_is_an_end_not_a_signal);
	tcase_add_test(all, last_words_are_heard_after_a_failed_write);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
