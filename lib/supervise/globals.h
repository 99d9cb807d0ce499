/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISE_GLOBALS_H
#define SUPERVISE_GLOBALS_H

/* The writable variables of a shared object, "cache, n_calls": what replicas in one process would share. Read from its
   symbols, without opening it as code. NULL: none, stripped, or no ELF file. Caller frees. */
char *globals_of(const char *path);

#endif
