// SPDX-License-Identifier: Apache-2.0
/* describe_short_test.c: true and false where a mapping is expected, and what is refused when --set changed it. */
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/describe.h"
#include "core/doc/yaml.h"
#include "frame/test.h"

typedef struct switched {
    bool on;
    int64_t size;
} switched;

typedef struct holder {
    switched both, off;
    switched *maybe;
    ag_list many; /* of switched */
} holder;

static const ag_field switched_fields[] = {
    {.name = "on", .type = AG_FIELD_BOOL, .offset = offsetof(switched, on), .doc = "Whether."},
    {.name = "size",
     .type = AG_FIELD_INT,
     .offset = offsetof(switched, size),
     .fallback = "7",
     .max = 100,
     .doc = "How large."},
};
static const ag_description both = {.name = "both",
                                    .doc = "Both words.",
                                    .size = sizeof(switched),
                                    .fields = switched_fields,
                                    .count = 2,
                                    .when_true = "{on: true, size: 9}",
                                    .when_false = "{}"};
static const ag_description off = {.name = "off",
                                   .doc = "One word.",
                                   .size = sizeof(switched),
                                   .fields = switched_fields,
                                   .count = 2,
                                   .when_false = "{size: 0}"};
static const ag_field holder_fields[] = {
    {.name = "both", .type = AG_FIELD_STRUCT, .inner = &both, .offset = offsetof(holder, both), .doc = "B."},
    {.name = "off", .type = AG_FIELD_STRUCT, .inner = &off, .offset = offsetof(holder, off), .doc = "O."},
    {.name = "maybe", .type = AG_FIELD_OPTIONAL, .inner = &both, .offset = offsetof(holder, maybe), .doc = "M."},
    {.name = "many",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &both,
     .offset = offsetof(holder, many),
     .doc = "L."},
};
static const ag_description holders = {
    .name = "holder", .doc = "Holds.", .size = sizeof(holder), .fields = holder_fields, .count = 4};

static int read_holder(ag_arena *arena, const char *text, const char *set, holder *out, ag_err *err)
{
    const ag_value *tree = NULL;
    int rc = ag_yaml_parse(arena, ag_str_of(text), NULL, &tree, err);
    if (rc >= 0 && set) rc = ag_describe_override(&holders, arena, tree, ag_str_of(set), &tree, err);
    return rc < 0 ? rc : ag_describe_read(&holders, arena, tree, "f.yaml", out, err);
}

AG_TEST(test_describe_short__a_boolean_may_stand_for_a_mapping)
{
    ag_err err = {0};
    holder h;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_describe_verify(&holders, &err));
    AG_EXPECT_OK(
        read_holder(arena, "{both: true, off: false, maybe: true, many: [true, false, {size: 3}]}", NULL, &h, &err));
    const switched *many = h.many.items;
    assert_true(h.both.on && h.both.size == 9 && !h.off.on && h.off.size == 0 && h.maybe->size == 9);
    assert_true(h.many.count == 3 && many[0].size == 9 && many[1].size == 7 && many[2].size == 3);
    AG_EXPECT_OK(read_holder(arena, "{both: true}", "both.size=5", &h, &err));
    assert_true(h.both.on && h.both.size == 5);
    AG_EXPECT_OK(read_holder(arena, "{both: {size: 5}}", "both=false", &h, &err));
    assert_true(!h.both.on && h.both.size == 7);
    AG_EXPECT_ERROR(read_holder(arena, "both: 1\n", NULL, &h, &err), AG_EINVAL, "both: expected a mapping");
    assert_string_equal(err.hint, "known keys: on, size; or true or false");
    AG_EXPECT_ERROR(read_holder(arena, "\noff: true\n", NULL, &h, &err), AG_EINVAL, "found a boolean");
    assert_string_equal(err.hint, "known keys: on, size; or false");
    assert_true(err.line == 2 && err.column == 6);
    AG_EXPECT_ERROR(read_holder(arena, "{off: true}", "off.size=5", &h, &err), AG_EINVAL, "expected a mapping");
    ag_arena_free(arena);
}

AG_TEST(test_describe_short__what_a_boolean_stands_for_is_documented_and_verified)
{
    ag_err err = {0};
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    AG_EXPECT_OK(ag_describe_markdown(&holders, &text));
    assert_non_null(strstr(text.data, "| section [both](#both), true or false |"));
    assert_non_null(strstr(text.data, "| section [off](#off), false |"));
    assert_non_null(strstr(text.data, "`true` stands for `{on: true, size: 9}`, `false` for `{}`.\n"));
    assert_non_null(strstr(text.data, "\n`false` stands for `{size: 0}`.\n"));
    ag_buf_clear(&text);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    AG_EXPECT_OK(ag_describe_schema(&holders, &json));
    assert_non_null(strstr(text.data, "{\"$ref\":\"#/$defs/both\"},{\"type\":\"boolean\"}"));
    assert_non_null(strstr(text.data, "{\"$ref\":\"#/$defs/off\"},{\"const\":false}"));
    ag_buf_deinit(&text);
    ag_description wrong = both;
    wrong.when_true = "{size: 1000}";
    AG_EXPECT_ERROR(ag_describe_verify(&wrong, &err), AG_EINTERNAL, "which true stands for");
    wrong.when_true = NULL;
    wrong.when_false = "{colour: 1}";
    AG_EXPECT_ERROR(ag_describe_verify(&wrong, &err), AG_EINTERNAL, "which false stands for");
}

static int read_all(void *context, ag_err *err)
{
    holder h;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? read_holder(arena, "{both: true, many: [false, true]}", "both.size=5", &h, err) : AG_ENOMEM;
    if (!arena) ag_fail_memory(err, 1);
    if (rc >= 0) assert_true(h.both.on && h.both.size == 5 && h.many.count == 2);
    ag_arena_free(arena);
    (void)context;
    return rc;
}

AG_TEST(test_describe_short__failing_memory_is_reported)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, read_all, NULL, NULL);
}

/* ---- what --set said is not blamed on the file ---- */

typedef struct bounds {
    int64_t low, high;
    const ag_value *free;
} bounds;

static int check_bounds(const void *into, ag_err *err)
{
    const bounds *b = into;
    return b->low <= b->high ? 0 : ag_fail(err, AG_EINVAL, "low is above high");
}

static const ag_field bounds_fields[] = {
    {.name = "low", .type = AG_FIELD_INT, .offset = offsetof(bounds, low), .doc = "L."},
    {.name = "high", .type = AG_FIELD_INT, .offset = offsetof(bounds, high), .fallback = "9", .doc = "H."},
    {.name = "free", .type = AG_FIELD_VALUE, .offset = offsetof(bounds, free), .doc = "F."},
};
static const ag_description bounds_description = {
    .name = "bounds", .doc = "B.", .size = sizeof(bounds), .fields = bounds_fields, .count = 3, .check = check_bounds};
static const ag_field outer_fields[] = {
    {.name = "bounds", .type = AG_FIELD_STRUCT, .inner = &bounds_description, .offset = 0, .doc = "B."}};
static const ag_description outer = {
    .name = "outer", .doc = "O.", .size = sizeof(bounds), .fields = outer_fields, .count = 1};

/* Reads with at most one assignment; then the free form as a `bounds` of its own, as an architecture reads its keys. */
static int read_bounds(ag_arena *arena, const char *text, const char *set, ag_err *err)
{
    bounds b, inner;
    const ag_value *tree = NULL;
    int rc = ag_yaml_parse(arena, ag_str_of(text), NULL, &tree, err);
    if (rc >= 0 && set) rc = ag_describe_override(&outer, arena, tree, ag_str_of(set), &tree, err);
    if (rc >= 0) rc = ag_describe_read(&outer, arena, tree, "f.yaml", &b, err);
    return rc < 0 ? rc : ag_describe_read(&bounds_description, arena, b.free, "f.yaml", &inner, err);
}

AG_TEST(test_describe_short__a_refusal_names_set_when_the_value_is_from_there)
{
    static const struct {
        const char *text, *set, *told;
    } rows[] = {
        /* a value that replaces one of the file; one that is new; a key; a value within what was said as a whole */
        {"bounds:\n  free:\n    low: 1\n", "bounds.free.low=x",
         "--set: low: expected an integer, found the string 'x'"},
        {"bounds: {low: 1}\n", "bounds.free.low=x", "--set: low: expected an integer, found the string 'x'"},
        {"", "bounds.free.low=x", "--set: low: expected an integer, found the string 'x'"},
        {"bounds: {free: {low: 1}}\n", "bounds.free.lwo=1", "--set: lwo: unknown key (did you mean 'low'?)"},
        {"bounds: {free: {low: 1}}\n", "bounds.free={high: [x]}", "--set: high: expected an integer, found a list"},
        {"bounds: {free: {low: 1}}\n", "bounds.free={low: 3, high: 2}", "--set: low is above high"},
        /* neither alone is wrong: the place is the file's, and both are told */
        {"bounds:\n  free:\n    low: 3\n", "bounds.free.high=2", "f.yaml:3:5: with --set: low is above high"},
        {"bounds:\n  low: 3\n", "bounds.high=2", "f.yaml:2:3: bounds, with --set: low is above high"},
        {"", "bounds.low=10", "--set: bounds: low is above high"},
        /* the file's own faults */
        {"bounds:\n  free: {low: x}\n", "bounds.free.high=2",
         "f.yaml:2:15: low: expected an integer, found the string 'x'"},
        {"bounds: {low: 3, high: 2}\n", NULL, "f.yaml:1:9: bounds: low is above high"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char told[800];
        ag_err err = {0};
        ag_arena *arena = ag_arena_new(0);
        int rc = read_bounds(arena, rows[i].text, rows[i].set, &err);
        ag_err_format(&err, told, sizeof told);
        if (rc != AG_EINVAL || strcmp(told, rows[i].told) != 0)
            fail_msg("%s with %s gave %d %s", rows[i].text, rows[i].set ? rows[i].set : "nothing", rc, told);
        ag_arena_free(arena);
    }
}
