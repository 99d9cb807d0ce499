/* SPDX-License-Identifier: MIT */
#include "regression.h"

#include <math.h>

#include <lpad/node.h>

static const double noise = 0.5;

static double normal(lpad_rng *rng)
{
	double a = lpad_random_real(rng), b = lpad_random_real(rng);
	return sqrt(-2 * log(a)) * cos(2 * 3.14159265358979323846 * b);
}

static double product(const double *a, const double *b)
{
	double sum = 0;
	for (int i = 0; i < WEIGHTS; i++)
		sum += a[i] * b[i];
	return sum;
}

void regression_make(struct regression *data, int64_t seed)
{
	lpad_rng rng = { (uint64_t)seed };
	double truth[WEIGHTS];
	for (int i = 0; i < WEIGHTS; i++)
		truth[i] = normal(&rng);
	for (int row = 0; row < ROWS; row++) {
		for (int i = 0; i < WEIGHTS; i++)
			data->x[row][i] = normal(&rng);
		data->y[row] = product(data->x[row], truth) + noise * normal(&rng);
	}
}

void regression_gradient(const struct regression *data, int row, const double *weights, double *gradient)
{
	double error = product(data->x[row], weights) - data->y[row];
	for (int i = 0; i < WEIGHTS; i++)
		gradient[i] += error * data->x[row][i];
}

double regression_error(const struct regression *data, const double *weights)
{
	double sum = 0;
	for (int row = 0; row < ROWS; row++) {
		double error = product(data->x[row], weights) - data->y[row];
		sum += error * error;
	}
	return sum / ROWS;
}

/* Solves a w = b, a positive definite: elimination without pivoting, then back. */
static void solve(double a[WEIGHTS][WEIGHTS], double *b, double *weights)
{
	for (int column = 0; column < WEIGHTS; column++)
		for (int row = column + 1; row < WEIGHTS; row++) {
			double factor = a[row][column] / a[column][column];
			for (int i = column; i < WEIGHTS; i++)
				a[row][i] -= factor * a[column][i];
			b[row] -= factor * b[column];
		}
	for (int row = WEIGHTS - 1; row >= 0; row--) {
		double sum = b[row];
		for (int i = row + 1; i < WEIGHTS; i++)
			sum -= a[row][i] * weights[i];
		weights[row] = sum / a[row][row];
	}
}

void regression_least_squares(const struct regression *data, double *weights)
{
	double a[WEIGHTS][WEIGHTS] = { { 0 } }, b[WEIGHTS] = { 0 };
	for (int row = 0; row < ROWS; row++)
		for (int i = 0; i < WEIGHTS; i++) {
			for (int j = 0; j < WEIGHTS; j++)
				a[i][j] += data->x[row][i] * data->x[row][j];
			b[i] += data->x[row][i] * data->y[row];
		}
	solve(a, b, weights);
}
