// SPDX-License-Identifier: Apache-2.0
/* yaml_write_test.c: readable block style that reads back as the same tree, here and in readers of YAML 1.1. */
#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/doc/json.h"
#include "core/doc/yaml.h"
#include "frame/test.h"

static void expect_yaml(const char *json, const char *want)
{
    ag_arena *arena = ag_arena_new(0);
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    const ag_value *tree, *again;
    ag_err err = {0};
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    AG_EXPECT_OK(ag_json_parse(arena, ag_str_of(json), &options, &tree, &err));
    AG_EXPECT_OK(ag_yaml_write(tree, &out, &err));
    if (want && !ag_str_is(ag_buf_str(&out), want)) fail_msg("%s\n was written as\n%s", json, out.data);
    AG_EXPECT_OK(ag_yaml_parse(arena, ag_buf_str(&out), NULL, &again, &err));
    if (!ag_value_equal(tree, again)) fail_msg("%s\n was written as\n%s\n and read as another tree", json, out.data);
    ag_buf_deinit(&out);
    ag_arena_free(arena);
}

AG_TEST(test_yaml_writer__blocks_are_indented_by_two)
{
    expect_yaml("{\"strategy\":\"cnn_lstm\",\"model\":{\"channels\":17,\"rate\":0.001},\"list\":[1,[2,3],{\"a\":1,"
                "\"b\":[]},{}]}",
                "strategy: cnn_lstm\nmodel:\n  channels: 17\n  rate: 0.001\nlist:\n  - 1\n  - - 2\n    - 3\n  - a: 1\n"
                "    b: []\n  - {}\n");
    expect_yaml("[]", "[]\n");
    expect_yaml("null", "null\n");
    expect_yaml("[null,true,false]", "- null\n- true\n- false\n");
    expect_yaml("[[[]]]", "- - []\n");
}

AG_TEST(test_yaml_writer__strings_are_quoted_where_another_reading_would_differ)
{
    expect_yaml("[\"plain words\",\"a-b_c.d/e\"]", "- plain words\n- a-b_c.d/e\n");
    static const char *const words[] = {"yes",  "No",   "on",   "OFF",   "y",     "true",       "null", "~",  "1",
                                        "1.5",  ".inf", "0x1F", "1_000", "12:30", "2026-11-21", "",     " a", "a ",
                                        "a: b", "a #b", "- a",  "? a",   "<<",    "=",          "*a",   "&a", "!a",
                                        "%a",   "@a",   "[a",   "{a",    "'a",    "|",          ">",    "a:"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char json[64], yaml[64];
        (void)ag_format(json, sizeof json, "[\"%s\",{\"%s\":1}]", words[i], words[i]);
        (void)ag_format(yaml, sizeof yaml, "- \"%s\"\n- \"%s\": 1\n", words[i], words[i]);
        expect_yaml(json, yaml);
    }
    expect_yaml("\"a\\nb\\t\\\"\\u0000\\u007f\\u0085\\u00a0\\u2028\\ufeff\\ud83d\\ude00\"", NULL);
}

AG_TEST(test_yaml_writer__numbers_read_as_numbers_everywhere)
{
    expect_yaml("[1.0,1e300,1.5e-9,-0.0,9007199254740993]",
                "- 1.0\n- 1.0e+300\n- 1.5e-09\n- -0.0\n- 9007199254740993\n");
    expect_yaml("[NaN,Infinity,-Infinity]", "- .nan\n- .inf\n- -.inf\n");
}

AG_TEST(test_yaml_writer__long_keys_and_deep_trees_survive)
{
    char json[4000];
    memset(json, 'k', sizeof json);
    memcpy(json, "{\"", 2);
    (void)ag_format(json + 3000, sizeof json - 3000, "\":{\"a b\":[1,{\"c\":2}]},\"z\":3}");
    expect_yaml(json, NULL);
    ag_value chain[300];
    ag_err err = {0};
    ag_buf out;
    for (size_t i = 0; i < 300; i++) {
        chain[i] = (ag_value){.kind = AG_ARRAY};
        chain[i].array.items = i ? &chain[i - 1] : NULL;
        chain[i].array.count = i ? 1 : 0;
    }
    ag_buf_init(&out, 1 << 20);
    AG_EXPECT_OK(ag_yaml_write(&chain[200], &out, &err));
    AG_EXPECT_ERROR(ag_yaml_write(&chain[299], &out, &err), AG_ELIMIT, "deeper than 256");
    ag_buf_deinit(&out);
    ag_buf_init(&out, 10);
    AG_EXPECT_ERROR(ag_yaml_write(&chain[50], &out, &err), AG_ELIMIT, "YAML");
    ag_buf_deinit(&out);
}
