/* SPDX-License-Identifier: MIT */
#include "link/element.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/body.h"

enum { NUMBER_ROOM = 40 };
static const double PLAIN_MOST = 1e9;   /* whole numbers up to it are written without an exponent */

/* ---- 16-bit floats, by the number of their bits ---- */

struct format {
	int exponent, fraction;
};
static const struct format f16 = { 5, 10 }, bf16 = { 8, 7 };

static int bias(const struct format *format)
{
	return (1 << (format->exponent - 1)) - 1;
}

static uint16_t infinity(const struct format *format)
{
	return (uint16_t)(((1 << format->exponent) - 1) << format->fraction);
}

/* To the nearest, ties to even, in one step. A number beyond the largest becomes infinity. */
static uint16_t narrow(const struct format *format, double value)
{
	uint16_t sign = signbit(value) ? 0x8000 : 0, most = infinity(format);
	int exponent, least = 1 - bias(format);
	if (isnan(value))
		return (uint16_t)(sign | most | 1 << (format->fraction - 1));
	if (isinf(value))
		return sign | most;
	frexp(value, &exponent);
	exponent = value == 0 || exponent - 1 < least ? least : exponent - 1;
	double units = rint(ldexp(fabs(value), format->fraction - exponent));
	/* With the leading bit of a normal number among the units, rounding up carries into the exponent by itself. */
	double bits = ldexp(exponent - least, format->fraction) + units;
	return (uint16_t)(sign | (bits < most ? (uint16_t)bits : most));
}

static double widen(const struct format *format, uint16_t bits)
{
	int fraction = bits & ((1 << format->fraction) - 1), least = 1 - bias(format);
	int exponent = (bits & 0x7fff) >> format->fraction;
	double value;
	if ((bits & 0x7fff) >= infinity(format))
		value = fraction ? (double)NAN : (double)INFINITY;
	else if (exponent)
		value = ldexp(fraction + (1 << format->fraction), exponent - 1 + least - format->fraction);
	else
		value = ldexp(fraction, least - format->fraction);
	return bits & 0x8000 ? -value : value;
}

/* ---- as numbers ---- */

static void store_real(int type, double value, void *out)
{
	float single = (float)value;
	uint16_t bits;
	switch (type) {
	case LPAD_F64: memcpy(out, &value, sizeof value); break;
	case LPAD_F32: memcpy(out, &single, sizeof single); break;
	default:
		bits = narrow(type == LPAD_F16 ? &f16 : &bf16, value);
		memcpy(out, &bits, sizeof bits);
	}
}

static double load_real(int type, const void *element)
{
	double value;
	float single;
	uint16_t bits;
	switch (type) {
	case LPAD_F64: memcpy(&value, element, sizeof value); return value;
	case LPAD_F32: memcpy(&single, element, sizeof single); return single;
	default: memcpy(&bits, element, sizeof bits); return widen(type == LPAD_F16 ? &f16 : &bf16, bits);
	}
}

/* Integers: the bytes of one are the low ones of the other, on every machine that lpad runs on. */
static const struct integer {
	int64_t low;
	uint64_t high;
} integers[] = {
	[LPAD_BOOL8] = { 0, 1 },
	[LPAD_U8] = { 0, UINT8_MAX }, [LPAD_I8] = { INT8_MIN, INT8_MAX },
	[LPAD_U16] = { 0, UINT16_MAX }, [LPAD_I16] = { INT16_MIN, INT16_MAX },
	[LPAD_U32] = { 0, UINT32_MAX }, [LPAD_I32] = { INT32_MIN, INT32_MAX },
	[LPAD_U64] = { 0, UINT64_MAX }, [LPAD_I64] = { INT64_MIN, INT64_MAX },
};

static bool is_real(int type)
{
	return type == LPAD_F16 || type == LPAD_BF16 || type == LPAD_F32 || type == LPAD_F64;
}

static uint64_t load_integer(int type, const void *element)
{
	uint64_t value = 0;
	size_t size = tensor_types[type].size;
	memcpy(&value, element, size);
	bool negative = integers[type].low && value >> (8 * size - 1);
	return negative && size < sizeof value ? value | UINT64_MAX << (8 * size) : value;
}

/* ---- reading ---- */

static int refuse(int type, const char *token, bool quoted, struct error *error)
{
	const char *quote = quoted ? "\"" : "";
	if (is_real(type) && !strcmp(token, "null"))
		return error_set(error, "null is no number: \"NaN\" is");
	return error_set(error, "%s%.40s%s is no %s", quote, token, quote, is_real(type) ? "number" : type == LPAD_BOOL8 ?
		"bool: true or false" : "whole number");
}

static int read_real(int type, const char *token, bool quoted, void *out, struct error *error)
{
	char *end;
	double value = strtod(token, &end);
	if (end == token || *end || quoted == (bool)isfinite(value)) {
		if (!quoted && end > token && !*end)
			return error_set(error, "%.40s is beyond the range of %s", token, tensor_types[type].shown);
		return refuse(type, token, quoted, error);
	}
	store_real(type, value, out);
	return quoted || isfinite(load_real(type, out)) ? 0
		: error_set(error, "%.40s is beyond the range of %s", token, tensor_types[type].shown);
}

static int beyond(int type, const char *token, struct error *error)
{
	return error_set(error, "%.40s is no %s: %" PRId64 " to %" PRIu64, token, tensor_types[type].shown,
		integers[type].low, integers[type].high);
}

/* 1e3 and 3.0 are whole, too. */
static int whole_real(const char *token, int64_t *out)
{
	static const double most = 9223372036854774784.0;       /* below 2 to the 63rd */
	char *end;
	double value = strtod(token, &end);
	if (end == token || *end || value != rint(value) || fabs(value) > most)
		return -1;
	*out = (int64_t)value;
	return 0;
}

static int read_integer(int type, const char *token, bool quoted, void *out, struct error *error)
{
	const struct integer *range = &integers[type];
	const char *digits = token + (*token == '-');
	int64_t value = 0;
	uint64_t above = 0;
	if (quoted || !*digits)
		return refuse(type, token, quoted, error);
	errno = 0;
	if (digits[strspn(digits, "0123456789")]) {
		if (whole_real(token, &value))
			return refuse(type, token, quoted, error);
	} else if (*token == '-') {
		value = strtoll(token, NULL, 10);
	} else {
		above = strtoull(token, NULL, 10);
		value = above > INT64_MAX ? INT64_MAX : (int64_t)above;
	}
	if (!above && value > 0)
		above = (uint64_t)value;
	if (errno || value < range->low || above > range->high)
		return beyond(type, token, error);
	uint64_t bits = above ? above : (uint64_t)value;
	memcpy(out, &bits, tensor_types[type].size);
	return 0;
}

int element_read(int type, const char *token, bool quoted, void *out, struct error *error)
{
	if (type == LPAD_BOOL8 && !quoted && (!strcmp(token, "true") || !strcmp(token, "false"))) {
		*(unsigned char *)out = *token == 't';
		return 0;
	}
	return is_real(type) ? read_real(type, token, quoted, out, error) : read_integer(type, token, quoted, out, error);
}

/* ---- writing ---- */

/* The digits that tell neighbours apart, at least and at most. */
static void digits_of(int type, int *least, int *most)
{
	*least = type == LPAD_F64 ? 15 : type == LPAD_F32 ? 6 : 1;
	*most = type == LPAD_F64 ? 17 : type == LPAD_F32 ? 9 : 5;
}

static void write_real(int type, const void *element, struct text *out)
{
	char number[NUMBER_ROOM];
	double value = load_real(type, element), again;
	int digits, most;
	if (!isfinite(value)) {
		text_add(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	if (value == rint(value) && fabs(value) < PLAIN_MOST) {
		snprintf(number, sizeof number, "%.0f", value);
		text_add(out, number);
		return;
	}
	digits_of(type, &digits, &most);
	for (; digits <= most; digits++) {
		snprintf(number, sizeof number, "%.*g", digits, value);
		store_real(type, strtod(number, NULL), &again);
		if (!memcmp(&again, element, tensor_types[type].size))
			break;
	}
	text_add(out, number);
}

void element_write(int type, const void *element, struct text *out)
{
	char number[NUMBER_ROOM];
	if (is_real(type)) {
		write_real(type, element, out);
		return;
	}
	uint64_t value = load_integer(type, element);
	if (type == LPAD_BOOL8)
		snprintf(number, sizeof number, "%s", value ? "true" : "false");
	else if (integers[type].low)
		snprintf(number, sizeof number, "%" PRId64, (int64_t)value);
	else
		snprintf(number, sizeof number, "%" PRIu64, value);
	text_add(out, number);
}
