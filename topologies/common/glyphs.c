/* SPDX-License-Identifier: MIT */
#include "glyphs.h"

#include <stdint.h>
#include <stdlib.h>

#include "streams.h"

enum { HEIGHT = 7, WIDTH = 5, SIDE = 10 };

/* A row of pixels per byte, the leftmost is the fifth bit. */
static const uint8_t font[GLYPH_CLASSES][HEIGHT] = {
	{ 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e }, { 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e },
	{ 0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f }, { 0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e },
	{ 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 }, { 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e },
	{ 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e }, { 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 },
	{ 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e }, { 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c },
};
static const double noise = 0.2;

static void draw(float *pixels, const uint8_t *shape, int left, int top, double amplitude)
{
	for (int row = 0; row < HEIGHT; row++)
		for (int column = 0; column < WIDTH; column++)
			if (shape[row] >> (WIDTH - 1 - column) & 1)
				pixels[(row + top) * SIDE + column + left] = (float)amplitude;
}

static float clip(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : (float)value;
}

struct glyphs *glyphs_new(void)
{
	struct glyphs *glyphs = calloc(1, sizeof *glyphs);
	struct stream stream = { 1234 };
	for (int i = 0; glyphs && i < GLYPHS; i++) {
		float *pixels = glyphs->x[i];
		int left = 2 + (int)(stream_next(&stream) % 2), top = 1 + (int)(stream_next(&stream) % 2);
		draw(pixels, font[glyph_class(i)], left, top, 0.5 + 0.5 * stream_u01(&stream));
		for (int pixel = 0; pixel < GLYPH_PIXELS; pixel++)
			pixels[pixel] = clip(pixels[pixel] + noise * stream_gauss(&stream));
	}
	return glyphs;
}
