// SPDX-License-Identifier: Apache-2.0
/* yaml_fuzz.c: any bytes into the YAML reader. What is accepted must survive the YAML writer unchanged. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/doc/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) abort();
}

static void round_trip(ag_arena *arena, const ag_value *value, const ag_yaml_options *options)
{
    ag_buf out;
    const ag_value *again = NULL;
    ag_buf_init(&out, (size_t)1 << 28);
    check(ag_yaml_write(value, &out, NULL) == AG_OK);
    check(ag_yaml_parse(arena, ag_buf_str(&out), options, &again, NULL) == AG_OK);
    check(ag_value_equal(value, again));
    ag_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_yaml_options options = {.file = "fuzz", .max_depth = 40, .max_values = 10000};
    ag_arena *arena = ag_arena_new(0);
    const ag_value *value = NULL;
    ag_err err = {0};
    if (ag_yaml_parse(arena, (ag_str){(const char *)data, size}, &options, &value, &err) == AG_OK)
        round_trip(arena, value, &options);
    else
        check(err.code < 0 && err.text[0] && err.line >= 1 && err.column >= 1 && !value);
    ag_arena_free(arena);
    return 0;
}
