/* SPDX-License-Identifier: MIT */
/* Publishes readings of a wave, so many a second; how many is set by whoever calls set_rate. */
#include <lpad/node.h>

#include <stdio.h>
#include <stdlib.h>

struct sensor {
	double rate;
	int64_t readings;
	double first_rate;
	lpad_topic *reading;
};

/* 0, 0.04, ... up to 1 and down again: 100 readings are a period. */
static double wave(int64_t n)
{
	int64_t at = n % 100;
	return (double)(at < 50 ? at : 100 - at) / 50;
}

static int set_rate(lpad_node *node, lpad_call *call)
{
	struct sensor *me = lpad_state(node);
	const char *text = lpad_json_text(lpad_request(call));
	double rate = text ? strtod(text, NULL) : 0;
	if (!(rate > 0))
		return lpad_fail(node, "a rate is a number above 0");
	lpad_lock(node);
	me->rate = rate;
	lpad_unlock(node);
	return lpad_answer(call, NULL);
}

static double rate_of(lpad_node *node)
{
	struct sensor *me = lpad_state(node);
	lpad_lock(node);
	double rate = me->rate;
	lpad_unlock(node);
	return rate;
}

static int run(lpad_node *node)
{
	struct sensor *me = lpad_state(node);
	char text[80];
	me->first_rate = rate_of(node);
	for (int64_t n = 0; n < me->readings; n++) {
		snprintf(text, sizeof text, "{\"n\": %lld, \"value\": %.2f}", (long long)n, wave(n));
		int code = lpad_publish(me->reading, lpad_json(text));
		if (code)
			return code;
		if (lpad_wait_stop(node, lpad_in(1 / rate_of(node))) == 0)
			return 0;
	}
	bool pass = rate_of(node) == 100 * me->first_rate;
	printf("CHECK rate %g %g 0 %s\n", rate_of(node), 100 * me->first_rate, pass ? "PASS" : "FAIL");
	return pass ? 0 : 1;
}

static const lpad_param params[] = {
	LPAD_REAL(struct sensor, rate, "5.0", "0.001..", "readings per second in the beginning"),
	LPAD_INT(struct sensor, readings, "200", "0..", "after so many it has ended"),
	LPAD_END
};
static const lpad_topic_decl topics[] = { LPAD_TOPIC(struct sensor, reading, "{\"n\": 0, \"value\": 0.0}"), LPAD_END };
static const lpad_method methods[] = { LPAD_METHOD(set_rate, "a number: readings per second from now on"), LPAD_END };
LPAD_MODULE({ .name = "sensor", .help = "a wave", .state = sizeof(struct sensor), .params = params, .topics = topics,
	.methods = methods, .run = run });
