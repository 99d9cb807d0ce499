/* SPDX-License-Identifier: MIT */
/*
 * For tests in which connections break: nng 1.5.2 may then lose the message that it was about to write, or the connection that it
 * was about to make. Known to the leak sanitizer by this name; what else is lost is told. To be included once, by the test.
 */
#ifndef TESTS_NNG_LOSSES_H
#define TESTS_NNG_LOSSES_H

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libnng.so\n";
}

#endif
