// SPDX-License-Identifier: Apache-2.0
/* json_parse_test.c: what is accepted, what is refused and where, limits, hostile input, failing memory. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/json.h"
#include "frame/test.h"

typedef struct bed {
    ag_arena *arena;
    ag_json_options options;
    const ag_value *value;
    ag_err err;
} bed;

static int parse(bed *b, const char *text)
{
    ag_arena_free(b->arena);
    b->arena = ag_arena_new(0);
    b->value = NULL;
    b->err = (ag_err){0};
    return ag_json_parse(b->arena, ag_str_of(text), &b->options, &b->value, &b->err);
}

static void done(bed *b)
{
    ag_arena_free(b->arena);
}

AG_TEST(test_json__every_kind_is_read)
{
    bed b = {0};
    assert_int_equal(
        parse(&b,
              " { \"n\" : null , \"t\":true,\"f\":false,\"i\":-12,\"r\":1.5e2,\"s\":\"x\",\"a\":[1,[]],\"o\":{} } "),
        0);
    assert_int_equal(b.value->kind, AG_OBJECT);
    assert_int_equal(b.value->object.count, 8);
    assert_int_equal(ag_value_get(b.value, "n")->kind, AG_NULL);
    assert_true(ag_value_get(b.value, "t")->boolean);
    assert_false(ag_value_get(b.value, "f")->boolean);
    assert_int_equal(ag_value_get(b.value, "i")->integer, -12);
    assert_true(ag_value_get(b.value, "r")->real == 150.0);
    assert_true(ag_str_is(ag_value_get(b.value, "s")->string, "x"));
    assert_int_equal(ag_value_at(b.value, "a[0]")->integer, 1);
    assert_int_equal(ag_value_at(b.value, "a[1]")->array.count, 0);
    assert_int_equal(ag_value_get(b.value, "o")->object.count, 0);
    done(&b);
}

AG_TEST(test_json__every_node_knows_its_line_and_column)
{
    bed b = {0};
    assert_int_equal(parse(&b, "{\n  \"a\": 1,\r\n\t\"b\": [\n    true, \"\xC3\xA9\\n\", 2\n  ]\n}"), 0);
    const ag_member *members = b.value->object.members;
    assert_int_equal(b.value->line, 1);
    assert_int_equal(b.value->column, 1);
    assert_int_equal(members[0].line, 2);
    assert_int_equal(members[0].column, 3);
    assert_int_equal(members[0].value.column, 8);
    assert_int_equal(members[1].line, 3);
    assert_int_equal(members[1].column, 2);
    const ag_value *items = members[1].value.array.items;
    assert_int_equal(items[0].line, 4);
    assert_int_equal(items[0].column, 5);
    assert_int_equal(items[1].column, 11);
    assert_int_equal(items[2].column, 19); /* bytes: the letter with the accent has two */
    done(&b);
}

AG_TEST(test_json__integers_stay_exact_and_others_become_reals)
{
    static const struct {
        const char *text;
        ag_kind kind;
        int64_t integer;
        double real;
    } rows[] = {
        {"0", AG_INT, 0, 0},
        {"-0", AG_INT, 0, 0},
        {"9223372036854775807", AG_INT, INT64_MAX, 0},
        {"-9223372036854775808", AG_INT, INT64_MIN, 0},
        {"9223372036854775808", AG_REAL, 0, 9223372036854775808.0},
        {"-9223372036854775809", AG_REAL, 0, -9223372036854775808.0},
        {"18446744073709551616", AG_REAL, 0, 18446744073709551616.0},
        {"100000000000000000000000000000000000000000", AG_REAL, 0, 1e41},
        {"1.0", AG_REAL, 0, 1.0},
        {"-0.0", AG_REAL, 0, -0.0},
        {"1e2", AG_REAL, 0, 100.0},
        {"1E+2", AG_REAL, 0, 100.0},
        {"1.7976931348623157e308", AG_REAL, 0, 1.7976931348623157e308},
        {"2.2250738585072011e-308", AG_REAL, 0, 2.2250738585072011e-308},
        {"4.9e-324", AG_REAL, 0, 4.9e-324},
        {"1e-9999999999", AG_REAL, 0, 0.0},
        {"0e999999999999", AG_REAL, 0, 0.0},
        {"0.1", AG_REAL, 0, 0.1},
        {"123456789.123456789123456789", AG_REAL, 0, 123456789.123456789123456789},
    };
    bed b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (parse(&b, rows[i].text) < 0) fail_msg("%s: %s", rows[i].text, b.err.text);
        assert_int_equal(b.value->kind, rows[i].kind);
        if (rows[i].kind == AG_INT)
            assert_true(b.value->integer == rows[i].integer);
        else
            assert_memory_equal(&b.value->real, &rows[i].real, sizeof(double));
    }
    done(&b);
}

AG_TEST(test_json__escapes_become_utf8)
{
    bed b = {0};
    assert_int_equal(parse(&b, "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\u0000z\""), 0);
    ag_str want = AG_STR("a\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\0z");
    assert_int_equal(b.value->string.size, want.size);
    assert_memory_equal(b.value->string.data, want.data, want.size);
    done(&b);
}

typedef struct broken {
    const char *text;
    const char *part; /* of the message */
    uint32_t line, column;
} broken;

static void expect_broken(const broken *rows, size_t count)
{
    bed b = {.options = {.file = "a.json"}};
    for (size_t i = 0; i < count; i++) {
        int rc = parse(&b, rows[i].text);
        if (rc != AG_EPARSE || !strstr(b.err.text, rows[i].part) || b.err.line != rows[i].line ||
            b.err.column != rows[i].column || strcmp(b.err.file, "a.json") != 0)
            fail_msg("%s\n gave %d %s:%u:%u: %s", rows[i].text, rc, b.err.file, b.err.line, b.err.column, b.err.text);
        assert_null(b.value);
    }
    done(&b);
}

AG_TEST(test_json__broken_structure_is_refused_at_its_place)
{
    static const broken rows[] = {
        {"", "the text is empty", 1, 1},
        {" \n ", "the text is empty", 2, 2},
        {"[1,]", "a comma must not stand before ']'", 1, 3},
        {"{\"a\":1,\n}", "a comma must not stand before '}'", 1, 7},
        {"[1 2]", "expected ',' or ']' in the list that begins in line 1, found '2'", 1, 4},
        {"[,1]", "expected a value, found ','", 1, 2},
        {"[1,,2]", "expected a value, found ','", 1, 4},
        {"{\"a\" 1}", "expected ':' behind the name 'a', found '1'", 1, 6},
        {"{a:1}", "name of a member in double quotes, found 'a'", 1, 2},
        {"{'a':1}", "strings stand in double quotes", 1, 2},
        {"{\"a\":}", "expected a value, found '}'", 1, 6},
        {"{\"a\":1", "the text ends inside the object that begins in line 1", 1, 7},
        {"[\n[", "expected a value, found the end of the text", 2, 2},
        {"{\"a\":1 \"b\":2}", "expected ',' or '}'", 1, 8},
        {"{1:2}", "name of a member", 1, 2},
        {"1 2", "expected the end of the text behind the value, found '2'", 1, 3},
        {"{}x", "expected the end of the text", 1, 3},
        {"]", "expected a value, found ']'", 1, 1},
        {"[1}", "expected ',' or ']'", 1, 3},
        {"[1] // x", "expected the end of the text", 1, 5},
        {"[ // x\n1]", "comments are not allowed", 1, 3},
        {"{ /* x */ }", "comments are not allowed", 1, 3},
        {"{\"a\":1,\n \"b\":2,\n \"a\":3}", "the name 'a' stands twice in one object (first in line 1)", 3, 2},
        {"{\"\\u0061\":1,\"a\":2}", "stands twice", 1, 13},
        {"\xEF\xBB\xBF{}", "byte order mark", 1, 1},
        {"\xC3\xA9", "found the byte 0xc3", 1, 1},
        {"[1,\x01]", "found the byte 0x01", 1, 4},
        {"{\"a\\u001b\\n\" 1}", "behind the name 'a?", 1, 14},
        {"True", "'True' is not a word of JSON", 1, 1},
        {"[None]", "'None' is not a word of JSON", 1, 2},
        {"nul", "expected a value, found 'n'", 1, 1},
        {"truex", "expected a value, found 't'", 1, 1},
    };
    expect_broken(rows, sizeof rows / sizeof *rows);
}

AG_TEST(test_json__broken_numbers_and_strings_are_refused_at_their_place)
{
    static const broken rows[] = {
        {"01", "must not begin with a zero", 1, 1},
        {"-01", "must not begin with a zero", 1, 1},
        {"+1", "expected a value, found '+'", 1, 1},
        {".5", "expected a value, found '.'", 1, 1},
        {"5.", "expected a digit, found the end", 1, 3},
        {"-", "expected a digit, found the end", 1, 2},
        {"-x", "expected a digit, found 'x'", 1, 2},
        {"1e", "a digit of the exponent, found the end", 1, 3},
        {"1e+", "a digit of the exponent", 1, 4},
        {"1.e5", "expected a digit, found 'e'", 1, 3},
        {"0x10", "expected the end of the text", 1, 2},
        {"[1e309]", "too large for a double", 1, 2},
        {"-1e999999999999999999999", "too large for a double", 1, 1},
        {"NaN", "NaN and Infinity are not numbers of JSON", 1, 1},
        {"[-Infinity]", "NaN and Infinity are not numbers of JSON", 1, 2},
        {"\"abc", "the string that begins here has no end", 1, 1},
        {"[\"a\nb\"]", "has no end on its line", 1, 2},
        {"\"a\tb\"", "the control byte 0x09 must be written as \\u0009", 1, 3},
        {"\"\\x41\"", "a backslash before 'x' is not an escape", 1, 2},
        {"\"\\", "a backslash before the end of the text", 1, 2},
        {"\"\\u12g4\"", "\\u needs four hexadecimal digits", 1, 2},
        {"\"\\u12", "\\u needs four", 1, 2},
        {"\"\\ud800\"", "first half of a surrogate pair", 1, 2},
        {"\"\\ud800\\u0041\"", "first half of a surrogate pair", 1, 2},
        {"\"\\udc00\"", "second half of a surrogate pair", 1, 2},
        {"\"a\xFF\"", "invalid UTF-8 (the byte 0xff)", 1, 3},
        {"\"\xC3\"", "invalid UTF-8", 1, 2},
        {"\"\xED\xA0\x80\"", "invalid UTF-8", 1, 2},
        {"\"\xF0\x9F\x98", "invalid UTF-8", 1, 2},
    };
    expect_broken(rows, sizeof rows / sizeof *rows);
}

AG_TEST(test_json__a_nul_is_a_byte_like_any_other)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value = NULL;
    ag_err err = {0};
    AG_EXPECT_ERROR(ag_json_parse(arena, AG_STR("1\0"), NULL, &value, &err), AG_EPARSE, "the byte 0x00");
    AG_EXPECT_ERROR(ag_json_parse(arena, AG_STR("\"a\0b\""), NULL, &value, &err), AG_EPARSE, "control byte 0x00");
    AG_EXPECT_ERROR(ag_json_parse(arena, AG_STR("\0"), NULL, &value, &err), AG_EPARSE, "the byte 0x00");
    AG_EXPECT_ERROR(ag_json_parse(arena, (ag_str){NULL, 0}, NULL, &value, &err), AG_EPARSE, "empty");
    ag_arena_free(arena);
}

AG_TEST(test_json__nonfinite_words_follow_the_policy)
{
    bed b = {.options = {.nonfinite = AG_JSON_NONFINITE_WORDS}};
    assert_int_equal(parse(&b, "[NaN,Infinity,-Infinity]"), 0);
    assert_true(isnan(b.value->array.items[0].real));
    assert_true(b.value->array.items[1].real == INFINITY);
    assert_true(b.value->array.items[2].real == -INFINITY);
    assert_int_equal(parse(&b, "-Infinityx"), AG_EPARSE);
    b.options.nonfinite = AG_JSON_NONFINITE_TEXT;
    assert_int_equal(parse(&b, "NaN"), AG_EPARSE);
    assert_int_equal(parse(&b, "\"NaN\""), 0);
    assert_int_equal(b.value->kind, AG_STRING);
    b.options.nonfinite = AG_JSON_NONFINITE_NULL;
    assert_int_equal(parse(&b, "NaN"), AG_EPARSE);
    assert_true(strlen(b.err.hint) > 0);
    done(&b);
}

AG_TEST(test_json__the_last_of_allowed_duplicates_counts)
{
    bed b = {.options = {.allow_duplicates = true}};
    assert_int_equal(parse(&b, "{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"b\":5,\"a\":6}"), 0);
    assert_int_equal(b.value->object.count, 3);
    assert_true(ag_str_is(b.value->object.members[0].name, "c"));
    assert_int_equal(ag_value_get(b.value, "a")->integer, 6);
    assert_int_equal(ag_value_get(b.value, "b")->integer, 5);
    done(&b);
}

AG_TEST(test_json__duplicates_are_found_in_objects_of_any_size)
{
    for (size_t count = 2; count < 200; count += 13) {
        for (size_t twin = 0; twin + 1 < count; twin += 5) {
            ag_buf text;
            ag_arena *arena = ag_arena_new(0);
            const ag_value *value;
            ag_err err = {0};
            ag_buf_init(&text, 1 << 20);
            for (size_t i = 0; i < count; i++)
                ag_buf_addf(&text, "%s\n\"key_with_a_long_name_%zu\":%zu", i ? "," : "{", i + 1 == count ? twin : i, i);
            ag_buf_add_char(&text, '}');
            AG_EXPECT_ERROR(ag_json_parse(arena, ag_buf_str(&text), NULL, &value, &err), AG_EPARSE, "stands twice");
            assert_int_equal(err.line, count + 1);
            ag_buf_deinit(&text);
            ag_arena_free(arena);
        }
    }
}

AG_TEST(test_json__limits_hold_at_the_limit_and_not_before)
{
    bed b = {.options = {.max_depth = 3}};
    assert_int_equal(parse(&b, "[[[1]]]"), 0);
    assert_int_equal(parse(&b, "[[{\"a\":[1]}]]"), AG_ELIMIT);
    assert_int_equal(b.err.column, 8);
    assert_int_equal(parse(&b, "[[[]],[[]]]"), 0);
    b.options = (ag_json_options){.max_values = 4};
    assert_int_equal(parse(&b, "[1,2,3]"), 0);
    assert_int_equal(parse(&b, "[1,2,3,4]"), AG_ELIMIT);
    b.options = (ag_json_options){.max_bytes = 3};
    assert_int_equal(parse(&b, "[1]"), 0);
    assert_int_equal(parse(&b, "[1] "), AG_ELIMIT);
    done(&b);
}

AG_TEST(test_json__no_option_lifts_the_last_limit_of_depth)
{
    char text[601];
    bed b = {.options = {.max_depth = UINT32_MAX}};
    memset(text, '[', 300);
    memset(text + 300, ']', 300);
    text[600] = '\0';
    assert_int_equal(parse(&b, text), AG_ELIMIT);
    memmove(text, text + 44, 557);
    text[512] = '\0';
    assert_int_equal(parse(&b, text), 0);
    done(&b);
}

AG_TEST(test_json__a_hostile_object_of_many_names_takes_no_square_time)
{
    ag_buf text;
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value;
    ag_err err = {0};
    ag_buf_init(&text, 64 << 20);
    for (int i = 0; i < 200000; i++) ag_buf_addf(&text, "%s\"%d\":0", i ? "," : "{", i);
    ag_buf_add_char(&text, '}');
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &value, &err));
    assert_int_equal(value->object.count, 200000);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_json__every_prefix_of_a_document_is_refused_cleanly)
{
    static const char text[] = "{\"a\":[1,-2.5e-3,true,null,\"x\\u00e9\\ud83d\\ude00\xC3\xA9\"],\"b\":{\"c\":false}}";
    ag_err err = {0};
    for (size_t size = 0; size < sizeof text - 1; size++) {
        ag_arena *arena = ag_arena_new(0);
        const ag_value *value = NULL;
        /* A copy of just that size, so that the sanitizer sees a read behind it. */
        char *copy = ag_arena_strndup(arena, text, size);
        assert_true(ag_json_parse(arena, (ag_str){copy, size}, NULL, &value, &err) < 0);
        assert_true(err.line == 1 && err.column >= 1 && err.column <= size + 1);
        ag_arena_free(arena);
    }
}

static int parse_something(void *context, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value = NULL;
    (void)context;
    if (!arena) return ag_fail_memory(err, 0);
    int rc = ag_json_parse(arena, AG_STR("{\"a\":[1,2,{\"b\":\"\\n\"}],\"c\":1.25e-40}"), NULL, &value, err);
    assert_true((rc < 0) == (value == NULL));
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_json__failing_memory_leaves_nothing_behind)
{
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, parse_something, NULL, NULL) >= 1);
}

AG_TEST(test_json__an_arena_that_is_too_small_is_no_crash)
{
    ag_err err = {0};
    for (size_t size = 1; size < 600; size += 7) {
        ag_arena *arena = ag_arena_new(size);
        const ag_value *value = NULL;
        int rc = ag_json_parse(arena, AG_STR("[1,[2,3],{\"a\":4}]"), NULL, &value, &err);
        assert_true(rc == AG_OK || rc == AG_ENOMEM);
        ag_arena_free(arena);
    }
}
