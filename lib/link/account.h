/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber tells a publisher, as the JSON bodies of SUBSCRIBE, CONFIRM, ACK, END_ACK and RESEND. A node may have several
 * subscriptions to one topic: "port", the subscription's name, tells them apart.
 *
 *     SUBSCRIBE        {"port": "reading", "keep": 10, "window": 128}
 *     CONFIRM          {"port": "reading"}
 *     ACK, END_ACK     {"port": "reading", "received": 12, "dropped": 0, "bytes": 768}
 *     RESEND           {"port": "reading", "longest": 1073741824}
 */
#ifndef LINK_ACCOUNT_H
#define LINK_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How one subscription stands with one publisher: since it was confirmed; bytes: of those received. */
struct account {
	int64_t received, dropped, bytes;
};

/* What accounts come to that are closed: with each incarnation of the other end one ends and another begins. */
struct past_accounts {
	int64_t published, received, dropped, lost, bytes;
};

/* Caller frees. */
char *account_subscribe(const char *port, int keep, int64_t window);
char *account_confirm(const char *port);
char *account_state(const char *port, const struct account *account);
char *account_resend(const char *port, size_t longest);

/* The port, which the caller frees; NULL: no such body. */
char *account_port(const char *body, size_t size);
/* false: not there, or negative. */
bool account_read(const char *body, size_t size, struct account *out);
bool account_longest(const char *body, size_t size, size_t *out);

#endif
