// SPDX-License-Identifier: Apache-2.0
/* setitec_fuzz.c: the reader of drilling files and the validators behind it, from the bytes of a file. */
#include "data/reader.h"
#include "data/validator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_arena *arena = ag_arena_new((size_t)256 << 20);
    if (!arena) return 0;
    ag_hole_source source = {.name = "a.xls", .bytes = {(const char *)data, size}};
    ag_hole *hole;
    ag_err err = {0};
    ag_limits limits;
    ag_verdict verdict;
    uint8_t digest[32];
    const ag_hole_reader *reader = ag_hole_reader_find("setitec");
    hole = ag_arena_alloc(arena, sizeof(*hole));
    if (hole) {
        *hole = (ag_hole){.arena = arena, .reader = reader->name, .file = "E_h_ST_1_2.xls"};
        if (reader->read(&source, hole, &err) == AG_OK && ag_limits_default(&limits, &err) == AG_OK &&
            ag_validate(hole, &limits, arena, &verdict, &err) == AG_OK)
            ag_hole_trace_digest(hole, digest, &err);
    }
    ag_arena_free(arena);
    return 0;
}
