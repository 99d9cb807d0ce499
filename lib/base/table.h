/* SPDX-License-Identifier: MIT */
/*
 * A table for people: columns as wide as they need to be, and no wider than the terminal.
 *
 *     struct table table = { 0 };
 *     table_column(&table, "run", false);
 *     table_column(&table, "exit", true);
 *     table_cell(&table, "dqn-17");
 *     table_cell(&table, "0");
 *     table_print(&table, stdout, table_width(STDOUT_FILENO));
 *     table_release(&table);
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/list.h"

struct table_column {
	char *name;
	bool right;
	size_t width;
};
struct table {
	LIST(struct table_column) columns;
	LIST(char *) cells;             /* row by row */
};

void table_column(struct table *table, const char *name, bool right);
/* The next cell, copied; control characters are shown as blanks. */
void table_cell(struct table *table, const char *text);
/* Heads and rows; `width` 0: as wide as it gets. Beyond that, the widest columns are cut, which "~" marks. */
void table_print(struct table *table, FILE *out, size_t width);
void table_release(struct table *table);
/* Of a terminal; 0: it is none. */
size_t table_width(int fd);

#endif
