/* SPDX-License-Identifier: MIT */
/*
 * "Glyph digits": 8000 images of ten digits, 10 x 10 pixels in 0..1, each moved, dimmed and noisy, the same on every machine.
 * Image i is of class i % 10. The first 6000 are for training, the last 2000 for the test.
 * Making them costs some 40 ms and 3.2 MB, so each node makes its own; who needs few rows copies them and frees the rest.
 */
#ifndef COMMON_GLYPHS_H
#define COMMON_GLYPHS_H

enum { GLYPHS = 8000, GLYPHS_TRAIN = 6000, GLYPHS_TEST = 2000, GLYPH_PIXELS = 100, GLYPH_CLASSES = 10 };

struct glyphs {
	float x[GLYPHS][GLYPH_PIXELS];
};

/* NULL: out of memory. The caller frees it with free(). */
struct glyphs *glyphs_new(void);

static inline int glyph_class(int row)
{
	return row % GLYPH_CLASSES;
}

#endif
