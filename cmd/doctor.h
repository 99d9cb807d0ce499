/* SPDX-License-Identifier: MIT */
/*
 * What `lpad doctor` looks at: three tables, each in the file of its name, and each row a function that changes nothing.
 *
 *     static void look_at_clock(struct finding *finding)
 *     {
 *             finding_value(finding, "%s", now);
 *             if (before_its_time)
 *                     finding_raise(finding, FINDING_WARNING, "records are dated wrongly", "set the clock: timedatectl");
 *     }
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "base/text.h"

enum finding_verdict { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };
struct finding {
	enum finding_verdict verdict;
	struct text value;              /* what there is */
	struct text meaning, remedy;    /* unless all is well: what does not work, and what to do; a line for each */
};
struct doctor_check {
	const char *name;               /* NULL: the end of the table */
	void (*look)(struct finding *finding);
};

/* doctor_machine.c, doctor_tools.c, doctor_places.c */
extern const struct doctor_check doctor_machine[], doctor_tools[], doctor_places[];

/* Adds to what there is. */
void finding_value(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* It is at least that bad. `remedy` may be NULL. */
void finding_raise(struct finding *finding, enum finding_verdict verdict, const char *meaning, const char *remedy);

#endif
