/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/tree.h"

static const struct mark here = { "topo.yaml", 1, 1, 1, 2 };

static struct tree *scalar(const char *text)
{
	return tree_scalar(text, here, "/base", false);
}

START_TEST(a_list_keeps_its_order)
{
	struct tree *list = tree_list(here);
	char text[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		tree_append(list, scalar(text));
	}
	ck_assert_uint_eq(list->count, 1000);
	ck_assert_str_eq(list->items[0]->text, "0");
	ck_assert_str_eq(list->items[999]->text, "999");
	tree_free(list);
}
END_TEST

START_TEST(a_map_finds_its_keys)
{
	struct tree *map = tree_map(here);
	char key[16];
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof key, "key%d", i);
		struct mark mark = { "topo.yaml", i + 1, 1, i + 1, 5 };
		tree_put(map, key, mark, scalar(key));
	}
	ck_assert_str_eq(tree_get(map, "key0")->text, "key0");
	ck_assert_str_eq(tree_get(map, "key99")->text, "key99");
	ck_assert_int_eq(map->key_marks[99].line, 100);
	ck_assert_ptr_null(tree_get(map, "key100"));
	ck_assert_ptr_null(tree_get(NULL, "key0"));
	ck_assert_ptr_null(tree_get(map->items[0], "key0"));
	tree_free(map);
}
END_TEST

START_TEST(shared_trees_live_until_the_last_is_freed)
{
	struct tree *item = scalar("x"), *list = tree_list(here), *other = tree_list(here);
	tree_append(list, tree_share(item));
	tree_append(other, tree_share(item));
	tree_free(list);
	tree_free(item);
	ck_assert_str_eq(other->items[0]->text, "x");
	tree_free(other);
	tree_free(NULL);
}
END_TEST

START_TEST(null_is_plain)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	for (size_t i = 0; i < 5; i++) {
		struct tree *plain = scalar(nulls[i]), *quoted = tree_scalar(nulls[i], here, NULL, true);
		ck_assert(tree_is_null(plain) && !tree_is_null(quoted));
		ck_assert_str_eq(tree_kind_name(plain), "nothing");
		ck_assert_str_eq(tree_kind_name(quoted), "a text");
		tree_free(plain);
		tree_free(quoted);
	}
	struct tree *text = scalar("nil"), *list = tree_list(here), *map = tree_map(here);
	ck_assert(!tree_is_null(text) && !tree_is_null(list));
	ck_assert_str_eq(tree_kind_name(list), "a list");
	ck_assert_str_eq(tree_kind_name(map), "a map");
	ck_assert_str_eq(tree_kind_name(NULL), "nothing");
	tree_free(text);
	tree_free(list);
	tree_free(map);
}
END_TEST

static struct tree *pair_map(const char *first, const char *second)
{
	struct tree *map = tree_map(here);
	tree_put(map, first, here, scalar(first));
	tree_put(map, second, here, scalar(second));
	return map;
}

START_TEST(maps_are_equal_whatever_their_order)
{
	struct tree *ab = pair_map("a", "b"), *ba = pair_map("b", "a"), *ac = pair_map("a", "c");
	struct tree *list = tree_list(here), *swapped = tree_list(here);
	ck_assert(tree_equal(ab, ba));
	ck_assert(!tree_equal(ab, ac));
	ck_assert(!tree_equal(ab, NULL));
	ck_assert(tree_equal(NULL, NULL));
	tree_append(list, scalar("a")), tree_append(list, scalar("b"));
	tree_append(swapped, scalar("b")), tree_append(swapped, scalar("a"));
	ck_assert(!tree_equal(list, swapped));
	ck_assert(!tree_equal(list, ab));
	tree_free(ab), tree_free(ba), tree_free(ac), tree_free(list), tree_free(swapped);
}
END_TEST

START_TEST(a_quoted_null_is_not_null)
{
	struct tree *null = scalar("~"), *empty = scalar(""), *text = tree_scalar("~", here, NULL, true);
	ck_assert(tree_equal(null, empty));
	ck_assert(!tree_equal(null, text));
	tree_free(null), tree_free(empty), tree_free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree");
	TCase *cases = tcase_create("tree");
	tcase_add_test(cases, a_list_keeps_its_order);
	tcase_add_test(cases, a_map_finds_its_keys);
	tcase_add_test(cases, shared_trees_live_until_the_last_is_freed);
	tcase_add_test(cases, null_is_plain);
	tcase_add_test(cases, maps_are_equal_whatever_their_order);
	tcase_add_test(cases, a_quoted_null_is_not_null);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
