/* SPDX-License-Identifier: MIT */
/*
 * One error, on the caller's stack, never allocated. A fallible function returns
 * 0 or a negative number (or NULL) and fills the error only on failure; whoever
 * knows more adds it once in front with error_wrap; only cmd/ prints.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
	int code;               /* what the function's header says; 0 if nobody set one */
	char text[1000];        /* one line, lower case, no final full stop */
};

/* Both return -1, so that `return error_set(...)` reads well. `error` may be NULL. */
int error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
int error_code(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "CONTEXT: " in front of the text. Returns -1. */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A state that cannot be: says where and aborts. Never for what a user can cause. */
#define BUG(...) error_bug(__FILE__, __LINE__, __VA_ARGS__)
void error_bug(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#endif
