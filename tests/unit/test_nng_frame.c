/* SPDX-License-Identifier: MIT */
/* Frames in messages of nng. */
#include "link/nng_frame.h"

#include <check.h>
#include <signal.h>
#include <sys/resource.h>

#include "link/message.h"

START_TEST(a_frame_keeps_its_body)
{
	struct frame out = { .wire = { .kind = WIRE_CALL, .role = WIRE_MEMBER, .deadline_ms = -1 },
		.message = message_bytes("body", 4) }, in;
	const char *why = NULL;
	nng_frame_make(&out);
	out.wire.port = 7;
	nng_msg *packed = nng_frame_finish(&out);
	ck_assert_msg(nng_frame_unpack(packed, &in, &why), "%s", why);
	ck_assert_uint_eq(in.wire.port, 7);
	ck_assert_uint_eq(in.wire.size, 4);
	ck_assert_int_eq(in.wire.content, LPAD_BYTES);
	ck_assert_mem_eq(nng_frame_body(&in), "body", 4);
	nng_frame_drop(&in);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LITTLE_MEMORY = false };         /* they need all addresses there are */
#else
enum { LITTLE_MEMORY = true };
#endif

/* Never an empty message in its place. */
START_TEST(no_memory_for_a_body_ends_the_process)
{
	struct frame frame = { .message = message_bytes(NULL, 256 << 20) };
	struct rlimit little = { 320 << 20, 320 << 20 };
	struct rlimit none = { 0, 0 };
	ck_assert_int_eq(setrlimit(RLIMIT_CORE, &none), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
	nng_frame_make(&frame);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nng_frame");
	TCase *frames = tcase_create("frames");
	tcase_add_test(frames, a_frame_keeps_its_body);
	if (LITTLE_MEMORY)
		tcase_add_test_raise_signal(frames, no_memory_for_a_body_ends_the_process, SIGABRT);
	suite_add_tcase(suite, frames);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
