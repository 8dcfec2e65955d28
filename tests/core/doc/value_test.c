// SPDX-License-Identifier: Apache-2.0
/* value_test.c: looking into a document, and exact comparison. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/doc/value.h"
#include "frame/test.h"

static const ag_value *parse(ag_arena *arena, const char *text)
{
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    const ag_value *value = NULL;
    ag_err err = {0};
    AG_EXPECT_OK(ag_json_parse(arena, ag_str_of(text), &options, &value, &err));
    return value;
}

AG_TEST(test_value__paths_lead_to_values_or_to_nothing)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *root = parse(arena, "{\"a\": {\"b\": [10, [20], {\"c\": 30}]}, \"\": 1}");
    int64_t number;
    assert_true(ag_value_int(ag_value_at(root, "a.b[0]"), &number) && number == 10);
    assert_true(ag_value_int(ag_value_at(root, "a.b[1][0]"), &number) && number == 20);
    assert_true(ag_value_int(ag_value_at(root, "a.b[2].c"), &number) && number == 30);
    assert_ptr_equal(ag_value_at(root, ""), root);
    static const char *const absent[] = {"x",
                                         "a.x",
                                         "a.b[3]",
                                         "a.b.c",
                                         "a[0]",
                                         "a.b[",
                                         "a.b[x]",
                                         "a.b[0",
                                         "a.b[-1]",
                                         "a..b",
                                         ".a",
                                         "a.",
                                         "a.b[99999999999999999999999]"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) assert_null(ag_value_at(root, absent[i]));
    assert_null(ag_value_at(NULL, "a"));
    assert_null(ag_value_get(ag_value_at(root, "a.b"), "a"));
    assert_null(ag_value_item(root, 0));
    ag_arena_free(arena);
}

AG_TEST(test_value__conversions_are_exact_or_refused)
{
    ag_value real = {.kind = AG_REAL, .real = 3.0}, text = {.kind = AG_STRING};
    ag_value integer = {.kind = AG_INT, .integer = 7}, boolean = {.kind = AG_BOOL, .boolean = true};
    int64_t number;
    double decimal;
    bool flag;
    ag_str string;
    assert_true(ag_value_int(&real, &number) && number == 3);
    real.real = 3.5;
    assert_false(ag_value_int(&real, &number));
    real.real = 9007199254740992.0;
    assert_true(ag_value_int(&real, &number) && number == INT64_C(9007199254740992));
    real.real = 9007199254740994.0;
    assert_false(ag_value_int(&real, &number));
    real.real = NAN;
    assert_false(ag_value_int(&real, &number));
    real.real = -INFINITY;
    assert_false(ag_value_int(&real, &number));
    assert_true(ag_value_real(&integer, &decimal) && decimal == 7.0);
    assert_false(ag_value_real(&text, &decimal));
    assert_true(ag_value_bool(&boolean, &flag) && flag);
    assert_false(ag_value_bool(&integer, &flag));
    assert_true(ag_value_string(&text, &string) && string.size == 0);
    assert_false(ag_value_string(&integer, &string));
    assert_false(ag_value_int(NULL, &number) || ag_value_real(NULL, &decimal) || ag_value_bool(NULL, &flag) ||
                 ag_value_string(NULL, &string));
}

AG_TEST(test_value__equality_ignores_the_order_of_members)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"1", "1.0", true},
        {"9007199254740993", "9007199254740992.0", false},
        {"1", "\"1\"", false},
        {"NaN", "NaN", true},
        {"null", "false", false},
        {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
        {"true", "true", true},
    };
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const ag_value *a = parse(arena, pairs[i].a), *b = parse(arena, pairs[i].b);
        assert_int_equal(ag_value_equal(a, b), pairs[i].equal);
        assert_int_equal(ag_value_equal(b, a), pairs[i].equal);
        assert_true(ag_value_equal(a, a));
    }
    assert_true(ag_value_equal(NULL, NULL));
    assert_false(ag_value_equal(NULL, parse(arena, "null")));
    ag_arena_free(arena);
}

AG_TEST(test_value__every_kind_has_a_name_for_messages)
{
    for (int kind = AG_NULL; kind <= AG_OBJECT; kind++) assert_true(strlen(ag_kind_name((ag_kind)kind)) > 3);
    assert_string_equal(ag_kind_name(AG_INT), "an integer");
}
