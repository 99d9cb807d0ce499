/* SPDX-License-Identifier: MIT */
#include "link/account.h"

#include <jansson.h>

#include "base/error.h"
#include "base/memory.h"

static char *encoded(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	json_decref(value);
	if (!text)
		BUG("a subscription's name is not UTF-8");      /* interface names are checked when a module is read */
	return text;
}

char *account_subscribe(const char *port, int keep, int64_t window)
{
	return encoded(json_pack("{s:s, s:i, s:I}", "port", port, "keep", keep, "window", (json_int_t)window));
}

char *account_confirm(const char *port)
{
	return encoded(json_pack("{s:s}", "port", port));
}

char *account_state(const char *port, const struct account *account)
{
	return encoded(json_pack("{s:s, s:I, s:I, s:I}", "port", port, "received", (json_int_t)account->received,
		"dropped", (json_int_t)account->dropped, "bytes", (json_int_t)account->bytes));
}

char *account_resend(const char *port, size_t longest)
{
	return encoded(json_pack("{s:s, s:I}", "port", port, "longest", (json_int_t)longest));
}

char *account_port(const char *body, size_t size)
{
	const char *port = NULL;
	json_t *value = json_loadb(body, size, 0, NULL);
	json_unpack(value, "{s:s}", "port", &port);
	char *copy = memory_copy_text(port);
	json_decref(value);
	return copy;
}

bool account_read(const char *body, size_t size, struct account *out)
{
	json_int_t received = -1, dropped = -1, bytes = -1;
	json_t *value = json_loadb(body, size, 0, NULL);
	json_unpack(value, "{s:I, s:I, s:I}", "received", &received, "dropped", &dropped, "bytes", &bytes);
	json_decref(value);
	*out = (struct account){ received, dropped, bytes };
	return received >= 0 && dropped >= 0 && bytes >= 0;
}

bool account_longest(const char *body, size_t size, size_t *out)
{
	json_int_t longest = -1;
	json_t *value = json_loadb(body, size, 0, NULL);
	json_unpack(value, "{s:I}", "longest", &longest);
	json_decref(value);
	*out = (size_t)longest;
	return longest >= 0;
}
