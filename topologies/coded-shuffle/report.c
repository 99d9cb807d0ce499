/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "data.h"
#include "rates.h"

struct volume volume_of(const struct shuffle *shuffle)
{
	struct volume volume = { 0 };
	const int *rows;
	for (int set = 1; set < shuffle_sets(shuffle); set++) {
		int64_t length = shuffle_length(shuffle, set), members = __builtin_popcount((unsigned)set), wanted = 0;
		for (int worker = 0; worker < shuffle->workers; worker++)
			wanted += shuffle_queue(shuffle, set, worker, &rows);
		volume.uncoded += wanted;
		volume.coded += length;
		volume.copies += length * members;
		volume.shared += (double)wanted / (double)members;
	}
	return volume;
}

void volume_add(struct volume *sum, const struct volume *one)
{
	sum->uncoded += one->uncoded;
	sum->coded += one->coded;
	sum->copies += one->copies;
	sum->shared += one->shared;
	sum->shared_first = sum->shared_first > 0 ? sum->shared_first : one->shared;
	sum->decoded += one->decoded;
	sum->bad += one->bad;
	sum->coded_bytes += one->coded_bytes;
	sum->uncoded_bytes += one->uncoded_bytes;
	sum->received_bytes += one->received_bytes;
}

void report_head(void)
{
	printf("%8s %9s %9s %9s %9s %12s\n", "shuffle", "uncoded", "coded", "ratio", "copies", "mean square");
}

void report_line(int64_t shuffle, const struct volume *one, double error)
{
	printf("%8" PRId64 " %9" PRId64 " %9" PRId64 " %9.3f %9" PRId64 " %12.6f\n", shuffle, one->uncoded, one->coded,
		(double)one->uncoded / (double)one->coded, one->copies, error);
}

void report_checks(const struct shuffle *shuffle, int64_t shuffles, const struct volume *sum, struct checks *checks)
{
	int rows = shuffle->rows, workers = shuffle->workers, cache = shuffle->cache;
	double uncoded = rates_uncoded(rows, workers, cache), coded = rates_coded(rows, workers, cache), count = (double)shuffles;
	int64_t row = sizeof(union row);
	printf("exact ratio %.4f; the paper's abstract, for many workers: %.2f; with a copy of each XOR for every worker: %.3f\n",
		uncoded / coded, rates_asymptotic(rows, workers, cache), (double)sum->uncoded / (double)(sum->coded * workers));
	checks_equal(checks, "bad_rows", sum->bad, 0);
	checks_equal(checks, "decoded_rows", sum->decoded, sum->uncoded);
	checks_within(checks, "uncoded_rows", (double)sum->uncoded / count, uncoded, 0.01);
	checks_within(checks, "shared_rows_at_first", sum->shared_first, coded, 0.02);
	checks_within(checks, "shared_rows", sum->shared / count, coded, 0.03);
	checks_equal(checks, "coded_bytes", sum->coded_bytes, sum->coded * row);
	checks_equal(checks, "uncoded_bytes", sum->uncoded_bytes, sum->uncoded * row);
	checks_equal(checks, "received_bytes", sum->received_bytes, sum->coded_bytes * workers + sum->uncoded_bytes);
	checks_within(checks, "ratio_of_multicasts", (double)sum->uncoded / (double)sum->coded, uncoded / coded, 0.04);
	checks_within(checks, "ratio_of_copies", (double)sum->uncoded / (double)sum->copies, 1, 0.05);
}
