/* SPDX-License-Identifier: MIT */
/*
 * Allocation that cannot fail: running out of memory ends the program with one
 * line. Sizes are checked for overflow. Everything here is freed with free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

void *memory_new(size_t size);                        /* zeroed */
void *memory_array(size_t count, size_t size);        /* zeroed */
void *memory_resize(void *old, size_t count, size_t size);
char *memory_copy_text(const char *text);             /* NULL stays NULL */
char *memory_copy_span(const char *text, size_t length);  /* adds the final NUL */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *memory_format_list(const char *format, va_list list) __attribute__((format(printf, 1, 0)));

/* From now on blocks of up to 32 MiB come from the heap and go back to it, not to the kernel: for processes that pass large
   messages, where the page faults of fresh memory cost more than the copies. Before any thread is started. */
void memory_keep_large(void);

/* `char *cleanup_free s = ...;` frees at the end of the scope; `int cleanup_close fd = ...;` closes if not negative. */
void memory_free_at(void *place);
void memory_close_at(int *fd);
#define cleanup_free __attribute__((cleanup(memory_free_at)))
#define cleanup_close __attribute__((cleanup(memory_close_at)))

#endif
