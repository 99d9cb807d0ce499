/* SPDX-License-Identifier: MIT */
#include "base/table.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/memory.h"
#include "base/text.h"

enum { GAP = 2, NARROWEST = 6 };

void table_column(struct table *table, const char *name, bool right)
{
	*list_add(&table->columns) = (struct table_column){ .name = memory_copy_text(name), .right = right };
}

void table_cell(struct table *table, const char *text)
{
	*list_add(&table->cells) = text_printable(memory_copy_text(text ? text : ""));
}

void table_release(struct table *table)
{
	for (size_t i = 0; i < table->columns.count; i++)
		free(table->columns.at[i].name);
	for (size_t i = 0; i < table->cells.count; i++)
		free(table->cells.at[i]);
	list_release(&table->columns);
	list_release(&table->cells);
}

size_t table_width(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col ? 0 : size.ws_col;
}

/* ---- how wide ---- */

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t characters(const char *text)
{
	size_t count = 0;
	for (; *text; text++)
		count += begins_character(*text);
	return count;
}

static size_t whole_width(const struct table *table)
{
	size_t width = 0;
	for (size_t i = 0; i < table->columns.count; i++)
		width += table->columns.at[i].width + (i ? GAP : 0);
	return width;
}

static struct table_column *widest(const struct table *table)
{
	struct table_column *found = NULL;
	for (size_t i = 0; i < table->columns.count; i++) {
		struct table_column *column = &table->columns.at[i];
		if (!column->right && column->width > NARROWEST && (!found || column->width > found->width))
			found = column;
	}
	return found;
}

static void measure(struct table *table, size_t width)
{
	size_t count = table->columns.count;
	for (size_t i = 0; i < count; i++)
		table->columns.at[i].width = characters(table->columns.at[i].name);
	for (size_t i = 0; i < table->cells.count; i++) {
		struct table_column *column = &table->columns.at[i % count];
		size_t needs = characters(table->cells.at[i]);
		if (needs > column->width)
			column->width = needs;
	}
	for (struct table_column *column; width && whole_width(table) > width && (column = widest(table)); )
		column->width--;
}

/* ---- printing ---- */

/* The first `most` characters. */
static size_t bytes_of(const char *text, size_t most)
{
	size_t at = 0, count = 0;
	for (; text[at]; at++)
		if (begins_character(text[at]) && count++ == most)
			break;
	return at;
}

static void print_cell(const struct table_column *column, const char *text, bool last, FILE *out)
{
	size_t width = characters(text);
	if (width > column->width) {
		fprintf(out, "%.*s~", (int)bytes_of(text, column->width - 1), text);
		return;
	}
	int blanks = (int)(column->width - width);
	if (column->right)
		fprintf(out, "%*s%s", blanks, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : blanks, "");
}

void table_print(struct table *table, FILE *out, size_t width)
{
	size_t count = table->columns.count;
	measure(table, width);
	for (size_t i = 0; i < count + table->cells.count; i++) {
		const struct table_column *column = &table->columns.at[i % count];
		bool last = i % count == count - 1;
		print_cell(column, i < count ? column->name : table->cells.at[i - count], last, out);
		fputs(last ? "\n" : "  ", out);
	}
}
