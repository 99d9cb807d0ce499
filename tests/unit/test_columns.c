/* SPDX-License-Identifier: MIT */
/* What is read from the words of `lpad ps` and `lpad wait`: columns, figures, conditions, and how values compare. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/table.h"
#include "base/text.h"
#include "supervise/columns.h"
#include "supervise/condition.h"

static struct error error;

/* ---- figures ---- */

static json_t *some_figures(void)
{
	static const char *const lines[] = {
		"{\"node\":\"a/0\",\"name\":\"loss\",\"value\":4,\"step\":1,\"time\":1}",
		"{\"node\":\"a/0\",\"name\":\"loss\",\"value\":2,\"step\":2,\"time\":1}",
		"{\"node\":\"a/1\",\"name\":\"loss\",\"value\":-6,\"step\":1,\"time\":1}",
		"{\"node\":\"ab\",\"name\":\"loss\",\"value\":100,\"step\":1,\"time\":1}",
		"{\"node\":\"a/0\",\"name\":\"x.max\",\"value\":7,\"step\":1,\"time\":1}",
		"{\"node\":\"bad\",\"name\":\"nan\",\"value\":\"NaN\",\"step\":1,\"time\":1}",
		"{\"node\":\"bad\",\"name\":\"inf\",\"value\":\"-Infinity\",\"step\":1,\"time\":1}",
		"no JSON", "[]", "{\"node\":1}",
	};
	json_t *out = json_object();
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		figures_add(out, lines[i], strlen(lines[i]));
	return out;
}

static double value_of(const char *text)
{
	struct figure figure;
	double value = 0;
	json_t *figures = some_figures();
	ck_assert_msg(figure_parse(text, &figure), "%s", text);
	ck_assert_msg(figure_value(&figure, figures, &value), "%s has no value", text);
	figure_release(&figure);
	json_decref(figures);
	return value;
}

START_TEST(figures_of_groups_and_replicas)
{
	ck_assert_double_eq(value_of("a/0.loss"), 2);
	ck_assert_double_eq(value_of("a/0.loss.mean"), 3);
	ck_assert_double_eq(value_of("a.loss"), -2);            /* (2 + -6) / 2 */
	ck_assert_double_eq(value_of("a.loss.mean"), 0);        /* (4 + 2 - 6) / 3 */
	ck_assert_double_eq(value_of("a.loss.min"), -6);
	ck_assert_double_eq(value_of("a.loss.max"), 4);
	ck_assert_double_eq(value_of("a.loss.count"), 3);
	ck_assert_double_eq(value_of("a.x.max"), 7);            /* its own name, and the greatest of no x */
	ck_assert_double_eq(value_of("a.x.max.count"), 1);
	ck_assert(isnan(value_of("bad.nan")));
	ck_assert(value_of("bad.inf") == -INFINITY);
}
END_TEST

START_TEST(what_is_no_figure)
{
	static const char *const none[] = { "", "a", ".a", "a.", "a b.c", "A.b", "<.b" };
	struct figure figure;
	double value;
	json_t *figures = some_figures();
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		ck_assert_msg(!figure_parse(none[i], &figure), "%s", none[i]);
	ck_assert(figure_parse("a.gain", &figure));
	ck_assert(!figure_value(&figure, figures, &value));
	figure_release(&figure);
	json_decref(figures);
}
END_TEST

/* ---- conditions ---- */

static const struct { const char *text; bool met; } conditions[] = {
	{ "a/0.loss<3", true }, { "a/0.loss < 2", false }, { "  a/0.loss<=2 ", true }, { "a/0.loss>=2.0", true },
	{ "a/0.loss>2", false }, { "a/0.loss == 2", true }, { "a/0.loss!=2", false }, { "a.loss<-5", true },
	{ "a.loss>=2", true }, { "a.loss > 50", false }, { "a.loss.max>3.9", true }, { "a/1.loss.count==1", true },
	{ "a.x.max>6", true }, { "ab.loss>1e1", true }, { "bad.nan<1", false }, { "bad.nan>=1", false },
	{ "bad.nan!=1", true }, { "bad.inf<0", true }, { "c.loss<1", false }, { "a.gain!=1", false },
};

START_TEST(conditions_of_figures)
{
	struct condition condition;
	json_t *figures = some_figures();
	ck_assert_msg(!condition_parse(conditions[_i].text, &condition, &error), "%s", error.text);
	ck_assert_msg(condition_met_by_figures(&condition, figures) == conditions[_i].met, "%s", conditions[_i].text);
	condition_release(&condition);
	json_decref(figures);
}
END_TEST

START_TEST(conditions_of_states)
{
	struct condition condition;
	json_t *status = json_pack("{s[{ssss}{ssss}]}", "nodes", "node", "a/0", "state", "running", "node", "a/1", "state", "dead");
	static const struct { const char *text; bool met; } cases[] = {
		{ "a/0 running", true }, { " a/1  running", false }, { "a running ", true }, { "a dead", true }, { "b dead", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert_msg(!condition_parse(cases[i].text, &condition, &error), "%s", error.text);
		ck_assert_msg(condition_met_by_states(&condition, status) == cases[i].met, "%s", cases[i].text);
		condition_release(&condition);
	}
	json_decref(status);
}
END_TEST

static const struct { const char *text, *says; } mistakes[] = {
	{ "", "is no condition" }, { "loss<1", "is no condition" }, { "a.loss", "is no condition" }, { "<1", "is no condition" },
	{ "a.loss<", "`a.loss<`: " }, { "a.loss<one", "one" }, { "a.loss=1", "write ==" }, { "a.loss!1", "is no condition" },
	{ "a.loss<<1", "<1" }, { "a b.c<1", "is no condition" }, { "a runing", "did you mean running?" },
	{ "a happy", "a node is never `happy`" }, { "a.loss running", "is no condition" },
};

START_TEST(what_is_no_condition)
{
	struct condition condition;
	ck_assert_int_eq(condition_parse(mistakes[_i].text, &condition, &error), -1);
	ck_assert_msg(strstr(error.text, mistakes[_i].says), "%s: %s", mistakes[_i].text, error.text);
}
END_TEST

/* ---- columns ---- */

START_TEST(columns_are_read)
{
	struct columns columns = { 0 };
	ck_assert(!columns_add(&columns, "run,vars.lr,a/1.loss.max,time", &error));
	ck_assert_uint_eq(columns.list.count, 4);
	ck_assert_str_eq(columns.list.at[1].variable, "lr");
	ck_assert_str_eq(columns.list.at[2].figure.node, "a/1");
	ck_assert_str_eq(columns.list.at[2].figure.metric, "loss.max");
	ck_assert(columns_want_figures(&columns));
	ck_assert(!column_is_number(&columns.list.at[0]) && column_is_number(&columns.list.at[3]));
	ck_assert_int_eq(columns_add(&columns, "stat", &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "did you mean state?"));
	ck_assert_int_eq(columns_add(&columns, "", &error), -1);
	ck_assert_int_eq(columns_add(&columns, "vars.", &error), -1);
	columns_release(&columns);
}
END_TEST

/* -1, 0 or 1 for two values as JSON. */
static int compared(const char *a, const char *b, bool descending)
{
	json_t *one = json_loads(a, JSON_DECODE_ANY, NULL), *two = json_loads(b, JSON_DECODE_ANY, NULL);
	int order = column_compare(one, two, descending);
	json_decref(one);
	json_decref(two);
	return order < 0 ? -1 : order > 0;
}

START_TEST(values_compare)
{
	ck_assert_int_eq(compared("9", "10", false), -1);
	ck_assert_int_eq(compared("9", "10", true), 1);
	ck_assert_int_eq(compared("\"9\"", "\"10\"", false), -1);       /* variables are texts */
	ck_assert_int_eq(compared("\"1e-3\"", "\"0.01\"", false), -1);
	ck_assert_int_eq(compared("\"dqn-9\"", "\"dqn-10\"", false), -1);
	ck_assert_int_eq(compared("null", "1", false), 1);              /* last either way */
	ck_assert_int_eq(compared("null", "1", true), 1);
	ck_assert_int_eq(compared("null", "null", true), 0);
	ck_assert_int_eq(compared("1", "\"x\"", false), -1);
	ck_assert_int_eq(compared("[\"a\"]", "[\"b\"]", false), -1);
	ck_assert_int_eq(compared("2", "\"2\"", false), 0);
}
END_TEST

/* ---- tables ---- */

static char *printed(size_t width)
{
	struct table table = { 0 };
	char *text = NULL;
	size_t size;
	table_column(&table, "name", false);
	table_column(&table, "n", true);
	table_column(&table, "last", false);
	static const char *const cells[] = { "a long name \xc3\xa4\xc3\xb6 here", "1", "x", "b", "200", "two\nlines" };
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		table_cell(&table, cells[i]);
	FILE *file = open_memstream(&text, &size);
	table_print(&table, file, width);
	fclose(file);
	table_release(&table);
	return text;
}

START_TEST(tables_fit)
{
	char *whole = printed(0), *cut = printed(26), *least = printed(1);
	ck_assert_str_eq(whole, "name                   n  last\na long name \xc3\xa4\xc3\xb6 here    1  x\n"
		"b                    200  two lines\n");
	ck_assert_str_eq(cut, "name          n  last\na long na~    1  x\nb           200  two lines\n");
	ck_assert_str_eq(least, "name      n  last\na lon~    1  x\nb       200  two l~\n");
	free(whole);
	free(cut);
	free(least);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("columns");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, figures_of_groups_and_replicas);
	tcase_add_test(tcase, what_is_no_figure);
	tcase_add_loop_test(tcase, conditions_of_figures, 0, sizeof conditions / sizeof conditions[0]);
	tcase_add_test(tcase, conditions_of_states);
	tcase_add_loop_test(tcase, what_is_no_condition, 0, sizeof mistakes / sizeof mistakes[0]);
	tcase_add_test(tcase, columns_are_read);
	tcase_add_test(tcase, values_compare);
	tcase_add_test(tcase, tables_fit);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
