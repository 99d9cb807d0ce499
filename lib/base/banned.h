/* SPDX-License-Identifier: MIT */
/* Included by the build before every file: functions that have no safe use here. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets

#endif
