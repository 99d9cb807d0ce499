/* SPDX-License-Identifier: MIT */
/*
 * The network in one precision; mlp.c includes this twice, with REAL, NAME, GEMM and EXP. Rows are taken in chunks, so that all fits
 * the stack.
 */
#ifndef MLP_CHUNK
#define MLP_CHUNK 32
#endif

struct NAME(view) {
	const REAL *w1, *b1, *w2, *b2;
};

struct NAME(chunk) {
	int count, labels[MLP_CHUNK];
	REAL x[MLP_CHUNK][GLYPH_PIXELS];
	REAL hidden[MLP_CHUNK * MLP_HIDDEN_MOST];       /* activations, then what flows back to them */
	REAL back[MLP_CHUNK * MLP_HIDDEN_MOST];
	REAL out[MLP_CHUNK][GLYPH_CLASSES];             /* scores, then their gradients */
};

static struct NAME(view) NAME(view_of)(const REAL *weights, int hidden)
{
	struct NAME(view) view = { .w1 = weights, .b1 = weights + GLYPH_PIXELS * hidden };
	view.w2 = view.b1 + hidden;
	view.b2 = view.w2 + GLYPH_CLASSES * hidden;
	return view;
}

static void NAME(fetch)(struct NAME(chunk) *chunk, const struct glyphs *glyphs, const int *rows, int first, int count)
{
	chunk->count = count;
	for (int i = 0; i < count; i++) {
		int row = rows ? rows[first + i] : first + i;
		chunk->labels[i] = glyph_class(row);
		for (int pixel = 0; pixel < GLYPH_PIXELS; pixel++)
			chunk->x[i][pixel] = glyphs->x[row][pixel];
	}
}

static void NAME(forward)(struct NAME(chunk) *chunk, const REAL *weights, int hidden)
{
	struct NAME(view) view = NAME(view_of)(weights, hidden);
	for (int i = 0; i < chunk->count; i++) {
		memcpy(chunk->hidden + i * hidden, view.b1, (size_t)hidden * sizeof(REAL));
		memcpy(chunk->out[i], view.b2, sizeof chunk->out[i]);
	}
	GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, chunk->count, hidden, GLYPH_PIXELS, 1, chunk->x[0], GLYPH_PIXELS, view.w1,
		GLYPH_PIXELS, 1, chunk->hidden, hidden);
	for (int i = 0; i < chunk->count * hidden; i++)
		chunk->hidden[i] = chunk->hidden[i] > 0 ? chunk->hidden[i] : 0;
	GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, chunk->count, GLYPH_CLASSES, hidden, 1, chunk->hidden, hidden, view.w2, hidden, 1,
		chunk->out[0], GLYPH_CLASSES);
}

static int NAME(best)(const REAL *scores)
{
	int best = 0;
	for (int i = 1; i < GLYPH_CLASSES; i++)
		if (scores[i] > scores[best])
			best = i;
	return best;
}

/* Scores become softmax minus the label's one; returns the loss. */
static double NAME(loss)(REAL *scores, int label)
{
	REAL most = scores[NAME(best)(scores)], sum = 0;
	double loss = (double)most - (double)scores[label];
	for (int i = 0; i < GLYPH_CLASSES; i++)
		sum += scores[i] = EXP(scores[i] - most);
	for (int i = 0; i < GLYPH_CLASSES; i++)
		scores[i] /= sum;
	scores[label] -= 1;
	return loss + log((double)sum);
}

static void NAME(backward)(struct NAME(chunk) *chunk, const REAL *weights, int hidden, REAL *gradient)
{
	struct NAME(view) view = NAME(view_of)(weights, hidden);
	REAL *w1 = gradient, *b1 = w1 + GLYPH_PIXELS * hidden, *w2 = b1 + hidden, *b2 = w2 + GLYPH_CLASSES * hidden;
	GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, GLYPH_CLASSES, hidden, chunk->count, 1, chunk->out[0], GLYPH_CLASSES, chunk->hidden,
		hidden, 1, w2, hidden);
	GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, chunk->count, hidden, GLYPH_CLASSES, 1, chunk->out[0], GLYPH_CLASSES, view.w2,
		hidden, 0, chunk->back, hidden);
	for (int i = 0; i < chunk->count; i++) {
		for (int unit = 0; unit < hidden; unit++) {
			REAL *back = &chunk->back[i * hidden + unit];
			*back = chunk->hidden[i * hidden + unit] > 0 ? *back : 0;
			b1[unit] += *back;
		}
		for (int class = 0; class < GLYPH_CLASSES; class++)
			b2[class] += chunk->out[i][class];
	}
	GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, hidden, GLYPH_PIXELS, chunk->count, 1, chunk->back, hidden, chunk->x[0],
		GLYPH_PIXELS, 1, w1, GLYPH_PIXELS);
}

static int NAME(chunk_size)(int left)
{
	return left < MLP_CHUNK ? left : MLP_CHUNK;
}

void NAME(start)(REAL *weights, int hidden, struct stream *stream)
{
	int first = GLYPH_PIXELS * hidden, second = first + hidden;
	memset(weights, 0, (size_t)mlp_parameters(hidden) * sizeof *weights);
	for (int i = 0; i < first; i++)
		weights[i] = (REAL)(sqrt(2.0 / GLYPH_PIXELS) * stream_gauss(stream));
	for (int i = 0; i < GLYPH_CLASSES * hidden; i++)
		weights[second + i] = (REAL)(sqrt(1.0 / hidden) * stream_gauss(stream));
}

double NAME(gradient)(const REAL *weights, int hidden, const struct glyphs *glyphs, const int *rows, int count, REAL *gradient)
{
	struct NAME(chunk) chunk;
	double loss = 0;
	for (int first = 0; first < count; first += MLP_CHUNK) {
		NAME(fetch)(&chunk, glyphs, rows, first, NAME(chunk_size)(count - first));
		NAME(forward)(&chunk, weights, hidden);
		for (int i = 0; i < chunk.count; i++)
			loss += NAME(loss)(chunk.out[i], chunk.labels[i]);
		NAME(backward)(&chunk, weights, hidden, gradient);
	}
	return loss;
}

void NAME(step)(REAL *weights, int hidden, double step, const REAL *gradient)
{
	for (int i = 0; i < mlp_parameters(hidden); i++)
		weights[i] -= (REAL)step * gradient[i];
}

double NAME(accuracy)(const REAL *weights, int hidden, const struct glyphs *glyphs, int first, int count)
{
	struct NAME(chunk) chunk;
	int right = 0;
	for (int done = 0; done < count; done += MLP_CHUNK) {
		NAME(fetch)(&chunk, glyphs, NULL, first + done, NAME(chunk_size)(count - done));
		NAME(forward)(&chunk, weights, hidden);
		for (int i = 0; i < chunk.count; i++)
			right += NAME(best)(chunk.out[i]) == chunk.labels[i];
	}
	return (double)right / count;
}
