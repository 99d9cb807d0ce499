/* SPDX-License-Identifier: MIT */
/* What each shuffle sent, printed and checked against the closed forms. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "../common/checks.h"
#include "shuffle.h"

/* Rows, of one shuffle or of all. */
struct volume {
	int64_t uncoded;        /* one at a time, to whom it lacks */
	int64_t coded;          /* XORs, each counted once */
	int64_t copies;         /* XORs, counted at each member of their sets */
	double shared;          /* what the XORs would be, were the queues of a set equally long */
	double shared_first;    /* of a sum: what it was in the first shuffle */
	int64_t decoded, bad;   /* as the workers say */
	int64_t coded_bytes, uncoded_bytes, received_bytes;     /* published, called; both ways come, at all workers */
};

/* By the books of this shuffle; what is not known from them is 0. */
struct volume volume_of(const struct shuffle *shuffle);
void volume_add(struct volume *sum, const struct volume *one);

void report_head(void);
void report_line(int64_t shuffle, const struct volume *one, double error);
void report_checks(const struct shuffle *shuffle, int64_t shuffles, const struct volume *sum, struct checks *checks);

#endif
