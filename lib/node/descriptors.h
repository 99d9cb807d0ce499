/* SPDX-License-Identifier: MIT */
/* The limit of open files: edges need many, and programs that a node starts get the one that it was given itself. */
#ifndef NODE_DESCRIPTORS_H
#define NODE_DESCRIPTORS_H

#include <sys/resource.h>

void descriptors_raise(void);           /* once, before any thread */
struct rlimit descriptors_given(void);

#endif
