// SPDX-License-Identifier: Apache-2.0
/* json_write_test.c: the bytes that are written, wrong orders of calls, round trips of random trees. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/rng.h"
#include "core/doc/json.h"
#include "frame/test.h"

static void expect_text(ag_buf *out, const char *want)
{
    if (!ag_str_is(ag_buf_str(out), want)) fail_msg("wrote %s\nexpected %s", out->data ? out->data : "", want);
    ag_buf_deinit(out);
}

static void write_sample(ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_int(json, "int", INT64_MIN);
    ag_json_put_real(json, "real", 0.1);
    ag_json_put_bool(json, "bool", true);
    ag_json_put_text(json, "text", "a\"b");
    ag_json_put_text(json, "none", NULL);
    ag_json_name(json, "list");
    ag_json_begin_array(json);
    ag_json_uint(json, UINT64_MAX);
    ag_json_begin_array(json);
    ag_json_end_array(json);
    ag_json_begin_object(json);
    ag_json_end_object(json);
    ag_json_raw(json, AG_STR("{\"raw\":1}"));
    ag_json_end_array(json);
    ag_json_end_object(json);
}

AG_TEST(test_json_writer__one_line_and_indented)
{
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1000);
    ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
    write_sample(&json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    expect_text(&out, "{\"int\":-9223372036854775808,\"real\":0.1,\"bool\":true,\"text\":\"a\\\"b\",\"none\":null,"
                      "\"list\":[18446744073709551615,[],{},{\"raw\":1}]}");
    ag_buf_init(&out, 1000);
    json = ag_json_writer(&out, 2, AG_JSON_REFUSE_NONFINITE);
    write_sample(&json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    expect_text(&out, "{\n  \"int\": -9223372036854775808,\n  \"real\": 0.1,\n  \"bool\": true,\n"
                      "  \"text\": \"a\\\"b\",\n  \"none\": null,\n  \"list\": [\n    18446744073709551615,\n    [],\n"
                      "    {},\n    {\"raw\":1}\n  ]\n}");
}

AG_TEST(test_json_writer__strings_are_escaped_and_always_valid_utf8)
{
    static const struct {
        ag_str text;
        const char *want;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"\b\f\n\r\t\x1F\x7F/", 8}, "\"\\b\\f\\n\\r\\t\\u001f\x7F/\""},
        {{"\xC3\xA9\xF0\x9F\x98\x80", 6}, "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {{"a\xFFz", 3}, "\"a\xEF\xBF\xBDz\""},
        {{"\xE2\x82", 2}, "\"\xEF\xBF\xBD\""},
        {{"\xF0\x9F\x98(", 4}, "\"\xEF\xBF\xBD(\""},
        {{"\xED\xA0\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"a long plain text and then a quote: \"", 37}, "\"a long plain text and then a quote: \\\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_err err = {0};
        ag_buf out;
        ag_buf_init(&out, 200);
        ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
        ag_json_str(&json, rows[i].text);
        AG_EXPECT_OK(ag_json_end_document(&json, &err));
        assert_true(ag_utf8_valid(ag_buf_str(&out)));
        expect_text(&out, rows[i].want);
    }
}

AG_TEST(test_json_writer__nonfinite_numbers_follow_the_policy)
{
    static const struct {
        ag_json_nonfinite policy;
        const char *want;
    } rows[] = {
        {AG_JSON_NONFINITE_WORDS, "[NaN,Infinity,-Infinity]"},
        {AG_JSON_NONFINITE_TEXT, "[\"NaN\",\"Infinity\",\"-Infinity\"]"},
        {AG_JSON_NONFINITE_NULL, "[null,null,null]"},
        {AG_JSON_REFUSE_NONFINITE, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ag_err err = {0};
        ag_buf out;
        ag_buf_init(&out, 200);
        ag_json json = ag_json_writer(&out, 0, rows[i].policy);
        ag_json_begin_array(&json);
        ag_json_real(&json, NAN);
        ag_json_real(&json, INFINITY);
        ag_json_real(&json, -INFINITY);
        ag_json_end_array(&json);
        if (rows[i].want) {
            AG_EXPECT_OK(ag_json_end_document(&json, &err));
            expect_text(&out, rows[i].want);
        } else {
            AG_EXPECT_ERROR(ag_json_end_document(&json, &err), AG_EINVAL, "NaN and infinity");
            ag_buf_deinit(&out);
        }
    }
}

AG_TEST(test_json_writer__what_is_not_known_is_null_under_every_policy)
{
    for (int policy = AG_JSON_REFUSE_NONFINITE; policy <= AG_JSON_NONFINITE_NULL; policy++) {
        ag_err err = {0};
        ag_buf out;
        ag_buf_init(&out, 1000);
        ag_json json = ag_json_writer(&out, 0, (ag_json_nonfinite)policy);
        ag_json_begin_object(&json);
        ag_json_put_known(&json, "a", 0.5);
        ag_json_put_known(&json, "b", NAN);
        ag_json_put_known(&json, "c", -INFINITY);
        ag_json_end_object(&json);
        AG_EXPECT_OK(ag_json_end_document(&json, &err));
        expect_text(&out, "{\"a\":0.5,\"b\":null,\"c\":null}");
    }
}

AG_TEST(test_json_writer__reals_keep_their_kind_sign_and_every_bit)
{
    static const double numbers[] = {0.0,     -0.0,    1.0,      -1.0,    1e21, 1e22,  1e300,
                                     DBL_MAX, DBL_MIN, 4.9e-324, 1.0 / 3, 1e-7, 123.0, 9007199254740993.0,
                                     5e-5};
    ag_rng rng = ag_rng_stream(1, "json reals");
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < 20000; i++) {
        uint64_t bits = ag_rng_u64(&rng);
        double number;
        memcpy(&number, &bits, sizeof number);
        if (i < sizeof numbers / sizeof *numbers) number = numbers[i];
        if (!isfinite(number)) continue;
        ag_err err = {0};
        ag_buf out;
        const ag_value *value;
        ag_buf_init(&out, 100);
        ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
        ag_json_real(&json, number);
        AG_EXPECT_OK(ag_json_end_document(&json, &err));
        AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out), NULL, &value, &err));
        assert_int_equal(value->kind, AG_REAL);
        assert_memory_equal(&value->real, &number, sizeof number);
        ag_buf_deinit(&out);
    }
    ag_arena_free(arena);
}

typedef void (*wrong)(ag_json *json);

static void value_without_name(ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_int(json, 1);
    ag_json_end_object(json);
}
static void name_in_array(ag_json *json)
{
    ag_json_begin_array(json);
    ag_json_name(json, "a");
    ag_json_end_array(json);
}
static void two_names(ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_name(json, "a");
    ag_json_name(json, "b");
    ag_json_end_object(json);
}
static void name_without_value(ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_name(json, "a");
    ag_json_end_object(json);
}
static void wrong_end(ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_end_array(json);
}
static void two_roots(ag_json *json)
{
    ag_json_int(json, 1);
    ag_json_int(json, 2);
}
static void end_without_begin(ag_json *json)
{
    ag_json_end_array(json);
}
static void left_open(ag_json *json)
{
    ag_json_begin_array(json);
}
static void nothing(ag_json *json)
{
    (void)json;
}
static void root_name(ag_json *json)
{
    ag_json_name(json, "a");
    ag_json_int(json, 1);
}
static void empty_raw(ag_json *json)
{
    ag_json_raw(json, AG_STR(""));
}

AG_TEST(test_json_writer__a_wrong_order_of_calls_is_reported_at_the_end)
{
    static const wrong all[] = {value_without_name, name_in_array, two_names, name_without_value, wrong_end, two_roots,
                                end_without_begin,  left_open,     nothing,   root_name,          empty_raw};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ag_err err = {0};
        ag_buf out;
        ag_buf_init(&out, 100);
        ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
        all[i](&json);
        AG_EXPECT_ERROR(ag_json_end_document(&json, &err), AG_EINTERNAL, "wrong order");
        ag_buf_deinit(&out);
    }
}

AG_TEST(test_json_writer__depth_and_size_are_limited)
{
    ag_err err = {0};
    ag_buf out;
    for (int depth = 256; depth <= 257; depth++) {
        ag_buf_init(&out, 10000);
        ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
        for (int i = 0; i < depth; i++) {
            if (i % 3 == 0) {
                ag_json_begin_array(&json);
            } else {
                ag_json_begin_object(&json);
                ag_json_name(&json, "a");
            }
            if (i % 3 == 0 && i + 1 == depth) ag_json_null(&json);
        }
        if ((depth - 1) % 3) ag_json_null(&json);
        for (int i = depth; i-- > 0;) i % 3 == 0 ? ag_json_end_array(&json) : ag_json_end_object(&json);
        if (depth == 256)
            AG_EXPECT_OK(ag_json_end_document(&json, &err));
        else
            AG_EXPECT_ERROR(ag_json_end_document(&json, &err), AG_ELIMIT, "deeper than 256");
        ag_buf_deinit(&out);
    }
    ag_buf_init(&out, 5);
    ag_json json = ag_json_writer(&out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_text(&json, "too long");
    AG_EXPECT_ERROR(ag_json_end_document(&json, &err), AG_ELIMIT, "");
    ag_buf_deinit(&out);
}

/* A tree of random shape: strings of any bytes that are UTF-8, numbers of any size. */
static ag_value random_tree(ag_arena *arena, ag_rng *rng, unsigned levels)
{
    ag_value value = {.kind = (ag_kind)ag_rng_below(rng, levels ? 7 : 5)};
    size_t count = ag_rng_below(rng, 6);
    uint64_t bits = ag_rng_u64(rng) >> ag_rng_below(rng, 64);
    char *text = ag_arena_printf(arena, "%llx\xE2\x82\xAC\"\\\n%zu", (unsigned long long)bits, count);
    switch (value.kind) {
    case AG_NULL: break;
    case AG_BOOL: value.boolean = bits & 1; break;
    case AG_INT: value.integer = (int64_t)bits; break;
    case AG_REAL: value.real = (double)bits / 1000.0 * ag_rng_normal(rng); break;
    case AG_STRING: value.string = (ag_str){text, ag_utf8_cut(ag_str_of(text), ag_rng_below(rng, 24))}; break;
    case AG_ARRAY: {
        ag_value *items = ag_arena_array(arena, count + 1, sizeof *items);
        for (size_t i = 0; i < count; i++) items[i] = random_tree(arena, rng, levels - 1);
        value.array.items = items;
        value.array.count = count;
        break;
    }
    case AG_OBJECT: {
        ag_member *members = ag_arena_array(arena, count + 1, sizeof *members);
        for (size_t i = 0; i < count; i++) {
            members[i].name = ag_str_of(ag_arena_printf(arena, "%c\xC3\xA9 %zu", (int)('a' + i), count));
            members[i].value = random_tree(arena, rng, levels - 1);
        }
        value.object.members = members;
        value.object.count = count;
        break;
    }
    }
    return value;
}

AG_TEST(test_json_writer__what_is_written_reads_back_the_same)
{
    ag_rng rng = ag_rng_stream(7, "json trees");
    for (int round = 0; round < 400; round++) {
        ag_arena *arena = ag_arena_new(0);
        ag_value tree = random_tree(arena, &rng, 5);
        const ag_value *again;
        ag_err err = {0};
        ag_buf out;
        ag_buf_init(&out, 1 << 24);
        ag_json json = ag_json_writer(&out, (uint8_t)(round % 3), AG_JSON_REFUSE_NONFINITE);
        ag_json_value(&json, &tree);
        AG_EXPECT_OK(ag_json_end_document(&json, &err));
        AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out), NULL, &again, &err));
        if (!ag_value_equal(&tree, again)) fail_msg("differs: %s", out.data);
        ag_buf_deinit(&out);
        ag_arena_free(arena);
    }
}
