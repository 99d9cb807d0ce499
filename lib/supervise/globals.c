/* SPDX-License-Identifier: MIT */
#include "supervise/globals.h"

#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { NAMES_MOST = 8 };

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr header;
typedef Elf64_Shdr section;
typedef Elf64_Sym symbol;
enum { CLASS = ELFCLASS64 };
#else
typedef Elf32_Ehdr header;
typedef Elf32_Shdr section;
typedef Elf32_Sym symbol;
enum { CLASS = ELFCLASS32 };
#endif

struct image {
	const char *data;
	size_t size;
	const section *sections;
	size_t count;
};

static bool inside(const struct image *image, size_t offset, size_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static bool read_header(struct image *image)
{
	const header *head = (const header *)image->data;
	if (image->size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) || head->e_ident[EI_CLASS] != CLASS)
		return false;
	image->count = head->e_shnum;
	if (head->e_shentsize != sizeof(section) || head->e_shoff % sizeof(void *) || head->e_shstrndx >= image->count
	    || !inside(image, head->e_shoff, image->count * sizeof(section)))
		return false;
	image->sections = (const section *)(image->data + head->e_shoff);
	return true;
}

/* A text of a string table; NULL if it does not lie in the file with its end. */
static const char *string_at(const struct image *image, const section *table, size_t offset)
{
	if (table->sh_type != SHT_STRTAB || !inside(image, table->sh_offset, table->sh_size) || offset >= table->sh_size)
		return NULL;
	const char *text = image->data + table->sh_offset + offset;
	return memchr(text, '\0', table->sh_size - offset) ? text : NULL;
}

/* Writable for good: not what is only written while it is relocated, nor thread-local. */
static bool holds_variables(const struct image *image, size_t index)
{
	if (index >= image->count)
		return false;
	const section *one = &image->sections[index];
	const section *names = &image->sections[((const header *)image->data)->e_shstrndx];
	const char *name = string_at(image, names, one->sh_name);
	return name && (one->sh_flags & SHF_WRITE) && !(one->sh_flags & SHF_TLS)
	    && (text_starts(name, ".data") || text_starts(name, ".bss")) && !text_starts(name, ".data.rel.ro");
}

/* "DW.ref.__gxx_personality_v0" and the like are the compiler's. */
static bool is_variable(const struct image *image, const symbol *one, const char *name)
{
	return (one->st_info & 0xf) == STT_OBJECT && one->st_size && name && name[0] && name[0] != '_'
	    && !text_starts(name, "DW.") && !text_starts(name, "completed.") && !text_starts(name, "lpad_") && holds_variables(image, one->st_shndx);
}

/* A variable inside a function is "calls.3" (gcc) or "run.calls" (clang) here. */
static void add_name(struct text *out, const char *name, int place)
{
	const char *dot = strchr(name, '.');
	text_add(out, place && place <= NAMES_MOST ? ", " : "");
	if (place == NAMES_MOST)
		text_add(out, "...");
	else if (place < NAMES_MOST && dot && !isdigit((unsigned char)dot[1]))
		name = dot + 1;
	if (place < NAMES_MOST)
		text_add_span(out, name, strcspn(name, "."));
}

static void read_symbols(const struct image *image, const section *table, struct text *out)
{
	if (table->sh_link >= image->count || !inside(image, table->sh_offset, table->sh_size)
	    || table->sh_offset % sizeof(void *))
		return;
	const symbol *symbols = (const symbol *)(image->data + table->sh_offset);
	int place = 0;
	for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
		const char *name = string_at(image, &image->sections[table->sh_link], symbols[i].st_name);
		if (is_variable(image, &symbols[i], name))
			add_name(out, name, place++);
	}
}

char *globals_of(const char *path)
{
	struct text out = { 0 };
	struct stat status;
	int cleanup_close fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) || status.st_size <= 0)
		return NULL;
	struct image image = { .size = (size_t)status.st_size };
	void *mapped = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	image.data = mapped;
	for (size_t i = 0; read_header(&image) && i < image.count; i++)
		if (image.sections[i].sh_type == SHT_SYMTAB)
			read_symbols(&image, &image.sections[i], &out);
	munmap(mapped, image.size);
	return out.length ? text_take(&out) : NULL;
}
