/* SPDX-License-Identifier: MIT */
/* The parts of topologies/dqn-cartpole that know nothing of lpad: the network's gradient, the learner's targets, who was inserted twice. */
#include "../../topologies/dqn-cartpole/network.c"
#include "../../topologies/dqn-cartpole/agent.c"
#include "../../topologies/dqn-cartpole/twice.c"

#include <check.h>

static struct network network, sum;

static float observe(lpad_rng *rng, float *observation)
{
	for (int i = 0; i < OBSERVATION; i++)
		observation[i] = (float)(2 * lpad_random_real(rng) - 1);
	return observation[0];
}

static float value(const float *observation, int action)
{
	struct activity activity;
	network_pass(&network, observation, &activity);
	return activity.value[action];
}

/* Each parameter moved a little either way. Where a unit begins to fire within that, the slope is not the gradient: few are. */
START_TEST(the_gradient_is_the_slope)
{
	static float turned[HIDDEN][HIDDEN];
	lpad_rng rng = { 7 };
	float observation[OBSERVATION], *parameters = (float *)&network, *slopes = (float *)&sum;
	int wrong = 0, flat = 0;
	network_init(&network, &rng);
	for (int i = 0; i < PARAMETERS; i++)
		parameters[i] += (float)(0.02 * lpad_random_real(&rng));        /* biases, too */
	observe(&rng, observation);
	struct activity activity;
	network_pass(&network, observation, &activity);
	network_turn(&network, turned);
	memset(&sum, 0, sizeof sum);
	network_gradient(&network, (const float (*)[HIDDEN])turned, observation, &activity, 1, 2, &sum);
	for (int i = 0; i < PARAMETERS; i++) {
		const float at = parameters[i], step = 1e-3f;
		parameters[i] = at + step;
		double above = value(observation, 1);
		parameters[i] = at - step;
		double slope = 2 * (above - value(observation, 1)) / (2 * step);
		parameters[i] = at;
		wrong += fabs(slope - slopes[i]) > 2e-3 + 1e-2 * fabs(slope);
		flat += slope == 0;
	}
	ck_assert_int_le(wrong, 4);
	ck_assert_int_lt(flat, PARAMETERS * 9 / 10);
}
END_TEST

START_TEST(the_best_action_is_that_of_most_value)
{
	lpad_rng rng = { 8 };
	int both[ACTIONS] = { 0 };
	network_init(&network, &rng);
	for (int i = 0; i < 1000; i++) {
		float observation[OBSERVATION];
		observe(&rng, observation);
		int best = network_best(&network, observation);
		ck_assert(value(observation, best) >= value(observation, !best));
		both[best]++;
	}
	ck_assert_int_gt(both[0], 0);
	ck_assert_int_gt(both[1], 0);
}
END_TEST

static struct agent agent = { .target_every = 10, .lr = 1e-3 };

/* Two networks that disagree: the online one chooses, the other one values. */
START_TEST(targets_are_double)
{
	lpad_rng rng = { 9 };
	float observation[1][OBSERVATION], reward = 3, discount = 0.5f;
	int64_t action = 0;
	struct batch batch = { 1, (const float (*)[OBSERVATION])observation, &action, &reward, &discount,
		(const float (*)[OBSERVATION])observation };
	agent_init(&agent, &rng);
	network_init(&agent.target, &rng);
	int seen = 0;
	for (int i = 0; i < 200; i++) {
		struct activity target;
		observe(&rng, observation[0]);
		int chosen = network_best(&agent.online, observation[0]);
		network_pass(&agent.target, observation[0], &target);
		ck_assert_float_eq_tol(aim(&agent, &batch, 0), 3 + 0.5f * target.value[chosen], 1e-6);
		seen += chosen != network_best(&agent.target, observation[0]);
	}
	ck_assert_int_gt(seen, 0);
	discount = 0;
	ck_assert(aim(&agent, &batch, 0) == reward);
}
END_TEST

START_TEST(it_learns_what_it_is_shown)
{
	enum { ROWS = 32 };
	lpad_rng rng = { 10 };
	static float observation[ROWS][OBSERVATION], reward[ROWS], discount[ROWS];
	static int64_t action[ROWS];
	struct batch batch = { ROWS, (const float (*)[OBSERVATION])observation, action, reward, discount,
		(const float (*)[OBSERVATION])observation };
	for (int row = 0; row < ROWS; row++) {
		reward[row] = 3 * observe(&rng, observation[row]);
		action[row] = row & 1;
	}
	agent_init(&agent, &rng);
	double first = agent_learn(&agent, &batch), last = first;
	ck_assert(memcmp(&agent.target, &agent.online, sizeof agent.target) != 0);
	for (int i = 1; i < 1000; i++)
		last = agent_learn(&agent, &batch);
	ck_assert_double_lt(last, first / 100);
	ck_assert(!memcmp(&agent.target, &agent.online, sizeof agent.target));          /* the 1000th step copied it */
}
END_TEST

START_TEST(an_id_under_two_keys_is_found)
{
	enum { IDS = 100000 };
	struct twice twice = { 0 };
	for (int round = 0; round < 2; round++)
		for (int64_t i = 0; i < IDS; i++)
			twice_note(&twice, (int64_t[IDENTITY]){ i % 7, 1 + i % 3, i }, (uint64_t)i);
	ck_assert_uint_eq(twice.count, IDS);
	ck_assert_int_eq(twice.found, 0);
	twice_note(&twice, (int64_t[IDENTITY]){ 5 % 7, 1 + 5 % 3, 5 }, IDS + 5);
	ck_assert_int_eq(twice.found, 1);
	twice_note(&twice, (int64_t[IDENTITY]){ 5 % 7, 2 + 5 % 3, 5 }, IDS + 6);        /* of another life */
	ck_assert_int_eq(twice.found, 1);
	twice_forget(&twice);
	twice_note(&twice, (int64_t[IDENTITY]){ 1, 2, 1 }, 0);
	ck_assert_uint_eq(twice.count, 1);
	ck_assert_int_eq(twice.found, 1);
	twice_release(&twice);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dqn-cartpole");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 120);
	tcase_add_test(all, the_gradient_is_the_slope);
	tcase_add_test(all, the_best_action_is_that_of_most_value);
	tcase_add_test(all, targets_are_double);
	tcase_add_test(all, it_learns_what_it_is_shown);
	tcase_add_test(all, an_id_under_two_keys_is_found);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
