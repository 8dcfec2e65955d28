// SPDX-License-Identifier: Apache-2.0
/* yaml_parse_test.c: the core schema, places, refusals, aliases within the limits. */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/json.h"
#include "core/doc/yaml.h"
#include "core/doc/yaml_version.h"
#include "frame/test.h"

/* The YAML text must give the tree of the JSON text. */
static void expect_same(const char *yaml, const char *json)
{
    ag_arena *arena = ag_arena_new(0);
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    const ag_value *got = NULL, *want = NULL;
    ag_err err = {0};
    AG_EXPECT_OK(ag_json_parse(arena, ag_str_of(json), &options, &want, &err));
    AG_EXPECT_OK(ag_yaml_parse(arena, ag_str_of(yaml), NULL, &got, &err));
    if (!ag_value_equal(got, want)) fail_msg("%s\n is not %s", yaml, json);
    ag_arena_free(arena);
}

AG_TEST(test_yaml__structures_become_the_tree_of_json)
{
    expect_same("", "null");
    expect_same("# nothing\n", "null");
    expect_same("---\n...\n", "null");
    expect_same("a: 1\nb:\n  - x\n  - {c: [1, 2.5], d: }\n", "{\"a\":1,\"b\":[\"x\",{\"c\":[1,2.5],\"d\":null}]}");
    expect_same("%YAML 1.2\n---\n- - 1\n  - 2\n-\n  k: v\n", "[[1,2],{\"k\":\"v\"}]");
    expect_same("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: 'it''s'\nd: \"\\u00e9\\n\"\n",
                "{\"a\":\"x\\ny\\n\",\"b\":\"x y\",\"c\":\"it's\",\"d\":\"\\u00e9\\n\"}");
    expect_same("{\"json\": [true, null, 1e3]}", "{\"json\":[true,null,1000.0]}");
    expect_same("? key\n: value\n", "{\"key\":\"value\"}");
    expect_same("\xEF\xBB\xBF"
                "a: 1\n",
                "{\"a\":1}");
    expect_same("\"a\\0b\": 1", "{\"a\\u0000b\":1}");
}

AG_TEST(test_yaml__says_that_it_is_1_2_before_the_document)
{
    static const struct {
        const char *text;
        size_t minor;
    } rows[] = {{"%YAML 1.2", 8},
                {"%YAML 1.2\n---\n1", 8},
                {"# 1.2\r\n\n \t\n  # more\n%TAG ! !x\n%YAML \t1.2\r\n", 39},
                {"", SIZE_MAX},
                {"\n", SIZE_MAX},
                {"%YAML", SIZE_MAX},
                {"%YAML ", SIZE_MAX},
                {"%YAML1.2", SIZE_MAX},
                {"%YAML 1.", SIZE_MAX},
                {"%YAML 1.1\n", SIZE_MAX},
                {"%YAML 1.20\n", SIZE_MAX},
                {"%YAML 11.2\n", SIZE_MAX},
                {" %YAML 1.2\n", SIZE_MAX},
                {"# %YAML 1.2\n", SIZE_MAX},
                {"a: |\n%YAML 1.2\n", SIZE_MAX},
                {"---\n%YAML 1.2\n", SIZE_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t minor = ag_yaml_version_minor(ag_str_of(rows[i].text));
        if (minor != rows[i].minor) fail_msg("'%s': %zu, not %zu", rows[i].text, minor, rows[i].minor);
    }
    expect_same("# a comment\n\n%YAML 1.2 # said\n--- {v: 1.2}\n", "{\"v\":1.2}");
    expect_same("%YAML 1.2\n--- |\n  %YAML 1.2\n", "\"%YAML 1.2\\n\"");
    expect_same("%YAML 1.1\n--- 1.2\n", "1.2");
}

AG_TEST(test_yaml__plain_scalars_follow_the_core_schema)
{
    expect_same("[~, null, Null, NULL, nULL]", "[null,null,null,null,\"nULL\"]");
    expect_same("a:\nb: \"\"\nc: ''\n", "{\"a\":null,\"b\":\"\",\"c\":\"\"}");
}

AG_TEST(test_yaml__words_numbers_and_the_surprises_of_1_1)
{
    expect_same("[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
    expect_same("[yes, no, on, off, y, n, tRUE]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"tRUE\"]");
    expect_same("[0, -1, +2, 007, 0o17, 0x1F, -0x1]", "[0,-1,2,7,15,31,\"-0x1\"]");
    expect_same("[1_000, 12:30:00, 0b1, 0o8, 0xG, 2026-11-21]",
                "[\"1_000\",\"12:30:00\",\"0b1\",\"0o8\",\"0xG\",\"2026-11-21\"]");
    expect_same("[1.5, .5, 5., -1e3, 1E-2, +.5e+1, 1e400x, '1', .]",
                "[1.5,0.5,5.0,-1000.0,0.01,5.0,\"1e400x\",\"1\",\".\"]");
    expect_same("[.inf, -.Inf, +.INF, .nan, .NaN]", "[Infinity,-Infinity,Infinity,NaN,NaN]");
    expect_same(
        "[9223372036854775807, -9223372036854775808, 9223372036854775808, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000]",
        "[9223372036854775807,-9223372036854775808,9223372036854775808.0,9223372036854775807,9223372036854775808.0]");
    expect_same("[e5, 1e, -, +, 1.2.3, 0x, '']", "[\"e5\",\"1e\",\"-\",\"+\",\"1.2.3\",\"0x\",\"\"]");
}

AG_TEST(test_yaml__core_tags_are_applied)
{
    expect_same("[!!str 1, !!int '2', !!float 3, !!bool \"true\", !!null '', ! 4, !!seq [], !!map {}]",
                "[\"1\",2,3.0,true,null,\"4\",[],{}]");
    expect_same("!!str yes: !!str", "{\"yes\":\"\"}");
}

AG_TEST(test_yaml__every_node_knows_its_line_and_column_in_bytes)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *root;
    ag_err err = {0};
    AG_EXPECT_OK(ag_yaml_parse(arena, AG_STR("a: 1\r\n\xC3\xA9\xC3\xA9: {\xE2\x82\xAC: 2, b: [3,\n   4]}\nc: \"x\"\n"),
                               NULL, &root, &err));
    const ag_member *members = root->object.members;
    assert_int_equal(members[0].line, 1);
    assert_int_equal(members[0].value.column, 4);
    assert_int_equal(members[1].line, 2);
    assert_int_equal(members[1].column, 1);
    assert_int_equal(members[1].value.column, 7);
    const ag_member *inner = members[1].value.object.members;
    assert_int_equal(inner[0].column, 8);
    assert_int_equal(inner[0].value.column, 13);
    assert_int_equal(inner[1].column, 16);
    assert_int_equal(inner[1].value.array.items[0].column, 20);
    assert_int_equal(inner[1].value.array.items[1].line, 3);
    assert_int_equal(inner[1].value.array.items[1].column, 4);
    assert_int_equal(members[2].line, 4);
    assert_int_equal(members[2].value.column, 4);
    ag_arena_free(arena);
}

typedef struct broken {
    const char *text;
    const char *part;
    uint32_t line, column;
} broken;

AG_TEST(test_yaml__what_is_refused_is_refused_at_its_place)
{
    static const broken rows[] = {
        {"a: 1\nb: 2\na: 3\n", "the key 'a' stands twice in one mapping (first in line 1)", 3, 1},
        {"{x: 1, \"x\": 2}", "the key 'x' stands twice", 1, 8},
        {"1: x", "a key must be a string, not an integer", 1, 1},
        {"a:\n  true: x", "a key must be a string, not a boolean", 2, 3},
        {"~: x", "a key must be a string, not null", 1, 1},
        {"?\n: x", "a key is missing before ':'", 1, 2},
        {"[a]: x", "a key must be a string, not a list", 1, 1},
        {"? {a: b}\n: x", "a key must be a string, not a mapping", 1, 3},
        {"a: &k b\n*k : x", "a key must be a string, not an alias", 2, 1},
        {"&k a: b", "a key must not have an anchor", 1, 1},
        {"<<: {a: 1}", "merge keys", 1, 1},
        {"a: !local x", "the tag '!local' is not one of the core schema", 1, 4},
        {"a: !!binary x", "the tag 'tag:yaml.org,2002:binary'", 1, 4},
        {"a: !!int x", "'x' is not an integer, as its tag !!int says", 1, 4},
        {"a: !!seq {}", "is not one of the core schema", 1, 4},
        {"a: *b", "the alias '*b' names no anchor before it", 1, 4},
        {"a: &b [*b]", "the alias '*b' stands inside its own anchor", 1, 8},
        {"a: 1\n---\nb: 2\n", "a second document begins here", 2, 1},
        {"a: 1e999", "the number is too large for a double", 1, 4},
        {"a: [1, 2", "did not find expected ',' or ']'", 2, 1},
        {"a: \"x", "unexpected end of stream", 1, 6},
        {"a:\n\tb: 1", "cannot start any token", 2, 1},
        {"a: b: c", "mapping values are not allowed", 1, 5},
        {"a: 1\n b: 2", "mapping values are not allowed", 2, 3},
        {"a: x\x01", "the control byte 0x01 is not allowed", 1, 5},
        {"a: 1\nb: \xFF", "invalid UTF-8 (the byte 0xff)", 2, 4},
        {"\xFF\xFE: 1", "this is UTF-16, but YAML is read as UTF-8", 1, 1},
        {"\xFE\xFF", "this is UTF-16", 1, 1},
        {"a: \xC2\x81", "control characters are not allowed", 1, 4},
    };
    ag_yaml_options options = {.file = "c.yaml"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_arena *arena = ag_arena_new(0);
        const ag_value *value = NULL;
        ag_err err = {0};
        int rc = ag_yaml_parse(arena, ag_str_of(rows[i].text), &options, &value, &err);
        if (rc != AG_EPARSE || !strstr(err.text, rows[i].part) || err.line != rows[i].line ||
            err.column != rows[i].column || strcmp(err.file, "c.yaml") != 0 || value)
            fail_msg("%s\n gave %d %u:%u: %s", rows[i].text, rc, err.line, err.column, err.text);
        ag_arena_free(arena);
    }
}

AG_TEST(test_yaml__tabs_get_a_hint)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value;
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_yaml_parse(arena, AG_STR("a:\n\tb: 1\n"), NULL, &value, &err), AG_EPARSE, "token");
    assert_non_null(strstr(err.hint, "spaces"));
    ag_arena_free(arena);
}

AG_TEST(test_yaml__aliases_are_expanded_where_they_stand)
{
    expect_same("a: &x [1, {b: 2}]\nc: *x\nd: {e: *x}\n",
                "{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}],\"d\":{\"e\":[1,{\"b\":2}]}}");
    expect_same("a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}");
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value;
    ag_err err = {0};
    AG_EXPECT_OK(ag_yaml_parse(arena, AG_STR("a: &x [1]\nb: *x\n"), NULL, &value, &err));
    assert_int_equal(ag_value_get(value, "b")->line, 2);
    assert_int_equal(ag_value_get(value, "b")->column, 4);
    ag_arena_free(arena);
}

AG_TEST(test_yaml__a_billion_laughs_are_refused)
{
    ag_buf text;
    ag_err err = {0};
    ag_buf_init(&text, 100000);
    ag_buf_add_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        ag_buf_addf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++) ag_buf_addf(&text, "%s*a%d", j ? ", " : "", i - 1);
        ag_buf_add_text(&text, "]\n");
    }
    ag_arena *arena = ag_arena_new(1 << 20);
    const ag_value *value = NULL;
    AG_EXPECT_ERROR(ag_yaml_parse(arena, ag_buf_str(&text), NULL, &value, &err), AG_ELIMIT, "aliases are expanded");
    assert_null(value);
    ag_buf_clear(&text);
    ag_buf_add_text(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 70; i++) ag_buf_addf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    AG_EXPECT_ERROR(ag_yaml_parse(arena, ag_buf_str(&text), NULL, &value, &err), AG_ELIMIT, "nested deeper than 64");
    assert_int_equal(err.line, 64);
    ag_arena_free(arena);
    ag_buf_deinit(&text);
}

AG_TEST(test_yaml__limits_hold_at_the_limit_and_not_before)
{
    static const struct {
        const char *text;
        ag_yaml_options options;
        int rc;
    } rows[] = {
        {"[[[1]]]", {.max_depth = 3}, 0},
        {"[[[[1]]]]", {.max_depth = 3}, AG_ELIMIT},
        {"[1, 2, 3]", {.max_values = 4}, 0},
        {"[1, 2, 3, 4]", {.max_values = 4}, AG_ELIMIT},
        {"a: &a [1]\nb: *a", {.max_values = 5}, 0},
        {"a: &a [1]\nb: *a", {.max_values = 4}, AG_ELIMIT},
        {"[1]", {.max_bytes = 3}, 0},
        {"[12]", {.max_bytes = 3}, AG_ELIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_arena *arena = ag_arena_new(0);
        const ag_value *value;
        ag_err err = {0};
        assert_int_equal(ag_yaml_parse(arena, ag_str_of(rows[i].text), &rows[i].options, &value, &err), rows[i].rc);
        ag_arena_free(arena);
    }
}

AG_TEST(test_yaml__a_long_line_takes_linear_time)
{
    ag_buf text;
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value;
    ag_err err = {0};
    ag_buf_init(&text, 1 << 22);
    ag_buf_add_char(&text, '[');
    for (int i = 0; i < 100000; i++) ag_buf_add_text(&text, "\xC3\xA9, ");
    ag_buf_add_char(&text, ']');
    AG_EXPECT_OK(ag_yaml_parse(arena, ag_buf_str(&text), NULL, &value, &err));
    assert_int_equal(value->array.count, 100000);
    assert_int_equal(value->array.items[99999].column, 2 + 99999 * 4);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

static int parse_something(void *context, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value = NULL;
    (void)context;
    if (!arena) return ag_fail_memory(err, 0);
    int rc = ag_yaml_parse(arena, AG_STR("a: &x [1, two, {b: c}]\nd: *x\n"), NULL, &value, err);
    assert_true((rc < 0) == (value == NULL));
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_yaml__failing_memory_leaves_nothing_behind)
{
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, parse_something, NULL, NULL) >= 1);
}
