// SPDX-License-Identifier: Apache-2.0
/* json_fuzz.c: any bytes into the JSON reader, under each policy. What is accepted must survive the writer: written and
 * read again it is the same tree, and written again the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) abort();
}

static void write_tree(const ag_value *value, uint8_t indent, ag_json_nonfinite policy, ag_buf *out)
{
    ag_buf_init(out, (size_t)1 << 28);
    ag_json json = ag_json_writer(out, indent, policy);
    ag_json_value(&json, value);
    check(ag_json_end_document(&json, NULL) == AG_OK);
}

static void round_trip(ag_arena *arena, const ag_value *value, const ag_json_options *options, uint8_t indent)
{
    ag_buf first, second;
    const ag_value *again = NULL;
    write_tree(value, indent, options->nonfinite, &first);
    check(ag_json_parse(arena, ag_buf_str(&first), options, &again, NULL) == AG_OK);
    check(ag_value_equal(value, again));
    write_tree(again, indent, options->nonfinite, &second);
    check(ag_str_equal(ag_buf_str(&first), ag_buf_str(&second)));
    ag_buf_deinit(&first);
    ag_buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_str text = {(const char *)data, size};
    for (int round = 0; round < 2; round++) {
        ag_json_options options = {.file = "fuzz", .max_depth = 40, .max_values = 10000};
        options.nonfinite = round ? AG_JSON_NONFINITE_WORDS : AG_JSON_REFUSE_NONFINITE;
        options.allow_duplicates = round;
        ag_arena *arena = ag_arena_new(0);
        const ag_value *value = NULL;
        ag_err err = {0};
        if (ag_json_parse(arena, text, &options, &value, &err) == AG_OK)
            round_trip(arena, value, &options, round ? 2 : 0);
        else
            check(err.code < 0 && err.text[0] && err.line >= 1 && err.column >= 1 && !value);
        ag_arena_free(arena);
    }
    return 0;
}
