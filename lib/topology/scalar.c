/* SPDX-License-Identifier: MIT */
#include "topology/scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { SHOWN = 60 };            /* characters of a wrong value in a message */

struct unit {
	const char *name;
	double factor;
};

static const char *digits_end(const char *at, const char *set)
{
	return at + strspn(at, set);
}

/* [-+]? digits with a point [eE exponent]: where it ends, or NULL if no number begins here. */
static const char *number_end(const char *text)
{
	static const char decimal[] = "0123456789";
	const char *at = text + (*text == '-' || *text == '+');
	const char *whole = digits_end(at, decimal);
	const char *end = whole;
	if (*whole == '.') {
		end = digits_end(whole + 1, decimal);
		if (whole == at && end == whole + 1)
			return NULL;
	} else if (whole == at) {
		return NULL;
	}
	if (*end == 'e' || *end == 'E') {
		const char *power = end + 1 + (end[1] == '-' || end[1] == '+');
		const char *last = digits_end(power, decimal);
		if (last > power)
			end = last;
	}
	return end;
}

/* 16 or 8 behind 0x or 0o, else 10; 0 if the text is no whole number. */
static int base_of(const char *text)
{
	static const struct { int base; const char *digits; } bases[] = {
		{ 16, "0123456789abcdefABCDEF" }, { 8, "01234567" }, { 10, "0123456789" },
	};
	int which = text_starts(text, "0x") ? 0 : text_starts(text, "0o") ? 1 : 2;
	const char *at = which < 2 ? text + 2 : text + (*text == '-' || *text == '+');
	const char *end = digits_end(at, bases[which].digits);
	return end > at && !*end ? bases[which].base : 0;
}

int scalar_int(const char *text, int64_t *out, struct error *error)
{
	int base = base_of(text);
	if (!base)
		return error_set(error, "a whole number is needed, not \"%.*s\"", SHOWN, text);
	errno = 0;
	long long value = strtoll(base == 10 ? text : text + 2, NULL, base);
	if (errno == ERANGE)
		return error_set(error, "the number %.*s is too large", SHOWN, text);
	*out = value;
	return 0;
}

static bool special(const char *text, double *out)
{
	static const struct { const char *text; double value; } words[] = {
		{ ".inf", INFINITY }, { ".Inf", INFINITY }, { ".INF", INFINITY },
		{ ".nan", NAN }, { ".NaN", NAN }, { ".NAN", NAN },
	};
	bool sign = *text == '-' || *text == '+';
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(text + sign, words[i].text) && !(sign && isnan(words[i].value))) {
			*out = *text == '-' ? -words[i].value : words[i].value;
			return true;
		}
	return false;
}

int scalar_real(const char *text, double *out, struct error *error)
{
	int64_t whole;
	int base = base_of(text);
	if (base == 8 || base == 16) {
		if (scalar_int(text, &whole, error))
			return -1;
		*out = (double)whole;
		return 0;
	}
	if (special(text, out))
		return 0;
	const char *end = number_end(text);
	if (!end || *end)
		return error_set(error, "a number is needed, not \"%.*s\"", SHOWN, text);
	double value = strtod(text, NULL);
	if (isinf(value))
		return error_set(error, "the number %.*s is too large", SHOWN, text);
	*out = value;
	return 0;
}

int scalar_bool(const char *text, bool *out, struct error *error)
{
	static const char *const words[] = { "false", "False", "FALSE", "true", "True", "TRUE" };
	static const char *const old[] = { "yes", "no", "on", "off", "y", "n" };
	for (size_t i = 0; i < 6; i++)
		if (!strcmp(text, words[i])) {
			*out = i >= 3;
			return 0;
		}
	for (size_t i = 0; i < 6; i++)
		if (!strcasecmp(text, old[i]))
			return error_set(error, "true or false is needed: \"%s\" is a text in YAML 1.2", text);
	return error_set(error, "true or false is needed, not \"%.*s\"", SHOWN, text);
}

/* number * unit as a whole number; 1: no such unit (or no number), 2: does not fit or is negative. */
static int with_unit(const char *text, const struct unit *units, int64_t *out)
{
	const char *end = number_end(text);
	if (!end || *text == '+')
		return 1;
	while (units->name && strcmp(units->name, end))
		units++;
	if (!units->name)
		return 1;
	double value = strtod(text, NULL) * units->factor;
	if (signbit(value) || value >= 9.2e18)
		return 2;
	*out = (int64_t)(value + 0.5);
	return 0;
}

int scalar_duration(const char *text, int64_t *ns, struct error *error)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
		{ "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { 0 },
	};
	if (!strcmp(text, "0")) {
		*ns = 0;
		return 0;
	}
	const char *end = number_end(text);
	if (end && !*end)
		return error_set(error, "a duration needs a unit: %.*ss, %.*sms, %.*sm",
			SHOWN, text, SHOWN, text, SHOWN, text);
	int bad = with_unit(text, units, ns);
	if (bad == 2)
		return error_set(error, "a duration cannot be %s: %.*s",
			*text == '-' ? "negative" : "that long", SHOWN, text);
	if (bad)
		return error_set(error,
			"a duration is a number and a unit (us, ms, s, m, h, d) like 500ms, not \"%.*s\"",
			SHOWN, text);
	return 0;
}

int scalar_size(const char *text, int64_t *bytes, struct error *error)
{
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 }, { "KiB", 0x1p10 }, { "MiB", 0x1p20 }, { "GiB", 0x1p30 },
		{ "TiB", 0x1p40 },
		{ "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }, { 0 },
	};
	int bad = with_unit(text, units, bytes);
	if (bad == 2)
		return error_set(error, "a size cannot be %s: %.*s",
			*text == '-' ? "negative" : "that large", SHOWN, text);
	if (bad)
		return error_set(error,
			"a size is a number and a unit (B, KiB, MiB, GiB, kB, MB, GB) like 64MiB, not \"%.*s\"",
			SHOWN, text);
	return 0;
}

/* One end of a range: a number, a duration in seconds, or a size in bytes. */
static double bound(const char *text)
{
	double value;
	int64_t whole;
	if (!scalar_real(text, &value, NULL))
		return value;
	if (!scalar_duration(text, &whole, NULL))
		return (double)whole / 1e9;
	if (!scalar_size(text, &whole, NULL))
		return (double)whole;
	return NAN;
}

bool scalar_in_range(const char *range, double value)
{
	const char *dots = range ? strstr(range, "..") : NULL;
	if (!dots)
		return true;
	char *cleanup_free low = memory_copy_span(range, (size_t)(dots - range));
	const char *high = dots + 2;
	if (*low && !(value >= bound(low)))
		return false;
	return !*high || value <= bound(high);
}
