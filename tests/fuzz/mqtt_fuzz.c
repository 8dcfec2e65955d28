// SPDX-License-Identifier: Apache-2.0
/* mqtt_fuzz.c: messages of drilling units and tables; a zero byte separates what lies beside a message. */
#include <string.h>

#include "data/reader.h"
#include "data/validator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_with(const char *name, ag_str bytes, const ag_str *companion)
{
    ag_arena *arena = ag_arena_new((size_t)256 << 20);
    if (!arena) return;
    const ag_hole_reader *reader = ag_hole_reader_find(name);
    ag_hole_source source = {.bytes = bytes, .companions = companion, .companion_count = companion ? 1 : 0};
    ag_hole *hole = ag_arena_alloc(arena, sizeof(*hole));
    ag_err err = {0};
    ag_limits limits;
    ag_verdict verdict;
    if (hole) {
        *hole = (ag_hole){.arena = arena, .reader = reader->name};
        if (reader->is_companion) reader->is_companion(bytes);
        if (reader->read(&source, hole, &err) == AG_OK && ag_limits_default(&limits, &err) == AG_OK)
            ag_validate(hole, &limits, arena, &verdict, &err);
    }
    ag_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_str all = {(const char *)data, size}, companion;
    const char *zero = size ? memchr(data, 0, size) : NULL;
    if (size > 0 && (data[0] == '{' || data[0] == '[')) {
        size_t first = zero ? (size_t)(zero - all.data) : size;
        companion = ag_str_slice(all, first + 1, size);
        read_with("mqtt_json", ag_str_slice(all, 0, first), zero ? &companion : NULL);
    } else {
        read_with("csv", all, NULL);
    }
    return 0;
}
