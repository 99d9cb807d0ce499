/* SPDX-License-Identifier: MIT */
/* Mistakes in an implementation's declarations that no compiler sees: places in the state that overlap or lie beyond
   it, bad or double names, an inbox that nobody reads... */
#ifndef NODE_VALIDATE_H
#define NODE_VALIDATE_H

#include <lpad/node.h>

#include "base/error.h"

/* 0, or -1 with all of them in one text. */
int implementation_validate(const lpad_implementation *implementation, struct error *error);

#endif
